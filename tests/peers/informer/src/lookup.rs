//! Reads from a filled store.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::system::thread_cpu;
use crate::{How, Informer, Last, Reader, allocations};

/// Long enough for a clock and short enough for patience.
const ENOUGH: f64 = 0.3;

pub(crate) async fn lookup<I: Informer>(informer: &I, how: &How, repeat: usize) -> Value {
    // What a client does on the side after the start would be in the figures.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let reader = informer.reader();
    let (mut keys, mut uids) = (reader.keys(), reader.uids());
    shuffle(&mut keys);
    shuffle(&mut uids);
    let few = &uids[..uids.len().min(100)];
    let mut figures = Map::new();
    let mut say = |name: &str, value: f64| figures.insert(name.to_owned(), value.into());
    say("pods", keys.len() as f64);
    say("get_ns", each(keys.len(), || reader.get(&keys)));
    say("get_owned_ns", each(keys.len(), || reader.get_owned(&keys)));
    // Where there is no index, all of them would take minutes.
    let probe = each_once(few.len(), || reader.by_uid(few));
    let wanted = if probe * uids.len() as f64 / 1e9 > 1.0 { few } else { &uids };
    say("index_ns", each(wanted.len(), || reader.by_uid(wanted)));
    let before = allocations();
    reader.by_uid(few);
    say("index_allocations", (allocations() - before) / few.len() as f64);
    let mut lengths = 0;
    say(
        "visit_us",
        each(1, || {
            lengths = black_box(reader.visit());
            1
        }) / 1e3,
    );
    assert!(lengths > keys.len(), "names have lengths");
    say("snapshot_ns", each(1000, || (0..1000).map(|_| reader.snapshot()).filter(|pods| *pods > 0).count()));

    let few = keys[..keys.len().min(1000)].to_vec();
    let borrowed = {
        let few = few.clone();
        beside(informer, how, repeat, move |reader| {
            reader.get(&few);
            few.len()
        })
        .await
    };
    say("writer_get_ns", borrowed.0);
    say("writer_visit_us", borrowed.1 / 1e3);
    let owned = beside(informer, how, repeat, move |reader| {
        reader.get_owned(&few);
        few.len()
    })
    .await;
    say("writer_get_owned_ns", owned.0);
    Value::Object(figures)
}

/// Nanoseconds of CPU of one thing in one thread, and of a visit in another one, while events are applied.
async fn beside<I: Informer>(
    informer: &I,
    how: &How,
    repeat: usize,
    work: impl Fn(&I::Reader) -> usize + Send + 'static,
) -> (f64, f64) {
    let last = Last::of(how, repeat).await;
    informer.expect(&last);
    let stop = Arc::new(AtomicBool::new(false));
    let working = until(&stop, informer.reader(), work);
    let visiting = until(&stop, informer.reader(), |reader| {
        black_box(reader.visit());
        1
    });
    last.begin(how).await;
    informer.told().await;
    stop.store(true, Ordering::Relaxed);
    let joined = |thread: JoinHandle<f64>| thread.join().expect("a reader");
    (joined(working), joined(visiting))
}

/// What each thing costs in a thread of its own, which goes on until it is stopped.
fn until<R: Reader>(
    stop: &Arc<AtomicBool>,
    reader: R,
    work: impl Fn(&R) -> usize + Send + 'static,
) -> JoinHandle<f64> {
    let stop = stop.clone();
    std::thread::spawn(move || {
        let (before, mut count) = (thread_cpu(), 0);
        while !stop.load(Ordering::Relaxed) {
            count += work(&reader);
        }
        (thread_cpu() - before) * 1e9 / count as f64
    })
}

/// Nanoseconds of CPU of each of so many things, which have to be found every time.
fn each(count: usize, mut work: impl FnMut() -> usize) -> f64 {
    let (before, mut rounds) = (thread_cpu(), 0);
    loop {
        assert_eq!(black_box(work()), count, "something was not found");
        rounds += 1;
        let used = thread_cpu() - before;
        if used > ENOUGH && rounds >= 3 {
            return used * 1e9 / (rounds * count) as f64;
        }
    }
}

fn each_once(count: usize, work: impl FnOnce() -> usize) -> f64 {
    let before = thread_cpu();
    assert_eq!(black_box(work()), count, "something was not found");
    (thread_cpu() - before) * 1e9 / count as f64
}

/// The same disorder in every client.
fn shuffle<T>(values: &mut [T]) {
    let mut chance = 0x9e37_79b9_7f4a_7c15_u64;
    for at in (1..values.len()).rev() {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        values.swap(at, (chance % (at as u64 + 1)) as usize);
    }
}
