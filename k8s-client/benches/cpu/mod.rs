//! This thread's own time: what else the machine does meanwhile does not count.

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds of CPU so far.
pub(crate) fn nanoseconds() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 * 1e9 + now.tv_nsec as f64
}
