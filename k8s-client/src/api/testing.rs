//! A server that answers what a test wrote down, in virtual time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::StreamExt as _;
use k8s_api::transport::{
    Body, Call, Fault, Lane, Reply, ReplyBody, Sending, Sent, Transport, TransportError,
};

use crate::client::Client;
use crate::outside::testing::{Handle, Virtual};

/// What is answered to one call.
pub(super) enum Answer {
    Whole(u16, String),
    /// Pieces, and whether the connection breaks after them.
    Pieces(Vec<&'static str>, bool),
    /// Pieces, and then nothing, for ever.
    Hanging(Vec<&'static str>),
    Lost,
}

pub(super) fn ok(body: impl Into<String>) -> Answer {
    Answer::Whole(200, body.into())
}

/// A refusal as the server words it.
pub(super) fn refused(code: u16, reason: &str, rest: &str) -> Answer {
    let message = format!("no: {reason}");
    Answer::Whole(
        code,
        format!(
            r#"{{"kind":"Status","apiVersion":"v1","status":"Failure","code":{code},"reason":"{reason}","message":"{message}"{rest}}}"#
        ),
    )
}

pub(super) struct Server {
    clock: Arc<Virtual>,
    answers: Mutex<VecDeque<Answer>>,
    seen: Mutex<Vec<Seen>>,
}

#[derive(Clone)]
pub(super) struct Seen {
    /// Method and path, and the body if there is one.
    pub(super) line: String,
    pub(super) accept: String,
    pub(super) content_type: Option<String>,
    pub(super) lane: Lane,
    /// Until the deadline and in silence, in milliseconds from now.
    pub(super) limits: (Option<u128>, Option<u128>),
    pub(super) at: u128,
}

/// A client for answers in order.
pub(super) fn client(answers: impl IntoIterator<Item = Answer>) -> (Client, Arc<Server>, Arc<Virtual>) {
    let clock = Virtual::new();
    let server = Arc::new(Server {
        clock: clock.clone(),
        answers: Mutex::new(answers.into_iter().collect()),
        seen: Mutex::default(),
    });
    let client = Client::with_transport(server.clone(), "web").outside(Arc::new(Handle(clock.clone())));
    (client.build().unwrap(), server, clock)
}

impl Server {
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.line).collect()
    }

    /// When each call came, in milliseconds.
    pub(super) fn times(&self) -> Vec<u128> {
        self.seen().into_iter().map(|seen| seen.at).collect()
    }

    /// Everything was asked for that there is an answer to.
    pub(super) fn is_done(&self) -> bool {
        self.answers.lock().unwrap().is_empty()
    }
}

impl Transport for Server {
    fn send(&self, call: Call) -> Sending {
        let header = |name: &str| call.head.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        let body = match &call.body {
            Body::Bytes(body) => format!(" {}", String::from_utf8_lossy(body)),
            _ => String::new(),
        };
        let now = self.clock.after(self.clock.passed());
        self.seen.lock().unwrap().push(Seen {
            line: format!("{} {}{body}", call.head.method, call.head.uri),
            accept: header("accept").unwrap_or_default(),
            content_type: header("content-type"),
            lane: call.meta.lane,
            limits: (
                call.meta.limits.deadline.map(|at| (at - now).as_millis()),
                call.meta.limits.idle.map(|idle| idle.as_millis()),
            ),
            at: self.clock.passed().as_millis(),
        });
        let answer = self.answers.lock().unwrap().pop_front().expect("an answer");
        let head = |code| http::Response::builder().status(code).body(()).unwrap().into_parts().0;
        let broken = || TransportError::new(Sent::Unknown, Fault::Broken, "broke off");
        Box::pin(std::future::ready(match answer {
            Answer::Whole(code, body) => Ok(Reply::new(head(code), ReplyBody::Whole(body.into()))),
            Answer::Pieces(pieces, breaks) => {
                let end = breaks.then(|| Err(broken()));
                let pieces = pieces.into_iter().map(|piece| Ok(Bytes::from(piece))).chain(end);
                Ok(Reply::new(head(200), ReplyBody::Stream(Box::pin(futures_util::stream::iter(pieces)))))
            }
            Answer::Hanging(pieces) => {
                let pieces =
                    futures_util::stream::iter(pieces.into_iter().map(|piece| Ok(Bytes::from(piece))));
                let body = pieces.chain(futures_util::stream::pending());
                Ok(Reply::new(head(200), ReplyBody::Stream(Box::pin(body))))
            }
            Answer::Lost => Err(broken()),
        }))
    }
}
