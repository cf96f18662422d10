//! Connections that become streams.

use std::borrow::Cow;
use std::net::SocketAddr;

use futures_util::{AsyncReadExt as _, AsyncWriteExt as _};
use k8s_api::operation::{Operation, Retry, Verb};
use k8s_api::transport::{Call, Io, Lane, Reply, ReplyBody, Sent, Transport as _};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

use super::Http;
use super::testing::*;
use crate::config::{Identity, Pem, Proxy, Server, Tls};
use crate::middleware::testing::GET;
use crate::{Client, Config};

static EXEC: Operation = Operation {
    verb: Verb::Connect,
    group: Cow::Borrowed(""),
    version: Cow::Borrowed("v1"),
    resource: Cow::Borrowed("pods"),
    subresource: Cow::Borrowed("exec"),
    retry: Retry::Never,
};

/// The beginning of a WebSocket, as a caller makes it.
fn exec() -> Call {
    let mut exec = call(&EXEC);
    exec.head.method = http::Method::GET;
    assert!(exec.meta.upgrade && exec.meta.lane == Lane::Upgrade);
    for (name, value) in [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("sec-websocket-protocol", "v5.channel.k8s.io"),
    ] {
        exec.head.headers.insert(name, value.parse().unwrap());
    }
    exec
}

/// Changes over and then says back what it hears, in capitals; the first words come together with the head.
async fn echo(mut connection: impl AsyncRead + AsyncWrite + Unpin, heads: mpsc::UnboundedSender<String>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await.unwrap());
    }
    heads.send(String::from_utf8(head).unwrap().to_lowercase()).unwrap();
    let answer = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                  sec-websocket-protocol: v5.channel.k8s.io\r\n\r\nhello";
    AsyncWriteExt::write_all(&mut connection, answer.as_bytes()).await.unwrap();
    let mut heard = [0; 1024];
    while let Ok(length @ 1..) = AsyncReadExt::read(&mut connection, &mut heard).await {
        let answer = heard[..length].to_ascii_uppercase();
        AsyncWriteExt::write_all(&mut connection, &answer).await.unwrap();
    }
    let _ = connection.shutdown().await;
}

fn io(reply: Reply) -> Box<dyn Io> {
    match reply.body {
        ReplyBody::Upgraded(io) => io,
        other => panic!("{other:?}"),
    }
}

async fn read(io: &mut Box<dyn Io>, length: usize) -> String {
    let mut bytes = vec![0; length];
    io.read_exact(&mut bytes).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

/// Both directions, and that the end of one is heard.
async fn talk(http: Http, heads: &mut mpsc::UnboundedReceiver<String>) {
    let reply = http.send(exec()).await.unwrap();
    assert_eq!((reply.head.status.as_u16(), reply.head.version), (101, http::Version::HTTP_11));
    assert_eq!(reply.head.headers["sec-websocket-protocol"], "v5.channel.k8s.io");
    let head = heads.recv().await.unwrap();
    for line in [
        "connection: upgrade\r\n",
        "upgrade: websocket\r\n",
        "sec-websocket-version: 13\r\n",
        "sec-websocket-key: dghlihnhbxbszsbub25jzq==\r\n",
        "sec-websocket-protocol: v5.channel.k8s.io\r\n",
    ] {
        assert!(head.starts_with("get /api/v1/pods http/1.1\r\n") && head.contains(line), "{line} in {head}");
    }
    let counters = http.counters();
    let lane = counters.read().of(Lane::Upgrade);
    assert_eq!((lane.calls, lane.made, lane.answers, lane.reused), (1, 1, 1, 0));
    // The connection is its own from now on.
    drop(http);
    let mut io = io(reply);
    assert_eq!(read(&mut io, 5).await, "hello");
    for words in ["x", "some words", "more"] {
        io.write_all(words.as_bytes()).await.unwrap();
        io.flush().await.unwrap();
        assert_eq!(read(&mut io, words.len()).await, words.to_uppercase());
    }
    io.close().await.unwrap();
    let mut rest = Vec::new();
    io.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"");
    assert_eq!(counters.read().of(Lane::Upgrade).calls, 1);
    drop(io);
    assert_eq!(counters.read().of(Lane::Upgrade).calls, 0);
}

#[tokio::test]
async fn a_plain_connection() {
    let (send, mut heads) = mpsc::unbounded_channel();
    let address = listen(move |connection| echo(connection, send.clone())).await;
    talk(plain(address), &mut heads).await;
}

#[tokio::test]
async fn with_tls_and_a_client_certificate() {
    let authority = Authority::new();
    let (pem, key, der) = authority.client("ann");
    let (send, mut heads) = mpsc::unbounded_channel();
    // It would speak HTTP/2, too, where nothing can be changed over.
    let address = listen_tls(authority.asking(&["127.0.0.1"]), move |connection| {
        let session = connection.get_ref().1;
        assert_eq!(session.alpn_protocol(), Some(&b"http/1.1"[..]));
        assert_eq!(session.peer_certificates().unwrap()[0].as_ref(), der);
        echo(connection, send.clone())
    })
    .await;
    let identity = Some(Identity::new(Pem::fixed(pem), Pem::fixed(key)).into());
    talk(secure(address, Tls { identity, ..authority.tls() }), &mut heads).await;
}

#[tokio::test]
async fn through_proxies() {
    let authority = Authority::new();
    let (send, mut heads) = mpsc::unbounded_channel();
    let to = listen_tls(authority.http_1(&["api.inside"]), move |it| echo(it, send.clone())).await;
    let (said, _asked) = mpsc::unbounded_channel();
    let asked = said.clone();
    let http = listen(move |client| super::proxies::tunnel(client, to, asked.clone())).await;
    let socks = listen(move |client| super::proxies::socks(client, to, said.clone())).await;
    for proxy in [format!("http://{http}"), format!("socks5://ann:hunter2@{socks}")] {
        let mut server = Server::new("https://api.inside:6443", authority.tls()).unwrap();
        server.proxy = Some(Proxy::new(&proxy).unwrap());
        talk(super::testing::http(&server), &mut heads).await;
    }
}

async fn refusing(answer: &'static str) -> (Client, SocketAddr) {
    let address = answering(answer).await;
    (Client::new(Config::plain(&format!("http://{address}")).unwrap()).unwrap(), address)
}

#[tokio::test]
async fn what_does_not_change_over_is_an_answer_as_always() {
    let (client, _) = refusing(
        "HTTP/1.1 403 Forbidden\r\ncontent-length: 87\r\n\r\n\
         {\"kind\":\"Status\",\"apiVersion\":\"v1\",\"message\":\"not you\",\"reason\":\"Forbidden\",\"code\":403}",
    )
    .await;
    let error = client.send(exec()).await.unwrap_err();
    assert!(error.is_forbidden() && error.to_string().contains("not you"), "{error}");
    let (client, _) = refusing("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let reply = client.send(exec()).await.unwrap();
    assert_eq!((reply.head.status.as_u16(), text(reply).await.unwrap().as_str()), (200, "ok"));
}

#[tokio::test]
async fn nothing_changes_over_that_was_not_asked_to() {
    let (client, address) =
        refusing("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
            .await;
    let mut get = call(&GET);
    get.head.headers.insert("connection", "upgrade".parse().unwrap());
    get.head.headers.insert("upgrade", "websocket".parse().unwrap());
    let error = client.send(get).await.unwrap_err();
    let expected =
        format!("http://{address} answered get pods with another protocol, for which nobody asked");
    assert!(error.to_string().ends_with(&expected), "{error}");
    let error = plain(address).send(call(&GET)).await.unwrap_err();
    assert_eq!(error.sent(), Sent::Unknown);
}
