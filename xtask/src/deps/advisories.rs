//! Known advisories against the locked versions. The list is small and checked in, so the check needs no network;
//! the public workflow runs cargo-deny over the whole database.

use std::collections::HashSet;

use anyhow::{Context as _, Result};
use semver::{Version, VersionReq};
use serde::Deserialize;

use super::config::Ignore;
use super::tree::Tree;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    advisory: Vec<Advisory>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Advisory {
    id: String,
    package: String,
    /// A version that matches any of these is affected.
    affected: Vec<VersionReq>,
    summary: String,
    fix: String,
}

pub(crate) fn parse(text: &str) -> Result<Vec<Advisory>> {
    let list: List =
        toml::from_str(text).context(".ci/advisories.toml is not a list of advisories; correct it")?;
    Ok(list.advisory)
}

pub(crate) fn check(tree: &Tree, known: &[Advisory], ignored: &[Ignore]) -> Vec<String> {
    let mut failures = Vec::new();
    let ignored: HashSet<&str> = ignored.iter().map(|ignore| &*ignore.id).collect();
    for Advisory { id, package, affected, summary, fix } in known {
        let hits: Vec<_> = tree
            .packages
            .iter()
            .filter(|found| found.name == *package && affected.iter().any(|req| covers(req, &found.version)))
            .collect();
        if !ignored.contains(&**id) {
            failures.extend(hits.iter().map(|found| {
                format!("{found} has {id}: {summary}; {fix}; it came in by {}", tree.origin_of(found))
            }));
        } else if hits.is_empty() {
            failures
                .push(format!("deny.toml ignores {id}, but no affected {package} is in the tree; remove it"));
        }
    }
    let known: HashSet<&str> = known.iter().map(|advisory| &*advisory.id).collect();
    let mut unknown: Vec<_> = ignored.difference(&known).collect();
    unknown.sort();
    failures.extend(unknown.iter().map(|id| {
        format!(
            "deny.toml ignores {id}, which .ci/advisories.toml does not have; add it there or correct the id"
        )
    }));
    failures
}

/// A requirement matches a pre-release only when it names one, but `1.2.3-alpha` has what `<1.2.4` has.
fn covers(requirement: &VersionReq, version: &Version) -> bool {
    requirement.matches(version)
        || requirement.matches(&Version::new(version.major, version.minor, version.patch))
}

#[cfg(test)]
mod tests {
    use super::{Advisory, check, parse};
    use crate::deps::config::{Config, example};
    use crate::deps::tree::Tree;
    use crate::repo;

    fn list() -> Vec<Advisory> {
        let entry = |id, package, affected| {
            format!(
                "[[advisory]]\nid='{id}'\npackage='{package}'\naffected={affected}\nsummary='s'\nfix='f'\n"
            )
        };
        let text = [
            entry("RUSTSEC-2000-0001", "ring", "['<0.17.12']"),
            entry("RUSTSEC-2000-0002", "h2", "['<0.3.24', '>=0.4.0, <0.4.2']"),
        ];
        parse(&text.concat()).unwrap()
    }

    fn failures(packages: &[&str], ignore: &str) -> Vec<String> {
        let config = Config::parse(&example("'MIT'", "", "multiple-versions = 'allow'", ignore)).unwrap();
        check(&Tree::of(packages), &list(), &config.advisories.ignore)
    }

    #[test]
    fn only_affected_versions_fail() {
        for (version, affected) in [("0.17.11", true), ("0.17.12", false), ("0.17.11-alpha.1", true)] {
            let found = failures(&["app 1.0.0: ring", &format!("ring {version}")], "");
            assert_eq!(found.len(), usize::from(affected), "{version}: {found:?}");
        }
        for (version, affected) in [("0.3.23", true), ("0.3.24", false), ("0.4.1", true), ("0.4.2", false)] {
            let found = failures(&["app 1.0.0: h2", &format!("h2 {version}")], "");
            assert_eq!(found.len(), usize::from(affected), "{version}: {found:?}");
        }
    }

    #[test]
    fn a_failure_names_the_id_what_to_do_and_the_way_in() {
        assert_eq!(
            failures(&["app 1.0.0: ring", "ring 0.16.0"], ""),
            ["ring 0.16.0 has RUSTSEC-2000-0001: s; f; it came in by app 1.0.0 -> ring 0.16.0"]
        );
    }

    #[test]
    fn an_ignored_advisory_passes_while_it_is_needed() {
        let ignore = "{ id = 'RUSTSEC-2000-0001', reason = 'r' }";
        assert_eq!(failures(&["app 1.0.0: ring", "ring 0.16.0"], ignore), [""; 0]);
        assert!(failures(&["app 1.0.0: ring", "ring 0.17.12"], ignore)[0].contains("remove it"));
    }

    #[test]
    fn an_unknown_ignored_id_fails() {
        let found = failures(&["app 1.0.0"], "{ id = 'RUSTSEC-2099-0001', reason = 'r' }");
        assert!(found[0].contains("RUSTSEC-2099-0001, which .ci/advisories.toml does not have"), "{found:?}");
    }

    #[test]
    fn the_checked_in_list_is_readable_and_has_no_id_twice() {
        let list =
            parse(&std::fs::read_to_string(repo::root().join(".ci/advisories.toml")).unwrap()).unwrap();
        let mut ids: Vec<_> = list.iter().map(|advisory| &advisory.id).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), list.len());
    }
}
