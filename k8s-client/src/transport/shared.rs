//! How calls share connections, and what is counted of it.

use std::net::Ipv6Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::{join_all, poll_immediate};
use k8s_api::transport::{Body, ByteStream, Call, Fault, Lane, Sent, Transport as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};

use super::testing::*;
use super::{Http, LaneConnections};
use crate::config::{Server, Settings, Timeouts, Tls};
use crate::middleware::testing::{CREATE, GET, WATCH};
use crate::outside::testing::{Handle, Virtual};

fn of(http: &Http, lane: Lane) -> LaneConnections {
    http.counters().read().of(lane)
}

/// Answers what ends by itself, and sends one piece of what doesn't.
fn serve(request: http::Request<h2::RecvStream>, mut respond: h2::server::SendResponse<Bytes>) {
    let mut body = respond.send_response(http::Response::new(()), false).unwrap();
    body.send_data("one".into(), request.uri().path() != "/watch").unwrap();
    if request.uri().path() == "/watch" {
        // It goes on until the client resets it.
        tokio::spawn(async move { std::future::poll_fn(|cx| body.poll_reset(cx)).await });
    }
}

fn watch() -> Call {
    let mut watch = call(&WATCH);
    watch.head.uri = "/watch".parse().unwrap();
    watch
}

#[tokio::test]
async fn calls_that_start_together_share_one_connection() {
    let authority = Authority::new();
    let http = secure(h2_server(&authority, serve).await, authority.tls());
    assert_eq!(of(&http, Lane::Read), LaneConnections::default());
    let all =
        || join_all((0..64).map(|_| async { text(http.send(call(&GET)).await.unwrap()).await.unwrap() }));
    assert!(all().await.iter().all(|answer| answer == "one"));
    let mut expected = LaneConnections { made: 1, waited: 64, answers: 64, reused: 63, ..Default::default() };
    assert_eq!(of(&http, Lane::Read), expected);
    all().await;
    (expected.answers, expected.reused) = (128, 127);
    assert_eq!(of(&http, Lane::Read), expected);
    assert_eq!(http.counters().read().total(), expected);
    // An answer that nobody has read yet is under way.
    let reply = http.send(call(&GET)).await.unwrap();
    assert_eq!(of(&http, Lane::Read).calls, 1);
    drop(reply);
    assert_eq!(of(&http, Lane::Read).calls, 0);
}

#[tokio::test]
async fn calls_that_wait_for_a_connection_share_its_failure() {
    // It takes the connection and says nothing.
    let address =
        listen(|mut connection| async move { while let Ok(1..) = connection.read(&mut [0; 512]).await {} })
            .await;
    let timeouts = Timeouts { connect: Duration::from_millis(50), ..Timeouts::default() };
    let http = with(address, Tls::default(), &Settings { timeouts, ..Settings::default() });
    let message = format!("no connection to https://{address}: it took too long");
    for round in 1..=2 {
        for reply in join_all((0..50).map(|_| http.send(call(&CREATE)))).await {
            let error = reply.unwrap_err();
            assert_eq!(error.to_string(), message, "{error:?}");
            assert_eq!((error.sent(), error.fault()), (Sent::No, Fault::Timeout));
        }
        let expected = LaneConnections { failed: round, waited: 50 * round, ..Default::default() };
        assert_eq!(of(&http, Lane::Write), expected);
    }
}

#[tokio::test]
async fn one_that_gives_up_leaves_the_others_to_go_on() {
    let authority = Authority::new();
    let to = h2_server(&authority, serve).await;
    let (send, mut came) = mpsc::unbounded_channel();
    let go = Arc::new(Notify::new());
    let it = go.clone();
    let address = listen(move |mut connection| {
        let (send, go) = (send.clone(), it.clone());
        async move {
            send.send(()).unwrap();
            go.notified().await;
            let mut server = TcpStream::connect(to).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut connection, &mut server).await;
        }
    })
    .await;
    let http = secure(address, authority.tls());
    let first = tokio::spawn(http.send(call(&GET)));
    came.recv().await.unwrap();
    let mut second = http.send(call(&GET));
    assert!(poll_immediate(&mut second).await.is_none());
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    go.notify_one();
    go.notify_waiters();
    let second = tokio::spawn(second);
    came.recv().await.unwrap();
    go.notify_one();
    assert_eq!(text(second.await.unwrap().unwrap()).await.unwrap(), "one");
    let expected = LaneConnections { made: 1, failed: 1, waited: 2, answers: 1, ..Default::default() };
    assert_eq!(of(&http, Lane::Read), expected);
}

#[tokio::test]
async fn more_watches_than_a_connection_may_have() {
    let authority = Authority::new();
    let http = secure(h2_server(&authority, serve).await, authority.tls());
    let first = |_| async {
        let mut watch = stream(http.send(watch()).await.unwrap());
        assert_eq!(watch.next().await.unwrap().unwrap(), "one");
        watch
    };
    let watches = join_all((0..300).map(first)).await;
    let lane = of(&http, Lane::Watch);
    assert_eq!((lane.calls, lane.made, lane.answers, lane.reused), (300, 3, 300, 297));
    // There is room again for as many.
    drop(watches);
    let _watches = join_all((0..300).map(first)).await;
    assert_eq!(of(&http, Lane::Watch).made, 3);
}

#[tokio::test]
async fn a_server_that_allows_less_is_found_out() {
    let authority = Authority::new();
    let address = h2_server_of(&authority, 10, serve).await;
    let clock = Virtual::new();
    let outside = Arc::new(Handle(clock.clone()));
    let server = Server::new(&format!("https://{address}"), authority.tls()).unwrap();
    let http = Http::new(&server, &Settings::default(), outside.clone()).unwrap();
    let first = || async {
        let mut watch = stream(http.send(watch()).await.unwrap());
        assert_eq!(watch.next().await.unwrap().unwrap(), "one");
        watch
    };
    let mut watches = join_all((0..10).map(|_| first())).await;
    // There is no place for it. Whoever sent it gives up after a while.
    let mut late = http.send(watch());
    for _ in 0..100 {
        assert!(poll_immediate(&mut late).await.is_none());
        tokio::task::yield_now().await;
    }
    use crate::outside::Outside as _;
    clock.run(outside.wait(clock.after(Duration::from_secs(5))));
    drop(late);
    // From now on it is known.
    watches.extend(join_all((0..25).map(|_| first())).await);
    let lane = of(&http, Lane::Watch);
    assert_eq!((lane.calls, lane.made), (35, 4));
}

#[tokio::test]
async fn a_connection_with_watches_is_never_too_old_for_another() {
    let authority = Authority::new();
    let http = secure(h2_server(&authority, serve).await, authority.tls());
    let mut watches = Vec::new();
    for _ in 0..3 {
        let mut watch = stream(http.send(watch()).await.unwrap());
        assert_eq!(watch.next().await.unwrap().unwrap(), "one");
        watches.push(watch);
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(200)).await;
        tokio::time::resume();
    }
    assert_eq!(of(&http, Lane::Watch).made, 1);
}

#[tokio::test]
async fn a_server_without_http_2() {
    let authority = Authority::new();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = connections.clone();
    let address = listen_tls(authority.http_1(&["127.0.0.1"]), move |mut connection| {
        count.fetch_add(1, Ordering::SeqCst);
        async move {
            loop {
                let mut request = Vec::new();
                let whole = |request: &[u8]| {
                    let end: &[u8] =
                        if request.starts_with(b"GET") { b"\r\n\r\n" } else { b"hello\r\n0\r\n\r\n" };
                    request.ends_with(end)
                };
                while !whole(&request) {
                    let Ok(1..) = connection.read_buf(&mut request).await else { return };
                }
                connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
            }
        }
    })
    .await;
    let http = secure(address, authority.tls());
    // Even the first call arrives, though its body can be read only once.
    let mut create = call(&CREATE);
    let body: ByteStream = Box::pin(futures_util::stream::iter([Ok(Bytes::from("hello"))]));
    create.body = Body::Stream(body);
    assert_eq!(text(http.send(create).await.unwrap()).await.unwrap(), "ok");
    for _ in 0..3 {
        assert_eq!(text(http.send(call(&GET)).await.unwrap()).await.unwrap(), "ok");
    }
    // Two for the call that found it out, one for the reads.
    assert_eq!(connections.load(Ordering::SeqCst), 3);
    let expected = LaneConnections { made: 1, waited: 1, answers: 3, reused: 2, ..Default::default() };
    assert_eq!(of(&http, Lane::Read), expected);
    assert_eq!(of(&http, Lane::Write).made, 2);
}

/// Its process is stopped: the kernel takes what comes, and nobody answers.
#[tokio::test]
async fn a_frozen_server_is_found_out_by_pings() {
    let authority = Authority::new();
    let address = listen_tls(authority.acceptor(&["127.0.0.1"], |_| ()), |connection| async {
        let mut connection = h2::server::handshake(connection).await.unwrap();
        let (request, respond) = connection.accept().await.unwrap().unwrap();
        serve(request, respond);
        // What is to be said is said, and then nothing more is.
        while poll_immediate(connection.accept()).await.is_none() {
            tokio::task::yield_now().await;
            if Arc::strong_count(&FROZEN) > 1 {
                std::future::pending::<()>().await;
            }
        }
    })
    .await;
    let settings =
        Settings { ping: Duration::from_millis(20), pong: Duration::from_millis(20), ..Settings::default() };
    let http = with(address, authority.tls(), &settings);
    let mut watch = stream(http.send(watch()).await.unwrap());
    assert_eq!(watch.next().await.unwrap().unwrap(), "one");
    let _frozen = FROZEN.clone();
    let error = watch.next().await.unwrap().unwrap_err();
    assert_eq!((error.sent(), error.fault()), (Sent::Unknown, Fault::Broken));
    let start = format!("the answer of https://{address} broke off: ");
    assert!(error.to_string().starts_with(&start), "{error}");
}

static FROZEN: std::sync::LazyLock<Arc<()>> = std::sync::LazyLock::new(Arc::default);

#[tokio::test]
async fn an_address_of_ip_version_6() {
    let Ok(listener) = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await else {
        eprintln!("this machine has no ::1");
        return;
    };
    let address = listener.local_addr().unwrap();
    let authority = Authority::new();
    let acceptor = authority.acceptor(&["::1"], |_| ());
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let connection = acceptor.accept(connection).await.unwrap();
            assert_eq!(connection.get_ref().1.server_name(), None, "an address is no name to announce");
            let mut connection = h2::server::handshake(connection).await.unwrap();
            tokio::spawn(async move {
                while let Some(Ok((request, respond))) = connection.accept().await {
                    assert_eq!(request.uri().authority().unwrap().as_str(), address.to_string());
                    serve(request, respond);
                }
            });
        }
    });
    let http = secure(address, authority.tls());
    assert_eq!(text(http.send(call(&GET)).await.unwrap()).await.unwrap(), "one");
}
