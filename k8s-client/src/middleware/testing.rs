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
    Body, Call, Fault, Limits, Reply, ReplyBody, Sending, Sent, Transport, TransportError,
};

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
