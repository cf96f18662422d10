//! The part of cargo-deny's deny.toml that this check honours. Every other key or value is an error: what cargo-deny
//! would check and this would not, or the other way round, must not get into the file unseen.

use anyhow::{Context as _, Result};
use semver::VersionReq;
use serde::Deserialize;

use super::tree::Package;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    #[serde(rename = "graph")]
    _graph: Graph,
    pub(crate) advisories: Advisories,
    pub(crate) licenses: Licenses,
    pub(crate) bans: Bans,
    #[serde(rename = "sources")]
    _sources: Sources,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Graph {
    #[serde(rename = "all-features")]
    _all_features: Always,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Advisories {
    #[serde(rename = "unmaintained")]
    _unmaintained: Scope,
    #[serde(rename = "unsound")]
    _unsound: Scope,
    #[serde(default)]
    pub(crate) ignore: Vec<Ignore>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ignore {
    pub(crate) id: String,
    #[serde(rename = "reason")]
    _reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Licenses {
    pub(crate) allow: Vec<String>,
    #[serde(rename = "include-dev")]
    _include_dev: Always,
    #[serde(default)]
    pub(crate) exceptions: Vec<Exception>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exception {
    #[serde(rename = "crate")]
    pub(crate) spec: Spec,
    pub(crate) allow: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Bans {
    pub(crate) multiple_versions: Level,
    #[serde(rename = "multiple-versions-include-dev")]
    _include_dev: Always,
    #[serde(default)]
    pub(crate) deny: Vec<Named>,
    #[serde(default)]
    pub(crate) skip: Vec<Named>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Named {
    #[serde(rename = "crate")]
    pub(crate) spec: Spec,
    pub(crate) reason: String,
}

/// Only the default registry and the workspace, which is what cargo-deny does when it is given no list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sources {
    #[serde(rename = "unknown-registry")]
    _unknown_registry: Denied,
    #[serde(rename = "unknown-git")]
    _unknown_git: Denied,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    Allow,
    Warn,
    Deny,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Denied {
    Deny,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Scope {
    All,
}

/// `true`, where cargo-deny's default is a smaller tree than the one read here.
#[derive(Deserialize)]
#[serde(try_from = "bool")]
struct Always;

impl TryFrom<bool> for Always {
    type Error = &'static str;

    fn try_from(value: bool) -> Result<Self, Self::Error> {
        value.then_some(Self).ok_or("must be true, `cargo xtask deps` reads the whole tree")
    }
}

/// cargo-deny's package spec: `name`, `name@1.2.3` or `name:<requirement>`.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Spec {
    pub(crate) name: String,
    version: VersionReq,
}

impl TryFrom<String> for Spec {
    type Error = semver::Error;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let (name, version) = match (text.split_once('@'), text.split_once(':')) {
            (Some((name, exact)), _) => (name, format!("={exact}").parse()?),
            (_, Some((name, requirement))) => (name, requirement.parse()?),
            _ => (&*text, VersionReq::STAR),
        };
        Ok(Self { name: name.to_owned(), version })
    }
}

impl Spec {
    pub(crate) fn matches(&self, package: &Package) -> bool {
        self.name == package.name
            && (self.version == VersionReq::STAR || self.version.matches(&package.version))
    }
}

impl Config {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        toml::from_str(text).context(
            "deny.toml has what `cargo xtask deps` does not honour; remove it, or teach xtask/src/deps about it",
        )
    }
}

/// A deny.toml with these lists and nothing else.
#[cfg(test)]
pub(crate) fn example(allow: &str, licenses: &str, bans: &str, ignore: &str) -> String {
    format!(
        "[graph]\nall-features = true\n\
         [advisories]\nunmaintained = 'all'\nunsound = 'all'\nignore = [{ignore}]\n\
         [licenses]\ninclude-dev = true\nallow = [{allow}]\n{licenses}\n\
         [bans]\nmultiple-versions-include-dev = true\n{bans}\n\
         [sources]\nunknown-registry = 'deny'\nunknown-git = 'deny'\n"
    )
}

#[cfg(test)]
mod tests {
    use super::{Config, Spec, example};
    use crate::deps::tree::Tree;

    const BANS: &str = "multiple-versions = 'warn'";

    #[test]
    fn an_unknown_key_is_refused_in_every_table() {
        let good = example("'MIT'", "", BANS, "");
        Config::parse(&good).unwrap();
        for table in ["[graph]", "[advisories]", "[licenses]", "[bans]", "[sources]"] {
            let bad = good.replace(table, &format!("{table}\nsurprise = 1"));
            let error = format!("{:#}", Config::parse(&bad).err().unwrap());
            assert!(error.contains("surprise") && error.contains("deny.toml"), "{table}: {error}");
        }
        assert!(Config::parse(&format!("{good}[surprise]")).is_err());
    }

    #[test]
    fn a_smaller_tree_or_a_softer_level_is_refused() {
        let good = example("'MIT'", "", BANS, "");
        for (from, to) in [
            ("all-features = true", "all-features = false"),
            ("include-dev = true", "include-dev = false"),
            ("unmaintained = 'all'", "unmaintained = 'workspace'"),
            ("unsound = 'all'", ""),
            ("unknown-git = 'deny'", "unknown-git = 'warn'"),
        ] {
            assert!(good.contains(from));
            assert!(Config::parse(&good.replace(from, to)).is_err(), "{to}");
        }
    }

    #[test]
    fn package_specs_are_those_of_cargo_deny() {
        let tree = Tree::of(&["a 1.2.3"]);
        for (spec, matches) in
            [("a", true), ("a@1.2.3", true), ("a@1.2.4", false), ("a:<1", false), ("b", false)]
        {
            let spec = Spec::try_from(spec.to_owned()).unwrap();
            assert_eq!(spec.matches(&tree.packages[0]), matches);
        }
    }
}
