//! `cargo xtask specs`: the pinned documents of Kubernetes below `specs/`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::cluster::{Cluster, Gates, Options, Version, pins_dir};
use crate::repo;

/// The pinned documents of Kubernetes.
#[derive(Debug, Subcommand)]
pub enum Specs {
    /// Check every file below specs/ against its checksum in specs/pin.toml.
    Verify,
    /// Renew the documents from the server that `cargo xtask cluster build` makes.
    Update {
        /// The Kubernetes release.
        #[arg(long, value_name = "V", default_value = Version::DEFAULT)]
        version: String,
    },
}

impl Specs {
    pub(crate) fn run(self) -> Result<()> {
        match self {
            Specs::Verify => verify(),
            Specs::Update { version } => update(&Version::pinned(&version)?),
        }
    }
}

/// `specs/pin.toml`.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Pin {
    /// The release that the documents are of.
    kubernetes: String,
    /// The Go modules that they come from.
    modules: BTreeMap<String, String>,
    files: BTreeMap<String, Pinned>,
}

#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
struct Pinned {
    source: String,
    sha256: String,
}

const PIN: &str = "pin.toml";
const MODULES: [&str; 4] =
    ["k8s.io/api", "k8s.io/apimachinery", "k8s.io/apiextensions-apiserver", "k8s.io/kube-aggregator"];

pub(crate) fn dir() -> PathBuf {
    repo::root().join("specs")
}

/// The folder of the pinned release.
pub(crate) fn documents() -> Result<PathBuf> {
    Ok(dir().join("kubernetes").join(read_pin()?.kubernetes))
}

/// The pin, or an empty one before the first update.
fn read_pin() -> Result<Pin> {
    let path = dir().join(PIN);
    match std::fs::read_to_string(&path) {
        Ok(text) => toml::from_str(&text).with_context(|| format!("reading {}", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Pin::default()),
        Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
    }
}

fn checksum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn verify() -> Result<()> {
    let pin = read_pin()?;
    let mut files = BTreeMap::new();
    for path in repo::files_below(&dir())? {
        let bytes = std::fs::read(dir().join(&path)).with_context(|| format!("reading specs/{path}"))?;
        files.insert(path, checksum(&bytes));
    }
    files.remove(PIN);
    let wrong = compare(&pin.files, &files);
    for line in &wrong {
        println!("{line}");
    }
    if !wrong.is_empty() {
        bail!(
            "{} files below specs/ are not as pinned: restore them with `git checkout specs`, or renew all of them with \
             `cargo xtask specs update --version {}`",
            wrong.len(),
            pin.kubernetes
        );
    }
    println!("{} files below specs/ are as pinned: Kubernetes {}", files.len(), pin.kubernetes);
    Ok(())
}

fn compare(pinned: &BTreeMap<String, Pinned>, files: &BTreeMap<String, String>) -> Vec<String> {
    let names: BTreeSet<&String> = pinned.keys().chain(files.keys()).collect();
    let compare = |name: &String| match (pinned.get(name), files.get(name)) {
        (Some(_), None) => Some(format!("specs/{name}: missing")),
        (None, Some(_)) => Some(format!("specs/{name}: not in specs/{PIN}")),
        (Some(pin), Some(sha256)) if pin.sha256 != *sha256 => Some(format!("specs/{name}: changed")),
        _ => None,
    };
    names.into_iter().filter_map(compare).collect()
}

fn update(version: &Version) -> Result<()> {
    let mut options = Options::test()?;
    options.version = version.clone();
    options.gates = Gates::All;
    options.only_api = true;
    let cluster = Cluster::start(options)?;

    // Text by path below `specs/`, and where it comes from.
    let mut documents: BTreeMap<String, (String, String)> = BTreeMap::new();
    let base = format!("kubernetes/{version}");
    let server = format!("kube-apiserver {version}, all gates and APIs on");
    let index = cluster.api().get("/openapi/v3")?;
    let paths = index["paths"].as_object().context("GET /openapi/v3 lists no paths")?;
    for (path, entry) in paths {
        let url = entry["serverRelativeURL"]
            .as_str()
            .with_context(|| format!("GET /openapi/v3 has no URL for {path}"))?;
        let name = format!("{base}/openapi/{}.json", path.trim_start_matches('.').replace('/', "__"));
        documents
            .insert(name, (pretty(&cluster.api().get(url)?)?, format!("{server}, GET /openapi/v3/{path}")));
    }
    for path in ["api", "apis"] {
        let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
        let found = cluster.api().get_as(&format!("/{path}"), accept)?;
        let source = format!("{server}, GET /{path} as aggregated discovery v2");
        documents.insert(format!("{base}/discovery/{path}.json"), (pretty(&found)?, source));
    }
    let modules = modules(version)?;
    documents.insert(
        format!("{base}/gofacts.json"),
        (pretty(&go_facts(&modules)?)?, "xtask/go-facts over the modules above".to_owned()),
    );

    let mut pin = read_pin()?;
    pin.kubernetes = version.to_string();
    pin.modules = modules.iter().map(|module| (module.path.clone(), module.version.clone())).collect();
    // What is not of Kubernetes itself was pinned by hand, and stays.
    pin.files.retain(|name, _| !name.starts_with("kubernetes/"));
    for (name, (text, source)) in &documents {
        pin.files.insert(name.clone(), Pinned { source: source.clone(), sha256: checksum(text.as_bytes()) });
    }
    write_all(&documents, &pin)?;
    println!(
        "specs/ holds the {} documents of Kubernetes {version}; next: cargo xtask codegen",
        documents.len()
    );
    Ok(())
}

/// Sorted keys and a line for each value, so that the difference between two releases can be read.
fn pretty(value: &Value) -> Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// Writes the new tree beside the old one and swaps the two, so that a failure leaves the old one whole.
fn write_all(documents: &BTreeMap<String, (String, String)>, pin: &Pin) -> Result<()> {
    let (old, new) = (dir().join("kubernetes"), dir().join("kubernetes.new"));
    repo::remove(&new)?;
    for (name, (text, _)) in documents {
        let path = new.join(name.strip_prefix("kubernetes/").unwrap_or(name));
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).with_context(|| format!("creating {}", parent.display()))?;
        }
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
    }
    repo::remove(&old)?;
    std::fs::rename(&new, &old).with_context(|| format!("moving the new documents to {}", old.display()))?;
    let path = dir().join(PIN);
    let head = "# Where the documents come from. `cargo xtask specs update` writes this file; `cargo xtask specs verify` checks it.\n\n";
    std::fs::write(&path, format!("{head}{}", toml::to_string(pin)?))
        .with_context(|| format!("writing {}", path.display()))
}

/// A Go module as the pin of a release resolves it.
#[derive(Debug)]
struct Module {
    path: String,
    version: String,
    dir: PathBuf,
}

fn modules(version: &Version) -> Result<Vec<Module>> {
    let mut go = Command::new("go");
    go.args(["list", "-mod=readonly", "-m", "-f", "{{.Path}} {{.Replace.Version}} {{.Dir}}"]).args(MODULES);
    go.current_dir(pins_dir().join(format!("kubernetes-{version}")));
    let text = output(&mut go)?;
    let module = |line: &str| {
        let mut parts = line.splitn(3, ' ').map(str::to_owned);
        Some(Module { path: parts.next()?, version: parts.next()?, dir: parts.next()?.into() })
    };
    text.lines().map(|line| module(line).with_context(|| format!("`go list` printed `{line}`"))).collect()
}

fn go_facts(modules: &[Module]) -> Result<Value> {
    let mut go = Command::new("go");
    go.args(["run", "."]).current_dir(repo::root().join("xtask/go-facts"));
    for module in modules {
        for folder in go_packages(module)? {
            go.arg(format!("{}/{folder}={}", module.path, module.dir.join(&folder).display()));
        }
    }
    serde_json::from_str(&output(&mut go)?).context("go-facts did not print JSON")
}

/// The packages of a module that hold API types.
fn go_packages(module: &Module) -> Result<Vec<String>> {
    let own = match module.path.as_str() {
        "k8s.io/api" => {
            let files = repo::files_below(&module.dir)?;
            let packages = files.iter().filter_map(|file| file.strip_suffix("/types.go")).map(str::to_owned);
            return Ok(packages.collect());
        }
        "k8s.io/apimachinery" => {
            &["pkg/apis/meta/v1", "pkg/runtime", "pkg/util/intstr", "pkg/api/resource", "pkg/version"][..]
        }
        "k8s.io/apiextensions-apiserver" => &["pkg/apis/apiextensions/v1"][..],
        _ => &["pkg/apis/apiregistration/v1"][..],
    };
    Ok(own.iter().map(|&folder| folder.to_owned()).collect())
}

fn output(command: &mut Command) -> Result<String> {
    let output =
        command.output().context("renewing the documents needs Go: install Go 1.26 or later from go.dev")?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    String::from_utf8(output.stdout).context("what Go printed is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_difference_is_named() {
        let pinned = |sha256: &str| Pinned { source: String::new(), sha256: sha256.to_owned() };
        let pin = BTreeMap::from([
            ("a".to_owned(), pinned("1")),
            ("b".to_owned(), pinned("2")),
            ("c".to_owned(), pinned("3")),
        ]);
        let files = BTreeMap::from(
            [("a", "1"), ("b", "x"), ("d", "4")].map(|(name, sum)| (name.to_owned(), sum.to_owned())),
        );
        assert_eq!(
            compare(&pin, &files),
            ["specs/b: changed", "specs/c: missing", "specs/d: not in specs/pin.toml"]
        );
    }
}
