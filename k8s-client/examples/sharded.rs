//! One of several replicas that share the ConfigMaps of a namespace: `cargo run -p k8s-client --example sharded -- web`. Started in several
//! places at once, each takes care of its part.

use std::time::Duration;

use k8s_api::core::v1::ConfigMap;
use k8s_client::shard::ShardMap;
use k8s_client::{Client, Informer};

#[tokio::main]
async fn main() -> k8s_client::Result<()> {
    let client = Client::infer()?;
    let namespace = std::env::args().nth(1).unwrap_or_else(|| client.namespace().to_owned());
    let map = ShardMap::builder(&client, "k8s-client-example").namespace(&namespace);
    let map = map.lease(Duration::from_secs(3)).start()?;
    let mut informer = Informer::new(client.namespaced::<ConfigMap>(&namespace));
    informer.sharded(&map);
    let cache = informer.start();

    map.joined().await?;
    cache.synced().await?;
    let status = map.status();
    let replicas =
        if status.members == 1 { "1 replica".to_owned() } else { format!("{} replicas", status.members) };
    println!("{replicas}, and {} shards are ours", status.owned.len());
    for config in cache.snapshot().iter() {
        // The cache follows what is owned; before anything is done, the map is asked.
        if map.owns(config) {
            println!("takes care of {}", config.metadata.name);
        }
    }

    // What is ours is free at once for the others, who would otherwise wait for the leases to run out.
    map.leave().await;
    Ok(())
}
