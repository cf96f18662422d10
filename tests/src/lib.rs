//! What the suites share.

pub mod go;

use std::sync::LazyLock;

use anyhow::Result;
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

/// The examples of the README compile and run with the documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
