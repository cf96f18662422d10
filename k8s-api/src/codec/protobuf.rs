//! The protobuf of the Kubernetes API: what Go's generated code writes, byte for byte.
//!
//! Go writes every value that is no pointer, zero or not, in the order of the field numbers, and maps sorted by key.

use crate::codec::MAX_DEPTH;
use crate::codec::error::{DecodeError, EncodeError};
use crate::codec::intern::Interner;
use crate::codec::prune::Prune;
use crate::codec::shape::{Place, Shape};
use crate::codec::wire::{FIXED64, Found, Reader, Wire, bytes, integer, tag};
use crate::raw::RawJson;
use crate::table::{Field, Table};
use crate::text::Str;
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
    let mut order: Vec<usize> = (0..table.len()).collect();
    order.sort_by_key(|&position| sort_key(position, table));
    write_group(message, &order, 0, out)?;
    out.extend_from_slice(message.unknown().protobuf());
    Ok(())
}

/// Numbers from the outside in, so that what is nested together stands together.
fn sort_key(position: usize, table: &Table) -> Vec<u32> {
    table
        .field(position)
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
    let table = message.table();
    let outer = |position: usize| table.field(position).and_then(|field| field.within.get(depth).copied());
    let mut rest = order;
    while let Some((&position, after)) = rest.split_first() {
        let Some(field) = table.field(position) else { break };
        match outer(position) {
            None => {
                write_field(&field, message.field(position), out)
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
                bytes(1, raw.text().as_bytes(), &mut nested);
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
    read_envelope(&mut message, envelope, &mut Shape::once(envelope.len()), None, None)?;
    Ok(message)
}

/// Reads one object in its envelope into a value that a caller has made.
pub fn decode_into(message: &mut dyn Message, envelope: &[u8]) -> Result<()> {
    read_envelope(message, envelope, &mut Shape::once(envelope.len()), None, None)
}

/// Reads one object in its envelope with what a decoder remembers.
pub(crate) fn read_envelope(
    message: &mut dyn Message,
    envelope: &[u8],
    shape: &mut Shape,
    interner: Option<&mut Interner>,
    prune: Option<&Prune>,
) -> Result<()> {
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
            (1, Wire::Bytes(type_meta)) => check_kind(message, type_meta)?,
            (2, Wire::Bytes(value)) => raw = Some(value),
            _ => {}
        }
    }
    let raw = raw.unwrap_or(Reader::new(&[], envelope.len()));
    Decoding { shape, interner, room: Vec::new() }.message(raw, message, Place::ROOT, prune, 1)
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
    let mut decoding = Decoding { shape: &mut Shape::once(fields.len()), interner: None, room: Vec::new() };
    decoding.message(Reader::new(fields, 0), message, Place::ROOT, None, 1)
}

struct Decoding<'s> {
    shape: &'s mut Shape,
    interner: Option<&'s mut Interner>,
    /// Used again for every raw value.
    room: Vec<u8>,
}

impl Decoding<'_> {
    fn message(
        &mut self,
        reader: Reader<'_>,
        message: &mut dyn Message,
        place: Place,
        prune: Option<&Prune>,
        depth: usize,
    ) -> Result<()> {
        self.group(reader, message, place, prune, &mut Vec::new(), depth)
    }

    fn group(
        &mut self,
        mut reader: Reader<'_>,
        message: &mut dyn Message,
        place: Place,
        prune: Option<&Prune>,
        within: &mut Vec<u32>,
        depth: usize,
    ) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(DecodeError::new(format!("nested more than {MAX_DEPTH} deep"), reader.offset));
        }
        let table = message.table();
        let mut next = 0;
        loop {
            let before = reader;
            let Some(found) = reader.field()? else { return Ok(()) };
            let matches = |field: Field| field.number == found.number && same(field.within, within);
            let at = place.after(next);
            let guess = self.shape.next(at).unwrap_or(next);
            let position = if table.field(guess).is_some_and(matches) {
                Some(guess)
            } else {
                let position = table.fields().position(matches);
                if let Some(position) = position {
                    self.shape.set_next(at, position);
                }
                position
            };
            if let Some(position) = position {
                let name = table.names.get(position).unwrap_or(&"");
                let inside = prune.and_then(|prune| prune.field(position));
                // The elements of a list follow one another: at the first of them they are counted.
                let begins = next != position + 1;
                next = position + 1;
                if let Some(slot) = message.field_mut(position)
                    && !inside.is_some_and(|inside| inside.whole)
                {
                    let ahead = if begins { before } else { Reader::new(&[], 0) };
                    self.value(slot, found, ahead, place.after(next), inside, depth)
                        .map_err(|error| error.in_field(name))?;
                }
                continue;
            }
            let nests = |field: Field| {
                field.within.get(within.len()) == Some(&found.number) && field.within.starts_with(within)
            };
            match found.value {
                Wire::Bytes(nested) if table.fields().any(nests) => {
                    within.push(found.number);
                    self.group(nested, message, place, prune, within, depth + 1)?;
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
    }

    /// What is inside of an `Option`, a list or a map.
    fn inside(
        &mut self,
        slot: Slot<'_>,
        field: Found<'_>,
        ahead: Reader<'_>,
        place: Place,
        prune: Option<&Prune>,
        depth: usize,
    ) -> Result<()> {
        self.value(slot, field, ahead, place, prune, depth)
    }

    /// `ahead` holds this field and what follows it, if there is something to count.
    // Inlined for the reason that the reader of JSON has.
    #[inline(always)]
    fn value(
        &mut self,
        slot: Slot<'_>,
        field: Found<'_>,
        ahead: Reader<'_>,
        place: Place,
        prune: Option<&Prune>,
        depth: usize,
    ) -> Result<()> {
        match slot {
            Slot::Bool(value) => *value = field.varint()? != 0,
            Slot::I32(value) => *value = field.varint()? as i32,
            Slot::I64(value) => *value = field.varint()? as i64,
            Slot::F64(value) => *value = f64::from_le_bytes(field.fixed64()?),
            Slot::Str(value) => *value = self.text(field.text()?),
            Slot::Enum(value) => value.set(field.text()?),
            Slot::Bytes(value) => *value = field.bytes()?.rest.into(),
            Slot::Leaf(leaf) => leaf
                .read_protobuf(field.bytes()?.rest)
                .map_err(|error| DecodeError::new(error.to_string(), field.offset))?,
            Slot::Raw(value) => *value = self.raw(field)?,
            Slot::Message(message) => self.message(field.bytes()?, message, place, prune, depth + 1)?,
            // Go's zero time is an empty message, and absent here.
            Slot::Option(option) => match option.fill() {
                Slot::Leaf(_) if matches!(&field.value, Wire::Bytes(value) if value.rest.is_empty()) => {
                    option.set_null()
                }
                slot => self.inside(slot, field, ahead, place, prune, depth)?,
            },
            Slot::List(list) => {
                let each = prune.and_then(Prune::each);
                if each.is_some_and(|each| each.whole) {
                    return Ok(());
                }
                list.reserve(count(ahead, field.number));
                self.inside(list.push(), field, Reader::new(&[], 0), place, each, depth)?;
            }
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
                let inside = prune.and_then(|prune| prune.key(key));
                if inside.is_some_and(|inside| inside.whole) {
                    return Ok(());
                }
                map.reserve(count(ahead, field.number));
                let slot = map.fresh(self.text(key));
                if let Some(value) = value {
                    self.entry(slot, value, place, inside, depth).map_err(|error| error.in_field(key))?;
                }
            }
        }
        Ok(())
    }

    /// The value of a map's entry; a list is a message of its own there.
    fn entry(
        &mut self,
        slot: Slot<'_>,
        field: Found<'_>,
        place: Place,
        prune: Option<&Prune>,
        depth: usize,
    ) -> Result<()> {
        let nothing = || Reader::new(&[], 0);
        let Slot::List(list) = slot else { return self.inside(slot, field, nothing(), place, prune, depth) };
        let mut nested = field.bytes()?;
        while let Some(element) = nested.field()? {
            self.inside(list.push(), element, nothing(), place, prune.and_then(Prune::each), depth)?;
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Str {
        match &mut self.interner {
            Some(interner) => interner.text(text),
            None => Str::read(text),
        }
    }

    fn raw(&mut self, field: Found<'_>) -> Result<RawJson> {
        let mut nested = field.bytes()?;
        let mut value = RawJson::default();
        while let Some(part) = nested.field()? {
            if part.number == 1 {
                let json = part.bytes()?.rest;
                value = RawJson::parse_with(json, self.interner.as_deref_mut(), &mut self.room)
                    .map_err(|error| DecodeError::new(format!("raw JSON: {error}"), part.offset))?;
            }
        }
        Ok(value)
    }
}

/// Whether two nestings are equal; most are empty. A library's comparison of nothing at all can take some hundred
/// cycles, since an empty vector points nowhere: it was 40% of decoding.
#[inline(always)]
fn same(a: &[u32], b: &[u32]) -> bool {
    a.len() == b.len() && (a.is_empty() || a == b)
}

/// How many fields of this number come first.
fn count(mut ahead: Reader<'_>, number: u32) -> usize {
    let mut count = 0;
    while let Ok(Some(field)) = ahead.field()
        && field.number == number
    {
        count += 1;
    }
    count
}
