//! What following costs: an informer over answers that lie ready in memory, from bytes to the store and whoever waits for
//! it. `cargo bench -p k8s-client --bench events`; K8S_BENCH_LIST names another list of pods.

mod cpu;

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use k8s_api::codec::{Decoder, json};
use k8s_api::core::v1::Pod;
use k8s_api::transport::{Call, Lane, Reply, ReplyBody, Sending, Transport};
use k8s_client::watch::frames::Frames;
use k8s_client::watch::{Config, Strategy};
use k8s_client::{Client, Informer};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::Notify;

/// Answers the list, and a watch that begins when it is told to.
struct Replay {
    list: Bytes,
    chunks: Vec<Bytes>,
    begin: Arc<Notify>,
}

impl Transport for Replay {
    fn send(&self, call: Call) -> Sending {
        let body = if call.meta.lane == Lane::Watch {
            let begin = self.begin.clone();
            let begun = stream::once(async move { begin.notified().await }).filter_map(async |()| None);
            let chunks = stream::iter(self.chunks.clone()).map(Ok);
            ReplyBody::Stream(begun.chain(chunks).chain(stream::pending()).boxed())
        } else {
            ReplyBody::Whole(self.list.clone())
        };
        let (head, ()) = http::Response::new(()).into_parts();
        Box::pin(async { Ok(Reply::new(head, body)) })
    }
}

/// As much of a list as has to be known, its objects as the server wrote them: the order of fields matters.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed<'a> {
    metadata: ListMeta,
    #[serde(borrow)]
    items: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListMeta {
    resource_version: String,
}

/// One event for every pod, each a version later than the one before.
fn events(list: &[u8]) -> (Vec<Bytes>, u64) {
    let list: Listed<'_> = serde_json::from_slice(list).unwrap();
    let mut version: u64 = list.metadata.resource_version.parse().unwrap();
    let event = |pod: &&RawValue| {
        version += 1;
        let (before, rest) = pod.get().split_once("\"resourceVersion\":\"").unwrap();
        let (_, after) = rest.split_once('"').unwrap();
        let before = before.strip_prefix('{').unwrap();
        let head = r#"{"type":"MODIFIED","object":{"kind":"Pod","apiVersion":"v1","#;
        Bytes::from(format!("{head}{before}\"resourceVersion\":\"{version}\"{after}}}\n"))
    };
    let frames = list.items.iter().map(event).collect();
    (frames, version)
}

/// Microseconds of CPU so far.
fn cpu() -> f64 {
    cpu::nanoseconds() / 1e3
}

/// What filling the store and following cost, in microseconds for each pod and each event.
async fn follow(list: Bytes, chunks: Vec<Bytes>, count: usize, last: u64) -> (f64, f64) {
    let begin = Arc::new(Notify::new());
    let replay = Replay { list, chunks, begin: begin.clone() };
    let client = Client::with_transport(Arc::new(replay), "default").build().unwrap();
    let mut informer = Informer::new(client.all::<Pod>());
    let by_node = informer.index(|pod: &Pod| Some(pod.spec.node_name.clone()));
    informer.config(Config { strategy: Strategy::List, page: None, ..Config::default() });
    let start = cpu();
    let cache = informer.start();
    cache.synced().await.unwrap();
    let synced = cpu();
    begin.notify_one();
    let last = last.to_string();
    cache
        .until(|pods| pods.resource_version().is_some_and(|version| version.as_str() == last))
        .await
        .unwrap();
    let followed = cpu();
    let pods = cache.snapshot();
    assert_eq!(pods.len(), count);
    let node = pods.iter().next().unwrap().spec.node_name.clone();
    assert!(pods.by(&by_node, &node).next().is_some());
    ((synced - start) / count as f64, (followed - synced) / count as f64)
}

fn main() {
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/bench/sample/pods.json");
    let file = std::env::var("K8S_BENCH_LIST").unwrap_or(sample.to_owned());
    let list = Bytes::from(std::fs::read(&file).unwrap_or_else(|error| panic!("reading {file}: {error}")));
    let (frames, last) = events(&list);
    let count = frames.len();
    // About what a busy HTTP/2 connection gives at a time.
    let mut joined: Vec<Vec<u8>> = vec![Vec::new()];
    for frame in &frames {
        if joined.last().is_some_and(|chunk| chunk.len() > 64 * 1024) {
            joined.push(Vec::new());
        }
        joined.last_mut().unwrap().extend_from_slice(frame);
    }
    let joined: Vec<Bytes> = joined.into_iter().map(Bytes::from).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();

    let names = [
        "list into the store",
        "event, one a chunk",
        "event, 64 KiB a chunk",
        "framing by brackets",
        "type, then object",
        "object alone",
        "all three in one go",
    ];
    let mut rounds: [Vec<f64>; 7] = Default::default();
    for _ in 0..5 {
        let (filled, alone) = runtime.block_on(follow(list.clone(), frames.clone(), count, last));
        let (_, together) = runtime.block_on(follow(list.clone(), joined.clone(), count, last));
        let start = cpu();
        let mut framing = Frames::json(1 << 20);
        for frame in &frames {
            framing.push(frame.clone());
            while let Some(frame) = framing.next() {
                std::hint::black_box(frame.unwrap());
            }
        }
        let framed = (cpu() - start) / count as f64;
        let start = cpu();
        for frame in &frames {
            let (_, object) = json::event(frame).unwrap();
            std::hint::black_box(json::decode::<Pod>(object.as_bytes()).unwrap());
        }
        let decoded = (cpu() - start) / count as f64;
        let objects: Vec<&str> = frames.iter().map(|frame| json::event(frame).unwrap().1).collect();
        let mut decoder = Decoder::<Pod>::new().erase();
        let start = cpu();
        for object in objects {
            let mut pod = Pod::default();
            decoder.json_into(&mut pod, object.as_bytes()).unwrap();
            std::hint::black_box(pod);
        }
        let object = (cpu() - start) / count as f64;
        let start = cpu();
        let mut framing = Frames::json(1 << 20);
        for chunk in &joined {
            framing.push(chunk.clone());
            let mut read = |frame: &Bytes| {
                let mut pod = Pod::default();
                let type_ = decoder.event_into(&mut pod, frame).map(str::len);
                std::hint::black_box(pod);
                type_
            };
            while let Some(event) = framing.next_as(&mut read, Option::is_some) {
                event.unwrap().unwrap();
            }
        }
        let at_once = (cpu() - start) / count as f64;
        let values = [filled, alone, together, framed, decoded, object, at_once];
        for (seen, value) in rounds.iter_mut().zip(values) {
            seen.push(value);
        }
    }
    println!("CPU us for each of {count} pods or events, median of 5 rounds (least..most); one index\n");
    for (name, mut seen) in names.into_iter().zip(rounds) {
        seen.sort_by(f64::total_cmp);
        println!("{name:<22} {:>6.1} ({:.1}..{:.1})", seen[2], seen[0], seen[4]);
    }
}
