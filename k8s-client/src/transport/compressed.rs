//! Compressed answers on their way through the whole client.

use std::borrow::Cow;
use std::io::Write as _;
use std::net::SocketAddr;

use flate2::Compression;
use flate2::write::GzEncoder;
use k8s_api::operation::{Operation, Retry, Verb};
use k8s_api::transport::{Call, ReplyBody};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;

use super::testing::*;
use crate::middleware::testing::{GET, WATCH};
use crate::{Client, Config, Preset};

static PROXY: Operation = Operation {
    verb: Verb::Get,
    group: Cow::Borrowed(""),
    version: Cow::Borrowed("v1"),
    resource: Cow::Borrowed("pods"),
    subresource: Cow::Borrowed("proxy"),
    retry: Retry::Read,
};

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// Answers with `bodies` in turn, all said to be gzip and whole; passes on the heads of the requests.
async fn server(status: &'static str, bodies: Vec<Vec<u8>>) -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
    let (send, received) = mpsc::unbounded_channel();
    let bodies = std::sync::Arc::new(std::sync::Mutex::new(bodies.into_iter()));
    let address = listen(move |mut connection| {
        let (send, bodies) = (send.clone(), bodies.clone());
        async move {
            send.send(head(&mut connection).await.to_lowercase()).unwrap();
            let body = bodies.lock().unwrap().next().unwrap();
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-encoding: gzip\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            connection.write_all(&[head.as_bytes(), &body].concat()).await.unwrap();
        }
    })
    .await;
    (address, received)
}

fn config(address: SocketAddr) -> Config {
    Config::plain(&format!("http://{address}")).unwrap()
}

/// What a call gets: the bytes and whether they are said to be gzip.
async fn get(config: Config, call: Call) -> (Vec<u8>, bool) {
    let reply = Client::new(config).unwrap().send(call).await.unwrap();
    let said = reply.head.headers.contains_key("content-encoding");
    let bytes = match reply.body {
        ReplyBody::Whole(bytes) => bytes.to_vec(),
        ReplyBody::Stream(stream) => {
            use futures_util::TryStreamExt as _;
            stream.map_ok(Vec::from).try_concat().await.unwrap()
        }
        other => panic!("{other:?}"),
    };
    (bytes, said)
}

#[tokio::test]
async fn whole_answers_come_compressed_and_are_decoded() {
    let (address, mut heads) = server("200 OK", vec![gzip("a list"); 2]).await;
    assert_eq!(get(config(address), call(&GET)).await, (b"a list".to_vec(), false));
    assert!(heads.recv().await.unwrap().contains("accept-encoding: gzip\r\n"));
}

#[tokio::test]
async fn what_is_not_asked_for_is_not_touched() {
    let mut own = call(&GET);
    own.head.headers.insert("accept-encoding", "gzip, br".parse().unwrap());
    let off = |config: Config| config.with_compression(false);
    let on = |config: Config| config.with_compression(true);
    for (what, asks, call, change) in [
        ("a watch", false, call(&WATCH), on as fn(Config) -> Config),
        ("what runs behind the server", false, call(&PROXY), on),
        ("whoever asks himself", true, own, on),
        ("switched off", false, call(&GET), off),
    ] {
        let (address, mut heads) = server("200 OK", vec![gzip("x")]).await;
        assert_eq!(get(change(config(address)), call).await, (gzip("x"), true), "{what}");
        assert_eq!(heads.recv().await.unwrap().contains("accept-encoding"), asks, "{what}");
    }
}

#[tokio::test]
async fn a_kubeconfig_switches_it_off() {
    let (address, mut heads) = server("200 OK", vec![gzip("x")]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    let text = format!(
        "current-context: x\ncontexts: [{{name: x, context: {{cluster: c}}}}]\n\
         clusters: [{{name: c, cluster: {{server: 'http://{address}', disable-compression: true}}}}]\n"
    );
    std::fs::write(&file, text).unwrap();
    get(Config::from_kubeconfig(&file, None).unwrap(), call(&GET)).await;
    assert!(!heads.recv().await.unwrap().contains("accept-encoding"));
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_asked_for_again() {
    let whole = gzip("a list of some length");
    let cut = whole[..whole.len() - 3].to_vec();
    let (address, _heads) = server("200 OK", vec![cut.clone(), whole.clone()]).await;
    assert_eq!(
        Client::new(config(address)).unwrap().bytes(call(&GET)).await.unwrap(),
        "a list of some length"
    );

    let (address, _heads) = server("200 OK", vec![cut, b"{\"kind\": \"PodList\"}".to_vec()]).await;
    for why in ["broke off: its gzip has no end", "is not the gzip that it says it is"] {
        let once = Preset { attempts: 1, ..Preset::DEFAULT };
        let client = Client::builder(config(address)).retry(once).build().unwrap();
        let error = client.bytes(call(&GET)).await.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[tokio::test]
async fn the_reason_of_a_refusal_may_be_compressed_too() {
    let status = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"no such pod","reason":"NotFound","code":404}"#;
    let (address, _heads) = server("404 Not Found", vec![gzip(status)]).await;
    let error = Client::new(config(address)).unwrap().bytes(call(&GET)).await.unwrap_err();
    assert!(error.is_not_found() && error.to_string().contains("no such pod"), "{error}");
}
