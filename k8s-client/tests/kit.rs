//! The test kit around the server in memory: TLS, logs over time, comparisons, recorded runs, what nobody should send.

use std::time::{Duration, SystemTime};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use k8s_api::apps::v1::Deployment;
use k8s_api::core::v1::{ConfigMap, Namespace, Pod, Secret};
use k8s_client::testing::{ContainerLog, Fault, LogRequest, Recorder, Replay, Server, compare};
use k8s_client::{Client, Config, Informer, Preset};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const POD: &str = "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {initContainers: [{name: a, image: i}], containers: [{name: c, image: i}, {name: d, image: i}]}}";

fn config(name: &str, value: &str) -> ConfigMap {
    let mut config = ConfigMap::default();
    config.metadata.name = name.into();
    config.data.insert("k".into(), value.into());
    config
}

fn once(server: &Server) -> Client {
    let mut once = Preset::default();
    once.attempts = 1;
    server.client_builder().retry(once).build().unwrap()
}

#[tokio::test]
async fn over_tls_it_is_the_same_server_with_http_2() {
    let server = Server::new();
    let listening = server.listen_tls(([127, 0, 0, 1], 0).into()).await.unwrap();
    assert!(listening.url().starts_with("https://127.0.0.1:"));
    let client = Client::new(listening.config().unwrap()).unwrap();
    let cache = Informer::new(client.all::<ConfigMap>()).start();
    server.client().namespaced("default").create(&config("there", "v")).await.unwrap();
    cache.until(|seen| seen.get("default", "there").is_some()).await.unwrap();

    // Who does not know the authority does not trust it.
    let stranger = Config::plain(&listening.url()).and_then(Client::new).unwrap();
    let error = stranger.cluster::<Namespace>().get("default").await.unwrap_err();
    assert_eq!(error.kind(), k8s_client::error::ErrorKind::Untrusted, "{error}");

    // What was agreed on is what Go's server agrees on.
    let mut roots = rustls::RootCertStore::empty();
    let pem = listening.authority().unwrap().as_bytes();
    roots.add(rustls::pki_types::pem::PemObject::from_pem_slice(pem).unwrap()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    for offered in ["h2", "http/1.1"] {
        let mut tls = rustls::ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        tls.alpn_protocols = vec![offered.into()];
        let stream = tokio::net::TcpStream::connect(listening.address()).await.unwrap();
        let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(tls));
        let stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(offered.as_bytes()));
    }
    assert!(server.listen_tls(([192, 0, 2, 1], 0).into()).await.is_err());
}

#[tokio::test]
async fn logs_are_cut_as_a_kubelet_cuts_them() {
    let server = Server::builder().starting_at(SystemTime::UNIX_EPOCH + Duration::from_secs(100)).build();
    server.load(POD).unwrap();
    server.logs(|LogRequest { container, .. }| {
        let at = |seconds: u64| SystemTime::UNIX_EPOCH + Duration::from_millis(seconds * 1000 + 5);
        (container != "d").then(|| {
            let log = ContainerLog::default().line_at(at(10), "old").line_at(at(95), "newer");
            log.line_at(at(96), "newest")
        })
    });
    let pods = server.client().namespaced::<Pod>("default");
    let log = || pods.logs("p").container("c");
    assert_eq!(log().await.unwrap(), "old\nnewer\nnewest\n");
    assert_eq!(log().tail(1).await.unwrap(), "newest\n");
    assert_eq!(log().since_seconds(60).await.unwrap(), "newer\nnewest\n");
    assert_eq!(log().since("1970-01-01T00:01:36Z".parse().unwrap()).await.unwrap(), "newest\n");
    assert_eq!(log().limit_bytes(5).await.unwrap(), "old\nn");
    assert_eq!(
        log().tail(2).timestamps().await.unwrap(),
        "1970-01-01T00:01:35.005000000Z newer\n1970-01-01T00:01:36.005000000Z newest\n"
    );
    assert_eq!(pods.logs("p").container("d").await.unwrap(), "");
    let error = pods.logs("p").await.unwrap_err().to_string();
    assert!(error.contains("choose one of: [a c d]"), "{error}");
    let (status, said) =
        ask(&server, "GET", "/api/v1/namespaces/default/pods/p/log?tailLines=-1&limitBytes=0").await;
    assert_eq!(status, 422);
    assert!(said.contains("[tailLines: Invalid value: -1: must be greater than or equal to 0, limitBytes: Invalid value: 0: must be greater than 0]"), "{said}");
    let (status, said) = ask(
        &server,
        "GET",
        "/api/v1/namespaces/default/pods/p/log?sinceSeconds=1&sinceTime=1970-01-01T00:01:36Z",
    )
    .await;
    assert_eq!(status, 422);
    assert!(
        said.contains("[]: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified"),
        "{said}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_followed_log_goes_on_until_its_lines_end_or_its_pod_does() {
    let server = Server::builder().starting_at(SystemTime::UNIX_EPOCH).build();
    server.load(POD).unwrap();
    server.logs(|request| {
        let every = |number: u32| async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            format!("line {number}")
        };
        let last = if request.container == "c" { 3 } else { u32::MAX };
        Some(ContainerLog::from("first\n").then(stream::iter(0..last).then(every)))
    });
    let pods = server.client().namespaced::<Pod>("default");
    assert_eq!(
        pods.logs("p").container("c").await.unwrap(),
        "first\n",
        "who does not follow has what there is"
    );
    let lines = pods.logs("p").container("c").tail(0).timestamps().follow().lines();
    let lines: Vec<_> = lines.try_collect().await.unwrap();
    let texts: Vec<_> = lines.iter().map(|line| line.text().into_owned()).collect();
    assert_eq!(texts, ["line 0", "line 1", "line 2"]);
    let seconds: Vec<_> = lines.iter().map(|line| line.time.unwrap().unix_seconds()).collect();
    assert_eq!(seconds, [1, 2, 3]);

    let mut endless = pods.logs("p").container("d").follow().lines();
    for expected in ["first", "line 0", "line 1"] {
        assert_eq!(endless.next().await.unwrap().unwrap().text(), expected);
    }
    pods.delete("p").await.unwrap();
    assert!(endless.next().await.is_none(), "the pod is gone");

    server.load(POD).unwrap();
    let mut cut = pods.logs("p").container("d").follow().lines();
    assert!(cut.next().await.unwrap().is_ok());
    server.cut_watches();
    assert!(cut.next().await.unwrap().is_err());
    let some = pods.logs("p").container("d").limit_bytes(8).follow().lines();
    let some: Vec<_> = some.try_collect().await.unwrap();
    assert_eq!(some.iter().map(|line| line.text().into_owned()).collect::<Vec<_>>(), ["first", "li"]);
}

#[tokio::test]
async fn what_differs_is_named_and_what_does_not_matter_is_not() {
    let server = Server::new();
    server.load("{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 3, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: 'i:1'}]}}}}").unwrap();
    let yaml = r#"{"metadata":{"name":"web"},"spec":{"replicas":3,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i:1"}]}}}}"#;
    let mut expected: Deployment = k8s_api::codec::json::decode(yaml.as_bytes()).unwrap();
    server.holds(&expected).unwrap().only_what_is_set().check().unwrap();
    let defaults = server.holds(&expected).unwrap().ignoring_server_fields().check().unwrap_err();
    assert!(defaults.lines().iter().all(|line| !line.contains("uid")), "{defaults}");
    assert!(defaults.to_string().contains("spec.strategy.type: absent -> \"RollingUpdate\""), "{defaults}");

    expected.spec.replicas = Some(5);
    expected.spec.template.spec.containers[0].image = "i:2".into();
    let error = server.holds(&expected).unwrap().only_what_is_set().check().unwrap_err();
    assert_eq!(
        error.to_string(),
        "2 fields differ, expected -> found:\n  spec.replicas: 5 -> 3\n  spec.template.spec.containers[name=c].image: \"i:2\" -> \"i:1\"\n"
    );
    let fewer = server
        .holds(&expected)
        .unwrap()
        .only_what_is_set()
        .ignoring("spec.template.spec.containers[*].image");
    assert_eq!(fewer.check().unwrap_err().lines(), ["spec.replicas: 5 -> 3"]);
    let typo = server.holds(&expected).unwrap().ignoring("spec.replica").check().unwrap_err();
    assert!(typo.to_string().contains("has no field `replica`"), "{typo}");

    expected.metadata.name = "none".into();
    let error = server.holds(&expected).unwrap_err().to_string();
    assert!(
        error.contains("Deployment none: the server has none of this name in namespace default"),
        "{error}"
    );
}

#[test]
fn times_and_secrets_are_not_shown() {
    let pod = |time: &str| -> Pod {
        let text = format!(
            r#"{{"status":{{"conditions":[{{"type":"Ready","status":"True","lastTransitionTime":"{time}"}}]}}}}"#
        );
        k8s_api::codec::json::decode(text.as_bytes()).unwrap()
    };
    let (one, other) = (pod("2026-01-01T00:00:00Z"), pod("2026-01-02T00:00:00Z"));
    assert!(compare(&one, &other).check().is_err());
    compare(&one, &other).ignoring_times().check().unwrap();
    let mut secret = Secret::default();
    secret.data.insert("k".into(), b"hunter2".to_vec().into());
    let error = compare(&Secret::default(), &secret).check().unwrap_err();
    assert!(error.to_string().contains("data.k: absent -> <hidden>"), "{error}");
}

/// What a test of somebody's controller might do.
async fn session(client: &Client) -> k8s_client::Result<Vec<String>> {
    let configs = client.namespaced::<ConfigMap>("default");
    let made = configs.create(&config("one", "v")).await?;
    let seen = configs.list().await?.items.len();
    let mut frames = configs.watch().version("0").frames();
    let mut first = String::new();
    if let Some(frame) = frames.next().await {
        first = String::from_utf8_lossy(&frame?).into_owned();
    }
    let missing = configs.get("two").await.unwrap_err().is_not_found();
    Ok(vec![made.metadata.uid.to_string(), seen.to_string(), first, missing.to_string()])
}

#[tokio::test]
async fn a_run_is_recorded_and_played_again() {
    let server = Server::new();
    let recorder = Recorder::new();
    let client = server.client_builder().recorder(&recorder).build().unwrap();
    let before = session(&client).await.unwrap();
    let text = recorder.text().unwrap();
    assert!(text.contains("\"request\": \"POST /api/v1/namespaces/default/configmaps\""), "{text}");

    let replay = Replay::parse(&text).unwrap();
    let after = session(&replay.client()).await.unwrap();
    assert_eq!(before[..2], after[..2]);
    let events = [&before[2], &after[2]].map(|it| serde_json::from_str::<serde_json::Value>(it).unwrap());
    assert_eq!(events[0], events[1]);
    replay.finish().unwrap();
    // The same again gives the same file.
    let again = Recorder::new();
    let once_more = Client::with_transport(again.over(Replay::parse(&text).unwrap().transport()), "default");
    session(&once_more.build().unwrap()).await.unwrap();
    assert_eq!(again.text().unwrap(), text);

    let replay = Replay::parse(&text).unwrap();
    let configs = replay.client().namespaced::<ConfigMap>("default");
    let error = configs.create(&config("one", "w")).await.unwrap_err().to_string();
    assert!(
        error.contains(
            "request 1 of the recorded run is another, recorded -> asked:\n  body: data.k: \"v\" -> \"w\""
        ),
        "{error}"
    );
    let error = configs.get("x").await.unwrap_err().to_string();
    assert!(error.contains("data.k"), "the first difference stays: {error}");
    assert!(replay.finish().unwrap_err().to_string().contains("data.k"));

    let replay = Replay::parse(&text).unwrap().ignoring("data.k").unwrap();
    let configs = replay.client().namespaced::<ConfigMap>("default");
    configs.create(&config("one", "w")).await.unwrap();
    let left = replay.finish().unwrap_err().to_string();
    assert!(
        left.contains("3 of 4 requests were not asked: `GET /api/v1/namespaces/default/configmaps`"),
        "{left}"
    );
    let error = configs.get("two").await.unwrap_err().to_string();
    assert!(error.contains("request 2 of the recorded run is another"), "{error}");

    let replay = Replay::parse(&text).unwrap().any_order();
    assert!(replay.client().namespaced::<ConfigMap>("default").get("two").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn an_informer_is_played_again() {
    async fn follow(client: &Client) {
        let configs = client.namespaced::<ConfigMap>("default");
        configs.create(&config("one", "1")).await.unwrap();
        let cache = Informer::new(configs.clone()).start();
        cache.synced().await.unwrap();
        let patch = k8s_client::api::Patch::merge(serde_json::json!({"data": {"k": "2"}}));
        configs.patch("one", &patch).await.unwrap();
        let two = |config: &ConfigMap| config.data.get("k").is_some_and(|it| it.as_str() == "2");
        cache.until(|seen| seen.get("default", "one").is_some_and(&two)).await.unwrap();
        cache.stop().await;
        configs.delete("one").await.unwrap();
    }
    let recorder = Recorder::new();
    follow(&Server::new().client_builder().recorder(&recorder).build().unwrap()).await;
    let replay = Replay::parse(&recorder.text().unwrap()).unwrap();
    let client = replay.client();
    tokio::select! {
        () = follow(&client) => {}
        wrong = replay.differs() => panic!("{wrong}"),
    }
    replay.finish().unwrap();
}

#[tokio::test]
async fn failures_are_recorded_too() {
    let server = Server::new();
    let recorder = Recorder::new();
    server.inject(Fault::status(503).retry_after(0).times(1));
    server.inject(Fault::unreachable().after(1).times(1));
    let client = server.client_builder().recorder(&recorder).build().unwrap();
    client.cluster::<Namespace>().get("default").await.unwrap();
    let text = recorder.text().unwrap();
    assert!(text.contains("\"status\": 503") && text.contains("\"end\": \"unreachable\""), "{text}");
    let replay = Replay::parse(&text).unwrap();
    replay.client().cluster::<Namespace>().get("default").await.unwrap();
    replay.finish().unwrap();
}

#[tokio::test]
async fn what_is_secret_is_not_recorded() {
    let server = Server::new();
    let recorder = Recorder::new();
    let client = server.client_builder().recorder(&recorder).build().unwrap();
    let secrets = client.namespaced::<Secret>("default");
    let planted = "aHVudGVyMg";
    let mut secret = Secret::default();
    secret.metadata.name = "s".into();
    secret.data.insert("k".into(), b"hunter2".to_vec().into());
    secret.string_data.insert("j".into(), "hunter2".into());
    let copy = r#"{"data":{"k":"aHVudGVyMg=="}}"#;
    secret
        .metadata
        .annotations
        .insert("kubectl.kubernetes.io/last-applied-configuration".into(), copy.into());
    secrets.create(&secret).await.unwrap();
    secrets.list().await.unwrap();
    secrets.watch().version("0").frames().next().await.unwrap().unwrap();
    let merge = k8s_client::api::Patch::merge(serde_json::json!({"data": {"k": "aHVudGVyMg=="}}));
    secrets.patch("s", &merge).await.unwrap();
    let operations = serde_json::json!([{"op": "replace", "path": "/data/k", "value": "aHVudGVyMg=="}]);
    let body = operations.to_string();
    call(
        &client,
        "PATCH",
        "/api/v1/namespaces/default/secrets/s",
        "application/json-patch+json",
        body.into_bytes(),
    )
    .await;
    let text = recorder.text().unwrap();
    assert!(!text.contains("hunter2") && !text.contains(planted), "{text}");
    assert!(text.contains("\"k\": \"redacted\"") && !format!("{recorder:?}").contains(planted));
    Replay::parse(&text).unwrap().client().namespaced::<Secret>("default").create(&secret).await.unwrap();

    let refused = Recorder::new();
    let client = server.client_builder().recorder(&refused).build().unwrap();
    call(
        &client,
        "POST",
        "/api/v1/namespaces/default/secrets",
        "application/yaml",
        b"data: {k: aHVudGVyMg==}".to_vec(),
    )
    .await;
    let error = refused.text().unwrap_err().to_string();
    assert!(
        error.contains("request 1, `POST /api/v1/namespaces/default/secrets`: it may hold a secret"),
        "{error}"
    );
    assert!(
        Replay::parse("{\"exchanges\":[{\"request\":\"GET /\"}]}")
            .unwrap_err()
            .to_string()
            .contains("neither a `status`")
    );
}

async fn call(client: &Client, method: &str, path: &str, media: &str, body: Vec<u8>) -> Option<bytes::Bytes> {
    let request = http::Request::builder().method(method).uri(path).header("content-type", media);
    let request = request.body(k8s_api::transport::Body::Bytes(body.into())).unwrap();
    let empty = || "".into();
    let operation = k8s_api::operation::Operation {
        verb: k8s_api::operation::Verb::Get,
        group: empty(),
        version: empty(),
        resource: empty(),
        subresource: empty(),
        retry: k8s_api::operation::Retry::Never,
    };
    client.bytes(k8s_api::transport::Call::new(operation, request)).await.ok()
}

/// Status and body, as they are.
async fn ask(server: &Server, method: &str, path: &str) -> (u16, String) {
    let request = http::Request::builder().method(method).uri(path);
    let request = request.body(k8s_api::transport::Body::Empty).unwrap();
    let empty = || "".into();
    let operation = k8s_api::operation::Operation {
        verb: k8s_api::operation::Verb::Get,
        group: empty(),
        version: empty(),
        resource: empty(),
        subresource: empty(),
        retry: k8s_api::operation::Retry::Never,
    };
    let reply = server.transport().send(k8s_api::transport::Call::new(operation, request)).await.unwrap();
    let body = match reply.body {
        k8s_api::transport::ReplyBody::Whole(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        _ => String::new(),
    };
    (reply.head.status.as_u16(), body)
}

/// Each as kube-apiserver v1.37.1 has answered it.
#[tokio::test]
async fn strange_paths_and_queries_are_answered_as_the_real_server_does() {
    let server = Server::new();
    server.load(POD).unwrap();
    let gone = "the server could not find the requested resource";
    for (path, status, said) in [
        ("//api/v1/namespaces/default", 404, "404 page not found\n"),
        ("//", 404, "404 page not found\n"),
        ("/nonsense", 404, "404 page not found\n"),
        ("/api//v1/namespaces/default", 404, gone),
        ("/api/v1/namespaces/default/", 200, "\"name\":\"default\""),
        ("/api/v1/namespaces/x/../default", 404, gone),
        ("/api/v1/./namespaces/default", 404, gone),
        ("/api/v1/namespaces/default%2fpods", 200, "PodList"),
        ("/api/v1/namespaces/def%61ult", 200, "\"name\":\"default\""),
        ("/api/v1/namespaces/default%00", 404, "not found"),
        ("/api/v1/namespaces/%zz", 400, "400 Bad Request"),
        ("/api/v1/namespaces/%", 400, "400 Bad Request"),
        ("/api/v1/namespaces/%ff", 404, "not found"),
        ("/api/v1/namespaces/..%2f..", 404, gone),
        ("/api/v1/namespaces/default/pods/..", 400, "Name parameter invalid: \\\"..\\\": may not be '..'"),
        ("/api/v1/namespaces/default/pods/%2e", 400, "Name parameter invalid: \\\".\\\": may not be '.'"),
        ("/api/v1/namespaces/default/pods/%2e%2e/log", 400, "may not be '..'"),
        ("/api/v1/namespaces/default/pods/a%25b", 400, "may not contain '%'"),
        ("/api/v1/namespaces/default/pods/a%2fb", 404, gone),
        ("/api/v1/namespaces/default/pods/a%20b", 404, "pods \\\"a b\\\" not found"),
        ("/api/v1/namespaces/default/pods//log", 400, "name must be provided"),
        (
            "/api/v1/namespaces/default/pods?limit=x",
            400,
            "strconv.ParseInt: parsing \\\"x\\\": invalid syntax",
        ),
        ("/api/v1/namespaces/default/pods?limit=99999999999999999999", 400, "value out of range"),
        ("/api/v1/namespaces/default/pods?limit=-1", 200, "PodList"),
        ("/api/v1/namespaces/default/pods?timeoutSeconds=x", 400, "invalid syntax"),
        ("/api/v1/namespaces/default/pods?labelSelector=a=b;c=d", 200, "\"name\":\"p\""),
        ("/api/v1/namespaces/default/pods?labelSelector=%zz", 200, "\"name\":\"p\""),
        (
            "/api/v1/namespaces/default/pods?fieldSelector=%5C",
            400,
            "invalid selector: '\\\\'; can't understand '\\\\'",
        ),
        ("/api/v1/namespaces/default/pods?continue=%00", 400, "continue key is not valid"),
        ("/api/v1/namespaces/default/pods?watch=false", 200, "PodList"),
        ("/api/v1/pods/x", 404, gone),
        ("/api/v1/nodes/x/y/z", 404, gone),
        ("/apis/apps/v9/deployments", 404, gone),
    ] {
        let (code, body) = ask(&server, "GET", path).await;
        assert_eq!(code, status, "{path}: {body}");
        assert!(body.contains(said), "{path}: {body}");
    }
}

/// Sends bytes to a socket, says the first line of what comes back.
async fn raw(address: std::net::SocketAddr, bytes: &[u8]) -> String {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    // A server that has heard enough may close before all was sent.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn sockets_are_as_safe() {
    let server = Server::new();
    let listening = server.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let close = "Host: x\r\nConnection: close\r\n";
    for (head, line) in [
        ("GET /api/v1/namespaces/%zz HTTP/1.1", "HTTP/1.1 400 Bad Request"),
        ("GET /../../etc/passwd HTTP/1.1", "HTTP/1.1 404 Not Found"),
        ("GET api HTTP/1.1", "HTTP/1.1 400 Bad Request"),
        ("NONSENSE /api/v1/pods HTTP/1.1", "HTTP/1.1 405 Method Not Allowed"),
        ("GET * HTTP/1.1", "HTTP/1.1 404 Not Found"),
        ("GET http://other/api/v1/namespaces/default HTTP/1.1", "HTTP/1.1 200 OK"),
    ] {
        assert_eq!(
            raw(listening.address(), format!("{head}\r\n{close}\r\n").as_bytes()).await,
            line,
            "{head}"
        );
    }
    let post = "POST /api/v1/namespaces/default/configmaps HTTP/1.1";
    let bad = format!("{post}\r\n{close}Transfer-Encoding: chunked\r\n\r\nzz\r\n");
    // What is no HTTP has no answer, or a refusal; the server is there afterwards.
    let frame = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\xff\xff\xff\xff\xff\xff\xff";
    for nonsense in [bad.as_bytes(), b"\x16\x03\x01\0\0\xff\xff\r\n\r\n", frame] {
        let mut stream = tokio::net::TcpStream::connect(listening.address()).await.unwrap();
        stream.write_all(nonsense).await.unwrap();
        let _ = stream.shutdown().await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }
    let large = format!("{post}\r\n{close}Content-Type: application/json\r\nContent-Length: 4000000\r\n\r\n");
    let large = [large.as_bytes(), &[b' '; 3 * 1024 * 1024 + 1]].concat();
    assert_eq!(raw(listening.address(), &large).await, "HTTP/1.1 413 Payload Too Large");
    // Where nothing is, nothing is too large.
    let nowhere = String::from_utf8_lossy(&large).replacen("configmaps", "nonsense", 1);
    assert_eq!(raw(listening.address(), nowhere.as_bytes()).await, "HTTP/1.1 404 Not Found");
    assert!(once(&server).cluster::<Namespace>().get("default").await.is_ok());
}
