//! From JSON into fields.

use std::borrow::Cow;

use super::lexer::{Lexer, Number, kind};
use crate::bytes::ByteString;
use crate::codec::error::DecodeError;
use crate::codec::intern::Interner;
use crate::codec::prune::Prune;
use crate::codec::shape::{Place, Shape};
use crate::leaf::Scalar;
use crate::list;
use crate::raw::RawJson;
use crate::table::Table;
use crate::text::Str;
use crate::view::{ListSlot, MapSlot, Message, Slot};

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
    read(message, json, &mut Shape::once(json.len()), None, None)
}

/// Reads one object with what a decoder remembers.
pub(crate) fn read(
    message: &mut dyn Message,
    json: &[u8],
    shape: &mut Shape,
    interner: Option<&mut Interner>,
    prune: Option<&Prune>,
) -> Result<()> {
    let mut lexer = Lexer::new(json)?;
    read_next(message, &mut lexer, shape, interner, prune)?;
    lexer.end()?;
    if message.table().at_run_time {
        list::name_items(message);
    }
    Ok(())
}

/// Reads the object that comes next in a longer text.
pub(crate) fn read_next<'a>(
    message: &mut dyn Message,
    lexer: &mut Lexer<'a>,
    shape: &mut Shape,
    interner: Option<&mut Interner>,
    prune: Option<&Prune>,
) -> Result<()> {
    Reader { lexer, shape, interner, room: Vec::new() }.message(message, Place::ROOT, prune)
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

struct Reader<'a, 's> {
    lexer: &'s mut Lexer<'a>,
    shape: &'s mut Shape,
    interner: Option<&'s mut Interner>,
    /// Used again for every raw value.
    room: Vec<u8>,
}

impl Reader<'_, '_> {
    fn message(&mut self, message: &mut dyn Message, place: Place, prune: Option<&Prune>) -> Result<()> {
        let table = message.table();
        if table.union {
            return self.union(message, place);
        }
        self.lexer.open(b'{')?;
        let (mut first, mut next) = (true, 0);
        while self.lexer.more(&mut first, b'}')? {
            let before = place.after(next);
            let guess = self.shape.next(before).unwrap_or(next);
            let position = match table.names.get(guess) {
                Some(name) if self.lexer.key_is(name) => guess,
                _ => {
                    let name = self.lexer.key()?;
                    let Some(position) = table.position(&name) else {
                        self.unknown(message, &name).map_err(|error| error.in_field(&name))?;
                        continue;
                    };
                    self.shape.set_next(before, position);
                    position
                }
            };
            next = position + 1;
            let inside = prune.and_then(|prune| prune.field(position));
            let read = match message.field_mut(position) {
                Some(slot) if !inside.is_some_and(|inside| inside.whole) => {
                    self.value(slot, place.after(next), inside)
                }
                _ => self.lexer.skip(),
            };
            if let Err(error) = read {
                return Err(error.in_field(table.names.get(position).unwrap_or(&"")));
            }
        }
        Ok(())
    }

    fn unknown(&mut self, message: &mut dyn Message, name: &str) -> Result<()> {
        let table = message.table();
        if table.kind.is_some() && matches!(name, "apiVersion" | "kind") {
            return type_meta(self.lexer, table, name);
        }
        let raw = self.raw()?;
        message.unknown_mut().push_json(name.into(), raw);
        Ok(())
    }

    /// The kind of value that comes next says which field it is of.
    fn union(&mut self, message: &mut dyn Message, place: Place) -> Result<()> {
        let begins = self.lexer.peek()?;
        let (mut chosen, mut flag) = (None, None);
        forget(message);
        for position in 0..message.table().len() {
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
            return Err(self.lexer.error(format!("{} is none of what may stand here", kind(begins))));
        };
        if let Some(slot) = message.field_mut(position) {
            self.value(slot, place.after(position), None)?;
        }
        // A schema where a boolean may stand means true.
        if begins == b'{'
            && let Some(Slot::Bool(allows)) = flag.and_then(|flag| message.field_mut(flag))
        {
            *allows = true;
        }
        Ok(())
    }

    /// What is inside of an `Option`.
    fn filled(&mut self, slot: Slot<'_>, place: Place, prune: Option<&Prune>) -> Result<()> {
        self.value(slot, place, prune)
    }

    // Inlined, so that a slot is looked at where it was returned to: to copy it was a seventh of decoding.
    #[inline(always)]
    fn value(&mut self, slot: Slot<'_>, place: Place, prune: Option<&Prune>) -> Result<()> {
        let begins = self.lexer.peek()?;
        if begins == b'n' && !matches!(slot, Slot::Raw(_)) {
            self.lexer.null()?;
            set_null(slot);
            return Ok(());
        }
        let lexer = &mut *self.lexer;
        match slot {
            Slot::Bool(value) => *value = lexer.bool()?,
            Slot::I32(value) => {
                let integer = integer(lexer)?;
                *value = i32::try_from(integer)
                    .map_err(|_| lexer.error(format!("{integer} does not fit into 32 bits")))?;
            }
            Slot::I64(value) => *value = integer(lexer)?,
            Slot::F64(value) => *value = float(lexer)?,
            Slot::Str(value) => {
                let text = lexer.string()?;
                *value = self.text(&text);
            }
            Slot::Enum(value) => value.set(&lexer.string()?),
            Slot::Bytes(value) => {
                let text = lexer.string()?;
                *value = ByteString::from_base64(&text).map_err(|error| lexer.error(error.to_string()))?;
            }
            Slot::Leaf(leaf) => {
                let scalar = match begins {
                    b'"' => Scalar::Text(lexer.string()?),
                    b'-' | b'0'..=b'9' => match lexer.number()? {
                        Number::Int(integer) => Scalar::Int(integer),
                        Number::Other(text) => Scalar::Number(text.into()),
                    },
                    other => {
                        return Err(lexer.error(format!("expected a text or a number, not {}", kind(other))));
                    }
                };
                leaf.set(scalar).map_err(|error| lexer.error(error.to_string()))?;
            }
            Slot::Raw(value) => *value = self.raw()?,
            Slot::Message(message) => self.message(message, place, prune)?,
            Slot::List(list) => self.list(list, place, prune)?,
            Slot::Map(map) => self.map(map, place, prune)?,
            Slot::Option(option) => self.filled(option.fill(), place, prune)?,
        }
        Ok(())
    }

    fn list(&mut self, list: &mut dyn ListSlot, place: Place, prune: Option<&Prune>) -> Result<()> {
        list.clear();
        self.lexer.open(b'[')?;
        let each = prune.and_then(Prune::each);
        if each.is_some_and(|each| each.whole) {
            return self.skip_all(b']');
        }
        let (mut first, mut length, mut room) = (true, 0, 0);
        while self.lexer.more(&mut first, b']')? {
            if length == room {
                room += self.more_room(place, length);
                list.reserve(room - length);
            }
            self.value(list.push(), place.element(length), each).map_err(|error| error.in_element(length))?;
            length += 1;
        }
        list.shrink();
        self.shape.set_length(place, length);
        Ok(())
    }

    fn map(&mut self, map: &mut dyn MapSlot, place: Place, prune: Option<&Prune>) -> Result<()> {
        map.clear();
        self.lexer.open(b'{')?;
        let (mut first, mut length, mut room) = (true, 0, 0);
        while self.lexer.more(&mut first, b'}')? {
            let key = self.lexer.key()?;
            let inside = prune.and_then(|prune| prune.key(&key));
            if inside.is_some_and(|inside| inside.whole) {
                self.lexer.skip().map_err(|error| error.in_field(&key))?;
                continue;
            }
            if length == room {
                room += self.more_room(place, length);
                map.reserve(room - length);
            }
            let slot = map.fresh(self.text(&key));
            self.value(slot, place.element(0), inside).map_err(|error| error.in_field(&key))?;
            length += 1;
        }
        // Of a key that came twice the room of the first is left.
        map.shrink();
        self.shape.set_length(place, length);
        Ok(())
    }

    /// What there was the last time, at first; then twice as much as there is.
    fn more_room(&self, place: Place, length: usize) -> usize {
        if length == 0 { self.shape.length(place).max(1) } else { length }
    }

    fn skip_all(&mut self, close: u8) -> Result<()> {
        let mut first = true;
        while self.lexer.more(&mut first, close)? {
            self.lexer.skip()?;
        }
        Ok(())
    }

    #[inline(always)]
    fn text(&mut self, text: &str) -> Str {
        match &mut self.interner {
            Some(interner) => interner.text(text),
            None => Str::read(text),
        }
    }

    fn raw(&mut self) -> Result<RawJson> {
        // One object is soon gone again; many of them may be kept, and are worth the time of making them small.
        if self.shape.is_small() {
            return Ok(RawJson::as_it_is(self.lexer.raw()?));
        }
        self.lexer.raw_with(self.interner.as_deref_mut(), &mut self.room)
    }
}

fn float(lexer: &mut Lexer<'_>) -> Result<f64> {
    match lexer.number()? {
        // A document's integers beyond 2^53 lose digits here, as in every reader.
        Number::Int(integer) => Ok(integer as f64),
        Number::Other(text) => text
            .parse()
            .ok()
            .filter(|f: &f64| f.is_finite())
            .ok_or_else(|| lexer.error("a number beyond 64-bit floating point")),
    }
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

fn integer(lexer: &mut Lexer<'_>) -> Result<i64> {
    match lexer.number()? {
        Number::Int(value) => Ok(value),
        Number::Other(text) => Err(lexer.error(format!("expected an integer of 64 bits, not {text}"))),
    }
}

/// Makes room in a union: of one that comes twice, the last one counts.
pub(crate) fn forget(union: &mut dyn Message) {
    for position in 0..union.table().len() {
        if let Some(slot) = union.field_mut(position) {
            set_null(slot);
        }
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
