//! What the suites share.

pub mod go;

use std::sync::LazyLock;

use anyhow::Result;
use k8s_client::{Client, Config};
use xtask::cluster::{Cluster, Gates, Options};

/// One cluster for the whole test binary; it goes with the process.
pub fn cluster() -> &'static Cluster {
    static SHARED: LazyLock<Result<Cluster>> = LazyLock::new(|| {
        let mut options = options()?;
        options.nodes = 2 + pods() / 1500;
        Cluster::start(options)
    });
    match &*SHARED {
        Ok(cluster) => cluster,
        Err(error) => panic!("the cluster of the tests did not start: {error:#}"),
    }
}

/// A cluster for a test, with the gates that this run is about: `K8S_TEST_GATES=all` is what `cargo xtask test` runs second.
pub fn options() -> Result<Options> {
    let mut options = Options::test()?;
    if std::env::var_os("K8S_TEST_GATES").is_some_and(|gates| gates == "all") {
        options.gates = Gates::All;
    }
    Ok(options)
}

/// How many pods the server is filled with; `K8S_TEST_PODS=10000` is the long run.
pub fn pods() -> usize {
    std::env::var("K8S_TEST_PODS").ok().and_then(|count| count.parse().ok()).unwrap_or(60)
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
