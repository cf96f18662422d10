//! `cargo xtask deps`: licences, bans, sources and known advisories of every dependency, by the deny.toml that the
//! public workflow gives to cargo-deny. This one needs no program and no network beyond Cargo's own.

mod advisories;
mod bans;
mod config;
mod licenses;
mod sources;
pub(crate) mod tree;

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail};

use crate::repo;
use config::{Config, Level};
use tree::{Origin, Tree};

/// Checks the dependencies of this repository, and prints what it checked.
pub fn run() -> Result<()> {
    let config = Config::parse(&read("deny.toml")?)?;
    let known = advisories::parse(&read(".ci/advisories.toml")?)?;
    let tree = Tree::load()?;

    let mut failures = licenses::check(&tree, &config.licenses)?;
    failures.extend(bans::check(&tree, &config.bans));
    failures.extend(sources::check(&tree));
    failures.extend(advisories::check(&tree, &known, &config.advisories.ignore));

    let registry = tree.packages.iter().filter(|package| package.origin == Origin::Registry).count();
    let expressions: BTreeSet<_> =
        tree.packages.iter().filter_map(|package| package.license.as_ref()).collect();
    let duplicates = bans::duplicates(&tree, &config.bans);
    println!("packages: {}, {registry} of them from the default registry", tree.packages.len());
    println!("licences: {} expressions, {} licences allowed", expressions.len(), config.licenses.allow.len());
    println!("bans: {} rules", config.bans.deny.len());
    println!("duplicates: {}", duplicates.len());
    println!("advisories: {} known, {} ignored", known.len(), config.advisories.ignore.len());
    match config.bans.multiple_versions {
        Level::Allow => {}
        Level::Warn => duplicates.iter().for_each(|line| println!("warning: several versions of {line}")),
        Level::Deny => failures.extend(duplicates.iter().map(|line| format!("several versions of {line}"))),
    }

    failures.iter().for_each(|failure| println!("error: {failure}"));
    if !failures.is_empty() {
        bail!("the dependencies break the rules of deny.toml; errors: {}", failures.len());
    }
    Ok(())
}

fn read(path: &str) -> Result<String> {
    std::fs::read_to_string(repo::root().join(path)).with_context(|| format!("reading {path}"))
}
