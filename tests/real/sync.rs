//! The first state of many pods, as one stream and in pages: how long until the cache has it, and what it takes at the most.
//!
//! `K8S_TEST_PODS=10000 cargo test --release -p k8s-tests --features control-plane --test real sync -- --nocapture` is the run with figures.

use std::time::Instant;

use futures_util::{StreamExt as _, stream};
use k8s_api::core::v1::{Pod, PodPhase};
use k8s_client::watch::{self, Strategy};
use k8s_client::{Client, Informer};
use k8s_tests::{blocking, client, options, pods};
use serde_json::json;
use xtask::cluster::Cluster;

/// As a deployment makes them, and as a kubelet reports on them.
fn pod(number: usize) -> Pod {
    let container = |name: &str| {
        json!({
            "name": name, "image": "registry.test/shop/web:1.2.3", "args": ["--port=8080", "--log=info"],
            "ports": [{"name": "http", "containerPort": 8080}],
            "env": [{"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}, {"name": "REGION", "value": "here"}],
            "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "1", "memory": "256Mi"}},
            "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}},
            "volumeMounts": [{"name": "config", "mountPath": "/etc/web"}],
        })
    };
    let text = json!({
        "metadata": {"name": format!("web-7d9f8b6c5-{number:05}"), "labels": {"app": "web", "pod-template-hash": "7d9f8b6c5"}},
        "spec": {
            "nodeName": format!("node-{}", number % 100),
            "containers": [container("main"), container("side")],
            "volumes": [{"name": "config", "configMap": {"name": "web"}}],
        },
        "status": {
            "phase": "Running", "podIP": format!("10.1.{}.{}", number / 250, number % 250), "startTime": "2026-01-02T03:04:05Z",
            "conditions": [
                {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-02T03:04:05Z"},
                {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-01-02T03:04:05Z"},
            ],
        },
    });
    serde_json::from_value(text).unwrap()
}

async fn fill(client: &Client) {
    let pods_of = client.namespaced::<Pod>("default");
    let made = stream::iter(0..pods()).for_each_concurrent(32, |number| {
        let pods_of = pods_of.clone();
        async move {
            let pod = pod(number);
            let mut made = pods_of.create(&pod).await.unwrap();
            made.status = pod.status;
            pods_of.status().replace(made.metadata.name.as_str(), &made).await.unwrap();
        }
    });
    made.await;
}

/// The most memory that this process has had since the last time, in MiB; Linux says so.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    std::fs::write("/proc/self/clear_refs", "5").ok()?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? / 1024)
}

#[tokio::test(flavor = "multi_thread")]
async fn many_pods_are_there_soon_and_take_little() {
    let cluster = blocking(|| {
        let mut options = options()?;
        options.only_api = true;
        Cluster::start(options)
    })
    .await;
    let client = client(&cluster);
    fill(&client).await;
    for (strategy, what) in [(Strategy::Stream, "as one stream"), (Strategy::List, "in pages of 500")] {
        peak();
        let before = peak();
        let began = Instant::now();
        let mut informer = Informer::new(client.all::<Pod>());
        informer.config(watch::Config { strategy, ..watch::Config::default() });
        let cache = informer.start();
        cache.synced().await.unwrap();
        let took = began.elapsed();
        let snapshot = cache.snapshot();
        assert_eq!(snapshot.len(), pods());
        assert!(snapshot.iter().all(|pod| pod.status.phase == PodPhase::Running));
        let grown =
            peak().zip(before).map_or("?".to_owned(), |(now, before)| (now - before.min(now)).to_string());
        println!("{} pods {what}: {:.2} s, at most {grown} MiB more", pods(), took.as_secs_f64());
        cache.stop().await;
    }
}
