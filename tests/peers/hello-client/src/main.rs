//! The smallest program with k8s-client: lists the pods of the cluster and prints their names.

use k8s_api::core::v1::Pod;
use k8s_client::Client;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    for pod in Client::infer()?.all::<Pod>().list().await?.items {
        println!("{}", pod.metadata.name);
    }
    Ok(())
}
