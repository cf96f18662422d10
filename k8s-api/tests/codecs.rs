//! The direct path, serde and protobuf agree, and nothing that was read is lost.

use k8s_api::apiextensions::v1::{CustomResourceDefinition, JSONSchemaProps};
use k8s_api::apps::v1::Deployment;
use k8s_api::codec::{json, protobuf};
use k8s_api::core::v1::{ConfigMap, ContainerPort, Pod, Secret};
use k8s_api::list::List;
use k8s_api::view::Message;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Through every way in, which all have to give the same value.
fn read<M: Message + Default + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &Value) -> M {
    let text = value.to_string();
    let direct: M = json::decode(text.as_bytes()).unwrap();
    let ways = [
        serde_json::from_str::<M>(&text).unwrap(),
        serde_json::from_slice(text.as_bytes()).unwrap(),
        serde_json::from_reader(text.as_bytes()).unwrap(),
        serde_json::from_value(value.clone()).unwrap(),
    ];
    for way in ways {
        assert_eq!(way, direct);
    }
    direct
}

/// Through both ways out, which have to give the same document.
fn write<M: Message + Serialize>(message: &M) -> Value {
    let direct: Value = serde_json::from_slice(&json::encode(message).unwrap()).unwrap();
    assert_eq!(serde_json::to_value(message).unwrap(), direct);
    direct
}

/// One value of every kind that a field can have.
fn pod() -> Value {
    json!({
        "kind": "Pod", "apiVersion": "v1",
        "metadata": {
            "name": "p", "namespace": "n", "creationTimestamp": "2026-01-31T12:00:00Z", "labels": {"a": "b"},
            "ownerReferences": [{"apiVersion": "v1", "kind": "X", "name": "x", "uid": "u", "controller": true}],
            "managedFields": [{"manager": "m", "fieldsType": "FieldsV1", "fieldsV1": {"f:a": {}}}],
        },
        "spec": {
            "containers": [{
                "name": "c", "image": "i", "args": ["a", ""],
                "ports": [{"containerPort": 80, "protocol": "TCP"}],
                "resources": {"limits": {"cpu": "100m"}},
                "livenessProbe": {"httpGet": {"port": "http"}, "periodSeconds": 3},
            }],
            "terminationGracePeriodSeconds": 0,
            "volumes": [{"name": "v", "emptyDir": {}}],
        },
        "status": {"phase": "Running", "podIPs": [{"ip": "10.0.0.1"}]},
    })
}

#[test]
fn every_way_in_and_out_agrees() {
    assert_eq!(write(&read::<Pod>(&pod())), pod());
    let list =
        json!({"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "7"}, "items": []});
    assert_eq!(write(&read::<List<Pod>>(&list)), list);
}

#[test]
fn what_is_not_known_survives_at_every_depth() {
    let mut value = pod();
    value["newer"] = json!({"a": [1, 2.5, null, "x"]});
    value["metadata"]["newer"] = json!(null);
    value["spec"]["containers"][0]["newer"] = json!("\u{1F600} \n");
    value["spec"]["volumes"][0]["newer"] = json!({});
    assert_eq!(write(&read::<Pod>(&value)), value);
}

#[test]
fn an_unknown_field_of_one_format_never_goes_out_in_the_other() {
    let pod: Pod = read(&json!({"spec": {"newer": 1}}));
    let error = protobuf::encode(&pod).unwrap_err().to_string();
    assert!(error.contains("came as JSON"), "{error}");

    let mut bytes = Vec::new();
    protobuf::encode_message(&ContainerPort { container_port: 1, ..Default::default() }, &mut bytes).unwrap();
    bytes.extend_from_slice(b"\xfa\x06\x05newer");
    let mut port = ContainerPort::default();
    protobuf::decode_message(&mut port, &bytes).unwrap();
    let mut again = Vec::new();
    protobuf::encode_message(&port, &mut again).unwrap();
    assert_eq!(again, bytes);
    assert!(json::encode(&port).unwrap_err().to_string().contains("came as protobuf"));
    assert!(serde_json::to_string(&port).unwrap_err().to_string().contains("came as protobuf"));
}

#[test]
fn protobuf_holds_what_json_holds() {
    let pod: Pod = read(&pod());
    let back: Pod = protobuf::decode(&protobuf::encode(&pod).unwrap()).unwrap();
    assert_eq!(back, pod);
    let error = protobuf::decode::<ConfigMap>(&protobuf::encode(&pod).unwrap()).unwrap_err().to_string();
    assert!(error.contains("expected ConfigMap, not Pod"), "{error}");
}

#[test]
fn null_may_stand_everywhere() {
    fn paths(value: &Value, path: String, out: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                map.iter().for_each(|(key, value)| paths(value, format!("{path}/{key}"), out))
            }
            Value::Array(list) => {
                list.iter().enumerate().for_each(|(at, value)| paths(value, format!("{path}/{at}"), out))
            }
            _ => {}
        }
        if !path.is_empty() {
            out.push(path);
        }
    }
    let mut all = Vec::new();
    paths(&pod(), String::new(), &mut all);
    assert!(all.len() > 40);
    for path in all {
        let mut value = pod();
        *value.pointer_mut(&path).unwrap() = Value::Null;
        read::<Pod>(&value);
    }
}

#[test]
fn a_number_that_does_not_fit_is_refused_with_its_place() {
    for number in ["2147483648", "-2147483649", "1.0", "1e3", "99999999999999999999"] {
        let text = format!(r#"{{"spec":{{"containers":[{{"ports":[{{"containerPort":{number}}}]}}]}}}}"#);
        let error = json::decode::<Pod>(text.as_bytes()).unwrap_err();
        assert_eq!(error.path(), "spec.containers[0].ports[0].containerPort", "{error}");
        assert!(serde_json::from_str::<Pod>(&text).is_err(), "{number}");
    }
    let text = r#"{"spec":{"replicas":2147483647}}"#;
    assert_eq!(read::<Deployment>(&serde_json::from_str(text).unwrap()).spec.replicas, Some(i32::MAX));
}

#[test]
fn another_kind_is_refused() {
    let error = json::decode::<Pod>(br#"{"kind":"Node"}"#).unwrap_err().to_string();
    assert!(error.contains("expected Pod, not Node"), "{error}");
    assert!(
        serde_json::from_str::<Pod>(r#"{"apiVersion":"v2"}"#)
            .unwrap_err()
            .to_string()
            .contains("expected v1, not v2")
    );
}

#[test]
fn broken_text_is_an_error_with_a_place() {
    for (text, expected) in [
        ("", "ends too early"),
        ("[]", "expected `{`, not a list"),
        ("{}x", "more after the value"),
        (r#"{"spec":{"hostNetwork":"yes"}}"#, "spec.hostNetwork: expected true or false, not a text"),
        (r#"{"metadata":{"labels":{"a":1}}}"#, "metadata.labels.a: expected `\"`, not a number"),
        ("{\"metadata\":{\"name\":\"a\nb\"}}", "not escaped"),
        (r#"{"newer":01}"#, "newer: a number that is not written as JSON wants it"),
        (r#"{"newer":"\x"}"#, "begins no escape"),
        (r#"{"newer":tru}"#, "none of null, true and false"),
    ] {
        let error = json::decode::<Pod>(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
    assert!(json::decode::<Pod>(b"{\"a\":\"\xff\"}").unwrap_err().to_string().contains("not UTF-8"));
}

#[test]
fn escapes_are_read_and_written() {
    let value = json!({"data": {"k": "\u{0}\u{1f}\"\\/\u{8}\u{c}\n\r\t\u{2028}\u{1F600}é"}, "kind": "ConfigMap", "apiVersion": "v1", "metadata": {}});
    assert_eq!(write(&read::<ConfigMap>(&value)), value);
    let config: ConfigMap = json::decode(br#"{"data":{"k":"\ud83d\ude00 \ud83d \u00e9\/"}}"#).unwrap();
    assert_eq!(config.data.get("k").unwrap(), "\u{1F600} \u{FFFD} é/");
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(untagged)]
enum Untagged {
    Number(i64),
    Pod(Box<Pod>),
}

#[derive(Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "type")]
enum Tagged {
    Port(ContainerPort),
}

#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Flattened {
    extra: i32,
    #[serde(flatten)]
    port: ContainerPort,
}

#[test]
fn serdes_own_wrappers_work() {
    let untagged: Untagged = serde_json::from_value(pod()).unwrap();
    assert_eq!(untagged, Untagged::Pod(Box::new(read(&pod()))));
    assert_eq!(serde_json::from_str::<Untagged>("5").unwrap(), Untagged::Number(5));

    let port = ContainerPort { container_port: 80, ..Default::default() };
    let text = r#"{"type":"Port","containerPort":80}"#;
    let tagged: Tagged = serde_json::from_str(text).unwrap();
    assert_eq!(tagged, Tagged::Port(port.clone()));
    assert_eq!(serde_json::to_string(&tagged).unwrap(), text);

    let text = r#"{"extra":1,"containerPort":80}"#;
    let flattened: Flattened = serde_json::from_str(text).unwrap();
    assert_eq!((flattened.extra, flattened.port.container_port), (1, 80));
}

/// Runs on a stack of 2 MiB, as a test's or an async runtime's thread has.
fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(2 << 20).spawn(work).unwrap().join().unwrap();
}

#[test]
fn depth_is_bounded_on_every_path() {
    on_a_small_stack(|| {
        let lists = |depth: usize| format!(r#"{{"newer":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        let schemas = |depth: usize| format!("{}{{}}{}", r#"{"not":"#.repeat(depth), "}".repeat(depth));
        assert!(json::decode::<Pod>(lists(127).as_bytes()).is_ok());
        assert!(
            json::decode::<Pod>(lists(128).as_bytes())
                .unwrap_err()
                .to_string()
                .contains("more than 128 deep")
        );
        assert!(json::decode::<Pod>(lists(1_000_000).as_bytes()).is_err());
        let deep: JSONSchemaProps = json::decode(schemas(127).as_bytes()).unwrap();
        assert!(json::decode::<JSONSchemaProps>(schemas(128).as_bytes()).is_err());
        // serde_json has the same limit of its own; a Value has none.
        let mut value = json!({});
        for _ in 0..200 {
            value = json!({"not": value});
        }
        assert!(
            serde_json::from_value::<JSONSchemaProps>(value)
                .unwrap_err()
                .to_string()
                .contains("more than 128 deep")
        );
        let value: Value = serde_json::from_slice(&json::encode(&deep).unwrap()).unwrap_or_default();
        drop(value);

        let mut bytes = Vec::new();
        for _ in 0..1000 {
            let inner = std::mem::take(&mut bytes);
            // `not` is field 25 of a schema.
            bytes.extend_from_slice(&[0xca, 0x01]);
            let mut length = inner.len();
            while length >= 0x80 {
                bytes.push(length as u8 | 0x80);
                length >>= 7;
            }
            bytes.push(length as u8);
            bytes.extend_from_slice(&inner);
        }
        let error =
            protobuf::decode_message(&mut JSONSchemaProps::default(), &bytes).unwrap_err().to_string();
        assert!(error.contains("more than 128 deep"), "{error}");
    });
}

#[test]
fn broken_protobuf_is_an_error_with_a_place() {
    for (bytes, expected) in [
        (&b""[..], "does not begin with `k8s`"),
        (b"k8s\0\x0a\x05x", "ends too early"),
        (b"k8s\0\x12\x03\x0a\x01\x07", "metadata: a field without a number"),
        (b"k8s\0\x12\x04\x0a\x02\x0a\x05", "metadata: the message ends too early"),
        (b"k8s\0\x12\x02\x08\x01", "metadata: field 1 is no text, bytes or message"),
        (b"k8s\0\x12\x02\x03\x01", "a field without a number"),
        (b"k8s\0\x12\x02\x7b\x01", "a wire type that the API does not use"),
        (b"k8s\0\x12\x05\x0a\x03\x0a\x01\xff", "metadata.name: field 1 is no UTF-8 text"),
    ] {
        let error = protobuf::decode::<Pod>(bytes).unwrap_err().to_string();
        assert!(error.contains(expected), "{bytes:?}: {error}");
    }
}

#[test]
fn a_schema_may_be_a_boolean_or_a_list() {
    let value = json!({
        "additionalProperties": false,
        "items": [{"type": "string"}, {}],
        "dependencies": {"a": ["b", "c"], "d": {"type": "object"}},
        "properties": {"p": {"additionalProperties": {"type": "string"}, "default": {"b": [1.50, null]}}},
        "minimum": 0,
    });
    let schema: JSONSchemaProps = read(&value);
    assert_eq!(write(&schema), value);
    let mut bytes = Vec::new();
    protobuf::encode_message(&schema, &mut bytes).unwrap();
    let mut back = JSONSchemaProps::default();
    protobuf::decode_message(&mut back, &bytes).unwrap();
    assert_eq!(back, schema);
    assert!(
        json::decode::<JSONSchemaProps>(br#"{"items":"x"}"#)
            .unwrap_err()
            .to_string()
            .contains("a text is none of what may stand here")
    );
}

/// Found by fuzzing.
#[test]
fn of_a_value_that_comes_twice_the_last_one_counts() {
    for (twice, once) in [
        (r#"{"items":[{}],"items":{"type":"a"}}"#, r#"{"items":{"type":"a"}}"#),
        (r#"{"dependencies":{"z":["y"],"z":{"type":"a"}}}"#, r#"{"dependencies":{"z":{"type":"a"}}}"#),
        (r#"{"properties":{"a":{"type":"x"},"a":{"title":"y"}}}"#, r#"{"properties":{"a":{"title":"y"}}}"#),
    ] {
        let expected: JSONSchemaProps = json::decode(once.as_bytes()).unwrap();
        assert_eq!(json::decode::<JSONSchemaProps>(twice.as_bytes()).unwrap(), expected);
        assert_eq!(serde_json::from_str::<JSONSchemaProps>(twice).unwrap(), expected);
    }
}

#[test]
fn debug_shows_what_is_set_and_no_secret() {
    let secret: Secret = read(&json!({
        "metadata": {"name": "s", "annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": "{\"data\":{\"k\":\"aHVudGVyMg==\"}}", "a": "b",
        }},
        "data": {"k": "aHVudGVyMg=="}, "stringData": {"j": "hunter2"}, "newer": "hunter2",
    }));
    let shown = format!("{secret:?} {secret:#?}");
    assert!(!shown.contains("hunter2") && !shown.contains("aHVudGVyMg"), "{shown}");
    assert!(shown.contains(r#"data: {"k": "<hidden>"}"#) && shown.contains(r#""a": "b""#), "{shown}");
    assert_eq!(
        format!("{:?}", ContainerPort { container_port: 80, ..Default::default() }),
        "ContainerPort { containerPort: 80 }"
    );
    assert_eq!(format!("{:?}", CustomResourceDefinition::default().spec.conversion), "None");
}
