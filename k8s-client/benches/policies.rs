//! What the policies cost a call, over a transport that answers at once. `cargo bench -p k8s-client --bench policies`

mod cpu;

use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use k8s_api::core::v1::pods;
use k8s_api::request::Request as _;
use k8s_api::transport::{Call, Reply, ReplyBody, Sending, Transport};
use k8s_client::config::Rate;
use k8s_client::middleware::{Breaker, Observer, Warnings};
use k8s_client::{Client, ClientBuilder};

struct AtOnce;

impl Transport for AtOnce {
    fn send(&self, _: Call) -> Sending {
        let (head, ()) = http::Response::new(()).into_parts();
        Box::pin(async { Ok(Reply::new(head, ReplyBody::Whole(Bytes::from_static(b"{}")))) })
    }
}

struct Deaf;

impl Observer for Deaf {}

const CALLS: u32 = 20_000;
const ROUNDS: usize = 9;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let bare: Arc<dyn Transport> = Arc::new(AtOnce);
    let rate = Rate::new(1e9, 1_000_000).unwrap();
    type Set = fn(ClientBuilder, Rate) -> ClientBuilder;
    let settings: [(&str, Set); 9] = [
        ("as it is", |it, _| it),
        ("warnings ignored", |it, _| it.warnings(Warnings::ignore())),
        ("creates unconfirmed", |it, _| it.unconfirmed_creates()),
        ("rate", |it, rate| it.rate(rate)),
        ("concurrency", |it, _| it.concurrency(64)),
        ("breaker", |it, _| it.breaker(Breaker::default())),
        ("request ids", |it, _| it.request_ids()),
        ("new traces", |it, _| it.new_traces()),
        ("observer", |it, _| it.observer(Deaf)),
    ];
    let clients: Vec<_> = settings
        .iter()
        .map(|(name, set)| (*name, set(Client::with_transport(bare.clone(), "web"), rate).build().unwrap()))
        .collect();
    let call = || pods::get("web", "api-0").call().unwrap();

    // They take turns, since the machine may be busy with others.
    let mut costs: Vec<Vec<f64>> = vec![Vec::new(); clients.len() + 1];
    for _ in 0..ROUNDS {
        let (without, with) = costs.split_at_mut(1);
        without[0].push(round(&runtime, || {
            let sending = bare.send(call());
            async move { drop(black_box(sending.await.unwrap())) }
        }));
        for ((_, client), costs) in clients.iter().zip(with) {
            costs.push(round(&runtime, || {
                let call = call();
                async move { drop(black_box(client.bytes(call).await.unwrap())) }
            }));
        }
    }
    let median = |costs: &mut Vec<f64>| {
        costs.sort_by(f64::total_cmp);
        costs[costs.len() / 2]
    };
    let bare = median(&mut costs[0]);
    println!("{:<22} {bare:>7.0} ns a call", "no policy at all");
    for ((name, _), costs) in clients.iter().zip(&mut costs[1..]) {
        println!("{name:<22} {:>7.0} ns more", median(costs) - bare);
    }
}

fn round<F: Future<Output = ()>>(runtime: &tokio::runtime::Runtime, call: impl Fn() -> F) -> f64 {
    runtime.block_on(async {
        let before = cpu::nanoseconds();
        for _ in 0..CALLS {
            call().await;
        }
        (cpu::nanoseconds() - before) / f64::from(CALLS)
    })
}
