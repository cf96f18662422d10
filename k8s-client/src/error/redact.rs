//! What was sent or is kept in a Secret never comes back in an error.
//!
//! The server repeats values in some of its messages: of a field with a wrong type, or one that a policy doesn't like. Of a patch
//! that doesn't fit it repeats the whole object as it would have become, with what was there before.

use base64::Engine as _;
use k8s_api::operation::Operation;
use k8s_api::transport::{Body, Call};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::secret::Secret;

/// The bodies of these hold secrets.
const RESOURCES: [(&str, &str); 2] = [("", "secrets"), ("authentication.k8s.io", "tokenreviews")];

/// Where in them, and the values of a JSON patch.
const FIELDS: [&str; 4] = ["data", "stringData", "spec", "value"];

/// Shorter ones would be found in every sentence.
const SHORTEST: usize = 4;

/// The body of a call that may hold secrets.
pub(crate) struct Sent(Option<Body>);

impl Clone for Sent {
    fn clone(&self) -> Sent {
        Sent(self.0.as_ref().map(|body| body.replay().unwrap_or(Body::Empty)))
    }
}

impl Sent {
    pub(crate) fn of(call: &Call) -> Sent {
        let holds = |op: &Operation| RESOURCES.contains(&(&*op.group, &*op.resource));
        Sent(holds(&call.meta.op).then(|| call.body.replay().unwrap_or(Body::Empty)))
    }

    /// Takes out of a text what was sent.
    pub(super) fn hide(&self) -> impl Fn(&str) -> String + '_ {
        let secrets = match &self.0 {
            Some(Body::Bytes(bytes)) => serde_json::from_slice(bytes).map(|value: Value| secrets(value)).ok(),
            _ => Some(Vec::new()),
        };
        move |text: &str| match &secrets {
            Some(secrets) => {
                secrets.iter().fold(text.to_owned(), |text, secret| match text.contains(secret.expose()) {
                    true => text.replace(secret.expose(), "[redacted]"),
                    false => text,
                })
            }
            None if text.is_empty() => String::new(),
            None => {
                "what the server says is left out: it may repeat what was sent, which is no JSON".to_owned()
            }
        }
    }
}

/// Leaves out what the server repeats of an object: JSON as Go quotes it. It may hold secrets, and is long.
pub(super) fn without_objects(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, object)) = rest.split_once("\"{\\\"") {
        out.push_str(before);
        out.push_str("\"{..}\"");
        let mut escaped = false;
        // One that is cut off goes to the end.
        let end = object.bytes().position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        rest = end.and_then(|end| object.get(end + 1..)).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// The longest first: one may be a part of another.
fn secrets(body: Value) -> Vec<Secret> {
    let mut all = Vec::new();
    within(body, false, &mut all);
    all.retain(|secret: &Secret| secret.expose().chars().count() >= SHORTEST);
    all.sort_by_key(|secret| std::cmp::Reverse(secret.expose().len()));
    all
}

fn within(value: Value, secret: bool, all: &mut Vec<Secret>) {
    match value {
        Value::String(text) if secret => {
            let decoded = base64::engine::general_purpose::STANDARD.decode(&text);
            let decoded = decoded.ok().and_then(|bytes| String::from_utf8(bytes).ok()).map(Zeroizing::new);
            for text in decoded.iter().map(|text| text.as_str()).chain([&*text]) {
                // Of a key in several lines the server may repeat one, or escape their ends.
                all.extend(text.lines().map(Secret::new));
                all.push(Secret::new(text));
            }
            drop(Zeroizing::new(text));
        }
        Value::Number(number) if secret => all.push(Secret::new(number.to_string())),
        Value::Array(values) => values.into_iter().for_each(|value| within(value, secret, all)),
        Value::Object(fields) => {
            for (name, value) in fields {
                within(value, secret || FIELDS.contains(&&*name), all);
            }
        }
        _ => {}
    }
}
