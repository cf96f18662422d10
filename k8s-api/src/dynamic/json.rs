//! JSON as a tree that can be looked into and changed, in the order and with the numbers that it was written with.

use std::fmt;

use serde_core::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_core::ser::{Error as _, Serialize, Serializer};

use crate::codec::MAX_DEPTH;
use crate::codec::error::DecodeError;
use crate::codec::json::{Lexer, key, string};
use crate::path::{FieldPath, PathError, Step};
use crate::raw::RawJson;
use crate::text::Str;

/// Any JSON value. Fields keep their order, and numbers their digits.
///
/// ```
/// use k8s_api::dynamic::Json;
///
/// let mut json = Json::parse(br#"{"b": 1.50, "a": [{"name": "x"}]}"#)?;
/// json.set(&"a[name=x].on".parse()?, true.into())?;
/// assert_eq!(json.to_string(), r#"{"b":1.50,"a":[{"name":"x","on":true}]}"#);
/// assert_eq!(json.at(&"a[0].name".parse()?).and_then(Json::as_str), Some("x"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default, PartialEq)]
pub enum Json {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as it is written.
    Number(Str),
    /// A text.
    Text(Str),
    /// A list.
    List(Vec<Json>),
    /// An object; no name comes twice.
    Map(Vec<(Str, Json)>),
}

impl Json {
    /// Reads a text. Of a name that comes twice the last one counts.
    pub fn parse(json: &[u8]) -> Result<Json, DecodeError> {
        let mut lexer = Lexer::new(json)?;
        let value = read(&mut lexer)?;
        lexer.end()?;
        Ok(value)
    }

    /// The same value as text that is kept as it is.
    pub fn to_raw(&self) -> RawJson {
        let mut out = Vec::new();
        self.write(&mut out);
        RawJson::from_transcoded(&out)
    }

    /// Appends its text, without white space.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Json::Null => out.extend_from_slice(b"null"),
            Json::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
            Json::Number(number) => out.extend_from_slice(number.as_bytes()),
            Json::Text(text) => string(text, out),
            Json::List(list) => {
                out.push(b'[');
                for (position, value) in list.iter().enumerate() {
                    if position > 0 {
                        out.push(b',');
                    }
                    value.write(out);
                }
                out.push(b']');
            }
            Json::Map(fields) => {
                out.push(b'{');
                let mut first = true;
                for (name, value) in fields {
                    key(name, &mut first, out);
                    value.write(out);
                }
                out.push(b'}');
            }
        }
    }

    /// A text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Json::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// A number without a fraction that fits.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Json::Number(number) => number.parse().ok(),
            _ => None,
        }
    }

    /// A number, as near as 64 bits come to it.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Json::Number(number) => number.parse().ok(),
            _ => None,
        }
    }

    /// The elements of a list.
    pub fn as_list(&self) -> Option<&[Json]> {
        match self {
            Json::List(list) => Some(list),
            _ => None,
        }
    }

    /// The fields of an object.
    pub fn as_map(&self) -> Option<&[(Str, Json)]> {
        match self {
            Json::Map(fields) => Some(fields),
            _ => None,
        }
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Json::Null)
    }

    /// A field of an object.
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.as_map()?.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Where a path leads; of several places the first.
    pub fn at(&self, path: &FieldPath) -> Option<&Json> {
        path.steps().iter().try_fold(self, |value, step| match step {
            Step::Field(name) => value.get(name),
            step => {
                let list = value.as_list()?;
                list.get(list.iter().enumerate().position(|(at, element)| element.is_named(step, at))?)
            }
        })
    }

    /// Puts a value where a path leads. Objects on the way are made, and a list grows by the element after its last.
    pub fn set(&mut self, path: &FieldPath, value: Json) -> Result<(), PathError> {
        let place = path.steps().iter().try_fold(self, |place, step| place.step_into(step));
        *place.map_err(|reason| path.wrong(&reason))? = value;
        Ok(())
    }

    /// Takes out what a path leads to.
    pub fn remove(&mut self, path: &FieldPath) -> Option<Json> {
        let (last, way) = path.steps().split_last()?;
        let holder = way.iter().try_fold(self, |value, step| match (value, step) {
            (Json::Map(fields), Step::Field(name)) => {
                fields.iter_mut().find(|(known, _)| known == name).map(|(_, value)| value)
            }
            (Json::List(list), step) => {
                let at = list.iter().enumerate().position(|(at, element)| element.is_named(step, at))?;
                list.get_mut(at)
            }
            _ => None,
        })?;
        match (holder, last) {
            (Json::Map(fields), Step::Field(name)) => {
                let at = fields.iter().position(|(known, _)| known == name)?;
                Some(fields.remove(at).1)
            }
            (Json::List(list), step) => {
                let at = list.iter().enumerate().position(|(at, element)| element.is_named(step, at))?;
                Some(list.remove(at))
            }
            _ => None,
        }
    }

    /// Whether a step leads to this element, which is at this position of a list.
    fn is_named(&self, step: &Step, at: usize) -> bool {
        match step {
            Step::Index(index) => *index == at,
            Step::Every => true,
            Step::Keys(keys) => keys.iter().all(|(name, wanted)| {
                let value = if name.is_empty() { Some(self) } else { self.get(name) };
                match value {
                    Some(Json::Text(text) | Json::Number(text)) => text == wanted.as_str(),
                    Some(Json::Bool(value)) => value.to_string() == *wanted,
                    _ => false,
                }
            }),
            _ => false,
        }
    }

    fn step_into(&mut self, step: &Step) -> Result<&mut Json, String> {
        if let (Json::Null, Step::Field(_)) = (&*self, step) {
            *self = Json::Map(Vec::new());
        }
        if let (Json::Null, Step::Index(0)) = (&*self, step) {
            *self = Json::List(Vec::new());
        }
        match (self, step) {
            (Json::Map(fields), Step::Field(name)) => {
                let at = fields.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
                    fields.push((name.as_str().into(), Json::Null));
                    fields.len() - 1
                });
                fields.get_mut(at).map(|(_, value)| value).ok_or_else(|| format!("there is no `{name}`"))
            }
            (Json::List(_), Step::Every) => Err("one place is needed, not every element".to_owned()),
            (Json::List(list), step) => {
                if matches!(step, Step::Index(at) if *at == list.len()) {
                    list.push(Json::Null);
                }
                let at = list.iter().enumerate().position(|(at, element)| element.is_named(step, at));
                at.and_then(|at| list.get_mut(at)).ok_or_else(|| "there is no such element".to_owned())
            }
            (value, Step::Field(name)) => Err(format!("`{name}` is looked for in {}", value.what())),
            (value, _) => Err(format!("an element is looked for in {}", value.what())),
        }
    }

    /// What it is, for messages: never its value.
    pub fn what(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Bool(_) => "a boolean",
            Json::Number(_) => "a number",
            Json::Text(_) => "a text",
            Json::List(_) => "a list",
            Json::Map(_) => "an object",
        }
    }

    fn float(value: f64) -> Option<Json> {
        let large = value != 0.0 && !(1e-6..1e21).contains(&value.abs());
        let text = if large { format!("{value:e}") } else { value.to_string() };
        value.is_finite().then(|| Json::Number(text.as_str().into()))
    }
}

/// Depth is limited by the lexer.
fn read(lexer: &mut Lexer<'_>) -> Result<Json, DecodeError> {
    let mut first = true;
    Ok(match lexer.peek()? {
        b'{' => {
            lexer.open(b'{')?;
            let mut fields = Vec::new();
            while lexer.more(&mut first, b'}')? {
                let name = lexer.key()?;
                let value = read(lexer).map_err(|error| error.in_field(&name))?;
                put(&mut fields, (&*name).into(), value);
            }
            Json::Map(fields)
        }
        b'[' => {
            lexer.open(b'[')?;
            let mut list = Vec::new();
            while lexer.more(&mut first, b']')? {
                let value = read(lexer).map_err(|error| error.in_element(list.len()))?;
                list.push(value);
            }
            Json::List(list)
        }
        b'"' => Json::Text((&*lexer.string()?).into()),
        b't' | b'f' => Json::Bool(lexer.bool()?),
        b'n' => {
            lexer.null()?;
            Json::Null
        }
        _ => Json::Number(lexer.raw()?.into()),
    })
}

fn put(fields: &mut Vec<(Str, Json)>, name: Str, value: Json) {
    match fields.iter_mut().find(|(known, _)| *known == name) {
        Some((_, known)) => *known = value,
        None => fields.push((name, value)),
    }
}

/// Kept text is valid and not too deep.
impl From<&RawJson> for Json {
    fn from(raw: &RawJson) -> Json {
        Json::parse(raw.as_str().as_bytes()).unwrap_or_default()
    }
}

impl From<&Json> for RawJson {
    fn from(json: &Json) -> RawJson {
        json.to_raw()
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Json {
        Json::Bool(value)
    }
}

impl From<i64> for Json {
    fn from(value: i64) -> Json {
        Json::Number(value.to_string().as_str().into())
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Json {
        Json::Text(text.into())
    }
}

impl FromIterator<Json> for Json {
    fn from_iter<I: IntoIterator<Item = Json>>(values: I) -> Json {
        Json::List(values.into_iter().collect())
    }
}

impl<S: Into<Str>> FromIterator<(S, Json)> for Json {
    fn from_iter<I: IntoIterator<Item = (S, Json)>>(fields: I) -> Json {
        let mut all = Vec::new();
        for (name, value) in fields {
            put(&mut all, name.into(), value);
        }
        Json::Map(all)
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::new();
        self.write(&mut out);
        f.write_str(&String::from_utf8_lossy(&out))
    }
}

/// Shows what it is and never a value, since it may be a part of a Secret.
impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Json::Map(fields) => {
                f.debug_map().entries(fields.iter().map(|(name, value)| (name, value))).finish()
            }
            Json::List(list) => f.debug_list().entries(list).finish(),
            value => write!(f, "<{}>", value.what()),
        }
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Json::Null => serializer.serialize_unit(),
            Json::Bool(value) => serializer.serialize_bool(*value),
            Json::Text(text) => serializer.serialize_str(text),
            Json::List(list) => serializer.collect_seq(list),
            Json::Map(fields) => {
                serializer.collect_map(fields.iter().map(|(name, value)| (name.as_str(), value)))
            }
            Json::Number(number) => {
                match (number.parse::<i64>(), number.parse::<u64>(), number.parse::<f64>()) {
                    (Ok(value), ..) => serializer.serialize_i64(value),
                    (_, Ok(value), _) => serializer.serialize_u64(value),
                    (.., Ok(value)) => serializer.serialize_f64(value),
                    _ => Err(S::Error::custom("a number that is none")),
                }
            }
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Json, D::Error> {
        Any { depth: 0 }.deserialize(deserializer)
    }
}

/// What is inside so many lists and objects.
#[derive(Clone, Copy)]
struct Any {
    depth: usize,
}

impl Any {
    fn inside<E: de::Error>(self) -> Result<Any, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom(format_args!("nested more than {MAX_DEPTH} deep")));
        }
        Ok(Any { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Any {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Any {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what JSON can hold")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_none<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.to_string().as_str().into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Json, E> {
        Json::float(value).ok_or_else(|| E::custom("a number that JSON does not have"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Json, A::Error> {
        let (inside, mut list) = (self.inside()?, Vec::new());
        while let Some(value) = elements.next_element_seed(inside)? {
            list.push(value);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let (inside, mut fields) = (self.inside()?, Vec::new());
        while let Some(name) = entries.next_key::<Str>()? {
            let value = entries.next_value_seed(inside)?;
            put(&mut fields, name, value);
        }
        Ok(Json::Map(fields))
    }
}
