//! How long to wait after a failure.

use std::time::Duration;

/// The shortest delay, whatever is configured: a cycle without progress never spins.
const LEAST: Duration = Duration::from_millis(10);

/// Delays that double, with jitter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// The first delay.
    pub first: Duration,
    /// The longest delay.
    pub cap: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_millis(500), cap: Duration::from_secs(30) }
    }
}

impl Backoff {
    /// The delay after so many failures before this one: at least half of it is certain.
    pub(super) fn delay(&self, failures: u32, random: &mut Random) -> Duration {
        let doubled = self.first.saturating_mul(1_u32.checked_shl(failures).unwrap_or(u32::MAX));
        let half = doubled.min(self.cap) / 2;
        (half + random.below(half)).max(LEAST)
    }
}

/// SplitMix64: enough to spread clients, and a seed repeats it.
#[derive(Clone, Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A part of `whole`, in steps of a thousandth.
    pub(crate) fn below(&mut self, whole: Duration) -> Duration {
        let thousandths = u32::try_from(self.next() % 1000).unwrap_or_default();
        (whole / 1000).saturating_mul(thousandths)
    }
}

#[cfg(test)]
mod tests {
    use super::{Backoff, LEAST, Random};
    use std::time::Duration;

    #[test]
    fn delays_double_up_to_the_cap_and_spread() {
        let backoff = Backoff { first: Duration::from_millis(100), cap: Duration::from_secs(1) };
        let mut random = Random(7);
        for (failures, full) in [(0, 100), (1, 200), (2, 400), (4, 1000), (31, 1000), (32, 1000), (999, 1000)]
        {
            let delays: Vec<_> = (0..100).map(|_| backoff.delay(failures, &mut random).as_millis()).collect();
            assert!(delays.iter().all(|delay| (full / 2..=full).contains(delay)), "{failures}: {delays:?}");
            assert!(delays.iter().any(|delay| *delay != delays[0]));
        }
    }

    #[test]
    fn no_configuration_spins_or_overflows() {
        let none = Backoff { first: Duration::ZERO, cap: Duration::ZERO };
        assert_eq!(none.delay(0, &mut Random(0)), LEAST);
        let endless = Backoff { first: Duration::MAX, cap: Duration::MAX };
        assert!(endless.delay(40, &mut Random(0)) > Duration::from_secs(1));
    }
}
