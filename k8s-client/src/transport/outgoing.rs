//! A request on its way to reqwest, which may have to be given to it twice before anything of it leaves.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use http::{HeaderMap, Method};
use k8s_api::transport::{Body, ByteStream, TransportError};

pub(super) struct Outgoing {
    pub(super) method: Method,
    pub(super) url: reqwest::Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
}

impl Outgoing {
    /// The request, and if it is to be kept the same for once more. Of a body that is a stream, whichever is sent gets it.
    pub(super) fn request(self, keep: bool) -> (reqwest::Request, Option<Outgoing>) {
        let Outgoing { method, url, headers, body } = self;
        let kept = match keep {
            false => None,
            true => Some((method.clone(), url.clone(), headers.clone())),
        };
        let (body, kept_body) = match body {
            Body::Bytes(bytes) => (Some(bytes.clone().into()), Body::Bytes(bytes)),
            Body::Stream(stream) if keep => {
                let stream = Rest(Arc::new(Mutex::new(stream)));
                (Some(reqwest::Body::wrap_stream(stream.clone())), Body::Stream(Box::pin(stream)))
            }
            Body::Stream(stream) => (Some(reqwest::Body::wrap_stream(stream)), Body::Empty),
            // There are no others: `Http` has refused them.
            _ => (None, Body::Empty),
        };
        let mut request = reqwest::Request::new(method, url);
        (*request.headers_mut(), *request.body_mut()) = (headers, body);
        let kept = kept.map(|(method, url, headers)| Outgoing { method, url, headers, body: kept_body });
        (request, kept)
    }
}

/// What nobody has read yet of a stream.
#[derive(Clone)]
struct Rest(Arc<Mutex<ByteStream>>);

impl Stream for Rest {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut().poll_next(cx)
    }
}
