//! No traces of one machine: absolute paths that only exist there, and the hosts that a package manager is set up with.
//! The patterns are in pieces, so that this file has none of them.

use super::{File, Violation};

/// Folders that hold somebody's files, when a name follows.
const FOLDERS: &[&str] = &[
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
    concat!("/tm", "p/"),
    concat!("C:\\", "Users\\"),
    concat!("C:\\\\", "Users\\\\"),
];

const HOSTS: &[&str] = &[
    concat!("crates", ".io"),
    concat!("proxy.golang", ".org"),
    concat!("sum.golang", ".org"),
    concat!("goproxy", ".io"),
    concat!("goproxy", ".cn"),
    concat!("registry.npmjs", ".org"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
];

/// Documents of others, and files that package managers write.
fn is_exempt(path: &str) -> bool {
    path.starts_with("specs/") || path.ends_with(".sum")
}

pub(super) fn check(files: &[File]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in files.iter().filter(|file| !is_exempt(&file.path)) {
        for (index, line) in file.text().lines().enumerate() {
            if let Some(folder) = FOLDERS.iter().find(|folder| has_folder(line, folder)) {
                violations.push(file.violation(
                    index + 1,
                    format!("has a path below `{folder}`, which is one machine's"),
                    "make it relative, or find the folder when the program runs",
                ));
            }
            let host = HOSTS.iter().find(|host| line.contains(*host));
            if let Some(host) = host.filter(|_| !file.path.ends_with("Cargo.lock")) {
                violations.push(file.violation(
                    index + 1,
                    format!("names the package registry `{host}`"),
                    "leave the choice of a registry to each machine's package manager",
                ));
            }
        }
    }
    violations
}

/// Whether `line` has the absolute `folder` with a name in it; `{root}/…` and `a/…` are other, relative paths.
fn has_folder(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + folder.len()..].chars().next();
        !before.is_some_and(|c| c.is_alphanumeric() || "._-~*})>".contains(c))
            && after.is_some_and(|c| c.is_alphanumeric() || "._-".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::{FOLDERS, HOSTS, check};
    use crate::tidy::{file, places};

    #[test]
    fn every_folder_is_found_in_any_text() {
        for folder in FOLDERS {
            for line in [format!("{folder}ann"), format!("at \"{folder}ann/x\""), format!("file://{folder}a")]
            {
                let found = check(&[file("a.md", &format!("one\n{line}\n"))]);
                assert_eq!(places(&found), ["a.md:2"], "{line}");
            }
        }
    }

    #[test]
    fn relative_and_bare_folders_pass() {
        for folder in FOLDERS {
            for line in [format!("frame{folder}x"), format!("{{root}}{folder}x"), folder.to_string()] {
                assert!(check(&[file("a.md", &line)]).is_empty(), "{line}");
            }
        }
    }

    #[test]
    fn registry_hosts_are_found_but_in_the_lock_file() {
        for host in HOSTS {
            let text = format!("https://{host}/x");
            assert_eq!(check(&[file("x.toml", &text)]).len(), 1, "{host}");
            assert!(check(&[file("Cargo.lock", &text)]).is_empty(), "{host}");
        }
    }

    #[test]
    fn documents_of_others_pass() {
        let text = format!("{}x https://{}", FOLDERS[0], HOSTS[0]);
        assert!(check(&[file("specs/a.json", &text), file("xtask/go.sum", &text)]).is_empty());
    }
}
