//! Time and chance of a server: both are the same in every run that wants it so.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// The time that objects are stamped with.
///
/// It passes as tokio's does: with its paused clock, the server's time is virtual too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    at_start: SystemTime,
    started: Instant,
}

impl Clock {
    pub(crate) fn starting_at(at_start: SystemTime) -> Clock {
        Clock { at_start, started: Instant::now() }
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.at_start.checked_add(self.started.elapsed()).unwrap_or(self.at_start)
    }

    /// Such as `2026-01-01T00:00:00Z`.
    pub(crate) fn stamp(&self) -> String {
        self.stamp_after(Duration::ZERO)
    }

    pub(crate) fn stamp_after(&self, more: Duration) -> String {
        let passed = self.now().duration_since(UNIX_EPOCH).unwrap_or_default() + more;
        let seconds = i64::try_from(passed.as_secs()).unwrap_or_default();
        k8s_api::time::Time::from_unix(seconds, 0).map(|time| time.to_string()).unwrap_or_default()
    }
}

/// Where uids and generated names come from: splitmix64, whose numbers follow from the seed.
#[derive(Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Chance {
        Chance(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn uid(&mut self) -> String {
        let (high, low) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            (low >> 48) & 0x3fff | 0x8000,
            low & 0xffff_ffff_ffff
        )
    }

    /// The end of a generated name, of the letters that the real server takes: none that spell words.
    pub(crate) fn suffix(&mut self) -> String {
        const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        let letter = |number: u64| {
            let at = usize::try_from(number % LETTERS.len() as u64).unwrap_or_default();
            char::from(LETTERS.get(at).copied().unwrap_or(b'x'))
        };
        (0..5).map(|_| letter(self.next())).collect()
    }
}
