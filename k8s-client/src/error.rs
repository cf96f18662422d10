//! What went wrong: one type, with questions to ask it.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::time::{Duration, SystemTime};

use http::StatusCode;
use k8s_api::operation::Operation;
use k8s_api::request::RequestError;
use k8s_api::transport::{BoxError, Fault, Sent, TransportError};
use serde::Deserialize;

use crate::middleware::retry_after::retry_after;

/// The result of a call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failed call, or a configuration that can't be used.
///
/// It prints as one line with everything that a person needs; [`source`](StdError::source) leads to the errors below
/// it for programs, so a printer of whole chains says some things twice.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    request: Option<Request>,
    answer: Option<Answer>,
    sent: Option<Sent>,
    source: Option<BoxError>,
}

/// What kind of failure it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The configuration can't be used, or asks for something that is not supported.
    Config,
    /// No answer came in time.
    Timeout,
    /// No connection could be made, or it broke.
    Transport,
    /// The server answered that it would not do it.
    Refused,
}

/// What was asked.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) op: Cow<'static, Operation>,
    pub(crate) method: http::Method,
    pub(crate) path: String,
}

struct Answer {
    code: StatusCode,
    status: Option<Status>,
    retry_after: Option<Duration>,
}

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

impl Status {
    /// Reads the body of a refusal; `None` if it is no `Status`.
    pub(crate) fn read(body: &[u8]) -> Option<Status> {
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
        #[derive(Default, Deserialize)]
        struct Metadata {
            #[serde(default, rename = "continue")]
            token: Option<String>,
        }
        #[derive(Default, Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Details {
            #[serde(default)]
            name: Option<String>,
            #[serde(default)]
            kind: Option<String>,
            #[serde(default)]
            causes: Option<Vec<Cause>>,
            #[serde(default)]
            retry_after_seconds: Option<u32>,
        }
        let wire: Wire = serde_json::from_slice(body).ok().filter(|wire: &Wire| wire.kind == "Status")?;
        let details = wire.details.unwrap_or_default();
        Some(Status {
            code: wire.code.unwrap_or_default(),
            reason: wire.reason.unwrap_or_default(),
            message: wire.message.unwrap_or_default(),
            causes: details.causes.unwrap_or_default(),
            name: details.name.unwrap_or_default(),
            kind: details.kind.unwrap_or_default(),
            continue_token: wire.metadata.and_then(|metadata| metadata.token).unwrap_or_default(),
            retry_after: details
                .retry_after_seconds
                .filter(|seconds| *seconds > 0)
                .map(|seconds| Duration::from_secs(seconds.into())),
        })
    }
}

impl Error {
    fn new(kind: ErrorKind, message: String) -> Error {
        Error(Box::new(Inner { kind, message, request: None, answer: None, sent: None, source: None }))
    }

    pub(crate) fn config(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Config, message.into())
    }

    /// Says the cause after the message.
    pub(crate) fn caused(mut self, cause: impl Into<BoxError>) -> Error {
        let cause = cause.into();
        self.0.message = format!("{}: {cause}", self.0.message);
        self.0.source = Some(cause);
        self
    }

    /// Says where before the message.
    pub(crate) fn within(mut self, place: impl fmt::Display) -> Error {
        self.0.message = format!("{place}: {}", self.0.message);
        self
    }

    /// Says which field after the rest of the way to it.
    pub(crate) fn after(mut self, field: &str) -> Error {
        self.0.message = format!("{field} {}", self.0.message);
        self
    }

    /// A call without an answer.
    pub(crate) fn failed(request: Request, error: TransportError) -> Error {
        let kind = match error.fault() {
            Fault::Timeout => ErrorKind::Timeout,
            Fault::Setup => ErrorKind::Config,
            _ => ErrorKind::Transport,
        };
        let mut message = error.to_string();
        if error.sent() == Sent::Unknown && !request.method.is_safe() {
            message.push_str("; the server may have processed it");
        }
        let mut result = Error::new(kind, message);
        result.0.request = Some(request);
        result.0.sent = Some(error.sent());
        result.0.source = Some(error.into());
        result
    }

    /// A call that the server refused.
    pub(crate) fn refused(
        request: Request,
        head: &http::response::Parts,
        body: &[u8],
        now: SystemTime,
    ) -> Error {
        let status = Status::read(body);
        let wish = status.as_ref().and_then(|status| status.retry_after);
        let said = match &status {
            Some(status) => status.message.clone(),
            None => excerpt(body),
        };
        let mut message = head.status.to_string();
        if !said.is_empty() {
            message = format!("{message}: {said}");
        }
        let mut result = Error::new(ErrorKind::Refused, message);
        result.0.request = Some(request);
        let retry_after = retry_after(&head.headers, now).or(wish);
        result.0.answer = Some(Answer { code: head.status, status, retry_after });
        result
    }

    /// What kind of failure it was.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The server's own words, if it answered with a `Status`.
    pub fn status(&self) -> Option<&Status> {
        self.0.answer.as_ref()?.status.as_ref()
    }

    /// The HTTP status, if the server answered.
    pub fn code(&self) -> Option<StatusCode> {
        self.0.answer.as_ref().map(|answer| answer.code)
    }

    /// What was asked for.
    pub fn operation(&self) -> Option<&Operation> {
        self.0.request.as_ref().map(|request| &*request.op)
    }

    /// The HTTP method and the path with its query.
    pub fn method_and_path(&self) -> Option<(&http::Method, &str)> {
        self.0.request.as_ref().map(|request| (&request.method, request.path.as_str()))
    }

    /// For a call without an answer: whether the server may have processed it all the same.
    pub fn sent(&self) -> Option<Sent> {
        self.0.sent
    }

    /// When the server wants to be asked again.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.answer.as_ref()?.retry_after
    }

    /// There is no such object, or no such resource.
    pub fn is_not_found(&self) -> bool {
        self.is(StatusCode::NOT_FOUND)
    }

    /// The object has changed since it was read, or another manager owns the fields.
    pub fn is_conflict(&self) -> bool {
        self.is(StatusCode::CONFLICT) && !self.is_already_exists()
    }

    /// An object with this name exists.
    pub fn is_already_exists(&self) -> bool {
        self.is(StatusCode::CONFLICT) && self.status().is_some_and(|status| status.reason == "AlreadyExists")
    }

    /// The resource version or the `continue` token is too old.
    pub fn is_gone(&self) -> bool {
        self.is(StatusCode::GONE)
    }

    /// The server knows who asks, and doesn't allow it.
    pub fn is_forbidden(&self) -> bool {
        self.is(StatusCode::FORBIDDEN)
    }

    /// The server doesn't know who asks.
    pub fn is_unauthorized(&self) -> bool {
        self.is(StatusCode::UNAUTHORIZED)
    }

    /// It took too long, here or there.
    pub fn is_timeout(&self) -> bool {
        self.0.kind == ErrorKind::Timeout
            || self.is(StatusCode::REQUEST_TIMEOUT)
            || self.is(StatusCode::GATEWAY_TIMEOUT)
    }

    fn is(&self, code: StatusCode) -> bool {
        self.code() == Some(code)
    }
}

impl From<RequestError> for Error {
    fn from(error: RequestError) -> Error {
        Error::config(error.to_string())
    }
}

/// The first line of what is no `Status`, such as a proxy's page.
fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    line.chars().filter(|c| !c.is_control()).take(200).collect()
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Request { op, method, path }) = &self.0.request {
            write!(f, "{op} ({method} {path}): ")?;
        }
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Error");
        debug.field("kind", &self.0.kind).field("message", &self.to_string());
        if let Some(status) = self.status() {
            debug.field("status", status);
        }
        if let Some(sent) = self.0.sent {
            debug.field("sent", &sent);
        }
        debug.finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|source| &**source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests;
