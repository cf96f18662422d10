//! What was discovered, kept in a file.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::fetch::Part;
use crate::config::Config;

/// As long as kubectl believes its own.
const BELIEVED: Duration = Duration::from_secs(6 * 60 * 60);

/// Beside kubectl's files, which hold less: one file, so that what is read was written at once.
const FILE: &str = "k8s-client.json";

#[derive(Deserialize, Serialize)]
struct Kept {
    /// Seconds since 1970.
    fetched: u64,
    parts: [Part; 2],
}

/// What is kept in a folder. What can't be read is asked for again; `true` if it is not too old.
pub(super) fn read(folder: &Path, now: SystemTime) -> Option<([Part; 2], bool)> {
    let text = std::fs::read(folder.join(FILE)).ok()?;
    let kept: Kept = serde_json::from_slice(&text).ok()?;
    let fetched = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(kept.fetched))?;
    // A time to come is that of a clock that was wrong.
    let young = now.duration_since(fetched).is_ok_and(|age| age < BELIEVED);
    Some((kept.parts, young))
}

/// Several processes may do this at the same time: each file is complete, and the last one stays.
pub(super) fn write(folder: &Path, parts: &[Part; 2], now: SystemTime) -> std::io::Result<()> {
    let fetched = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let text = serde_json::to_vec(&Kept { fetched, parts: parts.clone() })?;
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&text)?;
    file.persist(folder.join(FILE))?;
    Ok(())
}

/// The folder in which kubectl keeps what it discovered of the server of `config`: below `KUBECACHEDIR`, or below
/// `.kube/cache` in the home folder; `None` where there is neither.
pub fn kubectl_folder(config: &Config) -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("KUBECACHEDIR").or_else(|| Some(set("HOME")?.join(".kube").join("cache")))?;
    Some(cache.join("discovery").join(folder_name(&format!("{}{}", authority(config), config.server.path()))))
}

fn authority(config: &Config) -> String {
    let server = &config.server;
    // As it is written in most kubeconfigs: a port that is the usual one is left out.
    let usual = if server.is_tls() { 443 } else { 80 };
    if server.port() == usual {
        server.host().to_owned()
    } else {
        format!("{}:{}", server.host(), server.port())
    }
}

/// What kubectl makes of a server's address.
fn folder_name(address: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | '.' | '(' | ')');
    let name: String = address.chars().map(|c| if allowed(c) { c } else { '_' }).collect();
    // No folder above.
    name.trim_matches('/')
        .split('/')
        .map(|part| if part.chars().all(|c| c == '.') { "_" } else { part })
        .collect::<Vec<_>>()
        .join("/")
}

#[cfg(test)]
mod tests {
    use super::folder_name;

    #[test]
    fn a_server_has_a_folder_of_its_own() {
        assert_eq!(folder_name("10.0.0.1:6443"), "10.0.0.1_6443");
        assert_eq!(folder_name("[::1]:6443/k8s/clusters/c"), "___1__6443/k8s/clusters/c");
        assert_eq!(folder_name("a/../../b"), "a/_/_/b");
    }
}
