//! What a cache and its subscribers may rely on, each in a time that does not pass.

mod changes;
mod consistency;
mod handlers;
mod joining;
mod setup;
mod shards;
mod subscriptions;
mod tokens;
mod waiting;

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use k8s_api::core::v1::ConfigMap;

use super::testing::Server;
use super::{Cache, Event, Informer, Subscription};
use crate::client::Client;

fn start(client: &Client) -> Cache<ConfigMap> {
    Informer::new(client.all()).start()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn text(object: &ConfigMap) -> String {
    object.data.get("text").unwrap().to_string()
}

/// An event in a word: `+a=text`, `-a`, `again a=text`, `synced`.
fn word(event: &Event<ConfigMap>) -> String {
    let shown = |object: &ConfigMap| format!("{}={}", object.metadata.name, text(object));
    match event {
        Event::Applied(object) => format!("+{}", shown(object)),
        Event::Deleted(object) => format!("-{}", object.metadata.name),
        Event::Released(object) => format!("~{}", object.metadata.name),
        Event::Redelivered(object) => format!("again {}", shown(object)),
        Event::Synced => "synced".to_owned(),
        Event::Resynced { cause } => format!("resynced {cause:?}"),
    }
}

/// The next events, up to one that reads so.
async fn heard(subscription: &mut Subscription<ConfigMap>, last: &str) -> Vec<String> {
    let mut words = Vec::new();
    while words.last().is_none_or(|word: &String| word != last) {
        words.push(word(&subscription.next().await.expect("more to hear")));
    }
    words
}

fn texts(cache: &Cache<ConfigMap>) -> BTreeMap<String, String> {
    let entry = |object: &ConfigMap| (object.metadata.name.to_string(), text(object));
    cache.snapshot().iter().map(entry).collect()
}

async fn caught_up(cache: &Cache<ConfigMap>, server: &Server) {
    cache.until(|_| texts(cache) == server.texts()).await.unwrap();
}
