//! What goes over the wire to the real server.

use futures_util::future::join_all;
use futures_util::{AsyncReadExt as _, AsyncWriteExt as _, StreamExt as _};
use k8s_api::core::v1::{ConfigMap, Container, Namespace, Node, Pod, configmaps, namespaces, pods};
use k8s_api::request::Request as _;
use k8s_api::transport::{Io, Lane, Reply, ReplyBody};
use k8s_client::{Client, Config, Informer};
use k8s_tests::{blocking, client, cluster};

async fn config() -> Config {
    let kubeconfig = blocking(|| Ok(cluster().kubeconfig().to_owned())).await;
    Config::from_kubeconfig(kubeconfig, None).unwrap()
}

/// A namespace with this many config maps, half a megabyte together.
async fn filled(client: &Client, name: &str, count: usize) {
    let mut namespace = Namespace::default();
    namespace.metadata.name = name.into();
    client.request(namespaces::create(&namespace)).await.unwrap();
    let maps = client.namespaced::<ConfigMap>(name);
    for number in 0..count {
        let mut map = ConfigMap::default();
        map.metadata.name = format!("map-{number}").into();
        // The controller manager adds one of its own.
        map.metadata.labels.insert("mine".into(), "yes".into());
        let lines: Vec<String> = (0..(500_000 / count / 30))
            .map(|line| format!("line {line} of {number}, {}\n", line * 7919))
            .collect();
        map.data.insert("lines".into(), lines.concat().into());
        maps.create(&map).await.unwrap();
    }
}

fn whole(reply: Reply) -> (bool, bytes::Bytes) {
    let compressed = reply.head.headers.contains_key("vary");
    assert!(!reply.head.headers.contains_key("content-encoding"));
    match reply.body {
        ReplyBody::Whole(bytes) => (compressed, bytes),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_long_list_comes_compressed() {
    let admin = client(cluster());
    filled(&admin, "compressed", 40).await;
    let list = || configmaps::list("compressed").labels("mine").call().unwrap();
    let (compressed, ours) = whole(admin.send(list()).await.unwrap());
    assert!(compressed && ours.len() > 400_000, "{compressed}, {} bytes", ours.len());
    let plain = Client::new(config().await.with_compression(false)).unwrap();
    let (compressed, theirs) = whole(plain.send(list()).await.unwrap());
    assert!(!compressed);
    let items = |list: &[u8]| serde_json::from_slice::<serde_json::Value>(list).unwrap()["items"].take();
    assert_eq!(items(&ours).as_array().unwrap().len(), 40);
    assert!(items(&ours) == items(&theirs));

    // As it is on the wire, for whoever asks for that.
    let mut raw = list();
    raw.head.headers.insert("accept-encoding", "gzip".parse().unwrap());
    let raw = plain.send(raw).await.unwrap();
    assert_eq!(raw.head.headers["content-encoding"], "gzip");
    let ReplyBody::Whole(raw) = raw.body else { panic!() };
    assert!(raw.starts_with(&[0x1f, 0x8b]) && raw.len() * 3 < ours.len());

    // Short ones and watches are not.
    let one = configmaps::get("compressed", "map-0").call().unwrap();
    assert!(!whole(admin.send(one).await.unwrap()).0);
}

#[tokio::test]
async fn many_calls_take_few_connections() {
    let admin = client(cluster());
    filled(&admin, "shared", 1).await;
    let fresh = Client::new(config().await).unwrap();
    let get = || async { fresh.request(configmaps::get("shared", "map-0")).await.unwrap() };
    join_all((0..64).map(|_| get())).await;
    let reads = fresh.connections().of(Lane::Read);
    assert_eq!((reads.made, reads.failed, reads.answers, reads.reused, reads.calls), (1, 0, 64, 63, 0));

    // kube-apiserver allows a hundred streams on a connection.
    let watch = |_| async {
        let watch = configmaps::watch("shared").call().unwrap();
        let ReplyBody::Stream(mut events) = fresh.send(watch).await.unwrap().body else { panic!() };
        let first = events.next().await.unwrap().unwrap();
        assert!(first.starts_with(br#"{"type":"ADDED""#), "{first:?}");
        events
    };
    let watches = join_all((0..300).map(watch)).await;
    let lane = fresh.connections().of(Lane::Watch);
    assert_eq!((lane.calls, lane.made, lane.failed), (watches.len() as u64, 3, 0));
}

async fn read(io: &mut Box<dyn Io>, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    io.read_exact(&mut bytes).await.unwrap();
    bytes
}

/// One short message of a WebSocket: what it is, and what it says.
async fn message(io: &mut Box<dyn Io>) -> (u8, Vec<u8>) {
    let head = read(io, 2).await;
    let length = match head[1] {
        126 => u16::from_be_bytes(read(io, 2).await.try_into().unwrap()).into(),
        length => usize::from(length),
    };
    (head[0], read(io, length).await)
}

#[tokio::test]
async fn a_connection_becomes_a_stream() {
    let client = client(cluster());
    let mut namespace = Namespace::default();
    namespace.metadata.name = "streams".into();
    client.request(namespaces::create(&namespace)).await.unwrap();
    let mut pod = Pod::default();
    pod.metadata.name = "runs".into();
    pod.spec.containers = vec![Container { name: "c".into(), image: "i".into(), ..Default::default() }];
    pod.spec.node_name = client.cluster::<Node>().list().await.unwrap().items[0].metadata.name.clone();
    client.request(pods::create("streams", &pod)).await.unwrap();
    let cache = Informer::new(client.namespaced::<Pod>("streams")).start();
    cache.until(|pods| pods.iter().any(|pod| pod.status.phase.as_str() == "Running")).await.unwrap();

    let exec = |command: &'static str| {
        let request = pods::exec("streams", "runs", ["sh", "-c", command]).container("c").stdin(true);
        let mut call = request.call().unwrap();
        for (name, value) in [
            ("connection", "Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-protocol", "v5.channel.k8s.io"),
        ] {
            call.head.headers.insert(name, value.parse().unwrap());
        }
        call
    };
    let reply = client.send(exec("read line; echo \"it said $line\"")).await.unwrap();
    assert_eq!(reply.head.status, 101);
    assert_eq!(reply.head.headers["sec-websocket-protocol"], "v5.channel.k8s.io");
    assert_eq!(reply.head.headers["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    let ReplyBody::Upgraded(mut io) = reply.body else { panic!("{:?}", reply.body) };
    // A binary message for channel 0, the standard input, with a mask that changes nothing.
    io.write_all(b"\x82\x87\0\0\0\0\0hello\n").await.unwrap();
    io.flush().await.unwrap();
    // Channel 1 is the output. The server begins with an empty message on each.
    let output = loop {
        let (kind, message) = message(&mut io).await;
        assert_eq!(kind, 0x82, "{message:?}");
        if let [1, output @ ..] = &message[..]
            && !output.is_empty()
        {
            break output.to_vec();
        }
    };
    assert_eq!(String::from_utf8(output).unwrap(), "it said hello\n");

    // A refusal is one, however it was asked for.
    let mut plain = exec("true");
    plain.head.headers.remove("upgrade");
    let error = client.send(plain).await.unwrap_err();
    assert_eq!(error.code().unwrap(), 400, "{error}");
    let mut nobody = pods::exec("streams", "nobody", ["true"]).call().unwrap();
    nobody.head.headers = exec("true").head.headers;
    let error = client.send(nobody).await.unwrap_err();
    assert!(error.is_not_found() && error.to_string().contains("pods \"nobody\" not found"), "{error}");
}
