//! What went wrong: one type, with questions to ask it.
//!
//! ```no_run
//! # async fn f(client: k8s_client::Client) -> k8s_client::Result<()> {
//! use k8s_api::core::v1::ConfigMap;
//! use k8s_client::error::Missing;
//!
//! match client.namespaced::<ConfigMap>("web").get("settings").await {
//!     Ok(settings) => println!("{} entries", settings.data.len()),
//!     Err(error) if error.missing() == Some(Missing::Object) => println!("there are none"),
//!     Err(error) if error.is_temporary() => println!("try again later: {error}"),
//!     Err(error) => return Err(error),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What each call can answer
//!
//! Any call can fail in these ways. What may pass and may be sent again without harm was sent again already, as often as
//! the [`Preset`](crate::Preset) says.
//!
//! | question | meaning | what to do |
//! |---|---|---|
//! | [`kind()`](Error::kind) is [`Config`](ErrorKind::Config), [`Credential`](ErrorKind::Credential) or [`Untrusted`](ErrorKind::Untrusted) | the configuration does not work; nothing was sent | show the line to whoever wrote it: it names the file and the context |
//! | [`kind()`](Error::kind) is [`Request`](ErrorKind::Request) | what is asked for makes no sense, such as an empty name, or a manifest is wrong; nothing was sent | fix the program, or the manifest: each mistake is named |
//! | [`kind()`](Error::kind) is [`Unsupported`](ErrorKind::Unsupported) | the server's discovery doesn't have it; nothing was sent | install the API, or spell it right: the line says what is near |
//! | [`kind()`](Error::kind) is [`Held`](ErrorKind::Held) | a limit of this client's own, which was asked for: its rate, its circuit breaker; nothing was sent | try later, or ask for less |
//! | [`kind()`](Error::kind) is [`Decode`](ErrorKind::Decode) | the server has answered, and not what it should: a write is done | read the object again in another form, or take a newer version of this crate |
//! | [`is_timeout`](Error::is_timeout), [`kind()`](Error::kind) is [`Transport`](ErrorKind::Transport) | no answer. [`sent`](Error::sent) says whether the server may have processed it | after a write, read the object before writing again |
//! | [`is_unauthorized`](Error::is_unauthorized) (401) | the server doesn't know who asks; the credential was made new and shown once more already | log in again: the line says what was shown and where it is from |
//! | [`is_forbidden`](Error::is_forbidden) (403) with [`denied`](Error::denied) | no role allows it | the line has the rule that is missing; [`Client::can_i`](crate::Client::can_i) asks beforehand |
//! | [`is_forbidden`](Error::is_forbidden) (403) without | an admission says no to a write: a quota, pod security, a namespace that is going (`NamespaceTerminating` is a [cause](Error::has_cause)) | change the object; the server's message says what |
//! | [`is_not_found`](Error::is_not_found) (404), [`missing()`](Error::missing) is [`Resource`](Missing::Resource) | the server doesn't have this API or version, or the CustomResourceDefinition is not installed | install it, or do without |
//! | [`is_too_many_requests`](Error::is_too_many_requests) (429) | the server is busy, for longer than was waited for | come back after [`retry_after`](Error::retry_after) |
//! | [`is_temporary`](Error::is_temporary) (also 500, 502, 503, 504) | the server or what it needs is not there | try later; after a write, read first |
//!
//! Beside these:
//!
//! | call | answer | what to do |
//! |---|---|---|
//! | `get` (`get_opt` answers `None` for it) | [`missing()`](Error::missing) is [`Object`](Missing::Object): there is none of this name. In a namespace that does not exist it is the same answer | mostly no error: make it, or go on without |
//! | `list` | [`is_gone`](Error::is_gone) (410): a `continue` token or a resource version is too old | start the list afresh |
//! | | [`is_invalid`](Error::is_invalid) or 400: a selector is wrong | a mistake of the program |
//! | | a namespace that does not exist is an empty list | |
//! | `watch` | [`is_gone`](Error::is_gone): the resource version is too old. It comes as an event too | list, and watch from there; an [`Informer`](crate::Informer) does |
//! | `create` | [`is_already_exists`](Error::is_already_exists) (409) | read it and decide; or `apply` |
//! | | [`missing()`](Error::missing) is [`Namespace`](Missing::Namespace) | make the namespace |
//! | | [`is_invalid`](Error::is_invalid) (422), or 400 for an unknown field: [`Status::causes`] has each field | fix the object |
//! | `replace` | [`is_conflict`](Error::is_conflict) (409): it has changed since it was read | read, change and replace again |
//! | | [`is_not_found`](Error::is_not_found), [`is_invalid`](Error::is_invalid) as above; with a UID that is another's [`is_conflict`](Error::is_conflict) | |
//! | `modify` | as `get` and `replace`, and [`is_conflict`](Error::is_conflict) only after it was tried for as long as a call may take | try later |
//! | | [`ErrorKind::Request`] with a [source](StdError::source): the closure called it off; nothing was written | |
//! | `patch` | [`is_not_found`](Error::is_not_found); [`is_invalid`](Error::is_invalid): the patch does not fit, a `test` failed, or what comes out is invalid | |
//! | | [`is_conflict`](Error::is_conflict): the patch holds a `resourceVersion` that is not the latest | read again |
//! | | 415: the kind has no strategic merge, as custom resources | a merge patch |
//! | `apply` | [`is_conflict`](Error::is_conflict) with [`conflicts`](Error::conflicts): these managers own these fields | leave the fields out, or take them over with `force` |
//! | | [`denied`](Error::denied) `create`: there is no such object, and applying it would make it | |
//! | `delete` | [`missing()`](Error::missing) is [`Object`](Missing::Object): gone already | mostly no error |
//! | | [`is_conflict`](Error::is_conflict): a precondition does not hold | read again |
//! | `delete_many` | any of it after some were deleted | the same again deletes the rest |
//! | `evict` | a disruption budget is an [answer](crate::api::Evicted) and no error; of the request `pods::evict` it is [`is_too_many_requests`](Error::is_too_many_requests) with the [cause](Error::has_cause) `DisruptionBudget` | come back after [`retry_after`](Error::retry_after) |
//! | `logs` | 400: the container is not there or has not started | the message says which |
//! | exec, attach, port-forward | [`denied`](Error::denied): it takes `get`, and since Kubernetes 1.35 `create` too | a rule with both verbs |
//! | `scale`, `status` and other parts | as `get`, `replace` and `patch`; [`Missing::Resource`] for a part that an older server lacks | |
//! | [`Manifest::apply`](crate::Manifest::apply) | before anything is written, all mistakes at once: "nothing was applied". Afterwards the report has what became of each object, and [`into_result`](crate::manifest::Report::into_result) one error with what was applied and what not | fix it and apply all of it again |
//! | reviews ([`authz`](crate::authz)) | no refusal of theirs is an error: the answer says no | |

mod line;
mod redact;
mod status;

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::StatusCode;
use k8s_api::operation::Operation;
use k8s_api::request::RequestError;
use k8s_api::transport::{BoxError, Call, Fault, Sent, TransportError};

use crate::authz::Denied;
use crate::config::Origin;
use crate::middleware::retry_after::retry_after;

pub use status::{Cause, Status};

/// The result of a call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failed call, or a configuration that can't be used.
///
/// It prints as one line with everything that a person needs; [`source`](StdError::source) leads to the errors below
/// it for programs, so a printer of whole chains says some things twice.
///
/// The [module](self) says what each call can answer.
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
    /// There is no credential to show, since a plugin failed or a file is gone; or the server turned away the client's
    /// certificate.
    Credential,
    /// Whoever answers is not the server that was meant: its certificate is not trusted.
    Untrusted,
    /// The request can't be sent as it is: a name is empty, a body can't be written in its format.
    Request,
    /// The server does not have what is asked for, as its discovery says: a kind, a verb of it, a schema.
    Unsupported,
    /// A limit of this client's own let it not go, such as its rate or its circuit breaker; nothing was sent.
    Held,
    /// No answer came in time.
    Timeout,
    /// No connection could be made, or it broke.
    Transport,
    /// The server answered that it would not do it.
    Refused,
    /// The server did it, and its answer can't be read as what it should be.
    Decode,
    /// The closure of [`modify`](crate::Api::modify) returned an error, which is the source of this one; nothing was written.
    CalledOff,
    /// What was waited for can't come any more: the cache was stopped.
    Stopped,
}

/// What is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Missing {
    /// An object: most often the one that was asked for, and [`Status::kind`] with [`Status::name`] in any case.
    Object,
    /// The namespace.
    Namespace,
    /// What the objects are of: this API, this version of it, or the CustomResourceDefinition is not installed.
    Resource,
}

/// What was asked.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) op: Cow<'static, Operation>,
    pub(crate) method: http::Method,
    pub(crate) path: String,
    sent: redact::Sent,
}

#[derive(Clone)]
struct Answer {
    code: StatusCode,
    status: Option<Status>,
    retry_after: Option<Duration>,
    missing: Option<Missing>,
    denied: Option<Denied>,
}

impl Request {
    pub(crate) fn of(call: &Call) -> Request {
        let path = call.head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Request {
            op: call.meta.op.clone(),
            method: call.head.method.clone(),
            path,
            sent: redact::Sent::of(call),
        }
    }
}

impl Error {
    fn new(kind: ErrorKind, message: String) -> Error {
        Error(Box::new(Inner { kind, message, request: None, answer: None, sent: None, source: None }))
    }

    pub(crate) fn config(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Config, message.into())
    }

    /// Something that makes no sense to ask for.
    pub(crate) fn request(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Request, message.into())
    }

    /// A change that the caller's own closure called off.
    pub(crate) fn called_off(message: impl Into<String>, cause: impl Into<BoxError>) -> Error {
        Error::new(ErrorKind::CalledOff, message.into()).caused(cause)
    }

    /// Something that the server does not have.
    pub(crate) fn unsupported(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Unsupported, message.into())
    }

    /// Something that did not come in time, where no call is to blame.
    pub(crate) fn timeout(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Timeout, message.into())
    }

    /// Something that did not come in time, and what the server said last.
    pub(crate) fn late(message: String, code: Option<u16>, retry_after: Option<Duration>) -> Error {
        let mut result = Error::timeout(message);
        let code = code.and_then(|code| StatusCode::from_u16(code).ok());
        result.0.answer =
            code.map(|code| Answer { code, status: None, retry_after, missing: None, denied: None });
        result
    }

    /// Something that can't come any more.
    pub(crate) fn stopped(message: String) -> Error {
        Error::new(ErrorKind::Stopped, message)
    }

    /// A stream of the server that can't be read any further.
    pub(crate) fn unreadable(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Decode, message.into())
    }

    /// An answer that is not what it should be.
    pub(crate) fn decode(request: Request, error: impl Into<BoxError>) -> Error {
        let error = error.into();
        let mut result = Error::new(ErrorKind::Decode, error.to_string());
        result.0.request = Some(request);
        result.0.source = Some(error);
        result
    }

    /// The same failure, for another one who waited for it.
    pub(crate) fn shared(error: &Arc<Error>) -> Error {
        let Inner { kind, message, request, answer, sent, source: _ } = &*error.0;
        let (message, request, answer) = (message.clone(), request.clone(), answer.clone());
        let source = Some(error.clone().into());
        Error(Box::new(Inner { kind: *kind, message, request, answer, sent: *sent, source }))
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
    pub(crate) fn failed(request: Request, error: TransportError, origin: &Origin) -> Error {
        let kind = match error.fault() {
            Fault::Timeout => ErrorKind::Timeout,
            Fault::Setup => ErrorKind::Request,
            Fault::Held => ErrorKind::Held,
            Fault::Untrusted => ErrorKind::Untrusted,
            Fault::Credential => ErrorKind::Credential,
            _ => ErrorKind::Transport,
        };
        let mut message = error.to_string();
        if error.sent() == Sent::Unknown && !request.method.is_safe() {
            message.push_str("; the server may have processed it");
        }
        let from = match (kind, error.sent()) {
            (ErrorKind::Untrusted, _) => "; address and authority are from ",
            (ErrorKind::Transport | ErrorKind::Timeout, Sent::No) => "; the address is from ",
            _ => "",
        };
        if !from.is_empty() && !origin.cluster.is_empty() {
            message.push_str(from);
            message.push_str(&origin.cluster);
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
        origin: &Origin,
    ) -> Error {
        let hide = request.sent.hide();
        let status = Status::read(body);
        let status = status.map(|status| status.map(|text| hide(&redact::without_objects(text))));
        let page = if status.is_none() { hide(&excerpt(body)) } else { String::new() };
        drop(hide);
        let wish = status.as_ref().and_then(|status| status.retry_after);
        let wait = retry_after(&head.headers, now).or(wish);
        let missing = missing(&request, head.status, status.as_ref(), &page);
        let denied = status.as_ref().filter(|_| head.status == StatusCode::FORBIDDEN);
        let denied = denied.and_then(|status| {
            Denied::read(status).or_else(|| Denied::stream(status, &request.op, &request.path))
        });
        let message = line::Refusal {
            request: &request,
            code: head.status,
            status: status.as_ref(),
            page: &page,
            missing,
            denied: denied.as_ref(),
            wait,
            origin,
        }
        .line();
        let mut result = Error::new(ErrorKind::Refused, message);
        result.0.request = Some(request);
        result.0.answer = Some(Answer { code: head.status, status, retry_after: wait, missing, denied });
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

    /// The HTTP status, if the server refused the call.
    pub fn code(&self) -> Option<StatusCode> {
        self.0.answer.as_ref().map(|answer| answer.code)
    }

    /// What was asked for.
    pub fn operation(&self) -> Option<&Operation> {
        self.0.request.as_ref().map(|request| &*request.op)
    }

    /// The HTTP method and the path with its query, which holds the words of a command: the error prints it without them.
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

    /// Something is not there (404): [`missing`](Error::missing) says what.
    pub fn is_not_found(&self) -> bool {
        self.is(StatusCode::NOT_FOUND)
    }

    /// What is not there, where the server tells it. To ask for an object in a namespace that does not exist is
    /// answered as if only the object were missing.
    pub fn missing(&self) -> Option<Missing> {
        self.0.answer.as_ref()?.missing
    }

    /// The object has changed since it was read, a precondition does not hold, or other managers own the fields
    /// ([`conflicts`](Error::conflicts)).
    pub fn is_conflict(&self) -> bool {
        self.is(StatusCode::CONFLICT) && !self.is_already_exists()
    }

    /// The managers that own what was to be applied, each with the path of a field.
    pub fn conflicts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.status().into_iter().flat_map(managers)
    }

    /// An object with this name exists.
    pub fn is_already_exists(&self) -> bool {
        self.is(StatusCode::CONFLICT) && self.status().is_some_and(|status| status.reason == "AlreadyExists")
    }

    /// The object, or a part of the request, breaks a rule: [`Status::causes`] has each field.
    pub fn is_invalid(&self) -> bool {
        self.is(StatusCode::UNPROCESSABLE_ENTITY)
    }

    /// The resource version or the `continue` token is too old.
    pub fn is_gone(&self) -> bool {
        self.is(StatusCode::GONE)
    }

    /// The server knows who asks, and doesn't allow it; without [`denied`](Error::denied) an admission refused the object.
    pub fn is_forbidden(&self) -> bool {
        self.is(StatusCode::FORBIDDEN)
    }

    /// The permission that is missing, and who asked.
    pub fn denied(&self) -> Option<&Denied> {
        self.0.answer.as_ref()?.denied.as_ref()
    }

    /// The server doesn't know who asks.
    pub fn is_unauthorized(&self) -> bool {
        self.is(StatusCode::UNAUTHORIZED)
    }

    /// It took too long, here or there.
    pub fn is_timeout(&self) -> bool {
        // The server's own limit may come as 504 or as 500.
        let there = |status: &Status| matches!(&*status.reason, "Timeout" | "ServerTimeout");
        self.0.kind == ErrorKind::Timeout
            || self.is(StatusCode::REQUEST_TIMEOUT)
            || self.is(StatusCode::GATEWAY_TIMEOUT)
            || self.status().is_some_and(there)
    }

    /// The server is busy, or a disruption budget allows no eviction now.
    pub fn is_too_many_requests(&self) -> bool {
        self.is(StatusCode::TOO_MANY_REQUESTS)
    }

    /// It may pass by itself: no answer, a busy server, or one that lacks what it needs. Whether a write may be sent
    /// again is another question, which [`sent`](Error::sent) has a part of.
    pub fn is_temporary(&self) -> bool {
        match self.0.kind {
            ErrorKind::Timeout | ErrorKind::Transport | ErrorKind::Held => true,
            _ => self.code().is_some_and(|code| matches!(code.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)),
        }
    }

    /// The server gives this reason among the causes, such as `DisruptionBudget` or `NamespaceTerminating`.
    pub fn has_cause(&self, reason: &str) -> bool {
        self.status().is_some_and(|status| status.causes.iter().any(|cause| cause.reason == reason))
    }

    fn is(&self, code: StatusCode) -> bool {
        self.code() == Some(code)
    }
}

/// What a request says of itself: it was not built.
impl From<RequestError> for Error {
    fn from(error: RequestError) -> Error {
        let mut result = Error::request(error.to_string());
        result.0.source = Some(error.into());
        result
    }
}

fn missing(request: &Request, code: StatusCode, status: Option<&Status>, page: &str) -> Option<Missing> {
    // What is reached through a proxy has its own idea of what is not there.
    if code != StatusCode::NOT_FOUND || &*request.op.subresource == "proxy" {
        return None;
    }
    match status {
        // An API server says this of every path that it doesn't have.
        None => (page == "404 page not found").then_some(Missing::Resource),
        Some(status) if status.kind.is_empty() && status.name.is_empty() => Some(Missing::Resource),
        Some(status) if status.kind == "namespaces" && &*request.op.resource != "namespaces" => {
            Some(Missing::Namespace)
        }
        Some(_) => Some(Missing::Object),
    }
}

/// `conflict with "kubectl" using apps/v1`, with the field beside it.
fn managers(status: &Status) -> impl Iterator<Item = (&str, &str)> {
    let conflicts = status.causes.iter().filter(|cause| cause.reason == "FieldManagerConflict");
    conflicts.filter_map(|cause| {
        let (_, manager) = cause.message.split_once('"')?;
        Some((manager.split_once('"')?.0, &*cause.field))
    })
}

/// The first line of what is no `Status`, such as a proxy's page.
fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    line.chars().filter(|c| !c.is_control()).take(200).collect()
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Request { op, method, path, .. }) = &self.0.request {
            // A command may hold a password, and whatever is reached through a proxy its own secrets.
            let path = match &*op.subresource {
                "exec" | "attach" | "portforward" | "proxy" => path.split('?').next().unwrap_or_default(),
                _ => path,
            };
            write!(f, "{op} ({method} {path}): ")?;
        }
        f.write_str(&self.0.message)
    }
}

/// The line, which is what a program prints that returns its error from `main`; with `{:#?}` all that is known.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            return fmt::Display::fmt(self, f);
        }
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
