//! A server between a client and the real one that reads requests and answers in ways of its own.
//!
//! It has a certificate of its own and speaks HTTP/1.1, one request a connection.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};

/// What becomes of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The server answers.
    None,
    /// The server does what it is asked for, and this comes back instead of its answer: a whole HTTP answer.
    After(String),
    /// The server is not asked; this comes back, byte for byte.
    Instead(Vec<u8>),
    /// The server's head and so many bytes of its body come back, and then a reset.
    Cut(usize),
    /// The server is not asked; a body begins and goes on, a byte at a time, for as long as it is read.
    Drip,
}

/// One request that came.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Method and path.
    pub line: String,
    /// When it came.
    pub at: Instant,
}

/// The server in between; it ends when it is dropped.
pub struct HttpProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    faults: Mutex<Faults>,
    seen: Mutex<Vec<Seen>>,
    closed: AtomicBool,
    target: SocketAddr,
    server: Arc<rustls::ServerConfig>,
    client: Arc<rustls::ClientConfig>,
}

#[derive(Default)]
struct Faults {
    next: VecDeque<Fault>,
    /// When there is no next one.
    always: Option<Fault>,
}

/// Without its key.
impl std::fmt::Debug for HttpProxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpProxy").field("address", &self.address).finish_non_exhaustive()
    }
}

impl HttpProxy {
    /// In front of the server at `target`, whose certificate `authority` has signed, with a certificate and key of its own.
    pub fn start(target: SocketAddr, authority: &str, certificate: &str, key: &str) -> Result<HttpProxy> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).context("reading the authority")?)?;
        let client = rustls::ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let chain = CertificateDer::pem_slice_iter(certificate.as_bytes()).collect::<Result<Vec<_>, _>>();
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).context("reading the proxy's key")?;
        let server = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain.context("reading the proxy's certificate")?, key)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("opening the proxy's port")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            faults: Mutex::default(),
            seen: Mutex::default(),
            closed: AtomicBool::new(false),
            target,
            server: Arc::new(server),
            client: Arc::new(client),
        });
        let accepting = shared.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                if accepting.closed.load(Ordering::Acquire) {
                    return;
                }
                let Ok(connection) = connection else { continue };
                let shared = accepting.clone();
                // A connection that fails is the client's to tell of.
                std::thread::spawn(move || shared.serve(connection));
            }
        });
        Ok(HttpProxy { address, shared })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What becomes of the next requests, one after the other; those after them pass.
    pub fn next(&self, faults: impl IntoIterator<Item = Fault>) {
        *lock(&self.shared.faults) = Faults { next: faults.into_iter().collect(), always: None };
    }

    /// What becomes of every request from now on.
    pub fn always(&self, fault: Fault) {
        *lock(&self.shared.faults) = Faults { next: VecDeque::new(), always: Some(fault) };
    }

    /// The requests since the last time.
    pub fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut lock(&self.shared.seen))
    }
}

impl Drop for HttpProxy {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Release);
        // Wakes the accepting thread, so that it sees that it is closed and gives the port back.
        let _ = TcpStream::connect(self.address);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn serve(&self, connection: TcpStream) -> Result<()> {
        connection.set_nodelay(true)?;
        let socket = connection.try_clone()?;
        let session = rustls::ServerConnection::new(self.server.clone())?;
        let mut client = rustls::StreamOwned::new(session, connection);
        let (head, body) = request(&mut client)?;
        let line = head.lines().next().unwrap_or_default();
        let line = line.strip_suffix(" HTTP/1.1").unwrap_or(line).to_owned();
        lock(&self.seen).push(Seen { line, at: Instant::now() });
        let fault = {
            let mut faults = lock(&self.faults);
            faults.next.pop_front().or(faults.always.clone()).unwrap_or(Fault::None)
        };
        match fault {
            Fault::None => client.write_all(&self.ask(&head, &body)?)?,
            Fault::After(answer) => {
                self.ask(&head, &body)?;
                client.write_all(answer.as_bytes())?;
            }
            Fault::Instead(answer) => client.write_all(&answer)?,
            Fault::Cut(bytes) => {
                let answer = self.ask(&head, &body)?;
                let end = end_of_head(&answer).context("the server's answer has no head")? + bytes;
                client.write_all(&answer[..end.min(answer.len())])?;
                client.flush()?;
                socket2::SockRef::from(&socket).set_linger(Some(Duration::ZERO))?;
                return Ok(());
            }
            Fault::Drip => {
                let head =
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
                client.write_all(head.as_bytes())?;
                socket.set_read_timeout(Some(Duration::from_millis(5)))?;
                // Whoever reads has it slowly; whoever has gone ends it.
                loop {
                    client.write_all(b"1\r\n \r\n")?;
                    client.flush()?;
                    match socket.peek(&mut [0]) {
                        Ok(0) => return Ok(()),
                        _ if self.closed.load(Ordering::Acquire) => return Ok(()),
                        _ => {}
                    }
                }
            }
        }
        client.conn.send_close_notify();
        client.flush()?;
        Ok(())
    }

    /// What the server answers, as it is.
    fn ask(&self, head: &str, body: &[u8]) -> Result<Vec<u8>> {
        let session = rustls::ClientConnection::new(
            self.client.clone(),
            ServerName::IpAddress(self.target.ip().into()),
        )?;
        let mut server = rustls::StreamOwned::new(session, TcpStream::connect(self.target)?);
        let mut request = String::new();
        for line in head.lines().filter(|line| !line.is_empty()) {
            let name = line.split(':').next().unwrap_or_default().to_lowercase();
            // One answer, as plain bytes.
            if !matches!(&*name, "connection" | "accept-encoding") {
                request.push_str(line);
                request.push_str("\r\n");
            }
        }
        request.push_str("connection: close\r\n\r\n");
        server.write_all(request.as_bytes())?;
        server.write_all(body)?;
        let mut answer = Vec::new();
        match server.read_to_end(&mut answer) {
            // Go closes without saying so first.
            Err(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => Err(error.into()),
            _ => Ok(answer),
        }
    }
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

/// Head and body of a request whose length is said.
fn request(client: &mut impl Read) -> Result<(String, Vec<u8>)> {
    let (mut read, mut buffer) = (Vec::new(), [0; 4096]);
    let end = loop {
        if let Some(end) = end_of_head(&read) {
            break end;
        }
        let count = client.read(&mut buffer)?;
        if count == 0 {
            anyhow::bail!("the client closed before its request was whole");
        }
        read.extend_from_slice(&buffer[..count]);
    };
    let head = String::from_utf8_lossy(&read[..end]).into_owned();
    let mut body = read.split_off(end);
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    while body.len() < length.unwrap_or(0) {
        let count = client.read(&mut buffer)?;
        if count == 0 {
            anyhow::bail!("the client closed before its request was whole");
        }
        body.extend_from_slice(&buffer[..count]);
    }
    Ok((head, body))
}
