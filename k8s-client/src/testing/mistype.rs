//! What does not fit its type, in the words of Go's decoder.

use k8s_api::codec::error::DecodeError;
use k8s_api::leaf::Scalar;
use k8s_api::path::{FieldPath, Step};
use k8s_api::view::{Message, Slot};
use serde_json::Value;

/// Where a value is in Go's types.
struct Place {
    owner: &'static str,
    path: String,
    type_: String,
    of_text: Option<&'static str>,
}

/// Such as `json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container`.
pub(crate) fn words(make: fn() -> Box<dyn Message>, error: &DecodeError, value: &Value) -> String {
    let plain = || error.to_string();
    let Ok(path) = error.path().parse::<FieldPath>() else { return plain() };
    let found = path.steps().iter().try_fold(value, |value, step| match step {
        Step::Field(name) => value.get(name),
        Step::Index(index) => value.get(index),
        _ => None,
    });
    let Some(found) = found else { return plain() };
    let mut fresh = make();
    let owner = fresh.table().name.rsplit('.').next().unwrap_or_default();
    let Some(place) = walk(Slot::Message(&mut *fresh), path.steps(), owner, String::new()) else {
        return plain();
    };
    match (place.of_text, found) {
        (Some("bytes"), Value::String(text)) => {
            let at = text.bytes().position(|byte| !byte.is_ascii_alphanumeric() && !b"+/=".contains(&byte));
            return format!(
                "illegal base64 data at input byte {}",
                at.unwrap_or(text.len().saturating_sub(1) / 4 * 4)
            );
        }
        (Some("quantity"), Value::String(_) | Value::Number(_)) => {
            return "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
                .to_owned();
        }
        (Some("time"), Value::String(text)) => {
            return format!(
                "parsing time {text:?} as \"2006-01-02T15:04:05Z07:00\": cannot parse {text:?} as \"2006\""
            );
        }
        _ => {}
    }
    let what = match found {
        Value::String(_) => "string".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Array(_) => "array".to_owned(),
        Value::Object(_) => "object".to_owned(),
        Value::Number(number) if place.type_.starts_with("int") => format!("number {number}"),
        Value::Number(_) => "number".to_owned(),
        Value::Null => return plain(),
    };
    let Place { owner, path, type_, .. } = place;
    format!("json: cannot unmarshal {what} into Go struct field {owner}.{path} of type {type_}")
}

/// The last part of a schema's name, and the version before it: `v1.Container`.
fn go_name(message: &dyn Message) -> String {
    let name = message.table().name;
    let mut parts = name.rsplit('.');
    let (type_, version) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    format!("{version}.{type_}")
}

fn walk(slot: Slot<'_>, steps: &[Step], owner: &'static str, path: String) -> Option<Place> {
    let Some((step, rest)) = steps.split_first() else {
        return Some(Place { owner, path, of_text: of_text(&slot), type_: type_of(slot) });
    };
    match slot {
        Slot::Option(option) => walk(option.fill(), steps, owner, path),
        Slot::Message(message) => {
            let Step::Field(name) = step else { return None };
            let owner = message.table().name.rsplit('.').next()?;
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            walk(message.field_mut(message.table().position(name)?)?, rest, owner, path)
        }
        Slot::List(list) => walk(list.push(), rest, owner, path),
        Slot::Map(map) => walk(map.entry("".into()), rest, owner, path),
        _ => None,
    }
}

/// Types with a text of their own.
fn of_text(slot: &Slot<'_>) -> Option<&'static str> {
    match slot {
        Slot::Bytes(_) => Some("bytes"),
        // Told apart by what an empty one writes.
        Slot::Leaf(leaf) => match leaf.get() {
            Scalar::Text(text) if text.contains('T') => Some("time"),
            Scalar::Text(_) => Some("quantity"),
            _ => None,
        },
        _ => None,
    }
}

fn type_of(slot: Slot<'_>) -> String {
    match slot {
        Slot::Bool(_) => "bool".to_owned(),
        Slot::I32(_) => "int32".to_owned(),
        Slot::I64(_) => "int64".to_owned(),
        Slot::F64(_) => "float64".to_owned(),
        Slot::Str(_) | Slot::Enum(_) => "string".to_owned(),
        Slot::Bytes(_) => "[]uint8".to_owned(),
        Slot::Leaf(leaf) => match leaf.get() {
            Scalar::Text(text) if text.contains('T') => "v1.Time",
            Scalar::Text(_) => "resource.Quantity",
            _ => "intstr.IntOrString",
        }
        .to_owned(),
        Slot::Raw(_) => "interface {}".to_owned(),
        Slot::Message(message) => go_name(message),
        Slot::Option(option) => type_of(option.fill()),
        Slot::List(list) => format!("[]{}", type_of(list.push())),
        Slot::Map(map) => format!("map[string]{}", type_of(map.entry("".into()))),
        _ => "interface {}".to_owned(),
    }
}
