//! The face with sockets: HTTP/1.1 and HTTP/2, with TLS and without, for loopback.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::{BufMut as _, Bytes, BytesMut};
use futures_util::TryStreamExt as _;
use http::{HeaderValue, Request, Response, header};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use k8s_api::transport::{BoxError, Fault, Sent, TransportError};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::ask::{Said, Spoken};
use super::body::LIMIT;
use super::certificates::{self, Identity};
use super::front::{Front, Incoming};
use super::server::Server;
use crate::config::{Config, Kubeconfig};
use crate::error::{Error, Result};

/// A server that can be reached at an address, until this is dropped.
#[derive(Debug)]
pub struct Listening {
    address: SocketAddr,
    /// With TLS: the certificate of the authority, in PEM.
    authority: Option<String>,
    task: tokio::task::JoinHandle<()>,
}

impl Listening {
    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Such as `http://127.0.0.1:8001`.
    pub fn url(&self) -> String {
        let scheme = if self.authority.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The certificate to trust, in PEM, if it speaks TLS.
    pub fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    /// A kubeconfig that leads there and trusts it. It needs no credential: whoever reaches it may do everything.
    pub fn kubeconfig(&self) -> String {
        let trust = match &self.authority {
            None => String::new(),
            Some(pem) => format!(", certificate-authority-data: {}", BASE64.encode(pem)),
        };
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: embedded\n\
             clusters: [{{name: embedded, cluster: {{server: \"{}\"{trust}}}}}]\n\
             contexts: [{{name: embedded, context: {{cluster: embedded, user: embedded, namespace: default}}}}]\n\
             users: [{{name: embedded, user: {{}}}}]\n",
            self.url()
        )
    }

    /// The same for a client of this process.
    pub fn config(&self) -> Result<Config> {
        Kubeconfig::parse(&self.kubeconfig())?.config(None)
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
    /// Listens on an address without TLS; port 0 is any that is free.
    ///
    /// Nobody is asked who they are, so only an address of this machine's own is accepted.
    pub async fn listen(&self, address: SocketAddr) -> Result<Listening> {
        listen(self.front.clone(), address, None).await
    }

    /// The same as a real server does: over TLS, with HTTP/2 where the client speaks it.
    ///
    /// The certificate is made for this listener alone. [`Listening::kubeconfig`] has the authority behind it, so that nobody has
    /// to trust blindly.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> k8s_client::Result<()> {
    /// use k8s_api::core::v1::Namespace;
    /// use k8s_client::testing::Server;
    ///
    /// let listening = Server::new().listen_tls(([127, 0, 0, 1], 0).into()).await?;
    /// let client = k8s_client::Client::new(listening.config()?)?;
    /// client.cluster::<Namespace>().get("default").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn listen_tls(&self, address: SocketAddr) -> Result<Listening> {
        let identity = certificates::identity(address.ip())?;
        listen(self.front.clone(), address, Some(identity)).await
    }
}

async fn listen(front: Arc<Front>, address: SocketAddr, identity: Option<Identity>) -> Result<Listening> {
    if !address.ip().is_loopback() {
        return Err(Error::config(format!(
            "the embedded server listens on loopback only, since it lets everybody do everything: not on {address}"
        )));
    }
    let wrong = |error: std::io::Error| Error::config(format!("listening on {address}: {error}"));
    let listener = TcpListener::bind(address).await.map_err(wrong)?;
    let address = listener.local_addr().map_err(wrong)?;
    let (acceptor, authority) = identity.map(|it| (it.acceptor, it.authority)).unzip();
    let task = tokio::spawn(async move {
        // Its connections end with it.
        let mut connections = tokio::task::JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => _ = connections.spawn(serve(stream, acceptor.clone(), front.clone())),
                    // Too many files, say: better when one of them is closed.
                    Err(_) => match connections.join_next().await {
                        Some(_) => {}
                        None => tokio::task::yield_now().await,
                    }
                },
                Some(_) = connections.join_next() => {}
            }
        }
    });
    Ok(Listening { address, authority, task })
}

/// Serves a connection. How it ended is its client's concern.
async fn serve(stream: TcpStream, acceptor: Option<TlsAcceptor>, front: Arc<Front>) {
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(Service(front));
    let builder = Builder::new(TokioExecutor::new());
    match acceptor {
        None => _ = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).await,
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                let _ = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
            }
        }
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
            let body = read(body).await?;
            let said = front.answer(Incoming { head, body }).await?;
            Ok(answer(said, &front))
        })
    }
}

/// A body, but no more of it than shows that it is too large.
async fn read<B>(body: B) -> std::result::Result<Bytes, TransportError>
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    let (mut body, mut all) = (Box::pin(body), BytesMut::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            TransportError::new(Sent::Unknown, Fault::Broken, "the body broke off").with_source(error)
        })?;
        if let Ok(data) = frame.into_data() {
            all.put(data);
        }
        if all.len() > LIMIT {
            break;
        }
    }
    Ok(all.freeze())
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
