//! The limits of one attempt: the time to the head of its answer, and between pieces of the body.

use std::sync::Arc;

use futures_util::future::{Either, select};
use k8s_api::transport::{Call, Fault, Sending, Sent, Transport, TransportError};

use super::timed::{Limit, limit};
use crate::outside::{Outside, Waiting};

struct Attempt {
    inner: Arc<dyn Transport>,
    outside: Arc<dyn Outside>,
}

/// Ends attempts at [`Limits::head`](k8s_api::transport::Limits::head) and
/// [`Limits::idle`](k8s_api::transport::Limits::idle).
pub(crate) fn layer(inner: Arc<dyn Transport>, outside: Arc<dyn Outside>) -> Arc<dyn Transport> {
    Arc::new(Attempt { inner, outside })
}

impl Transport for Attempt {
    fn send(&self, call: Call) -> Sending {
        let (limits, outside) = (call.meta.limits, self.outside.clone());
        let sending = self.inner.send(call);
        Box::pin(async move {
            let end = limits.head.and_then(|head| Some((head, outside.now().checked_add(head)?)));
            let result = match end {
                None => sending.await,
                Some((head, end)) => before(sending, outside.wait(end)).await.unwrap_or_else(|| {
                    let message = format!("no answer came within {head:?}");
                    Err(TransportError::new(Sent::Unknown, Fault::Timeout, message))
                }),
            };
            let mut reply = result?;
            if let Some(idle) = limits.idle {
                reply.body = limit(reply.body, Limit::Idle(idle), outside);
            }
            Ok(reply)
        })
    }
}

/// What `sending` gives, unless `end` comes first; then it is dropped, which cancels it.
pub(super) async fn before<T>(sending: impl Future<Output = T> + Unpin, end: Waiting) -> Option<T> {
    match select(sending, end).await {
        Either::Left((result, _)) => Some(result),
        Either::Right(_) => None,
    }
}
