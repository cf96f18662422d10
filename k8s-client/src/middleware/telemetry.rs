//! What happens to a call, for whoever listens: spans of `tracing` and a program's own [`Observer`](super::Observer).
//!
//! Without a listener a call passes through and nothing is made for it. Names and fields of the spans are in
//! [the module's documentation](super).

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use futures_core::Stream;
use http::HeaderMap;
use k8s_api::transport::{ByteStream, Call, CallMeta, Reply, ReplyBody, Sending, Transport, TransportError};
use tracing::{Instrument as _, Span, field};

use super::attempts::Attempts;
use super::observe::{AttemptEnd, CallEnd, Listener, Outcome};
use super::request_id;
use crate::outside::Outside;

/// What a filter names for everything that the policies tell.
pub(super) const TARGET: &str = "k8s_client";

struct Calls {
    inner: Arc<dyn Transport>,
    listener: Listener,
    outside: Arc<dyn Outside>,
}

/// One span for each call, around all that is done for it.
pub(crate) fn calls(
    inner: Arc<dyn Transport>,
    listener: Listener,
    outside: Arc<dyn Outside>,
) -> Arc<dyn Transport> {
    Arc::new(Calls { inner, listener, outside })
}

impl Transport for Calls {
    fn send(&self, mut call: Call) -> Sending {
        let op = &call.meta.op;
        let span = tracing::debug_span!(
            target: TARGET,
            "k8s.call",
            verb = op.verb.as_str(),
            group = &*op.group,
            version = &*op.version,
            resource = &*op.resource,
            subresource = &*op.subresource,
            namespace = field::Empty,
            name = field::Empty,
            attempts = field::Empty,
            status = field::Empty,
            failure = field::Empty,
            audit_id = field::Empty,
        );
        if span.is_disabled() && !self.listener.is_there() {
            return self.inner.send(call);
        }
        if !span.is_disabled() {
            let (namespace, name) = place(call.head.uri.path(), &op.resource);
            namespace.map(|namespace| span.record("namespace", namespace));
            name.map(|name| span.record("name", name));
            audit_id(&span, &call.head.headers);
        }
        self.listener.tell(|observer| observer.call_started(&call.meta));
        let mut track = Track {
            attempts: Attempts::of(&mut call),
            end: CallEnd::new(),
            started: self.outside.now(),
            meta: call.meta.clone(),
            span: span.clone(),
            listener: self.listener.clone(),
            outside: self.outside.clone(),
        };
        let sending = span.in_scope(|| self.inner.send(call));
        let answer = async move {
            let result = sending.await;
            track.answered(&result);
            let mut reply = result?;
            reply.body = match reply.body {
                ReplyBody::Whole(bytes) => {
                    track.received(&bytes);
                    ReplyBody::Whole(bytes)
                }
                // It is over when it has been read.
                ReplyBody::Stream(inner) => {
                    ReplyBody::Stream(Box::pin(Tracked { inner, track: Some(track) }))
                }
                body => body,
            };
            Ok(reply)
        };
        Box::pin(answer.instrument(span))
    }
}

impl CallEnd {
    fn new() -> CallEnd {
        let duration = std::time::Duration::ZERO;
        CallEnd { outcome: Outcome::Dropped, duration, attempts: 0, received: 0 }
    }
}

/// Dropping it is the end of the call.
struct Track {
    meta: CallMeta,
    attempts: Attempts,
    end: CallEnd,
    started: Instant,
    span: Span,
    listener: Listener,
    outside: Arc<dyn Outside>,
}

impl Drop for Track {
    fn drop(&mut self) {
        self.end.attempts = self.attempts.get();
        self.end.duration = self.outside.now().saturating_duration_since(self.started);
        self.span.record("attempts", self.end.attempts);
        outcome(&self.span, self.end.outcome);
        self.listener.tell(|observer| observer.call_ended(&self.meta, &self.end));
    }
}

impl Track {
    fn answered(&mut self, result: &Result<Reply, TransportError>) {
        self.end.outcome = Outcome::of(result, |reply| reply.head.status);
        if let Ok(reply) = result {
            audit_id(&self.span, &reply.head.headers);
        }
    }

    fn received(&mut self, bytes: &Bytes) {
        self.end.received += bytes.len() as u64;
    }
}

/// A body that counts what is read of it.
struct Tracked {
    inner: ByteStream,
    /// Until its end.
    track: Option<Track>,
}

impl Stream for Tracked {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = std::task::ready!(self.inner.as_mut().poll_next(cx));
        match (&item, &mut self.track) {
            (Some(Ok(bytes)), Some(track)) => track.received(bytes),
            (Some(Err(error)), Some(track)) => {
                track.end.outcome = Outcome::Failure(error.sent(), error.fault());
                self.track = None;
            }
            _ => self.track = None,
        }
        Poll::Ready(item)
    }
}

struct Each {
    inner: Arc<dyn Transport>,
    listener: Listener,
    outside: Arc<dyn Outside>,
}

/// One span for each attempt, below the retry.
pub(crate) fn attempts(
    inner: Arc<dyn Transport>,
    listener: Listener,
    outside: Arc<dyn Outside>,
) -> Arc<dyn Transport> {
    Arc::new(Each { inner, listener, outside })
}

impl Transport for Each {
    fn send(&self, call: Call) -> Sending {
        let span = tracing::debug_span!(
            target: TARGET,
            "k8s.attempt",
            verb = call.meta.op.verb.as_str(),
            attempt = call.meta.attempt,
            status = field::Empty,
            failure = field::Empty,
        );
        if span.is_disabled() && !self.listener.is_there() {
            return self.inner.send(call);
        }
        let mut trial = Trial {
            meta: call.meta.clone(),
            outcome: Outcome::Dropped,
            started: self.outside.now(),
            span: span.clone(),
            listener: self.listener.clone(),
            outside: self.outside.clone(),
        };
        let sending = span.in_scope(|| self.inner.send(call));
        let answer = async move {
            let result = sending.await;
            trial.answered(&result);
            result
        };
        Box::pin(answer.instrument(span))
    }
}

/// Dropping it is the end of the attempt.
struct Trial {
    meta: CallMeta,
    outcome: Outcome,
    started: Instant,
    span: Span,
    listener: Listener,
    outside: Arc<dyn Outside>,
}

impl Drop for Trial {
    fn drop(&mut self) {
        outcome(&self.span, self.outcome);
        let duration = self.outside.now().saturating_duration_since(self.started);
        let end = AttemptEnd { outcome: self.outcome, duration };
        self.listener.tell(|observer| observer.attempt_ended(&self.meta, &end));
    }
}

impl Trial {
    fn answered(&mut self, result: &Result<Reply, TransportError>) {
        self.outcome = Outcome::of(result, |reply| reply.head.status);
    }
}

fn outcome(span: &Span, outcome: Outcome) {
    match outcome {
        Outcome::Answer(status) => span.record("status", status.as_u16()),
        failure => span.record("failure", field::display(failure)),
    };
}

fn audit_id(span: &Span, headers: &HeaderMap) {
    if let Some(id) = headers.get(request_id::HEADER).and_then(|id| id.to_str().ok()) {
        span.record("audit_id", id);
    }
}

/// The namespace and the name that a path has for a resource, as they stand there.
fn place<'a>(path: &'a str, resource: &str) -> (Option<&'a str>, Option<&'a str>) {
    let mut parts = path.split('/').skip(1);
    // `/api/v1/...` or `/apis/group/version/...`.
    let before = match parts.next() {
        Some("api") => 1,
        Some("apis") => 2,
        _ => return (None, None),
    };
    let parts: Vec<&str> = parts.skip(before).collect();
    match parts[..] {
        ["namespaces", namespace, kind, ref rest @ ..] if kind == resource => {
            (Some(namespace), rest.first().copied())
        }
        [kind, ref rest @ ..] if kind == resource => (None, rest.first().copied()),
        _ => (None, None),
    }
}

#[cfg(test)]
mod tests;
