//! `cargo xtask codegen` and `cargo xtask verify-codegen`: one way to the files, to write them or to compare.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use k8s_codegen::Documents;
use serde::Deserialize;
use serde_json::Value;

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

/// Small inputs, one generator feature each, with what they give; a test compiles and uses them.
const GOLDEN: &str = "tests/golden";

/// A folder that holds nothing but generated Rust, and what belongs into it.
struct Tree {
    /// Relative to the repository.
    dir: String,
    files: BTreeMap<String, String>,
}

fn trees() -> Result<Vec<Tree>> {
    let mut trees = vec![Tree { dir: "k8s-api/src/generated".to_owned(), files: kubernetes()? }];
    let golden = repo::root().join(GOLDEN);
    let inputs = repo::files_below(&golden)?;
    for case in inputs.iter().filter_map(|file| file.strip_suffix("/input.json")) {
        let files = example(&golden.join(case).join("input.json"))?;
        trees.push(Tree { dir: format!("{GOLDEN}/{case}/generated"), files });
    }
    Ok(trees)
}

fn kubernetes() -> Result<BTreeMap<String, String>> {
    kubernetes_boxing(k8s_codegen::LARGE)
}

/// The files of k8s-api with optional structs boxed above another limit, to measure what that costs.
pub(crate) fn kubernetes_boxing(large: usize) -> Result<BTreeMap<String, String>> {
    k8s_codegen::generate_boxing(&documents()?, &KINDS, "crate", large)
        .context("generating from the documents below specs/")
}

/// The pinned documents.
fn documents() -> Result<Documents> {
    let base = specs::documents()?;
    let read_all = |folder: &str| -> Result<BTreeMap<String, String>> {
        let dir = base.join(folder);
        let mut files = BTreeMap::new();
        for name in repo::files_below(&dir)? {
            files.insert(format!("{folder}/{name}"), read(&dir.join(&name))?);
        }
        Ok(files)
    };
    Ok(Documents {
        // Without a group and version there are no schemas, only lists of paths.
        openapi: read_all("openapi")?.into_iter().filter(|(name, _)| name.contains("__")).collect(),
        discovery: read_all("discovery")?,
        go_facts: read(&base.join("gofacts.json"))?,
    })
}

/// One input file holds all the documents of an example.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Example {
    kinds: Vec<String>,
    openapi: Value,
    go: Value,
}

fn example(path: &Path) -> Result<BTreeMap<String, String>> {
    let generate = || {
        let example: Example = serde_json::from_str(&read(path)?)?;
        let documents = Documents {
            openapi: BTreeMap::from([("input.json".to_owned(), example.openapi.to_string())]),
            discovery: BTreeMap::new(),
            go_facts: example.go.to_string(),
        };
        let kinds: Vec<&str> = example.kinds.iter().map(String::as_str).collect();
        k8s_codegen::generate(&documents, &kinds, "k8s_api")
    };
    generate().with_context(|| format!("generating from {}", path.display()))
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

/// Writes every tree; a failure leaves the old ones as they were.
pub fn write() -> Result<()> {
    let (mut count, mut differ) = (0, 0);
    for tree in trees()? {
        let lines = differences(&tree, &present(&tree)?);
        (count, differ) = (count + tree.files.len(), differ + lines.len());
        if lines.is_empty() {
            continue;
        }
        let old = repo::root().join(&tree.dir);
        let new = old.with_extension("new");
        repo::remove(&new)?;
        for (name, text) in &tree.files {
            let path = new.join(name);
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent).with_context(|| format!("creating {}", parent.display()))?;
            }
            std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        }
        repo::remove(&old)?;
        std::fs::rename(&new, &old).with_context(|| format!("moving the new tree to {}", old.display()))?;
    }
    println!("{count} generated files, {differ} of them new, changed or gone");
    Ok(())
}

/// Generates in memory and compares.
pub fn verify() -> Result<()> {
    let (mut count, mut lines) = (0, Vec::new());
    for tree in trees()? {
        count += tree.files.len();
        lines.extend(differences(&tree, &present(&tree)?));
    }
    for line in &lines {
        println!("{line}");
    }
    if !lines.is_empty() {
        bail!("{} generated files differ: run `cargo xtask codegen`", lines.len());
    }
    println!("{count} generated files are what the documents give");
    Ok(())
}

fn present(tree: &Tree) -> Result<BTreeMap<String, String>> {
    let dir = repo::root().join(&tree.dir);
    let mut present = BTreeMap::new();
    if dir.is_dir() {
        for name in repo::files_below(&dir)? {
            let text = read(&dir.join(&name))?;
            present.insert(name, text);
        }
    }
    Ok(present)
}

fn differences(tree: &Tree, present: &BTreeMap<String, String>) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (name, text) in &tree.files {
        match present.get(name) {
            None => lines.push(format!("{}/{name}: missing", tree.dir)),
            Some(old) if old != text => {
                let line = old.lines().zip(text.lines()).take_while(|(old, new)| old == new).count() + 1;
                lines.push(format!("{}/{name}:{line}: changed", tree.dir));
            }
            Some(_) => {}
        }
    }
    let stale = present.keys().filter(|name| !tree.files.contains_key(*name));
    lines.extend(stale.map(|name| format!("{}/{name}: stale", tree.dir)));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_difference_is_named() {
        let files = |files: &[(&str, &str)]| {
            files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
        };
        let files_wanted = files(&[("a.rs", "1\n2\n"), ("b.rs", "1\n"), ("c.rs", "1\n")]);
        let present = files(&[("a.rs", "1\nx\n"), ("c.rs", "1\n"), ("d.rs", "1\n")]);
        let lines = differences(&Tree { dir: "dir".to_owned(), files: files_wanted }, &present);
        assert_eq!(lines, ["dir/a.rs:2: changed", "dir/b.rs: missing", "dir/d.rs: stale"]);
    }
}
