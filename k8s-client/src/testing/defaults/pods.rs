//! Pods, and the templates of pods.

use serde_json::{Value, json};

use super::{each, fill, fill_text, inside};

/// A `PodTemplateSpec`.
pub(super) fn template(template: &mut Value) {
    spec(inside(template, "spec"));
}

/// A `PodSpec`, wherever it stands.
pub(super) fn spec(spec: &mut Value) {
    fill_text(spec, "restartPolicy", "Always");
    fill_text(spec, "dnsPolicy", "ClusterFirst");
    fill_text(spec, "schedulerName", "default-scheduler");
    fill(spec, "terminationGracePeriodSeconds", 30);
    fill(spec, "securityContext", json!({}));
    if !spec["serviceAccountName"].is_null() {
        spec["serviceAccount"] = spec["serviceAccountName"].clone();
    } else if !spec["serviceAccount"].is_null() {
        spec["serviceAccountName"] = spec["serviceAccount"].clone();
    }
    for group in ["containers", "initContainers", "ephemeralContainers"] {
        each(spec, group, container);
    }
    each(spec, "volumes", volume);
}

/// What holds for pods and not for their templates.
pub(super) fn of_pods_alone(spec: &mut Value) {
    fill(spec, "enableServiceLinks", true);
    for group in ["containers", "initContainers"] {
        each(spec, group, |container| {
            let limits = container["resources"]["limits"].as_object().cloned().unwrap_or_default();
            for (name, amount) in limits {
                let requests = inside(inside(container, "resources"), "requests");
                fill(requests, &name, amount);
            }
        });
    }
}

fn container(container: &mut Value) {
    fill_text(container, "terminationMessagePath", "/dev/termination-log");
    fill_text(container, "terminationMessagePolicy", "File");
    let policy =
        if is_latest(container["image"].as_str().unwrap_or_default()) { "Always" } else { "IfNotPresent" };
    fill_text(container, "imagePullPolicy", policy);
    fill(container, "resources", json!({}));
    each(container, "ports", |port| fill_text(port, "protocol", "TCP"));
    each(container, "env", |variable| {
        if variable["valueFrom"]["fieldRef"].is_object() {
            fill_text(&mut variable["valueFrom"]["fieldRef"], "apiVersion", "v1");
        }
    });
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let Some(probe) = container.get_mut(probe).filter(|probe| probe.is_object()) else { continue };
        for (name, value) in
            [("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)]
        {
            fill(probe, name, value);
        }
        http_get(probe);
        if probe["grpc"].is_object() {
            fill(&mut probe["grpc"], "service", "");
        }
    }
    for hook in ["postStart", "preStop"] {
        if container["lifecycle"][hook].is_object() {
            http_get(&mut container["lifecycle"][hook]);
        }
    }
}

fn http_get(handler: &mut Value) {
    if handler["httpGet"].is_object() {
        fill_text(&mut handler["httpGet"], "path", "/");
        fill_text(&mut handler["httpGet"], "scheme", "HTTP");
    }
}

fn is_latest(image: &str) -> bool {
    let name = image.rsplit('/').next().unwrap_or_default();
    if name.contains('@') {
        return false;
    }
    name.split_once(':').is_none_or(|(_, tag)| tag == "latest")
}

fn volume(volume: &mut Value) {
    let Some(fields) = volume.as_object() else { return };
    if fields.keys().all(|name| name == "name") {
        volume["emptyDir"] = json!({});
    }
    for source in ["secret", "configMap", "projected", "downwardAPI"] {
        if volume[source].is_object() {
            fill(&mut volume[source], "defaultMode", 420);
        }
    }
    if volume["hostPath"].is_object() {
        fill(&mut volume["hostPath"], "type", "");
    }
    let field = |item: &mut Value| {
        if item["fieldRef"].is_object() {
            fill_text(&mut item["fieldRef"], "apiVersion", "v1");
        }
    };
    if volume["downwardAPI"].is_object() {
        each(&mut volume["downwardAPI"], "items", field);
    }
    if volume["projected"].is_object() {
        each(&mut volume["projected"], "sources", |source| {
            if source["serviceAccountToken"].is_object() {
                fill(&mut source["serviceAccountToken"], "expirationSeconds", 3600);
            }
            if source["downwardAPI"].is_object() {
                each(&mut source["downwardAPI"], "items", field);
            }
        });
    }
    if volume["ephemeral"]["volumeClaimTemplate"]["spec"].is_object() {
        fill_text(&mut volume["ephemeral"]["volumeClaimTemplate"]["spec"], "volumeMode", "Filesystem");
    }
}

/// The first status of a pod, and what admission adds to it. The volume with a token of its service account is not among it:
/// nobody here runs the pod.
pub(super) fn at_birth(pod: &mut Value) {
    let spec = &mut pod["spec"];
    fill_text(spec, "serviceAccountName", "default");
    spec["serviceAccount"] = spec["serviceAccountName"].clone();
    fill(spec, "priority", 0);
    fill_text(spec, "preemptionPolicy", "PreemptLowerPriority");
    let mut tolerations = spec["tolerations"].as_array().cloned().unwrap_or_default();
    for taint in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let tolerated = |it: &Value| {
            (it["key"] == taint || it["key"].is_null())
                && (it["effect"] == "NoExecute" || it["effect"].is_null())
        };
        if !tolerations.iter().any(tolerated) {
            tolerations.push(
                json!({"key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}),
            );
        }
    }
    spec["tolerations"] = tolerations.into();
    let class = quality(spec);
    pod["status"] = json!({"phase": "Pending", "qosClass": class});
}

/// `Guaranteed`, `Burstable` or `BestEffort`.
fn quality(spec: &Value) -> &'static str {
    let containers = || {
        ["containers", "initContainers"]
            .into_iter()
            .flat_map(|group| spec[group].as_array().into_iter().flatten())
    };
    let of = |it: &Value, which: &str, name: &str| {
        it["resources"][which][name].as_str().filter(|amount| *amount != "0").map(str::to_owned)
    };
    let mut any = false;
    let mut all = true;
    for it in containers() {
        for name in ["cpu", "memory"] {
            let (request, limit) = (of(it, "requests", name), of(it, "limits", name));
            any |= request.is_some() || limit.is_some();
            all &= limit.is_some() && (request.is_none() || request == limit);
        }
    }
    match (any, all) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}
