//! Servers on loopback that do as a test says.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use k8s_api::operation::Operation;
use k8s_api::transport::{Body, ByteStream, Call, Reply, ReplyBody, TransportError};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::Http;
use crate::config::{Pem, Server, Settings, Tls};
use crate::outside;

/// Listens, and gives every connection to `serve`.
pub(crate) async fn listen<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(serve(connection));
        }
    });
    address
}

/// Reads one HTTP/1.1 request up to its empty line.
pub(crate) async fn head(connection: &mut TcpStream) -> String {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        read.push(connection.read_u8().await.expect("a whole head"));
    }
    String::from_utf8(read).unwrap()
}

/// Answers every request with `answer`, after it has read its head.
pub(crate) async fn answering(answer: &'static str) -> SocketAddr {
    listen(move |mut connection| async move {
        loop {
            head(&mut connection).await;
            connection.write_all(answer.as_bytes()).await.unwrap();
        }
    })
    .await
}

/// Ends a connection as a crash does.
pub(crate) fn reset(connection: TcpStream) {
    connection.set_zero_linger().unwrap();
}

pub(crate) fn plain(address: SocketAddr) -> Http {
    http(&Server::new(&format!("http://{address}"), Tls::default()).unwrap())
}

pub(crate) fn http(server: &Server) -> Http {
    Http::new(server, &Settings::default(), outside::real()).unwrap()
}

pub(crate) fn with(address: SocketAddr, tls: Tls, settings: &Settings) -> Http {
    Http::new(&Server::new(&format!("https://{address}"), tls).unwrap(), settings, outside::real()).unwrap()
}

pub(crate) fn stream(reply: Reply) -> ByteStream {
    match reply.body {
        ReplyBody::Stream(stream) => stream,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn text(reply: Reply) -> Result<String, TransportError> {
    let bytes: Vec<Bytes> = stream(reply).try_collect().await?;
    Ok(String::from_utf8(bytes.concat()).unwrap())
}

pub(crate) fn call(op: &'static Operation) -> Call {
    crate::middleware::testing::call(op, Body::Empty)
}

/// An authority, and what it signs.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// What a client trusts.
    pub(crate) fn tls(&self) -> Tls {
        Tls { authority: Some(Pem::fixed(self.0.pem())), ..Tls::default() }
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A client's certificate and key in PEM, and the certificate as a server sees it.
    pub(crate) fn client(&self, name: &str) -> (String, String, Vec<u8>) {
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.pem(), key.serialize_pem(), certificate.der().to_vec())
    }

    /// A server that asks for certificates of this authority, and does without.
    pub(crate) fn asking(&self, names: &[&str]) -> TlsAcceptor {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier =
            rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
                .allow_unauthenticated()
                .build()
                .unwrap();
        let (certificate, key) = self.signed(names, |_| ());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![certificate], key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }

    fn signed(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.der().clone(), PrivateKeyDer::Pkcs8(key.serialize_der().into()))
    }

    /// A server that speaks no HTTP/2.
    pub(crate) fn http_1(&self, names: &[&str]) -> TlsAcceptor {
        let mut config = (**self.acceptor(names, |_| ()).config()).clone();
        config.alpn_protocols.clear();
        TlsAcceptor::from(Arc::new(config))
    }

    /// A server for these names and addresses.
    pub(crate) fn acceptor(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> TlsAcceptor {
        let (certificate, key) = self.signed(names, change);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }
}

pub(crate) fn secure(address: SocketAddr, tls: Tls) -> Http {
    http(&Server::new(&format!("https://{address}"), tls).unwrap())
}

/// Listens with TLS; connections whose handshake fails are passed over.
pub(crate) async fn listen_tls<F>(
    acceptor: TlsAcceptor,
    serve: impl Fn(TlsStream<TcpStream>) -> F + Clone + Send + Sync + 'static,
) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    listen(move |connection| {
        let (acceptor, serve) = (acceptor.clone(), serve.clone());
        async move {
            if let Ok(connection) = acceptor.accept(connection).await {
                serve(connection).await;
            }
        }
    })
    .await
}

/// An HTTP/2 server that allows the usual number of streams; `serve` gets every request.
pub(crate) async fn h2_server(
    authority: &Authority,
    serve: impl Fn(http::Request<h2::RecvStream>, h2::server::SendResponse<Bytes>) + Clone + Send + Sync + 'static,
) -> SocketAddr {
    h2_server_of(authority, 100, serve).await
}

pub(crate) async fn h2_server_of(
    authority: &Authority,
    streams: u32,
    serve: impl Fn(http::Request<h2::RecvStream>, h2::server::SendResponse<Bytes>) + Clone + Send + Sync + 'static,
) -> SocketAddr {
    listen_tls(authority.acceptor(&["127.0.0.1"], |_| ()), move |connection| {
        let serve = serve.clone();
        async move {
            let mut builder = h2::server::Builder::new();
            let Ok(mut connection) = builder.max_concurrent_streams(streams).handshake(connection).await
            else {
                return;
            };
            while let Some(Ok((request, respond))) = connection.accept().await {
                serve(request, respond);
            }
        }
    })
    .await
}

/// An HTTP/2 server for one request a connection: once the request is there, it writes `frames` and reads on.
pub(crate) async fn frames(mut connection: TlsStream<TcpStream>, frames: Vec<u8>, close: bool) {
    const SETTINGS: u8 = 4;
    const HEADERS: u8 = 1;
    let mut preface = [0; 24];
    connection.read_exact(&mut preface).await.unwrap();
    connection.write_all(&frame(SETTINGS, 0, &[])).await.unwrap();
    loop {
        let mut head = [0; 9];
        if connection.read_exact(&mut head).await.is_err() {
            return;
        }
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        connection.read_exact(&mut payload).await.unwrap();
        if head[3] == HEADERS {
            connection.write_all(&frames).await.unwrap();
            if close {
                let _ = connection.shutdown().await;
                return;
            }
        }
    }
}

pub(crate) fn frame(kind: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0, 0, payload.len() as u8, kind, 0];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}
