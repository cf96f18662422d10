//! For any document: the direct path and serde agree, what is written is read back, and nothing panics.

use std::cell::RefCell;

use k8s_api::apiextensions::v1::CustomResourceDefinition;
use k8s_api::codec::{Decoder, json, protobuf};
use k8s_api::core::v1::Pod;
use k8s_api::diff::diff;
use k8s_api::path::FieldPath;
use k8s_api::view::{Message, View};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn pod() -> Value {
    json!({
        "metadata": {
            "name": "p", "creationTimestamp": "2026-01-31T12:00:00Z", "labels": {"a": "b"}, "generation": 3,
            "managedFields": [{"manager": "m", "time": "2026-01-31T12:00:00Z", "fieldsV1": {"f:a": {}}}],
        },
        "spec": {
            "containers": [{
                "name": "c", "args": ["a"], "ports": [{"containerPort": 80, "protocol": "TCP"}],
                "resources": {"limits": {"cpu": "100m"}}, "livenessProbe": {"httpGet": {"port": "http"}},
                "securityContext": {"runAsUser": 7, "privileged": false},
            }],
            "volumes": [{"name": "v", "emptyDir": {"sizeLimit": "1Gi"}}],
            "hostNetwork": true,
        },
        "status": {"phase": "Running", "containerStatuses": [{"state": {"running": {"startedAt": null}}, "restartCount": 1}]},
    })
}

fn definition() -> Value {
    json!({
        "metadata": {"name": "d"},
        "spec": {
            "names": {"plural": "ds", "kind": "D"},
            "versions": [{"name": "v1", "schema": {"openAPIV3Schema": {
                "properties": {"a": {"additionalProperties": false, "items": {"type": "string"}, "minimum": 1.5, "default": [1]}},
                "dependencies": {"x": ["y"]},
            }}}],
        },
    })
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-5i64..200).prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        // serde_json itself reads the last digit of others as it likes.
        any::<i32>().prop_map(|quarters| Value::from(f64::from(quarters) / 4.0)),
        ".{0,8}".prop_map(Value::from),
        prop::sample::select(vec!["TCP", "1Gi", "80", "2026-01-31T12:00:00Z", "AAE=", "", "Running"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let names =
            prop::sample::select(vec!["name", "kind", "apiVersion", "newer", "a", "spec", "port", "items"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((names, inner), 0..4).prop_map(|entries| Value::Object(
                entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
            )),
        ]
    })
}

/// Every place in a document.
fn places(value: &Value, place: String, out: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            places(value, format!("{place}/{}", key.replace('~', "~0").replace('/', "~1")), out)
        }),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(at, value)| places(value, format!("{place}/{at}"), out))
        }
        _ => {}
    }
    out.push(place);
}

/// A document with something else in one of its places.
fn changed(document: Value) -> impl Strategy<Value = Value> {
    let mut all = Vec::new();
    places(&document, String::new(), &mut all);
    (prop::sample::select(all), any_json()).prop_map(move |(place, new)| {
        let mut document = document.clone();
        if let Some(old) = document.pointer_mut(&place) {
            *old = new;
        }
        document
    })
}

fn agree<M: Message + Default + DeserializeOwned + Serialize + PartialEq + std::fmt::Debug + 'static>(
    document: &Value,
    decoder: &RefCell<Decoder<M>>,
) -> Result<(), TestCaseError> {
    let text = document.to_string();
    let direct = json::decode::<M>(text.as_bytes());
    // Whatever the decoder has seen before.
    let decoder = &mut *decoder.borrow_mut();
    prop_assert_eq!(&decoder.json(text.as_bytes()), &direct);
    let through_serde = serde_json::from_str::<M>(&text);
    match (&direct, &through_serde) {
        (Ok(direct), Ok(through_serde)) => prop_assert_eq!(direct, through_serde),
        (Err(_), Err(_)) => return Ok(()),
        (direct, through_serde) => {
            let errors = (direct.as_ref().err(), through_serde.as_ref().err());
            return Err(TestCaseError::fail(format!("only one of both read {text}: {errors:?}")));
        }
    }
    let Ok(value) = direct else { return Ok(()) };
    let written = json::encode(&value).unwrap();
    prop_assert_eq!(&json::decode::<M>(&written).unwrap(), &value);
    prop_assert_eq!(&serde_json::from_slice::<M>(&written).unwrap(), &value);
    let as_value = serde_json::to_value(&value).unwrap();
    prop_assert_eq!(&serde_json::from_value::<M>(as_value).unwrap(), &value);
    if let Ok(bytes) = protobuf::encode(&value) {
        let back: M = protobuf::decode(&bytes).unwrap();
        prop_assert_eq!(&decoder.protobuf(&bytes).unwrap(), &back);
        // What protobuf can't tell apart, an empty list of an optional union say, is the same after one more round.
        prop_assert_eq!(protobuf::encode(&back).unwrap(), bytes);
    }
    Ok(())
}

thread_local! {
    static PODS: RefCell<Decoder<Pod>> = RefCell::new(Decoder::new().interning(1 << 14));
    static DEFINITIONS: RefCell<Decoder<CustomResourceDefinition>> = RefCell::new(Decoder::new().interning(1 << 14));
}

/// Whether a list has elements that can't be told apart by what may be a key; null is an empty one.
fn has_twins(document: &Value) -> bool {
    let key = |item: &Value| match item {
        Value::Null | Value::Object(_) => {
            json!([item["name"], item["type"], item["key"], item["containerPort"]])
        }
        other => other.clone(),
    };
    match document {
        Value::Array(items) => {
            let keys: Vec<Value> = items.iter().map(key).collect();
            keys.iter().enumerate().any(|(at, key)| keys[..at].contains(key)) || items.iter().any(has_twins)
        }
        Value::Object(fields) => fields.values().any(has_twins),
        _ => false,
    }
}

#[test]
fn the_documents_have_no_twins_of_their_own() {
    assert!(!has_twins(&pod()) && !has_twins(&definition()));
    assert!(
        has_twins(&json!({"a": [{"name": "b"}, {"name": "b", "c": 1}]})) && has_twins(&json!([{}, null]))
    );
}

/// There is a difference if and only if the values are not equal, and each is where its path says.
fn differ<M: Message + Default + DeserializeOwned + PartialEq + std::fmt::Debug + 'static>(
    before: &Value,
    after: &Value,
) -> Result<(), TestCaseError> {
    let read = |document: &Value| json::decode::<M>(document.to_string().as_bytes());
    // A server refuses such lists. Their differences are told, but a path leads to the first of them.
    let twins = has_twins(before) || has_twins(after);
    let (Ok(before), Ok(after)) = (read(before), read(after)) else { return Ok(()) };
    let diff = diff(&before, &after);
    prop_assert_eq!(diff.is_empty(), before == after, "{}", diff);
    if twins {
        return Ok(());
    }
    for change in diff.changes() {
        let path: FieldPath = change.path().to_string().parse().unwrap();
        prop_assert_eq!(&path, change.path());
        for (message, view) in [(&before, change.before()), (&after, change.after())] {
            let found = path.get(message);
            let nothing = found.is_none_or(|found| matches!(found, View::Absent) || found.is_empty());
            prop_assert!(!matches!(view, View::Absent) || nothing, "{}", change);
            prop_assert!(matches!(view, View::Absent) || found.is_some(), "{}", change);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_way_agrees_on_pods(document in changed(pod())) {
        PODS.with(|decoder| agree(&document, decoder))?;
    }

    #[test]
    fn every_way_agrees_on_schemas(document in changed(definition())) {
        DEFINITIONS.with(|decoder| agree(&document, decoder))?;
    }

    #[test]
    fn any_bytes_are_an_error_or_a_value(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = json::decode::<Pod>(&bytes);
        let _ = protobuf::decode::<Pod>(&[b"k8s\0", &bytes[..]].concat());
        let _ = protobuf::decode_message(&mut Pod::default(), &bytes);
    }

    #[test]
    fn damaged_protobuf_is_an_error_or_a_value_that_comes_back(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let pod: Pod = serde_json::from_value(pod()).unwrap();
        let mut bytes = Vec::new();
        protobuf::encode_message(&pod, &mut bytes).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if cut {
            bytes.truncate(at);
        }
        let mut damaged = Pod::default();
        if protobuf::decode_message(&mut damaged, &bytes).is_ok() {
            let mut again = Vec::new();
            protobuf::encode_message(&damaged, &mut again).unwrap();
            let mut back = Pod::default();
            protobuf::decode_message(&mut back, &again).unwrap();
            prop_assert_eq!(back, damaged);
        }
    }

    #[test]
    fn damaged_json_never_panics(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let mut bytes = pod().to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if cut {
            bytes.truncate(at);
        }
        let (direct, through_serde) = (json::decode::<Pod>(&bytes), serde_json::from_slice::<Pod>(&bytes));
        if let (Ok(direct), Ok(through_serde)) = (direct, through_serde) {
            prop_assert_eq!(direct, through_serde);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_diff_tells_every_difference_of_pods((before, after) in (changed(pod()), changed(pod()))) {
        differ::<Pod>(&before, &after)?;
    }

    #[test]
    fn a_diff_tells_every_difference_of_schemas((before, after) in (changed(definition()), changed(definition()))) {
        differ::<CustomResourceDefinition>(&before, &after)?;
    }
}
