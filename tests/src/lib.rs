//! What the suites share.

pub mod go;

use std::sync::LazyLock;

use anyhow::Result;
use k8s_client::{Client, Config};
use xtask::cluster::{Cluster, Options};

/// One cluster for the whole test binary; it goes with the process.
pub fn cluster() -> &'static Cluster {
    static SHARED: LazyLock<Result<Cluster>> = LazyLock::new(|| {
        let mut options = Options::test()?;
        options.nodes = 2;
        Cluster::start(options)
    });
    match &*SHARED {
        Ok(cluster) => cluster,
        Err(error) => panic!("the cluster of the tests did not start: {error:#}"),
    }
}

/// A client for the administrator of a cluster.
pub fn client(cluster: &Cluster) -> Client {
    let config = Config::from_kubeconfig(cluster.kubeconfig(), None).and_then(Client::new);
    config.unwrap_or_else(|error| panic!("the kubeconfig of the cluster: {error}"))
}

/// Does what blocks without stopping the runtime.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(value)) => value,
        Ok(Err(error)) => panic!("{error:#}"),
        Err(error) => panic!("{error}"),
    }
}

/// The examples of the README compile and run with the documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
