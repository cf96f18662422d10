//! `cargo xtask codegen` and `cargo xtask verify-codegen`: one way to the files, to write them or to compare.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use k8s_codegen::{Documents, Kubernetes};
use serde::Deserialize;
use serde_json::Value;

use crate::{repo, specs};

/// APIs of other servers, pinned beside Kubernetes: folders of specs/ with a document, discovery and Go facts each.
const BESIDE: [&str; 1] = ["metrics.k8s.io/v1beta1"];

/// The Go facts of all of them.
fn go_facts(base: &Path) -> Result<String> {
    let mut all = BTreeMap::new();
    for dir in BESIDE.map(|other| specs::dir().join(other)).iter().map(PathBuf::as_path).chain([base]) {
        let facts: BTreeMap<String, Value> = serde_json::from_str(&read(&dir.join("gofacts.json"))?)
            .with_context(|| format!("reading {}", dir.join("gofacts.json").display()))?;
        all.extend(facts);
    }
    Ok(serde_json::to_string(&all)?)
}

/// Small inputs, one generator feature each, with what they give; a test compiles and uses them.
const GOLDEN: &str = "tests/golden";

/// A folder that holds nothing but generated Rust, and what belongs into it.
struct Tree {
    /// Relative to the repository.
    dir: String,
    files: BTreeMap<String, String>,
}

/// The part of a file between two lines that is generated, and what belongs there.
struct Section {
    /// Relative to the repository.
    path: &'static str,
    text: String,
}

const MANIFEST: &str = "k8s-api/Cargo.toml";
const BEGIN: &str = "# One for each API group, from the documents: `cargo xtask codegen` writes what is between these lines.\n";
const END: &str = "# Until here.\n";

impl Section {
    /// The whole file with what belongs there.
    fn file(&self) -> Result<(String, String)> {
        let old = read(&repo::root().join(self.path))?;
        let parts = old.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
        let (before, after) = parts.with_context(|| {
            format!(
                "{} has lost the lines `{}` and `{}`: restore them",
                self.path,
                BEGIN.trim_end(),
                END.trim_end()
            )
        })?;
        let new = format!("{before}{BEGIN}{}{END}{after}", self.text);
        Ok((old, new))
    }
}

/// The features as they stand in a manifest.
fn features(lines: &BTreeMap<String, Vec<String>>) -> String {
    let line = |(name, others): (&String, &Vec<String>)| {
        let short = format!("{name} = {others:?}\n");
        if short.len() <= 120 {
            return short;
        }
        let others: String = others.iter().map(|other| format!("    {other:?},\n")).collect();
        format!("{name} = [\n{others}]\n")
    };
    lines.iter().map(line).collect()
}

fn trees() -> Result<(Vec<Tree>, Section)> {
    let kubernetes = kubernetes(k8s_codegen::LARGE)?;
    let section = Section { path: MANIFEST, text: features(&kubernetes.features.lines()) };
    let mut trees = vec![
        Tree { dir: "k8s-api/src/generated".to_owned(), files: kubernetes.files },
        Tree {
            dir: "tests/conformance/generated".to_owned(),
            files: BTreeMap::from([("calls.rs".to_owned(), kubernetes.calls)]),
        },
        Tree {
            dir: "tests/every/generated".to_owned(),
            files: BTreeMap::from([("mod.rs".to_owned(), kubernetes.every)]),
        },
    ];
    let golden = repo::root().join(GOLDEN);
    let inputs = repo::files_below(&golden)?;
    for input in &inputs {
        let (case, files) = match input.rsplit_once('/') {
            Some((case, "input.json")) => (case, example(&golden.join(input))?),
            Some((case, "crd.yaml")) => (case, custom(&golden.join(input))?),
            _ => continue,
        };
        trees.push(Tree { dir: format!("{GOLDEN}/{case}/generated"), files });
    }
    Ok((trees, section))
}

/// What the documents below `specs/` give.
pub(crate) fn kubernetes(large: usize) -> Result<Kubernetes> {
    let base = specs::documents()?;
    let read_all = |folder: &str| -> Result<BTreeMap<String, String>> {
        let dir = base.join(folder);
        let mut files = BTreeMap::new();
        for name in repo::files_below(&dir)? {
            files.insert(format!("{folder}/{name}"), read(&dir.join(&name))?);
        }
        for other in BESIDE {
            let name = format!("{other}/{folder}.json");
            let text = read(&specs::dir().join(&name))?;
            files.insert(name, text);
        }
        Ok(files)
    };
    let documents = Documents {
        openapi: read_all("openapi")?,
        discovery: read_all("discovery")?,
        go_facts: go_facts(&base)?,
    };
    k8s_codegen::kubernetes(&documents, large).with_context(|| format!("generating from {}", base.display()))
}

/// One input file holds all the documents of an example.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Example {
    kinds: Vec<String>,
    openapi: Value,
    /// Only where the example has paths.
    discovery: Option<Value>,
    go: Value,
}

fn example(path: &Path) -> Result<BTreeMap<String, String>> {
    let generate = || {
        let example: Example = serde_json::from_str(&read(path)?)?;
        let documents = Documents {
            openapi: BTreeMap::from([("input.json".to_owned(), example.openapi.to_string())]),
            discovery: example
                .discovery
                .map(|value| ("discovery.json".to_owned(), value.to_string()))
                .into_iter()
                .collect(),
            go_facts: example.go.to_string(),
        };
        let kinds: Vec<&str> = example.kinds.iter().map(String::as_str).collect();
        k8s_codegen::generate(&documents, &kinds, "k8s_api")
    };
    generate().with_context(|| format!("generating from {}", path.display()))
}

/// An example that is a custom resource definition.
fn custom(path: &Path) -> Result<BTreeMap<String, String>> {
    let files = BTreeMap::from([("crd.yaml".to_owned(), read(path)?)]);
    k8s_codegen::generate_crds(&files, "k8s_api")
        .with_context(|| format!("generating from {}", path.display()))
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

/// Writes every tree; a failure leaves the old ones as they were.
pub fn write() -> Result<()> {
    let (mut count, mut differ) = (0, 0);
    let (trees, section) = trees()?;
    let (old, new) = section.file()?;
    for tree in trees {
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
    if old != new {
        differ += 1;
        let path = repo::root().join(section.path);
        std::fs::write(&path, new).with_context(|| format!("writing {}", path.display()))?;
    }
    println!("{count} generated files, {differ} of them new, changed or gone");
    Ok(())
}

/// Generates in memory and compares.
pub fn verify() -> Result<()> {
    let (mut count, mut lines) = (0, Vec::new());
    let (trees, section) = trees()?;
    for tree in trees {
        count += tree.files.len();
        lines.extend(differences(&tree, &present(&tree)?));
    }
    let (old, new) = section.file()?;
    if old != new {
        lines.push(format!("{}: the generated lines are changed", section.path));
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
