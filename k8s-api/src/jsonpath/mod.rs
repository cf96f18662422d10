//! JSONPath as kubectl and the printer columns of CRDs use it, on typed objects and on raw JSON.
//!
//! A template is text with expressions in braces: `{.metadata.name}{"\n"}{range .spec.containers[*]}{.image} {end}`. In
//! an expression stand
//!
//! - `.field`, `['field']`; a dot in a name is escaped: `.metadata.labels.app\.kubernetes\.io/name`;
//! - `[0]`, `[-1]`, `[1:3]`, `[::2]`, `[*]`, and unions of them: `[0,2]`, `['name','uid']`;
//! - `.*` for every field, `..` for everything below;
//! - `[?(@.type=="Ready")]` with `==`, `!=`, `<`, `<=`, `>`, `>=`, or without them for what is there;
//! - texts, numbers and booleans; `range` and `end`.
//!
//! `$` and `@` are both the current object, and need not be written. What an object has not is left out, as kubectl does by
//! default; [`JsonPath::check`] finds what no object of a type can have.
//!
//! It was compared with Go's `k8s.io/client-go/util/jsonpath` v0.37.1: `tests/jsonpath.rs` has the corpus. On purpose it
//! differs in this:
//!
//! - `&&` and `||` join conditions in a filter;
//! - an empty list among many does not end the search in those behind it;
//! - an index outside of a list is not there for a filter;
//! - a text has no elements;
//! - what Go takes only to fail later or to find nothing is refused: words that are neither `range` nor `end`, a range
//!   without an end, `[]`, empty filters, unknown operators, steps below 1;
//! - results come in the order of the fields, not in a random one;
//! - `<`, `>`, `&` and line separators are not escaped in JSON.

mod check;
mod eval;
mod found;
mod parse;

use std::fmt;

use crate::view::Message;

pub use found::Found;
use parse::Part;

/// A template or expression that was understood.
///
/// ```
/// use k8s_api::core::v1::{Container, Pod};
/// use k8s_api::jsonpath::JsonPath;
///
/// let mut pod = Pod::default();
/// pod.metadata.name = "web-0".into();
/// pod.spec.containers = vec![Container { image: "web:1".into(), ..Default::default() }];
///
/// let path = JsonPath::parse("{.metadata.name} runs {.spec.containers[*].image}")?;
/// path.check::<Pod>()?;
/// assert_eq!(path.text(&pod)?, "web-0 runs web:1");
///
/// let error = JsonPath::parse("{.spec.containers[*].img}")?.check::<Pod>().unwrap_err();
/// assert!(error.to_string().contains("io.k8s.api.core.v1.Container has no field `img`; it has name, image,"));
/// # Ok::<(), k8s_api::jsonpath::JsonPathError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct JsonPath {
    text: String,
    parts: Vec<Part>,
}

impl JsonPath {
    /// A template, in which expressions stand in braces.
    pub fn parse(template: &str) -> Result<JsonPath, JsonPathError> {
        Ok(JsonPath { parts: parse::template(template)?, text: template.to_owned() })
    }

    /// One expression, with or without braces and the first dot: `spec.nodeName`, as kubectl's `--sort-by` and
    /// printer columns have it.
    pub fn expression(text: &str) -> Result<JsonPath, JsonPathError> {
        let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text).trim();
        if let Some(at) = inner.find(['{', '}']) {
            return Err(JsonPathError::new(inner, at, "one expression has no braces inside"));
        }
        let dot = if inner.starts_with(|c: char| c.is_alphanumeric() || c == '_') { "." } else { "" };
        JsonPath::parse(&format!("{{{dot}{inner}}}"))
    }

    /// Whether objects of this type can have what is asked for. Inside of raw JSON and below `..` everything may be.
    pub fn check<M: Message + Default>(&self) -> Result<(), JsonPathError> {
        check::types(&self.text, &self.parts, &mut M::default())
    }

    /// As [`check`](Self::check), and that it is one expression that leads to named fields with single values, as an index or a
    /// field filter needs it: no text, no `range`, no `..`, no `.*`, and no list or struct at the end.
    pub fn check_fields<M: Message + Default>(&self) -> Result<(), JsonPathError> {
        check::only_fields(&self.text, &self.parts, &mut M::default())
    }

    /// What it finds in an object or in raw JSON; texts of the template among it.
    pub fn find<'a>(&'a self, object: impl Into<Found<'a>>) -> Result<Vec<Found<'a>>, JsonPathError> {
        Ok(self.groups(object.into())?.into_iter().flatten().collect())
    }

    /// What kubectl prints: the results of each expression parted by spaces, structs and lists as JSON. Keys are sorted.
    pub fn text<'a>(&'a self, object: impl Into<Found<'a>>) -> Result<String, JsonPathError> {
        let mut out = String::new();
        for group in self.groups(object.into())? {
            for (position, found) in group.iter().enumerate() {
                if position > 0 {
                    out.push(' ');
                }
                out.push_str(&found.text());
            }
        }
        Ok(out)
    }

    fn groups<'a>(&'a self, object: Found<'a>) -> Result<Vec<Vec<Found<'a>>>, JsonPathError> {
        eval::template(&self.text, &self.parts, object)
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Why a text is no JSONPath, what it asks for can't be, or an object is not as it expects. Never holds values of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonPathError {
    expression: String,
    at: usize,
    message: String,
}

impl JsonPathError {
    fn new(expression: &str, at: usize, message: impl Into<String>) -> JsonPathError {
        JsonPathError { expression: expression.to_owned(), at, message: message.into() }
    }

    /// The byte of the expression that it is about.
    pub fn at(&self) -> usize {
        self.at
    }
}

impl fmt::Display for JsonPathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JSONPath `{}`: {} (at byte {})", self.expression, self.message, self.at)
    }
}

impl std::error::Error for JsonPathError {}
