//! Tells the server which trace a call belongs to.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue};
use k8s_api::transport::{Call, CallMeta, Sending, Transport};

use crate::outside::Outside;

/// Writes the headers of a trace, such as W3C's `traceparent`, into calls.
///
/// It is asked once for each call, inside of its span (see [the module](super)); all its attempts send the same headers. This is
/// where a program with a tracing system of its own connects it, with OpenTelemetry in a few lines:
///
/// ```
/// use http::HeaderMap;
/// use k8s_api::transport::CallMeta;
/// use k8s_client::middleware::Propagate;
///
/// struct Mine;
///
/// impl Propagate for Mine {
///     fn headers(&self, _call: &CallMeta, headers: &mut HeaderMap) {
///         // Here `tracing::Span::current()` is the call's span: its context goes through the propagator.
/// #       let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
///         headers.insert("traceparent", http::HeaderValue::from_static(text));
///     }
/// }
/// # fn f(config: k8s_client::Config) -> k8s_client::Result<()> {
/// let client = k8s_client::Client::builder(config).propagate(Mine).build()?;
/// # Ok(())
/// # }
/// ```
pub trait Propagate: Send + Sync + 'static {
    /// Adds to the headers of a call.
    fn headers(&self, call: &CallMeta, headers: &mut HeaderMap);
}

/// Who says which trace it is.
#[derive(Clone)]
pub(crate) enum Trace {
    /// A new one for each call.
    New,
    By(Arc<dyn Propagate>),
}

struct Propagating {
    inner: Arc<dyn Transport>,
    trace: Trace,
    outside: Arc<dyn Outside>,
}

/// Adds the headers to every call.
pub(crate) fn layer(
    inner: Arc<dyn Transport>,
    trace: Trace,
    outside: Arc<dyn Outside>,
) -> Arc<dyn Transport> {
    Arc::new(Propagating { inner, trace, outside })
}

impl Transport for Propagating {
    fn send(&self, mut call: Call) -> Sending {
        match &self.trace {
            Trace::By(propagate) => propagate.headers(&call.meta, &mut call.head.headers),
            Trace::New => {
                // An id of zeros only is none.
                let bits = || self.outside.random() | 1;
                // Nobody here records it, so it does not ask the server to.
                let text = format!("00-{:016x}{:016x}-{:016x}-00", bits(), bits(), bits());
                if let Ok(value) = HeaderValue::try_from(text) {
                    call.head.headers.insert("traceparent", value);
                }
            }
        }
        self.inner.send(call)
    }
}
