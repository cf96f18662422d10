//! A decoder of many objects: gives what decoding one by one gives, shares what may be shared, leaves out what is pruned.

use k8s_api::Resource;
use k8s_api::codec::{Decoder, json, protobuf};
use k8s_api::core::v1::{ConfigMap, Pod, Secret};
use k8s_api::list::List;
use serde_json::{Value, json};

const IMAGE: &str = "registry.example/shop/a-name-that-is-not-inline:1.0";

fn pod(name: &str) -> Value {
    json!({
        "metadata": {
            "name": name,
            "labels": {"a label that is not held inline": "a", "b": "a value that is not held inline"},
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "kept": "yes"},
            "managedFields": [{"manager": "m", "fieldsV1": {"f:spec": {"f:containers": {"k:{\"name\":\"main\"}": {".": {}, "f:image": {}}}}}}],
        },
        "spec": {"containers": [
            {"name": "main", "image": IMAGE, "env": [{"name": "A", "value": "1"}], "ports": [{"containerPort": 80}]},
            {"name": "sidecar", "image": IMAGE, "env": [{"name": "B", "value": "2"}, {"name": "C"}]},
        ]},
        "status": {"phase": "Running"},
    })
}

fn pods() -> (String, Vec<u8>) {
    let pods = ["one", "two", "three", "four"].map(pod);
    let list = json!({"kind": "PodList", "apiVersion": "v1", "items": pods});
    let text = list.to_string();
    let binary = protobuf::encode(&json::decode::<List<Pod>>(text.as_bytes()).unwrap()).unwrap();
    (text, binary)
}

/// The same list through both formats.
fn lists<K: Resource>(decoder: &mut Decoder<K>, text: &str, binary: &[u8]) -> [List<K>; 2] {
    [decoder.json_list(text.as_bytes()).unwrap(), decoder.protobuf_list(binary).unwrap()]
}

#[test]
fn equal_texts_share_their_memory_only_if_asked() {
    let (text, binary) = pods();
    let places = |list: &List<Pod>| {
        let places = list.items.iter().flat_map(|pod| {
            let fields = pod.metadata.managed_fields[0].fields_v1.as_ref().unwrap();
            let (key, value) =
                (pod.metadata.labels.keys().next().unwrap(), &pod.metadata.labels.get("b").unwrap());
            [fields.as_str(), key, value].map(str::as_ptr)
        });
        let images =
            list.items.iter().flat_map(|pod| &pod.spec.containers).map(|container| container.image.as_ptr());
        places.chain(images).collect::<std::collections::BTreeSet<_>>().len()
    };
    let plain: List<Pod> = json::decode(text.as_bytes()).unwrap();
    assert_eq!(places(&plain), 4 * 3 + 8);
    let [first, second] = lists(&mut Decoder::new().interning(1 << 16), &text, &binary);
    assert_eq!((&first, &second), (&plain, &plain));
    // What comes for the first time is not kept, since most texts come once.
    assert_eq!((places(&first), places(&second)), (2 * (3 + 1), 3 + 1));
}

#[test]
fn nothing_of_a_kind_with_secrets_is_shared() {
    let object = json!({"metadata": {"annotations": {"a": IMAGE}}, "stringData": {"key": IMAGE}});
    let text = json!({"items": [object, object]}).to_string();
    let secrets = Decoder::<Secret>::new().interning(1 << 16).json_list(text.as_bytes()).unwrap().items;
    assert_ne!(
        secrets[0].metadata.annotations.get("a").unwrap().as_ptr(),
        secrets[1].metadata.annotations.get("a").unwrap().as_ptr()
    );
    assert_ne!(
        secrets[0].string_data.get("key").unwrap().as_ptr(),
        secrets[1].string_data.get("key").unwrap().as_ptr()
    );
    let text = text.replace("stringData", "data");
    let configs = Decoder::<ConfigMap>::new().interning(1 << 16).json_list(text.as_bytes()).unwrap().items;
    assert_eq!(
        configs[1].metadata.annotations.get("a").unwrap().as_ptr(),
        configs[1].data.get("key").unwrap().as_ptr()
    );
}

#[test]
fn what_is_pruned_is_not_there_and_all_else_is() {
    let (text, binary) = pods();
    let paths = [
        "metadata.managedFields",
        "metadata.annotations['kubectl.kubernetes.io/last-applied-configuration']",
        "metadata.labels[*]",
        "spec.containers[*].env[*].value",
        "spec.containers[*].ports[*]",
        "status",
    ];
    let mut decoder = Decoder::<Pod>::new().prune(paths).unwrap();
    let mut wanted: List<Pod> = json::decode(text.as_bytes()).unwrap();
    for pod in &mut wanted.items {
        pod.metadata.managed_fields.clear();
        pod.metadata.annotations.retain(|key, _| key == "kept");
        pod.metadata.labels.clear();
        pod.status = Default::default();
        for container in &mut pod.spec.containers {
            container.ports.clear();
            container.env.iter_mut().for_each(|env| env.value = Default::default());
        }
    }
    for list in lists(&mut decoder, &text, &binary) {
        assert_eq!(list, wanted);
    }
    assert_eq!(decoder.json(pod("one").to_string().as_bytes()).unwrap(), wanted.items[0]);
    let alone = protobuf::encode(&json::decode::<Pod>(pod("one").to_string().as_bytes()).unwrap()).unwrap();
    assert_eq!(decoder.protobuf(&alone).unwrap(), wanted.items[0]);
}

#[test]
fn what_is_pruned_still_has_to_be_json() {
    let mut decoder = Decoder::<Pod>::new().prune(["metadata.labels.a", "spec.containers[*]"]).unwrap();
    for broken in [
        r#"{"metadata":{"labels":{"a":tru}}}"#,
        r#"{"spec":{"containers":[{"a":1,}]}}"#,
        r#"{"spec":{"containers":[1 2]}}"#,
    ] {
        let error = decoder.json(broken.as_bytes()).unwrap_err();
        assert!(["metadata.labels.a", "spec.containers"].contains(&&*error.path()), "{error}");
    }
}

#[test]
fn a_path_that_leads_nowhere_is_refused_with_what_there_is() {
    for (path, problem) in [
        (
            "metadata.managedfields",
            "`metadata.managedfields`: io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta has no field `managedfields`; it has name, generateName,",
        ),
        ("", "`` is no path: expected the name of a field at byte 0"),
        ("metadata.", "`metadata.` is no path"),
        ("metadata.name.first", "`metadata.name.first`: it goes on where there is nothing inside"),
        ("spec.containers.env", "of a list every element is pruned in the same way: `[*]`"),
        ("spec.containers[0].env", "of a list every element is pruned in the same way: `[*]`"),
        ("metadata.labels[app", "is no path"),
        ("metadata.name[0]", "it goes on where there is nothing inside"),
    ] {
        let error = Decoder::<Pod>::new().prune([path]).unwrap_err().to_string();
        assert!(error.contains(problem), "{path}: {error}");
    }
}

#[test]
fn what_came_before_changes_nothing() {
    let mut decoder = Decoder::<Pod>::new().interning(1 << 12);
    let documents = [
        r#"{"metadata":{"name":"a","labels":{"b":"1","a":"2"}},"spec":{"containers":[{},{"name":"x"},{}]}}"#,
        r#"{ "metadata" : {"labels":{"b":"1"} , "name":"a"}, "newer": {"f:a": {"f:b": {"f:c": "too long for inline"}}}}"#,
        r#"{"spec":{"containers":[]},"metadata":{"name":null,"name":"b"},"newer": {"f:a": {"f:b": {"f:c": "too long for inline"}}}}"#,
        r#"{"metadata":{"na\u006de":"escaped"},"status":{"phase":"Running"},"kind":"Pod"}"#,
    ];
    for first in documents {
        for second in documents {
            for document in [first, second] {
                let alone: Pod = json::decode(document.as_bytes()).unwrap();
                assert_eq!(decoder.json(document.as_bytes()).unwrap(), alone, "{document}");
            }
        }
    }
}

#[test]
fn a_shared_raw_value_is_refused_where_it_would_be_too_deep() {
    let raw = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let mut decoder = Decoder::<Pod>::new().interning(1 << 16);
    for _ in 0..3 {
        decoder.json(format!(r#"{{"newer":{raw}}}"#).as_bytes()).unwrap();
    }
    let deep = format!(r#"{{"newer":{}{raw}{}}}"#, "[".repeat(30), "]".repeat(30));
    assert!(decoder.json(deep.as_bytes()).unwrap_err().to_string().contains("nested more than 128 deep"));
    // Where it stands no deeper than before, it is not looked at again; deeper, it is.
    let fits = format!(r#"{{"metadata":{{"managedFields":[{{"fieldsV1":{raw}}}]}}}}"#);
    decoder.json(fits.as_bytes()).unwrap();
    let raw = format!("{}{}", "[".repeat(126), "]".repeat(126));
    for _ in 0..3 {
        decoder.json(format!(r#"{{"newer":{raw}}}"#).as_bytes()).unwrap();
    }
    let deep = format!(r#"{{"metadata":{{"managedFields":[{{"fieldsV1":{raw}}}]}}}}"#);
    assert!(decoder.json(deep.as_bytes()).unwrap_err().to_string().contains("nested more than 128 deep"));
}

#[test]
fn equal_managed_fields_are_equal_however_they_are_kept() {
    use std::hash::{BuildHasher as _, RandomState};

    let text = br#"{"metadata":{"name":"a","managedFields":[{"fieldsV1":{"f:metadata":{"f:labels":{".":{},"f:app":{}}}}}]}}"#;
    let alone: ConfigMap = json::decode(text).unwrap();
    let among: ConfigMap = Decoder::new().json(text).unwrap();
    let fields = |config: &ConfigMap| config.metadata.managed_fields[0].fields_v1.clone();
    let (alone, among) = (fields(&alone), fields(&among));
    let hashes = RandomState::new();
    assert_eq!((&alone, hashes.hash_one(&alone)), (&among, hashes.hash_one(&among)));
    assert_eq!(alone, fields(&json::decode(text).unwrap()));
    let other = fields(
        &Decoder::new().json(&text.map(|byte| if byte == b'p' { b'q' } else { byte })).unwrap_or_default(),
    );
    assert_ne!(alone, other);
}

#[test]
fn a_transform_changes_what_is_read_but_not_who_it_is() {
    let text = |name: &str| {
        format!(
            r#"{{"metadata":{{"name":"{name}","uid":"u","resourceVersion":"1","annotations":{{"kubectl.kubernetes.io/last-applied-configuration":"x","b":"c"}},"managedFields":[{{}}]}}}}"#
        )
    };
    let mut decoder =
        Decoder::<ConfigMap>::new().without_managed_fields().without_last_applied().transform(|config| {
            config.metadata.labels.insert("seen".into(), "1".into());
            match config.metadata.name.as_str() {
                "renamed" => config.metadata.name = "other".into(),
                "older" => config.metadata.resource_version = "0".into(),
                "panics" => panic!("a mistake"),
                _ => {}
            }
        });
    let config = decoder.json(text("a").as_bytes()).unwrap();
    assert_eq!(config.metadata.labels.get("seen").map(|seen| seen.as_str()), Some("1"));
    assert!(config.metadata.managed_fields.is_empty() && config.metadata.annotations.len() == 1);
    for (name, expected) in [
        ("renamed", "metadata.name: the transform changed what tells this object from others"),
        ("older", "metadata.resourceVersion: the transform changed"),
        ("panics", "the transform panicked on this object"),
    ] {
        let error = decoder.json(text(name).as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
        let list = format!(r#"{{"items":[{}]}}"#, text(name));
        assert!(decoder.json_list(list.as_bytes()).is_err());
    }
    let bookmark = decoder.json(br#"{"metadata":{"resourceVersion":"7"}}"#).unwrap();
    assert!(bookmark.metadata.labels.is_empty());
}
