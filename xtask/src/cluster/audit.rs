//! The audit log of kube-apiserver: what a client really sent.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::Value;

use super::wait;

/// The requests of people since the log was opened; those of the control plane and of the harness are never in it.
#[derive(Debug)]
pub struct AuditLog {
    path: PathBuf,
    from: u64,
}

/// One request, or one stage of a long one.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AuditEvent {
    /// What the client sent in the header `Audit-ID`, or else a number of the server's.
    #[serde(rename = "auditID", default)]
    pub audit_id: String,
    /// `ResponseStarted` (long-running requests only), `ResponseComplete` or `Panic`.
    pub stage: String,
    /// `get`, `list`, `watch`, `create`, ...
    pub verb: String,
    /// Path and query as they were sent.
    #[serde(rename = "requestURI")]
    pub request_uri: String,
    /// Who the server took the client for.
    pub user: AuditUser,
    /// What the client calls itself.
    #[serde(default)]
    pub user_agent: String,
    /// The code and message of the answer.
    #[serde(default)]
    pub response_status: Value,
    /// The body, after the server had decoded it.
    #[serde(default)]
    pub request_object: Value,
}

/// The user of an [`AuditEvent`].
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct AuditUser {
    /// Its name.
    #[serde(default)]
    pub username: String,
    /// Its groups.
    #[serde(default)]
    pub groups: Vec<String>,
}

impl AuditLog {
    pub(super) fn open(path: PathBuf) -> AuditLog {
        let from = std::fs::metadata(&path).map_or(0, |file| file.len());
        AuditLog { path, from }
    }

    /// Everything that was logged since this value was made.
    pub fn events(&self) -> Result<Vec<AuditEvent>> {
        let read = || -> std::io::Result<Vec<u8>> {
            let mut file = std::fs::File::open(&self.path)?;
            file.seek(SeekFrom::Start(self.from))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let bytes = match read() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.with_context(|| format!("reading the audit log {}", self.path.display()))?,
        };
        // The last line may be half written.
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        bytes[..whole]
            .split(|&byte| byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).context("a line of the audit log is no event"))
            .collect()
    }

    /// Waits for an event: the server writes it after it has answered.
    pub fn wait_for(&self, what: &str, matches: impl Fn(&AuditEvent) -> bool) -> Result<AuditEvent> {
        wait::until(&format!("the audit log shows {what}"), || {
            let events = self.events()?;
            let count = events.len();
            Ok(events.into_iter().find(|event| matches(event)).ok_or_else(|| format!("{count} other events")))
        })
    }
}
