//! The smallest program with kube: lists the pods of the cluster and prints their names.

use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt as _};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::try_default().await?;
    for pod in Api::<Pod>::all(client).list(&ListParams::default()).await? {
        println!("{}", pod.name_any());
    }
    Ok(())
}
