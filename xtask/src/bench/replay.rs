//! A replay server for as long as it is measured.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};

pub(super) struct Replay {
    child: Child,
    pub(super) url: String,
}

impl Replay {
    /// Serves the lists of a folder, made longer or shorter to so many pods.
    pub(super) fn start(program: &Path, lists: &Path, pods: Option<usize>) -> Result<Replay> {
        let mut command = Command::new(program);
        command
            .arg(lists)
            .args(pods.map(|pods| pods.to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("starting {}", program.display()))?;
        let out = child.stdout.take();
        // From here on it ends with this value, whatever becomes of it.
        let mut replay = Replay { child, url: String::new() };
        let mut url = String::new();
        BufReader::new(out.context("the replay server has no output")?).read_line(&mut url)?;
        ensure!(url.starts_with("http://"), "the replay server did not start with {}", lists.display());
        replay.url = url.trim_end().to_owned();
        Ok(replay)
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        // It ends when its input does.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
