//! `follow-kube URL list|stream` follows all pods with kube's reflector and its defaults, and prints what it holds after each change: one
//! line of JSON.

use std::pin::pin;

use futures_util::StreamExt as _;
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::reflector::{self, Store};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client, Config, ResourceExt as _};
use serde_json::{Map, Value, json};

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, how] = &arguments[..] else { panic!("usage: follow-kube URL list|stream") };
    let client = Client::try_from(Config::new(url.parse().expect("a URL"))).expect("a client");
    let config = watcher::Config::default();
    let config = if how == "stream" { config.streaming_lists() } else { config };
    let (store, writer) = reflector::store::<Pod>();
    let mut events = pin!(watcher(Api::<Pod>::all(client), config).default_backoff().reflect(writer));
    while let Some(event) = events.next().await {
        match event {
            Ok(watcher::Event::Init | watcher::Event::InitApply(_)) => {}
            Ok(_) => println!("{}", held(&store)),
            // It goes on by itself.
            Err(error) => eprintln!("{error}"),
        }
    }
}

fn held(store: &Store<Pod>) -> Value {
    let mut all = Map::new();
    for pod in store.state() {
        let spec = pod.spec.as_ref();
        let images: Vec<_> = spec.iter().flat_map(|spec| &spec.containers).map(|it| it.image.clone()).collect();
        let held = json!({
            "version": pod.resource_version(),
            "uid": pod.uid(),
            "labels": pod.labels(),
            "images": images,
            "phase": pod.status.as_ref().and_then(|status| status.phase.clone()),
        });
        all.insert(format!("{}/{}", pod.namespace().unwrap_or_default(), pod.name_any()), held);
    }
    all.into()
}
