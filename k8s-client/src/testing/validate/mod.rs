//! What the real server says of an object that is not as it has to be: names and labels of every kind, and of everyday kinds
//! what is required, what has to be one of a few words, and what must not change.
//!
//! Schemas say little of this; the words are those of the real server, which a test compares.

pub(crate) mod names;
mod plain;
mod pods;
mod rare;
mod workloads;

use k8s_api::quantity::Quantity;
use serde_json::Value;

use super::failure::{Cause, Failure};
use super::kinds::Known;

/// What is wrong, by field.
pub(crate) type Causes = Vec<Cause>;

/// Refuses a new object, which has the form of `kind` and was sent as one of `asked`.
pub(crate) fn create(asked: &Known, kind: &Known, object: &Value) -> Result<(), Failure> {
    let mut causes = metadata(asked, object);
    match kind.group {
        "" if kind.kind == "Event" => causes = rare::event(asked, object, causes),
        "" => {
            plain::check(kind, object, &mut causes);
            pods::check_kind(kind, object, &mut causes);
        }
        "apps" | "batch" => workloads::check(kind, object, &mut causes),
        _ => plain::check(kind, object, &mut causes),
    }
    refuse(kind, object, causes)
}

/// Refuses a change.
pub(crate) fn update(
    asked: &Known,
    kind: &Known,
    object: &Value,
    old: &Value,
    part: &str,
) -> Result<(), Failure> {
    let mut causes = metadata(asked, object);
    immutable(
        &object["metadata"],
        &old["metadata"],
        "metadata",
        &["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"],
        &mut causes,
    );
    held(object, old, &mut causes);
    if part.is_empty() {
        match kind.group {
            "" if kind.kind == "PersistentVolumeClaim" => {
                plain::check(kind, object, &mut causes);
                plain::changes(kind, object, old, &mut causes);
            }
            "" => {
                plain::changes(kind, object, old, &mut causes);
                plain::check(kind, object, &mut causes);
                pods::changes(kind, object, old, &mut causes);
            }
            "apps" | "batch" => {
                workloads::check(kind, object, &mut causes);
                workloads::changes(kind, object, old, &mut causes);
            }
            _ => {
                plain::changes(kind, object, old, &mut causes);
                plain::check(kind, object, &mut causes);
            }
        }
    }
    if part == "approval" {
        approval(object, old, &mut causes);
    }
    refuse(kind, object, causes)
}

/// What is deleted is held by nobody new.
fn held(object: &Value, old: &Value, causes: &mut Causes) {
    if old["metadata"]["deletionTimestamp"].is_null() {
        return;
    }
    let had = list(&old["metadata"]["finalizers"]);
    let new: Vec<String> = list(&object["metadata"]["finalizers"])
        .iter()
        .filter(|it| !had.contains(it))
        .map(Value::to_string)
        .collect();
    if !new.is_empty() {
        let found = new.join(", ");
        causes.push(Cause::forbidden(
            "metadata.finalizers",
            &format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{found}}}"
            ),
        ));
    }
}

/// What was decided of a certificate stays so, and is one thing.
fn approval(object: &Value, old: &Value, causes: &mut Causes) {
    let has = |object: &Value, type_: &str| {
        list(&object["status"]["conditions"]).iter().any(|condition| condition["type"] == type_)
    };
    for type_ in ["Approved", "Denied", "Failed"] {
        if has(old, type_) && !has(object, type_) {
            causes.push(Cause::forbidden(
                "status.conditions",
                &format!("updates may not remove a condition of type {type_:?}"),
            ));
        }
    }
    if has(object, "Approved") && has(object, "Denied") {
        causes.push(Cause::invalid(
            "status.conditions",
            &"Denied".into(),
            "Approved and Denied conditions are mutually exclusive",
        ));
    }
}

fn refuse(kind: &Known, object: &Value, causes: Causes) -> Result<(), Failure> {
    if causes.is_empty() {
        return Ok(());
    }
    Err(Failure::invalid(kind, object["metadata"]["name"].as_str().unwrap_or_default(), &causes))
}

/// Kinds whose finalizers need no prefix.
fn lenient(kind: &Known) -> bool {
    matches!(
        kind.group,
        "policy"
            | "admissionregistration.k8s.io"
            | "apiregistration.k8s.io"
            | "apiextensions.k8s.io"
            | "coordination.k8s.io"
            | "node.k8s.io"
    ) || kind.group.is_empty() && kind.kind == "Event"
}

/// How a kind's names have to be.
fn name_rule(kind: &Known) -> fn(&str) -> Vec<String> {
    match (kind.group, kind.kind) {
        ("", "Namespace") | ("apps", "StatefulSet") => names::label,
        ("", "Event") | ("policy", _) => names::segment,
        ("", "Service") => names::label_1035,
        ("networking.k8s.io", "IPAddress") => names::address,
        ("rbac.authorization.k8s.io", _)
        | ("certificates.k8s.io", "ClusterTrustBundle")
        | ("apiregistration.k8s.io" | "internal.apiserver.k8s.io", _) => names::segment,
        _ => names::subdomain,
    }
}

fn metadata(kind: &Known, object: &Value) -> Causes {
    let mut causes = Vec::new();
    let metadata = &object["metadata"];
    let name = &metadata["name"];
    match name.as_str().unwrap_or_default() {
        "" => causes.push(Cause::required("metadata.name", "name or generateName is required")),
        text => {
            // Almost everywhere names have characters, and only what is not a name has bytes.
            let of_bytes = matches!(kind.kind, "ReplicationController" | "DeviceClass");
            for what in name_rule(kind)(text) {
                let what = if of_bytes { what } else { what.replace(" bytes", " characters") };
                causes.push(Cause::invalid("metadata.name", name, what));
            }
        }
    }
    self::labels(&metadata["labels"], "metadata.labels", &mut causes);
    let mut size = 0;
    for (key, value) in metadata["annotations"].as_object().into_iter().flatten() {
        for what in names::qualified(&key.to_lowercase()) {
            causes.push(Cause::invalid("metadata.annotations", &key.as_str().into(), what));
        }
        size += key.len() + value.as_str().map_or(0, str::len);
    }
    const MOST: usize = 256 * 1024;
    if size > MOST {
        causes.push(Cause::too_long("metadata.annotations", MOST));
    }
    for (index, owner) in list(&metadata["ownerReferences"]).iter().enumerate() {
        for field in ["apiVersion", "kind", "name", "uid"] {
            if owner[field].as_str().unwrap_or_default().is_empty() {
                let field = format!("metadata.ownerReferences[{index}].{field}");
                causes.push(Cause::required(field, "must not be empty"));
            }
        }
    }
    let controllers = list(&metadata["ownerReferences"]).iter().filter(|owner| owner["controller"] == true);
    if let [first, second, ..] = controllers.collect::<Vec<_>>().as_slice() {
        let detail = format!(
            "Only one reference can have Controller set to true. Found \"true\" in references for {}/{} and {}/{}",
            text(&first["kind"]),
            text(&first["name"]),
            text(&second["kind"]),
            text(&second["name"])
        );
        causes.push(Cause::invalid("metadata.ownerReferences", &metadata["ownerReferences"], detail));
    }
    for (index, finalizer) in list(&metadata["finalizers"]).iter().enumerate() {
        let text = finalizer.as_str().unwrap_or_default();
        let known = matches!(text, "orphan" | "foregroundDeletion" | "kubernetes");
        let wrong = names::qualified(text);
        if !wrong.is_empty() {
            for what in wrong {
                causes.push(Cause::invalid("metadata.finalizers", finalizer, what));
            }
        } else if !known && !text.contains('/') && !lenient(kind) {
            causes.push(Cause::invalid(
                format!("metadata.finalizers[{index}]"),
                finalizer,
                "name is neither a standard finalizer name nor is it fully qualified",
            ));
        }
    }
    causes
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Labels of whatever field.
fn labels(labels: &Value, field: &str, causes: &mut Causes) {
    for (key, value) in labels.as_object().into_iter().flatten() {
        for what in names::qualified(key) {
            causes.push(Cause::invalid(field, &key.as_str().into(), what));
        }
        for what in names::label_value(value.as_str().unwrap_or_default()) {
            causes.push(Cause::invalid(field, value, what));
        }
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// These fields stay as they were.
fn immutable(new: &Value, old: &Value, path: &str, fields: &[&str], causes: &mut Causes) {
    for field in fields {
        if new[*field] != old[*field] {
            let at = if path.is_empty() { (*field).to_owned() } else { format!("{path}.{field}") };
            causes.push(Cause::invalid(at, &new[*field], "field is immutable"));
        }
    }
}

/// One of a few words; an absent one is somebody else's concern.
fn one_of(value: &Value, field: &str, words: &[&str], causes: &mut Causes) {
    if let Some(text) = value.as_str()
        && !words.contains(&text)
    {
        causes.push(Cause::unsupported(field, value, words));
    }
}

fn required(value: &Value, field: &str, detail: &str, causes: &mut Causes) -> bool {
    let missing = match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    };
    if missing {
        causes.push(Cause::required(field, detail));
    }
    !missing
}

fn not_negative(value: &Value, field: &str, causes: &mut Causes) {
    if value.as_i64().is_some_and(|number| number < 0) {
        causes.push(Cause::invalid(field, value, "must be greater than or equal to 0"));
    }
}

/// A port number.
fn port(value: &Value, field: &str, causes: &mut Causes) {
    if let Some(number) = value.as_i64()
        && !(1..=65535).contains(&number)
    {
        causes.push(Cause::invalid(field, value, "must be between 1 and 65535, inclusive"));
    }
}

fn quantity(value: &Value) -> Option<Quantity> {
    value.as_str()?.parse().ok()
}

/// A `LabelSelector`.
fn selector(value: &Value, field: &str, causes: &mut Causes) {
    for (key, label) in value["matchLabels"].as_object().into_iter().flatten() {
        for what in names::qualified(key) {
            causes.push(Cause::invalid(format!("{field}.matchLabels"), &key.as_str().into(), what));
        }
        for what in names::label_value(text(label)) {
            causes.push(Cause::invalid(format!("{field}.matchLabels"), label, what));
        }
    }
    for (index, it) in list(&value["matchExpressions"]).iter().enumerate() {
        let at = |name: &str| format!("{field}.matchExpressions[{index}].{name}");
        match text(&it["operator"]) {
            "In" | "NotIn" if list(&it["values"]).is_empty() => causes
                .push(Cause::required(at("values"), "must be specified when `operator` is 'In' or 'NotIn'")),
            "Exists" | "DoesNotExist" if !list(&it["values"]).is_empty() => causes.push(Cause::forbidden(
                at("values"),
                "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
            )),
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            _ => {
                causes.push(Cause::invalid(at("operator"), &it["operator"], "not a valid selector operator"))
            }
        }
        for what in names::qualified(text(&it["key"])) {
            causes.push(Cause::invalid(at("key"), &it["key"], what));
        }
    }
}
