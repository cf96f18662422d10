//! `cargo xtask fuzz`: the targets of fuzz/, with a stable compiler.

use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::repo;

/// What to fuzz.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// One target; all of them if it is left out.
    target: Option<String>,
    /// How many inputs each target is given.
    #[arg(long, default_value_t = 100_000)]
    runs: u64,
    /// The same seed gives the same inputs.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Builds fuzz/ and runs what was asked for; every target runs, also after one that failed.
pub fn run(args: Args) -> Result<()> {
    let target_dir = repo::target().join("fuzz");
    let manifest = repo::root().join("fuzz/Cargo.toml");
    let mut build = Command::new("cargo");
    build.args(["build", "--release", "--locked", "--bin", "fuzz", "--manifest-path"]).arg(manifest);
    let status = build.arg("--target-dir").arg(&target_dir).status().context("starting `cargo build`")?;
    ensure!(status.success(), "fuzz/ does not build");

    let program = target_dir.join("release").join("fuzz");
    let listed = Command::new(&program).output().context("listing the targets")?;
    let listed = String::from_utf8_lossy(&listed.stdout);
    let mut targets: Vec<&str> = listed.lines().collect();
    if let Some(wanted) = &args.target {
        targets.retain(|target| target == wanted);
        ensure!(
            !targets.is_empty(),
            "there is no target `{wanted}`, but {}",
            listed.lines().collect::<Vec<_>>().join(", ")
        );
    }
    let (runs, seed) = (args.runs.to_string(), args.seed.to_string());
    let mut failed = Vec::new();
    for target in targets {
        let status = Command::new(&program).args([target, &runs, &seed]).status();
        // A stack that overflows ends the process without a word about the input.
        if !status.with_context(|| format!("running {target}"))?.success() {
            failed.push(target);
        }
    }
    if !failed.is_empty() {
        bail!(
            "failed: {}; the same again: cargo xtask fuzz {} --runs {runs} --seed {seed}",
            failed.join(", "),
            failed[0]
        );
    }
    Ok(())
}
