//! What the real server fills in before it stores an object: the defaults of Go's types, which no document has, and what its
//! default admission plugins add.

mod pods;
mod services;

use serde_json::{Map, Value, json};

use super::kinds::Known;

pub(crate) use services::Addresses;

/// Sets what is absent.
fn fill(object: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(fields) = object.as_object_mut()
        && fields.get(name).is_none_or(Value::is_null)
    {
        fields.insert(name.to_owned(), value.into());
    }
}

/// Sets what is absent or an empty text.
fn fill_text(object: &mut Value, name: &str, value: &str) {
    if object[name].as_str().is_none_or(str::is_empty) && object.is_object() {
        object[name] = value.into();
    }
}

fn each(object: &mut Value, name: &str, change: impl FnMut(&mut Value)) {
    if let Some(list) = object.get_mut(name).and_then(Value::as_array_mut) {
        list.iter_mut().for_each(change);
    }
}

/// A struct inside of an object, made if it is not there.
fn inside<'v>(object: &'v mut Value, name: &str) -> &'v mut Value {
    fill(object, name, json!({}));
    &mut object[name]
}

/// The defaults of the types, which hold for what is created and for what is changed.
pub(crate) fn defaults(kind: &Known, object: &mut Value) {
    match (kind.group, kind.kind) {
        ("", "Pod") => {
            pods::spec(inside(object, "spec"));
            pods::of_pods_alone(&mut object["spec"]);
        }
        ("", "PodTemplate") => pods::template(inside(object, "template")),
        ("", "ReplicationController") => replication_controller(object),
        ("", "Service") => services::defaults(inside(object, "spec")),
        ("", "Secret") => secret(object),
        ("", "PersistentVolume") => {
            let spec = inside(object, "spec");
            fill_text(spec, "persistentVolumeReclaimPolicy", "Retain");
            fill_text(spec, "volumeMode", "Filesystem");
            if spec["hostPath"].is_object() {
                fill(&mut spec["hostPath"], "type", "");
            }
        }
        ("", "PersistentVolumeClaim") => fill_text(inside(object, "spec"), "volumeMode", "Filesystem"),
        ("", "LimitRange") => each(&mut object["spec"], "limits", limits),
        ("", "Endpoints") => each(object, "subsets", |subset| {
            each(subset, "ports", |port| fill_text(port, "protocol", "TCP"));
        }),
        ("", "Namespace") => {
            let name = object["metadata"]["name"].clone();
            if !name.is_null() {
                inside(inside(object, "metadata"), "labels")["kubernetes.io/metadata.name"] = name;
            }
        }
        ("apps", "Deployment") => {
            let spec = inside(object, "spec");
            fill(spec, "replicas", 1);
            fill(spec, "revisionHistoryLimit", 10);
            fill(spec, "progressDeadlineSeconds", 600);
            rolling(
                inside(spec, "strategy"),
                &[("maxUnavailable", "25%".into()), ("maxSurge", "25%".into())],
            );
            pods::template(inside(spec, "template"));
        }
        ("apps", "ReplicaSet") => {
            let spec = inside(object, "spec");
            fill(spec, "replicas", 1);
            pods::template(inside(spec, "template"));
        }
        ("apps", "DaemonSet") => {
            let spec = inside(object, "spec");
            fill(spec, "revisionHistoryLimit", 10);
            rolling(inside(spec, "updateStrategy"), &[("maxUnavailable", 1.into()), ("maxSurge", 0.into())]);
            pods::template(inside(spec, "template"));
        }
        ("apps", "StatefulSet") => {
            let spec = inside(object, "spec");
            fill(spec, "replicas", 1);
            fill(spec, "revisionHistoryLimit", 10);
            fill_text(spec, "podManagementPolicy", "OrderedReady");
            rolling(inside(spec, "updateStrategy"), &[("partition", 0.into()), ("maxUnavailable", 1.into())]);
            let retention = inside(spec, "persistentVolumeClaimRetentionPolicy");
            fill_text(retention, "whenDeleted", "Retain");
            fill_text(retention, "whenScaled", "Retain");
            each(spec, "volumeClaimTemplates", |claim| {
                fill_text(claim, "apiVersion", "v1");
                fill_text(claim, "kind", "PersistentVolumeClaim");
                fill_text(inside(claim, "spec"), "volumeMode", "Filesystem");
                fill_text(inside(claim, "status"), "phase", "Pending");
            });
            pods::template(inside(spec, "template"));
        }
        ("batch", "Job") => job(object),
        ("batch", "CronJob") => {
            let spec = inside(object, "spec");
            fill_text(spec, "concurrencyPolicy", "Allow");
            fill(spec, "suspend", false);
            fill(spec, "successfulJobsHistoryLimit", 3);
            fill(spec, "failedJobsHistoryLimit", 1);
            pods::template(inside(inside(inside(spec, "jobTemplate"), "spec"), "template"));
        }
        ("autoscaling", "HorizontalPodAutoscaler") => {
            let v2 = kind.version == "v2";
            let spec = inside(object, "spec");
            fill(spec, "minReplicas", 1);
            if v2 && spec["behavior"].is_object() {
                behavior(&mut spec["behavior"]);
            }
            if v2 {
                let target = json!({"type": "Utilization", "averageUtilization": 80});
                fill(
                    spec,
                    "metrics",
                    json!([{"type": "Resource", "resource": {"name": "cpu", "target": target}}]),
                );
            }
        }
        ("networking.k8s.io", "NetworkPolicy") => network_policy(inside(object, "spec")),
        ("networking.k8s.io", "IngressClass") if object["spec"]["parameters"].is_object() => {
            fill_text(&mut object["spec"]["parameters"], "scope", "Cluster");
        }
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => {
            fill_text(inside(object, "roleRef"), "apiGroup", "rbac.authorization.k8s.io");
            each(object, "subjects", |subject| {
                if matches!(subject["kind"].as_str(), Some("User" | "Group")) {
                    fill_text(subject, "apiGroup", "rbac.authorization.k8s.io");
                }
            });
        }
        ("storage.k8s.io", "StorageClass") => {
            fill_text(object, "reclaimPolicy", "Delete");
            fill_text(object, "volumeBindingMode", "Immediate");
        }
        ("storage.k8s.io", "CSIDriver") => {
            let spec = inside(object, "spec");
            fill(spec, "attachRequired", true);
            for flag in [
                "podInfoOnMount",
                "storageCapacity",
                "requiresRepublish",
                "seLinuxMount",
                "preventPodSchedulingIfMissing",
            ] {
                fill(spec, flag, false);
            }
            fill(spec, "fsGroupPolicy", "ReadWriteOnceWithFSType");
            fill(spec, "volumeLifecycleModes", json!(["Persistent"]));
        }
        ("scheduling.k8s.io", "PriorityClass") => {
            fill_text(object, "preemptionPolicy", "PreemptLowerPriority")
        }
        ("discovery.k8s.io", "EndpointSlice") => each(object, "ports", |port| {
            fill(port, "name", "");
            fill_text(port, "protocol", "TCP");
        }),
        ("flowcontrol.apiserver.k8s.io", "FlowSchema") => {
            let spec = inside(object, "spec");
            if spec["matchingPrecedence"].as_i64().unwrap_or_default() == 0 {
                spec["matchingPrecedence"] = 1000.into();
            }
        }
        ("admissionregistration.k8s.io", _) => admission(kind, object),
        ("resource.k8s.io", "ResourceClaim") => claim(&mut object["spec"]),
        ("resource.k8s.io", "DeviceTaintRule") if object["spec"]["taint"].is_object() => {
            let now = object["metadata"]["creationTimestamp"].clone();
            fill(&mut object["spec"]["taint"], "timeAdded", now);
        }
        ("resource.k8s.io", "ResourceClaimTemplate") => claim(inside(inside(object, "spec"), "spec")),
        _ => {}
    }
}

fn claim(spec: &mut Value) {
    let Some(devices) = spec.get_mut("devices").filter(|it| it.is_object()) else { return };
    let exact = |request: &mut Value| {
        fill_text(request, "allocationMode", "ExactCount");
        if request["allocationMode"] == "ExactCount" && request["count"].as_i64().unwrap_or_default() == 0 {
            request["count"] = 1.into();
        }
    };
    each(devices, "requests", |request| {
        if request["exactly"].is_object() {
            exact(&mut request["exactly"]);
        }
        each(request, "firstAvailable", exact);
    });
}

/// How fast an autoscaler goes up and down, where that is said in part.
fn behavior(behavior: &mut Value) {
    let percent = json!({"type": "Percent", "value": 100, "periodSeconds": 15});
    let up = inside(behavior, "scaleUp");
    fill(up, "stabilizationWindowSeconds", 0);
    fill_text(up, "selectPolicy", "Max");
    fill(up, "policies", json!([{"type": "Pods", "value": 4, "periodSeconds": 15}, percent]));
    let down = inside(behavior, "scaleDown");
    fill_text(down, "selectPolicy", "Max");
    fill(down, "policies", json!([percent]));
}

fn rolling(strategy: &mut Value, fields: &[(&str, Value)]) {
    fill_text(strategy, "type", "RollingUpdate");
    if strategy["type"] == "RollingUpdate" {
        let rolling = inside(strategy, "rollingUpdate");
        for (name, value) in fields {
            fill(rolling, name, value.clone());
        }
    }
}

fn replication_controller(object: &mut Value) {
    let spec = inside(object, "spec");
    fill(spec, "replicas", 1);
    if spec["template"].is_object() {
        pods::template(&mut spec["template"]);
    }
    let labels = spec["template"]["metadata"]["labels"].clone();
    if labels.is_object() {
        fill(spec, "selector", labels.clone());
        fill(inside(object, "metadata"), "labels", labels);
    }
}

fn job(object: &mut Value) {
    let labels = object["spec"]["template"]["metadata"]["labels"].clone();
    if labels.is_object() {
        fill(inside(object, "metadata"), "labels", labels);
    }
    let spec = inside(object, "spec");
    if spec["completions"].is_null() && spec["parallelism"].is_null() {
        spec["completions"] = 1.into();
    }
    fill(spec, "parallelism", 1);
    fill(spec, "backoffLimit", 6);
    fill_text(spec, "completionMode", "NonIndexed");
    fill(spec, "suspend", false);
    fill(spec, "manualSelector", false);
    let replacement = if spec["podFailurePolicy"].is_object() { "Failed" } else { "TerminatingOrFailed" };
    fill_text(spec, "podReplacementPolicy", replacement);
    if spec["podFailurePolicy"].is_object() {
        each(&mut spec["podFailurePolicy"], "rules", |rule| {
            each(rule, "onPodConditions", |condition| fill_text(condition, "status", "True"));
        });
    }
    pods::template(inside(spec, "template"));
}

fn secret(object: &mut Value) {
    fill_text(object, "type", "Opaque");
    let Some(texts) = object.as_object_mut().and_then(|fields| fields.remove("stringData")) else { return };
    let texts = texts.as_object().cloned().unwrap_or_default();
    if texts.is_empty() {
        return;
    }
    let data = inside(object, "data");
    for (key, text) in texts {
        let encoded = base64::Engine::encode(
            &base64::engine::general_purpose::STANDARD,
            text.as_str().unwrap_or_default(),
        );
        data[key] = encoded.into();
    }
}

fn limits(limit: &mut Value) {
    if limit["type"] != "Container" {
        return;
    }
    let copy = |limit: &mut Value, from: &str, to: &str| {
        for (name, amount) in limit[from].as_object().cloned().unwrap_or_default() {
            fill(inside(limit, to), &name, amount);
        }
    };
    copy(limit, "max", "default");
    copy(limit, "default", "defaultRequest");
    copy(limit, "min", "defaultRequest");
}

fn network_policy(spec: &mut Value) {
    for direction in ["ingress", "egress"] {
        each(spec, direction, |rule| each(rule, "ports", |port| fill_text(port, "protocol", "TCP")));
    }
    if spec["policyTypes"].is_null() {
        let egress = spec["egress"].as_array().is_some_and(|rules| !rules.is_empty());
        spec["policyTypes"] = if egress { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) };
    }
}

fn admission(kind: &Known, object: &mut Value) {
    let matched = |it: &mut Value| {
        fill_text(it, "matchPolicy", "Equivalent");
        fill(it, "namespaceSelector", json!({}));
        fill(it, "objectSelector", json!({}));
        for rules in ["resourceRules", "excludeResourceRules"] {
            each(it, rules, |rule| fill_text(rule, "scope", "*"));
        }
    };
    match kind.kind {
        "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration" => {
            let mutating = kind.kind.starts_with('M');
            each(object, "webhooks", |hook| {
                matched(hook);
                fill_text(hook, "failurePolicy", "Fail");
                fill(hook, "timeoutSeconds", 10);
                each(hook, "rules", |rule| fill_text(rule, "scope", "*"));
                if mutating {
                    fill_text(hook, "reinvocationPolicy", "Never");
                }
                if hook["clientConfig"]["service"].is_object() {
                    fill(&mut hook["clientConfig"]["service"], "port", 443);
                }
            });
        }
        "ValidatingAdmissionPolicy" | "MutatingAdmissionPolicy" => {
            let spec = inside(object, "spec");
            fill_text(spec, "failurePolicy", "Fail");
            if spec["matchConstraints"].is_object() {
                matched(&mut spec["matchConstraints"]);
            }
        }
        _ => {
            let spec = inside(object, "spec");
            if spec["matchResources"].is_object() {
                matched(&mut spec["matchResources"]);
            }
        }
    }
}

const NOT_READY: &str = "node.kubernetes.io/not-ready";

/// What a new object begins with: its first status, and what admission adds.
pub(crate) fn at_birth(kind: &Known, object: &mut Value, addresses: &mut Addresses) {
    let uid = object["metadata"]["uid"].clone();
    let name = object["metadata"]["name"].clone();
    match (kind.group, kind.kind) {
        ("", "Pod") => pods::at_birth(object),
        ("", "Namespace") => {
            let spec = inside(object, "spec");
            let mut finalizers = spec["finalizers"].as_array().cloned().unwrap_or_default();
            if !finalizers.iter().any(|it| it == "kubernetes") {
                finalizers.push("kubernetes".into());
            }
            spec["finalizers"] = finalizers.into();
            object["status"] = json!({"phase": "Active"});
        }
        ("", "Node") => {
            let spec = inside(object, "spec");
            let mut taints = spec["taints"].as_array().cloned().unwrap_or_default();
            if !taints.iter().any(|taint| taint["key"] == NOT_READY && taint["effect"] == "NoSchedule") {
                taints.push(json!({"key": NOT_READY, "effect": "NoSchedule"}));
            }
            spec["taints"] = taints.into();
        }
        ("storage.k8s.io", "VolumeAttributesClass") => protect(object, "kubernetes.io/vac-protection"),
        ("", "PersistentVolume") => {
            let now = object["metadata"]["creationTimestamp"].clone();
            object["status"] = json!({"phase": "Pending", "lastPhaseTransitionTime": now});
            protect(object, "kubernetes.io/pv-protection");
        }
        ("", "PersistentVolumeClaim") => {
            object["status"] = json!({"phase": "Pending"});
            protect(object, "kubernetes.io/pvc-protection");
        }
        ("", "Service") => {
            addresses.give(&mut object["spec"]);
            object["status"] = json!({"loadBalancer": {}});
        }
        ("apps", "DaemonSet") => {
            let annotations = inside(inside(object, "metadata"), "annotations");
            annotations["deprecated.daemonset.template.generation"] = "1".into();
        }
        ("batch", "Job") if object["spec"]["manualSelector"] != true => {
            let spec = inside(object, "spec");
            spec["selector"] = json!({"matchLabels": {"batch.kubernetes.io/controller-uid": uid}});
            let labels = inside(inside(inside(spec, "template"), "metadata"), "labels");
            for (key, value) in [
                ("batch.kubernetes.io/controller-uid", &uid),
                ("batch.kubernetes.io/job-name", &name),
                ("controller-uid", &uid),
                ("job-name", &name),
            ] {
                labels[key] = value.clone();
            }
        }
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            let names = inside(inside(object, "spec"), "names");
            let kind = names["kind"].as_str().unwrap_or_default().to_owned();
            fill_text(names, "singular", &kind.to_lowercase());
            fill_text(names, "listKind", &format!("{kind}List"));
            fill(&mut object["spec"], "conversion", json!({"strategy": "None"}));
        }
        _ => {}
    }
}

fn protect(object: &mut Value, finalizer: &str) {
    let metadata = inside(object, "metadata");
    let mut all = metadata["finalizers"].as_array().cloned().unwrap_or_default();
    if !all.iter().any(|it| it == finalizer) {
        all.push(finalizer.into());
    }
    metadata["finalizers"] = all.into();
}

/// Leaves out what is empty, as Go's types do: a map without entries is none.
pub(crate) fn without_empty(object: &mut Value, fields: &[&str]) {
    let is_empty = |value: &Value| {
        value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty)
    };
    if let Some(all) = object.as_object_mut() {
        for field in fields {
            if all.get(*field).is_some_and(is_empty) {
                all.remove(*field);
            }
        }
    }
}

/// Leaves out texts and nulls that say nothing.
pub(crate) fn without_zero(object: &mut Value, fields: &[&str]) {
    if let Some(all) = object.as_object_mut() {
        for field in fields {
            if all.get(*field).is_some_and(|value| value.is_null() || value == "") {
                all.remove(*field);
            }
        }
    }
}
