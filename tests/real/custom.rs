//! A custom resource through every layer: what its schema can say survives, and an apply owns what was set.

use std::collections::BTreeMap;

use k8s_api::apiextensions::v1::CustomResourceDefinition;
use k8s_api::nullable::Nullable;
use k8s_api::raw::RawJson;
use k8s_client::api::Patch;
use k8s_client::{Client, Informer};
use k8s_tests::{blocking, client, cluster};
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use xtask::cluster::wait;

#[rustfmt::skip]
#[path = "../golden/custom_resource/generated/mod.rs"]
mod generated;

use generated::sample_example_com::v1beta1::{AccessPolicy, AccessPolicySpecTargetRefs};

const POLICIES: &str = "/apis/sample.example.com/v1beta1/namespaces/default/accesspolicies";

/// A client, once the server serves the kind. Every test has its own: connections end with the runtime that made them.
async fn served() -> Client {
    static SERVED: OnceCell<()> = OnceCell::const_new();
    let client = client(cluster());
    let serve = async {
        let definition: CustomResourceDefinition =
            serde_saphyr::from_str(include_str!("../golden/custom_resource/crd.yaml")).unwrap();
        client.cluster().create(&definition).await.unwrap();
        blocking(|| {
            wait::until("the server serves the kind", || {
                Ok(cluster().api().get(POLICIES).map_err(|error| error.to_string()))
            })
        })
        .await;
    };
    SERVED.get_or_init(|| serve).await;
    client
}

fn quota() -> Value {
    json!({"limit": 0, "unit": ""})
}

/// Values that a client of little care would change: nothing here is what its type has by default, and nothing may be lost.
fn awkward() -> BTreeMap<&'static str, Value> {
    let minimal = json!({"mode": "Open", "targetRefs": [], "quota": quota()});
    let with = |more: Value| {
        let mut spec = minimal.clone();
        for (name, value) in more.as_object().unwrap() {
            spec[name] = value.clone();
        }
        spec
    };
    BTreeMap::from([
        ("minimal", minimal.clone()),
        (
            "empty",
            with(json!({
                "headers": {}, "hosts": [], "matrix": [], "order": [], "selector": {}, "bag": {}, "half": {},
                "apiKeySecretRef": {}, "fooBar": "", "foo_bar": "", "replicas": 0, "ratio": 0, "type": false,
                "timeout": 0, "nothing": 0, "nothingOr5": 0, "anything": [],
            })),
        ),
        (
            "null",
            with(
                json!({"nothing": null, "nothingOr5": null, "headers": {"a": null, "b": ""}, "anything": null, "bag": {"n": null}}),
            ),
        ),
        (
            "full",
            with(json!({
                "mode": "closed/by-default", "apiKey": {"secretRef": {"name": "n", "namespace": ""}},
                "targetRefs": [{"name": "a", "weight": 0}, {"name": "a", "port": 0, "weight": 1}],
                "quota": {"limit": 9223372036854775807_i64, "unit": "1"}, "matrix": [[], [0, -1]], "ratio": 0.5,
                "timeout": "10%", "notAfter": "2026-01-02T03:04:05Z", "token": "AAEC", "selector": {"k": ["", "v"]},
                "template": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "t"}, "spec": {"x": [null]}},
            })),
        ),
        (
            "unknown",
            with(json!({
                "half": {"known": "", "more": {"deep": [1, null, {}]}}, "bag": {"a": {"b": [[]]}, "n": null},
                "anything": "text",
            })),
        ),
    ])
}

#[tokio::test]
async fn read_modify_replace_loses_nothing() {
    let policies = served().await.namespaced::<AccessPolicy>("default");
    for (name, spec) in awkward() {
        let made = json!({
            "apiVersion": "sample.example.com/v1beta1", "kind": "AccessPolicy", "metadata": {"name": name}, "spec": spec,
        });
        blocking(move || cluster().api().post(POLICIES, &made)).await;
        let path = format!("{POLICIES}/{name}");
        let before = blocking(move || cluster().api().get(&path)).await;
        let kept = |name: &str| before["spec"].get(name) == spec.get(name);
        let dropped: Vec<&String> = spec.as_object().unwrap().keys().filter(|name| !kept(name)).collect();
        println!("{name}: the server itself changed {dropped:?}");

        let mut read = policies.get(name).await.unwrap();
        read.metadata.labels.insert("changed".into(), "1".into());
        let replaced = policies.replace(&read).await.unwrap();
        let path = format!("{POLICIES}/{name}");
        let after = blocking(move || cluster().api().get(&path)).await;
        assert_eq!(after["spec"], before["spec"], "{name}");
        assert_eq!(after["metadata"]["generation"], before["metadata"]["generation"], "{name}");
        assert_eq!(after["metadata"]["labels"], json!({"changed": "1"}));
        assert_eq!(
            serde_json::from_value::<AccessPolicy>(after).unwrap(),
            replaced,
            "{name}: serde and direct"
        );
    }
    let null = policies.get("null").await.unwrap().spec;
    assert_eq!((null.nothing, null.nothing_or5), (Some(Nullable(None)), Some(Nullable(None))));
    let minimal = policies.get("minimal").await.unwrap().spec;
    assert_eq!((minimal.nothing, minimal.nothing_or5), (None, Some(Nullable(Some(5)))));
    let full = policies.get("full").await.unwrap().spec;
    assert_eq!(full.target_refs.iter().map(|target| target.port).collect::<Vec<_>>(), [Some(80), Some(0)]);
}

#[tokio::test]
async fn an_apply_owns_what_was_set() {
    let policies = served().await.namespaced::<AccessPolicy>("default");
    let target =
        |name: &str, port| AccessPolicySpecTargetRefs { name: name.into(), port, ..Default::default() };
    let mut policy = AccessPolicy::default();
    policy.metadata.name = "applied".into();
    policy.spec.mode = "Open".into();
    policy.spec.target_refs = vec![target("a", None), target("b", Some(0))];
    policy.spec.nothing = Some(Nullable(None));
    policy.spec.order = Some(vec!["x".into(), "y".into()]);
    policy.spec.hosts = Some(vec!["h".into()]);
    policy.spec.headers = Some([("k".into(), Nullable(None))].into_iter().collect());
    let applied = policies.apply(&policy, "mine").await.unwrap();
    let fields = applied.metadata.managed_fields.iter().find(|entry| entry.manager == "mine").unwrap();
    let fields: Value = serde_json::from_str(fields.fields_v1.as_ref().unwrap().as_str()).unwrap();
    let target = |name: &str, port: i32| format!("k:{{\"name\":\"{name}\",\"port\":{port}}}");
    let element = json!({".": {}, "f:name": {}, "f:weight": {}});
    let mut with_port = element.clone();
    with_port["f:port"] = json!({});
    let expected = json!({"f:spec": {
        "f:mode": {}, "f:nothing": {}, "f:order": {}, "f:hosts": {"v:\"h\"": {}}, "f:headers": {"f:k": {}},
        "f:quota": {"f:limit": {}, "f:unit": {}},
        "f:targetRefs": {target("a", 80): element, target("b", 0): with_port},
    }});
    assert_eq!(fields, expected);

    policy.spec.nothing = Some(Nullable(Some(1)));
    let error = policies.apply(&policy, "theirs").await.unwrap_err();
    assert!(error.is_conflict() && error.to_string().contains(".spec.nothing"), "{error}");
    let forced = policies.apply(&policy, "theirs").force().await.unwrap();
    assert_eq!(forced.spec.nothing, Some(Nullable(Some(1))));
    // Strategic merge patches are for what Go has types of.
    let patch = Patch::Strategic(RawJson::parse(br#"{"spec":{"hosts":["i"]}}"#).unwrap());
    let refused = policies.patch("applied", &patch).await.unwrap_err();
    assert!(refused.to_string().contains("415"), "{refused}");
}

#[tokio::test]
async fn an_informer_follows_a_custom_resource() {
    let client = served().await;
    let mut informer = Informer::new(client.all::<AccessPolicy>());
    let by_host = informer.index(|policy: &AccessPolicy| policy.spec.hosts.clone().unwrap_or_default());
    let cache = informer.start();
    let mut policy = AccessPolicy::default();
    policy.metadata.name = "followed".into();
    policy.spec.mode = "Open".into();
    policy.spec.hosts = Some(vec!["one.example".into(), "two.example".into()]);
    client.namespaced("default").apply(&policy, "mine").await.unwrap();
    cache.until(|snapshot| snapshot.by(&by_host, "two.example").count() == 1).await.unwrap();
    client.namespaced::<AccessPolicy>("default").delete("followed").await.unwrap();
    cache.until(|snapshot| snapshot.by(&by_host, "two.example").count() == 0).await.unwrap();
}
