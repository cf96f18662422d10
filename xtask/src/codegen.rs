//! `cargo xtask codegen` and `cargo xtask verify-codegen`: one way to the files, to write them or to compare.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use k8s_codegen::Documents;

use crate::{repo, specs};

/// Where generation starts: these schemas and whatever they refer to.
const KINDS: [&str; 8] = [
    "io.k8s.api.core.v1.Pod",
    "io.k8s.api.core.v1.ConfigMap",
    "io.k8s.api.core.v1.Secret",
    "io.k8s.api.apps.v1.Deployment",
    "io.k8s.api.autoscaling.v1.Scale",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition",
    "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Status",
];

fn root() -> PathBuf {
    repo::root().join("k8s-api/src/generated")
}

fn generate() -> Result<BTreeMap<String, String>> {
    let base = specs::documents()?;
    let read_all = |folder: &str| -> Result<BTreeMap<String, String>> {
        let dir = base.join(folder);
        let mut files = BTreeMap::new();
        for name in repo::files_below(&dir)? {
            files.insert(format!("{folder}/{name}"), read(&dir.join(&name))?);
        }
        Ok(files)
    };
    let documents = Documents {
        openapi: read_all("openapi")?.into_iter().filter(|(name, _)| name.contains("__")).collect(),
        discovery: read_all("discovery")?,
        go_facts: read(&base.join("gofacts.json"))?,
    };
    k8s_codegen::generate(&documents, &KINDS).with_context(|| format!("generating from {}", base.display()))
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

/// Writes the whole tree; a failure leaves the old one as it was.
pub fn write() -> Result<()> {
    let files = generate()?;
    let (old, new) = (root(), root().with_extension("new"));
    repo::remove(&new)?;
    for (name, text) in &files {
        let path = new.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).with_context(|| format!("creating {}", parent.display()))?;
        }
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
    }
    let differ = differences(&files, &present()?).len();
    repo::remove(&old)?;
    std::fs::rename(&new, &old).with_context(|| format!("moving the new tree to {}", old.display()))?;
    println!("{} files, {differ} of them new, changed or gone", files.len());
    Ok(())
}

/// Generates in memory and compares.
pub fn verify() -> Result<()> {
    let files = generate()?;
    let differences = differences(&files, &present()?);
    for line in &differences {
        println!("{line}");
    }
    if !differences.is_empty() {
        bail!("{} generated files differ: run `cargo xtask codegen`", differences.len());
    }
    println!("{} generated files are what the documents give", files.len());
    Ok(())
}

fn present() -> Result<BTreeMap<String, String>> {
    let mut present = BTreeMap::new();
    if root().is_dir() {
        for name in repo::files_below(&root())? {
            let text = read(&root().join(&name))?;
            present.insert(name, text);
        }
    }
    Ok(present)
}

fn differences(wanted: &BTreeMap<String, String>, present: &BTreeMap<String, String>) -> Vec<String> {
    let path = |name: &str| format!("k8s-api/src/generated/{name}");
    let mut lines: Vec<String> = Vec::new();
    for (name, text) in wanted {
        match present.get(name) {
            None => lines.push(format!("{}: missing", path(name))),
            Some(old) if old != text => {
                let line = old.lines().zip(text.lines()).take_while(|(old, new)| old == new).count() + 1;
                lines.push(format!("{}:{line}: changed", path(name)));
            }
            Some(_) => {}
        }
    }
    lines.extend(present.keys().filter(|name| !wanted.contains_key(*name)).map(|name| format!("{}: stale", path(name))));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_difference_is_named() {
        let files = |files: &[(&str, &str)]| files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        let wanted = files(&[("a.rs", "1\n2\n"), ("b.rs", "1\n"), ("c.rs", "1\n")]);
        let present = files(&[("a.rs", "1\nx\n"), ("c.rs", "1\n"), ("d.rs", "1\n")]);
        let lines = differences(&wanted, &present);
        let names = ["a.rs:2: changed", "b.rs: missing", "d.rs: stale"];
        assert_eq!(lines, names.map(|name| format!("k8s-api/src/generated/{name}")));
    }
}
