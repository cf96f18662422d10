//! YAML through serde, with `serde-saphyr`: what is read equals what JSON gives, what is written is read back equal.
//!
//! YAML 1.2 and Go's YAML 1.1 part where a plain `yes` or `017` stands: the texts below say what comes out here.

use k8s_api::apiextensions::v1::CustomResourceDefinition;
use k8s_api::apps::v1::Deployment;
use k8s_api::codec::json;
use k8s_api::core::v1::{ConfigMap, Container, Pod, Secret};
use k8s_api::view::Message;
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// A document as a person writes it, which has to give what JSON gives, and come back from YAML as it is written here.
fn reads<M>(yaml: &str, json: &Value) -> M
where
    M: Message + Default + DeserializeOwned + Serialize + PartialEq + std::fmt::Debug,
{
    let expected: M = json::decode(json.to_string().as_bytes()).unwrap();
    assert_eq!(serde_saphyr::from_str::<M>(yaml).unwrap(), expected);
    assert_eq!(serde_saphyr::from_reader::<_, M>(yaml.as_bytes()).unwrap(), expected);
    comes_back(&expected, true);
    comes_back(&expected, false);
    expected
}

fn comes_back<M: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(
    value: &M,
    prefer_block_scalars: bool,
) {
    let options = serde_saphyr::ser_options! { prefer_block_scalars: prefer_block_scalars };
    let written = serde_saphyr::to_string_with_options(value, options).unwrap();
    match serde_saphyr::from_str::<M>(&written) {
        Ok(again) => assert_eq!(&again, value, "{written}"),
        Err(error) => panic!("{error}\n{written}"),
    }
}

#[test]
fn a_pod_with_anchors_merge_keys_and_flow_style() {
    let yaml = r#"
# A comment.
apiVersion: v1
kind: Pod
metadata:
  name: p
  creationTimestamp: 2026-01-31T12:00:00Z
  deletionTimestamp: "2026-01-31T13:00:00+01:00"
  deletionGracePeriodSeconds: ~
  labels: {a: b, 'c': "1"}
  finalizers: []
  generation: 0x10
  managedFields:
  - manager: m
    time: 2026-01-31T12:00:00Z
    fieldsV1:
      f:metadata:
        f:labels: {.: {}, f:a: {}}
spec:
  containers:
    - &app
      name: app
      image: app:1
      args: [serve, --port, "80", -v, "true"]
      command:
      - sh
      - -c
      - >-
        echo one
        two;
        sleep 1
      resources: &small
        limits: {cpu: 1, memory: 64Mi, example.com/gpu: 0.5, hugepages-2Mi: 1e3}
      livenessProbe: {httpGet: {port: 80, path: /}, periodSeconds: 3}
      readinessProbe: {httpGet: {port: "http"}}
    - <<: *app
      name: sidecar
      resources: *small
      tty: true
  hostNetwork: false
  nodeName:
  terminationGracePeriodSeconds: 0
  volumes:
  - {name: tmp, emptyDir: {}}
  newer: {empty: {}, list: [1, 2.5, null, ~, "x", true]}
"#;
    let container = |name: &str| {
        json!({
            "name": name, "image": "app:1", "args": ["serve", "--port", "80", "-v", "true"],
            "command": ["sh", "-c", "echo one two; sleep 1"],
            "resources": {"limits": {"cpu": "1", "memory": "64Mi", "example.com/gpu": "0.5", "hugepages-2Mi": "1000.0"}},
            "livenessProbe": {"httpGet": {"port": 80, "path": "/"}, "periodSeconds": 3},
            "readinessProbe": {"httpGet": {"port": "http"}},
            "tty": name == "sidecar",
        })
    };
    let json = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": "p", "creationTimestamp": "2026-01-31T12:00:00Z", "deletionTimestamp": "2026-01-31T12:00:00Z",
            "labels": {"a": "b", "c": "1"}, "generation": 16,
            "managedFields": [{
                "manager": "m", "time": "2026-01-31T12:00:00Z",
                "fieldsV1": {"f:metadata": {"f:labels": {"f:a": {}, ".": {}}}},
            }],
        },
        "spec": {
            "containers": [container("app"), container("sidecar")],
            "terminationGracePeriodSeconds": 0,
            "volumes": [{"name": "tmp", "emptyDir": {}}],
            "newer": {"list": [1, 2.5, null, null, "x", true], "empty": {}},
        },
    });
    // A quantity with an exponent is a float to YAML: the same amount, another text.
    let pod: Pod = reads(yaml, &json);
    assert_eq!(pod.spec.containers.len(), 2);
}

#[test]
fn a_deployment_and_a_second_document() {
    let yaml = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector:
    matchLabels: {app: web}
  strategy:
    rollingUpdate: {maxSurge: 25%, maxUnavailable: 0}
  template:
    spec:
      containers:
      - name: web
        ports:
        - containerPort: 8080
          protocol: TCP
";
    let json = json!({
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": "web"}},
            "strategy": {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
            "template": {"spec": {"containers": [{"name": "web", "ports": [{"containerPort": 8080, "protocol": "TCP"}]}]}},
        },
    });
    let deployment: Deployment = reads(yaml, &json);
    let many = format!("---{yaml}---{yaml}...\n");
    assert_eq!(
        serde_saphyr::from_multiple::<Deployment>(&many).unwrap(),
        [deployment.clone(), deployment.clone()]
    );
    let written = serde_saphyr::to_string_multiple(&[&deployment, &deployment]).unwrap();
    assert_eq!(serde_saphyr::from_multiple::<Deployment>(&written).unwrap().len(), 2);
    assert!(
        serde_saphyr::from_str::<Pod>(yaml).unwrap_err().to_string().contains("expected v1, not apps/v1")
    );
}

#[test]
fn a_config_map_with_block_scalars() {
    let yaml = "
metadata: {name: c}
data:
  kept: |
    a: 1
      b

    c
  stripped: |-
    x
  added: |+
    x

  folded: >
    one
    two

    three
  indented: |2
      two more
  quoted: \"tab\\tand \\u00e9 \\
    joined\"
  single: 'it''s'
  plain: a plain text
    on two lines # and a comment
  date: 2026-01-31
  version: 1.2.3
  url: http://host:80/path?a=b#c
  zip: \"01234\"
  on-quoted: 'yes'
  null-quoted: \"null\"
  tilde-quoted: '~'
binaryData:
  b: AAEC/w==
";
    let json = json!({
        "metadata": {"name": "c"},
        "data": {
            "kept": "a: 1\n  b\n\nc\n", "stripped": "x", "added": "x\n\n", "folded": "one two\nthree\n",
            "indented": "  two more\n", "quoted": "tab\tand é joined", "single": "it's",
            "plain": "a plain text on two lines", "date": "2026-01-31", "version": "1.2.3",
            "url": "http://host:80/path?a=b#c", "zip": "01234", "on-quoted": "yes", "null-quoted": "null",
            "tilde-quoted": "~",
        },
        "binaryData": {"b": "AAEC/w=="},
    });
    reads::<ConfigMap>(yaml, &json);
}

#[test]
fn a_secret() {
    let yaml = "
kind: Secret
type: Opaque
data:
  long: >-
    aHVudGVyMg==
  empty: ''
  null-is-empty: null
stringData: {k: hunter2}
immutable: true
";
    let json = json!({
        "type": "Opaque", "immutable": true,
        "data": {"long": "aHVudGVyMg==", "empty": "", "null-is-empty": null}, "stringData": {"k": "hunter2"},
    });
    reads::<Secret>(yaml, &json);
    let error = serde_saphyr::from_str::<Secret>("data: {k: 'hunter2!'}").unwrap_err();
    assert!(error.to_string().contains("base64"), "{error}");
}

#[test]
fn a_definition_with_any_values_inside() {
    let yaml = r#"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ds.example.com}
spec:
  group: example.com
  names: {plural: ds, kind: D}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          port:
            x-kubernetes-int-or-string: true
            anyOf: [{type: integer}, {type: string}]
            default: 80
          any:
            x-kubernetes-preserve-unknown-fields: true
            default: {a: [1, -1, 1.5, 1e3, "1", true, null, ~, ""], b: {c: plain, "true": no-bool}}
            example: "null"
          labels:
            additionalProperties: {type: string}
            minProperties: 0
          closed:
            additionalProperties: false
            enum: [a, "1", 2, null]
          number: {minimum: 0.5, maximum: 1e6, multipleOf: 2, format: double}
          list:
            items: {type: string, pattern: '^[a-z]\.\d+$'}
"#;
    let json = json!({
        "metadata": {"name": "ds.example.com"},
        "spec": {
            "group": "example.com", "names": {"plural": "ds", "kind": "D"}, "scope": "Namespaced",
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                    "port": {
                        "x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}],
                        "default": 80,
                    },
                    "any": {
                        "x-kubernetes-preserve-unknown-fields": true,
                        "default": {
                            "a": [1, -1, 1.5, 1000.0, "1", true, null, null, ""],
                            "b": {"c": "plain", "true": "no-bool"},
                        },
                        "example": "null",
                    },
                    "labels": {"additionalProperties": {"type": "string"}, "minProperties": 0},
                    "closed": {"additionalProperties": false, "enum": ["a", "1", 2, null]},
                    "number": {"minimum": 0.5, "maximum": 1000000, "multipleOf": 2, "format": "double"},
                    "list": {"items": {"type": "string", "pattern": "^[a-z]\\.\\d+$"}},
                }}},
            }],
        },
    });
    reads::<CustomResourceDefinition>(yaml, &json);
}

/// A number or a boolean is never taken for a text, as kubectl does not either.
#[test]
fn a_text_that_is_none_has_to_be_quoted() {
    for (plain, found) in [
        ("1", "integer"),
        ("1.5", "floating point"),
        ("true", "boolean"),
        ("yes", "boolean"),
        ("0x1f", "integer"),
        ("017", "floating point"),
    ] {
        let error = serde_saphyr::from_str::<ConfigMap>(&format!("data: {{k: {plain}}}")).unwrap_err();
        assert!(error.to_string().contains(found), "{plain}: {error}");
    }
    for (plain, value) in
        [("null", ""), ("~", ""), ("", ""), ("1_000x", "1_000x"), ("2026-01-31", "2026-01-31")]
    {
        let config: ConfigMap = serde_saphyr::from_str(&format!("data: {{k: {plain}}}")).unwrap();
        assert_eq!(config.data.get("k").unwrap(), value, "{plain}");
    }
}

#[test]
fn broken_yaml_is_an_error_with_a_line() {
    for (yaml, expected) in [
        ("metadata: {name: [}", "line 1"),
        (
            "spec:\n  containers:\n  - name: a\n    ports:\n    - containerPort: 2147483648",
            "does not fit into 32 bits",
        ),
        ("spec:\n  containers: {}", "expected a list"),
        ("spec: {hostNetwork: 'true'}", "expected true or false"),
        ("spec: *nowhere", "nowhere"),
    ] {
        let error = serde_saphyr::from_str::<Pod>(yaml).unwrap_err().to_string();
        assert!(error.contains(expected), "{yaml}: {error}");
    }
    let deep = format!("newer: {}{}", "[".repeat(200), "]".repeat(200));
    assert!(serde_saphyr::from_str::<Pod>(&deep).is_err());
}

/// What a YAML writer has to quote, in every place where a text stands.
#[test]
fn texts_that_look_like_something_else_come_back() {
    let texts = [
        "",
        " ",
        " leading",
        "trailing ",
        "1",
        "-1",
        "01",
        "017",
        "0o17",
        "0x1f",
        "0b1",
        "1_000",
        "1e3",
        "1.5",
        ".5",
        "1.",
        "-.inf",
        ".nan",
        "nan",
        "true",
        "True",
        "false",
        "yes",
        "no",
        "on",
        "off",
        "y",
        "n",
        "null",
        "Null",
        "NULL",
        "~",
        "-",
        "--",
        "---",
        "--- a",
        "...",
        "- a",
        "a: b",
        "a:",
        ": a",
        "a #b",
        "#b",
        "?",
        "? a",
        "<<",
        "*a",
        "&a",
        "!a",
        "|",
        ">",
        "%a",
        "@a",
        "`a`",
        "'",
        "\"",
        "'a'",
        "\"a\"",
        "\\",
        "{}",
        "[]",
        "{",
        "]",
        ",",
        "=",
        "a\nb",
        "a\n",
        "a\n\n",
        "\n",
        "\na",
        " a\nb",
        "a\n b\n",
        "a\n\n\nb",
        "a\r\nb",
        "a\tb",
        "\ta",
        "\u{0}",
        "\u{7f}",
        "\u{85}",
        "\u{2028}",
        "\u{feff}a",
        "\u{1F600}",
        "2026-01-31",
        "2026-01-31T12:00:00Z",
        "12:30:45",
        "1:20",
        "!!str a",
        "%YAML 1.2",
    ];
    let long = "word ".repeat(60);
    for text in texts.into_iter().chain([long.as_str(), long.trim_end()]) {
        written_and_read(text, true);
        written_and_read(text, false);
    }
    // What serde-saphyr 1.1 loses: of a text of nothing but newlines one, if it may write blocks, as it may by default.
    let written = serde_saphyr::to_string(&Container { image: "\n".into(), ..Default::default() }).unwrap();
    assert_eq!(serde_saphyr::from_str::<Container>(&written).unwrap().image, "");
}

/// As a key, a value, an element, and inside of what is not known.
fn written_and_read(text: &str, prefer_block_scalars: bool) {
    let only_newlines = !text.is_empty() && text.bytes().all(|byte| byte == b'\n');
    if only_newlines && prefer_block_scalars {
        return;
    }
    let any = json!({
        "spec": {"containers": [{"name": text, "args": [text, "b"]}]},
        "newer": {"k": text, "list": [text, [text]]},
    });
    let mut pod: Pod = json::decode(any.to_string().as_bytes()).unwrap();
    pod.metadata.labels.insert(text.into(), text.into());
    comes_back(&pod, prefer_block_scalars);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_comes_back(text in "[-a1 :#,.'\"|>&*!%@~\\[{\\\\\n\t\r]{0,6}", other in ".{0,5}", block in any::<bool>()) {
        written_and_read(&text, block);
        written_and_read(&other, block);
    }
}
