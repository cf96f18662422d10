//! Packages that must not be in the tree, and packages that are in it more than once.

use std::collections::BTreeMap;

use super::config::{Bans, Named};
use super::tree::{Package, Tree};

pub(crate) fn check(tree: &Tree, rules: &Bans) -> Vec<String> {
    let banned = |rule: &Named| {
        let found = tree.packages.iter().filter(|package| rule.spec.matches(package));
        found
            .map(|package| {
                format!("{package} is banned: {}; it came in by {}", rule.reason, tree.origin_of(package))
            })
            .collect::<Vec<_>>()
    };
    let unused =
        rules.skip.iter().filter(|skip| !tree.packages.iter().any(|package| skip.spec.matches(package)));
    let unused =
        unused.map(|skip| format!("deny.toml skips {}, which is not in the tree; remove it", skip.spec.name));
    rules.deny.iter().flat_map(banned).chain(unused).collect()
}

/// One line per package that is in the tree in several versions, the skipped ones left out.
pub(crate) fn duplicates(tree: &Tree, rules: &Bans) -> Vec<String> {
    let mut by_name: BTreeMap<&str, Vec<&Package>> = BTreeMap::new();
    for package in &tree.packages {
        if !rules.skip.iter().any(|skip| skip.spec.matches(package)) {
            by_name.entry(&package.name).or_default().push(package);
        }
    }
    by_name.retain(|_, versions| versions.len() > 1);
    let line = |versions: &Vec<&Package>| {
        versions.iter().map(|package| tree.origin_of(package)).collect::<Vec<_>>().join("; ")
    };
    by_name.into_iter().map(|(name, versions)| format!("{name}: {}", line(&versions))).collect()
}

#[cfg(test)]
mod tests {
    use super::{check, duplicates};
    use crate::deps::config::{Config, example};
    use crate::deps::tree::Tree;

    fn config(bans: &str) -> Config {
        Config::parse(&example("'MIT'", "", &format!("multiple-versions = 'deny'\n{bans}"), "")).unwrap()
    }

    #[test]
    fn a_banned_package_fails_with_the_reason_and_the_way_in() {
        let tree = Tree::of(&["app 1.0.0: http", "http 1.0.0: openssl-sys", "openssl-sys 0.9.1"]);
        let rules = config("deny = [{ crate = 'openssl-sys', reason = 'one provider' }]").bans;
        let expected = "openssl-sys 0.9.1 is banned: one provider; it came in by app 1.0.0 -> http 1.0.0 -> openssl-sys 0.9.1";
        assert_eq!(check(&tree, &rules), [expected]);
        assert_eq!(check(&Tree::of(&["app 1.0.0"]), &rules), [""; 0]);
    }

    #[test]
    fn two_versions_are_a_duplicate_unless_one_is_skipped() {
        let mut tree = Tree::of(&["app 1.0.0: syn, other", "syn 2.0.0", "other 3.0.0"]);
        tree.packages[2].name = "syn".to_owned();
        assert_eq!(
            duplicates(&tree, &config("").bans),
            ["syn: app 1.0.0 -> syn 2.0.0; app 1.0.0 -> syn 3.0.0"]
        );
        let skip = "skip = [{ crate = 'syn:<3', reason = 'soon gone' }]";
        assert_eq!(duplicates(&tree, &config(skip).bans), [""; 0]);
    }

    #[test]
    fn a_skip_that_matches_nothing_fails() {
        let rules = config("skip = [{ crate = 'gone', reason = 'was there' }]").bans;
        assert_eq!(check(&Tree::of(&["app 1.0.0"]), &rules).len(), 1);
    }
}
