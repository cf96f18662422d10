//! JSON that is kept as its bytes.

mod compact;

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use crate::codec::error::DecodeError;
use crate::codec::intern::Interner;
use crate::codec::json::Lexer;
use crate::view::{Slot, Value, View};

/// Any JSON value, kept as the text it was sent as: `FieldsV1`, `RawExtension`, defaults and examples in schemas. Cheap to
/// clone: clones share it.
///
/// 40% of the bytes of a real pod are managed fields, which next to nobody reads: they are never parsed into a tree,
/// and, in lists and whatever else may be large, kept in a shorter form from which the text is made once it is asked for.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct RawJson(Option<Arc<Kept>>);

enum Kept {
    Text(Box<str>),
    Short { short: Box<[u8]>, text: OnceLock<Box<str>> },
}

impl Kept {
    fn bytes(&self) -> &[u8] {
        match self {
            Kept::Text(text) => text.as_bytes(),
            Kept::Short { short, .. } => short,
        }
    }

    /// The text, which is not kept if it has to be made.
    fn text(&self) -> Cow<'_, str> {
        match self {
            Kept::Text(text) => Cow::Borrowed(text),
            Kept::Short { short, text } => match text.get() {
                Some(text) => Cow::Borrowed(text),
                None => compact::restore(short).into(),
            },
        }
    }
}

impl PartialEq for Kept {
    fn eq(&self, other: &Kept) -> bool {
        match (self, other) {
            // A text has one short form.
            (Kept::Short { short, .. }, Kept::Short { short: other, .. }) => short == other,
            _ => self.text() == other.text(),
        }
    }
}

impl Eq for Kept {}

impl Hash for Kept {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text().hash(state);
    }
}

impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RawJson").field(&self.text()).finish()
    }
}

/// The form in which a text is kept.
pub(crate) struct Form<'a> {
    text: &'a str,
    short: Option<&'a [u8]>,
}

impl<'a> Form<'a> {
    /// `room` is there to be used again.
    pub(crate) fn of(text: &'a str, room: &'a mut Vec<u8>) -> Form<'a> {
        room.clear();
        let short = compact::shorten(text, room).then_some(room.as_slice());
        Form { text, short }
    }

    /// What no other text has.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.short.unwrap_or(self.text.as_bytes())
    }
}

impl RawJson {
    /// Keeps a text that is known to be one JSON value.
    pub(crate) fn from_valid(json: &str) -> RawJson {
        RawJson::from_form(&Form::of(json, &mut Vec::new()))
    }

    /// The same without making it short.
    pub(crate) fn as_it_is(json: &str) -> RawJson {
        RawJson((json != "null").then(|| Arc::new(Kept::Text(json.into()))))
    }

    pub(crate) fn from_form(form: &Form<'_>) -> RawJson {
        let kept = match form.short {
            Some(short) => Kept::Short { short: short.into(), text: OnceLock::new() },
            None if form.text == "null" => return RawJson(None),
            None => Kept::Text(form.text.into()),
        };
        RawJson(Some(Arc::new(kept)))
    }

    /// Keeps what a codec has just written.
    pub(crate) fn from_transcoded(json: &[u8]) -> RawJson {
        RawJson::from_valid(std::str::from_utf8(json).unwrap_or("null"))
    }

    /// As [`Form::bytes`]; none for `null`.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], |kept| kept.bytes())
    }

    /// The JSON text, which is not kept if it has to be made.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        self.0.as_ref().map_or("null".into(), |kept| kept.text())
    }

    /// Checks a text and keeps it.
    ///
    /// ```
    /// use k8s_api::raw::RawJson;
    ///
    /// assert_eq!(RawJson::parse(b" {\"a\": [1]} ")?.as_str(), r#"{"a": [1]}"#);
    /// assert!(RawJson::parse(b"{").is_err());
    /// # Ok::<(), k8s_api::codec::error::DecodeError>(())
    /// ```
    pub fn parse(json: &[u8]) -> Result<RawJson, DecodeError> {
        RawJson::parse_with(json, None, &mut Vec::new())
    }

    /// Checks a text and keeps it, or shares it if it was kept before. `room` is there to be used again.
    pub(crate) fn parse_with(
        json: &[u8],
        interner: Option<&mut Interner>,
        room: &mut Vec<u8>,
    ) -> Result<RawJson, DecodeError> {
        let mut lexer = Lexer::new(json)?;
        let raw = lexer.raw_with(interner, room)?;
        lexer.end()?;
        Ok(raw)
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        match self.0.as_deref() {
            None => "null",
            Some(Kept::Text(text)) => text,
            Some(Kept::Short { short, text }) => text.get_or_init(|| compact::restore(short).into()),
        }
    }

    /// Whether it is `null`, as a new one is.
    pub fn is_null(&self) -> bool {
        self.0.is_none()
    }
}

impl Value for RawJson {
    fn view(&self) -> View<'_> {
        View::Raw(self)
    }

    fn slot(&mut self) -> Slot<'_> {
        Slot::Raw(self)
    }
}
