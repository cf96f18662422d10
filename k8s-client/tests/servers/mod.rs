//! Two servers on loopback: HTTP/2 over TLS, and HTTP/1.1 that is a proxy too. Both answer the same and remember who asked.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

pub(crate) struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

impl Authority {
    pub(crate) fn new() -> Authority {
        let mut params = params("authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Authority {
            pem: certificate.pem(),
            certificate: certificate.der().clone(),
            issuer: Issuer::new(params, key),
        }
    }

    pub(crate) fn pem(&self) -> String {
        self.pem.clone()
    }

    /// A certificate and its key.
    pub(crate) fn client(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        (params(name).signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    fn acceptor(&self) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let certificate = params("server").signed_by(&key, &self.issuer).unwrap().der().clone();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let clients =
            rustls::server::WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone());
        let clients = clients.allow_unauthenticated().build().unwrap();
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(clients)
            .with_single_cert(vec![certificate], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }
}

pub(crate) struct Servers {
    pub(crate) secure: SocketAddr,
    pub(crate) plain: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    /// Who asked: authorization headers, those for a proxy, `certificate`.
    got: Mutex<Vec<String>>,
    id_token: String,
    secure: SocketAddr,
}

impl Servers {
    pub(crate) async fn start(authority: &Authority, id_token: String) -> Servers {
        let (secure, plain) = (listener().await, listener().await);
        let addresses = (secure.local_addr().unwrap(), plain.local_addr().unwrap());
        let shared = Arc::new(Shared { got: Mutex::default(), id_token, secure: addresses.0 });
        let (acceptor, serving) = (authority.acceptor(), shared.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = secure.accept().await {
                tokio::spawn(over_tls(acceptor.clone(), stream, serving.clone()));
            }
        });
        let serving = shared.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = plain.accept().await {
                tokio::spawn(plainly(stream, serving.clone()));
            }
        });
        Servers { secure: addresses.0, plain: addresses.1, shared }
    }

    pub(crate) fn got(&self, what: &str) -> bool {
        self.shared.got.lock().unwrap().iter().any(|got| got == what)
    }

    pub(crate) fn got_all(&self) -> Vec<String> {
        self.shared.got.lock().unwrap().clone()
    }

    pub(crate) fn forget(&self) {
        self.shared.got.lock().unwrap().clear();
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

async fn over_tls(acceptor: TlsAcceptor, stream: TcpStream, shared: Arc<Shared>) -> Option<()> {
    let stream = acceptor.accept(stream).await.ok()?;
    let (_, session) = stream.get_ref();
    if session.peer_certificates().is_some() {
        shared.got.lock().unwrap().push("ann".to_owned());
    }
    if session.alpn_protocol() != Some(b"h2") {
        return one_by_one(stream, shared).await;
    }
    let mut connection = h2::server::handshake(stream).await.ok()?;
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        let shared = shared.clone();
        tokio::spawn(async move {
            for (name, prefix) in [("authorization", ""), ("proxy-authorization", "proxy ")] {
                if let Some(value) = request.headers().get(name) {
                    shared.got.lock().unwrap().push(format!("{prefix}{}", value.to_str().ok()?));
                }
            }
            let (head, mut body) = request.into_parts();
            let mut sent = Vec::new();
            while let Some(Ok(piece)) = body.data().await {
                let _ = body.flow_control().release_capacity(piece.len());
                sent.extend_from_slice(&piece);
            }
            let (status, answer) = answer(&shared, head.method.as_str(), head.uri.path(), &sent);
            let response = http::Response::builder().status(status).body(()).ok()?;
            let mut stream = respond.send_response(response, false).ok()?;
            if head.uri.path().ends_with("/cut") {
                stream.send_data(Bytes::from(answer).slice(..20), false).ok()?;
                stream.send_reset(h2::Reason::INTERNAL_ERROR);
            } else {
                stream.send_data(answer.into(), true).ok()?;
            }
            Some(())
        });
    }
    Some(())
}

async fn plainly(stream: TcpStream, shared: Arc<Shared>) -> Option<()> {
    one_by_one(stream, shared).await
}

/// One request a connection.
async fn one_by_one(
    mut stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    shared: Arc<Shared>,
) -> Option<()> {
    let mut got = Vec::new();
    let head = loop {
        if let Some(end) = got.windows(4).position(|four| four == b"\r\n\r\n") {
            break String::from_utf8(got.drain(..end + 4).collect()).ok()?;
        }
        if stream.read_buf(&mut got).await.ok()? == 0 {
            return None;
        }
    };
    let mut length = 0;
    for line in head.lines() {
        let Some((name, value)) = line.split_once(": ") else { continue };
        match &*name.to_ascii_lowercase() {
            "authorization" => shared.got.lock().unwrap().push(value.to_owned()),
            "proxy-authorization" => shared.got.lock().unwrap().push(format!("proxy {value}")),
            "content-length" => length = value.parse().ok()?,
            _ => {}
        }
    }
    while got.len() < length {
        if stream.read_buf(&mut got).await.ok()? == 0 {
            return None;
        }
    }
    let mut words = head.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let path = target.strip_prefix("http://api.example").unwrap_or(target);
    let (status, body) = answer(&shared, method, path, &got);
    let mut body = body.into_bytes();
    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    if path.ends_with("/cut") {
        body.truncate(20);
    }
    stream.write_all(&[head.as_bytes(), &body].concat()).await.ok()?;
    stream.shutdown().await.ok()
}

fn refusal(code: u16, reason: &str, message: &str) -> (u16, String) {
    let causes = json!([{"reason": "FieldValueInvalid", "field": "data", "message": message}]);
    let status = json!({"apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure", "code": code,
        "reason": reason, "message": message, "details": {"causes": causes}});
    (code, status.to_string())
}

fn answer(shared: &Shared, method: &str, path: &str, sent: &[u8]) -> (u16, String) {
    let secret =
        |data: Value| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": data});
    let good = secret(json!({"k": "cGxhbnRlZA=="}));
    let ok = |value: Value| (200, value.to_string());
    let last = path.rsplit('/').next().unwrap_or_default();
    match (method, last) {
        ("GET", "openid-configuration") if path.starts_with("/refuses") => {
            ok(json!({"token_endpoint": format!("https://{}/refuses", shared.secure)}))
        }
        ("GET", "openid-configuration") => {
            ok(json!({"token_endpoint": format!("https://{}/issue", shared.secure)}))
        }
        ("POST", "refuses") => (400, json!({"error": "planted-issuer is wrong: planted"}).to_string()),
        ("POST", "issue") => {
            ok(json!({"id_token": shared.id_token, "refresh_token": "planted-refresh-token"}))
        }
        ("GET", "good" | "cut") => ok(good),
        ("GET", "secrets") => {
            ok(json!({"apiVersion": "v1", "kind": "SecretList", "metadata": {}, "items": [good]}))
        }
        ("GET", "wrong-type") => ok(secret(json!({"k": ["planted-wrong"]}))),
        ("GET", "401") => refusal(401, "Unauthorized", "Unauthorized"),
        ("GET", "403") => refusal(
            403,
            "Forbidden",
            "User \"ann\" cannot get resource \"configmaps\" in API group \"\" in the namespace \"web\"",
        ),
        ("GET", code) if code.len() == 3 => refusal(code.parse().unwrap_or(500), "Reason", "no"),
        ("POST", "token") => {
            ok(json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": {},
            "spec": {"audiences": []}, "status": {"token": "planted-made", "expirationTimestamp": "2030-01-01T00:00:00Z"}}))
        }
        // Whatever was sent is repeated, as it came and as it was meant.
        _ => {
            let text = String::from_utf8_lossy(sent);
            let words = text.replace("cGxhbnRlZC1ieXRlcw==", "planted-bytes");
            refusal(422, "Invalid", &format!("{words} is wrong"))
        }
    }
}
