//! Objects as rows for people: the columns of the real server for everyday kinds, name and age for all others.

use serde_json::{Value, json};

use super::core::Core;
use super::kinds::Known;
use super::shape::partial;

/// A column: its title, its type, whether it is only shown when all are asked for, and how a cell is found.
pub(super) type Column = (&'static str, &'static str, bool, fn(&Value, &str) -> Value);

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

pub(super) fn count(value: &Value) -> Value {
    value.as_i64().unwrap_or_default().into()
}

pub(super) fn or_none(text: &str) -> Value {
    if text.is_empty() { "<none>".into() } else { text.into() }
}

fn name(object: &Value, _: &str) -> Value {
    object["metadata"]["name"].clone()
}

fn age(object: &Value, now: &str) -> Value {
    since(&object["metadata"]["creationTimestamp"], now)
}

/// How long ago, in the fewest signs that kubectl's users know.
pub(super) fn since(time: &Value, now: &str) -> Value {
    let seconds = |text: &str| text.parse::<k8s_api::time::Time>().ok().map(|time| time.unix_seconds());
    let (Some(then), Some(now)) = (seconds(text(time)), seconds(now)) else { return "<unknown>".into() };
    span(now - then)
}

/// So many seconds.
pub(super) fn span(seconds: i64) -> Value {
    let passed = seconds.max(0);
    let both = |large: i64, unit: &str, small: i64, below: &str| {
        if small == 0 { format!("{large}{unit}") } else { format!("{large}{unit}{small}{below}") }
    };
    let (minutes, hours, days) = (passed / 60, passed / 3600, passed / 86400);
    let shown = match passed {
        0..120 => format!("{passed}s"),
        120..600 => both(minutes, "m", passed % 60, "s"),
        600..10800 => format!("{minutes}m"),
        10800..28800 => both(hours, "h", minutes % 60, "m"),
        28800..172_800 => format!("{hours}h"),
        172_800..691_200 => both(days, "d", hours % 24, "h"),
        691_200..63_072_000 => format!("{days}d"),
        _ => both(days / 365, "y", days % 365, "d"),
    };
    shown.into()
}

pub(super) fn joined<'v>(values: impl Iterator<Item = &'v str>) -> Value {
    let all: Vec<&str> = values.collect();
    or_none(&all.join(","))
}

pub(super) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn size(value: &Value) -> usize {
    value.as_object().map_or(0, serde_json::Map::len)
}

pub(super) fn selector(value: &Value) -> Value {
    let labels = if value["matchLabels"].is_object() { &value["matchLabels"] } else { value };
    let mut terms: Vec<String> = labels
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, value)| value.is_string())
        .map(|(key, value)| format!("{key}={}", text(value)))
        .collect();
    for it in list(&value["matchExpressions"]) {
        let values: Vec<&str> = list(&it["values"]).map(text).collect();
        let key = text(&it["key"]);
        terms.push(match text(&it["operator"]) {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "Exists" => key.to_owned(),
            _ => format!("!{key}"),
        });
    }
    or_none(&terms.join(","))
}

pub(super) fn containers(spec: &Value, field: &str) -> Value {
    let all: Vec<&str> = list(&spec["containers"]).map(|it| text(&it[field])).collect();
    or_none(&all.join(","))
}

pub(super) const NAME: Column = ("Name", "string", false, name);
pub(super) const AGE: Column = ("Age", "string", false, age);

/// `1/3`.
fn of(now: &Value, wanted: &Value) -> Value {
    format!("{}/{}", now.as_i64().unwrap_or_default(), wanted.as_i64().unwrap_or_default()).into()
}

const TEMPLATE: [Column; 3] = [
    ("Containers", "string", true, |it, _| containers(&it["spec"]["template"]["spec"], "name")),
    ("Images", "string", true, |it, _| containers(&it["spec"]["template"]["spec"], "image")),
    ("Selector", "string", true, |it, _| selector(&it["spec"]["selector"])),
];

fn columns(kind: &Known) -> Vec<Column> {
    if let Some(columns) = super::columns::of(kind).or_else(|| super::printers::of(kind)) {
        return columns;
    }
    let [names, images, selects] = TEMPLATE;
    match (kind.group, kind.kind) {
        ("", "Pod") => vec![
            NAME,
            ("Ready", "string", false, |it, _| {
                let ready = list(&it["status"]["containerStatuses"]).filter(|it| it["ready"] == true).count();
                format!("{ready}/{}", list(&it["spec"]["containers"]).count()).into()
            }),
            ("Status", "string", false, |it, _| {
                if it["metadata"]["deletionTimestamp"].is_string() {
                    return "Terminating".into();
                }
                let reason = text(&it["status"]["reason"]);
                if reason.is_empty() { it["status"]["phase"].clone() } else { reason.into() }
            }),
            ("Restarts", "string", false, |it, _| {
                let all = list(&it["status"]["containerStatuses"])
                    .map(|it| it["restartCount"].as_i64().unwrap_or_default());
                all.sum::<i64>().to_string().into()
            }),
            AGE,
            ("IP", "string", true, |it, _| or_none(text(&it["status"]["podIP"]))),
            ("Node", "string", true, |it, _| or_none(text(&it["spec"]["nodeName"]))),
            ("Nominated Node", "string", true, |it, _| or_none(text(&it["status"]["nominatedNodeName"]))),
            ("Readiness Gates", "string", true, |_, _| "<none>".into()),
        ],
        ("apps", "Deployment") => vec![
            NAME,
            ("Ready", "string", false, |it, _| of(&it["status"]["readyReplicas"], &it["spec"]["replicas"])),
            ("Up-to-date", "string", false, |it, _| count(&it["status"]["updatedReplicas"])),
            ("Available", "string", false, |it, _| count(&it["status"]["availableReplicas"])),
            AGE,
            names,
            images,
            selects,
        ],
        ("apps", "ReplicaSet") | ("", "ReplicationController") => vec![
            NAME,
            ("Desired", "integer", false, |it, _| count(&it["spec"]["replicas"])),
            ("Current", "integer", false, |it, _| count(&it["status"]["replicas"])),
            ("Ready", "integer", false, |it, _| count(&it["status"]["readyReplicas"])),
            AGE,
            names,
            images,
            selects,
        ],
        ("apps", "StatefulSet") => vec![
            NAME,
            ("Ready", "string", false, |it, _| of(&it["status"]["readyReplicas"], &it["spec"]["replicas"])),
            AGE,
            names,
            images,
        ],
        ("apps", "DaemonSet") => vec![
            NAME,
            ("Desired", "integer", false, |it, _| count(&it["status"]["desiredNumberScheduled"])),
            ("Current", "integer", false, |it, _| count(&it["status"]["currentNumberScheduled"])),
            ("Ready", "integer", false, |it, _| count(&it["status"]["numberReady"])),
            ("Up-to-date", "integer", false, |it, _| count(&it["status"]["updatedNumberScheduled"])),
            ("Available", "integer", false, |it, _| count(&it["status"]["numberAvailable"])),
            ("Node Selector", "string", false, |it, _| {
                selector(&it["spec"]["template"]["spec"]["nodeSelector"])
            }),
            AGE,
            names,
            images,
            selects,
        ],
        ("batch", "Job") => vec![
            NAME,
            ("Status", "string", false, |it, _| {
                let has = |type_: &str| {
                    list(&it["status"]["conditions"]).any(|c| c["type"] == type_ && c["status"] == "True")
                };
                let known = [("Complete", "Complete"), ("Failed", "Failed"), ("Suspended", "Suspended")];
                known.iter().find(|(type_, _)| has(type_)).map_or("Running", |(_, shown)| *shown).into()
            }),
            ("Completions", "string", false, |it, _| {
                of(&it["status"]["succeeded"], &it["spec"]["completions"])
            }),
            ("Duration", "string", false, |it, now| match &it["status"]["startTime"] {
                Value::Null => "".into(),
                start => since(
                    start,
                    if it["status"]["completionTime"].is_string() {
                        text(&it["status"]["completionTime"])
                    } else {
                        now
                    },
                ),
            }),
            AGE,
            names,
            images,
            selects,
        ],
        ("", "Service") => vec![
            NAME,
            ("Type", "string", false, |it, _| it["spec"]["type"].clone()),
            ("Cluster-IP", "string", false, |it, _| or_none(text(&it["spec"]["clusterIP"]))),
            ("External-IP", "string", false, |it, _| match text(&it["spec"]["type"]) {
                "LoadBalancer" => "<pending>".into(),
                "ExternalName" => it["spec"]["externalName"].clone(),
                _ => joined(list(&it["spec"]["externalIPs"]).map(text)),
            }),
            ("Port(s)", "string", false, |it, _| {
                let ports: Vec<String> = list(&it["spec"]["ports"])
                    .map(|port| match port["nodePort"].as_i64() {
                        Some(node) => format!("{}:{node}/{}", port["port"], text(&port["protocol"])),
                        None => format!("{}/{}", port["port"], text(&port["protocol"])),
                    })
                    .collect();
                or_none(&ports.join(","))
            }),
            AGE,
            ("Selector", "string", true, |it, _| selector(&it["spec"]["selector"])),
        ],
        ("", "ConfigMap") => vec![
            NAME,
            ("Data", "string", false, |it, _| (size(&it["data"]) + size(&it["binaryData"])).into()),
            AGE,
        ],
        ("", "Secret") => vec![
            NAME,
            ("Type", "string", false, |it, _| it["type"].clone()),
            ("Data", "string", false, |it, _| size(&it["data"]).into()),
            AGE,
        ],
        ("", "Namespace") => {
            vec![NAME, ("Status", "string", false, |it, _| it["status"]["phase"].clone()), AGE]
        }
        ("", "Node") => {
            let mut columns: Vec<Column> = vec![
                NAME,
                ("Status", "string", false, |it, _| {
                    let ready = list(&it["status"]["conditions"]).find(|it| it["type"] == "Ready");
                    let state = match ready {
                        Some(ready) if ready["status"] == "True" => "Ready",
                        Some(_) => "NotReady",
                        None => "Unknown",
                    };
                    if it["spec"]["unschedulable"] == true {
                        format!("{state},SchedulingDisabled").into()
                    } else {
                        state.into()
                    }
                }),
                ("Roles", "string", false, |it, _| {
                    let roles = it["metadata"]["labels"].as_object().into_iter().flatten();
                    let mut roles: Vec<&str> = roles
                        .filter_map(|(key, value)| match key.as_str() {
                            "kubernetes.io/role" => value.as_str(),
                            key => key.strip_prefix("node-role.kubernetes.io/"),
                        })
                        .collect();
                    roles.sort_unstable();
                    joined(roles.into_iter())
                }),
                AGE,
                ("Version", "string", false, |it, _| {
                    it["status"]["nodeInfo"]["kubeletVersion"].as_str().unwrap_or_default().into()
                }),
            ];
            columns.extend(super::printers::NODE);
            columns
        }
        ("", "PersistentVolumeClaim") => vec![
            NAME,
            ("Status", "string", false, |it, _| it["status"]["phase"].clone()),
            ("Volume", "string", false, |it, _| text(&it["spec"]["volumeName"]).into()),
            ("Capacity", "string", false, |it, _| text(&it["status"]["capacity"]["storage"]).into()),
            ("Access Modes", "string", false, |it, _| {
                list(&it["status"]["accessModes"]).map(text).collect::<Vec<_>>().join(",").into()
            }),
            ("StorageClass", "string", false, |it, _| text(&it["spec"]["storageClassName"]).into()),
            ("VolumeAttributesClass", "string", false, |_, _| "<unset>".into()),
            AGE,
            ("VolumeMode", "string", true, |it, _| it["spec"]["volumeMode"].clone()),
        ],
        ("coordination.k8s.io", "Lease") => {
            vec![NAME, ("Holder", "string", false, |it, _| text(&it["spec"]["holderIdentity"]).into()), AGE]
        }
        ("networking.k8s.io", "Ingress") => vec![
            NAME,
            ("Class", "string", false, |it, _| or_none(text(&it["spec"]["ingressClassName"]))),
            ("Hosts", "string", false, |it, _| {
                match joined(
                    list(&it["spec"]["rules"]).map(|it| text(&it["host"])).filter(|it| !it.is_empty()),
                ) {
                    Value::String(none) if none == "<none>" => "*".into(),
                    hosts => hosts,
                }
            }),
            ("Address", "string", false, |_, _| "".into()),
            ("Ports", "string", false, |it, _| {
                if it["spec"]["tls"].is_array() { "80, 443".into() } else { "80".into() }
            }),
            AGE,
        ],
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => {
            vec![NAME, ("Created At", "date", false, |it, _| it["metadata"]["creationTimestamp"].clone())]
        }
        _ => vec![NAME, ("Created At", "date", false, |it, _| it["metadata"]["creationTimestamp"].clone())],
    }
}

/// The table of some objects.
pub(crate) fn table(
    core: &Core,
    kind: Option<&Known>,
    metadata: Value,
    objects: Vec<Value>,
    include: &str,
) -> Value {
    let is_scale = kind.is_none() && objects.iter().any(|object| object["kind"] == "Scale");
    let columns = match kind {
        Some(kind) => columns(kind),
        None if is_scale => super::printers::SCALE.to_vec(),
        None => vec![NAME],
    };
    let now = core.clock.stamp();
    let definitions: Vec<Value> = columns
        .iter()
        .filter(|(title, ..)| !title.is_empty())
        .map(|(title, type_, wide, _)| {
            let plain = is_scale || kind.is_some_and(|kind| kind.group == "storagemigration.k8s.io");
            let format = if matches!(*title, "Name" | "Attacher") && !plain { "name" } else { "" };
            json!({"name": title, "type": type_, "format": format, "description": "", "priority": i32::from(*wide)})
        })
        .collect();
    let rows: Vec<Value> = objects
        .into_iter()
        .map(|object| {
            let cells: Vec<Value> = columns.iter().map(|(.., cell)| cell(&object, &now)).collect();
            let object = match include {
                "None" => Value::Null,
                "Object" => object,
                _ => partial(&object),
            };
            json!({"cells": cells, "object": object})
        })
        .collect();
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
        "columnDefinitions": definitions, "rows": rows,
    })
}
