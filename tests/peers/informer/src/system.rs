//! What the system knows of this process.

use rustix::time::{ClockId, clock_gettime};

/// In MiB.
pub(crate) struct Memory {
    pub(crate) resident: f64,
    /// The most that it ever was.
    pub(crate) peak: f64,
}

impl Memory {
    pub(crate) fn now() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").expect("procfs");
        let mib = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a line of the status");
            let number = line.split_whitespace().next().and_then(|number| number.parse::<f64>().ok());
            number.expect("a number") / 1024.0
        };
        Self { resident: mib("VmRSS:"), peak: mib("VmHWM:") }
    }
}

/// Seconds of user and system time of the whole process.
pub(crate) fn cpu() -> f64 {
    seconds(ClockId::ProcessCPUTime)
}

/// Those of this thread.
pub(crate) fn thread_cpu() -> f64 {
    seconds(ClockId::ThreadCPUTime)
}

fn seconds(clock: ClockId) -> f64 {
    let now = clock_gettime(clock);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}
