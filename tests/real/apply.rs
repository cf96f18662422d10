//! Server-side apply: the server records exactly what was set.

use k8s_api::Resource;
use k8s_api::apps::v1::Deployment;
use k8s_api::codec::apply;
use k8s_api::core::v1::{Container, ContainerPort, EnvVar, PodTemplateSpec};
use k8s_api::view::Message;
use k8s_tests::cluster;
use serde_json::{Value, json};

/// Applies, and gives the answer of the server.
fn applied<M: Resource + Message>(
    object: &M,
    own: &[&str],
    manager: &str,
    force: bool,
) -> anyhow::Result<Value> {
    let name = &object.metadata().name;
    let base = if K8S_CORE == M::GROUP {
        "/api/v1/namespaces/default".to_owned()
    } else {
        format!("/apis/{}/v1/namespaces/default", M::GROUP)
    };
    let path = format!("{base}/{}/{name}?fieldManager={manager}&force={force}", M::PLURAL);
    cluster().api().patch(&path, "application/apply-patch+yaml", &apply::encode(object, own)?)
}

const K8S_CORE: &str = "";

/// The fields that the server has recorded for a manager.
fn fields_of(answer: &Value, manager: &str) -> Value {
    let entries = answer["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    let entry = entries.iter().find(|entry| entry["manager"] == manager);
    entry.unwrap_or_else(|| panic!("{manager} manages nothing: {entries:?}"))["fieldsV1"].clone()
}

fn deployment(name: &str, containers: Vec<Container>) -> Deployment {
    let mut deployment = Deployment::default();
    deployment.metadata.name = name.into();
    let labels = || [("app".into(), name.into())].into_iter().collect();
    deployment.spec.selector.get_or_insert_default().match_labels = labels();
    deployment.spec.template = PodTemplateSpec::default();
    deployment.spec.template.metadata.labels = labels();
    deployment.spec.template.spec.containers = containers;
    deployment
}

#[test]
fn what_was_set_is_what_is_owned() {
    let port = ContainerPort { container_port: 80, name: "http".into(), ..Default::default() };
    let env = EnvVar { name: "E".into(), ..Default::default() };
    let main = Container {
        name: "main".into(),
        image: "main".into(),
        args: vec!["--a".into(), String::new().into()],
        ports: vec![port],
        env: vec![env],
        ..Default::default()
    };
    let mut deployment = deployment("owned", vec![main]);
    deployment.spec.replicas = Some(0);
    deployment.metadata.annotations.insert("note".into(), "".into());
    let answer = applied(&deployment, &["spec.minReadySeconds"], "mine", false).unwrap();
    let expected = json!({
        "f:metadata": {"f:annotations": {"f:note": {}}},
        "f:spec": {
            "f:minReadySeconds": {},
            "f:replicas": {},
            "f:selector": {},
            "f:template": {
                "f:metadata": {"f:labels": {"f:app": {}}},
                "f:spec": {"f:containers": {"k:{\"name\":\"main\"}": {
                    ".": {}, "f:name": {}, "f:image": {}, "f:args": {},
                    "f:env": {"k:{\"name\":\"E\"}": {".": {}, "f:name": {}}},
                    "f:ports": {"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}, "f:name": {}}},
                }}},
            },
        },
    });
    assert_eq!(fields_of(&answer, "mine"), expected);
    assert_eq!((&answer["spec"]["replicas"], &answer["spec"]["minReadySeconds"]), (&json!(0), &Value::Null));
}

#[test]
fn two_managers_conflict_until_one_forces() {
    let container =
        |image: &str| vec![Container { name: "c".into(), image: image.into(), ..Default::default() }];
    applied(&deployment("contested", container("one")), &[], "one", false).unwrap();
    let error =
        applied(&deployment("contested", container("two")), &[], "two", false).unwrap_err().to_string();
    assert!(error.contains("409 Conflict") && error.contains("conflict with"), "{error}");
    let answer = applied(&deployment("contested", container("two")), &[], "two", true).unwrap();
    assert_eq!(answer["spec"]["template"]["spec"]["containers"][0]["image"], "two");
    let lost =
        fields_of(&answer, "one")["f:spec"]["f:template"]["f:spec"]["f:containers"]["k:{\"name\":\"c\"}"]
            .clone();
    assert_eq!(lost["f:image"], Value::Null, "{lost}");
}

#[test]
fn an_empty_apply_takes_everything_back() {
    let container = vec![Container { name: "c".into(), image: "i".into(), ..Default::default() }];
    let mut first = deployment("emptied", container);
    first.metadata.labels.insert("mine".into(), "1".into());
    applied(&first, &[], "base", false).unwrap();
    let mut labels = Deployment::default();
    labels.metadata.name = "emptied".into();
    labels.metadata.labels.insert("theirs".into(), "1".into());
    let answer = applied(&labels, &[], "labels", false).unwrap();
    assert_eq!(fields_of(&answer, "labels"), json!({"f:metadata": {"f:labels": {"f:theirs": {}}}}));
    labels.metadata.labels.clear();
    let answer = applied(&labels, &[], "labels", false).unwrap();
    assert_eq!(answer["metadata"]["labels"], json!({"mine": "1"}), "only the other's label is gone");
}
