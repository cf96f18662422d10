//! `cargo xtask bench server`: the API server in memory, filled and watched. A bench of the client is what runs: this crate knows neither.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::repo;

pub(super) fn run() -> Result<()> {
    let mut cargo = Command::new("cargo");
    cargo.args(["bench", "--quiet", "--package", "k8s-client", "--features", "testing", "--bench", "server"]);
    let status = cargo.current_dir(repo::root()).status().context("starting `cargo bench`")?;
    ensure!(status.success(), "`cargo bench --package k8s-client --features testing --bench server` failed");
    Ok(())
}
