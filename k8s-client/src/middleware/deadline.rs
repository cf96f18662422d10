//! The end of a call with everything in it: attempts, waiting, credentials, body.

use std::sync::Arc;

use k8s_api::transport::{Call, Fault, Sending, Sent, Transport, TransportError};

use super::timed::{Limit, limit};
use crate::outside::Outside;

struct Deadline {
    inner: Arc<dyn Transport>,
    outside: Arc<dyn Outside>,
}

/// Ends calls at [`Limits::deadline`](k8s_api::transport::Limits::deadline).
pub(crate) fn layer(inner: Arc<dyn Transport>, outside: Arc<dyn Outside>) -> Arc<dyn Transport> {
    Arc::new(Deadline { inner, outside })
}

impl Transport for Deadline {
    fn send(&self, call: Call) -> Sending {
        let Some(deadline) = call.meta.limits.deadline else { return self.inner.send(call) };
        let outside = self.outside.clone();
        if outside.now() >= deadline {
            let message = "the call's deadline had passed before it was sent";
            return Box::pin(std::future::ready(Err(TransportError::new(Sent::No, Fault::Timeout, message))));
        }
        let sending = self.inner.send(call);
        Box::pin(async move {
            let mut reply =
                super::attempt::before(sending, outside.wait(deadline)).await.unwrap_or_else(|| {
                    let message = "the call's deadline passed without an answer";
                    Err(TransportError::new(Sent::Unknown, Fault::Timeout, message))
                })?;
            reply.body = limit(reply.body, Limit::At(deadline), outside);
            Ok(reply)
        })
    }
}
