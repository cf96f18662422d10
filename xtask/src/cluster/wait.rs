//! Waiting for a condition, never for a time.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// When to give up on something that is normally true within seconds, so that a broken machine says so.
const GIVE_UP: Duration = Duration::from_secs(300);

/// Asks until `condition` gives a value; it says what it saw where it has none.
///
/// An `Err` from the condition ends the wait at once: use it for what can't get better.
pub fn until<T>(what: &str, mut condition: impl FnMut() -> Result<Result<T, String>>) -> Result<T> {
    let started = Instant::now();
    let mut said = 0;
    loop {
        let seen = match condition()? {
            Ok(value) => return Ok(value),
            Err(seen) => seen,
        };
        let waited = started.elapsed();
        if waited > GIVE_UP {
            bail!("gave up waiting until {what}: {seen}");
        }
        if waited.as_secs() / 20 > said {
            said = waited.as_secs() / 20;
            eprintln!("still waiting until {what}: {seen}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
