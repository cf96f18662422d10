//! Lists pods, of one namespace or of all: `cargo run -p k8s-client --example list -- web`.

use futures_util::TryStreamExt as _;
use k8s_api::core::v1::Pod;
use k8s_client::Client;

#[tokio::main]
async fn main() -> k8s_client::Result<()> {
    let client = Client::infer()?;
    let list = match std::env::args().nth(1) {
        Some(namespace) => client.namespaced::<Pod>(&namespace).list(),
        None => client.all::<Pod>().list(),
    };
    // Page by page, however many there are.
    let mut pods = list.items();
    while let Some(pod) = pods.try_next().await? {
        println!("{}/{} is {}", pod.metadata.namespace, pod.metadata.name, pod.status.phase.as_str());
    }
    Ok(())
}
