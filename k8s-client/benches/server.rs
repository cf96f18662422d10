//! What the server in memory costs, on one thread of CPU. `cargo bench -p k8s-client --features testing --bench server`

mod cpu;

use futures_util::{FutureExt as _, StreamExt as _};
use k8s_api::core::v1::ConfigMap;
use k8s_client::testing::Server;

const OBJECTS: usize = 10_000;
const WATCHERS: usize = 1_000;
const CHANGES: usize = 20;

fn config(number: usize) -> ConfigMap {
    let mut config = ConfigMap::default();
    config.metadata.name = format!("config-{number}").as_str().into();
    config.metadata.labels.insert("app".into(), "bench".into());
    config.data.insert("key".into(), "v".repeat(200).as_str().into());
    config
}

/// Bytes of memory that the process has now.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    status.split(' ').nth(1).and_then(|pages| pages.parse::<f64>().ok()).unwrap_or_default() * 4096.0
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        drop(Server::new());
        let began = cpu::nanoseconds();
        let server = Server::new();
        println!("start: {:.2} ms", (cpu::nanoseconds() - began) / 1e6);

        let configs = server.client().namespaced::<ConfigMap>("default");
        let (began, before) = (cpu::nanoseconds(), resident());
        for number in 0..OBJECTS {
            configs.create(&config(number)).await.unwrap();
            // The record of requests is the test's own.
            drop(server.take_requests());
        }
        let spent = cpu::nanoseconds() - began;
        println!("create, client and all: {:.1} us each", spent / 1e3 / OBJECTS as f64);
        println!(
            "memory: {:.0} bytes an object of 0.5 KB, history and all",
            (resident() - before) / OBJECTS as f64
        );

        let began = cpu::nanoseconds();
        let list = configs.list().await.unwrap();
        println!(
            "list, decoded: {:.1} us an object",
            (cpu::nanoseconds() - began) / 1e3 / list.items.len() as f64
        );

        let version = list.metadata.resource_version;
        let mut watches: Vec<_> = (0..WATCHERS).map(|_| configs.watch().version(&version).frames()).collect();
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
        let spent = cpu::nanoseconds() - began;
        println!(
            "fan-out to {WATCHERS} watches: {:.2} us an event and watch",
            spent / 1e3 / (WATCHERS * CHANGES) as f64
        );
    });
}
