//! What differs between the versions of a kind that share their objects, beyond their names.

use serde_json::{Map, Value, json};

use super::kinds::Known;

/// The fields moved; name and version are the caller's.
pub(crate) fn convert(object: Value, from: &Known, to: &Known) -> Value {
    match (to.plural, from.group, to.group, from.version, to.version) {
        ("events", "", "events.k8s.io", ..) => renamed(object, EVENTS, false),
        ("events", "events.k8s.io", "", ..) => renamed(object, EVENTS, true),
        ("horizontalpodautoscalers", _, _, "v2", "v1") => to_hpa_v1(object),
        ("horizontalpodautoscalers", _, _, "v1", "v2") => to_hpa_v2(object),
        ("resourceclaims" | "resourceclaimtemplates" | "resourceslices", _, _, "v1beta1", "v1") => {
            devices(object, true)
        }
        ("resourceclaims" | "resourceclaimtemplates" | "resourceslices", _, _, "v1", "v1beta1") => {
            devices(object, false)
        }
        ("podcertificaterequests", _, _, "v1beta1", "v1") => {
            let mut object = object;
            // The key of a later version is in the request itself; these are empty then.
            if let Some(spec) = object.get_mut("spec") {
                crate::testing::defaults::without_zero(spec, &["pkixPublicKey", "proofOfPossession"]);
            }
            object
        }
        _ => object,
    }
}

/// What a request or a device says itself in the first version, and one level deeper or higher later.
fn devices(mut object: Value, later: bool) -> Value {
    if let Some(devices) =
        object.get_mut("spec").and_then(|it| it.get_mut("devices")).and_then(Value::as_array_mut)
    {
        for device in devices {
            deeper(device, "basic", &["name"], !later);
        }
        return object;
    }
    let template = object["spec"]["spec"].is_object();
    let spec = object.get_mut("spec");
    let spec = if template { spec.and_then(|it| it.get_mut("spec")) } else { spec };
    let requests = spec
        .and_then(|it| it.get_mut("devices"))
        .and_then(|it| it.get_mut("requests"))
        .and_then(Value::as_array_mut);
    for request in requests.into_iter().flatten() {
        deeper(request, "exactly", &["name", "firstAvailable"], later);
    }
    object
}

/// Moves all but a few fields into a struct of their own, or out of it.
fn deeper(object: &mut Value, name: &str, stay: &[&str], into: bool) {
    let Some(fields) = object.as_object_mut() else { return };
    if !into {
        if let Some(Value::Object(inner)) = fields.remove(name) {
            fields.extend(inner);
        }
        return;
    }
    let (kept, moved): (Map<String, Value>, Map<String, Value>) =
        std::mem::take(fields).into_iter().partition(|(field, _)| stay.contains(&field.as_str()));
    *fields = kept;
    // What is empty is written where it is required; a request of several kinds has nothing of its own.
    let filled = moved.values().any(|value| !matches!(value, Value::Null) && value != "");
    if filled {
        fields.insert(name.to_owned(), Value::Object(moved));
    }
}

/// Fields of an event in the core group, and in its own.
const EVENTS: &[(&str, &str)] = &[
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

fn renamed(mut object: Value, names: &[(&str, &str)], back: bool) -> Value {
    if let Some(fields) = object.as_object_mut() {
        for (core, own) in names {
            let (from, to) = if back { (own, core) } else { (core, own) };
            if let Some(value) = fields.remove(*from) {
                fields.insert((*to).to_owned(), value);
            }
        }
    }
    object
}

const CPU: &str = "targetCPUUtilizationPercentage";
/// Where a v1 object keeps the metrics that it has no field for.
const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";

fn is_cpu(metric: &Value) -> bool {
    metric["resource"]["name"] == "cpu" && metric["resource"]["target"]["averageUtilization"].is_i64()
}

fn to_hpa_v1(mut object: Value) -> Value {
    let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else { return object };
    let (metrics, behavior) = (spec.remove("metrics"), spec.remove("behavior"));
    let mut kept = Map::new();
    let mut others = Vec::new();
    for metric in metrics.as_ref().and_then(Value::as_array).into_iter().flatten() {
        if is_cpu(metric) && !spec.contains_key(CPU) {
            spec.insert(CPU.into(), metric["resource"]["target"]["averageUtilization"].clone());
        } else {
            others.push(metric.clone());
        }
    }
    if !others.is_empty() {
        kept.insert(METRICS.into(), Value::Array(others).to_string().into());
    }
    if let Some(behavior) = behavior {
        kept.insert(BEHAVIOR.into(), behavior.to_string().into());
    }
    if let Some(status) = object.get_mut("status").and_then(Value::as_object_mut) {
        status.remove("currentMetrics");
        status.remove("conditions");
    }
    if !kept.is_empty() {
        if !object["metadata"]["annotations"].is_object() {
            object["metadata"]["annotations"] = json!({});
        }
        if let Some(annotations) =
            object.get_mut("metadata").and_then(|it| it.get_mut("annotations")).and_then(Value::as_object_mut)
        {
            annotations.extend(kept);
        }
    }
    object
}

fn to_hpa_v2(mut object: Value) -> Value {
    let mut metrics = Vec::new();
    if let Some(cpu) = object.get_mut("spec").and_then(Value::as_object_mut).and_then(|spec| spec.remove(CPU))
    {
        let target = json!({"type": "Utilization", "averageUtilization": cpu});
        metrics.push(json!({"type": "Resource", "resource": {"name": "cpu", "target": target}}));
    }
    let annotations =
        object.get_mut("metadata").and_then(|it| it.get_mut("annotations")).and_then(Value::as_object_mut);
    let take = |name: &str, annotations: Option<&mut Map<String, Value>>| {
        let text = annotations?.remove(name)?;
        serde_json::from_str::<Value>(text.as_str()?).ok()
    };
    let (others, behavior) = match annotations {
        Some(annotations) => (take(METRICS, Some(annotations)), take(BEHAVIOR, Some(annotations))),
        None => (None, None),
    };
    metrics.extend(others.and_then(|it| it.as_array().cloned()).into_iter().flatten());
    if !metrics.is_empty() {
        object["spec"]["metrics"] = metrics.into();
    }
    if let Some(behavior) = behavior {
        object["spec"]["behavior"] = behavior;
    }
    if let Some(status) = object.get_mut("status").and_then(Value::as_object_mut) {
        status.remove("currentCPUUtilizationPercentage");
    }
    object
}
