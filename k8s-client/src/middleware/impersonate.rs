//! Asks as somebody else.

use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use k8s_api::transport::{Call, Sending, Transport};

struct Impersonate {
    inner: Arc<dyn Transport>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// Adds `headers` to every call.
pub(crate) fn layer(
    inner: Arc<dyn Transport>,
    headers: Vec<(HeaderName, HeaderValue)>,
) -> Arc<dyn Transport> {
    Arc::new(Impersonate { inner, headers })
}

impl Transport for Impersonate {
    fn send(&self, mut call: Call) -> Sending {
        for (name, value) in &self.headers {
            // A name may be there more than once, as for two groups.
            call.head.headers.append(name.clone(), value.clone());
        }
        self.inner.send(call)
    }
}
