//! One run of a plugin.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use zeroize::Zeroizing;

use super::answer::{self, Answered};
use super::redact::redact;
use crate::config::{ExecSpec, Interactive};
use crate::outside::Outside;

/// An answer is a few kilobytes.
const MOST_ANSWER: usize = 1 << 20;
/// The end of what a plugin complains of.
const MOST_COMPLAINT: usize = 2 << 10;
/// What a plugin that asks a person may take more: a browser has to be opened, a code to be typed.
const PATIENCE: u32 = 5;

pub(super) async fn run(spec: &ExecSpec, limit: Duration, outside: &dyn Outside) -> Result<Answered, String> {
    let name = format!("the exec plugin {}", spec.command.display());
    let terminal = std::io::stdin().is_terminal();
    let interactive = match spec.interactive {
        Interactive::Never => false,
        Interactive::IfAvailable => terminal,
        Interactive::Always if terminal => true,
        Interactive::Always => {
            return Err(format!(
                "{name} has to ask a person (interactiveMode Always), and standard input is no terminal"
            ));
        }
    };
    let mut command = Command::new(&spec.command);
    for arg in &spec.args {
        command.arg(arg.expose());
    }
    for (variable, value) in &spec.env {
        command.env(variable, value.expose());
    }
    command
        .env("KUBERNETES_EXEC_INFO", info(spec, interactive))
        .stdin(if interactive { Stdio::inherit() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| not_started(&name, spec, &error))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let work = async { tokio::join!(all(stdout), end(stderr, interactive), child.wait()) };
    let limit = if interactive { limit.saturating_mul(PATIENCE) } else { limit };
    let ended = match outside.now().checked_add(limit) {
        Some(at) => {
            let work = std::pin::pin!(work);
            match futures_util::future::select(work, outside.wait(at)).await {
                futures_util::future::Either::Left((ended, _)) => ended,
                futures_util::future::Either::Right(_) => {
                    return Err(format!("{name} did not end within {limit:?}"));
                }
            }
        }
        None => work.await,
    };
    let (stdout, stderr, status) = ended;
    let stderr = redact(&stderr, spec);
    let said = if stderr.is_empty() { String::new() } else { format!("; it said: {stderr}") };
    // First, since a program that is not read to its end fails for that.
    let stdout = stdout.map_err(|why| format!("{name} {why}{said}"))?;
    let status = status.map_err(|error| format!("{name}: {error}"))?;
    if !status.success() {
        return Err(format!("{name} failed ({status}){said}"));
    }
    answer::read(&stdout, spec.version).map_err(|why| format!("{name} {why}{said}"))
}

/// What the plugin is told.
fn info(spec: &ExecSpec, interactive: bool) -> String {
    let cluster = spec.cluster.as_ref().map(|cluster| format!(r#","cluster":{cluster}"#)).unwrap_or_default();
    let version = spec.version;
    format!(
        r#"{{"kind":"ExecCredential","apiVersion":"{version}","spec":{{"interactive":{interactive}{cluster}}}}}"#
    )
}

fn not_started(name: &str, spec: &ExecSpec, error: &std::io::Error) -> String {
    if error.kind() != std::io::ErrorKind::NotFound {
        return format!("{name} can't be started: {error}");
    }
    let hint = match spec.install_hint.as_str() {
        "" => String::new(),
        hint => format!("; {hint}"),
    };
    match spec.command.components().count() {
        1 => format!("{name} is not installed, or not in PATH{hint}"),
        _ => format!("{name} is not there{hint}"),
    }
}

/// Everything, unless it is more than an answer can be.
async fn all(pipe: Option<impl AsyncRead + Unpin>) -> Result<Zeroizing<Vec<u8>>, String> {
    // At full size from the start: growing would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(64 << 10));
    if let Some(pipe) = pipe {
        let read = pipe.take(MOST_ANSWER as u64 + 1).read_to_end(&mut bytes).await;
        read.map_err(|error| format!("gave an answer that can't be read: {error}"))?;
    }
    if bytes.len() > MOST_ANSWER {
        return Err("printed more than a megabyte, which is no credential".to_owned());
    }
    Ok(bytes)
}

/// The last of it; a person who is asked sees all of it as it comes.
async fn end(pipe: Option<impl AsyncRead + Unpin>, show: bool) -> String {
    let mut last = Zeroizing::new(Vec::new());
    if let Some(mut pipe) = pipe {
        let mut piece = [0; 1024];
        while let Ok(length @ 1..) = pipe.read(&mut piece).await {
            let piece = piece.get(..length).unwrap_or_default();
            if show {
                use std::io::Write as _;
                let _ = std::io::stderr().write_all(piece);
            }
            last.extend_from_slice(piece);
            let surplus = last.len().saturating_sub(MOST_COMPLAINT);
            last.drain(..surplus);
        }
    }
    String::from_utf8_lossy(&last).into_owned()
}

/// The file that a command is.
pub(super) fn find(command: &Path) -> Option<PathBuf> {
    if command.components().count() > 1 {
        return command.canonicalize().ok();
    }
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders)
        .map(|folder| folder.join(command))
        .find(|path| runs(path))?
        .canonicalize()
        .ok()
}

#[cfg(unix)]
fn runs(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn runs(path: &Path) -> bool {
    path.is_file()
}
