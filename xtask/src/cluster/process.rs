//! Processes that never outlive their owner.

use std::fs::File;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

/// What the guard does once its owner is gone: nothing of the group survives SIGKILL, stopped processes included.
const SCRIPT: &str = r#"trap '' HUP INT TERM QUIT
cat >/dev/null
kill -9 -"$1" 2>/dev/null
shift
for try in 1 2 3 4 5; do rm -rf -- "$@" 2>/dev/null && break; sleep 1; done"#;

/// A process group whose members die, and whose files vanish, as soon as the guard is dropped or this process
/// ends in any way, SIGKILL included.
///
/// It rests on pipes alone: the guard is a shell in a group of its own that reads from this process until the
/// end of the file, which the kernel makes when the writing side is gone.
#[derive(Debug)]
pub(super) struct Guard {
    // The leader of the group: reads from us, so that it also goes when we do.
    anchor: Child,
    shell: Child,
}

impl Guard {
    /// Guards a new, empty group and the files that its members will leave.
    pub(super) fn new(files: &[&Path]) -> Result<Guard> {
        let anchor = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .context("starting `cat`, the leader of the cluster's process group")?;
        let shell = Command::new("sh")
            .args(["-c", SCRIPT, "cluster-guard", &anchor.id().to_string()])
            .args(files)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .context("starting `sh`, the guard of the cluster's processes")?;
        Ok(Guard { anchor, shell })
    }

    /// The id of the group.
    fn group(&self) -> u32 {
        self.anchor.id()
    }

    /// Starts a member; what it prints goes to the end of `log`.
    pub(super) fn spawn(&self, mut command: Command, log: &Path) -> Result<Process> {
        let program = command.get_program().to_string_lossy().into_owned();
        let file = File::options().create(true).append(true).open(log);
        let file = file.with_context(|| format!("opening the log {}", log.display()))?;
        let group = i32::try_from(self.group()).context("a process id that is no i32")?;
        command
            .stdin(Stdio::null())
            .stdout(file.try_clone().context("sharing the log")?)
            .stderr(file)
            .process_group(group);
        // What a cluster says stays on this machine, whatever proxy its owner has.
        for name in PROXIES {
            command.env_remove(name).env_remove(name.to_lowercase());
        }
        let child = command.spawn().with_context(|| format!("starting {program}"))?;
        Ok(Process { child, log: log.to_owned() })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
        let _ = self.anchor.wait();
    }
}

/// The variables that Go's HTTP client goes by; the lower-case ones too.
const PROXIES: [&str; 3] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];

/// One member of a [`Guard`]'s group.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    pub(super) fn signal(&mut self, signal: Signal) -> Result<()> {
        // A child that was not waited for keeps its process id, so the signal can't reach a stranger.
        if self.ended().is_some() {
            return Ok(());
        }
        let pid = i32::try_from(self.id()).ok().and_then(Pid::from_raw).context("not a process id")?;
        kill_process(pid, signal).with_context(|| format!("sending {signal:?} to process {}", self.id()))
    }

    /// Stops it, and waits until it stands still: the signal alone leaves its threads a moment to answer somebody.
    pub(super) fn stop(&mut self) -> Result<()> {
        self.signal(Signal::STOP)?;
        let pid = i32::try_from(self.id()).ok().and_then(Pid::from_raw).context("not a process id")?;
        let halted = WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        waitid(WaitId::Pid(pid), halted)
            .with_context(|| format!("waiting for process {} to stop", self.id()))
            .map(drop)
    }

    /// Blocks until it has ended.
    pub(super) fn wait(&mut self) -> Result<ExitStatus> {
        self.child.wait().context("waiting for a process to end")
    }

    /// Why it may have ended, in one line: its last line that reads like an error.
    pub(super) fn last_words(&self) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines = || log.lines().rev().map(str::trim).filter(|line| !line.is_empty());
        let telling = |line: &&str| {
            let line = line.to_lowercase();
            ["no space left", "address already in use", "permission denied", "read-only file system"]
                .iter()
                .any(|e| line.contains(e))
        };
        let error = |line: &&str| {
            let line = line.to_lowercase();
            line.contains("error")
                || line.contains("fatal")
                || line.contains("panic")
                || line.contains("fail")
        };
        let found = lines().find(telling).or_else(|| lines().find(error)).or_else(|| lines().next());
        let found = found.unwrap_or("it printed nothing");
        // etcd and kwok log JSON, and a panic carries its stack in it.
        let plain = serde_json::from_str::<serde_json::Value>(found).ok().and_then(|line| {
            let (message, error) = (line["msg"].as_str()?, line["error"].as_str().unwrap_or_default());
            Some(format!("{message}: {error}").trim_end_matches([':', ' ']).to_owned())
        });
        plain.unwrap_or_else(|| found.chars().take(400).collect())
    }
}

/// How a process ended, in words.
pub(super) fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!("was killed by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}
