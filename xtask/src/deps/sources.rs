//! Packages come from Cargo's default registry or from this workspace.

use super::tree::{Origin, Tree};

pub(crate) fn check(tree: &Tree) -> Vec<String> {
    let mut failures = Vec::new();
    for package in &tree.packages {
        if let Origin::Other(source) = &package.origin {
            failures.push(format!(
                "{package} comes from {source}; depend on a release in the default registry; it came in by {}",
                tree.origin_of(package)
            ));
        }
    }
    failures
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::deps::tree::{Origin, Tree};

    #[test]
    fn a_package_from_elsewhere_fails() {
        let mut tree = Tree::of(&["app 1.0.0: a, b", "a 1.0.0", "b 1.0.0"]);
        assert_eq!(check(&tree), [""; 0]);
        tree.packages[2].origin = Origin::Other("git+https://example.com/b".to_owned());
        let found = check(&tree);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("b 1.0.0 comes from git+https://example.com/b"), "{found:?}");
    }
}
