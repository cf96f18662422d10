//! What is known of the clusters of this checkout: one file in each state folder.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::PoisonError;

use anyhow::{Context as _, Result, bail};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::state::{MARK, State, write};
use super::{Gates, Options};
use crate::repo;

const FILE: &str = "cluster.json";
const LOCK: &str = "lock";

/// The folder that holds one state folder a cluster.
pub(super) fn root() -> PathBuf {
    repo::target().join("cluster")
}

/// What `status` and `down` need.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Facts {
    pub(super) name: String,
    /// The process that holds the cluster: a detached one, or a test.
    pub(super) owner: u32,
    pub(super) version: String,
    pub(super) gates: String,
    pub(super) nodes: usize,
    pub(super) server: String,
    pub(super) kubeconfig: PathBuf,
    pub(super) programs: BTreeMap<String, u32>,
}

/// The facts of a cluster of this process; the lock tells others that it lives.
#[derive(Debug)]
pub(super) struct Record {
    path: PathBuf,
    facts: Mutex<Facts>,
    _lock: File,
}

impl Record {
    pub(super) fn new(options: &Options, state: &State) -> Result<Record> {
        let lock = lock_file(&state.dir)?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            bail!("another process has just started a cluster in {}", state.dir.display());
        }
        let facts = Facts {
            name: options.name.clone(),
            owner: std::process::id(),
            version: options.version.to_string(),
            gates: match options.gates {
                Gates::All => "all gates".to_owned(),
                Gates::Default => "default gates".to_owned(),
            },
            nodes: if options.only_api { 0 } else { options.nodes },
            server: state.server.clone(),
            kubeconfig: state.kubeconfig.clone(),
            programs: BTreeMap::new(),
        };
        let record = Record { path: state.dir.join(FILE), facts: Mutex::new(facts), _lock: lock };
        record.update(BTreeMap::new())?;
        Ok(record)
    }

    /// Keeps the process ids of what runs now.
    pub(super) fn update(&self, programs: BTreeMap<&str, u32>) -> Result<()> {
        let mut facts = self.facts.lock().unwrap_or_else(PoisonError::into_inner);
        facts.programs = programs.into_iter().map(|(name, pid)| (name.to_owned(), pid)).collect();
        let partial = self.path.with_extension("partial");
        write(&partial, &serde_json::to_vec_pretty(&*facts)?, 0o600)?;
        std::fs::rename(&partial, &self.path).with_context(|| format!("writing {}", self.path.display()))
    }
}

/// Refuses what a cluster uses or that holds somebody's files; clears what a crash of the machine has left.
pub(super) fn claim(options: &Options) -> Result<()> {
    let dir = &options.dir;
    if let Some(path) = &options.kubeconfig
        && std::fs::read_to_string(path).is_ok_and(|text| !text.starts_with(MARK))
    {
        bail!(
            "{} exists and was not written by a cluster: remove it, or name another --kubeconfig",
            path.display()
        );
    }
    if let Some(facts) = read(dir)? {
        if alive(dir) {
            bail!(
                "the cluster `{0}` is up already (KUBECONFIG={1}): end it with `cargo xtask cluster down --name {0}`, or start \
                 another beside it with `cargo xtask cluster up --name NAME`",
                facts.name,
                facts.kubeconfig.display()
            );
        }
        clear(dir, &facts)?;
    }
    match std::fs::read_dir(dir) {
        Ok(mut entries) => match entries.next() {
            Some(_) => bail!(
                "the state folder {} is not empty: choose another, since it is removed with the cluster",
                dir.display()
            ),
            None => Ok(()),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("reading the state folder {}", dir.display())),
    }
}

/// Every cluster of this checkout, living or not.
pub(super) fn all() -> Result<Vec<(PathBuf, Facts)>> {
    let entries = match std::fs::read_dir(root()) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("reading {}", root().display()))?,
    };
    let mut dirs: Vec<PathBuf> =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<std::io::Result<_>>()?;
    dirs.sort();
    let mut all = Vec::new();
    for dir in dirs {
        if let Some(facts) = read(&dir)? {
            all.push((dir, facts));
        }
    }
    Ok(all)
}

/// The facts in a state folder, if it holds a cluster.
pub(super) fn read(dir: &Path) -> Result<Option<Facts>> {
    let path = dir.join(FILE);
    match std::fs::read(&path) {
        Ok(bytes) => {
            Ok(Some(serde_json::from_slice(&bytes).with_context(|| format!("reading {}", path.display()))?))
        }
        Err(error)
            if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) =>
        {
            Ok(None)
        }
        Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
    }
}

/// Whether the owner of a state folder still holds it.
pub(super) fn alive(dir: &Path) -> bool {
    lock_file(dir).is_ok_and(|lock| flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err())
}

/// Removes what is left of a cluster whose owner and guard are both gone, as after a power cut.
pub(super) fn clear(dir: &Path, facts: &Facts) -> Result<()> {
    for pid in facts.programs.values() {
        // The number may belong to a stranger by now: only what still runs from this folder is killed.
        let ps = Command::new("ps")
            .args(["-o", "command=", "-p", &pid.to_string()])
            .output()
            .context("running `ps`")?;
        let ours = String::from_utf8_lossy(&ps.stdout).contains(&*dir.to_string_lossy());
        if let (true, Some(pid)) = (ours, i32::try_from(*pid).ok().and_then(rustix::process::Pid::from_raw)) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
    std::fs::remove_dir_all(dir).with_context(|| format!("removing {}", dir.display()))
}

fn lock_file(dir: &Path) -> Result<File> {
    let path = dir.join(LOCK);
    File::options()
        .create(true)
        .append(true)
        .open(&path)
        .with_context(|| format!("opening {}", path.display()))
}
