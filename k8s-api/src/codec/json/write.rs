//! From fields to JSON.

use std::io::Write as _;

use crate::codec::error::EncodeError;
use crate::leaf::Scalar;
use crate::view::{Message, View};

/// Writes one object as Go would, `kind` and `apiVersion` first; nothing that was read is lost.
pub fn encode(message: &dyn Message) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::new();
    encode_into(message, &mut out)?;
    Ok(out)
}

/// Appends one object to `out`.
pub fn encode_into(message: &dyn Message, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    if message.table().union {
        return value(View::Message(message), out);
    }
    out.push(b'{');
    let mut first = true;
    if let Some(kind) = message.table().kind {
        for (name, value) in [("kind", kind.kind), ("apiVersion", kind.api_version)] {
            key(name, &mut first, out);
            string(value, out);
        }
    }
    fields(message, &mut first, out)
}

/// The fields of an object that is begun, and its end.
fn fields(message: &dyn Message, first: &mut bool, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let table = message.table();
    if !message.unknown().protobuf().is_empty() {
        return Err(EncodeError::new(format!(
            "{} has fields of a newer server that came as protobuf: it can only be sent back as protobuf",
            table.name
        )));
    }
    for (position, field) in table.fields().enumerate() {
        let view = message.field(position);
        if field.omits(&view) {
            continue;
        }
        key(field.name, first, out);
        value(view, out)?;
    }
    for (name, raw) in message.unknown().json() {
        key(name, first, out);
        out.extend_from_slice(raw.text().as_bytes());
    }
    out.push(b'}');
    Ok(())
}

pub(crate) fn value(view: View<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    match view {
        View::Absent | View::Null => out.extend_from_slice(b"null"),
        View::Bool(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
        View::I32(value) => number(value, out),
        View::I64(value) => number(value, out),
        View::F64(value) if value.is_finite() => number(value, out),
        View::F64(value) => return Err(EncodeError::new(format!("{value} is no number in JSON"))),
        View::Str(text) => string(text, out),
        View::Bytes(bytes) => string(&bytes.to_base64(), out),
        View::Leaf(leaf) => match leaf.get() {
            Scalar::Text(text) => string(&text, out),
            Scalar::Int(value) => number(value, out),
            Scalar::Number(text) => number(text, out),
        },
        View::Raw(raw) => out.extend_from_slice(raw.text().as_bytes()),
        View::Message(message) if message.table().union => union(message, out)?,
        View::Message(message) => {
            out.push(b'{');
            fields(message, &mut true, out)?;
        }
        View::List(list) => {
            out.push(b'[');
            for index in 0..list.len() {
                if index > 0 {
                    out.push(b',');
                }
                value(list.get(index), out)?;
            }
            out.push(b']');
        }
        View::Map(map) => {
            out.push(b'{');
            let mut first = true;
            for (name, view) in (0..map.len()).filter_map(|index| map.get(index)) {
                key(name, &mut first, out);
                value(view, out)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

fn union(message: &dyn Message, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    value(chosen(message), out)
}

/// The field of a union that is set. A flag counts last, since a schema sets it as well; so does a list with nothing
/// in it, which is what is left when nothing else is set.
pub(crate) fn chosen(message: &dyn Message) -> View<'_> {
    let mut last = View::Null;
    for position in 0..message.table().len() {
        match message.field(position) {
            view @ View::Bool(_) => last = view,
            view @ View::List(_) if view.is_empty() => last = view,
            View::Absent => {}
            view => return view,
        }
    }
    last
}

pub(crate) fn key(name: &str, first: &mut bool, out: &mut Vec<u8>) {
    if !std::mem::replace(first, false) {
        out.push(b',');
    }
    string(name, out);
    out.push(b':');
}

pub(crate) fn number(value: impl std::fmt::Display, out: &mut Vec<u8>) {
    // Writing into a vector can't fail.
    let _ = write!(out, "{value}");
}

/// A text with what JSON wants escaped.
pub(crate) fn string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut plain = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0x08 => b"\\b",
            0x0c => b"\\f",
            0..0x20 => b"",
            _ => continue,
        };
        out.extend_from_slice(bytes.get(plain..at).unwrap_or_default());
        if escape.is_empty() {
            let _ = write!(out, "\\u{byte:04x}");
        } else {
            out.extend_from_slice(escape);
        }
        plain = at + 1;
    }
    out.extend_from_slice(bytes.get(plain..).unwrap_or_default());
    out.push(b'"');
}
