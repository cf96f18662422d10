//! Runs an example of the client, built with its server in memory: this crate knows neither.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::repo;

/// Becomes the example, so that Ctrl-C and the exit code are its own. Comes back only if it can't.
pub(crate) fn run(name: &str, arguments: impl IntoIterator<Item = OsString>) -> Result<()> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["run", "--quiet", "--package", "k8s-client", "--features", "testing", "--example", name]);
    cargo.arg("--manifest-path").arg(repo::root().join("Cargo.toml")).arg("--").args(arguments);
    Err(cargo.exec()).context("starting cargo")
}
