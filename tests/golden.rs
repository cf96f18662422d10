//! The golden examples of the generator compile, and do what their documents say. `cargo xtask codegen` writes them,
//! `cargo xtask verify-codegen` compares them.

#[rustfmt::skip]
#[path = "golden/custom_resource/generated/mod.rs"]
mod custom_resource;
#[rustfmt::skip]
#[path = "golden/docs/generated/mod.rs"]
mod docs;
#[rustfmt::skip]
#[path = "golden/embedded/generated/mod.rs"]
mod embedded;
#[rustfmt::skip]
#[path = "golden/enumeration/generated/mod.rs"]
mod enumeration;
#[rustfmt::skip]
#[path = "golden/int_or_string/generated/mod.rs"]
mod int_or_string;
#[rustfmt::skip]
#[path = "golden/list_map_keys/generated/mod.rs"]
mod list_map_keys;
#[rustfmt::skip]
#[path = "golden/map_of_lists/generated/mod.rs"]
mod map_of_lists;
#[rustfmt::skip]
#[path = "golden/operations/generated/mod.rs"]
mod operations;
#[rustfmt::skip]
#[path = "golden/presence/generated/mod.rs"]
mod presence;
#[rustfmt::skip]
#[path = "golden/raw/generated/mod.rs"]
mod raw;
#[rustfmt::skip]
#[path = "golden/recursive/generated/mod.rs"]
mod recursive;
#[rustfmt::skip]
#[path = "golden/reserved_words/generated/mod.rs"]
mod reserved_words;

use std::collections::BTreeMap;

use k8s_api::codec::{apply, json, protobuf};
use k8s_api::table::{Merge, Omit};
use k8s_api::view::Message;
use k8s_codegen::Documents;

fn read<M: Message + Default>(text: &str) -> M {
    json::decode(text.as_bytes()).unwrap()
}

fn written(message: &dyn Message) -> String {
    String::from_utf8(json::encode(message).unwrap()).unwrap()
}

#[test]
fn presence_follows_go() {
    use presence::sample::v1::Thing;
    assert_eq!(written(&Thing::default()), r#"{"always":0,"null":null,"value":{},"at":null}"#);
    let text = r#"{"always":0,"pointer":0,"null":0,"value":{"name":"n"},"maybe":{},"at":null}"#;
    assert_eq!(written(&read::<Thing>(text)), text);
    // Zero values are in protobuf, and an absent time is an empty message.
    let mut bytes = Vec::new();
    protobuf::encode_message(&Thing::default(), &mut bytes).unwrap();
    assert_eq!(bytes, [0x08, 0, 0x10, 0, 0x2a, 2, 0x0a, 0, 0x3a, 0]);
}

#[test]
fn an_enumeration_keeps_what_it_does_not_know() {
    use enumeration::sample::v1::{Phase, Thing};
    let text = r#"{"phase":"Newer","modes":["A","C"]}"#;
    let thing: Thing = read(text);
    assert_eq!(thing.phase, Phase::Other("Newer".into()));
    assert_eq!(written(&thing), text);
    assert_eq!(
        written(&Thing { phase: Phase::KubernetesIoOdd, ..Default::default() }),
        r#"{"phase":"kubernetes.io/odd"}"#
    );
    assert_eq!(written(&Thing::default()), "{}");
}

#[test]
fn an_int_or_string_is_either() {
    use int_or_string::sample::v1::Thing;
    for text in [r#"{"port":80}"#, r#"{"port":"http","limit":0}"#, r#"{"port":0,"limit":"50%"}"#] {
        assert_eq!(written(&read::<Thing>(text)), text);
    }
}

#[test]
fn maps_hold_lists_bytes_and_structs() {
    use map_of_lists::sample::v1::Thing;
    let text = r#"{"extra":{"a":["1","2"],"b":[]},"data":{"k":"AAH/"},"parts":{"p":{"name":"n"}}}"#;
    let thing: Thing = read(text);
    assert_eq!(written(&thing), text);
    let mut bytes = Vec::new();
    protobuf::encode_message(&read::<Thing>(r#"{"data":{"k":"AAH/"}}"#), &mut bytes).unwrap();
    let mut back = Thing::default();
    protobuf::decode_message(&mut back, &bytes).unwrap();
    assert_eq!(written(&back), r#"{"data":{"k":"AAH/"}}"#);
}

#[test]
fn reserved_words_and_acronyms_have_readable_names() {
    use reserved_words::sample::v1::Thing;
    let Thing { type_, match_, ref_, cluster_ips, x_kubernetes_odd, .. } =
        read(r#"{"type":"t","match":true,"$ref":"r","clusterIPs":["a"],"x-kubernetes-odd":true}"#);
    assert!(
        type_ == "t" && match_ && ref_.as_deref() == Some("r") && cluster_ips.len() == 1 && x_kubernetes_odd
    );
}

#[test]
fn the_marks_for_apply_are_in_the_table() {
    use list_map_keys::sample::v1::{Port, Thing};
    let fields: Vec<_> = Thing::default().table().fields().collect();
    let merges: Vec<Merge> = fields.iter().map(|field| field.merge).collect();
    let keys = Merge::Keys(&["number", "protocol"]);
    assert_eq!(merges, [keys, Merge::Set, Merge::Atomic, Merge::Atomic, Merge::Atomic]);
    assert_eq!((fields[0].patch_merge, fields[0].omit), (Some("number"), Omit::Empty));
    // The key goes with its element even when it is zero, and an atomic struct goes whole.
    let mut thing = Thing { ports: vec![Port::default()], ..Default::default() };
    thing.target.name = "t".into();
    assert_eq!(apply::encode(&thing, &[]).unwrap(), br#"{"ports":[{"number":0}],"target":{"name":"t"}}"#);
}

#[test]
fn a_type_may_contain_itself() {
    use recursive::sample::v1::Thing;
    let text = r#"{"name":"a","left":{"name":"b","children":[{"name":"c"}],"named":{"d":{"name":"d"}}}}"#;
    assert_eq!(written(&read::<Thing>(text)), text);
}

#[test]
fn an_embedded_struct_is_flat_in_json_and_nested_in_protobuf() {
    use embedded::sample::v1::Thing;
    let thing: Thing = read(r#"{"name":"n","disk":{"id":"i"}}"#);
    let mut bytes = Vec::new();
    protobuf::encode_message(&thing, &mut bytes).unwrap();
    // name = 1, then the embedded struct = 2 with disk = 1 with id = 1.
    assert_eq!(bytes, b"\x0a\x01n\x12\x05\x0a\x03\x0a\x01i");
    // What a newer server adds inside of the embedded struct (its field 9) comes back inside of it.
    let newer = b"\x0a\x01n\x12\x07\x0a\x03\x0a\x01i\x48\x01";
    let mut back = Thing::default();
    protobuf::decode_message(&mut back, newer).unwrap();
    assert!(back.disk == thing.disk && !back.unknown().is_empty());
    let mut again = Vec::new();
    protobuf::encode_message(&back, &mut again).unwrap();
    assert_eq!(again, b"\x0a\x01n\x12\x05\x0a\x03\x0a\x01i\x12\x02\x48\x01");
}

#[test]
fn any_json_is_kept_as_it_came() {
    use raw::sample::v1::Thing;
    let text = r#"{"anything":[1.50,null],"object":{"b":1,"a":2},"extension":{"kind":"X"}}"#;
    assert_eq!(written(&read::<Thing>(text)), text);
    assert_eq!(written(&Thing::default()), r#"{"extension":null}"#);
}

#[test]
fn documentation_is_part_of_the_type() {
    assert_eq!(written(&docs::sample::v1::Thing::default()), r#"{"a":""}"#);
}

/// What generating from one schema `io.k8s.api.sample.v1.Thing` says, with `property` as its only field `f`.
fn refusal(property: &str, go: &str) -> String {
    let document = |property: &str| {
        format!(
            r#"{{"openapi":"3.0.0","info":{{"title":"t","version":"v"}},"paths":{{}},"components":{{"schemas":{{
                "io.k8s.api.sample.v1.Thing":{{"type":"object","properties":{{"f":{property}}}}}}}}}}}"#
        )
    };
    let documents = Documents {
        openapi: BTreeMap::from([("a.json".to_owned(), document(property))]),
        discovery: BTreeMap::new(),
        go_facts: go.to_owned(),
    };
    format!(
        "{:#}",
        k8s_codegen::generate(&documents, &["io.k8s.api.sample.v1.Thing"], "k8s_api").unwrap_err()
    )
}

#[test]
fn a_document_that_is_not_understood_is_one_error_that_says_where() {
    let go =
        r#"{"k8s.io/api/sample/v1":{"Thing":{"order":["f"],"fields":{"f":{"go":"F","type":"string"}}}}}"#;
    let place = "a.json#/components/schemas/io.k8s.api.sample.v1.Thing/properties/f: ";
    for (property, expected) in [
        (r##"{"$ref":"#/components/schemas/io.k8s.api.sample.v1.Missing"}"##, "no document has that schema"),
        (r##"{"$ref":"other.json#/x"}"##, "only references to schemas of the same document"),
        (r#"{"anyOf":[{"type":"string"},{"type":"integer"}]}"#, "anyOf and not are not supported"),
        (
            r#"{"type":"object","properties":{"x":{"type":"string"}}}"#,
            "a struct inside of a field has no name",
        ),
        (r#"{"type":"array"}"#, "a list without `items`"),
        (
            r#"{"type":"array","items":{"type":"string"},"x-kubernetes-list-type":"odd"}"#,
            "odd is none of atomic, set and map",
        ),
    ] {
        let error = refusal(property, go);
        assert!(error.starts_with(place) && error.contains(expected), "{error}");
    }
    let other =
        r#"{"k8s.io/api/sample/v1":{"Thing":{"order":["g"],"fields":{"g":{"go":"G","type":"string"}}}}}"#;
    assert!(
        refusal(r#"{"type":"string"}"#, other)
            .contains("properties/g: Go has this field and the document does not")
    );
    assert!(refusal(r#"{"type":"string"}"#, "{}").contains("gofacts.json has no k8s.io/api/sample/v1.Thing"));
    assert!(refusal("[", go).contains("a.json is no OpenAPI v3 document"));
}

#[test]
fn two_documents_that_disagree_are_refused() {
    let document = |type_: &str| {
        format!(
            r#"{{"openapi":"3.0.0","info":{{"title":"t","version":"v"}},"paths":{{}},"components":{{"schemas":{{
                "io.k8s.api.sample.v1.Thing":{{"type":"{type_}"}}}}}}}}"#
        )
    };
    let openapi =
        [("a.json", "object"), ("b.json", "string")].map(|(file, type_)| (file.to_owned(), document(type_)));
    let documents =
        Documents { openapi: openapi.into(), discovery: BTreeMap::new(), go_facts: "{}".to_owned() };
    let error = k8s_codegen::generate(&documents, &[], "k8s_api").unwrap_err().to_string();
    let wanted = "a.json#/components/schemas/io.k8s.api.sample.v1.Thing: differs from the schema of the same name in b.json";
    assert!(error.starts_with(wanted), "{error}");
}

#[test]
fn custom_resources_keep_empty_null_zero_and_absent_apart() {
    use custom_resource::sample_example_com::v1beta1::{AccessPolicy, AccessPolicySpecMode};
    use k8s_api::Resource;
    use k8s_api::nullable::Nullable;

    assert_eq!((AccessPolicy::GROUP, AccessPolicy::SHORT_NAMES), ("sample.example.com", &["ap"][..]));
    let text = concat!(
        r#"{"kind":"AccessPolicy","apiVersion":"sample.example.com/v1beta1","metadata":{},"spec":{"foo_bar":"","#,
        r#""headers":{},"hosts":[],"matrix":[[],[0]],"mode":"","nothing":null,"nothingOr5":0,"#,
        r#""quota":{"limit":0,"unit":""},"targetRefs":[],"later":null}}"#
    );
    let value: AccessPolicy = read(text);
    assert_eq!(written(&value), text);
    assert_eq!(serde_json::from_str::<AccessPolicy>(text).unwrap(), value);
    assert_eq!(serde_json::to_string(&value).unwrap(), text);
    assert_eq!((value.spec.nothing, value.spec.nothing_or5), (Some(Nullable(None)), Some(Nullable(Some(0)))));
    assert_eq!(value.spec.mode, AccessPolicySpecMode::Unspecified);
    assert!(value.spec.order.is_none() && value.spec.hosts.as_ref().is_some_and(Vec::is_empty));

    let mut absent = value.clone();
    absent.spec.nothing = None;
    absent.spec.hosts = None;
    assert!(!written(&absent).contains("nothing\"") && !written(&absent).contains("hosts"));
    k8s_api::merge::merge(&mut absent, &value);
    assert_eq!(absent, value, "null is a value that a merge brings");
    let error = protobuf::encode(&AccessPolicy::default()).unwrap_err().to_string();
    assert_eq!(error, "metadata: the field has no number in protobuf");
}

/// The server validates what is applied to a custom resource as a whole: required zeros are sent, others not.
#[test]
fn an_apply_of_a_custom_resource_holds_what_is_required() {
    use custom_resource::sample_example_com::v1beta1::{AccessPolicy, AccessPolicySpecApiKey};
    use k8s_api::nullable::Nullable;

    let mut value = AccessPolicy::default();
    value.metadata.name = "n".into();
    value.spec.api_key = Some(AccessPolicySpecApiKey::default().into());
    value.spec.nothing = Some(Nullable(None));
    let applied = String::from_utf8(apply::encode(&value, &[]).unwrap()).unwrap();
    let expected = concat!(
        r#"{"kind":"AccessPolicy","apiVersion":"sample.example.com/v1beta1","metadata":{"name":"n"},"spec":{"#,
        r#""apiKey":{"secretRef":{"name":""}},"mode":"","nothing":null,"quota":{"limit":0,"unit":""},"targetRefs":[]}}"#
    );
    assert_eq!(applied, expected);
}

#[test]
fn a_definition_that_gives_no_model_is_refused() {
    let refused = |text: &str| {
        let files = BTreeMap::from([("some.yaml".to_owned(), text.to_owned())]);
        format!("{:#}", k8s_codegen::generate_crds(&files, "k8s_api").unwrap_err())
    };
    let definition = |schema: &str| {
        format!(
            "{{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, spec: {{group: g.io, scope: \
             Cluster, names: {{kind: K, plural: ks}}, versions: [{{name: v1, served: true{schema}}}]}}}}"
        )
    };
    for (text, expected) in [
        (
            "kind: ConfigMap".to_owned(),
            "some.yaml: expected a CustomResourceDefinition of apiextensions.k8s.io/v1, not `ConfigMap` of ``",
        ),
        ("spec: [".to_owned(), "some.yaml holds no custom resource definition: "),
        (
            definition(""),
            "some.yaml#/spec/versions/0/schema/openAPIV3Schema is missing: without it there is no model",
        ),
        (
            definition(", schema: {openAPIV3Schema: {properties: {a/b: {type: array}}}}"),
            "some.yaml#/spec/versions/0/schema/openAPIV3Schema/properties/a~1b is a list without `items`",
        ),
        (
            definition(", schema: {openAPIV3Schema: {properties: {a: {type: text}}}}"),
            "some.yaml#/spec/versions/0/schema/openAPIV3Schema/properties/a/type: `text` is no type of a schema",
        ),
        (
            definition(
                ", schema: {openAPIV3Schema: {properties: {a: {type: string, x-kubernetes-list-type: map}}}}",
            ),
            "some.yaml#/spec/versions/0/schema/openAPIV3Schema/properties/a: x-kubernetes-list-type is map, and \
             there are no x-kubernetes-list-map-keys",
        ),
    ] {
        let error = refused(&text);
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn a_kind_of_another_crate_has_typed_requests() {
    use k8s_api::operation::Retry;
    use k8s_api::request::{Method, Request};
    use operations::sample::v1::{Excuse, Widget, widgets};

    let sent = |request: &dyn Fn() -> http::Request<k8s_api::transport::Body>| {
        let request = request();
        format!("{} {}", request.method(), request.uri())
    };
    let base = "/apis/sample.k8s.io/v1";
    assert_eq!(sent(&|| widgets::list_all().build().unwrap()), format!("GET {base}/widgets"));
    assert_eq!(
        sent(&|| widgets::replace_status("web", "w", &Widget::default()).build().unwrap()),
        format!("PUT {base}/namespaces/web/widgets/w/status")
    );
    assert_eq!(
        sent(&|| widgets::proxy("web", "w", Method::GET).path("a/b").build().unwrap()),
        format!("GET {base}/namespaces/web/widgets/w/proxy/a/b")
    );
    let excuse = Excuse::default();
    assert_eq!(widgets::evict("web", "w", &excuse).operation().retry, Retry::Answered);
    assert_eq!(operations::sample::group().build().unwrap().uri(), "/apis/sample.k8s.io/");
}

#[test]
fn paths_that_mean_nothing_known_are_refused() {
    let refused = |change: fn(&mut serde_json::Value)| {
        let mut input: serde_json::Value =
            serde_json::from_str(include_str!("golden/operations/input.json")).unwrap();
        change(&mut input);
        let documents = Documents {
            openapi: BTreeMap::from([("input.json".to_owned(), input["openapi"].to_string())]),
            discovery: BTreeMap::from([("discovery.json".to_owned(), input["discovery"].to_string())]),
            go_facts: input["go"].to_string(),
        };
        let kinds = ["io.k8s.api.sample.v1.Widget", "io.k8s.api.sample.v1.Excuse"];
        format!("{:#}", k8s_codegen::generate(&documents, &kinds, "k8s_api").unwrap_err())
    };
    assert_eq!(
        refused(|input| input["openapi"]["paths"]["/metrics"] = serde_json::json!({"get": {"responses": {}}})),
        "input.json#/paths/~1metrics/get: a path that is neither a resource nor known otherwise; name it in operations.rs"
    );
    let error = refused(|input| {
        let paths = input["openapi"]["paths"].as_object_mut().unwrap();
        paths.retain(|path, _| !path.ends_with("/{name}"));
    });
    assert!(
        error.starts_with(
            "widgets in sample.k8s.io/v1: the documents offer {\"create\", \"list\", \"watch\"}"
        ),
        "{error}"
    );
    let error = refused(|input| {
        let paths = input["openapi"]["paths"].as_object_mut().unwrap();
        let get = serde_json::json!({"get": {"x-kubernetes-action": "connect", "responses": {}}});
        paths.insert("/apis/sample.k8s.io/v1/namespaces/{namespace}/widgets/{name}/dance".to_owned(), get);
    });
    assert!(
        error.ends_with("/get: nothing says what a connection to `dance` is; name it in OPEN"),
        "{error}"
    );
    let error = refused(|input| {
        let paths = input["openapi"]["paths"].as_object_mut().unwrap();
        let status = "/apis/sample.k8s.io/v1/namespaces/{namespace}/widgets/{name}/status";
        let path = status.replace("/status", "/mood");
        let put = paths.remove(status).unwrap();
        paths.insert(path, put);
    });
    assert_eq!(error, "the subresource `mood` has no marker; name it in emit/api.rs");
}
