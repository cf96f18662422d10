//! A controller: keeps `data.entries` of every ConfigMap labelled `counted` equal to how many other entries it has, until it is interrupted:
//! `cargo run -p k8s-client --example informer -- web`.

use std::time::Duration;

use futures_util::StreamExt as _;
use k8s_api::core::v1::ConfigMap;
use k8s_client::api::Patch;
use k8s_client::informer::Event;
use k8s_client::{Client, Informer};
use serde_json::json;

#[tokio::main]
async fn main() -> k8s_client::Result<()> {
    let Some(namespace) = std::env::args().nth(1) else {
        eprintln!("in which namespace? NAMESPACE");
        std::process::exit(2);
    };
    let configs = Client::infer()?.namespaced::<ConfigMap>(&namespace);
    let mut informer = Informer::new(configs.clone());
    informer.labels("counted");
    let cache = informer.start();
    // It goes on trying, but somebody should hear why it does not work.
    cache.synced_within(Duration::from_secs(30)).await?;
    println!("{} are counted", cache.snapshot().len());

    // Whatever was missed, by a bug or a failure below, is made good now and then.
    let mut events = cache.subscribe().resync(Duration::from_secs(600));
    while let Some(event) = events.next().await {
        let (Event::Applied(seen) | Event::Redelivered(seen)) = event else { continue };
        // The event may be old: what counts is how it is now.
        let Some(config) = cache.get(&namespace, &seen.metadata.name) else { continue };
        let entries = config.data.keys().filter(|key| *key != "entries").count().to_string();
        if config.data.get("entries").is_some_and(|known| *known == entries) {
            continue;
        }
        let name = config.metadata.name.as_str();
        match configs.patch(name, &Patch::merge(json!({"data": {"entries": entries}}))).await {
            Ok(changed) => {
                println!("{name} has {entries} entries");
                // So that it is not counted once more before this is known here.
                cache.at_least(&configs.token(&changed)?, Duration::from_secs(30)).await?;
            }
            Err(error) => eprintln!("{name}: {error}"),
        }
    }
    Ok(())
}
