//! A transport that does what a test says, in virtual time.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::StatusCode;
use k8s_api::operation::{Operation, Retry, Verb};
use k8s_api::transport::{
    Body, Call, CallMeta, Fault, Limits, Reply, ReplyBody, Sending, Sent, Transport, TransportError,
};

use super::stack::{Gauges, Policies, stack};
use super::{AttemptEnd, CallEnd, Circuit, Limit, Observer, Outcome};
use crate::auth::Credential;
use crate::outside::Outside;
use crate::outside::testing::{Handle, Virtual};

/// What happens to one attempt, after a while.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) after: Duration,
    pub(crate) end: End,
}

#[derive(Clone, Debug)]
pub(crate) enum End {
    /// Status, headers, and pieces of the body, each after a while of its own.
    Answer(u16, Vec<(&'static str, String)>, Vec<(Duration, Piece)>),
    Fail(Sent, Fault),
    Silence,
}

#[derive(Clone, Debug)]
pub(crate) enum Piece {
    Bytes(&'static str),
    Broken,
}

pub(crate) fn answer(status: u16) -> Step {
    Step {
        after: Duration::ZERO,
        end: End::Answer(status, vec![], vec![(Duration::ZERO, Piece::Bytes("ok"))]),
    }
}

pub(crate) fn answer_with(status: u16, header: (&'static str, &str)) -> Step {
    let headers = vec![(header.0, header.1.to_owned())];
    Step { after: Duration::ZERO, end: End::Answer(status, headers, vec![]) }
}

pub(crate) fn fail(sent: Sent) -> Step {
    Step { after: Duration::ZERO, end: End::Fail(sent, Fault::Broken) }
}

/// Takes the steps in order, and notes what it was sent and when; the last step is done again and again.
pub(crate) struct Script {
    clock: Arc<Virtual>,
    steps: Mutex<VecDeque<Step>>,
    pub(crate) seen: Mutex<Vec<Seen>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) at: Duration,
    pub(crate) attempt: u32,
    pub(crate) limits: Limits,
    pub(crate) authorization: Option<String>,
    pub(crate) headers: http::HeaderMap,
    /// The user and the groups.
    pub(crate) impersonated: Vec<String>,
}

impl Script {
    pub(crate) fn new(clock: &Arc<Virtual>, steps: impl IntoIterator<Item = Step>) -> Arc<Script> {
        let steps = Mutex::new(steps.into_iter().collect());
        Arc::new(Script { clock: clock.clone(), steps, seen: Mutex::default() })
    }

    /// When each attempt was sent, in milliseconds.
    pub(crate) fn times(&self) -> Vec<u128> {
        self.seen.lock().unwrap().iter().map(|seen| seen.at.as_millis()).collect()
    }
}

impl Transport for Script {
    fn send(&self, call: Call) -> Sending {
        let authorization = call.head.headers.get("authorization");
        assert!(authorization.is_none_or(|value| value.is_sensitive()), "a logged head would show it");
        self.seen.lock().unwrap().push(Seen {
            at: self.clock.passed(),
            attempt: call.meta.attempt,
            limits: call.meta.limits,
            authorization: authorization.map(|value| value.to_str().unwrap().to_owned()),
            headers: call.head.headers.clone(),
            impersonated: ["impersonate-user", "impersonate-group"]
                .iter()
                .flat_map(|name| call.head.headers.get_all(*name))
                .map(|value| value.to_str().unwrap().to_owned())
                .collect(),
        });
        let mut steps = self.steps.lock().unwrap();
        let step = if steps.len() > 1 { steps.pop_front() } else { steps.front().cloned() };
        let step = step.expect("a step");
        let clock = Handle(self.clock.clone());
        Box::pin(async move {
            clock.wait(clock.now() + step.after).await;
            match step.end {
                End::Silence => std::future::pending().await,
                End::Fail(sent, fault) => Err(TransportError::new(sent, fault, "scripted")),
                End::Answer(status, headers, pieces) => {
                    let (mut head, ()) = http::Response::new(()).into_parts();
                    head.status = StatusCode::from_u16(status).unwrap();
                    for (name, value) in headers {
                        head.headers.insert(name, value.parse().unwrap());
                    }
                    let clock = Arc::new(clock);
                    let body = futures_util::stream::iter(pieces).then(move |(after, piece)| {
                        let clock = clock.clone();
                        async move {
                            clock.wait(clock.now() + after).await;
                            match piece {
                                Piece::Bytes(text) => Ok(Bytes::from(text)),
                                Piece::Broken => {
                                    Err(TransportError::new(Sent::Unknown, Fault::Broken, "broke off"))
                                }
                            }
                        }
                    });
                    Ok(Reply::new(head, ReplyBody::Stream(Box::pin(body))))
                }
            }
        })
    }
}

/// All policies above a script.
pub(crate) struct Rig {
    pub(crate) clock: Arc<Virtual>,
    pub(crate) script: Arc<Script>,
    pub(crate) stack: Arc<dyn Transport>,
    pub(crate) gauges: Gauges,
}

impl Rig {
    pub(crate) fn new(policies: Policies, steps: impl IntoIterator<Item = Step>) -> Rig {
        Rig::with(policies, None, steps)
    }

    pub(crate) fn with(
        policies: Policies,
        credential: Option<Arc<dyn Credential>>,
        steps: impl IntoIterator<Item = Step>,
    ) -> Rig {
        let clock = Virtual::new();
        let script = Script::new(&clock, steps);
        let outside = Arc::new(Handle(clock.clone()));
        let (stack, gauges) = stack(script.clone(), credential, policies, outside);
        Rig { clock, script, stack, gauges }
    }

    pub(crate) fn send(&self, call: Call) -> Result<u16, TransportError> {
        self.clock.run(self.stack.send(call)).map(|reply| reply.head.status.as_u16())
    }

    pub(crate) fn get(&self) -> Result<u16, TransportError> {
        self.send(call(&GET, Body::Empty))
    }

    pub(crate) fn by(&self, op: &'static Operation, deadline: Duration) -> Call {
        let mut call = call(op, Body::Empty);
        call.meta.limits.deadline = Some(self.clock.after(deadline));
        call
    }

    /// So many at the same time.
    pub(crate) fn gets(&self, count: usize) -> Vec<u16> {
        let calls = (0..count).map(|_| self.stack.send(call(&GET, Body::Empty)));
        let replies = self.clock.run(futures_util::future::join_all(calls));
        replies.into_iter().map(|reply| reply.unwrap().head.status.as_u16()).collect()
    }

    /// Polls a call once, as a program that then does something else.
    pub(crate) fn begin(&self, call: Call) -> Sending {
        let mut sending = self.stack.send(call);
        assert!(self.clock.run(futures_util::future::poll_immediate(&mut sending)).is_none());
        sending
    }
}

pub(crate) fn slow(after: Duration) -> Step {
    Step { after, ..answer(200) }
}

/// Writes down all that it hears.
#[derive(Clone, Default)]
pub(crate) struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn note(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }
}

impl Observer for Diary {
    fn call_started(&self, call: &CallMeta) {
        self.note(format!("started {}", call.op));
    }

    fn call_ended(&self, call: &CallMeta, end: &CallEnd) {
        let CallEnd { outcome, duration, attempts, received, .. } = end;
        self.note(format!("ended {} {outcome} {duration:?} attempts={attempts} bytes={received}", call.op));
    }

    fn attempt_ended(&self, call: &CallMeta, end: &AttemptEnd) {
        self.note(format!("attempt {} {} {} {:?}", call.op.verb, call.attempt, end.outcome, end.duration));
    }

    fn retrying(&self, call: &CallMeta, outcome: Outcome, wait: Duration) {
        self.note(format!("retrying {} after {outcome} in {wait:?}", call.op));
    }

    fn held(&self, _: &CallMeta, limit: Limit, wait: Duration) {
        self.note(format!("held {} {wait:?}", limit.as_str()));
    }

    fn circuit(&self, circuit: &Circuit) {
        self.note(format!("{circuit:?}"));
    }

    fn credential_refused(&self, renewed: bool) {
        self.note(format!("credential renewed={renewed}"));
    }
}

macro_rules! operations {
    ($($name:ident $verb:ident $retry:ident;)*) => { $(
        pub(crate) static $name: Operation = Operation {
            verb: Verb::$verb,
            group: Cow::Borrowed(""),
            version: Cow::Borrowed("v1"),
            resource: Cow::Borrowed("pods"),
            subresource: Cow::Borrowed(""),
            retry: Retry::$retry,
        };
    )* };
}

operations! {
    GET Get Read;
    WATCH Watch Read;
    CREATE Create Write;
    EVICT Create Answered;
    NEVER Watch Never;
}

pub(crate) fn call(op: &'static Operation, body: Body) -> Call {
    let method = if matches!(op.verb, Verb::Get | Verb::Watch) { "GET" } else { "POST" };
    let request = http::Request::builder().method(method).uri("/api/v1/pods").body(body).unwrap();
    Call::new(op, request)
}

pub(crate) fn stream_body() -> Body {
    Body::Stream(Box::pin(futures_util::stream::empty()))
}
