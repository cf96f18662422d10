//! What becomes of an object that is changed: which of its parts may be, what is kept, whether it is still the one that was meant.

use std::sync::Arc;

use serde_json::{Value, json};

use super::ask::Said;
use super::core::{Call, State};
use super::failure::{Cause, Failure};
use super::kinds::Known;
use super::store::Object;
use super::writes::{canonical, has_generation, needs_version, text};
use super::{cleanup, defaults, validate};

/// Puts a changed object, or a changed part, in the place of the old one.
pub(crate) fn change(
    call: &mut Call<'_>,
    state: &mut State,
    old: &Arc<Object>,
    object: Value,
    replaced: bool,
) -> Result<Said, Failure> {
    let core = call.core;
    let before = old.value();
    let object = merged(call, &mut state.addresses, &before, object, replaced)?;
    if object == before {
        return call.shape.object(call, old);
    }
    if call.dry {
        let mut object = object;
        object["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"].clone();
        return call.shape.value(call, object);
    }
    let said = if cleanup::is_done(&object) {
        // The last one who held it let it go.
        let said = call.shape.value(call, object.clone());
        state.store.put(call.kind.stored, object);
        state.store.remove(call.kind.stored, &old.key);
        said
    } else {
        let stored = state.store.put(call.kind.stored, object);
        call.shape.object(call, &stored)
    };
    cleanup::settle(core, state);
    core.announce(state);
    said
}

/// The object as it will be, without a new version.
fn merged(
    call: &Call<'_>,
    addresses: &mut defaults::Addresses,
    before: &Value,
    mut object: Value,
    replaced: bool,
) -> Result<Value, Failure> {
    let kind = &call.kind;
    let name = &call.name;
    if !object["metadata"].is_object() {
        object["metadata"] = json!({});
    }
    let metadata = &mut object["metadata"];
    let old = &before["metadata"];
    let version = text(&metadata["resourceVersion"]).to_owned();
    let uid = text(&metadata["uid"]).to_owned();
    if replaced && !uid.is_empty() && uid != text(&old["uid"]) {
        let why = format!(
            "Precondition failed: UID in precondition: {uid}, UID in object meta: {}",
            text(&old["uid"])
        );
        return Err(Failure::conflict(kind, name, &why));
    }
    if !version.is_empty() && version.parse::<u64>().is_err() {
        let message = format!("strconv.ParseUint: parsing {version:?}: invalid syntax");
        return Err(Failure::plain_internal(message));
    }
    if !version.is_empty() && version != "0" && version != text(&old["resourceVersion"]) {
        return Err(Failure::modified(kind, name));
    }
    if version.is_empty() && needs_version(kind) {
        let cause = Cause::invalid("metadata.resourceVersion", &0.into(), "must be specified for an update");
        // Of all refusals this one names the resource.
        return Err(Failure::invalid_named(kind.plural, kind.group, name, &[cause]));
    }
    if let Some(fields) = metadata.as_object_mut() {
        for field in ["selfLink", "managedFields"] {
            fields.remove(field);
        }
        // A patch that says another one is refused below.
        if text(fields.get("uid").unwrap_or(&Value::Null)).is_empty() {
            fields.insert("uid".into(), old["uid"].clone());
        }
        for field in ["deletionTimestamp", "deletionGracePeriodSeconds"] {
            if let Some(value) = old.get(field) {
                fields.insert(field.into(), value.clone());
            }
        }
        for field in ["resourceVersion", "creationTimestamp", "generation"] {
            match old.get(field) {
                Some(value) => _ = fields.insert(field.into(), value.clone()),
                None => _ = fields.remove(field),
            }
        }
        if kind.namespaced {
            fields.insert("namespace".into(), old["namespace"].clone());
        } else {
            fields.remove("namespace");
        }
    }
    defaults::without_empty(metadata, &["labels", "annotations", "finalizers", "ownerReferences"]);
    defaults::defaults(kind, &mut object);
    let mut object = call.core.kinds.convert(object, kind, &call.stored)?;
    defaults::defaults(&call.stored, &mut object);
    let mut object = super::parts::only(&call.stored, &call.part, before, object);
    inherit(&call.stored, before, &mut object);
    if call.stored.kind == "Service" && call.part.is_empty() {
        addresses.give(&mut object["spec"]);
    }
    if call.part == "approval" {
        let now = call.core.clock.stamp();
        for condition in object
            .get_mut("status")
            .and_then(|it| it.get_mut("conditions"))
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            for field in ["lastUpdateTime", "lastTransitionTime"] {
                if condition[field].is_null() {
                    condition[field] = now.as_str().into();
                }
            }
        }
    }
    let mut object = canonical(call, object)?;
    if let Some(fields) = object.as_object_mut() {
        fields.remove("kind");
        fields.remove("apiVersion");
    }
    // A deployment's annotations are among what is wanted, and a slice's labels.
    let noted = match call.stored.kind {
        "Deployment" if call.part.is_empty() => {
            object["metadata"]["annotations"] != before["metadata"]["annotations"]
        }
        "EndpointSlice" => object["metadata"]["labels"] != before["metadata"]["labels"],
        _ => false,
    };
    if has_generation(&call.stored) && (noted || wanted(&object) != wanted(before)) {
        let generation = old["generation"].as_i64().unwrap_or_default();
        object["metadata"]["generation"] = (generation + 1).into();
    }
    validate::update(&call.kind, &call.stored, &object, before, &call.part)?;
    Ok(object)
}

/// What somebody wants, which a generation counts.
fn wanted(object: &Value) -> Value {
    let mut wanted = object.clone();
    if let Some(fields) = wanted.as_object_mut() {
        fields.remove("metadata");
        fields.remove("status");
    }
    wanted
}

/// What a new state leaves out and is kept all the same.
fn inherit(kind: &Known, before: &Value, object: &mut Value) {
    match (kind.group, kind.kind) {
        ("", "Service") => {
            let (old, new) = (&before["spec"], &mut object["spec"]);
            if new["type"] != "ExternalName" {
                for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
                    let missing = new[field].is_null() || new[field] == "";
                    if missing && let Some(value) = old.get(field) {
                        new[field] = value.clone();
                    }
                }
            }
            let ports = old["ports"].as_array().cloned().unwrap_or_default();
            for port in new.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
                let same = |it: &&Value| it["port"] == port["port"] && it["protocol"] == port["protocol"];
                let had = ports.iter().find(same).map(|it| it["nodePort"].clone()).filter(Value::is_number);
                if let Some(had) = had.filter(|_| port["nodePort"].is_null()) {
                    port["nodePort"] = had;
                }
            }
            if matches!(new["type"].as_str(), Some("ClusterIP" | "ExternalName")) {
                for port in new.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
                    if let Some(fields) = port.as_object_mut() {
                        fields.remove("nodePort");
                    }
                }
            }
        }
        ("", "Pod") => {
            for field in [
                "serviceAccountName",
                "serviceAccount",
                "priority",
                "preemptionPolicy",
                "tolerations",
                "nodeName",
            ] {
                if object["spec"][field].is_null()
                    && let Some(value) = before["spec"].get(field)
                {
                    object["spec"][field] = value.clone();
                }
            }
        }
        ("apps", "DaemonSet") => {
            const COUNT: &str = "deprecated.daemonset.template.generation";
            let count =
                before["metadata"]["annotations"][COUNT].as_str().and_then(|it| it.parse::<i64>().ok());
            if let Some(count) = count {
                let changed = object["spec"]["template"] != before["spec"]["template"];
                let count = if changed { count + 1 } else { count };
                if !object["metadata"]["annotations"].is_object() {
                    object["metadata"]["annotations"] = json!({});
                }
                object["metadata"]["annotations"][COUNT] = count.to_string().into();
            }
        }
        _ => {}
    }
}
