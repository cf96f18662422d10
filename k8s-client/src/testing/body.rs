//! What is sent becomes an object: read from JSON, YAML or protobuf, held against its type, with what the type does not have named.

use std::collections::BTreeSet;
use std::fmt;

use k8s_api::codec::{json, protobuf};
use k8s_api::text::Str;
use k8s_api::view::{Message, Slot, View};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::failure::Failure;
use super::kinds::{Known, unknown_fields};

/// The most that the real server reads.
pub(crate) const LIMIT: usize = 3 * 1024 * 1024;

/// What is done about fields that are not known or come twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Validation {
    Ignore,
    Warn,
    Strict,
}

impl Validation {
    pub(crate) fn of(word: Option<&str>) -> Result<Validation, Failure> {
        match word {
            Some("Ignore") => Ok(Validation::Ignore),
            None | Some("" | "Warn") => Ok(Validation::Warn),
            Some("Strict") => Ok(Validation::Strict),
            Some(_) => Err(Failure::invalid_named(
                "CreateOptions",
                "meta.k8s.io",
                "",
                &[super::failure::Cause::unsupported(
                    "fieldValidation",
                    &word.unwrap_or_default().into(),
                    &["Ignore", "Strict", "Warn"],
                )],
            )),
        }
    }
}

/// What was sent as JSON, before it is held against a type.
pub(crate) struct Sent {
    pub(crate) value: Value,
    pub(crate) twice: Vec<String>,
}

/// The content type without its parameters.
pub(crate) fn media(content_type: Option<&str>) -> &str {
    content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim()
}

/// Reads an object in whatever form it came.
pub(crate) fn read(content_type: Option<&str>, body: &[u8], kind: &Known) -> Result<Sent, Failure> {
    match media(content_type) {
        // As Go's client libraries in tests, curl and others leave it out.
        "" | "application/json" => from_json(body, kind),
        "application/yaml" => from_yaml(body),
        "application/vnd.kubernetes.protobuf" => from_protobuf(body, kind),
        _ => Err(Failure::media_type(
            "application/json, application/yaml, application/vnd.kubernetes.protobuf",
        )),
    }
}

/// Reads a tree from JSON or YAML, of whatever kind.
pub(crate) fn parse_as(media: &str, body: &[u8]) -> Result<Value, String> {
    match media {
        "" | "application/json" => {
            parse(body).map(|sent| sent.value).map_err(|error| Words(&error, body).to_string())
        }
        "application/yaml" => {
            from_yaml(body).map(|sent| sent.value).map_err(|failure| failure.message().to_owned())
        }
        _ => Err(format!("{media} is no media type for it")),
    }
}

fn from_json(body: &[u8], kind: &Known) -> Result<Sent, Failure> {
    let sent = parse(body).map_err(|error| unrecognized(kind, &Words(&error, body).to_string(), body))?;
    let what = match &sent.value {
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Number(_) => "number",
        Value::Bool(_) => "bool",
        _ => return Ok(sent),
    };
    let why = format!(
        "json: cannot unmarshal {what} into Go value of type struct {{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; \
         Kind string \"json:\\\"kind,omitempty\\\"\" }}"
    );
    Err(unrecognized(kind, &why, body))
}

/// What is not even an object. Of what was sent the real server shows the beginning, as text if it looks like an object.
fn unrecognized(kind: &Known, why: &str, body: &[u8]) -> Failure {
    const MOST: usize = 2048;
    let head = body.get(..MOST).unwrap_or(body);
    let mut shown = match head.first() {
        None => "<empty>".to_owned(),
        Some(b'{') => String::from_utf8_lossy(head).into_owned(),
        Some(_) => head.iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    if body.len() > MOST {
        shown.push_str(" ...");
    }
    Failure::bad_request(format!(
        "the object provided is unrecognized (must be of type {}): couldn't get version/kind; json parse error: {why} ({shown})",
        kind.kind
    ))
}

/// Reads JSON and notes what comes twice. As in Go, what is no UTF-8 is replaced.
pub(crate) fn parse(body: &[u8]) -> Result<Sent, serde_json::Error> {
    let (mut twice, text) = (Vec::new(), String::from_utf8_lossy(body));
    let mut reader = serde_json::Deserializer::from_str(&text);
    let value = Tree { path: String::new(), twice: &mut twice }.deserialize(&mut reader)?;
    reader.end()?;
    Ok(Sent { value, twice })
}

/// A mistake in JSON in the words of Go.
struct Words<'a>(&'a serde_json::Error, &'a [u8]);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_eof() {
            return f.write_str("unexpected end of JSON input");
        }
        if self.0.to_string().starts_with("recursion limit exceeded") {
            return f.write_str("invalid character '[' exceeded max depth");
        }
        let before =
            |line: usize| self.1.split(|byte| *byte == b'\n').take(line).map(|it| it.len() + 1).sum();
        let offset: usize = before(self.0.line().saturating_sub(1));
        let at = (offset + self.0.column()).saturating_sub(1);
        let byte = self.1.get(at).copied().unwrap_or_default();
        write!(f, "invalid character {:?} looking for beginning of value", char::from(byte))
    }
}

fn from_yaml(body: &[u8]) -> Result<Sent, Failure> {
    let text = std::str::from_utf8(body).map_err(|_| Failure::bad_request("yaml: invalid UTF-8"))?;
    // Its message may repeat a part of a Secret; where it is wrong is enough.
    let value = serde_saphyr::from_str(text).map_err(|error| {
        let at = error.location().map(|at| format!(" line {}:", at.line())).unwrap_or_default();
        Failure::bad_request(format!("error converting YAML to JSON: yaml:{at} it can't be read"))
    })?;
    Ok(Sent { value, twice: Vec::new() })
}

fn from_protobuf(body: &[u8], kind: &Known) -> Result<Sent, Failure> {
    let wrong = |error: String| {
        Failure::bad_request(format!(
            "{} in version {:?} cannot be handled as a {}: {error}",
            kind.kind, kind.version, kind.kind
        ))
    };
    let mut message = (kind.make)();
    protobuf::decode_into(&mut *message, body).map_err(|error| wrong(error.to_string()))?;
    let text = json::encode(&*message).map_err(|error| wrong(error.to_string()))?;
    let sent = parse(&text).map_err(|error| wrong(error.to_string()))?;
    Ok(sent)
}

/// An object as its type has it, and what was left out.
pub(crate) struct Typed {
    pub(crate) value: Value,
    pub(crate) unknown: Vec<String>,
}

/// Holds a tree against the type of its kind: what has the wrong type is an error, what is not known is taken out.
pub(crate) fn typed(kind: &Known, value: &Value) -> Result<Typed, String> {
    let mut message = (kind.make)();
    // Its `kind` and `apiVersion` were looked at before.
    let text = value.to_string();
    json::decode_into(&mut *message, text.as_bytes())
        .map_err(|error| super::mistype::words(kind.make, &error, value))?;
    let mut unknown = Vec::new();
    unknown_fields(&*message, "", &mut unknown);
    canonical(&mut *message);
    let text = json::encode(&*message).map_err(|error| error.to_string())?;
    let mut value: Value = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    if !unknown.is_empty() {
        for path in &unknown {
            remove(&mut value, path);
        }
    }
    Ok(Typed { value, unknown })
}

/// Quantities as the real server stores them.
fn canonical(message: &mut dyn Message) {
    for position in 0..message.table().len() {
        let keys = match message.field(position) {
            View::Absent => continue,
            View::Map(map) => (0..map.len()).filter_map(|index| Some(map.get(index)?.0.into())).collect(),
            _ => Vec::new(),
        };
        if let Some(slot) = message.field_mut(position) {
            canonical_in(slot, &keys);
        }
    }
}

fn canonical_in(slot: Slot<'_>, keys: &[Str]) {
    match slot {
        Slot::Leaf(leaf) => leaf.make_canonical(),
        Slot::Message(message) => canonical(message),
        Slot::Option(option) => canonical_in(option.fill(), keys),
        Slot::List(list) => {
            for index in 0..list.view().len() {
                if let Some(slot) = list.get_mut(index) {
                    canonical_in(slot, &[]);
                }
            }
        }
        Slot::Map(map) => {
            for key in keys {
                canonical_in(map.entry(key.clone()), &[]);
            }
        }
        _ => {}
    }
}

/// Takes out what a path of [`unknown_fields`] leads to. Names may have dots, so the longest that fits is tried first.
fn remove(value: &mut Value, path: &str) -> bool {
    match value {
        Value::Object(fields) => {
            if fields.remove(path).is_some() {
                return true;
            }
            let ends: Vec<usize> = path.match_indices(['.', '[']).map(|(at, _)| at).collect();
            ends.iter().rev().any(|end| {
                let (name, rest) = path.split_at(*end);
                let rest = rest.strip_prefix('.').unwrap_or(rest);
                fields.get_mut(name).is_some_and(|inner| remove(inner, rest))
            })
        }
        Value::Array(list) => {
            let Some((index, rest)) = path.strip_prefix('[').and_then(|rest| rest.split_once(']')) else {
                return false;
            };
            let Some(inner) = index.parse::<usize>().ok().and_then(|index| list.get_mut(index)) else {
                return false;
            };
            remove(inner, rest.strip_prefix('.').unwrap_or(rest))
        }
        _ => false,
    }
}

/// Builds a tree, and notes the names that come twice.
struct Tree<'a> {
    path: String,
    twice: &'a mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        loop {
            let path = format!("{}[{}]", self.path, list.len());
            match elements.next_element_seed(Tree { path, twice: &mut *self.twice })? {
                Some(value) => list.push(value),
                None => return Ok(Value::Array(list)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let (mut fields, mut seen) = (serde_json::Map::new(), BTreeSet::new());
        while let Some(name) = entries.next_key::<String>()? {
            let path = if self.path.is_empty() { name.clone() } else { format!("{}.{name}", self.path) };
            if !seen.insert(name.clone()) && !self.twice.contains(&path) {
                self.twice.push(path.clone());
            }
            let value = entries.next_value_seed(Tree { path, twice: &mut *self.twice })?;
            fields.insert(name, value);
        }
        Ok(Value::Object(fields))
    }
}
