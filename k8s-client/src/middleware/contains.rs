//! Whether an object on the server holds all that was sent to create it.
//!
//! The server adds: defaults, what admission plugins put in, elements of lists. It leaves out what is zero, writes quantities and
//! times in its own form, and keeps `status` and some of the metadata to itself. All else has to be there as it was sent. What is
//! taken for a difference but is none costs an error that says so, never a second object.

use base64::Engine as _;
use k8s_api::quantity::Quantity;
use k8s_api::time::Time;
use serde_json::Value;

/// What the server decides, whatever is sent.
const SYSTEM: &[&str] = &[
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// The path of the first thing that was sent and is not there. It never has a value in it: that may be a secret.
pub(super) fn difference(mut sent: Value, there: &Value) -> Option<String> {
    let secret = sent.get("kind").is_some_and(|kind| kind == "Secret");
    if let Some(object) = sent.as_object_mut() {
        object.remove("status");
        if secret {
            encode_string_data(object);
        }
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.retain(|name, _| !SYSTEM.contains(&name.as_str()));
        }
    }
    let mut path = String::new();
    (!contains(&sent, there, &mut path)).then_some(path)
}

/// A Secret's `stringData` can only be written: it is read as `data`.
fn encode_string_data(secret: &mut serde_json::Map<String, Value>) {
    let Some(Value::Object(texts)) = secret.remove("stringData") else { return };
    let data = secret.entry("data").or_insert_with(|| Value::Object(Default::default()));
    for (name, text) in texts {
        if let (Some(data), Some(text)) = (data.as_object_mut(), text.as_str()) {
            data.insert(name, base64::engine::general_purpose::STANDARD.encode(text).into());
        }
    }
}

/// Leaves `path` where they differ.
fn contains(sent: &Value, there: &Value, path: &mut String) -> bool {
    let length = path.len();
    match (sent, there) {
        (Value::Null, _) => true,
        (Value::Object(sent), Value::Object(_) | Value::Null) => sent.iter().all(|(name, value)| {
            path.truncate(length);
            if length > 0 {
                path.push('.');
            }
            path.push_str(name);
            contains(value, there.get(name).unwrap_or(&Value::Null), path)
        }),
        (Value::Array(sent), Value::Null) => sent.is_empty(),
        (Value::Array(sent), Value::Array(there)) => {
            let mut there = there.iter();
            sent.iter().enumerate().all(|(index, element)| {
                path.truncate(length);
                let found = there.any(|other| contains(element, other, &mut path.clone()));
                path.push_str(&format!("[{index}]"));
                found
            })
        }
        (Value::Bool(sent), Value::Null) => !sent,
        (Value::String(sent), Value::Null) => sent.is_empty(),
        (Value::Number(sent), Value::Null) => sent.as_f64() == Some(0.0),
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::String(a), Value::String(b)) => a == b || same_quantity(a, b) || same_time(a, b),
        (Value::Number(a), Value::String(b)) => same_quantity(&a.to_string(), b),
        _ => sent == there,
    }
}

fn same_quantity(a: &str, b: &str) -> bool {
    matches!((a.parse::<Quantity>(), b.parse::<Quantity>()), (Ok(a), Ok(b)) if a == b)
}

fn same_time(a: &str, b: &str) -> bool {
    matches!((a.parse::<Time>(), b.parse::<Time>()), (Ok(a), Ok(b)) if a == b)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::difference;

    fn compare(sent: Value, there: Value) -> String {
        difference(sent, &there).unwrap_or_default()
    }

    #[test]
    fn the_server_adds_and_leaves_out() {
        let sent = json!({
            "kind": "Pod",
            "metadata": { "name": "a", "creationTimestamp": null, "uid": "mine", "labels": {} },
            "spec": {
                "containers": [{ "name": "b", "resources": {}, "tty": false, "args": [] }, { "name": "c", "stdin": true }],
                "hostname": "",
                "priority": 0,
                "restartPolicy": null,
            },
            "status": { "phase": "Running" },
        });
        let there = json!({
            "kind": "Pod",
            "metadata": { "name": "a", "uid": "theirs", "labels": { "x": "y" } },
            "spec": {
                "containers": [{ "name": "injected" }, { "name": "b", "image": "i" }, { "name": "c", "stdin": true }],
                "restartPolicy": "Always",
            },
            "status": { "phase": "Pending" },
        });
        assert_eq!(compare(sent, there), "");
    }

    #[test]
    fn what_was_sent_and_is_not_there_is_named() {
        for (sent, there, path) in [
            (json!({ "a": { "b": 1 } }), json!({ "a": { "b": 2 } }), "a.b"),
            (json!({ "a": { "b": 1 } }), json!({ "a": {} }), "a.b"),
            (json!({ "a": { "b": 1 } }), json!({}), "a.b"),
            (json!({ "a": true }), json!({ "a": false }), "a"),
            (json!({ "a": 0, "b": "x" }), json!({ "b": "" }), "b"),
            (json!({ "a": [{ "n": 1 }, { "n": 2 }] }), json!({ "a": [{ "n": 1 }] }), "a[1]"),
            (json!({ "a": [1, 2] }), json!({ "a": [2, 1] }), "a[1]"),
            (json!({ "a": [1] }), json!({}), "a"),
            (json!({ "a": "x" }), json!({ "a": { "x": 1 } }), "a"),
            (json!({ "a": {} }), json!({ "a": "x" }), "a"),
            (
                json!({ "kind": "ConfigMap", "stringData": { "a": "x" } }),
                json!({ "kind": "ConfigMap" }),
                "stringData.a",
            ),
        ] {
            assert_eq!(compare(sent.clone(), there), path, "{sent}");
        }
    }

    #[test]
    fn the_servers_form_is_no_difference() {
        for (sent, there, same) in [
            (json!("1000m"), json!("1"), true),
            (json!(2), json!("2"), true),
            (json!(1.0), json!(1), true),
            (json!("1000m"), json!("2"), false),
            (json!("2026-01-01T01:00:00+01:00"), json!("2026-01-01T00:00:00Z"), true),
            (json!("2026-01-01T01:00:00Z"), json!("2026-01-01T00:00:00Z"), false),
        ] {
            assert_eq!(
                difference(json!({ "a": sent }), &json!({ "a": there })).is_none(),
                same,
                "{sent} {there}"
            );
        }
    }

    #[test]
    fn a_secrets_texts_are_read_as_data() {
        let sent =
            json!({ "kind": "Secret", "stringData": { "a": "x" }, "data": { "a": "b2xk", "b": "eQ==" } });
        let there = json!({ "kind": "Secret", "data": { "a": "eA==", "b": "eQ==" } });
        assert_eq!(compare(sent.clone(), there), "");
        let other = json!({ "kind": "Secret", "data": { "a": "eQ==", "b": "eQ==" } });
        assert_eq!(compare(sent, other), "data.a");
    }
}
