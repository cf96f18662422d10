//! Copies of k8s-api that differ in one thing, each with the programs that measure it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

use crate::repo;

const GENERATED: &str = "k8s-api/src/generated";

/// k8s-api and the peers, laid out as in this repository, in memory until all is as it should be.
pub(super) struct Copy(BTreeMap<PathBuf, Vec<u8>>);

impl Copy {
    /// One that does not differ yet.
    pub(super) fn new() -> Result<Copy> {
        let mut files = BTreeMap::new();
        for file in repo::files()? {
            if file.starts_with("k8s-api") || file.starts_with("tests/peers") {
                let bytes = read(&file)?;
                files.insert(file, bytes);
            }
        }
        let mut copy = Copy(files);
        copy.replace("Cargo.toml", "Cargo.toml")?;
        let text = String::from_utf8(read(Path::new("Cargo.toml"))?).context("Cargo.toml is not UTF-8")?;
        let members = text.lines().find(|line| line.starts_with("members = "));
        copy.edit("Cargo.toml", members.context("Cargo.toml names no members")?, "members = [\"k8s-api\"]")?;
        Ok(copy)
    }

    /// Replaces a text in a file, which must be there exactly once.
    pub(super) fn edit(&mut self, file: &str, from: &str, to: &str) -> Result<()> {
        let Some(bytes) = self.0.get_mut(Path::new(file)) else { bail!("there is no {file} any more") };
        let text = std::str::from_utf8(bytes).with_context(|| format!("{file} is not UTF-8"))?;
        let count = text.matches(from).count();
        ensure!(
            count == 1,
            "{file} holds `{from}` {count} times: the option that replaces it has to be written anew"
        );
        *bytes = text.replace(from, to).into_bytes();
        Ok(())
    }

    /// Puts a file of this repository in the place of one in the copy.
    pub(super) fn replace(&mut self, file: &str, with: &str) -> Result<()> {
        self.0.insert(file.into(), read(Path::new(with))?);
        Ok(())
    }

    /// Puts other generated files in.
    pub(super) fn generated(&mut self, files: BTreeMap<String, String>) {
        self.0.retain(|path, _| !path.starts_with(GENERATED));
        self.0.extend(
            files.into_iter().map(|(name, text)| (Path::new(GENERATED).join(name), text.into_bytes())),
        );
    }

    /// Writes what differs from the last time: only that is built again.
    pub(super) fn write(&self, dir: &Path) -> Result<()> {
        for (file, bytes) in &self.0 {
            let path = dir.join(file);
            if std::fs::read(&path).is_ok_and(|known| known == *bytes) {
                continue;
            }
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent).with_context(|| format!("creating {}", parent.display()))?;
            }
            std::fs::write(&path, bytes).with_context(|| format!("writing {}", path.display()))?;
        }
        Ok(())
    }
}

fn read(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(repo::root().join(file)).with_context(|| format!("reading {}", file.display()))
}
