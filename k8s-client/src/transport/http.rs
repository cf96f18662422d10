//! Calls as reqwest's requests, and its responses as replies.

use std::sync::Arc;

use ::http::StatusCode;
use futures_util::TryStreamExt as _;
use k8s_api::transport::{
    Body, ByteStream, Call, Fault, Lane, Reply, ReplyBody, Sending, Sent, Transport, TransportError,
};

use super::connections::AllCounters;
use super::explain::{explain, explain_body, explain_own, no_http_2};
use super::outgoing::Outgoing;
use super::pools::{Pool, Pools};
use super::slot::Failure;
use super::upgraded::Upgraded;
use super::{gzip, name};
use crate::config::{Identity, Server, Settings};
use crate::error::Result;
use crate::outside::Outside;

/// One server over HTTP.
#[derive(Clone)]
pub(crate) struct Http {
    pools: Arc<Pools>,
    /// What is written before every path.
    base: Arc<str>,
    /// The server as people know it, for messages: `base` may hold its TLS name instead.
    shown: Arc<str>,
    /// Whether compressed answers are asked for.
    gzip: bool,
}

impl Http {
    /// Connects to nothing yet.
    pub(crate) fn new(server: &Server, settings: &Settings, outside: Arc<dyn Outside>) -> Result<Http> {
        let pools = Arc::new(Pools::new(server, settings, outside)?);
        let shown = match &server.proxy {
            Some(proxy) => format!("{server} through the proxy {proxy}"),
            None => server.to_string(),
        };
        let gzip = !server.plain_answers;
        Ok(Http { pools, base: name::base(server).into(), shown: shown.into(), gzip })
    }

    /// What can be told of the connections, also when this is gone.
    pub(crate) fn counters(&self) -> AllCounters {
        self.pools.counters.clone()
    }

    async fn execute(&self, mut call: Call, pool: &Pool) -> Result<Reply, TransportError> {
        let gzip = self.gzip && gzip::ask(&mut call);
        let (upgrade, op) = (call.meta.upgrade, call.meta.op.clone());
        let lane = if upgrade { Lane::Upgrade } else { call.meta.lane };
        let mut outgoing = self.outgoing(call)?;
        let mut again = false;
        let (mut response, ticket) = loop {
            let ticket = pool.lanes.enter(lane, &self.pools.outside);
            let mut ticket = ticket.map_err(|error| setup(error.to_string()))?;
            let (request, kept) = outgoing.request(pool.lanes.is_unsure() || ticket.waits());
            let failure = match ticket.send(request, again).await {
                Ok(response) => break (response, ticket),
                Err(failure) => failure,
            };
            again = true;
            // Neither time has anything of the call been sent.
            let other = no_http_2(&failure);
            if other {
                pool.lanes.speaks(false);
            }
            match kept {
                Some(kept) if other || matches!(failure, Failure::LeftAlone(_)) => outgoing = kept,
                _ => return Err(explain(failure, &self.shown)),
            }
        };
        if ticket.is_http_2() {
            pool.lanes.speaks(true);
        }
        let (mut head, ()) = ::http::Response::new(()).into_parts();
        head.status = response.status();
        head.version = response.version();
        head.headers = std::mem::take(response.headers_mut());
        if head.status == StatusCode::SWITCHING_PROTOCOLS {
            if !upgrade {
                let message =
                    format!("{} answered {op} with another protocol, for which nobody asked", self.shown);
                return Err(TransportError::new(Sent::Unknown, Fault::Setup, message));
            }
            let io = response.upgrade().await.map_err(|error| explain_own(error, &self.shown))?;
            let body = ReplyBody::Upgraded(Box::new(Upgraded { io, _ticket: ticket }));
            return Ok(Reply::new(head, body));
        }
        let shown = self.shown.clone();
        let stream = response.bytes_stream().map_err(move |error| {
            // The call has its place until its answer is dropped.
            let _ = &ticket;
            explain_body(error, &shown)
        });
        let stream: ByteStream = match gzip && gzip::take(&mut head.headers) {
            true => gzip::decode(Box::pin(stream), self.shown.clone()),
            false => Box::pin(stream),
        };
        Ok(Reply::new(head, ReplyBody::Stream(stream)))
    }

    fn outgoing(&self, call: Call) -> Result<Outgoing, TransportError> {
        let path = call.head.uri.path_and_query().map_or("/", |path| path.as_str());
        let text = format!("{}{path}", self.base);
        let url: reqwest::Url =
            text.parse().map_err(|error| setup(format!("`{path}` is no path: {error}")))?;
        // Parsing resolves `..`, with which a name would reach another object than the one that is asked for.
        if url.as_str() != text {
            return Err(setup(format!("the path `{path}` is not in its plain form")));
        }
        // It has more kinds in a newer version than the one this was compiled with.
        if !matches!(call.body, Body::Empty | Body::Bytes(_) | Body::Stream(_)) {
            return Err(setup(format!("this transport can't send a body such as {:?}", call.body)));
        }
        Ok(Outgoing { method: call.head.method, url, headers: call.head.headers, body: call.body })
    }
}

/// It never left, and never will.
fn setup(message: String) -> TransportError {
    TransportError::new(Sent::No, Fault::Setup, message)
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
                |error: &TransportError| error.sent() == Sent::No && error.fault() == Fault::Untrusted;
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
