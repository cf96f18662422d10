//! The measured programs: packages of their own below `tests/peers`, built with what their users get by default.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::repo;

/// Where everything that is made for a measurement goes.
pub(super) fn target() -> PathBuf {
    repo::target().join("bench")
}

/// Builds packages of a workspace such as `tests/peers`, and returns the folder of their programs.
pub(super) fn cargo(workspace: &Path, target: &Path, packages: &[&str]) -> Result<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--quiet", "--locked", "--target-dir"]).arg(target);
    for package in packages {
        cargo.args(["--package", package]);
    }
    succeed(cargo.current_dir(workspace))?;
    Ok(target.join("release"))
}

/// The folder of the peers.
pub(super) fn peers() -> PathBuf {
    repo::root().join("tests/peers")
}

/// Builds a peer in Go; `Err` says why it can't be.
pub(super) fn go(name: &str) -> Result<PathBuf> {
    let program = target().join(name);
    let mut go = Command::new("go");
    go.args(["build", "-trimpath", "-mod=readonly", "-buildvcs=false", "-o"]).arg(&program).arg(".");
    go.current_dir(peers().join(name)).env("GOWORK", "off").env("CGO_ENABLED", "0");
    succeed(&mut go).with_context(|| format!("building tests/peers/{name} needs Go"))?;
    Ok(program)
}

/// Runs a measured program, which prints one line of JSON.
pub(super) fn run(command: &mut Command) -> Result<Value> {
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("starting {}", shown(command)))?;
    ensure!(output.status.success(), "{} failed", shown(command));
    serde_json::from_slice(&output.stdout).with_context(|| format!("{} printed no JSON", shown(command)))
}

/// A number that a program printed.
pub(super) fn figure(answer: &Value, name: &str) -> Result<f64> {
    answer[name].as_f64().with_context(|| format!("a program did not say its {name}: {answer}"))
}

/// Runs a command that has to succeed; what it prints is shown when it does not.
pub(super) fn succeed(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("starting {}", shown(command)))?;
    if !output.status.success() {
        bail!("{} failed:\n{}", shown(command), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
