//! `cargo xtask bench store`: the store beside what else could hold objects, and what an event costs from bytes to the store.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::fixture;
use crate::repo;

/// What to replay.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A folder that `bench fixture` has filled, if not target/bench/fixture.
    #[arg(long, value_name = "DIR")]
    fixture: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let dir = fixture::find(args.fixture.as_deref());
    bench("store", None)?;
    for list in ["pods", "mixed"] {
        println!("{list}:");
        bench("events", Some(std::path::absolute(dir.join(format!("{list}.json")))?))?;
    }
    Ok(())
}

/// Runs one of the benches of k8s-client, which print their figures themselves.
fn bench(name: &str, list: Option<PathBuf>) -> Result<()> {
    let mut cargo = Command::new("cargo");
    cargo.args(["bench", "--quiet", "--package", "k8s-client", "--bench", name]).current_dir(repo::root());
    cargo.envs(list.map(|list| ("K8S_BENCH_LIST", list)));
    let status = cargo.status().context("starting `cargo bench`")?;
    ensure!(status.success(), "`cargo bench --package k8s-client --bench {name}` failed");
    Ok(())
}
