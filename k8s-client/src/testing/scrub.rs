//! What is secret is taken out of what was sent or answered, by the tables of the kinds.

use std::sync::LazyLock;

use k8s_api::authentication::v1::TokenRequest;
use k8s_api::codec::json;
use k8s_api::view::{Message, View};
use serde_json::Value;

use super::kinds::Kinds;
use super::route::Route;
use super::run::Content;

/// In the place of what is secret. It is base64 too, so that it can be read as what it stands for.
const REDACTED: &str = "redacted";

/// The whole object as it was last applied.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

static KINDS: LazyLock<Kinds> = LazyLock::new(Kinds::new);

type Make = fn() -> Box<dyn Message>;

/// Takes out what is secret; an error says why that can't be done.
pub(super) fn scrub(path: &str, content: &mut Content) -> Result<(), String> {
    match content {
        Content::Json(value) => tree(value, at(path)),
        Content::Events(events) => events
            .iter_mut()
            .try_for_each(|event| event.get_mut("object").map_or(Ok(()), |it| tree(it, None))),
        Content::Text(_) | Content::Base64(_) if holds_secrets(path) => {
            Err("it may hold a secret, and is no JSON in which that could be found: ask for JSON".to_owned())
        }
        Content::Text(_) | Content::Base64(_) => Ok(()),
    }
}

fn segments(path: &str) -> Vec<String> {
    path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn holds_secrets(path: &str) -> bool {
    let segments = segments(path);
    segments.iter().any(|part| matches!(part.as_str(), "secrets" | "tokenreviews"))
        || segments.last().is_some_and(|part| part == "token")
}

/// The kind of what stands at a path.
fn at(path: &str) -> Option<Make> {
    let segments = segments(path);
    let (group, version, rest) = match segments.as_slice() {
        [api, version, rest @ ..] if api == "api" => ("", version, rest),
        [apis, group, version, rest @ ..] if apis == "apis" => (group.as_str(), version, rest),
        _ => return None,
    };
    let route = Route::parse(&KINDS, group, version, rest).ok()?;
    (matches!(route.part.as_str(), "" | "status")).then_some(route.kind.make)
}

fn named(api_version: &str, kind: &str) -> Option<Make> {
    if (api_version, kind) == ("authentication.k8s.io/v1", "TokenRequest") {
        return Some(|| Box::new(TokenRequest::default()));
    }
    KINDS.named(api_version, kind).map(|known| known.make)
}

/// Any document of an API server; `place` is the kind of its path, for what does not say its own.
fn tree(value: &mut Value, place: Option<Make>) -> Result<(), String> {
    last_applied(value);
    let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    if let Some(rows) = value.get_mut("rows").and_then(Value::as_array_mut) {
        let mut objects = rows.iter_mut().filter_map(|row| row.get_mut("object"));
        return objects.try_for_each(|object| tree(object, None));
    }
    if let Some(element) = kind.strip_suffix("List")
        && let Some(items) = value.get_mut("items").and_then(Value::as_array_mut)
    {
        let make = named(&api_version, element);
        return items.iter_mut().try_for_each(|item| tree(item, make));
    }
    if matches!(kind.as_str(), "Status" | "PartialObjectMetadata") {
        return Ok(());
    }
    if let Value::Array(operations) = value {
        // A JSON patch, which may be of anything.
        if place.is_some_and(|make| is_sensitive(&*make())) {
            operations.iter_mut().filter_map(|it| it.get_mut("value")).for_each(hide);
        }
        return Ok(());
    }
    let Some(make) = named(&api_version, &kind).or(if kind.is_empty() { place } else { None }) else {
        return Ok(());
    };
    let mut message = make();
    json::decode_into(&mut *message, value.to_string().as_bytes())
        .map_err(|error| format!("it may hold a secret, and is not as objects of its kind are: {error}"))?;
    walk(value, &*message);
    Ok(())
}

/// Whether some of its own fields are secret.
fn is_sensitive(message: &dyn Message) -> bool {
    message.table().fields().any(|field| field.sensitive)
}

fn walk(value: &mut Value, message: &dyn Message) {
    let Value::Object(fields) = value else { return };
    let table = message.table();
    for (name, inner) in fields {
        let Some(position) = table.position(name) else {
            // What a newer server has beside a secret may be one.
            if is_sensitive(message) && !matches!(name.as_str(), "kind" | "apiVersion") {
                hide(inner);
            }
            continue;
        };
        if table.field(position).is_some_and(|field| field.sensitive) {
            hide(inner);
        } else {
            step(inner, message.field(position));
        }
    }
}

fn step(value: &mut Value, view: View<'_>) {
    match (view, value) {
        (View::Message(message), value) => walk(value, message),
        (View::List(list), Value::Array(elements)) => {
            elements.iter_mut().enumerate().for_each(|(at, element)| step(element, list.get(at)));
        }
        (View::Map(map), Value::Object(entries)) => {
            for (key, view) in (0..map.len()).filter_map(|at| map.get(at)) {
                if let Some(value) = entries.get_mut(key) {
                    step(value, view);
                }
            }
        }
        _ => {}
    }
}

fn last_applied(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields {
                if name == LAST_APPLIED { hide(inner) } else { last_applied(inner) }
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(last_applied),
        _ => {}
    }
}

/// The names of a map stay, the values do not.
fn hide(value: &mut Value) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Object(fields) => fields.iter_mut().for_each(|(_, inner)| hide(inner)),
        Value::Array(elements) => elements.iter_mut().for_each(hide),
        Value::String(_) | Value::Number(_) => *value = REDACTED.into(),
    }
}
