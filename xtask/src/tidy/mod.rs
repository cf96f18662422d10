//! `cargo xtask tidy`: what must hold in this repository and no compiler checks. Every check is a function from files,
//! or from the dependency tree, to violations; all of them run before the command fails.

mod commands;
mod generated;
mod layers;
mod lines;
mod manifests;
mod markdown;
mod modules;
mod traces;

use std::fmt;

use anyhow::{Context as _, Result, bail};

use crate::deps::tree::{Package, Tree};
use crate::repo;

/// Something that must not be in the repository, and what to do about it.
#[derive(Debug)]
struct Violation {
    path: String,
    line: usize,
    what: String,
    fix: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}; {}", self.path, self.line, self.what, self.fix)
    }
}

/// A file that git tracks or would add.
struct File {
    /// Relative to the repository, with `/`.
    path: String,
    /// `None` when it is not UTF-8.
    text: Option<String>,
}

impl File {
    fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }

    fn violation(&self, line: usize, what: impl Into<String>, fix: impl Into<String>) -> Violation {
        Violation { path: self.path.clone(), line, what: what.into(), fix: fix.into() }
    }

    /// The number of the first line that contains `needle`, or the first.
    fn line_of(&self, needle: &str) -> usize {
        self.text().lines().position(|line| line.contains(needle)).map_or(1, |index| index + 1)
    }
}

/// Checks the repository, and prints its hand-written lines when all holds.
pub fn run() -> Result<()> {
    let files = load()?;
    let tree = Tree::load()?;
    let members: Vec<&str> = tree.packages.iter().filter_map(Package::manifest).collect();
    let violations: Vec<Violation> = [
        layers::check(&tree, &files),
        modules::check(&files),
        generated::check(&files),
        traces::check(&files),
        commands::check(&files),
        manifests::check(&files, &members),
    ]
    .into_iter()
    .flatten()
    .collect();
    violations.iter().for_each(|violation| println!("{violation}"));
    if !violations.is_empty() {
        bail!("the repository's rules do not hold; violations: {}", violations.len());
    }
    lines::print(&files, &tree)
}

fn load() -> Result<Vec<File>> {
    let read = |path: std::path::PathBuf| {
        let bytes =
            std::fs::read(repo::root().join(&path)).with_context(|| format!("reading {}", path.display()))?;
        let path = path.to_string_lossy().replace('\\', "/");
        Ok(File { path, text: String::from_utf8(bytes).ok() })
    };
    repo::files()?.into_iter().map(read).collect()
}

#[cfg(test)]
fn file(path: &str, text: &str) -> File {
    File { path: path.to_owned(), text: Some(text.to_owned()) }
}

/// `path:line` of every violation.
#[cfg(test)]
fn places(violations: &[Violation]) -> Vec<String> {
    violations.iter().map(|violation| format!("{}:{}", violation.path, violation.line)).collect()
}
