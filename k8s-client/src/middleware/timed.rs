//! A body with limits on its time.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_core::Stream;
use k8s_api::transport::{ByteStream, Fault, ReplyBody, Sent, TransportError};

use crate::outside::{Outside, Waiting};

/// When a body has taken too long.
#[derive(Clone, Copy)]
pub(super) enum Limit {
    /// When this time has come.
    At(Instant),
    /// When nothing has come for so long.
    Idle(Duration),
}

/// The same body, which fails with `Fault::Timeout` at the limit.
pub(super) fn limit(body: ReplyBody, limit: Limit, outside: Arc<dyn Outside>) -> ReplyBody {
    match body {
        ReplyBody::Stream(inner) => {
            let until = end(limit, &*outside);
            ReplyBody::Stream(Box::pin(Timed { inner: Some(inner), limit, until, timer: None, outside }))
        }
        // All there, or somebody else's from now on.
        other => other,
    }
}

/// `None` is after the end of time.
fn end(limit: Limit, outside: &dyn Outside) -> Option<Instant> {
    match limit {
        Limit::At(at) => Some(at),
        Limit::Idle(idle) => outside.now().checked_add(idle),
    }
}

struct Timed {
    /// `None` once it is over.
    inner: Option<ByteStream>,
    limit: Limit,
    until: Option<Instant>,
    /// Made when there is something to wait for: the body of a small answer comes with its head. It may be set to an earlier
    /// time than `until`: a piece only moves `until`, and the timer follows when it is up.
    timer: Option<(Instant, Waiting)>,
    outside: Arc<dyn Outside>,
}

impl Stream for Timed {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let Some(inner) = &mut this.inner else { return Poll::Ready(None) };
        if let Poll::Ready(item) = inner.as_mut().poll_next(cx) {
            match item {
                Some(Ok(_)) if matches!(this.limit, Limit::Idle(_)) => {
                    this.until = end(this.limit, &*this.outside);
                }
                Some(Ok(_)) => {}
                _ => this.inner = None,
            }
            return Poll::Ready(item);
        }
        while let Some(until) = this.until {
            let (set, timer) = this.timer.get_or_insert_with(|| (until, this.outside.wait(until)));
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            if until > *set {
                this.timer = None;
                continue;
            }
            // Dropping the body cancels it.
            this.inner = None;
            let message = match this.limit {
                Limit::At(_) => "the call's deadline passed before its answer was complete".to_owned(),
                Limit::Idle(idle) => format!("nothing came for {idle:?} in the middle of the answer"),
            };
            return Poll::Ready(Some(Err(TransportError::new(Sent::Unknown, Fault::Timeout, message))));
        }
        Poll::Pending
    }
}
