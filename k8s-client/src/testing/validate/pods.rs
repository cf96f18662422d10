//! Pods, and the templates of pods.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Causes, labels, list, names, not_negative, one_of, port, quantity, required, text};
use crate::testing::failure::Cause;
use crate::testing::kinds::Known;

/// Pods, templates, replication controllers.
pub(super) fn check_kind(kind: &Known, object: &Value, causes: &mut Causes) {
    match kind.kind {
        "Pod" => spec(&object["spec"], "spec", causes),
        "PodTemplate" => template(&object["template"], "template", causes),
        "ReplicationController" => {
            required(&object["spec"]["selector"], "spec.selector", "", causes);
            if required(&object["spec"]["template"], "spec.template", "", causes) {
                template(&object["spec"]["template"], "spec.template", causes);
            }
            not_negative(&object["spec"]["replicas"], "spec.replicas", causes);
        }
        _ => {}
    }
}

/// A `PodTemplateSpec`.
pub(super) fn template(template: &Value, field: &str, causes: &mut Causes) {
    labels(&template["metadata"]["labels"], &format!("{field}.labels"), causes);
    spec(&template["spec"], &format!("{field}.spec"), causes);
}

fn spec(spec: &Value, field: &str, causes: &mut Causes) {
    let mut volumes = BTreeSet::new();
    for (index, volume) in list(&spec["volumes"]).iter().enumerate() {
        let at = format!("{field}.volumes[{index}].name");
        if required(&volume["name"], &at, "", causes) {
            name(&volume["name"], &at, causes);
            if !volumes.insert(text(&volume["name"]).to_owned()) {
                causes.push(Cause::duplicate(at, &volume["name"]));
            }
        }
    }
    let mut seen = BTreeSet::new();
    required(&spec["containers"], &format!("{field}.containers"), "", causes);
    for group in ["containers", "initContainers", "ephemeralContainers"] {
        for (index, it) in list(&spec[group]).iter().enumerate() {
            container(it, &format!("{field}.{group}[{index}]"), &volumes, &mut seen, causes);
        }
    }
    one_of(
        &spec["restartPolicy"],
        &format!("{field}.restartPolicy"),
        &["Always", "OnFailure", "Never"],
        causes,
    );
    one_of(
        &spec["dnsPolicy"],
        &format!("{field}.dnsPolicy"),
        &["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"],
        causes,
    );
    if spec["terminationGracePeriodSeconds"].as_i64().is_some_and(|it| it < 0) {
        not_negative(
            &spec["terminationGracePeriodSeconds"],
            &format!("{field}.terminationGracePeriodSeconds"),
            causes,
        );
    }
    if let Some(seconds) = spec["activeDeadlineSeconds"].as_i64()
        && !(1..=i64::from(i32::MAX)).contains(&seconds)
    {
        causes.push(Cause::invalid(
            format!("{field}.activeDeadlineSeconds"),
            &spec["activeDeadlineSeconds"],
            "must be between 1 and 2147483647, inclusive",
        ));
    }
    for (key, value) in spec["nodeSelector"].as_object().into_iter().flatten() {
        for what in names::qualified(key) {
            causes.push(Cause::invalid(format!("{field}.nodeSelector"), &key.as_str().into(), what));
        }
        for what in names::label_value(text(value)) {
            causes.push(Cause::invalid(format!("{field}.nodeSelector"), value, what));
        }
    }
}

fn name(value: &Value, at: &str, causes: &mut Causes) {
    for what in names::label(text(value)) {
        causes.push(Cause::invalid(at, value, what));
    }
}

fn container(
    it: &Value,
    field: &str,
    volumes: &BTreeSet<String>,
    seen: &mut BTreeSet<String>,
    causes: &mut Causes,
) {
    let at = |name: &str| format!("{field}.{name}");
    if required(&it["name"], &at("name"), "", causes) {
        name(&it["name"], &at("name"), causes);
        if !seen.insert(text(&it["name"]).to_owned()) {
            causes.push(Cause::duplicate(at("name"), &it["name"]));
        }
    }
    required(&it["image"], &at("image"), "", causes);
    one_of(&it["imagePullPolicy"], &at("imagePullPolicy"), &["Always", "IfNotPresent", "Never"], causes);
    one_of(
        &it["terminationMessagePolicy"],
        &at("terminationMessagePolicy"),
        &["File", "FallbackToLogsOnError"],
        causes,
    );
    for (index, it) in list(&it["ports"]).iter().enumerate() {
        let at = |name: &str| format!("{field}.ports[{index}].{name}");
        if it["containerPort"].as_i64().unwrap_or_default() == 0 {
            causes.push(Cause::required(at("containerPort"), ""));
        } else {
            port(&it["containerPort"], &at("containerPort"), causes);
        }
        one_of(&it["protocol"], &at("protocol"), &["TCP", "UDP", "SCTP"], causes);
    }
    for (index, it) in list(&it["env"]).iter().enumerate() {
        required(&it["name"], &format!("{field}.env[{index}].name"), "", causes);
    }
    let mut paths = BTreeSet::new();
    for (index, it) in list(&it["volumeMounts"]).iter().enumerate() {
        let at = |name: &str| format!("{field}.volumeMounts[{index}].{name}");
        if required(&it["name"], &at("name"), "", causes) && !volumes.contains(text(&it["name"])) {
            causes.push(Cause::not_found(at("name"), &it["name"]));
        }
        if required(&it["mountPath"], &at("mountPath"), "", causes)
            && !paths.insert(text(&it["mountPath"]).to_owned())
        {
            causes.push(Cause::invalid(at("mountPath"), &it["mountPath"], "must be unique"));
        }
    }
    let resources = &it["resources"];
    for (name, requested) in resources["requests"].as_object().into_iter().flatten() {
        let Some(amount) = quantity(requested) else { continue };
        if let Some(most) = quantity(&resources["limits"][name])
            && amount > most
        {
            causes.push(Cause::invalid(
                at("resources.requests"),
                requested,
                format!("must be less than or equal to {name} limit of {}", text(&resources["limits"][name])),
            ));
        }
    }
}

/// What of a pod may change: images, labels, tolerations that are added, a deadline.
pub(super) fn changes(kind: &Known, object: &Value, old: &Value, causes: &mut Causes) {
    if kind.kind != "Pod" {
        check_kind(kind, object, causes);
        return;
    }
    spec(&object["spec"], "spec", causes);
    let (now, before) = (&object["spec"]["activeDeadlineSeconds"], &old["spec"]["activeDeadlineSeconds"]);
    match (now.as_i64(), before.as_i64()) {
        (None, Some(_)) => causes.push(Cause::invalid(
            "spec.activeDeadlineSeconds",
            now,
            "must not update from a positive integer to nil value",
        )),
        (Some(later), Some(earlier)) if later > earlier => causes.push(Cause::invalid(
            "spec.activeDeadlineSeconds",
            now,
            "must be less than or equal to previous value",
        )),
        _ => {}
    }
    let mut same = object["spec"].clone();
    for group in ["containers", "initContainers"] {
        let before = list(&old["spec"][group]).to_vec();
        if let Some(now) = same.get_mut(group).and_then(Value::as_array_mut) {
            if now.len() != before.len() {
                causes.push(Cause::forbidden(
                    format!("spec.{group}"),
                    "pod updates may not add or remove containers",
                ));
                return;
            }
            for (now, before) in now.iter_mut().zip(&before) {
                now["image"] = before["image"].clone();
            }
        }
    }
    for field in ["activeDeadlineSeconds", "tolerations", "schedulingGates"] {
        match old["spec"].get(field) {
            Some(before) => same[field] = before.clone(),
            None => _ = same.as_object_mut().map(|fields| fields.remove(field)),
        }
    }
    if same != old["spec"] {
        causes.push(Cause::forbidden(
            "spec",
            "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,\
             `spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),\
             `spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
        ));
    }
}
