//! Field selectors.

use std::fmt;
use std::iter::Peekable;
use std::marker::PhantomData;
use std::str::{CharIndices, FromStr};

use k8s_api::Resource;
use k8s_api::jsonpath::{Found, JsonPath};
use k8s_api::path::FieldPath;
use k8s_api::view::{Message, View};

use super::Selector;
use crate::error::{Error, Result};

/// A field selector of a kind: `spec.nodeName=n1,status.phase!=Failed`. The empty one means everything.
///
/// A field is named as in [JSONPath](k8s_api::jsonpath), and the type has to have it; with several values (`spec.containers[*].image`) one of
/// them has to be equal, or none of them. What an object has not is the empty text, `false` or `0`, as on the server. In a value, `,`, `=` and
/// `\` stand behind a `\`.
///
/// The server knows only a few fields of each kind, and refuses the others.
#[derive(Clone)]
pub struct Fields<K> {
    terms: Vec<Term>,
    kind: PhantomData<fn() -> K>,
}

#[derive(Clone, Debug, PartialEq)]
struct Term {
    name: String,
    /// The first that leads to a text.
    paths: Vec<JsonPath>,
    /// What it is where it is not.
    absent: &'static str,
    equal: bool,
    value: String,
}

/// What the server calls otherwise than the type does: group, kind, name there, paths here.
const NAMED: &[(&str, &str, &str, &[&str])] = &[
    ("", "Pod", "spec.host", &["spec.nodeName"]),
    ("", "Event", "source", &["source.component", "reportingComponent"]),
    ("batch", "Job", "status.successful", &["status.succeeded"]),
];

impl<K: Resource> Fields<K> {
    /// Reads a selector as kubectl takes it, and holds it to the type.
    pub fn parse(text: &str) -> Result<Fields<K>> {
        let terms = read(text).and_then(|terms| {
            let check = |path: &JsonPath| path.check_fields::<K>().map_err(|error| error.to_string());
            terms.into_iter().map(|raw| Term::new(raw, K::GROUP, K::KIND, &K::default(), check)).collect()
        });
        match terms {
            Ok(terms) => Ok(Fields { terms, kind: PhantomData }),
            Err(reason) => Err(Error::request(format!("field selector `{text}`: {reason}"))),
        }
    }
}

impl<K> Fields<K> {
    /// Whether it means everything.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }
}

impl<K: Resource> Selector<K> for Fields<K> {
    #[inline]
    fn matches(&self, object: &K) -> bool {
        matches(&self.terms, object)
    }
}

fn matches(terms: &[Term], object: &dyn Message) -> bool {
    terms.iter().all(|term| term.has_value(object) == term.equal)
}

impl Term {
    fn new(
        raw: Raw<'_>,
        group: &str,
        kind: &str,
        empty: &dyn Message,
        check: impl Fn(&JsonPath) -> Result<(), String>,
    ) -> Result<Term, String> {
        let Raw { name, equal, value } = raw;
        let named = NAMED.iter().find(|named| (named.0, named.1, named.2) == (group, kind, name));
        let paths = named.map_or(vec![name], |(.., paths)| paths.to_vec());
        let absent = match paths.first().and_then(|path| path.parse::<FieldPath>().ok()?.get(empty)) {
            Some(View::Bool(_)) => "false",
            Some(View::I32(_) | View::I64(_)) => "0",
            _ => "",
        };
        let path = |path: &str| {
            let path = JsonPath::expression(path).map_err(|error| error.to_string())?;
            check(&path).map(|()| path)
        };
        let paths = paths.into_iter().map(path).collect::<Result<_, _>>()?;
        Ok(Term { name: name.to_owned(), paths, absent, equal, value })
    }

    /// Whether the object has the value, or one of its own is the value.
    fn has_value(&self, object: &dyn Message) -> bool {
        let is_empty =
            |found: &Found<'_>| found.is_null() || found.as_str().is_some_and(|text| text.is_empty());
        for path in &self.paths {
            // An object that is not as its type says has nothing there.
            let found = path.find(object).unwrap_or_default();
            if !found.iter().all(is_empty) {
                return found.iter().any(|found| match found.as_str() {
                    Some(text) => text == self.value.as_str(),
                    None => found.text() == self.value,
                });
            }
        }
        self.value == self.absent
    }
}

struct Raw<'a> {
    name: &'a str,
    equal: bool,
    value: String,
}

fn read(text: &str) -> Result<Vec<Raw<'_>>, String> {
    let mut chars = text.char_indices().peekable();
    let mut terms = Vec::new();
    loop {
        // Nothing between two commas is passed over, as on the server.
        while chars.next_if(|(_, c)| *c == ',').is_some() {}
        let Some(&(start, _)) = chars.peek() else { return Ok(terms) };
        terms.push(term(text, start, &mut chars)?);
    }
}

fn term<'a>(text: &'a str, start: usize, chars: &mut Peekable<CharIndices<'_>>) -> Result<Raw<'a>, String> {
    let operator = || format!("expected `=`, `==` or `!=` behind the field at byte {start}");
    // Inside of brackets, a path has commas and operators of its own.
    let (mut depth, mut quote) = (0_usize, None);
    let (at, is_not) = loop {
        let (at, c) = chars.next().ok_or_else(operator)?;
        match (quote, c) {
            (Some(open), c) => quote = Some(open).filter(|open| *open != c),
            (None, '\'' | '"') if depth > 0 => quote = Some(c),
            (None, '[') => depth += 1,
            (None, ']') => depth = depth.saturating_sub(1),
            (None, '=') if depth == 0 => break (at, false),
            (None, '!') if depth == 0 && chars.peek().is_some_and(|(_, c)| *c == '=') => break (at, true),
            (None, ',') if depth == 0 => return Err(operator()),
            _ => {}
        }
    };
    if is_not || chars.peek().is_some_and(|(_, c)| *c == '=') {
        chars.next();
    }
    let name = text.get(start..at).unwrap_or_default();
    if name.is_empty() || name.trim() != name {
        return Err(format!("expected a field at byte {start}, without blanks around it, found `{name}`"));
    }
    let mut value = String::new();
    loop {
        match chars.next() {
            None | Some((_, ',')) => return Ok(Raw { name, equal: !is_not, value }),
            Some((at, '=')) => return Err(format!("a `=` in a value is written `\\=`, at byte {at}")),
            Some((at, '\\')) => match chars.next() {
                Some((_, c @ ('\\' | ',' | '='))) => value.push(c),
                _ => return Err(format!("behind a `\\` stands `,`, `=` or `\\`, at byte {at}")),
            },
            Some((_, c)) => value.push(c),
        }
    }
}

impl<K: Resource> FromStr for Fields<K> {
    type Err = Error;

    fn from_str(text: &str) -> Result<Fields<K>> {
        Fields::parse(text)
    }
}

impl<K> fmt::Display for Fields<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, Term { name, equal, value, .. }) in self.terms.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            let operator = if *equal { "=" } else { "!=" };
            let value = value.replace('\\', "\\\\").replace(',', "\\,").replace('=', "\\=");
            write!(f, "{comma}{name}{operator}{value}")?;
        }
        Ok(())
    }
}

impl<K> PartialEq for Fields<K> {
    fn eq(&self, other: &Self) -> bool {
        self.terms == other.terms
    }
}

impl<K> fmt::Debug for Fields<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fields").field(&self.to_string()).finish()
    }
}
