//! From JSON text to any serializer.

use std::cell::RefCell;

use serde_core::ser::{Error as _, Serialize, SerializeMap as _, SerializeSeq as _, Serializer};

use super::lexer::{Lexer, Number};

/// Gives one value of a text to a serializer.
pub(crate) fn transcode<S: Serializer>(lexer: &mut Lexer<'_>, serializer: S) -> Result<S::Ok, S::Error> {
    match lexer.peek().map_err(S::Error::custom)? {
        b'{' => {
            lexer.open(b'{').map_err(S::Error::custom)?;
            let mut map = serializer.serialize_map(None)?;
            let mut first = true;
            while lexer.more(&mut first, b'}').map_err(S::Error::custom)? {
                let key = lexer.key().map_err(S::Error::custom)?;
                map.serialize_entry(&*key, &Next(RefCell::new(lexer)))?;
            }
            map.end()
        }
        b'[' => {
            lexer.open(b'[').map_err(S::Error::custom)?;
            let mut seq = serializer.serialize_seq(None)?;
            let mut first = true;
            while lexer.more(&mut first, b']').map_err(S::Error::custom)? {
                seq.serialize_element(&Next(RefCell::new(lexer)))?;
            }
            seq.end()
        }
        b'"' => serializer.serialize_str(&lexer.string().map_err(S::Error::custom)?),
        b't' | b'f' => serializer.serialize_bool(lexer.bool().map_err(S::Error::custom)?),
        b'n' => {
            lexer.null().map_err(S::Error::custom)?;
            serializer.serialize_unit()
        }
        _ => match lexer.number().map_err(S::Error::custom)? {
            Number::Int(value) => serializer.serialize_i64(value),
            Number::Other(text) => match text.parse::<u64>() {
                Ok(value) => serializer.serialize_u64(value),
                Err(_) => serializer.serialize_f64(text.parse().map_err(S::Error::custom)?),
            },
        },
    }
}

/// The next value of a lexer that a serializer takes by shared reference.
struct Next<'a, 'b>(RefCell<&'a mut Lexer<'b>>);

impl Serialize for Next<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        transcode(&mut self.0.borrow_mut(), serializer)
    }
}
