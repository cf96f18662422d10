//! How a request gets to a server and an answer back: one method, [`Transport::send`].
//!
//! A transport moves bytes for one server. It has no policy: no retry, no credential, no limit on a whole call. Those are
//! layers of their own, which are transports too and hold the next one. So the same layers run above a network,
//! an in-process server or a recording, and a test replaces any of them.
//!
//! Dropping the future of [`Transport::send`] or the body that it gave cancels the call.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_core::Stream;

use crate::operation::Operation;

/// Any error.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// The answer that is on its way. It owns what it needs, so that a layer can keep it, race it or drop it.
pub type Sending = Pin<Box<dyn Future<Output = Result<Reply, TransportError>> + Send>>;

/// The pieces of a body, in order; an error is the last item.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes, TransportError>> + Send>>;

/// Sends a call to the one server that it stands for.
pub trait Transport: Send + Sync + 'static {
    /// Sends `call` and answers with the head and a body that is still to come.
    ///
    /// Every answer of the server is `Ok`, whatever its status says.
    fn send(&self, call: Call) -> Sending;
}

/// A request with what the layers need to know of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Call {
    /// Method, headers, and the path with its query.
    ///
    /// The URI has no host: the transport knows its server, whose URL may have a path of its own before this one.
    pub head: http::request::Parts,
    /// What is sent.
    pub body: Body,
    /// What the layers go by.
    pub meta: CallMeta,
}

impl Call {
    /// A call of an operation, with nothing in its headers but what `request` has.
    pub fn new(op: impl Into<Cow<'static, Operation>>, request: http::Request<Body>) -> Call {
        let (head, body) = request.into_parts();
        Call { head, body, meta: CallMeta::new(op) }
    }

    /// The same call for one more attempt, unless its body is a stream.
    pub fn replay(&self) -> Option<Call> {
        Some(Call { head: self.head.clone(), body: self.body.replay()?, meta: self.meta.clone() })
    }
}

/// What the layers go by; nothing of it is sent.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CallMeta {
    /// What is asked for.
    pub op: Cow<'static, Operation>,
    /// Which traffic it belongs to.
    pub lane: Lane,
    /// How long it may take.
    pub limits: Limits,
    /// How many attempts went before this one.
    pub attempt: u32,
    /// Whether the connection is to become a stream in both directions.
    ///
    /// It goes over HTTP/1.1 then, and `head` has the headers with which the protocol begins, such as `Connection`, `Upgrade` and
    /// those of a WebSocket. An answer of 101 has [`ReplyBody::Upgraded`]; any other is an answer as always.
    pub upgrade: bool,
    /// Whether the answer is only of use when it is complete.
    ///
    /// Then the body belongs to the attempt: if it breaks off, the attempt has failed and may be repeated, and the
    /// caller gets [`ReplyBody::Whole`].
    pub whole: bool,
}

impl CallMeta {
    /// What follows from the operation: its lane, a complete answer unless it is a watch, and no limits.
    pub fn new(op: impl Into<Cow<'static, Operation>>) -> CallMeta {
        let op = op.into();
        let lane = op.verb.lane();
        let whole = matches!(lane, Lane::Read | Lane::Write | Lane::Lease);
        let upgrade = lane == Lane::Upgrade;
        CallMeta { op, lane, limits: Limits::default(), attempt: 0, upgrade, whole }
    }
}

/// Traffic that must not wait for other traffic: each lane has connections of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lane {
    /// Reads that end by themselves.
    Read,
    /// Writes.
    Write,
    /// Answers that go on: watches, followed logs.
    Watch,
    /// Renewals of leases, which are lost when they come late.
    Lease,
    /// Connections that become streams: exec, attach, port-forward.
    Upgrade,
}

/// How long a call may take; `None` is no limit.
///
/// How long a connection may take to open is the transport's own setting: calls share connections, and an impatient call
/// must not end an attempt to connect that others wait for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// When the whole call has to be over, with all attempts, all waiting and the body.
    pub deadline: Option<Instant>,
    /// From sending one attempt to the head of its answer.
    pub head: Option<Duration>,
    /// Between two pieces of the body.
    pub idle: Option<Duration>,
}

/// What is sent.
#[non_exhaustive]
pub enum Body {
    /// Nothing.
    Empty,
    /// These bytes.
    Bytes(Bytes),
    /// What the stream gives. It can be sent only once, so such a call is never repeated.
    Stream(ByteStream),
}

impl Body {
    /// The same body once more, unless it is a stream.
    pub fn replay(&self) -> Option<Body> {
        match self {
            Body::Empty => Some(Body::Empty),
            Body::Bytes(bytes) => Some(Body::Bytes(bytes.clone())),
            Body::Stream(_) => None,
        }
    }
}

/// Shows sizes, never content: a body may be a Secret.
impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Body::Empty => f.write_str("Empty"),
            Body::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Body::Stream(_) => f.write_str("Stream"),
        }
    }
}

/// What the server answered.
#[derive(Debug)]
#[non_exhaustive]
pub struct Reply {
    /// Status and headers.
    pub head: http::response::Parts,
    /// What comes after them.
    pub body: ReplyBody,
}

impl Reply {
    /// An answer with a body.
    pub fn new(head: http::response::Parts, body: ReplyBody) -> Reply {
        Reply { head, body }
    }
}

/// The body of an answer.
#[non_exhaustive]
pub enum ReplyBody {
    /// All of it.
    Whole(Bytes),
    /// It comes in pieces.
    Stream(ByteStream),
    /// The connection itself, after `101 Switching Protocols`.
    Upgraded(Box<dyn Io>),
}

/// Shows sizes, never content.
impl fmt::Debug for ReplyBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReplyBody::Whole(bytes) => write!(f, "Whole({})", bytes.len()),
            ReplyBody::Stream(_) => f.write_str("Stream"),
            ReplyBody::Upgraded(_) => f.write_str("Upgraded"),
        }
    }
}

/// A connection as a stream in both directions, of no particular runtime.
pub trait Io: futures_io::AsyncRead + futures_io::AsyncWrite + Send + Unpin {}

impl<T: futures_io::AsyncRead + futures_io::AsyncWrite + Send + Unpin> Io for T {}

/// What is known of whether the server has seen a call that failed: what a retry may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sent {
    /// Nothing of it left this machine, or only to a server that turned out to be the wrong one.
    No,
    /// The server said that it has not processed it.
    Refused,
    /// The server may have processed it, in part or fully.
    Unknown,
}

/// What kind of failure it was: whether the same again could end otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// It was set up wrongly, or is not supported: the next attempt fails in the same way.
    Setup,
    /// Whoever answers is not the server that was meant: its certificate is not trusted.
    Untrusted,
    /// There is nothing to show of who asks, or the server turned away the client's certificate.
    Credential,
    /// A limit ran out.
    Timeout,
    /// The connection could not be made, or broke.
    Broken,
    /// A limit of this client's own, such as its rate, let it not go: nobody else is to blame, and it is not tried again.
    Held,
}

impl Fault {
    /// Whether the same again would end in the same way, as long as nobody changes the configuration.
    pub fn lasts(self) -> bool {
        matches!(self, Fault::Setup | Fault::Untrusted | Fault::Credential | Fault::Held)
    }
}

/// A call that got no answer, or not all of one.
#[derive(Debug)]
pub struct TransportError {
    sent: Sent,
    fault: Fault,
    message: Box<str>,
    source: Option<BoxError>,
}

impl TransportError {
    /// A failure with what a person can read about it; `message` stands for the whole chain below it.
    pub fn new(sent: Sent, fault: Fault, message: impl Into<String>) -> TransportError {
        TransportError { sent, fault, message: message.into().into_boxed_str(), source: None }
    }

    /// The error that led to this one, for programs to look at.
    pub fn with_source(mut self, source: impl Into<BoxError>) -> TransportError {
        self.source = Some(source.into());
        self
    }

    /// The same failure when less is known, or more, about what the server has seen.
    pub fn with_sent(mut self, sent: Sent) -> TransportError {
        self.sent = sent;
        self
    }

    /// The same failure with `context` said before it.
    pub fn context(mut self, context: impl fmt::Display) -> TransportError {
        self.message = format!("{context}: {}", self.message).into_boxed_str();
        self
    }

    /// Whether the server has seen it.
    pub fn sent(&self) -> Sent {
        self.sent
    }

    /// What kind of failure it was.
    pub fn fault(&self) -> Fault {
        self.fault
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| &**source as &(dyn StdError + 'static))
    }
}
