//! What changes on disk or through a plugin while many calls are on their way: none of them fails.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use k8s_api::operation::Operation;
use k8s_api::transport::{Body, Call, ReplyBody, Transport as _};
use tokio::io::{AsyncWriteExt as _, DuplexStream};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::testing::{Authority, listen};
use crate::config::{Identity, Pem, Settings, Tls};
use crate::middleware::testing::{CREATE, GET, WATCH, call};
use crate::outside::Outside as _;
use crate::outside::testing::{Handle, Virtual};
use crate::{Client, Config, Preset, Secret};

const TASKS: usize = 20;

/// An API server whose mind can be changed.
struct Server {
    acceptor: Mutex<TlsAcceptor>,
    /// Whoever shows nothing of this is told 401. The certificate is that of the connection, as Kubernetes has it.
    token: Mutex<Option<String>>,
    certificate: Mutex<Option<Vec<u8>>>,
    /// All connections are told to go when it changes.
    generation: watch::Sender<u32>,
    /// Lets a watch go on.
    news: Notify,
    connections: AtomicUsize,
    refused: AtomicUsize,
}

impl Server {
    async fn start(acceptor: TlsAcceptor) -> (Arc<Server>, SocketAddr) {
        let server = Arc::new(Server {
            acceptor: Mutex::new(acceptor),
            token: Mutex::default(),
            certificate: Mutex::default(),
            generation: watch::Sender::new(0),
            news: Notify::new(),
            connections: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
        });
        let it = server.clone();
        let address = listen(move |connection| it.clone().serve(connection)).await;
        (server, address)
    }

    async fn serve(self: Arc<Self>, connection: TcpStream) {
        let acceptor = self.acceptor.lock().unwrap().clone();
        let mut generation = self.generation.subscribe();
        let Ok(connection) = acceptor.accept(connection).await else { return };
        self.connections.fetch_add(1, Ordering::SeqCst);
        let certificate = connection.get_ref().1.peer_certificates().map(|chain| chain[0].to_vec());
        let Ok(mut connection) = h2::server::handshake(lingering(connection)).await else { return };
        loop {
            let (request, mut answer) = tokio::select! {
                request = connection.accept() => match request {
                    Some(Ok(request)) => request,
                    _ => return,
                },
                changed = generation.changed() => {
                    if changed.is_ok() {
                        connection.graceful_shutdown();
                    }
                    continue;
                }
            };
            let token =
                request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
            let shown = |wanted: &Mutex<Option<_>>, shown: &Option<_>| {
                let wanted = wanted.lock().unwrap();
                wanted.is_none() || *wanted == *shown
            };
            let known = shown(&self.token, &token)
                && self
                    .certificate
                    .lock()
                    .unwrap()
                    .as_ref()
                    .is_none_or(|it| Some(it) == certificate.as_ref());
            let status = if known { 200 } else { 401 };
            if !known {
                self.refused.fetch_add(1, Ordering::SeqCst);
            }
            let head = http::Response::builder().status(status).body(()).unwrap();
            let mut body = answer.send_response(head, false).unwrap();
            if request.uri().path() != "/watch" {
                body.send_data("ok".into(), true).unwrap();
                continue;
            }
            let server = self.clone();
            tokio::spawn(async move {
                body.send_data("one".into(), false).unwrap();
                server.news.notified().await;
                body.send_data("two".into(), true).unwrap();
            });
        }
    }
}

/// A connection that takes in what still comes after its server has ended it, until the client ends it too, as Go's
/// servers do for a while. Otherwise a reset would overtake what the server said last.
fn lingering(connection: TlsStream<TcpStream>) -> DuplexStream {
    let (near, far) = tokio::io::duplex(1 << 16);
    let (mut from_client, mut to_client) = tokio::io::split(connection);
    let (mut from_server, mut to_server) = tokio::io::split(near);
    tokio::spawn(async move {
        let down = async { tokio::io::copy(&mut from_server, &mut to_client).await };
        let up = async {
            let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
            let _ = to_server.shutdown().await;
            let _ = tokio::io::copy(&mut from_client, &mut tokio::io::sink()).await;
        };
        let _ = tokio::join!(down, up);
    });
    far
}

/// Many callers that never pause.
struct Load {
    done: Arc<Vec<AtomicUsize>>,
    stop: Arc<AtomicBool>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Load {
    fn start(client: &Client) -> Load {
        let done: Arc<Vec<AtomicUsize>> = Arc::new((0..TASKS).map(|_| AtomicUsize::new(0)).collect());
        let stop = Arc::new(AtomicBool::new(false));
        let tasks = (0..TASKS).map(|task| {
            let (client, done, stop) = (client.clone(), done.clone(), stop.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    // Reads and writes: the second kind must not be repeated blindly.
                    let op: &'static Operation = if task % 2 == 0 { &GET } else { &CREATE };
                    let text = client.bytes(call(op, Body::Bytes(Bytes::from("{}")))).await;
                    match text {
                        Ok(text) => assert_eq!(text, "ok"),
                        Err(error) => panic!("{error}"),
                    }
                    done[task].fetch_add(1, Ordering::SeqCst);
                }
            })
        });
        Load { tasks: tasks.collect(), done, stop }
    }

    /// Every caller has finished two more calls: the second of them began after now.
    async fn all_go_on(&self) {
        let before: Vec<usize> = self.done.iter().map(|done| done.load(Ordering::SeqCst)).collect();
        for (task, before) in before.into_iter().enumerate() {
            while self.done[task].load(Ordering::SeqCst) < before + 2 {
                assert!(!self.tasks[task].is_finished(), "a call failed; its message is above");
                tokio::task::yield_now().await;
            }
        }
    }

    /// The number of calls, none of which failed.
    async fn end(self) -> usize {
        self.stop.store(true, Ordering::SeqCst);
        for task in self.tasks {
            task.await.unwrap();
        }
        self.done.iter().map(|done| done.load(Ordering::SeqCst)).sum()
    }
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// As a whole, as whoever rotates does it.
    fn put(&self, name: &str, text: &str) {
        std::fs::write(self.path("new"), text).unwrap();
        std::fs::rename(self.path("new"), self.path(name)).unwrap();
    }

    fn client(&self, address: SocketAddr, user: &str, preset: Preset) -> Client {
        let text = format!(
            "current-context: x\ncontexts: [{{name: x, context: {{cluster: c, user: u}}}}]\n\
             clusters: [{{name: c, cluster: {{server: 'https://{address}', certificate-authority: ca.pem}}}}]\n\
             users: [{{name: u, user: {{{user}}}}}]"
        );
        std::fs::write(self.path("config"), text).unwrap();
        let config = Config::from_kubeconfig(self.path("config"), None).unwrap();
        Client::builder(config).retry(preset).build().unwrap()
    }
}

/// Nothing hides a call that fails.
fn once() -> Preset {
    let mut preset = Preset::DEFAULT;
    preset.attempts = 1;
    preset
}

fn watch_call() -> Call {
    let mut watch = call(&WATCH, Body::Empty);
    watch.head.uri = "/watch".parse().unwrap();
    watch
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_a_file() {
    let (it, authority) = (Folder::new(), Authority::new());
    let (server, address) = Server::start(authority.acceptor(&["127.0.0.1"], |_| ())).await;
    it.put("ca.pem", &authority.pem());
    it.put("token", "t0");
    *server.token.lock().unwrap() = Some("Bearer t0".to_owned());
    let load = Load::start(&it.client(address, "tokenFile: token", once()));
    for round in 1..=3 {
        load.all_go_on().await;
        it.put("token", &format!("t{round}"));
        *server.token.lock().unwrap() = Some(format!("Bearer t{round}"));
        load.all_go_on().await;
    }
    assert!(load.end().await >= TASKS * 12);
    assert!(server.refused.load(Ordering::SeqCst) >= 3, "old tokens were refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_in_files() {
    let (it, authority) = (Folder::new(), Authority::new());
    let (server, address) = Server::start(authority.asking(&["127.0.0.1"])).await;
    it.put("ca.pem", &authority.pem());
    let rotate = |round: u32| {
        let (pem, key, der) = authority.client(&format!("ann-{round}"));
        // The two don't belong together for a moment.
        it.put("cert.pem", &pem);
        it.put("key.pem", &key);
        *server.certificate.lock().unwrap() = Some(der);
    };
    rotate(0);
    let client = it.client(address, "client-certificate: cert.pem, client-key: key.pem", once());
    // It lives on the first connections, and ends with them.
    let ReplyBody::Stream(mut watched) = client.send(watch_call()).await.unwrap().body else { panic!() };
    assert_eq!(watched.next().await.unwrap().unwrap(), "one");
    let load = Load::start(&client);
    for round in 1..=3 {
        load.all_go_on().await;
        rotate(round);
        load.all_go_on().await;
    }
    assert!(load.end().await >= TASKS * 12);
    assert!(server.refused.load(Ordering::SeqCst) >= 3, "old certificates were refused");
    // One watch; at least one connection for reads and one for writes each time.
    let connections = server.connections.load(Ordering::SeqCst);
    assert!(connections >= 9, "{connections} connections");
    server.news.notify_one();
    assert_eq!(watched.next().await.unwrap().unwrap(), "two", "the old connection was left to end");
    assert!(watched.next().await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_a_plugin() {
    let (it, authority) = (Folder::new(), Authority::new());
    let (server, address) = Server::start(authority.asking(&["127.0.0.1"])).await;
    it.put("ca.pem", &authority.pem());
    let rotate = |round: u32| {
        let (pem, key, der) = authority.client(&format!("ann-{round}"));
        let status = serde_json::json!({"clientCertificateData": pem, "clientKeyData": key});
        let version = "client.authentication.k8s.io/v1";
        let answer = serde_json::json!({"apiVersion": version, "kind": "ExecCredential", "status": status});
        it.put("answer", &answer.to_string());
        *server.certificate.lock().unwrap() = Some(der);
    };
    rotate(0);
    let answer = it.path("answer").display().to_string();
    let exec = format!(
        "exec: {{apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: cat, args: ['{answer}']}}"
    );
    let load = Load::start(&it.client(address, &exec, once()));
    for round in 1..=3 {
        load.all_go_on().await;
        rotate(round);
        load.all_go_on().await;
    }
    assert!(load.end().await >= TASKS * 12);
    assert!(server.refused.load(Ordering::SeqCst) >= 3, "old certificates were refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_in_a_file() {
    let (it, mut authority) = (Folder::new(), Authority::new());
    let (server, address) = Server::start(authority.acceptor(&["127.0.0.1"], |_| ())).await;
    it.put("ca.pem", &authority.pem());
    let load = Load::start(&it.client(address, "token: t", Preset::DEFAULT));
    for round in 1..=3 {
        load.all_go_on().await;
        authority = Authority::new();
        it.put("ca.pem", &authority.pem());
        *server.acceptor.lock().unwrap() = authority.acceptor(&["127.0.0.1"], |_| ());
        // From now on every connection is a new one.
        server.generation.send(round).unwrap();
        load.all_go_on().await;
    }
    assert!(load.end().await >= TASKS * 12);
    let connections = server.connections.load(Ordering::SeqCst);
    assert!(connections >= 8, "{connections} connections: two lanes, four authorities");
}

#[tokio::test]
async fn an_authority_that_is_broken_for_a_moment_costs_nothing() {
    let (it, authority) = (Folder::new(), Authority::new());
    let (server, address) = Server::start(authority.acceptor(&["127.0.0.1"], |_| ())).await;
    it.put("ca.pem", &authority.pem());
    let client = it.client(address, "token: t", once());
    assert_eq!(client.bytes(call(&GET, Body::Empty)).await.unwrap(), "ok");
    let other = Authority::new();
    *server.acceptor.lock().unwrap() = other.acceptor(&["127.0.0.1"], |_| ());
    server.generation.send(1).unwrap();
    it.put("ca.pem", "half of a file");
    // A write has a connection of its own, which has yet to be made.
    let error = client.bytes(call(&CREATE, Body::Empty)).await.unwrap_err().to_string();
    assert!(error.contains("is not trusted"), "{error}");
    it.put("ca.pem", &other.pem());
    assert_eq!(client.bytes(call(&CREATE, Body::Empty)).await.unwrap(), "ok");
}

#[tokio::test]
async fn an_authority_is_read_again_after_a_while() {
    let (it, authority) = (Folder::new(), Authority::new());
    let (server, address) = Server::start(authority.acceptor(&["127.0.0.1"], |_| ())).await;
    it.put("ca.pem", &authority.pem());
    let pem = Pem { text: Secret::new(authority.pem()), file: Some(it.path("ca.pem")) };
    let tls = Tls { authority: Some(pem), ..Tls::default() };
    let clock = Virtual::new();
    let outside = Arc::new(Handle(clock.clone()));
    let to = crate::config::Server::new(&format!("https://{address}"), tls).unwrap();
    let http = super::Http::new(&to, &Settings::default(), outside.clone()).unwrap();
    let other = Authority::new();
    *server.acceptor.lock().unwrap() = other.acceptor(&["127.0.0.1"], |_| ());
    it.put("ca.pem", &other.pem());
    // A stream can't be sent again, so that nothing else makes up for it.
    let send = || http.send(call(&CREATE, crate::middleware::testing::stream_body()));
    assert!(send().await.unwrap_err().to_string().contains("is not trusted"));
    clock.run(outside.wait(clock.after(Duration::from_secs(10))));
    assert_eq!(send().await.unwrap().head.status, 200);
}

#[tokio::test]
async fn a_late_call_does_not_bring_an_old_certificate_back() {
    let authority = Authority::new();
    let (server, address) = Server::start(authority.asking(&["127.0.0.1"])).await;
    let http = super::testing::secure(address, authority.tls());
    let [(old, _), (new, der)] = ["old", "new"].map(|name| {
        let (pem, key, der) = authority.client(name);
        (Arc::new(Identity::new(Pem::fixed(pem), Pem::fixed(key))), der)
    });
    let send = async |identity: &Arc<Identity>| {
        let mut get = call(&GET, Body::Empty);
        get.head.extensions.insert(identity.clone());
        http.send(get).await.unwrap().head.status.as_u16()
    };
    assert_eq!(send(&old).await, 200);
    assert_eq!(send(&new).await, 200);
    *server.certificate.lock().unwrap() = Some(der);
    assert_eq!((send(&old).await, send(&new).await), (200, 200));
    assert_eq!(server.connections.load(Ordering::SeqCst), 2);
}
