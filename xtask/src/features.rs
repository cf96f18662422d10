//! `cargo xtask features`: the crates compile without a warning with each feature alone, with none, and with all.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::repo;

#[derive(Deserialize)]
struct Manifest {
    features: BTreeMap<String, Vec<String>>,
}

/// Checks every combination that is promised; what others there are only adds to these.
pub fn run() -> Result<()> {
    let path = repo::root().join("k8s-api/Cargo.toml");
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let manifest: Manifest =
        toml::from_str(&text).with_context(|| format!("{} has no features", path.display()))?;
    let mut checks = vec![vec!["k8s-api"], vec!["k8s-api", "--all-features"]];
    checks.push(vec!["k8s-api", "--no-default-features"]);
    checks.push(vec!["k8s-client", "--no-default-features"]);
    checks.push(vec!["k8s-client", "--no-default-features", "--features", "testing"]);
    for feature in manifest.features.keys().filter(|feature| *feature != "default") {
        checks.push(vec!["k8s-api", "--no-default-features", "--features", feature]);
    }
    let mut failed = Vec::new();
    for check in &checks {
        let output = Command::new(env!("CARGO"))
            .args(["check", "--quiet", "--lib", "--package"])
            .args(check)
            .current_dir(repo::root())
            .output()
            .context("running cargo")?;
        // A warning is as bad: an import that nothing uses, or a type that nobody can name.
        if !output.status.success() || !output.stderr.is_empty() {
            let line = format!("cargo check --lib --package {}", check.join(" "));
            println!("{}\nin `{line}`\n", String::from_utf8_lossy(&output.stderr).trim());
            failed.push(line);
        }
    }
    if !failed.is_empty() {
        bail!("{} of {} checks failed:\n  {}", failed.len(), checks.len(), failed.join("\n  "));
    }
    println!("{} sets of features compile", checks.len());
    Ok(())
}
