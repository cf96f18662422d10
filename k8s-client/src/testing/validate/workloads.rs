//! What makes pods: `apps` and `batch`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Causes, immutable, not_negative, one_of, pods, rare, required, selector, text};
use crate::testing::failure::Cause;
use crate::testing::kinds::Known;
use crate::testing::selector::Labels;

pub(super) fn check(kind: &Known, object: &Value, causes: &mut Causes) {
    let spec = &object["spec"];
    match kind.kind {
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" => {
            for field in ["replicas", "minReadySeconds", "revisionHistoryLimit"] {
                not_negative(&spec[field], &format!("spec.{field}"), causes);
            }
            selected(kind.kind, spec, causes);
            pods::template(&spec["template"], "spec.template", causes);
            let policy = &spec["template"]["spec"]["restartPolicy"];
            if matches!(text(policy), "OnFailure" | "Never") {
                causes.push(Cause::unsupported("spec.template.spec.restartPolicy", policy, &["Always"]));
            }
            match kind.kind {
                "Deployment" => one_of(
                    &spec["strategy"]["type"],
                    "spec.strategy.type",
                    &["Recreate", "RollingUpdate"],
                    causes,
                ),
                "StatefulSet" => {
                    one_of(
                        &spec["podManagementPolicy"],
                        "spec.podManagementPolicy",
                        &["OrderedReady", "Parallel"],
                        causes,
                    );
                    one_of(
                        &spec["updateStrategy"]["type"],
                        "spec.updateStrategy",
                        &["OnDelete", "RollingUpdate"],
                        causes,
                    );
                }
                _ => {}
            }
        }
        "Job" => {
            if spec["manualSelector"] == true || !spec["selector"].is_object() {
                selected(kind.kind, spec, causes);
            }
            job(spec, "spec", causes);
        }
        "CronJob" => {
            one_of(
                &spec["concurrencyPolicy"],
                "spec.concurrencyPolicy",
                &["Allow", "Forbid", "Replace"],
                causes,
            );
            job(&spec["jobTemplate"]["spec"], "spec.jobTemplate.spec", causes);
            for field in ["startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"] {
                not_negative(&spec[field], &format!("spec.{field}"), causes);
            }
            required(&spec["schedule"], "spec.schedule", "", causes);
            schedule(&spec["schedule"], causes);
            let name = &object["metadata"]["name"];
            if text(name).len() > 52 {
                causes.push(Cause::invalid("metadata.name", name, "must be no more than 52 characters"));
            }
        }
        _ => rare::check(kind, object, causes),
    }
}

fn schedule(value: &Value, causes: &mut Causes) {
    let schedule = text(value);
    if schedule.is_empty() || schedule.starts_with('@') {
        return;
    }
    let fields = schedule.split_whitespace().filter(|it| !it.contains("TZ=")).count();
    if fields != 5 {
        let parts: Vec<&str> = schedule.split_whitespace().collect();
        causes.push(Cause::invalid(
            "spec.schedule",
            value,
            format!("expected exactly 5 fields, found {fields}: [{}]", parts.join(" ")),
        ));
    }
}

/// The selector of a workload, and that it selects what the template makes.
fn selected(kind: &str, spec: &Value, causes: &mut Causes) {
    let wanted = &spec["selector"];
    if wanted.is_null() && kind != "DaemonSet" {
        causes.push(Cause::required("spec.selector", ""));
    }
    if wanted.as_object().is_some_and(|fields| fields.is_empty()) {
        let title = match kind {
            "DaemonSet" => "daemonset",
            "StatefulSet" => "statefulset",
            _ => "deployment",
        };
        let detail = format!("empty selector is invalid for {title}");
        causes.push(Cause::invalid("spec.selector", wanted, detail));
    }
    selector(wanted, "spec.selector", causes);
    let template = &spec["template"]["metadata"]["labels"];
    let labels: BTreeMap<String, String> = template
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect();
    if wanted.is_null() || !Labels::of_object(wanted).matches(&labels) {
        causes.push(Cause::invalid(
            "spec.template.metadata.labels",
            template,
            "`selector` does not match template `labels`",
        ));
    }
}

fn job(spec: &Value, field: &str, causes: &mut Causes) {
    for name in
        ["parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished"]
    {
        not_negative(&spec[name], &format!("{field}.{name}"), causes);
    }
    one_of(&spec["completionMode"], &format!("{field}.completionMode"), &["NonIndexed", "Indexed"], causes);
    pods::template(&spec["template"], &format!("{field}.template"), causes);
    let policy = &spec["template"]["spec"]["restartPolicy"];
    let at = format!("{field}.template.spec.restartPolicy");
    if matches!(text(policy), "" | "Always") {
        causes.push(Cause::required(at, "valid values: \"OnFailure\", \"Never\""));
    }
}

pub(super) fn changes(kind: &Known, object: &Value, old: &Value, causes: &mut Causes) {
    let (new, old) = (&object["spec"], &old["spec"]);
    match kind.kind {
        "Deployment" | "ReplicaSet" | "DaemonSet" => immutable(new, old, "spec", &["selector"], causes),
        "StatefulSet" => {
            let frozen = ["serviceName", "selector", "volumeClaimTemplates", "podManagementPolicy"];
            if frozen.iter().any(|field| new[*field] != old[*field]) {
                causes.push(Cause::forbidden(
                    "spec",
                    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', \
                     'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
                ));
            }
        }
        "Job" => {
            immutable(new, old, "spec", &["completions", "selector"], causes);
            let (mut now, mut before) = (new["template"].clone(), old["template"].clone());
            let suspended = old["suspend"] == true;
            if suspended {
                for template in [&mut now, &mut before] {
                    for (at, name) in [
                        ("spec", "nodeSelector"),
                        ("spec", "tolerations"),
                        ("spec", "affinity"),
                        ("metadata", "labels"),
                        ("metadata", "annotations"),
                    ] {
                        if let Some(fields) = template.get_mut(at).and_then(Value::as_object_mut) {
                            fields.remove(name);
                        }
                    }
                }
            }
            if now != before {
                causes.push(Cause::invalid("spec.template", &new["template"], "field is immutable"));
            }
            immutable(new, old, "spec", &["completionMode"], causes);
        }
        _ => {}
    }
}
