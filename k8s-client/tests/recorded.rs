//! A run that was recorded from a real kube-apiserver (v1.37.1), played again without one.
//!
//! `K8S_TEST_RECORD=KUBECONFIG cargo test -p k8s-client --features testing --test recorded` writes it anew, from a cluster that has no
//! namespace `recorded` yet, such as that of `cargo xtask cluster up`.

use std::path::{Path, PathBuf};

use futures_util::TryStreamExt as _;
use k8s_api::core::v1::{ConfigMap, Namespace, Secret};
use k8s_client::api::Patch;
use k8s_client::testing::{Recorder, Replay};
use k8s_client::{Client, Config, Informer, Result};
use serde_json::json;

const NAMESPACE: &str = "recorded";

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded.json")
}

fn config(name: &str, value: &str) -> ConfigMap {
    let mut config = ConfigMap::default();
    config.metadata.name = name.into();
    config.data.insert("k".into(), value.into());
    config
}

/// Writes, pages, a conflict, a refusal, a watch by an informer, a secret; says what it has seen.
async fn session(client: &Client) -> Result<Vec<String>> {
    let mut namespace = Namespace::default();
    namespace.metadata.name = NAMESPACE.into();
    client.cluster().create(&namespace).await?;
    let configs = client.namespaced::<ConfigMap>(NAMESPACE);
    let (of_test, mut seen) = ("test=recorded", Vec::new());
    for name in ["a", "b", "c"] {
        let mut config = config(name, "1");
        config.metadata.labels.insert("test".into(), "recorded".into());
        configs.create(&config).await?;
    }
    let all: Vec<ConfigMap> = configs.list().labels(of_test).limit(2).items().try_collect().await?;
    seen.extend(all.iter().map(|it| it.metadata.name.to_string()));

    let mut informer = Informer::new(configs.clone());
    informer.labels(of_test);
    let cache = informer.start();
    cache.synced().await?;
    configs.patch("b", &Patch::merge(json!({"data": {"k": "2"}}))).await?;
    let changed = |config: &ConfigMap| config.data.get("k").is_some_and(|it| it.as_str() == "2");
    cache.until(|now| now.get(NAMESPACE, "b").is_some_and(&changed)).await?;
    cache.stop().await;

    let stale = all.into_iter().find(|it| it.metadata.name == "b").unwrap_or_default();
    for refused in [configs.replace(&stale).await, configs.create(&config("A B", "1")).await] {
        seen.push(refused.map_or_else(|error| error.to_string(), |_| "taken".to_owned()));
    }
    let mut secret = Secret::default();
    secret.metadata.name = "s".into();
    secret.string_data.insert("password".into(), "hunter2".into());
    client.namespaced(NAMESPACE).create(&secret).await?;
    Ok(seen)
}

fn check(seen: &[String]) {
    assert_eq!(seen[..3], ["a", "b", "c"]);
    assert!(seen[3].contains("the object has been modified"), "{}", seen[3]);
    assert!(seen[4].contains("ConfigMap \"A B\" is invalid"), "{}", seen[4]);
}

/// The session with a recording in the place of the server.
async fn played(replay: &Replay) -> Vec<String> {
    let client = replay.client();
    tokio::select! {
        seen = session(&client) => seen.unwrap(),
        wrong = replay.differs() => panic!("{wrong}"),
    }
}

/// Without a server: what kube-apiserver answered once.
#[tokio::test]
async fn the_run_of_a_real_server_is_played_again() {
    if let Some(kubeconfig) = std::env::var_os("K8S_TEST_RECORD") {
        let recorder = Recorder::new();
        let config = Config::from_kubeconfig(kubeconfig, None).unwrap();
        let client = Client::builder(config).recorder(&recorder).build().unwrap();
        check(&session(&client).await.unwrap());
        recorder.save(file()).unwrap();
    }
    let replay = Replay::read(file()).unwrap();
    check(&played(&replay).await);
    replay.finish().unwrap();
    let text = std::fs::read_to_string(file()).unwrap();
    assert!(!text.contains("hunter2") && !text.contains("aHVudGVyMg"), "a secret was recorded");
}
