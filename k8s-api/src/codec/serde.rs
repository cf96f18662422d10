//! serde both ways, over the tables: any self-describing format, with the results of the direct path.

use std::fmt;

use serde_core::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde_core::ser::{Error as _, Serialize, SerializeMap as _, SerializeSeq as _, Serializer};

use crate::bytes::ByteString;
use crate::codec::MAX_DEPTH;
use crate::codec::json::{self, Lexer, forget, set_null};
use crate::leaf::Scalar;
use crate::raw::RawJson;
use crate::text::Str;
use crate::view::{Message, Slot, View};

/// Writes a struct with `kind` and `apiVersion` if it has them.
pub fn serialize<S: Serializer>(message: &dyn Message, serializer: S) -> Result<S::Ok, S::Error> {
    if message.table().union {
        return Shown(json::chosen(message)).serialize(serializer);
    }
    let mut map = serializer.serialize_map(None)?;
    if let Some(kind) = message.table().kind {
        map.serialize_entry("kind", kind.kind)?;
        map.serialize_entry("apiVersion", kind.api_version)?;
    }
    fields::<S>(message, map)
}

fn fields<S: Serializer>(message: &dyn Message, mut map: S::SerializeMap) -> Result<S::Ok, S::Error> {
    let table = message.table();
    if !message.unknown().protobuf().is_empty() {
        return Err(S::Error::custom(format_args!(
            "{} has fields of a newer server that came as protobuf: it can only be sent back as protobuf",
            table.name
        )));
    }
    for (position, field) in table.fields().enumerate() {
        let view = message.field(position);
        if !field.omits(&view) {
            map.serialize_entry(field.name, &Shown(view))?;
        }
    }
    for (name, raw) in message.unknown().json() {
        map.serialize_entry(name.as_str(), raw)?;
    }
    map.end()
}

struct Shown<'a>(View<'a>);

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            View::Absent | View::Null => serializer.serialize_unit(),
            View::Bool(value) => serializer.serialize_bool(*value),
            View::I32(value) => serializer.serialize_i32(*value),
            View::I64(value) => serializer.serialize_i64(*value),
            // As the direct path writes it: JSON has one kind of number.
            View::F64(value) if value.fract() == 0.0 && value.abs() < 1e15 => {
                serializer.serialize_i64(*value as i64)
            }
            View::F64(value) => serializer.serialize_f64(*value),
            View::Str(text) => serializer.serialize_str(text),
            View::Bytes(bytes) => serializer.serialize_str(&bytes.to_base64()),
            View::Leaf(leaf) => match leaf.get() {
                Scalar::Text(text) | Scalar::Number(text) => serializer.serialize_str(&text),
                Scalar::Int(value) => serializer.serialize_i64(value),
            },
            View::Raw(raw) => raw.serialize(serializer),
            View::Message(message) if message.table().union => {
                Shown(json::chosen(*message)).serialize(serializer)
            }
            View::Message(message) => {
                let map = serializer.serialize_map(None)?;
                fields::<S>(*message, map)
            }
            View::List(list) => {
                let mut seq = serializer.serialize_seq(Some(list.len()))?;
                for index in 0..list.len() {
                    seq.serialize_element(&Shown(list.get(index)))?;
                }
                seq.end()
            }
            View::Map(map) => {
                let mut out = serializer.serialize_map(Some(map.len()))?;
                for (key, view) in (0..map.len()).filter_map(|index| map.get(index)) {
                    out.serialize_entry(key, &Shown(view))?;
                }
                out.end()
            }
        }
    }
}

/// Reads a struct into a default one.
pub fn deserialize<'de, D: Deserializer<'de>>(
    message: &mut dyn Message,
    deserializer: D,
) -> Result<(), D::Error> {
    let table = message.table();
    if table.union {
        return deserializer.deserialize_any(Into { slot: Slot::Message(message), depth: 1 });
    }
    deserializer.deserialize_struct(table.name, table.names, Into { slot: Slot::Message(message), depth: 1 })
}

/// Visits whatever comes, for one slot.
struct Into<'a> {
    slot: Slot<'a>,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Into<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.depth > MAX_DEPTH {
            return Err(D::Error::custom(format_args!("nested more than {MAX_DEPTH} deep")));
        }
        // A union and a leaf are what they turn out to be; null may stand anywhere.
        match &self.slot {
            Slot::Raw(_) => {
                let Slot::Raw(value) = self.slot else { return Ok(()) };
                let mut text = Vec::new();
                deserializer.deserialize_any(Transcode { out: &mut text, depth: self.depth })?;
                *value = RawJson::from_transcoded(&text);
                Ok(())
            }
            _ => deserializer.deserialize_option(self),
        }
    }
}

impl<'de> Visitor<'de> for Into<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.slot {
            Slot::Bool(_) => "true or false",
            Slot::I32(_) => "an integer of 32 bits",
            Slot::I64(_) => "an integer of 64 bits",
            Slot::F64(_) => "a number",
            Slot::Str(_) | Slot::Enum(_) => "a text",
            Slot::Bytes(_) => "a text in base64",
            Slot::Leaf(_) => "a text or a number",
            Slot::Raw(_) => "a value",
            Slot::Message(message) => return f.write_str(message.table().name),
            Slot::Option(_) => "a value or null",
            Slot::List(_) => "a list",
            Slot::Map(_) => "an object",
        })
    }

    fn visit_none<E: serde_core::de::Error>(self) -> Result<(), E> {
        set_null(self.slot);
        Ok(())
    }

    fn visit_unit<E: serde_core::de::Error>(self) -> Result<(), E> {
        self.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let depth = self.depth;
        match self.slot {
            Slot::Option(option) => Into { slot: option.fill(), depth }.deserialize(deserializer),
            Slot::Message(message) if !message.table().union => {
                let table = message.table();
                deserializer.deserialize_struct(
                    table.name,
                    table.names,
                    Into { slot: Slot::Message(message), depth },
                )
            }
            Slot::Message(union) => {
                forget(union);
                deserializer.deserialize_any(Into { slot: Slot::Message(union), depth })
            }
            slot => deserializer.deserialize_any(Into { slot, depth }),
        }
    }

    fn visit_bool<E: serde_core::de::Error>(self, value: bool) -> Result<(), E> {
        match self.slot {
            Slot::Bool(slot) => *slot = value,
            Slot::Option(option) => return Into { slot: option.fill(), depth: self.depth }.visit_bool(value),
            Slot::Message(message) if message.table().union => {
                for position in 0..message.table().len() {
                    if let Some(Slot::Bool(slot)) = message.field_mut(position) {
                        *slot = value;
                        return Ok(());
                    }
                }
                return Err(E::custom("a boolean may not stand here"));
            }
            slot => return Into { slot, depth: self.depth }.wrong_type(Unexpected::Bool(value)),
        }
        Ok(())
    }

    fn visit_i64<E: serde_core::de::Error>(self, value: i64) -> Result<(), E> {
        match self.slot {
            Slot::I32(slot) => {
                *slot = i32::try_from(value)
                    .map_err(|_| E::custom(format_args!("{value} does not fit into 32 bits")))?
            }
            Slot::I64(slot) => *slot = value,
            Slot::F64(slot) => *slot = value as f64,
            Slot::Leaf(leaf) => leaf.set(Scalar::Int(value)).map_err(E::custom)?,
            Slot::Option(option) => return Into { slot: option.fill(), depth: self.depth }.visit_i64(value),
            slot => return Into { slot, depth: self.depth }.wrong_type(Unexpected::Signed(value)),
        }
        Ok(())
    }

    fn visit_u64<E: serde_core::de::Error>(self, value: u64) -> Result<(), E> {
        match i64::try_from(value) {
            Ok(value) => self.visit_i64(value),
            Err(_) => match self.slot {
                Slot::F64(slot) => {
                    *slot = value as f64;
                    Ok(())
                }
                Slot::Leaf(leaf) => leaf.set(Scalar::Number(value.to_string().into())).map_err(E::custom),
                Slot::Option(option) => Into { slot: option.fill(), depth: self.depth }.visit_u64(value),
                _ => Err(E::custom(format_args!("{value} does not fit into 64 bits with a sign"))),
            },
        }
    }

    fn visit_f64<E: serde_core::de::Error>(self, value: f64) -> Result<(), E> {
        match self.slot {
            Slot::F64(slot) => *slot = value,
            Slot::Leaf(leaf) => leaf.set(Scalar::Number(format!("{value:?}").into())).map_err(E::custom)?,
            Slot::Option(option) => return Into { slot: option.fill(), depth: self.depth }.visit_f64(value),
            slot => return Into { slot, depth: self.depth }.wrong_type(Unexpected::Float(value)),
        }
        Ok(())
    }

    fn visit_str<E: serde_core::de::Error>(self, text: &str) -> Result<(), E> {
        match self.slot {
            Slot::Str(slot) => *slot = text.into(),
            Slot::Enum(slot) => slot.set(text),
            Slot::Bytes(slot) => *slot = ByteString::from_base64(text).map_err(E::custom)?,
            Slot::Leaf(leaf) => leaf.set(Scalar::Text(text.into())).map_err(E::custom)?,
            Slot::Option(option) => return Into { slot: option.fill(), depth: self.depth }.visit_str(text),
            slot => return Into { slot, depth: self.depth }.wrong_type(Unexpected::Str("a text")),
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let depth = self.depth + 1;
        match self.slot {
            Slot::List(list) => {
                list.clear();
                while seq.next_element_seed(Element { list, depth })?.is_some() {}
                list.shrink();
                Ok(())
            }
            Slot::Option(option) => Into { slot: option.fill(), depth: self.depth }.visit_seq(seq),
            Slot::Message(message) if message.table().union => {
                let position = (0..message.table().len())
                    .find(|&position| matches!(message.field_mut(position), Some(Slot::List(_))));
                match position.and_then(|position| message.field_mut(position)) {
                    Some(slot) => Into { slot, depth: self.depth }.visit_seq(seq),
                    None => Err(A::Error::custom("a list may not stand here")),
                }
            }
            slot => Into { slot, depth: self.depth }.wrong_type(Unexpected::Seq),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let depth = self.depth + 1;
        match self.slot {
            Slot::Map(slot) => {
                slot.clear();
                while let Some(key) = map.next_key::<Str>()? {
                    map.next_value_seed(Into { slot: slot.fresh(key), depth })?;
                }
                slot.shrink();
                Ok(())
            }
            Slot::Message(message) if message.table().union => {
                let (mut schema, mut flag) = (None, None);
                for position in 0..message.table().len() {
                    match message.field_mut(position) {
                        Some(Slot::Option(_)) => schema = Some(position),
                        Some(Slot::Bool(_)) => flag = Some(position),
                        _ => {}
                    }
                }
                if let Some(Slot::Bool(allows)) = flag.and_then(|flag| message.field_mut(flag)) {
                    *allows = true;
                }
                match schema.and_then(|position| message.field_mut(position)) {
                    Some(slot) => Into { slot, depth: self.depth }.visit_map(map),
                    None => Err(A::Error::custom("an object may not stand here")),
                }
            }
            Slot::Message(message) => read_fields(message, map, depth),
            Slot::Option(option) => Into { slot: option.fill(), depth: self.depth }.visit_map(map),
            slot => Into { slot, depth: self.depth }.wrong_type(Unexpected::Map),
        }
    }
}

impl Into<'_> {
    fn wrong_type<T, E: serde_core::de::Error>(self, found: serde_core::de::Unexpected<'_>) -> Result<T, E> {
        Err(E::invalid_type(found, &self))
    }
}

fn read_fields<'de, A: MapAccess<'de>>(
    message: &mut dyn Message,
    mut map: A,
    depth: usize,
) -> Result<(), A::Error> {
    let table = message.table();
    while let Some(name) = map.next_key::<Str>()? {
        if let Some(position) = table.position(&name) {
            match message.field_mut(position) {
                Some(slot) => map.next_value_seed(Into { slot, depth })?,
                None => map.next_value::<IgnoredAny>().map(|_| ())?,
            }
            continue;
        }
        let wanted = table.kind.and_then(|kind| match name.as_str() {
            "apiVersion" => Some(kind.api_version),
            "kind" => Some(kind.kind),
            _ => None,
        });
        if let Some(wanted) = wanted {
            let found: Option<Str> = map.next_value()?;
            if let Some(found) = found.filter(|found| !found.is_empty() && *found != wanted) {
                return Err(A::Error::custom(format_args!("{name}: expected {wanted}, not {found}")));
            }
            continue;
        }
        let mut value = RawJson::default();
        map.next_value_seed(Into { slot: Slot::Raw(&mut value), depth })?;
        message.unknown_mut().push_json(name, value);
    }
    Ok(())
}

/// The next element of a list, which is only pushed once it is there.
struct Element<'a> {
    list: &'a mut dyn crate::view::ListSlot,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Element<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        Into { slot: self.list.push(), depth: self.depth }.deserialize(deserializer)
    }
}

impl Serialize for RawJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.text();
        let mut lexer = Lexer::new(text.as_bytes()).map_err(S::Error::custom)?;
        json::transcode(&mut lexer, serializer)
    }
}

impl<'de> serde_core::Deserialize<'de> for RawJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RawJson, D::Error> {
        let mut value = RawJson::default();
        Into { slot: Slot::Raw(&mut value), depth: 1 }.deserialize(deserializer)?;
        Ok(value)
    }
}

/// Writes what a format holds as JSON text.
struct Transcode<'a> {
    out: &'a mut Vec<u8>,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Transcode<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.depth > MAX_DEPTH {
            return Err(D::Error::custom(format_args!("nested more than {MAX_DEPTH} deep")));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Transcode<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: serde_core::de::Error>(self) -> Result<(), E> {
        self.out.extend_from_slice(b"null");
        Ok(())
    }

    fn visit_none<E: serde_core::de::Error>(self) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E: serde_core::de::Error>(self, value: bool) -> Result<(), E> {
        json::number(value, self.out);
        Ok(())
    }

    fn visit_i64<E: serde_core::de::Error>(self, value: i64) -> Result<(), E> {
        json::number(value, self.out);
        Ok(())
    }

    fn visit_u64<E: serde_core::de::Error>(self, value: u64) -> Result<(), E> {
        json::number(value, self.out);
        Ok(())
    }

    fn visit_f64<E: serde_core::de::Error>(self, value: f64) -> Result<(), E> {
        if !value.is_finite() {
            return Err(E::custom(format_args!("{value} is no number in JSON")));
        }
        // As other writers of JSON do, the sign of a zero and an exponent included.
        json::number(format_args!("{value:?}"), self.out);
        Ok(())
    }

    fn visit_str<E: serde_core::de::Error>(self, text: &str) -> Result<(), E> {
        json::string(text, self.out);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        self.out.push(b'[');
        let mut end = self.out.len();
        while seq.next_element_seed(Transcode { out: self.out, depth: self.depth + 1 })?.is_some() {
            end = self.out.len();
            self.out.push(b',');
        }
        // The comma behind the last element goes again.
        self.out.truncate(end);
        self.out.push(b']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.out.push(b'{');
        let mut first = true;
        while let Some(key) = map.next_key::<Str>()? {
            if !std::mem::replace(&mut first, false) {
                self.out.push(b',');
            }
            json::string(&key, self.out);
            self.out.push(b':');
            map.next_value_seed(Transcode { out: self.out, depth: self.depth + 1 })?;
        }
        self.out.push(b'}');
        Ok(())
    }
}
