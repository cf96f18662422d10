//! What a JSONPath finds: a field of a typed object, raw JSON inside of one, or a literal of the expression.

use std::borrow::Cow;
use std::fmt;

use crate::codec::json::{self, Lexer};
use crate::leaf::Scalar;
use crate::raw::RawJson;
use crate::view::{Message, View};

/// One result.
#[derive(Clone)]
pub struct Found<'a>(Node<'a>);

#[derive(Clone)]
enum Node<'a> {
    View(View<'a>),
    /// One valid JSON value.
    Json(&'a str),
    Text(&'a str),
    Int(i64),
    Float(f64),
    Bool(bool),
}

/// A value as JSON has it, as far as it takes to compare or print it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Cow<'a, str>),
    List,
    Object,
}

impl<'a, M: Message> From<&'a M> for Found<'a> {
    fn from(message: &'a M) -> Found<'a> {
        Found(Node::View(View::Message(message)))
    }
}

impl<'a> From<&'a dyn Message> for Found<'a> {
    fn from(message: &'a dyn Message) -> Found<'a> {
        Found(Node::View(View::Message(message)))
    }
}

impl<'a> From<&'a RawJson> for Found<'a> {
    fn from(raw: &'a RawJson) -> Found<'a> {
        Found(Node::Json(raw.as_str()))
    }
}

impl<'a> Found<'a> {
    pub(super) fn text_of(text: &'a str) -> Found<'a> {
        Found(Node::Text(text))
    }

    pub(super) fn int(value: i64) -> Found<'a> {
        Found(Node::Int(value))
    }

    pub(super) fn float(value: f64) -> Found<'a> {
        Found(Node::Float(value))
    }

    pub(super) fn bool(value: bool) -> Found<'a> {
        Found(Node::Bool(value))
    }

    /// The field of a typed object; `None` if it lies in raw JSON or in the expression.
    pub fn view(&self) -> Option<View<'a>> {
        match self.0 {
            Node::View(view) => Some(view),
            _ => None,
        }
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        self.shape() == Shape::Null
    }

    /// A text, as it is.
    pub fn as_str(&self) -> Option<Cow<'a, str>> {
        match self.shape() {
            Shape::Text(text) => Some(text),
            _ => None,
        }
    }

    /// As kubectl prints it: a text as it is, structs and lists as JSON with sorted keys.
    pub fn text(&self) -> String {
        match self.shape() {
            Shape::Text(text) => text.into_owned(),
            Shape::Float(value) => go_float(value, 1e-4..1e6, 2),
            _ => self.to_json().as_str().to_owned(),
        }
    }

    /// As JSON, with sorted keys.
    pub fn to_json(&self) -> RawJson {
        let mut out = Vec::new();
        self.write(&mut out);
        RawJson::from_transcoded(&out)
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self.shape() {
            Shape::Null => out.extend_from_slice(b"null"),
            Shape::Bool(value) => json::number(value, out),
            Shape::Int(value) => json::number(value, out),
            Shape::Float(value) if value.is_finite() => json::number(go_float(value, 1e-6..1e21, 1), out),
            Shape::Float(_) => out.extend_from_slice(b"null"),
            Shape::Text(text) => json::string(&text, out),
            Shape::List => {
                out.push(b'[');
                for (index, element) in self.elements().unwrap_or_default().iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    element.write(out);
                }
                out.push(b']');
            }
            Shape::Object => {
                let mut entries = self.entries();
                entries.sort_by(|(a, _), (b, _)| a.cmp(b));
                out.push(b'{');
                let mut first = true;
                for (key, value) in entries {
                    json::key(&key, &mut first, out);
                    value.write(out);
                }
                out.push(b'}');
            }
        }
    }

    /// Raw JSON wherever it lies, and what is set of a union.
    fn node(&self) -> Node<'a> {
        match &self.0 {
            Node::View(view) => match view.chosen() {
                View::Raw(raw) => Node::Json(raw.as_str()),
                view => Node::View(view),
            },
            node => node.clone(),
        }
    }

    pub(super) fn shape(&self) -> Shape<'a> {
        match self.node() {
            Node::Text(text) => Shape::Text(text.into()),
            Node::Int(value) => Shape::Int(value),
            Node::Float(value) => Shape::Float(value),
            Node::Bool(value) => Shape::Bool(value),
            Node::Json(text) => json_shape(text),
            Node::View(view) => match view {
                View::Absent | View::Null | View::Raw(_) => Shape::Null,
                View::Bool(value) => Shape::Bool(value),
                View::I32(value) => Shape::Int(value.into()),
                View::I64(value) => Shape::Int(value),
                // As in the JSON that it would be written as.
                View::F64(value) if value.fract() == 0.0 && value.abs() < 1e15 => Shape::Int(value as i64),
                View::F64(value) => Shape::Float(value),
                View::Str(text) => Shape::Text(text.into()),
                View::Bytes(bytes) => Shape::Text(bytes.to_base64().into()),
                View::Leaf(leaf) => match leaf.get() {
                    Scalar::Text(text) => Shape::Text(text),
                    Scalar::Int(value) => Shape::Int(value),
                    Scalar::Number(text) => number(&text),
                },
                View::Message(_) | View::Map(_) => Shape::Object,
                View::List(_) => Shape::List,
            },
        }
    }

    /// A field of a struct, or the value of a key, if JSON has it.
    pub(super) fn field(&self, name: &str) -> Option<Found<'a>> {
        match self.node() {
            Node::View(View::Message(message)) => match message.table().position(name) {
                Some(position) => {
                    let (field, view) = (message.table().field(position)?, message.field(position));
                    (!field.omits(&view)).then_some(Found(Node::View(view)))
                }
                None => self.entries().into_iter().find(|(key, _)| key == name).map(|(_, found)| found),
            },
            _ => self.entries().into_iter().rev().find(|(key, _)| key == name).map(|(_, found)| found),
        }
    }

    /// The elements of a list; `None` if it is none.
    pub(super) fn elements(&self) -> Option<Vec<Found<'a>>> {
        match self.node() {
            Node::View(View::List(list)) => {
                Some((0..list.len()).map(|at| Found(Node::View(list.get(at)))).collect())
            }
            Node::Json(text) if text.starts_with('[') => Some(json_elements(text).unwrap_or_default()),
            _ => None,
        }
    }

    /// Every field of a struct that JSON has, every entry of a map.
    pub(super) fn entries(&self) -> Vec<(Cow<'a, str>, Found<'a>)> {
        let of = |view| Found(Node::View(view));
        match self.node() {
            Node::View(View::Message(message)) => {
                let kind =
                    message.table().kind.map(|kind| [("kind", kind.kind), ("apiVersion", kind.api_version)]);
                let kind =
                    kind.into_iter().flatten().map(|(name, value)| (name.into(), of(View::Str(value))));
                let fields = message.table().fields().enumerate().filter_map(|(position, field)| {
                    let view = message.field(position);
                    (!field.omits(&view)).then(|| (field.name.into(), of(view)))
                });
                let unknown = message.unknown().json();
                let unknown = unknown.iter().map(|(name, raw)| (name.as_str().into(), of(View::Raw(raw))));
                kind.chain(fields).chain(unknown).collect()
            }
            Node::View(View::Map(map)) => (0..map.len())
                .filter_map(|at| map.get(at))
                .map(|(key, view)| (key.into(), of(view)))
                .collect(),
            Node::Json(text) if text.starts_with('{') => json_entries(text).unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    /// What lies directly inside.
    pub(super) fn children(&self) -> Vec<Found<'a>> {
        match self.elements() {
            Some(elements) => elements,
            None => self.entries().into_iter().map(|(_, found)| found).collect(),
        }
    }
}

/// Does not show what it holds, which may be a secret.
impl fmt::Debug for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.shape() {
            Shape::Null => "null",
            Shape::Bool(_) => "a boolean",
            Shape::Int(_) | Shape::Float(_) => "a number",
            Shape::Text(_) => "a text",
            Shape::List => "a list",
            Shape::Object => "an object",
        })
    }
}

fn json_shape(text: &str) -> Shape<'_> {
    match text.as_bytes().first() {
        Some(b'{') => Shape::Object,
        Some(b'[') => Shape::List,
        Some(b't') => Shape::Bool(true),
        Some(b'f') => Shape::Bool(false),
        Some(b'"') => {
            Lexer::new(text.as_bytes()).and_then(|mut lexer| lexer.string()).map_or(Shape::Null, Shape::Text)
        }
        Some(b'-' | b'0'..=b'9') => number(text),
        _ => Shape::Null,
    }
}

fn number<'a>(text: &str) -> Shape<'a> {
    match text.parse() {
        Ok(value) => Shape::Int(value),
        Err(_) => text.parse().map_or(Shape::Null, Shape::Float),
    }
}

/// The text is known to be JSON: there are no errors.
fn json_elements(text: &str) -> Option<Vec<Found<'_>>> {
    let mut lexer = Lexer::new(text.as_bytes()).ok()?;
    lexer.open(b'[').ok()?;
    let (mut first, mut out) = (true, Vec::new());
    while lexer.more(&mut first, b']').ok()? {
        out.push(Found(Node::Json(lexer.raw().ok()?)));
    }
    Some(out)
}

fn json_entries(text: &str) -> Option<Vec<(Cow<'_, str>, Found<'_>)>> {
    let mut lexer = Lexer::new(text.as_bytes()).ok()?;
    lexer.open(b'{').ok()?;
    let (mut first, mut out) = (true, Vec::new());
    while lexer.more(&mut first, b'}').ok()? {
        out.push((lexer.key().ok()?, Found(Node::Json(lexer.raw().ok()?))));
    }
    Some(out)
}

/// As Go prints it: with an exponent of at least so many digits where it is not `plain`.
fn go_float(value: f64, plain: std::ops::Range<f64>, digits: usize) -> String {
    if value == 0.0 || plain.contains(&value.abs()) {
        return value.to_string();
    }
    let text = format!("{value:e}");
    let Some((mantissa, exponent)) = text.split_once('e') else { return text };
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
    format!("{mantissa}e{sign}{exponent:0>digits$}")
}
