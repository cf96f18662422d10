//! Everything that runs nothing itself.

use serde_json::Value;

use super::{Causes, immutable, labels, list, names, one_of, port, quantity, rare, required, text};
use crate::testing::failure::Cause;
use crate::testing::kinds::Known;

pub(super) fn check(kind: &Known, object: &Value, causes: &mut Causes) {
    let spec = &object["spec"];
    match (kind.group, kind.kind) {
        ("", "ConfigMap") => keys(object, &["data", "binaryData"], causes),
        ("", "Secret") => {
            keys(object, &["data"], causes);
            secret(object, causes);
        }
        ("", "Service") => service(spec, causes),
        ("", "PersistentVolumeClaim") => {
            required(&spec["accessModes"], "spec.accessModes", "at least 1 access mode is required", causes);
            modes(&spec["accessModes"], "spec.accessModes", causes);
            required(&spec["resources"]["requests"]["storage"], "spec.resources[storage]", "", causes);
            positive(&spec["resources"]["requests"]["storage"], "spec.resources[storage]", causes);
        }
        ("", "PersistentVolume") => {
            required(&spec["accessModes"], "spec.accessModes", "", causes);
            modes(&spec["accessModes"], "spec.accessModes", causes);
            required(&spec["capacity"], "spec.capacity", "", causes);
            rare::volume(spec, causes);
            one_of(
                &spec["persistentVolumeReclaimPolicy"],
                "spec.persistentVolumeReclaimPolicy",
                &["Delete", "Recycle", "Retain"],
                causes,
            );
        }
        ("networking.k8s.io", "Ingress") => {
            if list(&spec["rules"]).is_empty() && spec["defaultBackend"].is_null() {
                causes.push(Cause::invalid(
                    "spec",
                    &spec["rules"],
                    "either `defaultBackend` or `rules` must be specified",
                ));
            }
            for (rule, it) in list(&spec["rules"]).iter().enumerate() {
                for (path, it) in list(&it["http"]["paths"]).iter().enumerate() {
                    let at = format!("spec.rules[{rule}].http.paths[{path}].pathType");
                    if it["pathType"].is_null() {
                        causes.push(Cause::required(at, "pathType must be specified"));
                    } else {
                        one_of(&it["pathType"], &at, &["Exact", "ImplementationSpecific", "Prefix"], causes);
                    }
                }
            }
        }
        ("autoscaling", _) => rare::autoscaler(spec, causes),
        ("policy", "PodDisruptionBudget")
            if !spec["minAvailable"].is_null() && !spec["maxUnavailable"].is_null() =>
        {
            let shown = format!(
                "{{\"MinAvailable\":{},\"Selector\":{},\"MaxUnavailable\":{},\"UnhealthyPodEvictionPolicy\":{}}}",
                spec["minAvailable"],
                spec["selector"],
                spec["maxUnavailable"],
                spec["unhealthyPodEvictionPolicy"]
            );
            let detail = "minAvailable and maxUnavailable cannot be both set";
            causes.push(Cause::invalid_shown("spec", &shown, detail));
        }
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => {
            rare::binding(kind, object, causes)
        }
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => {
            for (index, rule) in list(&object["rules"]).iter().enumerate() {
                required(
                    &rule["verbs"],
                    &format!("rules[{index}].verbs"),
                    "verbs must contain at least one value",
                    causes,
                );
            }
        }
        ("storage.k8s.io", "StorageClass") => {
            required(&object["provisioner"], "provisioner", "", causes);
            one_of(&object["reclaimPolicy"], "reclaimPolicy", &["Delete", "Retain"], causes);
        }
        ("coordination.k8s.io", "Lease") => {
            if let Some(seconds) = spec["leaseDurationSeconds"].as_i64()
                && seconds <= 0
            {
                causes.push(Cause::invalid(
                    "spec.leaseDurationSeconds",
                    &seconds.into(),
                    "must be greater than 0",
                ));
            }
        }
        _ => rare::check(kind, object, causes),
    }
}

fn keys(object: &Value, fields: &[&str], causes: &mut Causes) {
    let mut size = 0;
    for field in fields {
        for (key, value) in object[*field].as_object().into_iter().flatten() {
            for what in names::config_key(key) {
                causes.push(Cause::invalid(format!("{field}[{key}]"), &key.as_str().into(), what));
            }
            size += value.as_str().map_or(0, str::len);
            if *field == "binaryData" && object["data"].get(key).is_some() {
                causes.push(Cause::invalid(
                    format!("data[{key}]"),
                    &key.as_str().into(),
                    "duplicate of key present in binaryData",
                ));
            }
        }
    }
    const MOST: usize = 1024 * 1024;
    if size > MOST {
        causes.push(Cause::too_long(if fields.len() > 1 { "" } else { "data" }, MOST));
    }
}

fn secret(object: &Value, causes: &mut Causes) {
    let needed: &[&str] = match text(&object["type"]) {
        "kubernetes.io/tls" => &["tls.crt", "tls.key"],
        "kubernetes.io/dockerconfigjson" => &[".dockerconfigjson"],
        "kubernetes.io/dockercfg" => &[".dockercfg"],
        "kubernetes.io/ssh-auth" => &["ssh-privatekey"],
        _ => &[],
    };
    for key in needed {
        if object["data"].get(*key).is_none() {
            causes.push(Cause::required(format!("data[{key}]"), ""));
        }
    }
}

fn service(spec: &Value, causes: &mut Causes) {
    let type_ = text(&spec["type"]);
    labels(&spec["selector"], "spec.selector", causes);
    let ports = list(&spec["ports"]);
    if ports.is_empty() && type_ != "ExternalName" && text(&spec["clusterIP"]) != "None" {
        causes.push(Cause::required("spec.ports", ""));
    }
    if type_ == "ExternalName" && text(&spec["externalName"]).is_empty() {
        causes.push(Cause::required("spec.externalName", ""));
    }
    for (index, it) in ports.iter().enumerate() {
        let at = |name: &str| format!("spec.ports[{index}].{name}");
        if ports.len() > 1 {
            required(&it["name"], &at("name"), "", causes);
        }
        let number = it["port"].as_i64().unwrap_or_default();
        port(&number.into(), &at("port"), causes);
        one_of(&it["protocol"], &at("protocol"), &["SCTP", "TCP", "UDP"], causes);
        port(&it["targetPort"], &at("targetPort"), causes);
        let twin = |other: &Value| other["port"] == it["port"] && other["protocol"] == it["protocol"];
        if ports.iter().take(index).any(twin) {
            let shown = serde_json::json!({"port": it["port"], "protocol": it["protocol"]});
            causes.push(Cause::duplicate(format!("spec.ports[{index}]"), &shown));
        }
        if ports.iter().take(index).any(|other| !it["name"].is_null() && other["name"] == it["name"]) {
            causes.push(Cause::duplicate(at("name"), &it["name"]));
        }
    }
    one_of(&spec["sessionAffinity"], "spec.sessionAffinity", &["ClientIP", "None"], causes);
    one_of(&spec["type"], "spec.type", &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"], causes);
}

fn modes(modes: &Value, field: &str, causes: &mut Causes) {
    for mode in list(modes) {
        one_of(mode, field, &["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"], causes);
    }
}

fn positive(value: &Value, field: &str, causes: &mut Causes) {
    if let Some(amount) = quantity(value)
        && amount <= k8s_api::quantity::Quantity::default()
    {
        causes.push(Cause::invalid(field, value, "must be greater than zero"));
    }
}

pub(super) fn changes(kind: &Known, object: &Value, old: &Value, causes: &mut Causes) {
    match (kind.group, kind.kind) {
        ("", "Secret") => {
            immutable(object, old, "", &["type"], causes);
            frozen(object, old, causes);
        }
        ("", "ConfigMap") => frozen(object, old, causes),
        ("", "PersistentVolumeClaim") => {
            let (mut now, mut before) = (object["spec"].clone(), old["spec"].clone());
            for spec in [&mut now, &mut before] {
                if let Some(fields) = spec.as_object_mut() {
                    if old["status"]["phase"] == "Bound" {
                        fields.remove("resources");
                        fields.remove("volumeAttributesClassName");
                    }
                    // A claim that is not bound yet may be bound, and given a class.
                    if text(&old["spec"]["volumeName"]).is_empty() {
                        fields.remove("volumeName");
                    }
                    if old["spec"]["storageClassName"].is_null() {
                        fields.remove("storageClassName");
                    }
                }
            }
            if now != before {
                causes.push(Cause::forbidden(
                    "spec",
                    "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
                ));
            }
        }
        ("", "Service") => {
            let (now, before) = (&object["spec"], &old["spec"]);
            if text(&before["type"]) != "ExternalName"
                && text(&now["type"]) != "ExternalName"
                && now["clusterIP"] != before["clusterIP"]
            {
                causes.push(Cause::invalid(
                    "spec.clusterIPs[0]",
                    &now["clusterIPs"],
                    "may not change once set",
                ));
            }
        }
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding")
            if object["roleRef"] != old["roleRef"] =>
        {
            let field = |name: &str| text(&object["roleRef"][name]).to_owned();
            // As its type is called inside of the real server.
            let shown = serde_json::json!({"APIGroup": field("apiGroup"), "Kind": field("kind"), "Name": field("name")});
            causes.push(Cause::invalid("roleRef", &shown, "field is immutable"));
        }
        ("storage.k8s.io", "StorageClass") => {
            for field in ["parameters", "provisioner", "reclaimPolicy"] {
                if object[field] != old[field] {
                    causes.push(Cause::forbidden(field, &format!("updates to {field} are forbidden.")));
                }
            }
            immutable(object, old, "", &["volumeBindingMode"], causes);
        }
        ("scheduling.k8s.io", "PriorityClass") if object["value"] != old["value"] => {
            causes.push(Cause::invalid("value", &object["value"], "field is immutable"));
        }
        _ => {}
    }
}

/// What says of itself that it does not change.
fn frozen(object: &Value, old: &Value, causes: &mut Causes) {
    if old["immutable"] != true {
        return;
    }
    if object["immutable"] != true {
        causes.push(Cause::forbidden("immutable", "field is immutable when `immutable` is set"));
    }
    for field in ["data", "binaryData"] {
        if object[field] != old[field] {
            causes.push(Cause::forbidden(field, "field is immutable when `immutable` is set"));
        }
    }
}
