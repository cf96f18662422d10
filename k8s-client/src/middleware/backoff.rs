//! How long to wait before each further attempt.

use std::time::Duration;

use backoff::backoff::Backoff as _;
use backoff::{ExponentialBackoff, SystemClock};

use super::preset::Preset;

/// The waits of one call.
///
/// The crate gives the growing interval. Chance and the end are ours, because its own can't be injected.
pub(crate) struct Waits {
    /// `None` before the first wait: most calls have none.
    growing: Option<ExponentialBackoff>,
    preset: Preset,
}

impl Waits {
    pub(crate) fn new(preset: &Preset) -> Waits {
        Waits { growing: None, preset: *preset }
    }

    /// The next wait. `chance` from 0 to 1 places it around the interval; a server's wish is never undercut, only
    /// spread to later times.
    pub(crate) fn next(&mut self, wish: Option<Duration>, chance: f64) -> Duration {
        let Preset { cap, jitter, .. } = self.preset;
        let growing = self.growing.get_or_insert_with(|| growing(&self.preset));
        let interval = growing.next_backoff().unwrap_or(cap);
        let ours = times(interval, 1.0 + jitter * (2.0 * chance - 1.0));
        match wish {
            None => ours,
            Some(wish) => ours.max(wish.saturating_add(times(interval, jitter * chance))),
        }
    }
}

fn growing(preset: &Preset) -> ExponentialBackoff {
    ExponentialBackoff {
        current_interval: preset.first,
        initial_interval: preset.first,
        randomization_factor: 0.0,
        multiplier: preset.factor,
        max_interval: preset.cap,
        max_elapsed_time: None,
        start_time: std::time::Instant::now(),
        clock: SystemClock::default(),
    }
}

/// `Duration::mul_f64` panics on what a preset of somebody's own may hold.
fn times(duration: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(duration.as_secs_f64() * factor).unwrap_or(duration)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Preset, Waits};

    fn waits(preset: &Preset, chance: f64, count: usize) -> Vec<u128> {
        let mut waits = Waits::new(preset);
        (0..count).map(|_| waits.next(None, chance).as_millis()).collect()
    }

    #[test]
    fn they_grow_to_the_cap() {
        assert_eq!(
            waits(&Preset::DEFAULT, 0.5, 10),
            [100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000]
        );
        assert_eq!(waits(&Preset::AGGRESSIVE, 0.5, 4), [50, 75, 112, 168]);
        assert_eq!(waits(&Preset::CONSERVATIVE, 0.5, 6), [200, 400, 800, 1600, 3200, 5000]);
    }

    #[test]
    fn chance_moves_them_by_the_jitter() {
        assert_eq!(waits(&Preset::DEFAULT, 0.0, 2), [90, 180]);
        assert_eq!(waits(&Preset::DEFAULT, 1.0, 2), [110, 220]);
    }

    #[test]
    fn no_preset_makes_it_panic() {
        let numbers = [f64::NAN, f64::INFINITY, -3.0, 0.0, 1e300];
        for (factor, jitter) in numbers.iter().flat_map(|a| numbers.iter().map(move |b| (*a, *b))) {
            for cap in [Duration::ZERO, Duration::MAX] {
                let preset = Preset { factor, jitter, cap, first: cap, ..Preset::DEFAULT };
                let mut waits = Waits::new(&preset);
                (0..5).for_each(|_| assert!(waits.next(Some(cap), 0.9) >= Duration::ZERO));
            }
        }
    }

    #[test]
    fn the_servers_wish_is_never_undercut() {
        let wish = Some(Duration::from_secs(1));
        for (chance, expected) in [(0.0, 1000), (1.0, 1010)] {
            assert_eq!(
                Waits::new(&Preset::DEFAULT).next(wish, chance).as_millis(),
                expected,
                "chance {chance}"
            );
        }
        // A wish to come back at once doesn't make it faster than it would have been.
        assert_eq!(Waits::new(&Preset::DEFAULT).next(Some(Duration::ZERO), 0.5).as_millis(), 100);
    }
}
