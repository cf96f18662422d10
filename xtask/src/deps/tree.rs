//! `cargo metadata` reduced to what the checks read, so that a test can write a tree by hand.

use std::collections::{HashMap, VecDeque};

use anyhow::{Context as _, Result};
pub(crate) use cargo_metadata::DependencyKind as Kind;
use cargo_metadata::{CargoOpt, MetadataCommand};
use semver::Version;

use crate::repo;

/// Every package that some feature, target or kind of dependency of the workspace brings in.
pub(crate) struct Tree {
    pub(crate) packages: Vec<Package>,
}

pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: Version,
    pub(crate) license: Option<String>,
    pub(crate) origin: Origin,
    pub(crate) edges: Vec<Edge>,
}

#[derive(PartialEq)]
pub(crate) enum Origin {
    /// A crate of this workspace, with its manifest relative to the repository.
    Member {
        manifest: String,
    },
    /// Cargo's default registry.
    Registry,
    Other(String),
}

/// One package's dependency on another, an index into [`Tree::packages`].
pub(crate) struct Edge {
    pub(crate) to: usize,
    pub(crate) kinds: Vec<Kind>,
}

impl Tree {
    /// The tree of this repository's Cargo.lock.
    pub(crate) fn load() -> Result<Self> {
        let metadata = MetadataCommand::new()
            .manifest_path(repo::root().join("Cargo.toml"))
            .features(CargoOpt::AllFeatures)
            .other_options(["--locked".to_owned()])
            .exec()
            .context("reading the dependency tree; when Cargo.lock is behind a manifest, run `cargo update --workspace` and commit it")?;
        let index: HashMap<_, _> = metadata.packages.iter().enumerate().map(|(i, p)| (&p.id, i)).collect();
        let mut packages: Vec<Package> = metadata
            .packages
            .iter()
            .map(|package| Package {
                name: package.name.to_string(),
                version: package.version.clone(),
                license: package.license.clone(),
                origin: match &package.source {
                    Some(source) if source.is_crates_io() => Origin::Registry,
                    Some(source) => Origin::Other(source.to_string()),
                    None if metadata.workspace_members.contains(&package.id) => Origin::Member {
                        manifest: relative(package.manifest_path.as_str(), metadata.workspace_root.as_str()),
                    },
                    None => Origin::Other(relative(
                        package.manifest_path.as_str(),
                        metadata.workspace_root.as_str(),
                    )),
                },
                edges: Vec::new(),
            })
            .collect();
        let resolve = metadata.resolve.context("`cargo metadata` gave no dependency graph")?;
        for node in &resolve.nodes {
            let edges = node.deps.iter().filter_map(|dep| {
                Some(Edge {
                    to: *index.get(&dep.pkg)?,
                    kinds: dep.dep_kinds.iter().map(|info| info.kind).collect(),
                })
            });
            if let Some(&from) = index.get(&node.id) {
                packages[from].edges = edges.collect();
            }
        }
        Ok(Self { packages })
    }

    /// The shortest way from one of `starts` along the edges that `follow` accepts to a package that `goal` accepts.
    pub(crate) fn way(
        &self,
        starts: &[usize],
        follow: impl Fn(usize, &Edge) -> bool,
        goal: impl Fn(&Package) -> bool,
    ) -> Option<Vec<&Package>> {
        let mut came_from: HashMap<usize, Option<usize>> =
            starts.iter().map(|&start| (start, None)).collect();
        let mut queue: VecDeque<usize> = starts.iter().copied().collect();
        while let Some(here) = queue.pop_front() {
            if goal(&self.packages[here]) {
                let mut way: Vec<_> = std::iter::successors(Some(here), |at| *came_from.get(at)?)
                    .map(|at| &self.packages[at])
                    .collect();
                way.reverse();
                return Some(way);
            }
            for edge in self.packages[here].edges.iter().filter(|edge| follow(here, edge)) {
                came_from.entry(edge.to).or_insert_with(|| {
                    queue.push_back(edge.to);
                    Some(here)
                });
            }
        }
        None
    }

    /// How a package got into the tree, for a message.
    pub(crate) fn origin_of(&self, package: &Package) -> String {
        let members: Vec<usize> =
            (0..self.packages.len()).filter(|&i| self.packages[i].manifest().is_some()).collect();
        let way = self.way(&members, |_, _| true, |p| std::ptr::eq(p, package));
        way.map_or_else(|| package.to_string(), |way| arrows(&way))
    }
}

impl Package {
    /// The manifest of a crate of this workspace.
    pub(crate) fn manifest(&self) -> Option<&str> {
        match &self.origin {
            Origin::Member { manifest } => Some(manifest),
            _ => None,
        }
    }
}

impl std::fmt::Display for Package {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

/// `a 1.0.0 -> b 2.0.0`.
pub(crate) fn arrows(way: &[&Package]) -> String {
    way.iter().map(|package| package.to_string()).collect::<Vec<_>>().join(" -> ")
}

fn relative(path: &str, root: &str) -> String {
    path.strip_prefix(root).unwrap_or(path).trim_start_matches(['/', '\\']).replace('\\', "/")
}

#[cfg(test)]
impl Tree {
    /// A tree from lines such as `a 1.0.0 MIT: b, c(dev)`; the first line is the workspace's only crate.
    pub(crate) fn of(lines: &[&str]) -> Self {
        let names: Vec<&str> = lines.iter().map(|line| line.split(' ').next().unwrap()).collect();
        let parse = |(i, line): (usize, &&str)| {
            let (head, deps) = line.split_once(':').unwrap_or((line, ""));
            let mut words = head.splitn(3, ' ');
            let name = words.next().unwrap().to_owned();
            let edge = |dep: &str| {
                let (dep, kind) = match dep.split_once('(') {
                    Some((dep, "dev)")) => (dep, Kind::Development),
                    Some((dep, "build)")) => (dep, Kind::Build),
                    _ => (dep, Kind::Normal),
                };
                Edge { to: names.iter().position(|name| *name == dep).unwrap(), kinds: vec![kind] }
            };
            Package {
                origin: match i {
                    0 => Origin::Member { manifest: format!("{name}/Cargo.toml") },
                    _ => Origin::Registry,
                },
                name,
                version: words.next().unwrap().parse().unwrap(),
                license: words.next().map(str::to_owned),
                edges: deps.split(',').map(str::trim).filter(|dep| !dep.is_empty()).map(edge).collect(),
            }
        };
        Self { packages: lines.iter().enumerate().map(parse).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::Tree;

    #[test]
    fn the_shortest_way_in_is_named() {
        let tree = Tree::of(&["app 1.0.0: a, b", "a 1.0.0: c", "b 1.0.0: c, d", "c 1.0.0: d", "d 2.0.0"]);
        assert_eq!(tree.origin_of(&tree.packages[4]), "app 1.0.0 -> b 1.0.0 -> d 2.0.0");
    }

    #[test]
    fn a_circle_ends() {
        let tree = Tree::of(&["app 1.0.0: a", "a 1.0.0: b", "b 1.0.0: a(dev)"]);
        assert!(tree.way(&[0], |_, _| true, |package| package.name == "absent").is_none());
    }

    #[test]
    fn this_repository_has_a_tree() {
        let tree = Tree::load().unwrap();
        let xtask = tree.packages.iter().find(|package| package.name == "xtask").unwrap();
        assert_eq!(xtask.manifest(), Some("xtask/Cargo.toml"));
    }
}
