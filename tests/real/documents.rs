//! Every object that the server returns is the same value in each format, and is written as Go writes it.

use std::fmt::Debug;

use k8s_api::Resource;
use k8s_api::apiextensions::v1::CustomResourceDefinition;
use k8s_api::apps::v1::Deployment;
use k8s_api::codec::{json, protobuf};
use k8s_api::core::v1::{ConfigMap, Pod, Secret};
use k8s_api::list::List;
use k8s_tests::{cluster, differences, go, pods};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use xtask::cluster::wait;

const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// The path of all objects of a kind.
fn path<K: Resource>() -> String {
    let prefix = if K::GROUP.is_empty() { "/api".to_owned() } else { format!("/apis/{}", K::GROUP) };
    format!("{prefix}/{}/{}", K::VERSION, K::PLURAL)
}

fn fill() {
    let api = cluster().api();
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "documents", "labels": {"app": "documents"}, "annotations": {"note": "<&> \"quoted\" \u{2028} ü"}},
        "spec": {
            "replicas": pods(),
            "selector": {"matchLabels": {"app": "documents"}},
            "strategy": {"rollingUpdate": {"maxSurge": "50%", "maxUnavailable": 1}},
            "template": {
                "metadata": {"labels": {"app": "documents"}, "annotations": {"prometheus.io/scrape": "true"}},
                "spec": {
                    "securityContext": {"runAsNonRoot": true, "runAsUser": 1000, "fsGroup": 0},
                    "initContainers": [{"name": "init", "image": "init", "command": ["sh", "-c", "exit 0"]}],
                    "containers": [{
                        "name": "main", "image": "main",
                        "args": ["--port=8080"],
                        "ports": [{"name": "http", "containerPort": 8080}, {"containerPort": 53, "protocol": "UDP"}],
                        "env": [
                            {"name": "EMPTY"},
                            {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                            {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
                            {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "documents", "key": "k", "optional": false}}},
                        ],
                        "resources": {"requests": {"cpu": "100m", "memory": "1.5Gi"}, "limits": {"cpu": 2, "memory": "2e9"}},
                        "livenessProbe": {"httpGet": {"path": "/healthz", "port": "http"}, "initialDelaySeconds": 0},
                        "readinessProbe": {"tcpSocket": {"port": 8080}},
                        "volumeMounts": [{"name": "config", "mountPath": "/etc/app"}],
                        "securityContext": {"capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": false},
                    }],
                    "volumes": [
                        {"name": "config", "configMap": {"name": "documents", "defaultMode": 420}},
                        {"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}},
                        {"name": "all", "projected": {"sources": [{"secret": {"name": "documents"}}, {"downwardAPI": {"items": []}}]}},
                    ],
                    "tolerations": [{"key": "k", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 0}],
                    "topologySpreadConstraints": [{
                        "maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway",
                        "labelSelector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["documents"]}]},
                    }],
                },
            },
        },
    });
    let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "documents"},
        "data": {"empty": "", "text": "a\nb\t\"c\"\\"}, "binaryData": {"bytes": "AAH/"}, "immutable": false});
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "documents"}, "data": {"k": "dg==", "none": ""}});
    let schema = json!({
        "type": "object",
        "properties": {
            "spec": {
                "type": "object", "required": ["size"],
                "properties": {
                    "size": {"type": "integer", "minimum": 0, "maximum": 1e3, "default": 0, "enum": [0, 1, 2]},
                    "ratio": {"type": "number", "multipleOf": 0.25, "exclusiveMinimum": true, "minimum": -1},
                    "any": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "default": {"a": [1.5, null, {"b": "c"}]}},
                    "port": {"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}]},
                    "tags": {"type": "object", "additionalProperties": {"type": "string", "nullable": true}},
                    "list": {"type": "array", "items": {"type": "string"}},
                },
                "x-kubernetes-validations": [{"rule": "self.size >= 0", "message": "no"}],
            },
        },
    });
    let names = json!({"plural": "things", "singular": "thing", "kind": "Thing", "shortNames": ["th"]});
    let crd = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "things.example.com"},
        "spec": {"group": "example.com", "names": names, "scope": "Namespaced",
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}]}});
    api.post("/api/v1/namespaces/default/configmaps", &config).unwrap();
    api.post("/api/v1/namespaces/default/secrets", &secret).unwrap();
    api.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", &crd).unwrap();
    api.post("/apis/apps/v1/namespaces/default/deployments", &deployment).unwrap();
    wait::until("every pod runs", || {
        let deployment = api.get("/apis/apps/v1/namespaces/default/deployments/documents")?;
        let ready = deployment["status"]["readyReplicas"].as_u64().unwrap_or_default();
        Ok(if ready == pods() as u64 { Ok(()) } else { Err(format!("{ready} are ready")) })
    })
    .unwrap();
}

/// Lists one kind in both formats, as it was at the same moment, and compares everything with everything.
fn check<K: Resource + Serialize + DeserializeOwned + PartialEq + Debug>() -> usize {
    let api = cluster().api();
    let text = api.text(&path::<K>()).unwrap();
    let list: List<K> = json::decode(text.as_bytes()).unwrap();
    let version = &list.metadata.resource_version;
    let exact = format!("{}?resourceVersion={version}&resourceVersionMatch=Exact", path::<K>());
    let binary = api.bytes_as(&exact, PROTOBUF).unwrap();

    let through_serde: List<K> = serde_json::from_str(&text).unwrap();
    assert!(list == through_serde, "{}: serde reads another value than the direct path", K::KIND);
    let from_protobuf: List<K> = protobuf::decode(&binary).unwrap();
    assert_eq!(list.items.len(), from_protobuf.items.len());

    let answer: Value = serde_json::from_str(&text).unwrap();
    let objects: Vec<Value> = answer["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            let mut item = item.clone();
            item["apiVersion"] = json!(K::API_VERSION);
            item["kind"] = json!(K::KIND);
            item
        })
        .collect();
    let go = go::marshal(&objects).unwrap();
    for (((item, other), sent), go) in list.items.iter().zip(&from_protobuf.items).zip(&objects).zip(&go) {
        let name = &item.metadata().name;
        assert!(
            item == other,
            "{} {name}: protobuf holds another value than JSON:\n{item:?}\n{other:?}",
            K::KIND
        );
        let direct: Value = serde_json::from_slice(&json::encode(item).unwrap()).unwrap();
        assert_same(&direct, sent, name, "the direct path writes what the server sent");
        assert_same(&serde_json::to_value(item).unwrap(), sent, name, "serde writes what the server sent");
        assert_same(&direct, &go.json, name, "the direct path writes what Go writes");
        let ours = protobuf::encode(item).unwrap();
        assert!(
            ours == go.protobuf,
            "{} {name}: {} bytes of protobuf, and Go has {}",
            K::KIND,
            ours.len(),
            go.protobuf.len()
        );
        let back: K = protobuf::decode(&go.protobuf).unwrap();
        assert!(back == *item);
    }
    list.items.len()
}

/// Says where two documents differ, since a pod is long.
fn assert_same(found: &Value, wanted: &Value, name: &str, what: &str) {
    let differences = differences(found, wanted);
    assert!(differences.is_empty(), "{name}: {what}, but for:\n{}", differences.join("\n"));
}

#[test]
fn every_format_holds_the_same_value_and_is_written_as_go_writes_it() {
    fill();
    let counts = [
        ("pods", check::<Pod>()),
        ("deployments", check::<Deployment>()),
        ("config maps", check::<ConfigMap>()),
        ("secrets", check::<Secret>()),
        ("custom resource definitions", check::<CustomResourceDefinition>()),
    ];
    for (kind, count) in counts {
        println!("{count} {kind}");
        assert!(count > 0, "no {kind}");
    }
}
