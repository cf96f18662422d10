//! What reading one pod costs, the same for every client: `PROGRAM URL CONCURRENCY` prints one line of JSON.
//!
//! A program may come twice: one has the allocator that its users get, the other one counts, which costs time of its own.

use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};
use stats_alloc::INSTRUMENTED_SYSTEM;

/// Until connections are open and what is made once is made.
const WARM: usize = 200;
const REQUESTS: usize = 20_000;

/// Where every client asks for a pod.
pub const NAMESPACE: &str = "default";
/// The pod that is asked for.
pub const NAME: &str = "p";

/// Asks again and again, from as many tasks as the command line says. `connect` makes what `ask` asks with.
pub fn measure<C, Asked>(
    connect: impl AsyncFnOnce(&str) -> C,
    ask: impl Fn(C) -> Asked + Clone + Send + 'static,
) where
    C: Clone + Send + 'static,
    Asked: Future<Output = ()> + Send + 'static,
{
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(tasks)) = (arguments.next(), arguments.next().and_then(|text| text.parse().ok()))
    else {
        panic!("usage: PROGRAM URL CONCURRENCY");
    };
    let tasks: usize = tasks;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let client = connect(&url).await;
        let all = |requests: usize| {
            let ask = ask.clone();
            let client = client.clone();
            async move {
                let one = || {
                    let (client, ask) = (client.clone(), ask.clone());
                    tokio::spawn(async move {
                        for _ in 0..requests / tasks {
                            ask(client.clone()).await;
                        }
                    })
                };
                let running: Vec<_> = (0..tasks).map(|_| one()).collect();
                for task in running {
                    task.await.expect("a task that ends");
                }
            }
        };
        all(WARM.max(tasks)).await;
        let counted = INSTRUMENTED_SYSTEM.stats();
        let (start, before) = (Instant::now(), cpu());
        all(REQUESTS).await;
        let (used, passed) = (cpu() - before, start.elapsed().as_secs_f64());
        let counted = INSTRUMENTED_SYSTEM.stats() - counted;
        let requests = (REQUESTS / tasks * tasks) as f64;
        println!(
            r#"{{"cpu_us": {}, "per_second": {}, "allocations": {}, "allocated_bytes": {}}}"#,
            used * 1e6 / requests,
            requests / passed,
            (counted.allocations + counted.reallocations) as f64 / requests,
            counted.bytes_allocated as f64 / requests,
        );
    });
}

/// Seconds of user and system time of the whole process.
fn cpu() -> f64 {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}
