//! Copies of k8s-api that differ in one thing, each with the programs that measure it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::repo;

/// A copy below `target/bench`, laid out as this repository is.
pub(super) struct Copy {
    pub(super) dir: PathBuf,
}

impl Copy {
    /// A fresh one of k8s-api and the peers.
    pub(super) fn new(dir: PathBuf) -> Result<Copy> {
        for folder in ["k8s-api", "tests"] {
            repo::remove(&dir.join(folder))?;
        }
        for file in repo::files()? {
            if file.starts_with("k8s-api") || file.starts_with("tests/peers") {
                let bytes = std::fs::read(repo::root().join(&file));
                let bytes = bytes.with_context(|| format!("reading {}", file.display()))?;
                write(&dir.join(file), &bytes)?;
            }
        }
        let root = std::fs::read_to_string(repo::root().join("Cargo.toml")).context("reading Cargo.toml")?;
        let members = |line: &str| {
            if line.starts_with("members = ") {
                "members = [\"k8s-api\"]".to_owned()
            } else {
                line.to_owned()
            }
        };
        let root: Vec<String> = root.lines().map(members).collect();
        write(&dir.join("Cargo.toml"), root.join("\n").as_bytes())?;
        Ok(Copy { dir })
    }

    /// Replaces a text in a file, which must be there exactly once.
    pub(super) fn edit(&self, file: &str, from: &str, to: &str) -> Result<()> {
        let path = self.dir.join(file);
        let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let count = text.matches(from).count();
        ensure!(
            count == 1,
            "{file} holds `{from}` {count} times: the option that replaces it has to be written anew"
        );
        write(&path, text.replace(from, to).as_bytes())
    }

    /// Puts a file of this repository in the place of one in the copy.
    pub(super) fn replace(&self, file: &str, with: &str) -> Result<()> {
        let bytes = std::fs::read(repo::root().join(with)).with_context(|| format!("reading {with}"))?;
        write(&self.dir.join(file), &bytes)
    }

    /// Puts other generated files in.
    pub(super) fn generated(&self, files: &BTreeMap<String, String>) -> Result<()> {
        let dir = self.dir.join("k8s-api/src/generated");
        repo::remove(&dir)?;
        files.iter().try_for_each(|(name, text)| write(&dir.join(name), text.as_bytes()))
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).with_context(|| format!("creating {}", parent.display()))?;
    }
    std::fs::write(path, bytes).with_context(|| format!("writing {}", path.display()))
}
