//! What the server in memory has beyond a real one: time, faults, a record, a state to begin with.

use std::time::{Duration, SystemTime};

use futures_util::{StreamExt as _, TryStreamExt as _};
use k8s_api::apps::v1::{Deployment, ReplicaSet};
use k8s_api::core::v1::{ConfigMap, Namespace, PersistentVolumeClaim, Pod};
use k8s_api::request::Propagation;
use k8s_client::api::{Deleted, Patch};
use k8s_client::testing::{Fault, LogRequest, Server};
use k8s_client::{Client, Config, Informer, Preset};
use serde_json::json;

fn config(name: &str) -> ConfigMap {
    let mut config = ConfigMap::default();
    config.metadata.name = name.into();
    config.data.insert("k".into(), "v".into());
    config
}

fn once(server: &Server) -> Client {
    let mut once = Preset::default();
    once.attempts = 1;
    server.client_builder().retry(once).build().unwrap()
}

#[tokio::test]
async fn the_same_seed_gives_the_same_objects() {
    let mut seen = Vec::new();
    for _ in 0..2 {
        let server = Server::builder().seed(7).starting_at(SystemTime::UNIX_EPOCH).build();
        let mut named = config("");
        named.metadata.generate_name = "x-".into();
        let made = server.client().namespaced::<ConfigMap>("default").create(&named).await.unwrap();
        assert!(made.metadata.name.starts_with("x-") && made.metadata.name.len() == 7);
        assert_eq!(made.metadata.creation_timestamp.unwrap().to_string(), "1970-01-01T00:00:00Z");
        seen.push((made.metadata.name, made.metadata.uid));
    }
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test]
async fn objects_are_loaded_with_their_status_and_what_is_wrong_is_said() {
    let server = Server::new();
    let yaml = "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: new}, spec: {containers: [{name: c, image: i}]}, status: {phase: Running}}\n\
                ---\n{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}]}";
    assert_eq!(server.load(yaml).unwrap(), 2);
    let client = server.client();
    assert_eq!(client.namespaced::<Pod>("new").get("p").await.unwrap().status.phase.as_str(), "Running");
    assert!(client.namespaced::<ConfigMap>("default").get("a").await.is_ok());
    let error =
        server.load("{apiVersion: v1, kind: ConfigMap, metadata: {name: 'A B'}}").unwrap_err().to_string();
    assert!(
        error.contains("document 1: ConfigMap A B: ConfigMap \"A B\" is invalid: metadata.name"),
        "{error}"
    );
    let error = server.load("{apiVersion: example.com/v1, kind: Widget, metadata: {name: w}}").unwrap_err();
    assert!(error.to_string().contains("no kind `Widget` in `example.com/v1`"), "{error}");
    assert!(server.load("{").is_err());
}

/// As etcd sorts its keys, in which a namespace ends in a slash.
#[tokio::test]
async fn lists_are_in_the_order_of_the_real_server() {
    let server = Server::new();
    for place in ["{name: x, namespace: a}", "{name: x, namespace: a-b}", "{name: x-y, namespace: a}"] {
        server.load(&format!("{{apiVersion: v1, kind: ConfigMap, metadata: {place}}}")).unwrap();
    }
    let pages = server.client().all::<ConfigMap>().list().limit(1).items();
    let all: Vec<ConfigMap> = pages.try_collect().await.unwrap();
    let names: Vec<_> =
        all.iter().map(|it| format!("{}/{}", it.metadata.namespace, it.metadata.name)).collect();
    assert_eq!(names, ["a-b/x", "a/x", "a/x-y"]);
}

#[tokio::test]
async fn owners_take_what_they_own_along() {
    let server = Server::new();
    let client = server.client();
    let deployments = client.namespaced::<Deployment>("default");
    let sets = client.namespaced::<ReplicaSet>("default");
    let template = "template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}, selector: {matchLabels: {a: b}}";
    let owned = async |name: &str| {
        server
            .load(&format!(
                "{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: {name}}}, spec: {{{template}}}}}"
            ))
            .unwrap();
        let uid = deployments.get(name).await.unwrap().metadata.uid;
        let owner = format!(
            "{{apiVersion: apps/v1, kind: Deployment, name: {name}, uid: {uid}, controller: true, blockOwnerDeletion: true}}"
        );
        server
            .load(&format!(
                "{{apiVersion: apps/v1, kind: ReplicaSet, metadata: {{name: {name}, finalizers: [example.com/hold], ownerReferences: [{owner}]}}, spec: {{{template}}}}}"
            ))
            .unwrap();
    };
    let free = Patch::merge(json!({"metadata": {"finalizers": null}}));
    for (name, policy) in [
        ("back", Propagation::Background),
        ("fore", Propagation::Foreground),
        ("orphan", Propagation::Orphan),
    ] {
        owned(name).await;
        deployments.delete(name).propagation(policy).await.unwrap();
        let there = deployments.get_opt(name).await.unwrap();
        // What blocks is waited for in the foreground alone.
        assert_eq!(there.is_some(), name == "fore", "{name}");
        let set = sets.get(name).await.unwrap();
        assert_eq!(set.metadata.deletion_timestamp.is_some(), name != "orphan", "{name}");
        assert_eq!(set.metadata.owner_references.is_empty(), name == "orphan");
        sets.patch(name, &free).await.unwrap();
        assert_eq!(sets.get_opt(name).await.unwrap().is_some(), name == "orphan");
        assert!(deployments.get_opt(name).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_namespace_goes_with_what_is_in_it() {
    let server = Server::new();
    let client = server.client();
    let mut held = config("held");
    held.metadata.finalizers.push("example.com/hold".into());
    server.load("{apiVersion: v1, kind: Namespace, metadata: {name: busy}}").unwrap();
    let configs = client.namespaced::<ConfigMap>("busy");
    configs.create(&held).await.unwrap();
    configs.create(&config("free")).await.unwrap();
    let Deleted::Going(going) = client.cluster::<Namespace>().delete("busy").await.unwrap() else {
        panic!("it is gone")
    };
    assert_eq!(going.status.phase.as_str(), "Terminating");
    let names: Vec<_> = configs.list().await.unwrap().items.into_iter().map(|it| it.metadata.name).collect();
    assert_eq!(names, ["held"]);
    let late = configs.create(&config("late")).await.unwrap_err();
    assert!(late.is_forbidden() && late.has_cause("NamespaceTerminating"), "{late}");
    configs.patch("held", &Patch::merge(json!({"metadata": {"finalizers": null}}))).await.unwrap();
    assert!(client.cluster::<Namespace>().get_opt("busy").await.unwrap().is_none());
}

#[tokio::test]
async fn a_claim_is_protected_while_a_pod_uses_it() {
    let server = Server::new();
    server.load("{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: c}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}\n---\n\
        {apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, image: i}], volumes: [{name: v, persistentVolumeClaim: {claimName: c}}]}}").unwrap();
    let claims = server.client().namespaced::<PersistentVolumeClaim>("default");
    claims.delete("c").await.unwrap();
    assert!(claims.get("c").await.unwrap().metadata.deletion_timestamp.is_some());
    server.client().namespaced::<Pod>("default").delete("p").await.unwrap();
    assert!(claims.get_opt("c").await.unwrap().is_none());
}

#[tokio::test]
async fn every_fault_is_as_it_says() {
    let server = Server::new();
    let client = once(&server);
    let configs = client.namespaced::<ConfigMap>("default");
    server.inject(Fault::status(429).retry_after(3).method("POST").times(1));
    let busy = configs.create(&config("a")).await.unwrap_err();
    assert_eq!((busy.code().unwrap().as_u16(), busy.retry_after()), (429, Some(Duration::from_secs(3))));
    configs.create(&config("a")).await.unwrap();

    server.inject(Fault::lost_answer().path("/configmaps").method("DELETE").times(1));
    assert!(configs.delete("a").await.unwrap_err().code().is_none());
    assert!(configs.get("a").await.unwrap_err().is_not_found(), "it was done");

    server.inject(Fault::unreachable().after(1).times(1));
    assert!(configs.get("a").await.unwrap_err().is_not_found());
    let error = configs.get("a").await.unwrap_err();
    assert_eq!(error.sent(), Some(k8s_api::transport::Sent::No), "{error}");

    server.inject(Fault::silence());
    let silent = configs.get("a").into_future();
    assert!(futures_util::FutureExt::now_or_never(silent).is_none());
    server.heal();
    assert!(configs.get("a").await.unwrap_err().is_not_found());

    let lines: Vec<String> = server.take_requests().iter().map(|it| it.line()).collect();
    assert_eq!(lines[0], "POST /api/v1/namespaces/default/configmaps");
    assert_eq!(lines.iter().filter(|line| line.starts_with("DELETE")).count(), 1);
    assert!(server.take_requests().is_empty());
}

/// A client that is retried does not notice what a client may not notice.
#[tokio::test(start_paused = true)]
async fn an_informer_survives_all_that_can_happen_to_its_watch() {
    let server = Server::new();
    let configs = server.client().namespaced::<ConfigMap>("default");
    let cache = Informer::new(configs.clone()).start();
    cache.synced().await.unwrap();
    let mut number = 0;
    let mut next = async || {
        number += 1;
        let name = format!("c{number}");
        configs.create(&config(&name)).await.unwrap();
        cache.until(|seen| seen.get("default", &name).is_some()).await.unwrap();
    };
    next().await;
    server.cut_watches();
    next().await;
    server.forget_history();
    server.cut_watches();
    next().await;
    for fault in [
        Fault::cut_after(1).times(2),
        Fault::gone().times(1),
        Fault::duplicated_events().times(1),
        Fault::delayed_events(Duration::from_secs(5)).times(1),
        Fault::status(503).watches().times(2),
        Fault::stall_after(0).times(1),
    ] {
        server.inject(fault);
        server.cut_watches();
        next().await;
        next().await;
    }
    assert_eq!(cache.snapshot().len(), number);
}

/// A watch ends when it was asked to, and says where it was before: in virtual time.
#[tokio::test(start_paused = true)]
async fn bookmarks_and_ends_come_in_virtual_time() {
    let server = Server::builder().starting_at(SystemTime::UNIX_EPOCH).build();
    let client = server.client();
    let configs = client.namespaced::<ConfigMap>("default");
    configs.create(&config("a")).await.unwrap();
    let mut frames = configs.watch().bookmarks().timeout(Duration::from_secs(90)).frames();
    let mut types = Vec::new();
    while let Some(Ok(frame)) = frames.next().await {
        let event: serde_json::Value = serde_json::from_slice(&frame).unwrap();
        types.push(event["type"].as_str().unwrap().to_owned());
    }
    assert_eq!(types, ["ADDED", "BOOKMARK", "BOOKMARK"]);
    tokio::time::advance(Duration::from_secs(3600)).await;
    let late = configs.create(&config("late")).await.unwrap();
    let stamp = late.metadata.creation_timestamp.unwrap().to_string();
    assert!(stamp.starts_with("1970-01-01T01:01:3"), "{stamp}");
}

#[tokio::test]
async fn logs_are_told() {
    let server = Server::new();
    server.load("{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, image: i}, {name: d, image: i}]}}").unwrap();
    server.logs(|LogRequest { pod, container, .. }| Some(format!("one of {container}\ntwo of {pod}\n")));
    let pods = server.client().namespaced::<Pod>("default");
    let log = pods.logs("p").container("c").await.unwrap();
    assert_eq!(log, "one of c\ntwo of p\n");
    let lines: Vec<_> = pods.logs("p").container("d").tail(1).follow().lines().try_collect().await.unwrap();
    assert_eq!(lines.iter().map(|line| line.text().into_owned()).collect::<Vec<_>>(), ["two of p"]);
    let error = pods.logs("p").await.unwrap_err();
    assert!(error.to_string().contains("choose one of: [c d]"), "{error}");
}

#[tokio::test]
async fn the_other_face_is_the_same_server() {
    let server = Server::new();
    let listening = server.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let client = Client::new(Config::plain(&listening.url()).unwrap()).unwrap();
    let cache = Informer::new(client.all::<ConfigMap>()).start();
    server.client().namespaced("default").create(&config("there")).await.unwrap();
    cache.until(|seen| seen.get("default", "there").is_some()).await.unwrap();
    let mut large = config("large");
    large.data.insert("x".into(), "x".repeat(4 * 1024 * 1024).into());
    let refused = client.namespaced("default").create(&large).await.unwrap_err();
    assert_eq!(refused.code().unwrap(), 413, "{refused}");
    assert!(server.listen(([192, 0, 2, 1], 0).into()).await.is_err());
}

/// Whatever is sent, there is an answer.
#[tokio::test]
async fn hostile_input_is_answered() {
    let server = Server::new();
    let client = once(&server);
    let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
    let nested = format!(
        r#"{{"metadata":{{"name":"x","labels":{}}}}}"#,
        "{\"a\":".repeat(200) + "1" + &"}".repeat(200)
    );
    let bodies: [&[u8]; 9] = [
        b"",
        b"{",
        b"null",
        b"1",
        b"\"x\"",
        b"[]",
        b"{\"metadata\":1}",
        b"{\"metadata\":{\"name\":\"\xff\"}}",
        b"k8s\0\x0a\xff\xff",
    ];
    let bodies: Vec<Vec<u8>> =
        bodies.iter().map(|it| it.to_vec()).chain([deep.into_bytes(), nested.into_bytes()]).collect();
    let paths = [
        "/api/v1/namespaces",
        "/api/v1/namespaces/default",
        "/api/v1/namespaces/default/pods",
        "/api/v1/namespaces/default/pods/x/eviction",
        "/api/v1/namespaces/default/serviceaccounts/x/token",
        "/api/v1/namespaces/default/bindings",
        "/apis/apps/v1/namespaces/default/deployments/x/scale",
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        "/api/v1/namespaces/default/pods/%2e%2e/log",
        "/api/%ff",
        "//",
        "/apis/apps/v1/../v1/deployments",
        "/api/v1/namespaces/default/pods?labelSelector=%ff%28&fieldSelector=%5C&continue=%00&limit=-1&resourceVersion=99999999999999999999",
    ];
    server
        .load("{apiVersion: v1, kind: ServiceAccount, metadata: {name: x}}\n---\n{apiVersion: v1, kind: Pod, metadata: {name: x}, spec: {containers: [{name: c, image: i}]}}")
        .unwrap();
    let mut answered = 0;
    for path in paths {
        for body in &bodies {
            for (method, media) in [
                ("POST", "application/json"),
                ("POST", "application/yaml"),
                ("POST", "application/vnd.kubernetes.protobuf"),
                ("PUT", "application/json"),
                ("PATCH", "application/json-patch+json"),
                ("PATCH", "application/merge-patch+json"),
                ("PATCH", "application/strategic-merge-patch+json"),
                ("DELETE", "application/json"),
                ("GET", ""),
            ] {
                let request = http::Request::builder().method(method).uri(path).header("content-type", media);
                let Ok(request) = request.body(k8s_api::transport::Body::Bytes(body.clone().into())) else {
                    continue;
                };
                let empty = || "".into();
                let operation = k8s_api::operation::Operation {
                    verb: k8s_api::operation::Verb::Get,
                    group: empty(),
                    version: empty(),
                    resource: empty(),
                    subresource: empty(),
                    retry: k8s_api::operation::Retry::Never,
                };
                // The namespace itself may be deleted on the way; nobody may panic.
                drop(client.bytes(k8s_api::transport::Call::new(operation, request)).await);
                answered += 1;
            }
        }
    }
    assert!(answered > 1000, "{answered}");
}
