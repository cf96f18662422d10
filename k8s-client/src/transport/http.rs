//! Calls as reqwest's requests, and its responses as replies.

use std::sync::Arc;

use futures_util::TryStreamExt as _;
use k8s_api::transport::{Body, Call, Fault, Reply, ReplyBody, Sending, Sent, Transport, TransportError};

use super::explain::{explain, explain_body};
use super::lanes::Lanes;
use super::{lanes, name, tls};
use crate::config::Server;
use crate::error::Result;

/// One server over HTTP.
pub(crate) struct Http {
    lanes: Lanes,
    /// What is written before every path.
    base: String,
    /// The server as people know it, for messages: `base` may hold its TLS name instead.
    shown: Arc<str>,
}

impl Http {
    /// Connects to nothing yet.
    pub(crate) fn new(server: &Server) -> Result<Http> {
        let tls = server.is_tls().then(|| tls::config(server)).transpose()?;
        let (base, resolver) = name::base(server)?;
        Ok(Http { lanes: lanes::build(tls, resolver)?, base, shown: server.to_string().into() })
    }

    fn request(&self, call: Call) -> Result<reqwest::Request, TransportError> {
        let setup = |message: String| TransportError::new(Sent::No, Fault::Setup, message);
        if call.meta.upgrade {
            // The gap is named rather than the call sent without it, which would look like a refusal of the server's.
            return Err(setup(format!("{}: this version can't upgrade connections yet", call.meta.op)));
        }
        let path = call.head.uri.path_and_query().map_or("/", |path| path.as_str());
        let text = format!("{}{path}", self.base);
        let url: reqwest::Url =
            text.parse().map_err(|error| setup(format!("`{path}` is no path: {error}")))?;
        // Parsing resolves `..`, with which a name would reach another object than the one that is asked for.
        if url.as_str() != text {
            return Err(setup(format!("the path `{path}` is not in its plain form")));
        }
        let mut request = reqwest::Request::new(call.head.method, url);
        *request.headers_mut() = call.head.headers;
        *request.body_mut() = match call.body {
            Body::Empty => None,
            Body::Bytes(bytes) => Some(bytes.into()),
            Body::Stream(stream) => Some(reqwest::Body::wrap_stream(stream)),
            // It has more kinds in a newer version than the one this was compiled with.
            other => return Err(setup(format!("this transport can't send a body such as {other:?}"))),
        };
        Ok(request)
    }
}

impl Transport for Http {
    fn send(&self, call: Call) -> Sending {
        let client = self.lanes.of(call.meta.lane).clone();
        let shown = self.shown.clone();
        let request = self.request(call);
        Box::pin(async move {
            let mut response = client.execute(request?).await.map_err(|error| explain(error, &shown))?;
            let (mut head, ()) = ::http::Response::new(()).into_parts();
            head.status = response.status();
            head.version = response.version();
            head.headers = std::mem::take(response.headers_mut());
            let stream = response.bytes_stream().map_err(move |error| explain_body(error, &shown));
            Ok(Reply::new(head, ReplyBody::Stream(Box::pin(stream))))
        })
    }
}
