use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use k8s_api::transport::{Body, Fault, Lane, Sent, Transport as _, TransportError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;

use super::Http;
use super::testing::*;
use crate::config::{Config, Server, Timeouts, Tls};
use crate::middleware::testing::{CREATE, GET, WATCH};
use crate::middleware::{attempt, deadline};
use crate::outside;
use crate::{Client, Preset};

async fn error(http: &Http) -> TransportError {
    let reply = http.send(call(&GET)).await;
    match reply {
        Err(error) => error,
        Ok(reply) => panic!("{reply:?}"),
    }
}

#[tokio::test]
async fn a_call_arrives_as_it_was_made() {
    let (send, mut received) = mpsc::unbounded_channel();
    let address = listen(move |mut connection| {
        let send = send.clone();
        async move {
            let mut request = head(&mut connection).await;
            let mut body = [0; 11];
            connection.read_exact(&mut body).await.unwrap();
            request.push_str(std::str::from_utf8(&body).unwrap());
            send.send(request).unwrap();
            let answer = "HTTP/1.1 201 Created\r\nx-a: b\r\ncontent-length: 2\r\n\r\nok";
            connection.write_all(answer.as_bytes()).await.unwrap();
        }
    })
    .await;
    let server = Server::new(&format!("http://{address}/k8s/c-1/"), Tls::default()).unwrap();
    let http = http(&server);
    let mut create = call(&CREATE);
    create.head.uri = "/api/v1/pods?dryRun=All&labelSelector=a%3Db%2Fc".parse().unwrap();
    create.head.headers.insert("content-type", "application/json".parse().unwrap());
    create.body = Body::Bytes("{\"kind\":1}\n".into());
    let reply = http.send(create).await.unwrap();
    assert_eq!((reply.head.status.as_u16(), &reply.head.headers["x-a"]), (201, &"b".parse().unwrap()));
    assert_eq!(text(reply).await.unwrap(), "ok");
    let request = received.recv().await.unwrap();
    for part in [
        "POST /k8s/c-1/api/v1/pods?dryRun=All&labelSelector=a%3Db%2Fc HTTP/1.1\r\n",
        "content-type: application/json\r\n",
        "user-agent: k8s-client-rs/",
        "content-length: 11\r\n",
        "\r\n\r\n{\"kind\":1}\n",
    ] {
        assert!(request.contains(part), "{part} in {request}");
    }
}

#[tokio::test]
async fn bodies_stream_both_ways_and_dropping_them_ends_the_connection() {
    let (send, mut ended) = mpsc::unbounded_channel();
    let address = listen(move |mut connection| {
        let send = send.clone();
        async move {
            head(&mut connection).await;
            // `one` in a chunk arrives before the client has more to send.
            let mut chunk = [0; 8];
            connection.read_exact(&mut chunk).await.unwrap();
            assert_eq!(&chunk, b"3\r\none\r\n");
            let answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nuno\r\n";
            connection.write_all(answer).await.unwrap();
            let mut rest = Vec::new();
            let _ = connection.read_to_end(&mut rest).await;
            send.send(rest).unwrap();
        }
    })
    .await;
    let http = plain(address);
    let pieces = futures_util::stream::iter([Ok(Bytes::from("one"))]).chain(futures_util::stream::pending());
    let mut create = call(&CREATE);
    create.body = Body::Stream(Box::pin(pieces));
    let mut answer = stream(http.send(create).await.unwrap());
    assert_eq!(answer.next().await.unwrap().unwrap(), "uno");
    drop(answer);
    assert_eq!(ended.recv().await.unwrap(), b"", "the server sees the end");
}

#[tokio::test]
async fn nobody_listens() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = error(&plain(address)).await;
    assert_eq!((error.sent(), error.fault()), (Sent::No, Fault::Broken));
    let start = format!("no connection to http://{address}: Connection refused");
    assert!(error.to_string().starts_with(&start), "{error}");
}

#[tokio::test]
async fn a_reset_before_the_answer_leaves_it_open_what_happened() {
    let address = listen(|mut connection| async move {
        head(&mut connection).await;
        reset(connection);
    })
    .await;
    let error = error(&plain(address)).await;
    assert_eq!((error.sent(), error.fault()), (Sent::Unknown, Fault::Broken));
    assert!(error.to_string().starts_with(&format!("http://{address} gave no answer: ")), "{error}");
}

#[tokio::test]
async fn a_reset_in_the_middle_of_a_body() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ] {
        let address = listen(move |mut connection| async move {
            head(&mut connection).await;
            connection.write_all(answer.as_bytes()).await.unwrap();
            // An orderly end, which only the framing shows to be too early.
        })
        .await;
        let mut body = stream(plain(address).send(call(&GET)).await.unwrap());
        assert_eq!(body.next().await.unwrap().unwrap(), "hello");
        let error = body.next().await.unwrap().unwrap_err();
        assert_eq!((error.sent(), error.fault()), (Sent::Unknown, Fault::Broken));
        assert!(
            error.to_string().starts_with(&format!("the answer of http://{address} broke off: ")),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_head_that_never_comes() {
    let (send, mut ended) = mpsc::unbounded_channel();
    let address = listen(move |mut connection| {
        let send = send.clone();
        async move {
            head(&mut connection).await;
            let end = connection.read(&mut [0]).await;
            send.send(matches!(end, Ok(0) | Err(_))).unwrap();
        }
    })
    .await;
    let http = attempt::layer(Arc::new(plain(address)), outside::real());
    let mut get = call(&GET);
    get.meta.limits.head = Some(Duration::from_millis(30));
    let error = http.send(get).await.unwrap_err();
    assert_eq!((error.sent(), error.fault()), (Sent::Unknown, Fault::Timeout));
    assert!(ended.recv().await.unwrap(), "the connection is closed");
}

#[tokio::test]
async fn a_body_that_drips() {
    let address = listen(|mut connection| async move {
        head(&mut connection).await;
        let start = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n";
        connection.write_all(start.as_bytes()).await.unwrap();
        let _ = connection.read(&mut [0]).await;
    })
    .await;
    // In the middle the idle limit ends it, or else the deadline.
    let http = attempt::layer(Arc::new(plain(address)), outside::real());
    let http = deadline::layer(http, outside::real());
    for idle in [true, false] {
        let mut get = call(&GET);
        match idle {
            true => get.meta.limits.idle = Some(Duration::from_millis(30)),
            false => {
                let deadline = std::time::Instant::now() + Duration::from_millis(100);
                get.meta.limits.deadline = Some(deadline);
            }
        }
        let mut body = stream(http.send(get).await.unwrap());
        assert_eq!(body.next().await.unwrap().unwrap(), "a");
        assert_eq!(body.next().await.unwrap().unwrap_err().fault(), Fault::Timeout);
        assert!(body.next().await.is_none());
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let address = answering("HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n").await;
    let reply = plain(address).send(call(&GET)).await.unwrap();
    assert_eq!(reply.head.status.as_u16(), 302);
}

#[tokio::test]
async fn what_can_not_be_sent_is_refused_before_it_is_sent() {
    let http = plain("127.0.0.1:1".parse().unwrap());
    for path in ["/api/v1/namespaces/../secrets", "/api/v1/namespaces/%2e%2e/secrets", "/api/./v1"] {
        let mut get = call(&GET);
        get.head.uri = path.parse().unwrap();
        let error = http.send(get).await.unwrap_err();
        assert_eq!((error.sent(), error.fault()), (Sent::No, Fault::Setup));
        assert_eq!(error.to_string(), format!("the path `{path}` is not in its plain form"));
    }
}

/// A server that answers every request over HTTP/2 or HTTP/1.1 with 200, and says what was announced.
async fn tls_server(
    authority: &Authority,
    names: &[&str],
) -> (std::net::SocketAddr, mpsc::UnboundedReceiver<String>) {
    let (send, received) = mpsc::unbounded_channel();
    let address = listen_tls(authority.acceptor(names, |_| ()), move |mut connection| {
        let send = send.clone();
        async move {
            let session = connection.get_ref().1;
            let alpn = String::from_utf8_lossy(session.alpn_protocol().unwrap_or(b"-")).into_owned();
            let name = session.server_name().unwrap_or("-").to_owned();
            send.send(format!("{alpn} {name}")).unwrap();
            if alpn == "h2" {
                // HEADERS with END_STREAM and END_HEADERS; 0x88 is `:status: 200`.
                let mut answer = frame(1, 1, &[0x88]);
                answer[4] = 5;
                frames(connection, answer, false).await;
            } else {
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                let _ = connection.read(&mut [0; 4096]).await;
                let _ = connection.write_all(answer).await;
                let _ = connection.read(&mut [0]).await;
            }
        }
    })
    .await;
    (address, received)
}

#[tokio::test]
async fn every_lane_has_its_own_connection_and_only_upgrades_are_http_1() {
    let authority = Authority::new();
    let (address, mut connections) = tls_server(&authority, &["127.0.0.1"]).await;
    let http = secure(address, authority.tls());
    for lane in [Lane::Read, Lane::Write, Lane::Watch, Lane::Lease, Lane::Upgrade] {
        let mut get = call(&GET);
        get.meta.lane = lane;
        let reply = http.send(get).await.unwrap();
        let expected = if lane == Lane::Upgrade { "http/1.1 -" } else { "h2 -" };
        assert_eq!(connections.recv().await.unwrap(), expected, "{lane:?}");
        let version = if lane == Lane::Upgrade { http::Version::HTTP_11 } else { http::Version::HTTP_2 };
        assert_eq!((reply.head.status.as_u16(), reply.head.version), (200, version));
    }
}

#[tokio::test]
async fn a_certificate_for_another_name() {
    let authority = Authority::new();
    let (address, mut connections) = tls_server(&authority, &["api.example"]).await;
    let failed = error(&secure(address, authority.tls())).await;
    assert_eq!((failed.sent(), failed.fault()), (Sent::No, Fault::Untrusted));
    let shown = failed.to_string();
    assert!(shown.starts_with(&format!("https://{address} is not trusted: ")), "{shown}");
    assert!(shown.contains("tls-server-name") && shown.contains("api.example"), "{shown}");

    let tls = Tls { server_name: Some("api.example".to_owned()), ..authority.tls() };
    let reply = secure(address, tls.clone()).send(call(&GET)).await.unwrap();
    assert_eq!(reply.head.status.as_u16(), 200);
    assert_eq!(connections.recv().await.unwrap(), "h2 api.example");

    // A name that can't stand in the URL is held against the certificate all the same.
    let tls = Tls { server_name: Some("10.1.2.3".to_owned()), ..tls };
    let failed = error(&secure(address, tls.clone())).await.to_string();
    assert!(failed.contains("is not trusted") && failed.contains("10.1.2.3"), "{failed}");
    let (address, mut connections) = tls_server(&authority, &["10.1.2.3"]).await;
    assert_eq!(secure(address, tls).send(call(&GET)).await.unwrap().head.status.as_u16(), 200);
    assert_eq!(connections.recv().await.unwrap(), "h2 -");
}

#[tokio::test]
async fn a_certificate_of_another_authority() {
    let (theirs, ours) = (Authority::new(), Authority::new());
    let (address, _connections) = tls_server(&theirs, &["127.0.0.1"]).await;
    let failed = error(&secure(address, ours.tls())).await;
    assert_eq!((failed.sent(), failed.fault()), (Sent::No, Fault::Untrusted));
    let shown = failed.to_string();
    assert!(shown.contains("certificate-authority that is configured"), "{shown}");
    // The system's authorities don't know it either.
    let shown = error(&secure(address, Tls::default())).await.to_string();
    assert!(shown.starts_with(&format!("https://{address} is not trusted: ")), "{shown}");
}

#[tokio::test]
async fn a_certificate_that_has_expired() {
    let authority = Authority::new();
    let acceptor = authority.acceptor(&["127.0.0.1"], |params| {
        params.not_after = rcgen::date_time_ymd(2001, 1, 1);
    });
    let address = listen_tls(acceptor, |_| async {}).await;
    let failed = error(&secure(address, authority.tls())).await;
    assert_eq!((failed.sent(), failed.fault()), (Sent::No, Fault::Untrusted));
    assert!(
        failed.to_string().contains("its certificate expired at 2001-01-01T00:00:00Z; here it is 2"),
        "{failed}"
    );
}

#[tokio::test]
async fn no_verification_is_possible_and_warned_of() {
    let authority = Authority::new();
    let (address, _connections) = tls_server(&authority, &["api.example"]).await;
    let warnings = crate::test_log::capture();
    let http = secure(address, Tls { insecure: true, ..Tls::default() });
    let warned = warnings.take();
    assert!(warned.contains("WARN") && warned.contains("insecure-skip-tls-verify"), "{warned}");
    assert_eq!(http.send(call(&GET)).await.unwrap().head.status.as_u16(), 200);
}

#[tokio::test]
async fn what_is_logged_below_holds_no_token() {
    let authority = Authority::new();
    let (address, _connections) = tls_server(&authority, &["127.0.0.1"]).await;
    let http = secure(address, authority.tls());
    let mut get = call(&GET);
    // As the credential's layer makes it.
    let mut token = http::HeaderValue::from_static("Bearer hunter2");
    token.set_sensitive(true);
    get.head.headers.insert("authorization", token);
    let log = crate::test_log::capture();
    http.send(get).await.unwrap();
    let log = log.take();
    assert!(log.contains("Headers") && !log.contains("hunter2"), "{log}");
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls() {
    let address = listen(|mut connection| async move {
        let _ = connection.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let _ = connection.read(&mut [0; 4096]).await;
    })
    .await;
    let failed = error(&secure(address, Tls::default())).await;
    assert_eq!((failed.sent(), failed.fault()), (Sent::No, Fault::Broken));
    assert!(failed.to_string().starts_with(&format!("no connection to https://{address}: ")), "{failed}");
}

#[tokio::test]
async fn what_http_2_says_of_a_stream_that_it_ends() {
    const RST_STREAM: u8 = 3;
    const GOAWAY: u8 = 7;
    let code = |code: u32| code.to_be_bytes().to_vec();
    let goaway = |last: u32, reason: u32| frame(GOAWAY, 0, &[code(last), code(reason)].concat());
    for (what, answer, close, sent) in [
        ("REFUSED_STREAM", frame(RST_STREAM, 1, &code(7)), false, Sent::Refused),
        ("INTERNAL_ERROR", frame(RST_STREAM, 1, &code(2)), false, Sent::Unknown),
        ("CANCEL", frame(RST_STREAM, 1, &code(8)), false, Sent::Unknown),
        ("GOAWAY before this stream", goaway(0, 0), false, Sent::Refused),
        ("GOAWAY before this stream, and closes", goaway(0, 0), true, Sent::Refused),
        ("GOAWAY after this stream, and closes", goaway(1, 0), true, Sent::Unknown),
        ("GOAWAY for an error after this stream, and closes", goaway(1, 2), true, Sent::Unknown),
        ("closes", Vec::new(), true, Sent::Unknown),
    ] {
        let authority = Authority::new();
        let address = listen_tls(authority.acceptor(&["127.0.0.1"], |_| ()), move |connection| {
            frames(connection, answer.clone(), close)
        })
        .await;
        let error = error(&secure(address, authority.tls())).await;
        assert_eq!((error.sent(), error.fault()), (sent, Fault::Broken), "{what}: {error}");
    }
}

#[tokio::test]
async fn dropping_a_call_tells_the_server() {
    let authority = Authority::new();
    let (send, mut reset) = mpsc::unbounded_channel();
    let address = h2_server(&authority, move |_, mut respond| {
        let send = send.clone();
        tokio::spawn(async move {
            send.send(None).unwrap();
            let reason = std::future::poll_fn(|cx| respond.poll_reset(cx)).await.unwrap();
            send.send(Some(reason)).unwrap();
        });
    })
    .await;
    let http = secure(address, authority.tls());
    let sending = tokio::spawn(http.send(call(&GET)));
    assert_eq!(reset.recv().await.unwrap(), None, "it is there");
    sending.abort();
    assert_eq!(reset.recv().await.unwrap(), Some(h2::Reason::CANCEL));
}

/// Nobody reads these watches; a small answer on the same connection still comes.
#[tokio::test]
async fn slow_readers_do_not_stop_the_others() {
    const WATCHES: usize = 40;
    let authority = Authority::new();
    let address = h2_server(&authority, |request, mut respond| {
        let endless = request.uri().path() == "/watch";
        tokio::spawn(async move {
            let mut body = respond.send_response(http::Response::new(()), false).unwrap();
            if !endless {
                return body.send_data("small".into(), true).unwrap();
            }
            loop {
                body.reserve_capacity(1 << 16);
                match std::future::poll_fn(|cx| body.poll_capacity(cx)).await {
                    Some(Ok(capacity)) => body.send_data(vec![0; capacity].into(), false).unwrap(),
                    _ => return,
                }
            }
        });
    })
    .await;
    let http = secure(address, authority.tls());
    let get = |path: &str| {
        let mut call = call(&WATCH);
        call.head.uri = path.parse().unwrap();
        http.send(call)
    };
    let mut watches = Vec::new();
    for _ in 0..WATCHES {
        watches.push(stream(get("/watch").await.unwrap()));
    }
    // Each has been sent all that it may be sent without being read.
    for watch in &mut watches {
        assert!(!watch.next().await.unwrap().unwrap().is_empty());
    }
    assert_eq!(text(get("/small").await.unwrap()).await.unwrap(), "small");
}

#[tokio::test]
async fn what_a_program_says_of_itself_and_how_long_it_waits() {
    let (send, mut received) = mpsc::unbounded_channel();
    let address = listen(move |mut connection| {
        let send = send.clone();
        async move {
            send.send(head(&mut connection).await).unwrap();
            // No answer.
            let _ = connection.read(&mut [0]).await;
        }
    })
    .await;
    let timeouts = Timeouts { answer: Duration::from_millis(30), ..Timeouts::default() };
    let config = Config::plain(&format!("http://{address}")).unwrap();
    let config = config.with_timeouts(timeouts).with_user_agent("my-controller/1.2").unwrap();
    let client = Client::builder(config).retry(Preset { attempts: 1, ..Preset::DEFAULT }).build().unwrap();
    let error = client.bytes(call(&GET)).await.unwrap_err();
    assert!(error.is_timeout() && error.to_string().contains("no answer came within 30ms"), "{error}");
    let request = received.recv().await.unwrap();
    assert!(request.contains("user-agent: my-controller/1.2\r\n"), "{request}");
    let config = Config::plain("http://127.0.0.1:1").unwrap();
    assert!(config.with_user_agent("a\nb").is_err());
}
