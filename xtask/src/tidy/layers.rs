//! Which crate may depend on which, over `cargo metadata` with all features.

use super::{File, Violation};
use crate::deps::tree::{Edge, Kind, Tree, arrows};

struct Rule {
    package: &'static str,
    /// The kinds of the package's own dependencies that count; further down only what is linked or run to build.
    kinds: &'static [Kind],
    never: &'static [&'static str],
    why: &'static str,
}

const EVERY: &[Kind] = &[Kind::Normal, Kind::Build, Kind::Development];

/// A rule on a package that does not exist (yet) holds.
const RULES: &[Rule] = &[
    Rule {
        package: "k8s-api",
        kinds: &[Kind::Normal],
        never: &["tokio", "reqwest", "hyper"],
        why: "models and request values do no I/O and know no runtime",
    },
    Rule {
        package: "xtask",
        kinds: EVERY,
        never: &["k8s-api", "k8s-client"],
        why: "a broken generated tree must not keep it from being generated again",
    },
    Rule {
        package: "k8s-codegen",
        kinds: EVERY,
        never: &["k8s-api", "k8s-client"],
        why: "a broken generated tree must not keep it from being generated again",
    },
    Rule {
        package: "k8s-client",
        kinds: EVERY,
        never: &["xtask", "k8s-codegen"],
        why: "users build the client without this repository's tools",
    },
];

pub(super) fn check(tree: &Tree, files: &[File]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for rule in RULES {
        let Some(start) = tree.packages.iter().position(|package| package.name == rule.package) else {
            continue;
        };
        // With only normal dependencies asked for, a build script's own dependencies don't count either.
        let inner: &[Kind] = if rule.kinds == EVERY { &[Kind::Normal, Kind::Build] } else { rule.kinds };
        let follow = |from: usize, edge: &Edge| {
            let kinds = if from == start { rule.kinds } else { inner };
            edge.kinds.iter().any(|kind| kinds.contains(kind))
        };
        for name in rule.never {
            let Some(way) = tree.way(&[start], follow, |package| package.name == *name) else { continue };
            let manifest = files.iter().find(|file| Some(&*file.path) == tree.packages[start].manifest());
            violations.push(Violation {
                path: manifest.map_or(rule.package, |file| &file.path).to_owned(),
                line: manifest.map_or(1, |file| file.line_of(&way[1].name)),
                what: format!("{} depends on {name}: {}", rule.package, arrows(&way)),
                fix: format!("remove that dependency or its feature ({})", rule.why),
            });
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::deps::tree::Tree;
    use crate::tidy::{file, places};

    #[test]
    fn a_transitive_dependency_is_found_at_the_manifests_line() {
        let tree = Tree::of(&["k8s-api 0.1.0: body", "body 1.0.0: tokio", "tokio 1.50.0"]);
        let manifest = file("k8s-api/Cargo.toml", "[package]\n\n[dependencies]\nbody = \"1\"\n");
        let found = check(&tree, &[manifest]);
        assert_eq!(places(&found), ["k8s-api/Cargo.toml:4"]);
        assert!(found[0].what.contains("k8s-api 0.1.0 -> body 1.0.0 -> tokio 1.50.0"), "{found:?}");
    }

    #[test]
    fn the_api_may_test_with_a_runtime() {
        let tree = Tree::of(&[
            "k8s-api 0.1.0: tokio(dev), cc(build)",
            "tokio 1.50.0",
            "cc 1.0.0: hyper",
            "hyper 1.0.0",
        ]);
        assert!(check(&tree, &[]).is_empty());
    }

    #[test]
    fn the_tools_may_not_even_test_with_the_client() {
        for kind in ["", "(dev)", "(build)"] {
            let root = format!("xtask 0.1.0: tests{kind}");
            let tree = Tree::of(&[&root, "tests 0.1.0: k8s-client", "k8s-client 0.1.0"]);
            assert_eq!(check(&tree, &[]).len(), 1, "{kind}");
        }
    }

    #[test]
    fn what_a_dependency_tests_with_does_not_count() {
        let tree = Tree::of(&["k8s-codegen 0.1.0: util", "util 0.1.0: k8s-api(dev)", "k8s-api 0.1.0"]);
        assert!(check(&tree, &[]).is_empty());
    }

    #[test]
    fn the_client_knows_no_tool() {
        let tree = Tree::of(&["k8s-client 0.1.0: k8s-codegen(build)", "k8s-codegen 0.1.0"]);
        assert_eq!(check(&tree, &[]).len(), 1);
    }
}
