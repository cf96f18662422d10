//! At every moment a cache is what the server was at the version that the cache says, whatever is cut, re-chunked, refused, silent or forgotten: the
//! whole way from bytes to readers.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use k8s_api::core::v1::ConfigMap;
use k8s_api::transport::{Call, Fault, Reply, ReplyBody, Sending, Sent, Transport, TransportError};
use proptest::prelude::*;

use crate::client::Client;
use crate::informer::Informer;
use crate::informer::testing::Paused;
use crate::watch::{self, Strategy as Ask};

/// Version by name.
type Versions = BTreeMap<String, u64>;

struct Change {
    version: u64,
    name: String,
    type_: &'static str,
}

#[derive(Default)]
struct World {
    log: Vec<Change>,
    version: u64,
    /// Nothing is known of what was before.
    compacted: u64,
    /// So many bytes may still be read.
    credit: usize,
    /// The length of the next pieces.
    piece: usize,
    /// Connections that began before are cut.
    epoch: u64,
    refuse: Option<u16>,
    wakers: Vec<Waker>,
}

fn object(name: &str, version: u64) -> String {
    format!(
        r#"{{"kind":"ConfigMap","metadata":{{"name":"{name}","namespace":"ns","uid":"u-{name}","resourceVersion":"{version}"}},"data":{{"text":"{}"}}}}"#,
        "x".repeat(usize::try_from(version % 7 * 90).unwrap())
    )
}

fn event(type_: &str, object: &str) -> String {
    format!("{{\"type\":\"{type_}\",\"object\":{object}}}\n")
}

fn bookmark(version: u64, end: bool) -> String {
    let end = if end { r#","annotations":{"k8s.io/initial-events-end":"true"}"# } else { "" };
    event("BOOKMARK", &format!(r#"{{"kind":"ConfigMap","metadata":{{"resourceVersion":"{version}"{end}}}}}"#))
}

fn status(code: u16) -> String {
    format!(r#"{{"kind":"Status","apiVersion":"v1","status":"Failure","code":{code},"message":"no"}}"#)
}

impl World {
    fn state(&self, version: u64) -> Versions {
        let mut state = Versions::new();
        for change in self.log.iter().take_while(|change| change.version <= version) {
            match change.type_ {
                "DELETED" => _ = state.remove(&change.name),
                _ => _ = state.insert(change.name.clone(), change.version),
            }
        }
        state
    }

    fn change(&mut self, name: u8, delete: bool) {
        let name = format!("c{name}");
        let is_there = self.state(self.version).contains_key(&name);
        let type_ = match (delete, is_there) {
            (true, false) => return,
            (true, true) => "DELETED",
            (false, true) => "MODIFIED",
            (false, false) => "ADDED",
        };
        self.version += 1;
        self.log.push(Change { version: self.version, name, type_ });
        self.wake();
    }

    fn wake(&mut self) {
        self.wakers.drain(..).for_each(Waker::wake);
    }

    /// The text of an answer, and after which version a watch goes on.
    fn answer(&self, query: &str) -> (u16, String, Option<u64>) {
        if let Some(code) = self.refuse {
            return (code, status(code), None);
        }
        let value = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| value.replace("%3A", ":"))
        };
        let mut text = String::new();
        if value("watch").is_none() {
            let token = value("continue").map(|token| {
                let (version, at) = token.split_once(':').unwrap();
                (version.parse::<u64>().unwrap(), at.parse::<usize>().unwrap())
            });
            let (version, at) = token.unwrap_or((self.version, 0));
            if token.is_some() && version < self.compacted {
                return (410, status(410), None);
            }
            let state = self.state(version);
            let limit = value("limit").map_or(usize::MAX, |limit| limit.parse().unwrap());
            let more = at.saturating_add(limit) < state.len();
            let token =
                if more { format!(r#","continue":"{version}:{}""#, at + limit) } else { String::new() };
            let items: Vec<_> =
                state.iter().skip(at).take(limit).map(|(name, version)| object(name, *version)).collect();
            _ = write!(
                text,
                r#"{{"kind":"ConfigMapList","apiVersion":"v1","metadata":{{"resourceVersion":"{version}"{token}}},"items":[{}]}}"#,
                items.join(",")
            );
            return (200, text, None);
        }
        if value("sendInitialEvents").is_some() {
            for (name, version) in self.state(self.version) {
                text += &event("ADDED", &object(&name, version));
            }
            text += &bookmark(self.version, true);
            return (200, text, Some(self.version));
        }
        let from: u64 = value("resourceVersion").unwrap().parse().unwrap();
        match (from < self.compacted, self.version.is_multiple_of(2)) {
            (true, true) => (410, status(410), None),
            (true, false) => (200, event("ERROR", &status(410)), Some(self.version)),
            (false, _) => (200, text, Some(from)),
        }
    }
}

#[derive(Clone)]
struct Server(Arc<Mutex<World>>);

impl Server {
    fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }
}

impl Transport for Server {
    fn send(&self, call: Call) -> Sending {
        let world = self.lock();
        let (code, text, watch) = world.answer(call.head.uri.query().unwrap_or_default());
        let body = Body { server: self.clone(), epoch: world.epoch, rest: text.into(), watch };
        let head = http::Response::builder().status(code).body(()).unwrap().into_parts().0;
        Box::pin(std::future::ready(Ok(Reply::new(head, ReplyBody::Stream(Box::pin(body))))))
    }
}

/// Told piece by piece, as far as may be read.
struct Body {
    server: Server,
    epoch: u64,
    rest: Bytes,
    /// Up to which version a watch was told.
    watch: Option<u64>,
}

impl Stream for Body {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let server = self.server.clone();
        let mut world = server.lock();
        if world.epoch > self.epoch {
            return Poll::Ready(Some(Err(TransportError::new(Sent::Unknown, Fault::Broken, "cut"))));
        }
        if let (true, Some(told)) = (self.rest.is_empty(), self.watch) {
            let news = world.log.iter().filter(|change| change.version > told);
            let text: String = news.map(|it| event(it.type_, &object(&it.name, it.version))).collect();
            (self.rest, self.watch) = (text.into(), Some(world.version));
        }
        if self.rest.is_empty() && self.watch.is_none() {
            return Poll::Ready(None);
        }
        let length = self.rest.len().min(world.credit).min(world.piece);
        if length == 0 {
            world.wakers.push(context.waker().clone());
            return Poll::Pending;
        }
        world.credit -= length;
        Poll::Ready(Some(Ok(self.rest.split_to(length))))
    }
}

#[derive(Clone, Debug)]
enum Step {
    Change(u8, bool),
    /// So many changes at once.
    Storm(u8),
    /// So many bytes may be read, in pieces of such a length.
    Read(usize, usize),
    Cut,
    Compact,
    Refuse(Option<u16>),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..40_u8, proptest::bool::weighted(0.3)).prop_map(|(name, delete)| Step::Change(name, delete)),
        3 => (1..80_u8).prop_map(Step::Storm),
        12 => (0..9000_usize, prop_oneof![1..50_usize, 100..5000_usize]).prop_map(|(bytes, piece)| Step::Read(bytes, piece)),
        3 => Just(Step::Cut),
        3 => Just(Step::Compact),
        2 => prop::sample::select(vec![None, None, Some(410), Some(500), Some(429)]).prop_map(Step::Refuse),
        4 => (0..20_u64).prop_map(Step::Pass),
        2 => Just(Step::Pass(100)),
    ]
}

fn run(server: &Server, step: &Step) {
    let mut world = server.lock();
    match step {
        Step::Change(name, delete) => world.change(*name, *delete),
        Step::Storm(count) => {
            for number in 0..*count {
                world.change(number.wrapping_mul(7) % 40, number % 5 == 0);
            }
        }
        Step::Read(bytes, piece) => (world.credit, world.piece) = (*bytes, *piece),
        Step::Cut => world.epoch += 1,
        Step::Compact => world.compacted = world.version,
        Step::Refuse(code) => world.refuse = *code,
        Step::Pass(_) => {}
    }
    world.wake();
}

async fn play(steps: Vec<Step>, config: watch::Config) {
    let server = Server(Arc::new(Mutex::new(World { version: 1, piece: 100, ..World::default() })));
    let client =
        Client::with_transport(Arc::new(server.clone()), "ns").outside(Arc::new(Paused)).build().unwrap();
    let mut informer = Informer::new(client.all::<ConfigMap>());
    informer.config(config);
    let cache = informer.start();
    let check = || {
        let snapshot = cache.snapshot();
        let entry = |it: &ConfigMap| {
            (it.metadata.name.to_string(), it.metadata.resource_version.as_str().parse().unwrap())
        };
        let seen: Versions = snapshot.iter().map(entry).collect();
        let version = snapshot.resource_version().map_or(0, |version| version.as_str().parse().unwrap());
        assert_eq!(seen, server.lock().state(version), "at {version}");
        version
    };
    for step in &steps {
        run(&server, step);
        if let Step::Pass(seconds) = step {
            tokio::time::advance(Duration::from_secs(*seconds)).await;
        }
        for _ in 0..40 {
            tokio::task::yield_now().await;
            check();
        }
    }
    run(&server, &Step::Refuse(None));
    run(&server, &Step::Read(usize::MAX, 4000));
    let last = server.lock().version;
    while check() < last {
        cache.until(|_| true).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

proptest! {
    #[test]
    fn a_cache_is_what_the_server_was(
        steps in proptest::collection::vec(step(), 0..60),
        stream in any::<bool>(),
        page in proptest::option::of(1..30_u32),
    ) {
        let strategy = if stream { Ask::Stream } else { Ask::List };
        let config = watch::Config { strategy, page, ..watch::Config::default() };
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_time().start_paused(true).build().unwrap().block_on(play(steps, config));
    }
}
