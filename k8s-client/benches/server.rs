//! What the server in memory costs, on one thread of CPU, client and all. `cargo xtask bench server`

mod cpu;

use std::alloc::System;
use std::time::Instant;

use futures_util::{FutureExt as _, StreamExt as _};
use k8s_api::core::v1::ConfigMap;
use k8s_client::Client;
use k8s_client::api::Api;
use k8s_client::testing::Server;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const ROUNDS: usize = 5;
const STARTS: usize = 51;
const OBJECTS: usize = 10_000;
const WATCHERS: usize = 1_000;
const CHANGES: usize = 20;
/// How often one object is read through each face.
const READS: usize = 1_000;

fn config(number: usize) -> ConfigMap {
    let mut config = ConfigMap::default();
    config.metadata.name = format!("config-{number}").as_str().into();
    config.metadata.labels.insert("app".into(), "bench".into());
    config.data.insert("key".into(), "v".repeat(200).as_str().into());
    config
}

/// Bytes that are in use.
fn heap() -> f64 {
    let stats = HEAP.stats();
    stats.bytes_allocated as f64 - stats.bytes_deallocated as f64
}

/// The median with the least and the most.
struct Figures(Vec<f64>);

impl Figures {
    fn new() -> Figures {
        Figures(Vec::new())
    }

    fn line(&mut self, what: &str, unit: &str) -> f64 {
        self.0.sort_by(f64::total_cmp);
        let (least, most) = (self.0[0], self.0[self.0.len() - 1]);
        let median = self.0[self.0.len() / 2];
        println!("{what:<46} {median:>9.2} {unit} ({least:.2} to {most:.2})");
        median
    }
}

fn configs(client: &Client) -> Api<ConfigMap> {
    client.namespaced::<ConfigMap>("default")
}

async fn fill(server: &Server) {
    let configs = configs(&server.client());
    for number in 0..OBJECTS {
        configs.create(&config(number)).await.unwrap();
        // The record of requests is the test's own.
        drop(server.take_requests());
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    starts().await;
    memory().await;
    let [mut create, mut list, mut fan] = [Figures::new(), Figures::new(), Figures::new()];
    for _ in 0..ROUNDS {
        let server = Server::new();
        let began = cpu::nanoseconds();
        fill(&server).await;
        create.0.push((cpu::nanoseconds() - began) / 1e3 / OBJECTS as f64);

        let began = cpu::nanoseconds();
        let all = configs(&server.client()).list().await.unwrap();
        list.0.push((cpu::nanoseconds() - began) / 1e3 / all.items.len() as f64);
        fan.0.push(fan_out(&server, &all.metadata.resource_version).await);
    }
    let each = create.line("create", "us");
    println!("{:<46} {:>9.0} a second", "that is", 1e6 / each);
    list.line("list, decoded, an object", "us");
    fan.line(&format!("an event to {WATCHERS} watches, each"), "us");
    faces().await;
}

/// Until the first answer, in real time and in CPU time.
async fn starts() {
    let [mut real, mut spent, mut tls] = [Figures::new(), Figures::new(), Figures::new()];
    for _ in 0..STARTS {
        let (began, at) = (cpu::nanoseconds(), Instant::now());
        let server = Server::new();
        assert!(configs(&server.client()).list().await.unwrap().items.is_empty());
        spent.0.push((cpu::nanoseconds() - began) / 1e6);
        real.0.push(at.elapsed().as_secs_f64() * 1e3);
        let began = cpu::nanoseconds();
        drop(server.listen_tls(([127, 0, 0, 1], 0).into()).await.unwrap());
        tls.0.push((cpu::nanoseconds() - began) / 1e6);
    }
    real.line("start to first answer, in real time", "ms");
    spent.line("start to first answer", "ms");
    tls.line("its HTTPS listener, certificates and all", "ms");
}

async fn memory() {
    for (what, history) in [("memory, an object of 0.5 KB", 1), ("the same with its history", 100_000)] {
        let server = Server::builder().history(history).build();
        let before = heap();
        fill(&server).await;
        println!("{what:<46} {:>9.0} bytes", (heap() - before) / OBJECTS as f64);
    }
}

/// Microseconds for an event and a watch.
async fn fan_out(server: &Server, version: &str) -> f64 {
    let configs = configs(&server.client());
    let mut watches: Vec<_> = (0..WATCHERS).map(|_| configs.watch().version(version).frames()).collect();
    for watch in &mut watches {
        // Asked, and nothing there yet.
        assert!(watch.next().now_or_never().is_none());
    }
    let began = cpu::nanoseconds();
    for number in 0..CHANGES {
        configs.create(&config(OBJECTS + number)).await.unwrap();
    }
    for watch in &mut watches {
        for _ in 0..CHANGES {
            watch.next().await.unwrap().unwrap();
        }
    }
    (cpu::nanoseconds() - began) / 1e3 / (WATCHERS * CHANGES) as f64
}

/// One object, read through each face; they take turns. Both ends are on this thread.
async fn faces() {
    let server = Server::new();
    configs(&server.client()).create(&config(0)).await.unwrap();
    let (plain, secure) = (
        server.listen(([127, 0, 0, 1], 0).into()).await.unwrap(),
        server.listen_tls(([127, 0, 0, 1], 0).into()).await.unwrap(),
    );
    let reach = |config: k8s_client::Result<k8s_client::Config>| config.and_then(Client::new).unwrap();
    let faces = [
        ("get, in-process", server.client()),
        ("get, HTTP", reach(plain.config())),
        ("get, HTTPS", reach(secure.config())),
    ];
    let mut figures = [Figures::new(), Figures::new(), Figures::new()];
    for _ in 0..ROUNDS {
        for ((_, client), figures) in faces.iter().zip(&mut figures) {
            let configs = configs(client);
            configs.get("config-0").await.unwrap();
            let began = cpu::nanoseconds();
            for _ in 0..READS {
                configs.get("config-0").await.unwrap();
            }
            figures.0.push((cpu::nanoseconds() - began) / 1e3 / READS as f64);
            drop(server.take_requests());
        }
    }
    for ((what, _), figures) in faces.iter().zip(&mut figures) {
        figures.line(what, "us");
    }
}
