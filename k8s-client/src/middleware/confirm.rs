//! A create with a name whose outcome is not known: looks whether the object is there before anything is sent again.
//!
//! The answer may be lost after the object was stored: a connection breaks, a proxy answers 503 or 504, or the server says 500
//! for something that it did. Then the object is read by its name:
//!
//! - It is not there: it is created again, as often as the preset allows. The first create may still be on its way; then the
//!   second one is refused, and the object is read once more.
//! - It is there, holds all that was sent and is no older than the call: it is the answer.
//! - It is there otherwise: the call fails with `AlreadyExists`, and says that it is not known what became of its create.
//! - It can't be read: the call fails as it would have without this.
//!
//! The age of the object is reckoned by the server's own clock, which stands in the header `Date` of the answer, and compared
//! with the time that has passed here: clocks that differ make no difference. Those of several servers behind one address may;
//! [`SLACK`] is for them, and for both times being whole seconds.
//!
//! **What can't be told apart:** an equal object that somebody else created meanwhile (or in the time of the slack before) from
//! the call's own; and an object that was created and deleted at once from one that never was. So locks need something of
//! their own in them, or `ClientBuilder::unconfirmed_creates`.
//!
//! Only for objects themselves: a `generateName` finds another name each time, and a subresource or a dry run leaves nothing to
//! read.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, DATE};
use http::{HeaderValue, Method, StatusCode, Uri};
use k8s_api::operation::{Operation, Retry, Verb};
use k8s_api::time::Time;
use k8s_api::transport::{
    Body, Call, CallMeta, Fault, Lane, Reply, ReplyBody, Sending, Sent, Transport, TransportError,
};
use serde_json::{Value, json};

use super::attempts::Attempts;
use super::backoff::Waits;
use super::budget::Budget;
use super::classify::Outcome;
use super::contains::difference;
use super::observe::Listener;
use super::preset::Preset;
use super::retry_after::retry_after;
use crate::outside::Outside;

/// How much older than the call an object may look that the call has made, by the server's clock and by our own.
const SLACK: Duration = Duration::from_secs(5);
const OWN_SLACK: Duration = Duration::from_secs(60);

struct Confirm(Arc<Policy>);

struct Policy {
    inner: Arc<dyn Transport>,
    preset: Preset,
    budget: Arc<Budget>,
    /// How long the head of an answer may take that may be asked for again.
    answer: Option<Duration>,
    listener: Listener,
    outside: Arc<dyn Outside>,
}

/// Wraps `inner`, which repeats what may be repeated blindly.
pub(crate) fn layer(
    inner: Arc<dyn Transport>,
    preset: Preset,
    budget: Arc<Budget>,
    answer: Option<Duration>,
    listener: Listener,
    outside: Arc<dyn Outside>,
) -> Arc<dyn Transport> {
    Arc::new(Confirm(Arc::new(Policy { inner, preset, budget, answer, listener, outside })))
}

impl Transport for Confirm {
    fn send(&self, call: Call) -> Sending {
        if !may_be_read(&call) {
            return self.0.inner.send(call);
        }
        let policy = self.0.clone();
        Box::pin(async move { policy.create(call).await })
    }
}

/// Whether it makes an object that can be read afterwards. The name is looked for when it is needed.
fn may_be_read(call: &Call) -> bool {
    let op = &call.meta.op;
    let dry =
        call.head.uri.query().is_some_and(|query| query.split('&').any(|one| one.starts_with("dryRun=")));
    let json = call.head.headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes() == b"application/json");
    op.verb == Verb::Create
        && op.retry == Retry::Write
        && op.subresource.is_empty()
        && json
        && !dry
        && matches!(call.body, Body::Bytes(_))
}

type Answer = Result<Reply, TransportError>;

/// What reading showed.
enum There {
    Own(Reply),
    /// In words, why it is not, or may not be.
    Other(String),
    Nothing,
    /// It can't be told.
    Unknown,
}

impl Policy {
    async fn create(&self, mut call: Call) -> Answer {
        let started = self.outside.now();
        let attempts = Attempts::of(&mut call);
        let mut waits = Waits::new(&self.preset);
        // Why it is not known what became of an earlier attempt.
        let mut doubt: Option<String> = None;
        loop {
            let Some(mut again) = call.replay() else { return self.inner.send(call).await };
            let before = attempts.get();
            let result = self.inner.send(call).await;
            again.meta.attempt = again.meta.attempt.saturating_add(attempts.get().saturating_sub(before));

            let in_doubt = why_unknown(&result);
            let taken = matches!(&result, Ok(reply) if reply.head.status == StatusCode::CONFLICT);
            let Some(why) = in_doubt.clone().or(doubt.filter(|_| taken)) else { return result };
            let Some(object) = Object::of(&again) else { return result };

            let outcome = Outcome::of(&result, |reply| reply.head.status);
            let mut wait = Duration::ZERO;
            if in_doubt.is_some() {
                // Whatever holds the answer up may still be at work.
                let wish = result.as_ref().ok();
                let wish = wish.and_then(|reply| retry_after(&reply.head.headers, self.outside.date()));
                wait = waits.next(wish, self.outside.chance());
                let at = self.outside.now().checked_add(wait);
                let deadline = again.meta.limits.deadline;
                let at = at.filter(|at| deadline.is_none_or(|deadline| *at < deadline));
                let Some(at) = at else { return result };
                self.outside.wait(at).await;
            }
            let other = |reason: &str| Ok(conflict(&again.meta.op, &object.name, reason, &why));
            let get = self.get(&again, &object.name);
            match self.look(get, &object, started).await {
                There::Own(reply) => {
                    self.budget.succeeded();
                    return Ok(reply);
                }
                There::Other(reason) => return other(&reason),
                There::Unknown if taken => return other("it can't be read"),
                There::Unknown => return result,
                There::Nothing if taken => return other("it is gone again"),
                There::Nothing => {}
            }
            if again.meta.attempt >= self.preset.attempts || !self.budget.take() {
                return result;
            }
            self.listener.tell(|observer| observer.retrying(&again.meta, outcome, wait));
            (call, doubt) = (again, Some(why));
        }
    }

    async fn look(&self, get: Option<Call>, object: &Object, started: Instant) -> There {
        let Some(get) = get else { return There::Unknown };
        let Ok(reply) = self.inner.send(get).await else { return There::Unknown };
        let ReplyBody::Whole(body) = &reply.body else { return There::Unknown };
        let Ok(found) = serde_json::from_slice::<Value>(body) else { return There::Unknown };
        let text = |path| found.pointer(path).and_then(Value::as_str);
        match reply.head.status {
            // A 404 for the whole resource has no name.
            StatusCode::NOT_FOUND
                if text("/reason") == Some("NotFound") && text("/details/name") == Some(&object.name) =>
            {
                There::Nothing
            }
            StatusCode::OK if found.get("kind") == object.sent.get("kind") => {
                let made = text("/metadata/creationTimestamp").and_then(|time| time.parse::<Time>().ok());
                let Some(made) = made.and_then(|made| SystemTime::try_from(made).ok()) else {
                    return There::Unknown;
                };
                let theirs = reply.head.headers.get(DATE).and_then(|date| date.to_str().ok());
                let (now, slack) = match theirs.and_then(|date| httpdate::parse_http_date(date).ok()) {
                    Some(date) => (date, SLACK),
                    None => (self.outside.date(), OWN_SLACK),
                };
                let age = now.duration_since(made).unwrap_or(Duration::ZERO);
                let passed = self.outside.now().saturating_duration_since(started);
                if age > passed.saturating_add(slack) {
                    return There::Other(format!("it is {age:?} old and was there before"));
                }
                match difference(object.sent.clone(), &found) {
                    None => There::Own(reply),
                    Some(path) => There::Other(format!("its `{path}` is not what was sent")),
                }
            }
            _ => There::Unknown,
        }
    }

    /// Reads the object itself, and not from a cache: so no `resourceVersion`.
    fn get(&self, call: &Call, name: &str) -> Option<Call> {
        let op = &call.meta.op;
        let mut path = call.head.uri.path().to_owned();
        if path.rsplit('/').next() != Some(&*op.resource) {
            return None;
        }
        path.push('/');
        k8s_api::request::__encode(name, &mut path);
        let mut head = call.head.clone();
        (head.method, head.uri) = (Method::GET, path.parse::<Uri>().ok()?);
        head.headers.remove(CONTENT_TYPE);
        head.headers.remove(CONTENT_LENGTH);
        let op = Operation { verb: Verb::Get, retry: Retry::Read, ..(**op).clone() };
        let mut meta = CallMeta::new(op);
        meta.limits = call.meta.limits;
        if call.meta.lane == Lane::Lease {
            meta.lane = Lane::Lease;
        }
        meta.limits.head = meta.limits.head.or(self.answer);
        meta.limits.idle = meta.limits.idle.or(self.answer);
        let mut get = call.replay()?;
        (get.head, get.body, get.meta) = (head, Body::Empty, meta);
        Some(get)
    }
}

/// What was sent.
struct Object {
    name: String,
    sent: Value,
}

impl Object {
    /// `None` without a name to look for.
    fn of(call: &Call) -> Option<Object> {
        let Body::Bytes(body) = &call.body else { return None };
        let sent: Value = serde_json::from_slice(body).ok()?;
        let name = sent.pointer("/metadata/name")?.as_str()?.to_owned();
        (!name.is_empty()).then_some(Object { name, sent })
    }
}

/// Why it is not known what became of a create, in words.
fn why_unknown(result: &Answer) -> Option<String> {
    match result {
        Ok(reply) => {
            let status = reply.head.status;
            matches!(status.as_u16(), 408 | 500 | 502 | 503 | 504).then(|| status.to_string())
        }
        Err(error) => {
            let lost =
                error.sent() == Sent::Unknown && matches!(error.fault(), Fault::Broken | Fault::Timeout);
            lost.then(|| error.to_string())
        }
    }
}

/// What the server would have answered, had it seen nothing of the call before; a cause says for programs that this is not so.
fn conflict(op: &Operation, name: &str, reason: &str, why: &str) -> Reply {
    let resource = &op.resource;
    let message = format!(
        "{resource} \"{name}\" already exists, and is not known to be what this call created: {reason}. \
         Whether the server created anything for this call is not known either: {why}"
    );
    let status = json!({
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": message,
        "reason": "AlreadyExists",
        "details": {
            "name": name,
            "group": op.group,
            "kind": resource,
            "causes": [{ "reason": "CreateOutcomeUnknown", "message": why }],
        },
        "code": 409,
    });
    let (mut head, ()) = http::Response::new(()).into_parts();
    head.status = StatusCode::CONFLICT;
    head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Reply::new(head, ReplyBody::Whole(Bytes::from(status.to_string())))
}

#[cfg(test)]
mod tests;
