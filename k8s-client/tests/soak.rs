//! A cache and its subscribers take no more memory after a long churn than after a short one: connections that end and break, and
//! histories that are forgotten, among it.

use std::alloc::System;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use k8s_api::core::v1::ConfigMap;
use k8s_api::transport::{Call, Fault, Reply, ReplyBody, Sending, Sent, Transport, TransportError};
use k8s_client::{Cache, Client, Informer, watch};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use tokio::sync::watch as channel;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const NAMES: u64 = 500;
/// After so many changes the same objects are there again.
const PERIOD: u64 = 3 * NAMES;
const SHORT: u64 = 10 * PERIOD + 2 * NAMES - 1;
const LONG: u64 = 100 * PERIOD + 2 * NAMES - 1;

/// Changes that are known in advance: each makes or changes an object, or deletes it.
struct World {
    /// The last change; its number is the version.
    position: u64,
    there: BTreeMap<String, String>,
    complete_states: usize,
    calls: usize,
}

impl World {
    fn change(&mut self) -> String {
        self.position += 1;
        let (number, round) = (self.position * 7 % NAMES, self.position / NAMES % 3);
        let (name, version) = (format!("c{number}"), self.position);
        let text = "x".repeat(usize::try_from(100 + number).unwrap());
        let object = format!(
            r#"{{"metadata":{{"name":"{name}","namespace":"default","uid":"u{number}-{}","resourceVersion":"{version}"}},"data":{{"text":"{text}"}}}}"#,
            version / PERIOD
        );
        let type_ = match (round, self.there.contains_key(&name)) {
            (2, true) => "DELETED",
            (_, true) => "MODIFIED",
            (_, false) => "ADDED",
        };
        match type_ {
            "DELETED" => self.there.remove(&name),
            _ => self.there.insert(name, object.clone()),
        };
        format!("{{\"type\":\"{type_}\",\"object\":{object}}}\n")
    }

    fn complete(&mut self) -> String {
        self.complete_states += 1;
        let added = self.there.values().map(|object| format!("{{\"type\":\"ADDED\",\"object\":{object}}}\n"));
        let end = format!(
            "{{\"type\":\"BOOKMARK\",\"object\":{{\"metadata\":{{\"resourceVersion\":\"{}\",\"annotations\":{{\"k8s.io/initial-events-end\":\"true\"}}}}}}}}\n",
            self.position.max(1)
        );
        added.chain([end]).collect()
    }
}

/// A server that goes on up to a version, and then waits until it may go on further.
struct Server {
    world: Arc<Mutex<World>>,
    limit: channel::Receiver<u64>,
}

/// How a watch ends after so many changes.
#[derive(Clone, Copy)]
enum End {
    Orderly,
    Broken,
    Gone,
}

impl Transport for Server {
    fn send(&self, call: Call) -> Sending {
        let (world, limit) = (self.world.clone(), self.limit.clone());
        let query = call.head.uri.query().unwrap_or_default().to_owned();
        assert!(query.contains("watch=true"), "{query}");
        let calls = {
            let mut world = world.lock().unwrap();
            world.calls += 1;
            world.calls
        };
        let (changes, end) = match calls % 5 {
            0 => (1_100, End::Gone),
            1 | 3 => (700, End::Orderly),
            _ => (900, End::Broken),
        };
        let first = query.contains("sendInitialEvents=true").then(|| world.lock().unwrap().complete());
        let body = stream::iter(first.map(|text| Ok(Bytes::from(text)))).chain(stream::unfold(
            (world, limit, changes, Some(end)),
            |(world, mut limit, changes, end)| async move {
                let end = end?;
                if changes == 0 {
                    let last = match end {
                        End::Orderly => return None,
                        End::Broken => Err(TransportError::new(Sent::Unknown, Fault::Broken, "cut")),
                        End::Gone => Ok(Bytes::from_static(
                            b"{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410,\"message\":\"too old\"}}\n",
                        )),
                    };
                    return Some((last, (world, limit, 0, None)));
                }
                let position = world.lock().unwrap().position;
                limit.wait_for(|limit| position < *limit).await.ok()?;
                let chunk = {
                    let mut world = world.lock().unwrap();
                    let count = 50.min(changes).min(*limit.borrow() - position);
                    let text: String = (0..count).map(|_| world.change()).collect();
                    (text, count)
                };
                Some((Ok(Bytes::from(chunk.0)), (world, limit, changes - chunk.1, Some(end))))
            },
        ));
        Box::pin(async move {
            Ok(Reply::new(http::Response::new(()).into_parts().0, ReplyBody::Stream(Box::pin(body))))
        })
    }
}

/// Bytes that are held now.
fn held() -> usize {
    let stats = INSTRUMENTED_SYSTEM.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

async fn is_at(cache: &Cache<ConfigMap>, version: u64) {
    let version = version.to_string();
    cache
        .until(|snapshot| snapshot.resource_version().is_some_and(|it| it.as_str() == version))
        .await
        .unwrap();
}

#[tokio::test]
async fn memory_stays_what_it_is() {
    let world = World { position: 0, there: BTreeMap::new(), complete_states: 0, calls: 0 };
    let world = Arc::new(Mutex::new(world));
    let (go_on, limit) = channel::channel(SHORT);
    let server = Server { world: world.clone(), limit };
    let client = Client::with_transport(Arc::new(server), "default").build().unwrap();
    let mut informer = Informer::new(client.all::<ConfigMap>());
    let by_length = informer.index(|config: &ConfigMap| config.data.get("text").map(|text| text.len() % 10));
    let mut config = watch::Config::default();
    (config.backoff.first, config.backoff.cap, config.healthy_after) =
        (Duration::from_nanos(1), Duration::from_nanos(1), Duration::ZERO);
    informer.config(config);
    let cache = informer.start();
    let mut told = cache.subscribe();
    // One that hears nothing until the end.
    let asleep = cache.subscribe().capacity(10);
    let reading = tokio::spawn(async move {
        let mut events = 0_usize;
        while told.next().await.is_some() {
            events += 1;
        }
        events
    });

    is_at(&cache, SHORT).await;
    let (short, objects) = (held(), cache.snapshot().len());
    go_on.send_replace(LONG);
    is_at(&cache, LONG).await;
    let long = held();

    let complete_states = world.lock().unwrap().complete_states;
    let found: usize = (0..10).map(|key| cache.snapshot().by(&by_length, &key).count()).sum();
    assert_eq!((cache.snapshot().len(), found), (objects, objects));
    drop(asleep);
    cache.stop().await;
    let events = reading.await.unwrap();
    println!("{objects} objects; heap after {SHORT} changes {short} bytes, after {LONG} {long}");
    println!("{complete_states} complete states, {events} events told");
    assert!(complete_states > 10 && events > 100_000);
    // A word kept of every change would be six times as much.
    let allowed = short / 10;
    assert!(long <= short + allowed, "{long} bytes are held after a long churn, {short} after a short one");
}
