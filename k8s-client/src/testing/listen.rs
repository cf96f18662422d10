//! The face with sockets: HTTP/1.1 and HTTP/2 without TLS, for loopback.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use http::{HeaderValue, Request, Response, header};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, Limited, StreamBody};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use k8s_api::transport::{BoxError, TransportError};
use tokio::net::TcpListener;

use super::ask::{Said, Spoken};
use super::body::LIMIT;
use super::failure::Failure;
use super::front::{Front, Incoming};
use super::server::Server;
use crate::error::{Error, Result};

/// A server that can be reached at an address, until this is dropped.
#[derive(Debug)]
pub struct Listening {
    address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl Listening {
    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Such as `http://127.0.0.1:8001`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A kubeconfig that leads there. It needs no credential: whoever reaches it may do everything.
    pub fn kubeconfig(&self) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: embedded\n\
             clusters: [{{name: embedded, cluster: {{server: \"{}\"}}}}]\n\
             contexts: [{{name: embedded, context: {{cluster: embedded, user: embedded, namespace: default}}}}]\n\
             users: [{{name: embedded, user: {{}}}}]\n",
            self.url()
        )
    }

    /// Goes on until the program ends.
    pub async fn forever(mut self) {
        let _ = (&mut self.task).await;
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Listens on an address; port 0 is any that is free.
    ///
    /// There is no TLS and nobody is asked who they are, so only an address of this machine's own is accepted.
    pub async fn listen(&self, address: SocketAddr) -> Result<Listening> {
        if !address.ip().is_loopback() {
            return Err(Error::config(format!(
                "the embedded server listens on loopback only, since it lets everybody do everything: not on {address}"
            )));
        }
        let wrong = |error: std::io::Error| Error::config(format!("listening on {address}: {error}"));
        let listener = TcpListener::bind(address).await.map_err(wrong)?;
        let address = listener.local_addr().map_err(wrong)?;
        let front = self.front.clone();
        let task = tokio::spawn(async move {
            // Its connections end with it.
            let mut connections = tokio::task::JoinSet::new();
            loop {
                tokio::select! {
                    Ok((stream, _)) = listener.accept() => {
                        let _ = stream.set_nodelay(true);
                        let service = TowerToHyperService::new(Service(front.clone()));
                        connections.spawn(async move {
                            // How a connection ended is its client's concern.
                            let _ = Builder::new(TokioExecutor::new())
                                .serve_connection_with_upgrades(TokioIo::new(stream), service)
                                .await;
                        });
                    }
                    Some(_) = connections.join_next() => {}
                }
            }
        });
        Ok(Listening { address, task })
    }
}

type Answer = Response<UnsyncBoxBody<Bytes, TransportError>>;

#[derive(Clone)]
struct Service(Arc<Front>);

impl<B> tower_service::Service<Request<B>> for Service
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Response = Answer;
    type Error = TransportError;
    type Future = std::pin::Pin<Box<dyn Future<Output = std::result::Result<Answer, TransportError>> + Send>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::result::Result<(), TransportError>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let front = self.0.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let said = match Limited::new(body, LIMIT).collect().await {
                Ok(body) => front.answer(Incoming { head, body: body.to_bytes() }).await?,
                Err(_) => Said::failure(&Failure::too_large(LIMIT)),
            };
            Ok(answer(said, &front))
        })
    }
}

fn answer(said: Said, front: &Front) -> Answer {
    let body = match said.body {
        Spoken::Whole(bytes) => Full::new(bytes).map_err(|never: Infallible| match never {}).boxed_unsync(),
        Spoken::Stream(stream) => StreamBody::new(stream.map_ok(Frame::data)).boxed_unsync(),
    };
    let mut response = Response::new(body);
    *response.status_mut() = said.status;
    *response.headers_mut() = said.headers;
    let date = httpdate::fmt_http_date(front.core.clock.now());
    if let Ok(date) = HeaderValue::from_str(&date) {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}
