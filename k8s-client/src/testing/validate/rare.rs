//! What is required of kinds that drivers, autoscalers and the server itself look at, and that are made by hand less often.

use serde_json::{Value, json};

use super::{Causes, list, names, one_of, required, text};
use crate::testing::failure::Cause;
use crate::testing::kinds::Known;

/// A path, and what is said where nothing is there.
type Paths = &'static [(&'static str, &'static str)];

/// What has to be there and nothing more is said of: group, kind, path, and what is said besides.
const REQUIRED: &[(&str, &str, Paths)] = &[
    ("apps", "ControllerRevision", &[("data", "data is mandatory")]),
    ("networking.k8s.io", "IngressClass", &[("spec.controller", "")]),
    ("networking.k8s.io", "ServiceCIDR", &[("spec.cidrs", "at least one CIDR required")]),
    (
        "storage.k8s.io",
        "VolumeAttributesClass",
        &[("driverName", ""), ("parameters", "must contain at least one key/value pair")],
    ),
    (
        "admissionregistration.k8s.io",
        "MutatingAdmissionPolicy",
        &[
            ("spec.matchConstraints", ""),
            ("spec.mutations", "mutations must contain at least one item"),
            ("spec.reinvocationPolicy", ""),
        ],
    ),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding", &[("spec.policyName", "")]),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy", &[("spec.matchConstraints", "")]),
    (
        "admissionregistration.k8s.io",
        "ValidatingAdmissionPolicyBinding",
        &[("spec.policyName", ""), ("spec.validationActions", "")],
    ),
    (
        "flowcontrol.apiserver.k8s.io",
        "FlowSchema",
        &[("spec.priorityLevelConfiguration.name", "must reference a priority level")],
    ),
    ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration", &[("spec.type", "")]),
    (
        "storagemigration.k8s.io",
        "StorageVersionMigration",
        &[("spec.resource.resource", "resource is required to be set")],
    ),
    ("node.k8s.io", "RuntimeClass", &[("handler", "")]),
    ("discovery.k8s.io", "EndpointSlice", &[("addressType", "")]),
    ("resource.k8s.io", "ResourceSlice", &[("spec.driver", ""), ("spec.pool.name", "")]),
    ("resource.k8s.io", "ResourcePoolStatusRequest", &[("spec.driver", "")]),
    (
        "coordination.k8s.io",
        "LeaseCandidate",
        &[("spec.leaseName", ""), ("spec.binaryVersion", ""), ("spec.strategy", "")],
    ),
];

fn at<'v>(object: &'v Value, path: &str) -> &'v Value {
    path.split('.').fold(object, |value, name| &value[name])
}

pub(super) fn check(kind: &Known, object: &Value, causes: &mut Causes) {
    let spec = &object["spec"];
    let of_kind = |it: &&(&str, &str, _)| (it.0, it.1) == (kind.group, kind.kind);
    for (_, _, paths) in REQUIRED.iter().filter(of_kind) {
        for (path, detail) in *paths {
            required(at(object, path), path, detail, causes);
        }
    }
    match (kind.group, kind.kind) {
        ("apiregistration.k8s.io", "APIService") => api_service(object, causes),
        ("networking.k8s.io", "IngressClass") => {
            let controller = &spec["controller"];
            if !text(controller).is_empty() && !text(controller).contains('/') {
                causes.push(Cause::invalid(
                    "spec.controller",
                    controller,
                    "must be a domain-prefixed path (such as \"acme.io/foo\")",
                ));
            }
        }
        ("networking.k8s.io", "IPAddress") => {
            let parent = &spec["parentRef"];
            if parent.is_null() {
                causes.push(Cause::required("spec.parentRef", ""));
            } else {
                required(&parent["resource"], "spec.parentRef.resource", "", causes);
                required(&parent["name"], "spec.parentRef.name", "", causes);
            }
        }
        ("storage.k8s.io", "CSIStorageCapacity") => {
            subdomain(&object["storageClassName"], "storageClassName", causes);
        }
        ("storage.k8s.io", "VolumeAttachment") => {
            let source = &spec["source"];
            if source["persistentVolumeName"].is_null() && source["inlineVolumeSpec"].is_null() {
                let detail = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
                causes.push(Cause::required("spec.source", detail));
            }
            if source["persistentVolumeName"].is_string() {
                let field = "spec.source.persistentVolumeName";
                let detail = "must specify non empty persistentVolumeName";
                required(&source["persistentVolumeName"], field, detail, causes);
                subdomain(&source["persistentVolumeName"], field, causes);
            }
            subdomain(&spec["nodeName"], "spec.nodeName", causes);
            required(&spec["attacher"], "spec.attacher", "", causes);
        }
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy") => {
            if list(&spec["validations"]).is_empty() && list(&spec["auditAnnotations"]).is_empty() {
                let detail = "validations or auditAnnotations must contain at least one item";
                causes.push(Cause::required("spec.validations", detail));
                causes.push(Cause::required("spec.auditAnnotations", detail));
            }
            for (index, it) in list(&spec["auditAnnotations"]).iter().enumerate() {
                let field = format!("spec.auditAnnotations[{index}].key");
                if text(&object["metadata"]["name"]).is_empty() {
                    causes.push(Cause::invalid(field, &it["key"], "requires metadata.name be non-empty"));
                    continue;
                }
                let key = format!("{}/{}", text(&object["metadata"]["name"]), text(&it["key"]));
                for what in names::qualified(&key) {
                    causes.push(Cause::invalid(field.clone(), &key.as_str().into(), what));
                }
            }
        }
        ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration") if !text(&spec["type"]).is_empty() => {
            one_of(&spec["type"], "spec.type", &["Exempt", "Limited"], causes);
            if spec["type"] == "Limited" && spec["limited"].is_null() {
                causes.push(Cause::required("spec.limited", ""));
            }
        }
        ("node.k8s.io", "RuntimeClass") if !text(&object["handler"]).is_empty() => {
            for what in names::label(text(&object["handler"])) {
                causes.push(Cause::invalid("handler", &object["handler"], what));
            }
        }
        ("discovery.k8s.io", "EndpointSlice") if !text(&object["addressType"]).is_empty() => {
            one_of(&object["addressType"], "addressType", &["FQDN", "IPv4", "IPv6"], causes);
        }
        ("resource.k8s.io", "DeviceTaintRule") => {
            let taint = &spec["taint"];
            for what in names::qualified(text(&taint["key"])) {
                causes.push(Cause::invalid("spec.taint.key", &text(&taint["key"]).into(), what));
            }
            if required(&taint["effect"], "spec.taint.effect", "", causes) {
                one_of(&taint["effect"], "spec.taint.effect", &["NoExecute", "NoSchedule", "None"], causes);
            }
        }
        ("resource.k8s.io", "ResourceSlice") => slice(spec, causes),
        ("certificates.k8s.io", "CertificateSigningRequest") => {
            if spec["request"].as_str().unwrap_or_default().is_empty() {
                let detail = "PEM block type must be CERTIFICATE REQUEST";
                causes.push(Cause::invalid("spec.request", &Value::Null, detail));
            }
            required(&spec["usages"], "spec.usages", "", causes);
            required(&spec["signerName"], "spec.signerName", "", causes);
        }
        ("certificates.k8s.io", "ClusterTrustBundle") if text(&spec["trustBundle"]).is_empty() => {
            let hidden = "<value omitted>".into();
            let detail = "at least one trust anchor must be provided";
            causes.push(Cause::invalid("spec.trustBundle", &hidden, detail));
        }
        _ => {}
    }
}

fn subdomain(value: &Value, field: &str, causes: &mut Causes) {
    for what in names::subdomain(text(value)) {
        causes.push(Cause::invalid(field, &text(value).into(), what));
    }
}

fn api_service(object: &Value, causes: &mut Causes) {
    let spec = &object["spec"];
    let (name, group, version) = (&object["metadata"]["name"], text(&spec["group"]), text(&spec["version"]));
    let wanted = format!("{version}.{group}");
    if !text(name).is_empty() && text(name) != wanted {
        let detail = format!("must be `spec.version+\".\"+spec.group`: {wanted:?}");
        causes.push(Cause::invalid("metadata.name", name, detail));
    }
    if group.is_empty() && version != "v1" {
        causes.push(Cause::required(
            "spec.group",
            "only v1 may have an empty group and it better be legacy kube",
        ));
    }
    for what in names::label_1035(version) {
        causes.push(Cause::invalid("spec.version", &version.into(), what));
    }
    for (field, most) in [("groupPriorityMinimum", 20000), ("versionPriority", 1000)] {
        let number = spec[field].as_i64().unwrap_or_default();
        if number <= 0 || number > most {
            let detail = format!("must be positive and less than {most}");
            causes.push(Cause::invalid(format!("spec.{field}"), &number.into(), detail));
        }
    }
}

fn slice(spec: &Value, causes: &mut Causes) {
    let count = spec["pool"]["resourceSliceCount"].as_i64().unwrap_or_default();
    if count <= 0 {
        let field = "spec.pool.resourceSliceCount";
        causes.push(Cause::invalid(field, &count.into(), "must be greater than zero"));
    }
    let places = ["nodeName", "nodeSelector", "allNodes", "perDeviceNodeSelection"];
    let is_set = |field: &&&str| match &spec[**field] {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        _ => true,
    };
    let one = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
    let set: Vec<String> = places.iter().filter(is_set).map(|field| format!("`{field}`")).collect();
    match set.len() {
        0 => causes.push(Cause::required("spec", one)),
        1 => {}
        _ => {
            let detail = format!("{one}, but multiple fields are set");
            causes.push(Cause::invalid("spec", &format!("{{{}}}", set.join(", ")).into(), detail));
        }
    }
}

/// A volume that nothing is said of but how much it holds.
pub(super) fn volume(spec: &Value, causes: &mut Causes) {
    let capacity = &spec["capacity"];
    let size = capacity.as_object().map_or(0, serde_json::Map::len);
    if size != 1 || capacity["storage"].is_null() {
        causes.push(Cause::unsupported("spec.capacity", capacity, &["storage"]));
    }
    const NO_SOURCE: &[&str] = &[
        "accessModes",
        "capacity",
        "claimRef",
        "mountOptions",
        "nodeAffinity",
        "persistentVolumeReclaimPolicy",
        "storageClassName",
        "volumeAttributesClassName",
        "volumeMode",
    ];
    if !spec.as_object().is_some_and(|fields| fields.keys().any(|name| !NO_SOURCE.contains(&name.as_str()))) {
        causes.push(Cause::required("spec", "must specify a volume type"));
    }
}

/// An event, whose fields are called as it was sent. What is wrong with its name is only said where all else is right.
pub(super) fn event(asked: &Known, object: &Value, named: Causes) -> Causes {
    let mut causes = Vec::new();
    let (namespace, about) =
        (text(&object["metadata"]["namespace"]), text(&object["involvedObject"]["namespace"]));
    if about != namespace && !(about.is_empty() && matches!(namespace, "" | "default")) {
        let field = "involvedObject.namespace";
        causes.push(Cause::invalid(field, &about.into(), "does not match event.namespace"));
    }
    let is_new = asked.group == "events.k8s.io";
    if is_new {
        causes.extend(named.iter().cloned());
        required(&object["eventTime"], "eventTime", "", &mut causes);
    }
    if !object["eventTime"].is_null() {
        let controller = if is_new { "reportingController" } else { "reportingComponent" };
        let said = text(&object["reportingComponent"]);
        required(&said.into(), controller, "", &mut causes);
        for what in names::qualified(said) {
            causes.push(Cause::invalid(controller, &said.into(), what));
        }
        for field in ["reportingInstance", "action", "reason"] {
            required(&object[field], field, "", &mut causes);
        }
    }
    let type_ = text(&object["type"]);
    if is_new && !matches!(type_, "Normal" | "Warning") {
        let detail = format!("has invalid value: {type_}");
        causes.push(Cause::invalid("type", &type_.into(), detail));
    }
    if causes.is_empty() { named } else { causes }
}

/// Whom a role is given to.
pub(super) fn binding(kind: &Known, object: &Value, causes: &mut Causes) {
    let kinds: &[&str] = if kind.kind == "RoleBinding" { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
    let role = &object["roleRef"];
    if !kinds.contains(&text(&role["kind"])) {
        causes.push(Cause::unsupported_of("roleRef.kind", &text(&role["kind"]).into(), kinds));
    }
    required(&role["name"], "roleRef.name", "", causes);
    let known = ["ServiceAccount", "User", "Group"];
    for (index, subject) in list(&object["subjects"]).iter().enumerate() {
        if !known.contains(&text(&subject["kind"])) {
            let field = format!("subjects[{index}].kind");
            causes.push(Cause::unsupported_of(field, &text(&subject["kind"]).into(), &known));
        }
    }
    for (index, subject) in list(&object["subjects"]).iter().enumerate() {
        required(&subject["name"], &format!("subjects[{index}].name"), "", causes);
    }
}

/// What an autoscaler scales, and between which numbers.
pub(super) fn autoscaler(spec: &Value, causes: &mut Causes) {
    let least = spec["minReplicas"].as_i64().unwrap_or(1);
    let most = spec["maxReplicas"].as_i64().unwrap_or_default();
    let field = "spec.maxReplicas";
    if most < least {
        causes.push(Cause::invalid(field, &most.into(), "must be greater than or equal to `minReplicas`"));
    }
    let target = &spec["scaleTargetRef"];
    for name in ["kind", "name"] {
        required(&target[name], &format!("spec.scaleTargetRef.{name}"), "", causes);
    }
    let version = text(&target["apiVersion"]);
    if version.is_empty() || version != "v1" && !version.contains('/') {
        let field = "spec.scaleTargetRef.apiVersion";
        causes.push(Cause::invalid(field, &version.into(), "apiVersion must specify API group"));
    }
    match most {
        0 => causes.push(Cause::required(field, "")),
        ..0 => causes.push(Cause::invalid(field, &json!(most), "must be greater than or equal to 1")),
        _ => {}
    }
}
