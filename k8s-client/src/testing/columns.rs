//! The columns of kinds that people look at less often.

use serde_json::Value;

use super::kinds::Known;
use super::table::{AGE, Column, NAME, containers, count, joined, list, or_none, selector, since, text};

pub(super) fn number(value: &Value) -> usize {
    list(value).count()
}

pub(super) fn flag(value: &Value) -> Value {
    (*value == true).into()
}

/// A text or a number, or that there is none.
pub(super) fn either(value: &Value, none: &str) -> Value {
    match value {
        Value::String(text) => text.as_str().into(),
        Value::Number(number) => number.to_string().into(),
        _ => none.into(),
    }
}

/// `RWO,ROX`.
fn modes(value: &Value) -> Value {
    let short = |mode: &Value| match text(mode) {
        "ReadWriteOnce" => "RWO",
        "ReadOnlyMany" => "ROX",
        "ReadWriteMany" => "RWX",
        _ => "RWOP",
    };
    list(value).map(short).collect::<Vec<_>>().join(",").into()
}

/// `v1/ConfigMap`.
fn param_kind(value: &Value) -> Value {
    if value.is_object() {
        format!("{}/{}", text(&value["apiVersion"]), text(&value["kind"])).into()
    } else {
        "<unset>".into()
    }
}

fn subjects(object: &Value, kind: &str) -> Value {
    let named = |it: &Value| match text(&it["namespace"]) {
        "" => text(&it["name"]).to_owned(),
        namespace => format!("{namespace}/{}", text(&it["name"])),
    };
    let all: Vec<String> = list(&object["subjects"]).filter(|it| it["kind"] == kind).map(named).collect();
    all.join(", ").into()
}

fn seen(object: &Value, now: &str, fields: &[&str]) -> Value {
    let time = fields.iter().map(|field| &object[*field]).find(|time| time.is_string());
    time.map_or("<unknown>".into(), |time| since(time, now))
}

/// An event, whose fields are called differently in its two groups.
fn event() -> Vec<Column> {
    vec![
        ("Last Seen", "string", false, |it, now| {
            seen(
                it,
                now,
                &[
                    "lastTimestamp",
                    "deprecatedLastTimestamp",
                    "firstTimestamp",
                    "deprecatedFirstTimestamp",
                    "eventTime",
                ],
            )
        }),
        ("Type", "string", false, |it, _| it["type"].clone()),
        ("Reason", "string", false, |it, _| it["reason"].clone()),
        ("Object", "string", false, |it, _| {
            let about = if it["regarding"].is_object() { &it["regarding"] } else { &it["involvedObject"] };
            format!("{}/{}", text(&about["kind"]).to_lowercase(), text(&about["name"])).into()
        }),
        ("Subobject", "string", true, |it, _| {
            let about = if it["regarding"].is_object() { &it["regarding"] } else { &it["involvedObject"] };
            text(&about["fieldPath"]).into()
        }),
        ("Source", "string", true, |it, _| {
            let source =
                if it["deprecatedSource"].is_object() { &it["deprecatedSource"] } else { &it["source"] };
            let (component, host) = match text(&source["component"]) {
                "" => {
                    let own = text(&it["reportingController"]);
                    let component = if own.is_empty() { text(&it["reportingComponent"]) } else { own };
                    (component, text(&it["reportingInstance"]))
                }
                component => (component, text(&source["host"])),
            };
            if host.is_empty() { component.into() } else { format!("{component}, {host}").into() }
        }),
        ("Message", "string", false, |it, _| {
            let note = if it["note"].is_string() { &it["note"] } else { &it["message"] };
            text(note).trim().into()
        }),
        ("First Seen", "string", true, |it, now| {
            seen(it, now, &["firstTimestamp", "deprecatedFirstTimestamp", "eventTime"])
        }),
        ("Count", "string", true, |it, _| {
            let count = it["count"].as_i64().or(it["deprecatedCount"].as_i64()).unwrap_or_default();
            count.max(1).into()
        }),
        ("Name", "string", true, |it, _| it["metadata"]["name"].clone()),
    ]
}

/// Of those that the first table does not have.
pub(super) fn of(kind: &Known) -> Option<Vec<Column>> {
    Some(match (kind.group, kind.kind) {
        ("" | "events.k8s.io", "Event") => event(),
        ("", "ServiceAccount") | ("resource.k8s.io", "DeviceClass" | "ResourceClaimTemplate") => {
            vec![NAME, AGE]
        }
        ("", "PersistentVolume") => vec![
            NAME,
            ("Capacity", "string", false, |it, _| either(&it["spec"]["capacity"]["storage"], "")),
            ("Access Modes", "string", false, |it, _| modes(&it["spec"]["accessModes"])),
            ("Reclaim Policy", "string", false, |it, _| it["spec"]["persistentVolumeReclaimPolicy"].clone()),
            ("Status", "string", false, |it, _| it["status"]["phase"].clone()),
            ("Claim", "string", false, |it, _| match &it["spec"]["claimRef"] {
                Value::Null => "".into(),
                claim => format!("{}/{}", text(&claim["namespace"]), text(&claim["name"])).into(),
            }),
            ("StorageClass", "string", false, |it, _| text(&it["spec"]["storageClassName"]).into()),
            ("VolumeAttributesClass", "string", false, |it, _| {
                either(&it["spec"]["volumeAttributesClassName"], "<unset>")
            }),
            ("Reason", "string", false, |it, _| text(&it["status"]["reason"]).into()),
            AGE,
            ("VolumeMode", "string", true, |it, _| it["spec"]["volumeMode"].clone()),
        ],
        ("", "PodTemplate") => vec![
            NAME,
            ("Containers", "string", false, |it, _| containers(&it["template"]["spec"], "name")),
            ("Images", "string", false, |it, _| containers(&it["template"]["spec"], "image")),
            ("Pod Labels", "string", false, |it, _| selector(&it["template"]["metadata"]["labels"])),
        ],
        ("", "Endpoints") => vec![
            NAME,
            ("Endpoints", "string", false, |it, _| {
                let mut all = Vec::new();
                for subset in list(&it["subsets"]) {
                    for port in list(&subset["ports"]) {
                        for address in list(&subset["addresses"]) {
                            all.push(format!("{}:{}", text(&address["ip"]), port["port"]));
                        }
                    }
                }
                let more = all.len().saturating_sub(3);
                let shown = all.get(..all.len().min(3)).unwrap_or_default().join(",");
                if more > 0 { format!("{shown} + {more} more...").into() } else { or_none(&shown) }
            }),
            AGE,
        ],
        ("apps", "ControllerRevision") => vec![
            NAME,
            ("Controller", "string", false, |it, _| {
                let owner =
                    list(&it["metadata"]["ownerReferences"]).find(|owner| owner["controller"] == true);
                owner.map_or("<none>".into(), |owner| {
                    format!("{}/{}", text(&owner["kind"]).to_lowercase(), text(&owner["name"])).into()
                })
            }),
            ("Revision", "string", false, |it, _| count(&it["revision"])),
            AGE,
        ],
        ("batch", "CronJob") => vec![
            NAME,
            ("Schedule", "string", false, |it, _| it["spec"]["schedule"].clone()),
            ("Timezone", "string", false, |it, _| either(&it["spec"]["timeZone"], "<none>")),
            ("Suspend", "boolean", false, |it, _| {
                if it["spec"]["suspend"] == true { "True".into() } else { "False".into() }
            }),
            ("Active", "integer", false, |it, _| number(&it["status"]["active"]).into()),
            ("Last Schedule", "string", false, |it, now| match &it["status"]["lastScheduleTime"] {
                Value::Null => "<none>".into(),
                time => since(time, now),
            }),
            AGE,
            ("Containers", "string", true, |it, _| {
                containers(&it["spec"]["jobTemplate"]["spec"]["template"]["spec"], "name")
            }),
            ("Images", "string", true, |it, _| {
                containers(&it["spec"]["jobTemplate"]["spec"]["template"]["spec"], "image")
            }),
            ("Selector", "string", true, |it, _| selector(&it["spec"]["jobTemplate"]["spec"]["selector"])),
        ],
        ("networking.k8s.io", "IngressClass") => vec![
            NAME,
            ("Controller", "string", false, |it, _| it["spec"]["controller"].clone()),
            ("Parameters", "string", false, |it, _| match &it["spec"]["parameters"] {
                Value::Null => "<none>".into(),
                it => match text(&it["apiGroup"]) {
                    "" => format!("{}/{}", text(&it["kind"]), text(&it["name"])).into(),
                    group => format!("{}.{group}/{}", text(&it["kind"]), text(&it["name"])).into(),
                },
            }),
            AGE,
        ],
        ("networking.k8s.io", "IPAddress") => vec![
            NAME,
            ("ParentRef", "string", false, |it, _| {
                let parent = &it["spec"]["parentRef"];
                let resource = match text(&parent["group"]) {
                    "" => text(&parent["resource"]).to_owned(),
                    group => format!("{}.{group}", text(&parent["resource"])),
                };
                format!("{resource}/{}/{}", text(&parent["namespace"]), text(&parent["name"])).into()
            }),
            // The real server has the cell, and no column for it.
            ("", "", false, AGE.3),
        ],
        ("networking.k8s.io", "NetworkPolicy") => {
            vec![NAME, ("Pod-Selector", "string", false, |it, _| selector(&it["spec"]["podSelector"])), AGE]
        }
        ("networking.k8s.io", "ServiceCIDR") => {
            vec![NAME, ("CIDRs", "string", false, |it, _| joined(list(&it["spec"]["cidrs"]).map(text))), AGE]
        }
        ("policy", "PodDisruptionBudget") => vec![
            NAME,
            ("Min Available", "string", false, |it, _| either(&it["spec"]["minAvailable"], "N/A")),
            ("Max Unavailable", "string", false, |it, _| either(&it["spec"]["maxUnavailable"], "N/A")),
            ("Allowed Disruptions", "integer", false, |it, _| count(&it["status"]["disruptionsAllowed"])),
            AGE,
        ],
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => vec![
            NAME,
            ("Role", "string", false, |it, _| {
                format!("{}/{}", text(&it["roleRef"]["kind"]), text(&it["roleRef"]["name"])).into()
            }),
            AGE,
            ("Users", "string", true, |it, _| subjects(it, "User")),
            ("Groups", "string", true, |it, _| subjects(it, "Group")),
            ("ServiceAccounts", "string", true, |it, _| subjects(it, "ServiceAccount")),
        ],
        ("storage.k8s.io", "CSINode") => {
            vec![NAME, ("Drivers", "integer", false, |it, _| number(&it["spec"]["drivers"]).into()), AGE]
        }
        ("storage.k8s.io", "StorageClass") => vec![
            NAME,
            ("Provisioner", "string", false, |it, _| it["provisioner"].clone()),
            ("ReclaimPolicy", "string", false, |it, _| it["reclaimPolicy"].clone()),
            ("VolumeBindingMode", "string", false, |it, _| it["volumeBindingMode"].clone()),
            ("AllowVolumeExpansion", "string", false, |it, _| flag(&it["allowVolumeExpansion"])),
            AGE,
        ],
        ("storage.k8s.io", "VolumeAttachment") => vec![
            NAME,
            ("Attacher", "string", false, |it, _| it["spec"]["attacher"].clone()),
            ("PV", "string", false, |it, _| text(&it["spec"]["source"]["persistentVolumeName"]).into()),
            ("Node", "string", false, |it, _| it["spec"]["nodeName"].clone()),
            ("Attached", "boolean", false, |it, _| flag(&it["status"]["attached"])),
            AGE,
        ],
        ("storage.k8s.io", "VolumeAttributesClass") => {
            vec![NAME, ("DriverName", "string", false, |it, _| it["driverName"].clone()), AGE]
        }
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy") => vec![
            NAME,
            ("Validations", "integer", false, |it, _| number(&it["spec"]["validations"]).into()),
            ("ParamKind", "string", false, |it, _| param_kind(&it["spec"]["paramKind"])),
            AGE,
        ],
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicy") => vec![
            NAME,
            ("Mutations", "integer", false, |it, _| number(&it["spec"]["mutations"]).into()),
            ("ParamKind", "string", false, |it, _| param_kind(&it["spec"]["paramKind"])),
            AGE,
        ],
        (
            "admissionregistration.k8s.io",
            "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration",
        ) => {
            vec![NAME, ("Webhooks", "integer", false, |it, _| number(&it["webhooks"]).into()), AGE]
        }
        ("scheduling.k8s.io", "PriorityClass") => vec![
            NAME,
            ("Value", "integer", false, |it, _| count(&it["value"])),
            ("Global-Default", "boolean", false, |it, _| flag(&it["globalDefault"])),
            AGE,
            ("PreemptionPolicy", "string", false, |it, _| it["preemptionPolicy"].clone()),
        ],
        ("node.k8s.io", "RuntimeClass") => {
            vec![NAME, ("Handler", "string", false, |it, _| it["handler"].clone()), AGE]
        }
        _ => return None,
    })
}
