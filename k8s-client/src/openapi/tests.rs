use k8s_api::dynamic::DynamicObject;
use serde_json::{Value, json};

use super::OpenApi;
use crate::outside::testing::Virtual;
use crate::scripted::{Asked, Scripted, ok, status};

/// The pinned document of a group, as the real server serves it.
fn pinned(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../specs/kubernetes/v1.37.1/openapi")
        .join(name);
    std::fs::read_to_string(path).unwrap()
}

/// A custom resource with everything that a structural schema can say.
fn custom() -> String {
    json!({"components": {"schemas": {
        "com.example.v1.Widget": {
            "type": "object", "required": ["spec"],
            "x-kubernetes-group-version-kind": [{"group": "example.com", "version": "v1", "kind": "Widget"}],
            "properties": {
                "apiVersion": {"type": "string"}, "kind": {"type": "string"},
                "metadata": {"allOf": [{"$ref": "#/components/schemas/io.k8s.Meta"}], "default": {}},
                "spec": {
                    "type": "object", "required": ["mode", "size"],
                    "properties": {
                        "mode": {"type": "string", "enum": ["On", "Off"]},
                        "size": {"type": "integer", "minimum": 1, "maximum": 5, "exclusiveMaximum": true, "format": "int32"},
                        "port": {"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}]},
                        "name": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 3, "minLength": 1},
                        "maybe": {"type": "string", "nullable": true},
                        "list": {"type": "array", "maxItems": 2, "items": {"type": "string"}},
                        "any": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                        "nothing": {"type": "object"},
                        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                        "template": {"type": "object", "x-kubernetes-embedded-resource": true, "properties": {"spec": {"type": "object"}}},
                        "a": {"type": "boolean"}, "b": {"type": "number"},
                    },
                    "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
                    "not": {"required": ["maybe", "any"]},
                },
            },
        },
        "io.k8s.Meta": {"type": "object", "properties": {"name": {"type": "string"}, "labels": {"type": "object", "additionalProperties": {"type": "string", "default": ""}}}},
    }}})
    .to_string()
}

fn mistakes(object: Value) -> Vec<String> {
    let clock = Virtual::new();
    let server = Scripted::new(|asked: &Asked| match asked.line.as_str() {
        "GET /openapi/v3" => ok(json!({"paths": {
            "api/v1": {"serverRelativeURL": "/openapi/v3/api/v1?hash=A"},
            "apis/apps/v1": {"serverRelativeURL": "/openapi/v3/apis/apps/v1?hash=B%3D"},
            "apis/example.com/v1": {"serverRelativeURL": "/openapi/v3/apis/example.com/v1?hash=C"},
        }})
        .to_string()),
        "GET /openapi/v3/apis/apps/v1?hash=B%3D" => ok(pinned("apis__apps__v1.json")),
        "GET /openapi/v3/api/v1?hash=A" => ok(pinned("api__v1.json")),
        "GET /openapi/v3/apis/example.com/v1?hash=C" => ok(custom()),
        _ => status(404, "no"),
    });
    let openapi = OpenApi::new(&server.client(&clock));
    let object = DynamicObject::parse(object.to_string().as_bytes()).unwrap();
    let found = clock.run(openapi.check(&object)).unwrap();
    assert_eq!(server.lines().len(), 2);
    clock.run(openapi.check(&object)).unwrap();
    assert!(server.lines().is_empty(), "what was read is kept");
    found.iter().map(ToString::to_string).collect()
}

fn deployment(container: Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "creationTimestamp": null}, "spec": {
        "selector": {"matchLabels": {"a": "b"}}, "strategy": {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 1}},
        "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [container]}},
    }, "status": {}})
}

#[test]
fn a_good_object_has_no_mistakes() {
    let container = json!({"name": "c", "image": "i", "resources": {"limits": {"cpu": 1, "memory": "1Gi"}},
        "ports": [{"containerPort": 80, "protocol": ""}], "livenessProbe": {"httpGet": {"port": "http"}}, "env": null});
    assert_eq!(mistakes(deployment(container)), Vec::<String>::new());
}

#[test]
fn every_mistake_in_a_compiled_kind_is_told_with_its_path() {
    let container = json!({"imagee": "i", "command": "sh", "ports": [{"containerPort": "80", "protocol": "TPC"}], "tty": "yes",
        "livenessProbe": {"httpGet": {"port": {}}, "initialDelaySeconds": 3000000000i64}, "env": [null], "zzz": 1});
    let mut object = deployment(container);
    object["spec"]["replicas"] = json!("3");
    object["spec"]["selector"] = json!(null);
    object["metadata"]["lables"] = json!({});
    let found = mistakes(object);
    let base = "spec.template.spec.containers[0]";
    for expected in [
        "metadata.lables: unknown field, did you mean `labels`?".to_owned(),
        "spec.replicas: must be a whole number, not a text".to_owned(),
        "spec.selector: is required and missing".to_owned(),
        format!("{base}.imagee: unknown field, did you mean `image`?"),
        format!("{base}.zzz: unknown field"),
        format!("{base}.name: is required and missing"),
        format!("{base}.command: must be a list, not a text"),
        format!("{base}.tty: must be a boolean, not a text"),
        format!("{base}.ports[0].containerPort: must be a whole number, not a text"),
        format!("{base}.ports[0].protocol: must be one of \"SCTP\", \"TCP\", \"UDP\""),
        format!("{base}.livenessProbe.httpGet.port: must be a whole number or a text, not an object"),
        format!("{base}.livenessProbe.initialDelaySeconds: does not fit into 32 bits"),
        format!("{base}.env[0]: must be an object, not null"),
    ] {
        assert!(found.contains(&expected), "{expected} is not in {found:#?}");
    }
    assert_eq!(found.len(), 13, "{found:#?}");
}

#[test]
fn data_of_a_secret_is_base64_and_never_shown() {
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"good": "YQ==", "bad": "hunter2!"}});
    assert_eq!(mistakes(secret), ["data.bad: must be base64"]);
}

fn widget(spec: Value) -> Value {
    json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w", "labels": {"x": "y"}}, "spec": spec})
}

#[test]
fn a_custom_resource_is_as_its_definition_says() {
    let good = json!({"mode": "On", "size": 4, "port": "http", "name": "abc", "maybe": null, "list": ["x"], "any": {"x": [1]},
        "labels": {"k": "v"}, "template": {"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": {}}, "a": true});
    assert_eq!(mistakes(widget(good)), Vec::<String>::new());
    let bad = json!({"mode": "", "size": 5, "port": 1.5, "name": "Ab3d", "maybe": 1, "list": ["x", null, "y"], "any": {},
        "nothing": {"x": 1}, "labels": {"k": 1}, "template": {"other": 1}, "a": true, "b": 2});
    let found = mistakes(widget(bad));
    // The fields of a test's JSON are sorted.
    assert_eq!(
        found,
        [
            "spec.labels.k: must be a text, not a number",
            "spec.list: has 3 elements, and may have at most 2",
            "spec.list[1]: must be a text, not null",
            "spec.maybe: must be a text, not a number",
            "spec.mode: must be one of \"On\", \"Off\"",
            "spec.name: has 4 characters, and may have at most 3",
            "spec.name: does not match the pattern `^[a-z]+$`",
            "spec.nothing.x: unknown field",
            "spec.port: must be a whole number or a text, not a number",
            "spec.size: must be less than 5",
            "spec.template.other: unknown field",
            "spec: is more than one of what the schema allows one of (oneOf)",
            "spec: is what the schema forbids (not)",
        ]
    );
    assert_eq!(mistakes(widget(json!(null))), ["spec: is required and missing"]);
}
