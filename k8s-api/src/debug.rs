//! `Debug` over the table: what is set, and nothing that is secret.

use std::fmt::{Debug, Formatter, Result};

use crate::leaf::Scalar;
use crate::view::{ListView, MapView, Message, View};

/// Holds a copy of the whole object as it was last applied, Secret data included.
pub(crate) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

pub(crate) const HIDDEN: &str = "<hidden>";

/// Writes a struct with the fields that are set.
pub fn fmt(message: &dyn Message, f: &mut Formatter<'_>) -> Result {
    let table = message.table();
    let name = table.name.rsplit('.').next().unwrap_or(table.name);
    let mut out = f.debug_struct(name);
    for (position, field) in table.fields().enumerate() {
        let view = message.field(position);
        if matches!(view, View::Absent) || !field.is_optional() && view.is_empty() {
            continue;
        }
        match (field.sensitive, view) {
            (false, view) => out.field(field.name, &Shown(view)),
            // The keys of a Secret help, its values don't.
            (true, View::Map(map)) => out.field(field.name, &Keys(map)),
            (true, _) => out.field(field.name, &HIDDEN),
        };
    }
    if !message.unknown().is_empty() {
        out.field("unknown", message.unknown());
    }
    out.finish()
}

/// A value as `Debug` writes it, without what is secret in it.
pub(crate) struct Shown<'a>(pub(crate) View<'a>);

impl Debug for Shown<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match &self.0 {
            View::Absent | View::Null => f.write_str("null"),
            View::Bool(value) => Debug::fmt(value, f),
            View::I32(value) => Debug::fmt(value, f),
            View::I64(value) => Debug::fmt(value, f),
            View::F64(value) => Debug::fmt(value, f),
            View::Str(value) => Debug::fmt(value, f),
            View::Bytes(value) => write!(f, "<{} bytes>", value.len()),
            View::Leaf(leaf) => match leaf.get() {
                Scalar::Text(text) | Scalar::Number(text) => f.write_str(&text),
                Scalar::Int(value) => Debug::fmt(&value, f),
            },
            View::Raw(raw) => f.write_str(&raw.text()),
            View::Message(message) => fmt(*message, f),
            View::List(list) => f.debug_list().entries(elements(*list).map(Shown)).finish(),
            View::Map(map) => f.debug_map().entries(entries(*map)).finish(),
        }
    }
}

struct Keys<'a>(&'a dyn MapView);

impl Debug for Keys<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let keys = (0..self.0.len()).filter_map(|index| Some((self.0.get(index)?.0, HIDDEN)));
        f.debug_map().entries(keys).finish()
    }
}

fn elements<'a>(list: &'a dyn ListView) -> impl Iterator<Item = View<'a>> {
    (0..list.len()).map(|index| list.get(index))
}

fn entries<'a>(map: &'a dyn MapView) -> impl Iterator<Item = (&'a str, Shown<'a>)> {
    (0..map.len()).filter_map(|index| {
        let (key, view) = map.get(index)?;
        Some((key, Shown(if key == LAST_APPLIED { View::Str(HIDDEN) } else { view })))
    })
}
