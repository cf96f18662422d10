//! A number for every call, under which the server's audit log has it.
//!
//! kube-apiserver takes what a request has in the header `Audit-ID` as the id of its audit event, and sends it back; without
//! it makes one up, which is lost with an answer that does not come. All attempts of a call have the same id, and so has
//! what is read to learn whether a create was done: the log then has one event for each, with the time that each one came.

use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use k8s_api::transport::{Call, Sending, Transport};

use crate::outside::Outside;

pub(super) const HEADER: HeaderName = HeaderName::from_static("audit-id");

struct RequestId {
    inner: Arc<dyn Transport>,
    outside: Arc<dyn Outside>,
}

/// Gives an id to calls that have none. A failure without an answer says it.
pub(crate) fn layer(inner: Arc<dyn Transport>, outside: Arc<dyn Outside>) -> Arc<dyn Transport> {
    Arc::new(RequestId { inner, outside })
}

impl Transport for RequestId {
    fn send(&self, mut call: Call) -> Sending {
        let id = match call.head.headers.get(HEADER) {
            Some(id) => id.clone(),
            None => {
                let text = format!("{:016x}{:016x}", self.outside.random(), self.outside.random());
                // Digits can be sent.
                let Ok(id) = HeaderValue::try_from(text) else { return self.inner.send(call) };
                call.head.headers.insert(HEADER, id.clone());
                id
            }
        };
        let sending = self.inner.send(call);
        Box::pin(async move {
            sending.await.map_err(|error| {
                error.context(format_args!("request {}", id.to_str().unwrap_or("with an id that is no text")))
            })
        })
    }
}
