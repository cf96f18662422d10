//! What the server says about a call that it refused.

use std::time::Duration;

use serde::Deserialize;

/// What the server says about a call that it refused.
///
/// A part of Kubernetes' `Status`; a proxy on the way answers without one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The HTTP status.
    pub code: u16,
    /// One word for programs, such as `AlreadyExists`.
    pub reason: String,
    /// A sentence for people.
    pub message: String,
    /// What was wrong with each field, and other causes.
    pub causes: Vec<Cause>,
    /// The object that it is about, which need not be the one that was asked for: the namespace that is missing.
    pub name: String,
    /// What it is of: most often the resource (`pods`), for an object that is invalid its kind (`Pod`).
    pub kind: String,
    /// The group of that; empty for the core group.
    pub group: String,
    /// The UID of the object, where the server tells it.
    pub uid: String,
    /// Where a list whose `continue` token is too old can go on, in a newer state than it began with; empty if it can't.
    pub continue_token: String,
    /// When to come back.
    pub retry_after: Option<Duration>,
}

/// One of the causes in a [`Status`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Cause {
    /// One word for programs, such as `FieldValueInvalid`.
    pub reason: String,
    /// A sentence for people.
    pub message: String,
    /// The path of the field, if it is about one.
    pub field: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    kind: String,
    #[serde(default)]
    code: Option<u16>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    details: Option<Details>,
    #[serde(default)]
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default, rename = "continue")]
    token: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Details {
    name: Option<String>,
    group: Option<String>,
    kind: Option<String>,
    uid: Option<String>,
    causes: Option<Vec<Cause>>,
    retry_after_seconds: Option<u32>,
}

impl Status {
    /// Reads the body of a refusal; `None` if it is no `Status`.
    pub(crate) fn read(body: &[u8]) -> Option<Status> {
        let wire: Wire = serde_json::from_slice(body).ok().filter(|wire: &Wire| wire.kind == "Status")?;
        let details = wire.details.unwrap_or_default();
        Some(Status {
            code: wire.code.unwrap_or_default(),
            reason: wire.reason.unwrap_or_default(),
            message: wire.message.unwrap_or_default(),
            causes: details.causes.unwrap_or_default(),
            name: details.name.unwrap_or_default(),
            kind: details.kind.unwrap_or_default(),
            group: details.group.unwrap_or_default(),
            uid: details.uid.unwrap_or_default(),
            continue_token: wire.metadata.and_then(|metadata| metadata.token).unwrap_or_default(),
            retry_after: details
                .retry_after_seconds
                .filter(|seconds| *seconds > 0)
                .map(|seconds| Duration::from_secs(seconds.into())),
        })
    }

    /// Changes everything that is said.
    pub(super) fn map(mut self, change: impl Fn(&str) -> String) -> Status {
        self.message = change(&self.message);
        for cause in &mut self.causes {
            cause.message = change(&cause.message);
        }
        self
    }
}
