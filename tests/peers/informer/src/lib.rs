//! What following ten thousand pods costs, the same for every client:
//! `PROGRAM URL follow|lookup list|stream json|pruned REPEAT` prints one line of JSON. The server is `replay`.
//!
//! - `follow` fills a store, and then takes the captured events so many times. An event counts once it is in the store and
//!   a subscriber was told of it.
//! - `lookup` reads from a filled store, alone and while events are applied.
//!
//! A program may come twice: one has the allocator that its users get, the other one counts, which costs time of its own.

mod go;
mod lookup;
mod system;

use std::time::{Duration, Instant};

use serde_json::json;
use stats_alloc::INSTRUMENTED_SYSTEM;
use system::{Memory, cpu};

pub use go::Last;

/// What a client is asked for.
#[derive(Clone, Debug)]
pub struct How {
    /// Where the server is.
    pub url: String,
    /// Whether the state comes as the beginning of a watch.
    pub stream: bool,
    /// Whether managedFields are left out.
    pub pruned: bool,
}

/// A client's store that follows the server, and a subscriber to it.
pub trait Informer: Sized + Send + 'static {
    /// Reads what the store holds.
    type Reader: Reader;

    /// What it is started with, which does not count.
    type Client: Send;

    /// Makes a client.
    fn client(how: &How) -> Self::Client;

    /// Returns when the store is complete.
    fn start(client: Self::Client, how: &How) -> impl Future<Output = Self> + Send;

    /// Tells what the last event will be, before any comes.
    fn expect(&self, last: &Last);

    /// Returns when that is in the store and the subscriber was told: how often it was told something, if it counts.
    fn told(&self) -> impl Future<Output = Option<usize>> + Send;

    /// Whoever reads.
    fn reader(&self) -> Self::Reader;
}

/// Reads a store. Every method does its work as often as it is told, and says how many objects it has found.
pub trait Reader: Clone + Send + 'static {
    /// What an object is looked up by, made before.
    type Key: Clone + Send + 'static;

    /// All keys, in some order that is always the same.
    fn keys(&self) -> Vec<Self::Key>;

    /// All uids.
    fn uids(&self) -> Vec<String>;

    /// Looks keys up in the way that costs least.
    fn get(&self, keys: &[Self::Key]) -> usize;

    /// Looks keys up so that the object can be kept for any time.
    fn get_owned(&self, keys: &[Self::Key]) -> usize;

    /// Looks up one object for each uid, through an index if there is such a thing.
    fn by_uid(&self, uids: &[String]) -> usize;

    /// Looks at the name of every object of one moment, and adds up their lengths.
    fn visit(&self) -> usize;

    /// Takes a state that does not change any more, and lets it go.
    fn snapshot(&self) -> usize;
}

/// Does what the command line says.
pub fn main<I: Informer>() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [url, mode, strategy, format, repeat] = words[..] else {
        panic!("usage: PROGRAM URL follow|lookup list|stream json|pruned REPEAT");
    };
    let how = How { url: url.to_owned(), stream: strategy == "stream", pruned: format == "pruned" };
    let repeat = repeat.parse().expect("how often the events are replayed");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let figures = runtime.block_on(async {
        match mode {
            "follow" => follow::<I>(how, repeat).await,
            "lookup" => lookup::lookup(&start::<I>(&how).await, &how, repeat).await,
            other => panic!("there is no mode {other:?}: follow or lookup"),
        }
    });
    println!("{figures}");
    // At once: while a runtime ends, its tasks see each other's connections break.
    std::process::exit(0);
}

async fn start<I: Informer>(how: &How) -> I {
    I::start(I::client(how), how).await
}

/// Bytes that are allocated, where they are counted.
fn heap() -> f64 {
    let seen = INSTRUMENTED_SYSTEM.stats();
    seen.bytes_allocated as f64 - seen.bytes_deallocated as f64
}

fn allocations() -> f64 {
    let seen = INSTRUMENTED_SYSTEM.stats();
    (seen.allocations + seen.reallocations) as f64
}

/// Until what a synced client does on the side has ended.
const QUIET: Duration = Duration::from_secs(1);

async fn follow<I: Informer>(how: How, repeat: usize) -> serde_json::Value {
    let client = I::client(&how);
    let (heap_before, allocations_before) = (heap(), allocations());
    let (began, used) = (Instant::now(), cpu());
    let informer = I::start(client, &how).await;
    let (wall, used) = (began.elapsed().as_secs_f64(), cpu() - used);
    let synced_allocations = allocations() - allocations_before;
    let reader = informer.reader();
    let pods = reader.keys().len() as f64;
    tokio::time::sleep(QUIET).await;
    let (synced, synced_heap) = (Memory::now(), heap() - heap_before);

    let last = Last::of(&how, repeat).await;
    informer.expect(&last);
    let allocations_before = allocations();
    let (began, used_before) = (Instant::now(), cpu());
    last.begin(&how).await;
    let told = informer.told().await;
    let (event_wall, event_used) = (began.elapsed().as_secs_f64(), cpu() - used_before);
    let event_allocations = allocations() - allocations_before;
    let after = Memory::now();
    let events = last.events as f64;
    json!({
        "pods": pods,
        "sync_wall_ms": wall * 1e3,
        "sync_cpu_us": used * 1e6 / pods,
        "sync_peak_mib": synced.peak,
        "sync_rss_mib": synced.resident,
        "sync_heap_bytes": synced_heap / pods,
        "sync_allocations": synced_allocations / pods,
        "events": events,
        "told": told,
        "events_per_second": events / event_wall,
        "event_cpu_us": event_used * 1e6 / events,
        "event_allocations": event_allocations / events,
        "after_peak_mib": after.peak,
        "after_rss_mib": after.resident,
        "after_heap_mib": (heap() - heap_before) / f64::from(1 << 20),
    })
}
