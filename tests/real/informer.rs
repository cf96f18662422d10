//! An informer through a storm of pods and a restart of kube-apiserver ends equal to a fresh list.

use std::collections::BTreeMap;

use k8s_api::apps::v1::Deployment;
use k8s_api::core::v1::{Container, Pod};
use k8s_client::cache::Snapshot;
use k8s_client::{Cache, Client, Informer};
use k8s_tests::{blocking, client, options};
use xtask::cluster::{Cluster, Ending, Program};

/// A cluster of its own, since it is broken on purpose.
async fn cluster() -> Cluster {
    blocking(|| {
        let mut options = options()?;
        options.nodes = 3;
        Cluster::start(options)
    })
    .await
}

fn deployment(name: &str, replicas: i32) -> Deployment {
    let mut deployment = Deployment::default();
    deployment.metadata.name = name.into();
    let labels = || [("app".into(), name.into())].into_iter().collect();
    deployment.spec.replicas = Some(replicas);
    deployment.spec.selector.get_or_insert_default().match_labels = labels();
    deployment.spec.template.metadata.labels = labels();
    deployment.spec.template.spec.containers =
        vec![Container { name: "c".into(), image: "i".into(), ..Default::default() }];
    deployment
}

/// Name and version of everything.
fn versions(snapshot: &Snapshot<Pod>) -> BTreeMap<String, String> {
    let entry = |pod: &Pod| (pod.metadata.name.to_string(), pod.metadata.resource_version.to_string());
    snapshot.iter().map(entry).collect()
}

async fn listed(client: &Client) -> BTreeMap<String, String> {
    let list = client.all::<Pod>().list().await.unwrap();
    list.items
        .iter()
        .map(|pod| (pod.metadata.name.to_string(), pod.metadata.resource_version.to_string()))
        .collect()
}

async fn scale(client: &Client, name: &str, replicas: i32) {
    client.namespaced("default").apply(&deployment(name, replicas), "storm").force().await.unwrap();
}

/// Waits until as many pods run as were asked for, and none is on its way out.
async fn settled(cache: &Cache<Pod>, count: usize) {
    let running =
        |pod: &Pod| pod.status.phase.as_str() == "Running" && pod.metadata.deletion_timestamp.is_none();
    cache.until(|snapshot| snapshot.len() == count && snapshot.iter().all(running)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_and_a_restart_end_equal_to_a_fresh_list() {
    let cluster = std::sync::Arc::new(cluster().await);
    let client = client(&cluster);
    let mut informer = Informer::new(client.all::<Pod>());
    let by_node = informer.index(|pod: &Pod| Some(pod.spec.node_name.clone()));
    let cache = informer.start();
    cache.synced().await.unwrap();
    assert!(cache.snapshot().is_empty());

    for name in ["a", "b", "c"] {
        scale(&client, name, 60).await;
    }
    settled(&cache, 180).await;
    let restart = cluster.clone();
    blocking(move || restart.restart(Program::KubeApiserver, Ending::Kill)).await;
    scale(&client, "a", 5).await;
    scale(&client, "b", 90).await;
    settled(&cache, 155).await;
    let forget = cluster.clone();
    blocking(move || forget.forget_history()).await;
    scale(&client, "c", 10).await;
    settled(&cache, 105).await;

    let fresh = listed(&client).await;
    cache.until(|snapshot| versions(snapshot) == fresh).await.unwrap();
    let snapshot = cache.snapshot();
    let mut on_nodes = 0;
    for node in ["node-0", "node-1", "node-2"] {
        let indexed = snapshot.by(&by_node, node).count();
        assert_eq!(indexed, snapshot.iter().filter(|pod| pod.spec.node_name == node).count());
        on_nodes += indexed;
    }
    println!("{} pods, all as listed; {on_nodes} found by their nodes", fresh.len());
    assert_eq!(on_nodes, fresh.len());
    assert!(cache.is_running() && cache.health().failure.is_none());
}
