//! From text to objects.

use std::sync::Arc;

use k8s_api::dynamic::{DynamicObject, Json};
use serde::Deserialize as _;
use serde::de::IntoDeserializer;

use super::{Document, Place, together};
use crate::error::{Error, Result};
use crate::yaml::{self, Node, Reason};

/// As deep as JSON may be; definitions of large kinds are deeper than other files.
const DEPTH: usize = 128;

pub(super) fn documents(source: &str, text: &str) -> Result<Vec<Document>> {
    let source: Arc<str> = source.into();
    let (mut found, mut mistakes, mut number) = (Vec::new(), Vec::new(), 0);
    for (line, text) in split(text) {
        let tree = match tree(text) {
            Ok(tree) if tree.is_null() => continue,
            Ok(tree) => tree,
            Err((within, column, message)) => {
                number += 1;
                let line = line + within - 1;
                mistakes.push(Error::request(format!("{source}, line {line}, column {column}: {message}")));
                continue;
            }
        };
        number += 1;
        // The separator is not where it begins.
        let begins = text.lines().take_while(|line| is_nothing(line)).count();
        let place = Place { source: source.clone(), document: number, line: line + begins, item: None };
        for one in objects(place, tree) {
            match one {
                Ok(document) => found.push(document),
                Err(mistake) => mistakes.push(mistake),
            }
        }
    }
    together(mistakes)?;
    Ok(found)
}

/// Whether nothing of an object stands on a line.
fn is_nothing(line: &str) -> bool {
    let line = line.strip_prefix("---").unwrap_or(line).trim_start();
    line.is_empty() || line.starts_with('#') || line.starts_with('%')
}

/// The documents, each with the number of its first line. `---` at the beginning of a line stands nowhere else in YAML, not even in
/// a block of text.
fn split(text: &str) -> Vec<(usize, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (mut parts, mut begin, mut first, mut at) = (Vec::new(), 0, 1, 0);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let ends = line
            .strip_prefix("---")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
        // What comes before the first one may be directives, which belong to it.
        let before = text.get(begin..at).unwrap_or_default();
        if ends && before.lines().any(|line| !is_nothing(line)) {
            parts.push((first, before));
            (begin, first) = (at, number + 1);
        } else if ends && !before.lines().any(|line| line.starts_with('%')) {
            (begin, first) = (at, number + 1);
        }
        at += line.len();
    }
    parts.push((first, text.get(begin..).unwrap_or_default()));
    parts
}

/// Line and column of a mistake, and what it is, without any text of the document: it may be a Secret.
fn tree(text: &str) -> Result<Json, (usize, usize, String)> {
    if text.lines().all(is_nothing) {
        return Ok(Json::Null);
    }
    match yaml::read(text, DEPTH) {
        Ok(node) => Ok(json(node)),
        Err(error) => Err((error.line, error.column, format!("is no YAML{}", mistake(&error.reason)))),
    }
}

fn mistake(reason: &Reason) -> String {
    match reason {
        Reason::Twice(field) => format!(": the field `{field}` comes twice"),
        Reason::Ends => ": it ends too early".to_owned(),
        Reason::Second => ": a second document begins without `---`".to_owned(),
        Reason::Broken => String::new(),
    }
}

fn json(node: Node) -> Json {
    // Of numbers it knows how Kubernetes writes them, and all that YAML has are finite.
    fn number<'de>(number: impl IntoDeserializer<'de>) -> Json {
        Json::deserialize(number.into_deserializer()).unwrap_or_default()
    }
    match node {
        Node::Null => Json::Null,
        Node::Flag(flag) => Json::Bool(flag),
        Node::Whole(whole) => Json::from(whole),
        Node::Large(large) => number(large),
        Node::Fraction(fraction) => number(fraction),
        Node::Text(text) => Json::from(text.expose()),
        Node::List(list) => list.into_iter().map(json).collect(),
        Node::Map(fields) => {
            Json::Map(fields.into_iter().map(|(name, value)| (name.as_str().into(), json(value))).collect())
        }
    }
}

fn objects(place: Place, tree: Json) -> Vec<Result<Document>> {
    if !matches!(tree, Json::Map(_)) {
        return vec![Err(Error::request(format!("{place}: is {}, not an object", tree.what())))];
    }
    let text = |name| tree.get(name).and_then(Json::as_str).unwrap_or_default();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let items = kind.strip_suffix("List").and_then(|kind| Some((kind, tree.get("items")?.as_list()?)));
    let Some((item_kind, items)) = items else { return vec![object(place, &tree)] };
    let each = items.iter().enumerate().map(|(at, item)| {
        let place = Place { item: Some(at + 1), ..place.clone() };
        let mut item = item.clone();
        // The objects of a list of one kind come without it.
        if let Json::Map(fields) = &mut item
            && !item_kind.is_empty()
        {
            for (name, said) in [("kind", item_kind), ("apiVersion", api_version)] {
                if !fields.iter().any(|(known, _)| known == name) {
                    fields.insert(0, (name.into(), said.into()));
                }
            }
        }
        object(place, &item)
    });
    each.collect()
}

fn object(place: Place, tree: &Json) -> Result<Document> {
    let raw = tree.to_raw();
    let object = DynamicObject::parse(raw.as_str().as_bytes()).map_err(|error| {
        // The byte is that of JSON which nobody has seen.
        let text = error.to_string();
        let text = text.rsplit_once(" (at byte").map_or(text.as_str(), |(text, _)| text);
        Error::request(format!("{place}: {text}"))
    })?;
    let missing: Vec<&str> = [
        ("apiVersion", object.api_version.is_empty()),
        ("kind", object.kind.is_empty()),
        ("metadata.name", object.metadata.name.is_empty()),
    ]
    .into_iter()
    .filter(|(_, missing)| *missing)
    .map(|(name, _)| name)
    .collect();
    if !missing.is_empty() {
        let kind = if object.kind.is_empty() { String::new() } else { format!(", {}", object.kind) };
        return Err(Error::request(format!("{place}{kind}: has no {}", missing.join(" and no "))));
    }
    Ok(Document { place, object })
}
