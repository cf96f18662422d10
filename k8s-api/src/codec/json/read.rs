//! From JSON into fields.

use std::borrow::Cow;

use super::lexer::{Lexer, Number, kind};
use crate::bytes::ByteString;
use crate::codec::error::DecodeError;
use crate::leaf::Scalar;
use crate::raw::RawJson;
use crate::table::Table;
use crate::view::{Message, Slot};

type Result<T> = std::result::Result<T, DecodeError>;

/// Reads one object.
///
/// ```
/// use k8s_api::core::v1::ConfigMap;
///
/// let config: ConfigMap = k8s_api::codec::json::decode(br#"{"metadata":{"name":"web"},"data":{"k":"v"}}"#)?;
/// assert_eq!(config.metadata.name, "web");
/// # Ok::<(), k8s_api::codec::error::DecodeError>(())
/// ```
pub fn decode<M: Message + Default>(json: &[u8]) -> Result<M> {
    let mut message = M::default();
    decode_into(&mut message, json)?;
    Ok(message)
}

/// Reads one object into a value that a caller has made; fields that are absent keep what they hold.
pub fn decode_into(message: &mut dyn Message, json: &[u8]) -> Result<()> {
    let mut lexer = Lexer::new(json)?;
    read_message(&mut lexer, message)?;
    lexer.end()
}

/// One event of a watch: its type, and the JSON of its object.
pub fn event(json: &[u8]) -> Result<(Cow<'_, str>, &str)> {
    let mut lexer = Lexer::new(json)?;
    lexer.open(b'{')?;
    let (mut first, mut type_, mut object) = (true, None, None);
    while lexer.more(&mut first, b'}')? {
        match &*lexer.key()? {
            "type" => type_ = Some(lexer.string()?),
            "object" => object = Some(lexer.raw()?),
            _ => _ = lexer.raw()?,
        }
    }
    lexer.end()?;
    match (type_, object) {
        (Some(type_), Some(object)) => Ok((type_, object)),
        _ => Err(lexer.error("an event of a watch has a type and an object")),
    }
}

fn read_message(lexer: &mut Lexer<'_>, message: &mut dyn Message) -> Result<()> {
    let table = message.table();
    if table.union {
        return read_union(lexer, message);
    }
    lexer.open(b'{')?;
    let (mut first, mut next) = (true, 0);
    while lexer.more(&mut first, b'}')? {
        let name = lexer.key()?;
        match table.position(&name, next) {
            Some(position) => {
                next = position + 1;
                if let Some(slot) = message.field_mut(position) {
                    read(lexer, slot).map_err(|error| error.in_field(&name))?;
                }
            }
            None if table.kind.is_some() && matches!(&*name, "apiVersion" | "kind") => {
                type_meta(lexer, table, &name).map_err(|error| error.in_field(&name))?;
            }
            None => {
                let raw = lexer.raw().map_err(|error| error.in_field(&name))?;
                message.unknown_mut().push_json((&*name).into(), RawJson::from_valid(raw));
            }
        }
    }
    Ok(())
}

/// An object of another kind is an error here, and not a value with nothing in it.
fn type_meta(lexer: &mut Lexer<'_>, table: &Table, name: &str) -> Result<()> {
    let Some(kind) = table.kind else { return Ok(()) };
    let wanted = if name == "kind" { kind.kind } else { kind.api_version };
    if lexer.null()? {
        return Ok(());
    }
    let found = lexer.string()?;
    // The items of a list have neither.
    if found.is_empty() || found == wanted {
        return Ok(());
    }
    Err(lexer.error(format!("expected {wanted}, not {found}")))
}

/// The kind of value that comes next says which field it is of.
fn read_union(lexer: &mut Lexer<'_>, message: &mut dyn Message) -> Result<()> {
    let begins = lexer.peek()?;
    let (mut chosen, mut flag) = (None, None);
    for position in 0..message.table().fields.len() {
        match message.field_mut(position) {
            Some(Slot::Bool(_)) => {
                flag = Some(position);
                if matches!(begins, b't' | b'f') {
                    chosen = Some(position);
                }
            }
            Some(Slot::List(_)) if begins == b'[' => chosen = Some(position),
            Some(Slot::Option(_)) if begins == b'{' => chosen = Some(position),
            _ => {}
        }
    }
    let Some(position) = chosen else {
        return Err(lexer.error(format!("{} is none of what may stand here", kind(begins))));
    };
    if let Some(slot) = message.field_mut(position) {
        read(lexer, slot)?;
    }
    // A schema where a boolean may stand means true.
    if begins == b'{'
        && let Some(Slot::Bool(allows)) = flag.and_then(|flag| message.field_mut(flag))
    {
        *allows = true;
    }
    Ok(())
}

fn read(lexer: &mut Lexer<'_>, slot: Slot<'_>) -> Result<()> {
    if !matches!(slot, Slot::Raw(_)) && lexer.null()? {
        set_null(slot);
        return Ok(());
    }
    match slot {
        Slot::Bool(value) => *value = lexer.bool()?,
        Slot::I32(value) => {
            let integer = integer(lexer)?;
            *value = i32::try_from(integer)
                .map_err(|_| lexer.error(format!("{integer} does not fit into 32 bits")))?;
        }
        Slot::I64(value) => *value = integer(lexer)?,
        Slot::F64(value) => {
            *value = match lexer.number()? {
                // A document's integers beyond 2^53 lose digits here, as in every reader.
                Number::Int(integer) => integer as f64,
                Number::Other(text) => text
                    .parse()
                    .ok()
                    .filter(|f: &f64| f.is_finite())
                    .ok_or_else(|| lexer.error("a number beyond 64-bit floating point"))?,
            }
        }
        Slot::Str(value) => *value = lexer.string()?.into(),
        Slot::Enum(value) => value.set(&lexer.string()?),
        Slot::Bytes(value) => {
            let text = lexer.string()?;
            *value = ByteString::from_base64(&text).map_err(|error| lexer.error(error.to_string()))?;
        }
        Slot::Leaf(leaf) => {
            let scalar = match lexer.peek()? {
                b'"' => Scalar::Text(lexer.string()?),
                b'-' | b'0'..=b'9' => match lexer.number()? {
                    Number::Int(integer) => Scalar::Int(integer),
                    Number::Other(text) => Scalar::Number(text.into()),
                },
                other => return Err(lexer.error(format!("expected a text or a number, not {}", kind(other)))),
            };
            leaf.set(scalar).map_err(|error| lexer.error(error.to_string()))?;
        }
        Slot::Raw(value) => *value = RawJson::from_valid(lexer.raw()?),
        Slot::Message(message) => read_message(lexer, message)?,
        Slot::Option(option) => read(lexer, option.fill())?,
        Slot::List(list) => {
            list.clear();
            lexer.open(b'[')?;
            let (mut first, mut index) = (true, 0);
            while lexer.more(&mut first, b']')? {
                read(lexer, list.push()).map_err(|error| error.in_element(index))?;
                index += 1;
            }
            list.shrink();
        }
        Slot::Map(map) => {
            map.clear();
            lexer.open(b'{')?;
            let mut first = true;
            while lexer.more(&mut first, b'}')? {
                let key = lexer.key()?;
                read(lexer, map.entry((&*key).into())).map_err(|error| error.in_field(&key))?;
            }
            map.shrink();
        }
    }
    Ok(())
}

fn integer(lexer: &mut Lexer<'_>) -> Result<i64> {
    match lexer.number()? {
        Number::Int(value) => Ok(value),
        Number::Other(text) => Err(lexer.error(format!("expected an integer of 64 bits, not {text}"))),
    }
}

/// What `null` means where it is no value: nothing was set.
pub(crate) fn set_null(slot: Slot<'_>) {
    match slot {
        Slot::Bool(value) => *value = false,
        Slot::I32(value) => *value = 0,
        Slot::I64(value) => *value = 0,
        Slot::F64(value) => *value = 0.0,
        Slot::Str(value) => *value = Default::default(),
        Slot::Enum(value) => value.set(""),
        Slot::Bytes(value) => *value = Default::default(),
        Slot::Raw(value) => *value = RawJson::default(),
        Slot::Option(option) => option.set_null(),
        Slot::List(list) => list.clear(),
        Slot::Map(map) => map.clear(),
        Slot::Leaf(_) | Slot::Message(_) => {}
    }
}
