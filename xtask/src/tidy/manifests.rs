//! What every crate takes from the workspace, and what may stand at the top of the repository.

use std::collections::BTreeSet;

use super::{File, Violation};

/// Keys that a crate's manifest leaves to the workspace.
const INHERITED: &[[&str; 2]] =
    &[["package", "version"], ["package", "edition"], ["package", "rust-version"], ["package", "license"]];

#[rustfmt::skip]
const TOP: &[&str] = &[
    "Cargo.toml", "Cargo.lock", ".cargo", ".ci", ".github", ".gitignore", ".gitattributes",
    "codegen", "k8s-api", "k8s-client", "specs", "xtask", "tests", "fuzz",
    "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "LICENSE",
    "deny.toml", "rustfmt.toml", "clippy.toml", "rust-toolchain.toml",
];

/// `members` are the manifests of the workspace's crates.
pub(super) fn check(files: &[File], members: &[&str]) -> Vec<Violation> {
    let manifests = files.iter().filter(|file| members.contains(&&*file.path));
    manifests.flat_map(inherits).chain(top_level(files)).collect()
}

fn inherits(file: &File) -> Vec<Violation> {
    let manifest: toml::Table = match file.text().parse() {
        Ok(manifest) => manifest,
        Err(error) => return vec![file.violation(1, format!("does not parse: {error}"), "correct it")],
    };
    let from_workspace = |value: Option<&toml::Value>| {
        value.and_then(|value| value.get("workspace")).and_then(toml::Value::as_bool) == Some(true)
    };
    let mut violations = Vec::new();
    if !from_workspace(manifest.get("lints")) {
        let what = "does not take the workspace's lints";
        violations.push(file.violation(
            file.line_of("[lints"),
            what,
            "write `[lints]` with `workspace = true`",
        ));
    }
    for [table, key] in INHERITED {
        if !from_workspace(manifest.get(*table).and_then(|table| table.get(key))) {
            violations.push(file.violation(
                file.line_of(key),
                format!("does not take `{key}` from the workspace"),
                format!("write `{key}.workspace = true`"),
            ));
        }
    }
    violations
}

fn top_level(files: &[File]) -> Vec<Violation> {
    let names: BTreeSet<&str> = files.iter().filter_map(|file| file.path.split('/').next()).collect();
    let unknown = names.into_iter().filter(|name| !TOP.contains(name));
    let violation = |name: &str| Violation {
        path: name.to_owned(),
        line: 1,
        what: "is not one of the names that may stand at the top of the repository".to_owned(),
        fix: "move it into a folder, or decide on the name in xtask/src/tidy/manifests.rs".to_owned(),
    };
    unknown.map(violation).collect()
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::{file, places};

    const GOOD: &str = "[package]\nname = 'a'\nversion.workspace = true\nedition.workspace = true\n\
                        rust-version.workspace = true\nlicense = { workspace = true }\n[lints]\nworkspace = true\n";

    fn manifest(text: &str) -> Vec<String> {
        places(&check(&[file("xtask/Cargo.toml", text), file("fuzz/Cargo.toml", "")], &["xtask/Cargo.toml"]))
    }

    #[test]
    fn a_crate_takes_from_the_workspace() {
        assert_eq!(manifest(GOOD), [""; 0]);
        for (good, bad, line) in [
            ("version.workspace = true\nedition", "version = '1.0.0'\nedition", 3),
            ("edition.workspace = true", "edition.workspace = false", 4),
            ("rust-version.workspace = true\n", "rust-version = '1.90'\n", 5),
            ("license = { workspace = true }", "license = 'MIT'", 6),
            ("[lints]\nworkspace = true", "[lints]\nrust.missing_docs = 'allow'", 7),
            ("[lints]\nworkspace = true", "", 1),
        ] {
            assert!(GOOD.contains(good));
            assert_eq!(manifest(&GOOD.replace(good, bad)), [format!("xtask/Cargo.toml:{line}")], "{bad}");
        }
        assert_eq!(manifest("[package"), ["xtask/Cargo.toml:1"]);
    }

    #[test]
    fn the_top_of_the_repository_is_a_fixed_list() {
        let files =
            ["src/lib.rs", "src/main.rs", "xtask/notes.md", ".ci/run", "notes.md"].map(|path| file(path, ""));
        assert_eq!(places(&check(&files, &[])), ["notes.md:1", "src:1"]);
    }
}
