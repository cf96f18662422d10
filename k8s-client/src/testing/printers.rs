//! The columns of kinds that drivers, autoscalers and the server itself look at.

use serde_json::Value;

use super::columns::{either, flag, number};
use super::kinds::Known;
use super::table::{AGE, Column, NAME, count, joined, list, or_none, since, text};

/// The first three, and how many there are besides.
fn shortened(all: &[String], none: &str) -> Value {
    let shown = all.get(..all.len().min(3)).unwrap_or_default().join(",");
    match all.len().saturating_sub(3) {
        _ if all.is_empty() => none.into(),
        0 => shown.into(),
        more => format!("{shown} + {more} more...").into(),
    }
}

/// What is used of what is granted, of the limits or of everything else.
fn quota(object: &Value, limits: bool) -> Value {
    let status = &object["status"];
    let hard = status["hard"].as_object().into_iter().flatten();
    let shown = hard.filter(|(name, _)| name.starts_with("limits") == limits).map(|(name, most)| {
        format!("{name}: {}/{}", status["used"][name].as_str().unwrap_or("0"), text(most))
    });
    shown.collect::<Vec<_>>().join(", ").into()
}

/// What an autoscaler looks at, and what that is: two of them, and how many there are besides.
fn targets(object: &Value) -> Value {
    let all: Vec<String> = list(&object["spec"]["metrics"])
        .enumerate()
        .map(|(index, metric)| target(metric, &object["status"]["currentMetrics"][index]))
        .collect();
    let shown = all.get(..all.len().min(2)).unwrap_or_default().join(", ");
    match all.len() {
        0 => "<none>".into(),
        1 | 2 => shown.into(),
        many => format!("{shown} + {} more...", many - 2).into(),
    }
}

fn target(metric: &Value, seen: &Value) -> String {
    let (field, named) = match text(&metric["type"]) {
        "Resource" => ("resource", true),
        "ContainerResource" => ("containerResource", true),
        "Pods" => ("pods", false),
        "Object" => ("object", false),
        "External" => ("external", false),
        _ => return "<unknown type>".to_owned(),
    };
    let (metric, seen) = (&metric[field], &seen[field]["current"]);
    let wanted = &metric["target"];
    let is = |field: &str| either(&seen[field], "<unknown>");
    let (field, unit, note) = if wanted["averageUtilization"].is_number() {
        ("averageUtilization", "%", "")
    } else if wanted["averageValue"].is_string() {
        ("averageValue", "", if named || field == "pods" { "" } else { " (avg)" })
    } else {
        ("value", "", "")
    };
    let is = match is(field) {
        Value::String(is) if is != "<unknown>" => format!("{is}{unit}"),
        _ => "<unknown>".to_owned(),
    };
    let wanted = either(&wanted[field], "<auto>");
    let name = if named { format!("{}: ", text(&metric["name"])) } else { String::new() };
    format!("{name}{is}/{}{unit}{note}", text(&wanted))
}

/// `namespace/name`, `*/name`, or a selector as Go writes it.
fn param_ref(object: &Value) -> Value {
    let reference = &object["spec"]["paramRef"];
    let name = text(&reference["name"]);
    if !name.is_empty() {
        let namespace = reference["namespace"].as_str().unwrap_or("*");
        return format!("{namespace}/{name}").into();
    }
    if !reference["selector"].is_object() {
        return "<unset>".into();
    }
    let labels = reference["selector"]["matchLabels"].as_object().into_iter().flatten();
    let labels: String = labels.map(|(key, value)| format!("{key}: {},", text(value))).collect();
    let expressions: String = list(&reference["selector"]["matchExpressions"])
        .map(|it| {
            let values: Vec<&str> = list(&it["values"]).map(text).collect();
            format!(
                "LabelSelectorRequirement{{Key:{},Operator:{},Values:[{}],}},",
                text(&it["key"]),
                text(&it["operator"]),
                values.join(" ")
            )
        })
        .collect();
    format!("&LabelSelector{{MatchLabels:map[string]string{{{labels}}},MatchExpressions:[]LabelSelectorRequirement{{{expressions}}},}}").into()
}

fn claim(object: &Value) -> Value {
    let status = &object["status"];
    let mut states = Vec::new();
    if object["metadata"]["deletionTimestamp"].is_string() {
        states.push("deleted");
    }
    if status["allocation"].is_object() {
        states.push("allocated");
    } else if !object["metadata"]["deletionTimestamp"].is_string() {
        states.push("pending");
    }
    if number(&status["reservedFor"]) > 0 {
        states.push("reserved");
    }
    states.join(",").into()
}

fn condition<'v>(object: &'v Value, type_: &str) -> Option<&'v Value> {
    list(&object["status"]["conditions"]).find(|condition| condition["type"] == type_)
}

fn certificate(object: &Value) -> Value {
    let has = |type_: &str| condition(object, type_).is_some();
    let mut state = match (has("Approved"), has("Denied")) {
        (_, true) => "Denied",
        (true, _) => "Approved",
        _ => "Pending",
    }
    .to_owned();
    if has("Failed") {
        state.push_str(",Failed");
    }
    if !text(&object["status"]["certificate"]).is_empty() {
        state.push_str(",Issued");
    }
    state.into()
}

/// A level of priority that is limited says how; of the others nothing is said.
fn queuing(object: &Value, field: &str) -> Value {
    match &object["spec"]["limited"]["limitResponse"]["queuing"][field] {
        Value::Null => "<none>".into(),
        number => number.clone(),
    }
}

fn address(object: &Value, type_: &str) -> Value {
    let found = list(&object["status"]["addresses"]).find(|address| address["type"] == type_);
    or_none(found.map_or("", |address| text(&address["address"])))
}

fn info(object: &Value, field: &str) -> Value {
    match text(&object["status"]["nodeInfo"][field]) {
        "" => "<unknown>".into(),
        said => said.into(),
    }
}

/// The last of a node's columns, which are only shown when all are asked for.
pub(super) const NODE: [Column; 5] = [
    ("Internal-IP", "string", true, |it, _| address(it, "InternalIP")),
    ("External-IP", "string", true, |it, _| address(it, "ExternalIP")),
    ("OS-Image", "string", true, |it, _| info(it, "osImage")),
    ("Kernel-Version", "string", true, |it, _| info(it, "kernelVersion")),
    ("Container-Runtime", "string", true, |it, _| info(it, "containerRuntimeVersion")),
];

/// What is said of a part that is a kind of its own.
pub(super) const SCALE: [Column; 4] = [
    NAME,
    ("Desired", "integer", false, |it, _| count(&it["spec"]["replicas"])),
    ("Available", "integer", false, |it, _| count(&it["status"]["replicas"])),
    AGE,
];

pub(super) fn of(kind: &Known) -> Option<Vec<Column>> {
    Some(match (kind.group, kind.kind) {
        ("", "ResourceQuota") => vec![
            NAME,
            ("Request", "string", false, |it, _| quota(it, false)),
            ("Limit", "string", false, |it, _| quota(it, true)),
            AGE,
        ],
        ("autoscaling", _) => vec![
            NAME,
            ("Reference", "string", false, |it, _| {
                let target = &it["spec"]["scaleTargetRef"];
                format!("{}/{}", text(&target["kind"]), text(&target["name"])).into()
            }),
            ("Targets", "string", false, |it, _| targets(it)),
            ("MinPods", "string", false, |it, _| either(&it["spec"]["minReplicas"], "<unset>")),
            ("MaxPods", "string", false, |it, _| count(&it["spec"]["maxReplicas"])),
            ("Replicas", "string", false, |it, _| count(&it["status"]["currentReplicas"])),
            AGE,
        ],
        ("storage.k8s.io", "CSIDriver") => vec![
            NAME,
            ("AttachRequired", "boolean", false, |it, _| (it["spec"]["attachRequired"] != false).into()),
            ("PodInfoOnMount", "boolean", false, |it, _| flag(&it["spec"]["podInfoOnMount"])),
            ("StorageCapacity", "boolean", false, |it, _| flag(&it["spec"]["storageCapacity"])),
            ("TokenRequests", "string", false, |it, _| {
                let all: Vec<&str> =
                    list(&it["spec"]["tokenRequests"]).map(|it| text(&it["audience"])).collect();
                if all.is_empty() { "<unset>".into() } else { all.join(",").into() }
            }),
            ("RequiresRepublish", "boolean", false, |it, _| flag(&it["spec"]["requiresRepublish"])),
            ("Modes", "string", false, |it, _| joined(list(&it["spec"]["volumeLifecycleModes"]).map(text))),
            AGE,
        ],
        (
            "admissionregistration.k8s.io",
            "ValidatingAdmissionPolicyBinding" | "MutatingAdmissionPolicyBinding",
        ) => vec![
            NAME,
            ("PolicyName", "string", false, |it, _| it["spec"]["policyName"].clone()),
            ("ParamRef", "string", false, |it, _| param_ref(it)),
            AGE,
        ],
        ("discovery.k8s.io", "EndpointSlice") => vec![
            NAME,
            ("AddressType", "string", false, |it, _| it["addressType"].clone()),
            ("Ports", "string", false, |it, _| {
                let ports: Vec<String> = list(&it["ports"])
                    .map(|port| port["port"].as_i64().map_or("*".to_owned(), |port| port.to_string()))
                    .collect();
                // One that says nothing means all of them, and is shown as none.
                if ports == ["*"] { "<unset>".into() } else { shortened(&ports, "<unset>") }
            }),
            ("Endpoints", "string", false, |it, _| {
                let addresses = list(&it["endpoints"]).flat_map(|it| list(&it["addresses"]));
                shortened(&addresses.map(|it| text(it).to_owned()).collect::<Vec<_>>(), "<unset>")
            }),
            AGE,
        ],
        ("resource.k8s.io", "ResourceClaim") => {
            vec![NAME, ("State", "string", false, |it, _| claim(it)), AGE]
        }
        ("resource.k8s.io", "ResourceSlice") => vec![
            NAME,
            ("Node", "string", false, |it, _| text(&it["spec"]["nodeName"]).into()),
            ("Driver", "string", false, |it, _| it["spec"]["driver"].clone()),
            ("Pool", "string", false, |it, _| it["spec"]["pool"]["name"].clone()),
            AGE,
        ],
        ("resource.k8s.io", "DeviceTaintRule") => vec![
            NAME,
            ("Key", "string", false, |it, _| text(&it["spec"]["taint"]["key"]).into()),
            ("Value", "string", false, |it, _| text(&it["spec"]["taint"]["value"]).into()),
            ("Effect", "string", false, |it, _| text(&it["spec"]["taint"]["effect"]).into()),
            ("TimeAdded", "string", false, |it, now| since(&it["spec"]["taint"]["timeAdded"], now)),
            AGE,
        ],
        ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration") => vec![
            NAME,
            ("Type", "string", false, |it, _| it["spec"]["type"].clone()),
            ("NominalConcurrencyShares", "string", false, |it, _| {
                let exempt = it["spec"]["exempt"]["nominalConcurrencyShares"].as_i64();
                let limited = it["spec"]["limited"]["nominalConcurrencyShares"].as_i64();
                limited.or(exempt).map_or("<none>".into(), Value::from)
            }),
            ("Queues", "string", false, |it, _| queuing(it, "queues")),
            ("HandSize", "string", false, |it, _| queuing(it, "handSize")),
            ("QueueLengthLimit", "string", false, |it, _| queuing(it, "queueLengthLimit")),
            AGE,
        ],
        ("flowcontrol.apiserver.k8s.io", "FlowSchema") => vec![
            NAME,
            ("PriorityLevel", "string", false, |it, _| {
                it["spec"]["priorityLevelConfiguration"]["name"].clone()
            }),
            ("MatchingPrecedence", "string", false, |it, _| count(&it["spec"]["matchingPrecedence"])),
            ("DistinguisherMethod", "string", false, |it, _| {
                or_none(text(&it["spec"]["distinguisherMethod"]["type"]))
            }),
            AGE,
            ("MissingPL", "string", false, |it, _| {
                condition(it, "Dangling").map_or("?".into(), |it| it["status"].clone())
            }),
        ],
        ("storagemigration.k8s.io", _) => vec![
            NAME,
            ("Resource", "string", false, |it, _| {
                let resource = &it["spec"]["resource"];
                match text(&resource["group"]) {
                    "" => text(&resource["resource"]).into(),
                    group => format!("{}.{group}", text(&resource["resource"])).into(),
                }
            }),
            ("Status", "string", false, |it, _| {
                let states = ["Succeeded", "Failed", "Running"];
                let is = |state: &&&str| condition(it, state).is_some_and(|found| found["status"] == "True");
                states.iter().find(is).copied().unwrap_or("Unknown").into()
            }),
        ],
        ("apiregistration.k8s.io", _) => vec![
            NAME,
            ("Service", "string", false, |it, _| match &it["spec"]["service"] {
                Value::Null => "Local".into(),
                it => format!("{}/{}", text(&it["namespace"]), text(&it["name"])).into(),
            }),
            ("Available", "string", false, |it, _| match condition(it, "Available") {
                None => "Unknown".into(),
                Some(it) if it["status"] == "True" => "True".into(),
                Some(it) => format!("{} ({})", text(&it["status"]), text(&it["reason"])).into(),
            }),
            AGE,
        ],
        ("certificates.k8s.io", "CertificateSigningRequest") => vec![
            NAME,
            AGE,
            ("SignerName", "string", false, |it, _| either(&it["spec"]["signerName"], "<none>")),
            ("Requestor", "string", false, |it, _| text(&it["spec"]["username"]).into()),
            ("RequestedDuration", "string", false, |it, _| match it["spec"]["expirationSeconds"].as_i64() {
                None => "<none>".into(),
                Some(seconds) => super::table::span(seconds),
            }),
            ("Condition", "string", false, |it, _| certificate(it)),
        ],
        ("certificates.k8s.io", "ClusterTrustBundle") => {
            vec![NAME, ("SignerName", "string", false, |it, _| text(&it["spec"]["signerName"]).into())]
        }
        ("coordination.k8s.io", "LeaseCandidate") => vec![
            NAME,
            ("LeaseName", "string", false, |it, _| it["spec"]["leaseName"].clone()),
            ("BinaryVersion", "string", false, |it, _| it["spec"]["binaryVersion"].clone()),
            ("EmulationVersion", "string", false, |it, _| text(&it["spec"]["emulationVersion"]).into()),
            AGE,
        ],
        ("scheduling.k8s.io", "Workload") => vec![NAME, AGE],
        _ => return None,
    })
}
