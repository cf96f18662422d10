//! Calls as reqwest's requests, and its responses as replies.

use std::sync::Arc;

use futures_util::TryStreamExt as _;
use k8s_api::transport::{Body, Call, Fault, Reply, ReplyBody, Sending, Sent, Transport, TransportError};

use super::base::Base;
use super::explain::{explain, explain_body};
use super::name;
use super::pools::{Pool, Pools};
use crate::config::{Identity, Server, Settings};
use crate::error::Result;
use crate::outside::Outside;

/// One server over HTTP.
#[derive(Clone)]
pub(crate) struct Http {
    pools: Arc<Pools>,
    /// What is written before every path.
    base: Base,
    /// The server as people know it, for messages: `base` may hold its TLS name instead.
    shown: Arc<str>,
}

impl Http {
    /// Connects to nothing yet.
    pub(crate) fn new(server: &Server, settings: &Settings, outside: Arc<dyn Outside>) -> Result<Http> {
        let pools = Arc::new(Pools::new(server, settings, outside)?);
        let shown = match &server.proxy {
            Some(proxy) => format!("{server} through the proxy {proxy}"),
            None => server.to_string(),
        };
        Ok(Http { pools, base: name::base(server).into(), shown: shown.into() })
    }

    async fn execute(&self, call: Call, pool: &Pool) -> Result<Reply, TransportError> {
        let client = pool.lanes.of(call.meta.lane).clone();
        let request = self.request(call)?;
        let mut response = client.execute(request).await.map_err(|error| explain(error, &self.shown))?;
        let (mut head, ()) = ::http::Response::new(()).into_parts();
        head.status = response.status();
        head.version = response.version();
        head.headers = std::mem::take(response.headers_mut());
        let shown = self.shown.clone();
        let stream = response.bytes_stream().map_err(move |error| explain_body(error, &shown));
        Ok(Reply::new(head, ReplyBody::Stream(Box::pin(stream))))
    }

    fn request(&self, call: Call) -> Result<reqwest::Request, TransportError> {
        let setup = |message: String| TransportError::new(Sent::No, Fault::Setup, message);
        if call.meta.upgrade {
            // The gap is named rather than the call sent without it, which would look like a refusal of the server's.
            return Err(setup(format!("{}: this version can't upgrade connections yet", call.meta.op)));
        }
        let path = call.head.uri.path_and_query().map_or("/", |path| path.as_str());
        let url = self.base.url(path).map_err(setup)?;
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
        let http = self.clone();
        Box::pin(async move {
            // What a credential wants the connection to be made with.
            let identity = call.head.extensions.get::<Arc<Identity>>().cloned();
            let pool = http.pools.of(identity.as_ref()).await?;
            let again = if http.pools.rotates() { call.replay() } else { None };
            let result = http.execute(call, &pool).await;
            // A server that is not trusted has seen nothing of the call; it may be that its new authority was not read yet.
            let untrusted =
                |error: &TransportError| error.sent() == Sent::No && error.fault() == Fault::Setup;
            match (result, again) {
                (Err(error), Some(again)) if untrusted(&error) => match http.pools.newer(&pool).await {
                    Some(newer) => http.execute(again, &newer).await,
                    None => Err(error),
                },
                (result, _) => result,
            }
        })
    }
}
