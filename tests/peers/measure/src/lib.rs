//! What a decoder costs, the same for every one: `PROGRAM DECODER FILE` prints one line of JSON.
//!
//! A program comes twice. `time` has the allocator that its users get; `heap` counts, which costs time of its own.

use std::hint::black_box;

use rustix::time::{ClockId, clock_gettime};
use stats_alloc::INSTRUMENTED_SYSTEM;

/// The decoder that was asked for, and the bytes for it.
pub struct Asked {
    /// Its name.
    pub decoder: String,
    /// The file.
    pub bytes: Vec<u8>,
}

impl Asked {
    /// From the command line.
    pub fn read() -> Asked {
        let mut arguments = std::env::args().skip(1);
        let (Some(decoder), Some(file)) = (arguments.next(), arguments.next()) else {
            panic!("usage: PROGRAM DECODER FILE");
        };
        let bytes = std::fs::read(&file).unwrap_or_else(|error| panic!("reading {file}: {error}"));
        Asked { decoder, bytes }
    }

    /// Decodes again and again, and prints what each item costs. `items` counts what was decoded.
    pub fn measure<T: Clone>(&self, decode: impl Fn(&[u8]) -> T, items: impl Fn(&T) -> usize) {
        let before = INSTRUMENTED_SYSTEM.stats();
        let kept = decode(&self.bytes);
        let after = INSTRUMENTED_SYSTEM.stats();
        let count = items(&kept) as f64;
        let heap = (after.bytes_allocated - before.bytes_allocated) as f64
            - (after.bytes_deallocated - before.bytes_deallocated) as f64;
        let allocations = after.allocations - before.allocations + after.reallocations - before.reallocations;
        let clone = median(|| {
            let (clone, cost) = timed(|| kept.clone());
            drop(clone);
            cost
        });
        drop(kept);
        let mut drops = Vec::new();
        let decoded = median(|| {
            let (value, cost) = timed(|| decode(black_box(&self.bytes)));
            drops.push(timed(|| drop(black_box(value))).1);
            cost
        });
        let dropped = middle(drops);
        println!(
            r#"{{"items": {count}, "bytes": {}, "decode_us": {}, "drop_us": {}, "clone_us": {}, "heap_bytes": {}, "allocations": {}}}"#,
            self.bytes.len(),
            decoded * 1e6 / count,
            dropped * 1e6 / count,
            clone * 1e6 / count,
            heap / count,
            allocations as f64 / count,
        );
    }
}

/// Seconds of this thread's own CPU time: what others do meanwhile does not count.
fn cpu() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start = cpu();
    let value = black_box(work());
    (value, cpu() - start)
}

/// A small file until there is something to measure. A large one once: rounds are other processes.
fn median(mut cost: impl FnMut() -> f64) -> f64 {
    let mut costs = Vec::new();
    while costs.is_empty() || (costs.iter().sum::<f64>() < 0.2 && costs.len() < 1000) {
        costs.push(cost());
    }
    middle(costs)
}

fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
