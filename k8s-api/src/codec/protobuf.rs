//! The protobuf of the Kubernetes API: what Go's generated code writes, byte for byte.
//!
//! Go writes every value that is no pointer, zero or not, in the order of the field numbers, and maps sorted by key.

use crate::codec::MAX_DEPTH;
use crate::codec::error::{DecodeError, EncodeError};
use crate::codec::wire::{FIXED64, Found, Reader, Wire, bytes, integer, tag};
use crate::raw::RawJson;
use crate::table::Field;
use crate::view::{Message, Slot, View};

type Result<T> = std::result::Result<T, DecodeError>;

/// Before an object that stands alone.
const MAGIC: &[u8] = b"k8s\0";

/// Writes one object in the envelope that the API wants.
pub fn encode(message: &dyn Message) -> std::result::Result<Vec<u8>, EncodeError> {
    let table = message.table();
    let Some(kind) = table.kind else {
        return Err(EncodeError::new(format!("{} does not stand alone", table.name)));
    };
    let mut raw = Vec::new();
    encode_message(message, &mut raw)?;
    let mut type_meta = Vec::new();
    bytes(1, kind.api_version.as_bytes(), &mut type_meta);
    bytes(2, kind.kind.as_bytes(), &mut type_meta);
    let mut out = MAGIC.to_vec();
    bytes(1, &type_meta, &mut out);
    bytes(2, &raw, &mut out);
    // Neither encoded nor of another type: Go writes both all the same.
    bytes(3, b"", &mut out);
    bytes(4, b"", &mut out);
    Ok(out)
}

/// Appends the fields of a message, without an envelope.
pub fn encode_message(message: &dyn Message, out: &mut Vec<u8>) -> std::result::Result<(), EncodeError> {
    let table = message.table();
    if !message.unknown().json().is_empty() {
        return Err(EncodeError::new(format!(
            "{} has fields of a newer server that came as JSON: it can only be sent back as JSON",
            table.name
        )));
    }
    let mut order: Vec<usize> = (0..table.fields.len()).collect();
    order.sort_by_key(|&position| sort_key(position, table.fields));
    write_group(message, &order, 0, out)?;
    out.extend_from_slice(message.unknown().protobuf());
    Ok(())
}

/// Numbers from the outside in, so that what is nested together stands together.
fn sort_key(position: usize, fields: &[Field]) -> Vec<u32> {
    fields
        .get(position)
        .map(|field| field.within.iter().copied().chain([field.number]).collect())
        .unwrap_or_default()
}

/// Writes the fields that are nested `depth` messages deep in the same way.
fn write_group(
    message: &dyn Message,
    order: &[usize],
    depth: usize,
    out: &mut Vec<u8>,
) -> std::result::Result<(), EncodeError> {
    let fields = message.table().fields;
    let outer = |position: usize| fields.get(position).and_then(|field| field.within.get(depth).copied());
    let mut rest = order;
    while let Some((&position, after)) = rest.split_first() {
        let Some(field) = fields.get(position) else { break };
        match outer(position) {
            None => {
                write_field(field, message.field(position), out)
                    .map_err(|error| EncodeError::new(format!("{}: {error}", field.name)))?;
                rest = after;
            }
            Some(number) => {
                let count = rest.iter().take_while(|&&position| outer(position) == Some(number)).count();
                let (group, after) = rest.split_at(count);
                let mut nested = Vec::new();
                write_group(message, group, depth + 1, &mut nested)?;
                bytes(number, &nested, out);
                rest = after;
            }
        }
    }
    Ok(())
}

fn write_field(field: &Field, view: View<'_>, out: &mut Vec<u8>) -> std::result::Result<(), EncodeError> {
    let number = field.number;
    if number == 0 {
        return if field.omits(&view) {
            Ok(())
        } else {
            Err(EncodeError::new("the field has no number in protobuf"))
        };
    }
    match view {
        View::Absent if field.always => bytes(number, b"", out),
        View::Absent => {}
        // Go writes an empty slice that is not nil, which is what it reads from the `""` that JSON holds.
        View::Bytes(value) if value.is_empty() && field.omits(&view) => {}
        View::List(list) => {
            for index in 0..list.len() {
                write_value(number, list.get(index), out)?;
            }
        }
        View::Map(map) => {
            for (key, view) in (0..map.len()).filter_map(|index| map.get(index)) {
                let mut entry = Vec::new();
                bytes(1, key.as_bytes(), &mut entry);
                write_value(2, view, &mut entry)?;
                bytes(number, &entry, out);
            }
        }
        view => write_value(number, view, out)?,
    }
    Ok(())
}

fn write_value(number: u32, view: View<'_>, out: &mut Vec<u8>) -> std::result::Result<(), EncodeError> {
    match view {
        View::Absent | View::Null => return Err(EncodeError::new("null is no value in protobuf")),
        View::Bool(value) => integer(number, u64::from(value), out),
        View::I32(value) => integer(number, i64::from(value) as u64, out),
        View::I64(value) => integer(number, value as u64, out),
        View::F64(value) => {
            tag(number, FIXED64, out);
            out.extend_from_slice(&value.to_le_bytes());
        }
        View::Str(text) => bytes(number, text.as_bytes(), out),
        View::Bytes(value) => bytes(number, value, out),
        View::Leaf(leaf) => {
            let mut nested = Vec::new();
            leaf.write_protobuf(&mut nested);
            bytes(number, &nested, out);
        }
        View::Raw(raw) => {
            let mut nested = Vec::new();
            if !raw.is_null() {
                bytes(1, raw.as_str().as_bytes(), &mut nested);
            }
            bytes(number, &nested, out);
        }
        View::Message(message) => {
            let mut nested = Vec::new();
            encode_message(message, &mut nested)?;
            bytes(number, &nested, out);
        }
        // In a map: a message of its own around the elements, as Go has it for `ExtraValue`.
        View::List(list) => {
            let mut nested = Vec::new();
            for index in 0..list.len() {
                write_value(1, list.get(index), &mut nested)?;
            }
            bytes(number, &nested, out);
        }
        View::Map(_) => return Err(EncodeError::new("a map in a list or a map has no form in protobuf")),
    }
    Ok(())
}

/// Reads one object in its envelope.
pub fn decode<M: Message + Default>(envelope: &[u8]) -> Result<M> {
    let mut message = M::default();
    let Some(rest) = envelope.strip_prefix(MAGIC) else {
        return Err(DecodeError::new(
            "this is no protobuf of the Kubernetes API: it does not begin with `k8s`",
            0,
        ));
    };
    let mut reader = Reader::new(rest, MAGIC.len());
    let mut raw = None;
    while let Some(field) = reader.field()? {
        match (field.number, field.value) {
            (1, Wire::Bytes(type_meta)) => check_kind(&message, type_meta)?,
            (2, Wire::Bytes(value)) => raw = Some(value),
            _ => {}
        }
    }
    let raw = raw.unwrap_or(Reader::new(&[], envelope.len()));
    read_message(raw, &mut message, 1)?;
    Ok(message)
}

fn check_kind(message: &dyn Message, mut type_meta: Reader<'_>) -> Result<()> {
    let Some(kind) = message.table().kind else { return Ok(()) };
    while let Some(field) = type_meta.field()? {
        let wanted = match field.number {
            1 => kind.api_version,
            2 => kind.kind,
            _ => continue,
        };
        let found = field.text()?;
        if !found.is_empty() && found != wanted {
            return Err(DecodeError::new(format!("expected {wanted}, not {found}"), field.offset));
        }
    }
    Ok(())
}

/// Reads the fields of a message, without an envelope.
pub fn decode_message(message: &mut dyn Message, fields: &[u8]) -> Result<()> {
    read_message(Reader::new(fields, 0), message, 1)
}

fn read_message(reader: Reader<'_>, message: &mut dyn Message, depth: usize) -> Result<()> {
    read_group(reader, message, &mut Vec::new(), depth)
}

fn read_group(
    mut reader: Reader<'_>,
    message: &mut dyn Message,
    within: &mut Vec<u32>,
    depth: usize,
) -> Result<()> {
    if depth > MAX_DEPTH {
        return Err(DecodeError::new(format!("nested more than {MAX_DEPTH} deep"), reader.offset));
    }
    let fields = message.table().fields;
    let mut next = 0;
    while let Some(found) = reader.field()? {
        let matches = |field: &Field| field.number == found.number && field.within == within.as_slice();
        // They come in the order in which they were written, and that is nearly always the table's.
        let position = fields
            .iter()
            .skip(next)
            .position(matches)
            .map(|position| position + next)
            .or_else(|| fields.iter().position(matches));
        if let Some(position) = position {
            next = position;
            let name = fields.get(position).map_or("", |field| field.name);
            if let Some(slot) = message.field_mut(position) {
                read(slot, found, depth).map_err(|error| error.in_field(name))?;
            }
            continue;
        }
        let nests = |field: &Field| {
            field.within.get(within.len()) == Some(&found.number) && field.within.starts_with(within)
        };
        match found.value {
            Wire::Bytes(nested) if fields.iter().any(nests) => {
                within.push(found.number);
                read_group(nested, message, within, depth + 1)?;
                within.pop();
            }
            _ => {
                // Nested again as it came: of a message that comes twice, the second adds to the first.
                let mut unknown = found.encoded.to_vec();
                for &number in within.iter().rev() {
                    let inner = std::mem::take(&mut unknown);
                    bytes(number, &inner, &mut unknown);
                }
                message.unknown_mut().push_protobuf(&unknown);
            }
        }
    }
    Ok(())
}

fn read(slot: Slot<'_>, field: Found<'_>, depth: usize) -> Result<()> {
    match slot {
        Slot::Bool(value) => *value = field.varint()? != 0,
        Slot::I32(value) => *value = field.varint()? as i32,
        Slot::I64(value) => *value = field.varint()? as i64,
        Slot::F64(value) => *value = f64::from_le_bytes(field.fixed64()?),
        Slot::Str(value) => *value = field.text()?.into(),
        Slot::Enum(value) => value.set(field.text()?),
        Slot::Bytes(value) => *value = field.bytes()?.rest.into(),
        Slot::Leaf(leaf) => leaf
            .read_protobuf(field.bytes()?.rest)
            .map_err(|error| DecodeError::new(error.to_string(), field.offset))?,
        Slot::Raw(value) => *value = raw(field)?,
        Slot::Message(message) => read_message(field.bytes()?, message, depth + 1)?,
        // Go's zero time is an empty message, and absent here.
        Slot::Option(option) => match option.fill() {
            Slot::Leaf(_) if matches!(&field.value, Wire::Bytes(value) if value.rest.is_empty()) => {
                option.set_null()
            }
            slot => read(slot, field, depth)?,
        },
        Slot::List(list) => read(list.push(), field, depth)?,
        Slot::Map(map) => {
            let mut entry = field.bytes()?;
            let (mut key, mut value) = ("", None);
            while let Some(part) = entry.field()? {
                match part.number {
                    1 => key = part.text()?,
                    2 => value = Some(part),
                    _ => {}
                }
            }
            match (map.entry(key.into()), value) {
                (Slot::List(list), Some(value)) => {
                    let mut nested = value.bytes()?;
                    while let Some(element) = nested.field()? {
                        read(list.push(), element, depth).map_err(|error| error.in_field(key))?;
                    }
                }
                (slot, Some(value)) => read(slot, value, depth).map_err(|error| error.in_field(key))?,
                (_, None) => {}
            }
        }
    }
    Ok(())
}

fn raw(field: Found<'_>) -> Result<RawJson> {
    let mut nested = field.bytes()?;
    let mut value = RawJson::default();
    while let Some(part) = nested.field()? {
        if part.number == 1 {
            let json = part.bytes()?.rest;
            value = RawJson::parse(json)
                .map_err(|error| DecodeError::new(format!("raw JSON: {error}"), part.offset))?;
        }
    }
    Ok(value)
}
