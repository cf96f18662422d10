//! `proxy-url`: what a proxy of each kind is asked for.

use std::net::SocketAddr;
use std::sync::Arc;

use k8s_api::transport::{Fault, Sent, Transport as _};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::testing::*;
use crate::config::{Config, Proxy, Server, Tls};
use crate::middleware::testing::GET;
use crate::{Client, Preset};

/// Takes `CONNECT` and goes to `to`, wherever the client wants to; says what it was asked for.
pub(super) async fn tunnel(
    mut client: impl AsyncRead + AsyncWrite + Unpin,
    to: SocketAddr,
    said: mpsc::UnboundedSender<String>,
) {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        let Ok(byte) = client.read_u8().await else { return };
        read.push(byte);
    }
    said.send(String::from_utf8(read).unwrap()).unwrap();
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
    let mut server = TcpStream::connect(to).await.unwrap();
    let _ = copy_bidirectional(&mut client, &mut server).await;
}

/// The same as SOCKS 5 has it, for names and with a password.
pub(super) async fn socks(mut client: TcpStream, to: SocketAddr, said: mpsc::UnboundedSender<String>) {
    let mut bytes = async |length: usize| {
        let mut bytes = vec![0; length];
        client.read_exact(&mut bytes).await.unwrap();
        bytes
    };
    let hello = bytes(2).await;
    bytes(hello[1].into()).await;
    client.write_all(&[5, 2]).await.unwrap();
    let mut text = async |before: usize| {
        let mut bytes = vec![0; before + 1];
        client.read_exact(&mut bytes).await.unwrap();
        let mut text = vec![0; bytes[before].into()];
        client.read_exact(&mut text).await.unwrap();
        String::from_utf8(text).unwrap()
    };
    let (user, password) = (text(1).await, text(0).await);
    client.write_all(&[1, 0]).await.unwrap();
    let mut request = [0; 5];
    client.read_exact(&mut request).await.unwrap();
    assert_eq!(request[3], 3, "a name, which the proxy looks up");
    let mut name = vec![0; request[4].into()];
    client.read_exact(&mut name).await.unwrap();
    let port = client.read_u16().await.unwrap();
    said.send(format!("{user} {password} {} {port}", String::from_utf8(name).unwrap())).unwrap();
    client.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 1]).await.unwrap();
    let mut server = TcpStream::connect(to).await.unwrap();
    let _ = copy_bidirectional(&mut client, &mut server).await;
}

/// An API server that is known under a name that only the proxy can look up.
async fn server(authority: &Authority) -> SocketAddr {
    let acceptor = authority.acceptor(&["api.inside", "proxy.test"], |_| ());
    listen_tls(acceptor, |connection| async move {
        let mut connection = h2::server::handshake(connection).await.unwrap();
        while let Some(Ok((_, mut respond))) = connection.accept().await {
            respond.send_response(http::Response::new(()), true).unwrap();
        }
    })
    .await
}

async fn status(server: &Server) -> u16 {
    http(server).send(call(&GET)).await.unwrap().head.status.as_u16()
}

fn through(url: &str, tls: Tls, proxy: &str) -> Server {
    let mut server = Server::new(url, tls).unwrap();
    server.proxy = Some(Proxy::new(proxy).unwrap());
    server
}

#[tokio::test]
async fn an_http_proxy() {
    let authority = Authority::new();
    let to = server(&authority).await;
    let (send, mut said) = mpsc::unbounded_channel();
    let proxy = listen(move |client| tunnel(client, to, send.clone())).await;
    let url = format!("http://ann:hunter2@{proxy}");
    assert_eq!(status(&through("https://api.inside:6443", authority.tls(), &url)).await, 200);
    let said_first = said.recv().await.unwrap();
    assert!(said_first.starts_with("CONNECT api.inside:6443 HTTP/1.1\r\n"), "{said_first}");
    assert!(said_first.to_lowercase().contains("proxy-authorization: basic "), "{said_first}");

    // The proxy is told where to go, and the certificate is held against the TLS name.
    let tls = Tls { server_name: Some("api.inside".to_owned()), ..authority.tls() };
    assert_eq!(status(&through("https://10.9.8.7", tls, &url)).await, 200);
    assert!(said.recv().await.unwrap().starts_with("CONNECT 10.9.8.7:443 HTTP/1.1\r\n"));
    let tls = Tls { server_name: Some("other.inside".to_owned()), ..authority.tls() };
    let error = http(&through("https://api.inside", tls, &url)).send(call(&GET)).await.unwrap_err();
    assert_eq!((error.sent(), error.fault()), (Sent::No, Fault::Untrusted));
    assert!(error.to_string().contains("other.inside"), "{error}");
}

#[tokio::test]
async fn an_https_proxy() {
    let authority = Authority::new();
    let to = server(&authority).await;
    let (send, mut said) = mpsc::unbounded_channel();
    let acceptor = authority.http_1(&["127.0.0.1"]);
    let proxy = listen_tls(acceptor, move |client| tunnel(client, to, send.clone())).await;
    let url = format!("https://{proxy}");
    assert_eq!(status(&through("https://api.inside:6443", authority.tls(), &url)).await, 200);
    assert!(said.recv().await.unwrap().starts_with("CONNECT api.inside:6443 HTTP/1.1\r\n"));
}

#[tokio::test]
async fn a_socks_proxy() {
    let authority = Authority::new();
    let to = server(&authority).await;
    let (send, mut said) = mpsc::unbounded_channel();
    let proxy = listen(move |client| socks(client, to, send.clone())).await;
    let url = format!("socks5://ann:hunter2@{proxy}");
    assert_eq!(status(&through("https://api.inside:6443", authority.tls(), &url)).await, 200);
    assert_eq!(said.recv().await.unwrap(), "ann hunter2 api.inside 6443");
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named_without_its_password() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    for scheme in ["http", "https", "socks5"] {
        let url = format!("{scheme}://ann:hunter2@{address}");
        let http = Arc::new(http(&through("https://api.inside", Tls::default(), &url)));
        let log = crate::test_log::capture();
        let error = http.send(call(&GET)).await.unwrap_err();
        let shown = format!("{error} {error:?} {}", log.take());
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(error.to_string().contains(&format!("through the proxy {scheme}://{address}")), "{error}");
        assert_eq!((error.sent(), error.fault()), (Sent::No, Fault::Broken));
    }
}

/// The program of the next one, which starts it with variables of its own; by itself it has nothing to do.
#[tokio::test]
async fn a_client_of_the_environment() {
    let Ok(folder) = std::env::var("FOLDER") else { return };
    let config = Config::service_account("https://api.inside:6443", folder).unwrap();
    let config = match std::env::var("SAYS").unwrap().as_str() {
        "nothing" => config,
        proxy => config.with_proxy(proxy).unwrap(),
    };
    let once = Preset { attempts: 1, ..Preset::DEFAULT };
    match Client::builder(config).retry(once).build().unwrap().bytes(call(&GET)).await {
        Ok(_) => println!("it came"),
        Err(error) => println!("{error}"),
    }
}

#[tokio::test]
async fn a_proxy_of_the_environment() {
    let authority = Authority::new();
    let to = server(&authority).await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "t").unwrap();
    std::fs::write(folder.path().join("ca.crt"), authority.pem()).unwrap();
    let (send, mut said) = mpsc::unbounded_channel();
    let proxy = listen(move |client| tunnel(client, to, send.clone())).await;
    let run = async |says: &str, variables: &[(&str, &str)]| {
        let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "--nocapture", "transport::proxies::a_client_of_the_environment"]);
        for name in ["HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"] {
            child.env_remove(name);
        }
        child.env("FOLDER", folder.path()).env("SAYS", says).envs(variables.iter().copied());
        let output = child.output().await.unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let proxy = format!("http://ann:hunter2@{proxy}");
    let shown = run("nothing", &[("HTTPS_PROXY", &proxy)]).await;
    assert!(shown.contains("it came"), "{shown}");
    assert!(said.recv().await.unwrap().starts_with("CONNECT api.inside:6443 HTTP/1.1\r\n"));
    // What the program says comes first.
    let shown = run(&proxy, &[("HTTPS_PROXY", "http://127.0.0.1:1")]).await;
    assert!(shown.contains("it came"), "{shown}");
    let shown = run("nothing", &[("HTTPS_PROXY", "http://u:hunter2@127.0.0.1:1")]).await;
    assert!(shown.contains("through the proxy http://127.0.0.1:1") && !shown.contains("hunter2"), "{shown}");
}
