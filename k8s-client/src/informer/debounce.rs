//! When a callback is due that stands for many changes.

use std::time::{Duration, Instant};

/// How changes are gathered into one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Debounce {
    /// The call comes when nothing has changed for so long.
    pub quiet: Duration,
    /// It comes so long after the first change at the latest, however many follow.
    pub max_wait: Duration,
    /// Whether the first change after a quiet time is told at once, and only what follows is gathered.
    pub leading: bool,
    /// Whether calls come before the first complete state. A complete state replaces everything at once, so there is something to
    /// tell only where several namespaces are followed: those that are there already.
    pub during_sync: bool,
}

impl Default for Debounce {
    /// After 500 ms of quiet, and after 5 s at the latest.
    fn default() -> Self {
        Debounce {
            quiet: Duration::from_millis(500),
            max_wait: Duration::from_secs(5),
            leading: false,
            during_sync: false,
        }
    }
}

/// The gathering itself: told what happens and when, it says when to call.
#[derive(Debug)]
pub(crate) struct Timing {
    debounce: Debounce,
    /// When the first change came that was not told, and when the call is due.
    pending: Option<(Instant, Instant)>,
    /// Until then a change is no first one.
    busy_until: Option<Instant>,
}

impl Timing {
    pub(crate) fn new(debounce: Debounce) -> Self {
        Timing { debounce, pending: None, busy_until: None }
    }

    /// Something has changed.
    pub(crate) fn changed(&mut self, now: Instant) {
        let Debounce { quiet, max_wait, leading, .. } = self.debounce;
        let far = |wait| now.checked_add(wait).unwrap_or(now);
        let first = match self.pending {
            Some((first, _)) => first,
            None if leading && self.busy_until.is_none_or(|until| now >= until) => {
                self.pending = Some((now, now));
                return;
            }
            None => now,
        };
        let latest = first.checked_add(max_wait).unwrap_or(first);
        // What is due already stays so.
        let due = match self.pending {
            Some((_, due)) if due <= now => due,
            _ => far(quiet).min(latest),
        };
        self.pending = Some((first, due));
    }

    /// Something has to be told at once.
    pub(crate) fn urgent(&mut self, now: Instant) {
        let first = self.pending.map_or(now, |(first, _)| first);
        self.pending = Some((first, now));
    }

    /// When the call is due, if there is something to tell.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.pending.map(|(_, due)| due)
    }

    /// The call is made.
    pub(crate) fn called(&mut self, now: Instant) {
        self.pending = None;
        self.busy_until = now.checked_add(self.debounce.quiet);
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::{Debounce, Timing};

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// When calls are made, if changes come then; all in milliseconds.
    fn calls(debounce: Debounce, changes: &[u64]) -> Vec<u64> {
        let start = Instant::now();
        let mut timing = Timing::new(debounce);
        let mut calls = Vec::new();
        let mut call = |timing: &mut Timing, until: Option<Instant>| {
            while let Some(due) = timing.deadline().filter(|due| until.is_none_or(|until| *due < until)) {
                calls.push((due - start).as_millis() as u64);
                timing.called(due);
            }
        };
        for change in changes {
            call(&mut timing, Some(start + ms(*change)));
            timing.changed(start + ms(*change));
        }
        call(&mut timing, None);
        calls
    }

    fn debounce(leading: bool) -> Debounce {
        Debounce { quiet: ms(500), max_wait: ms(1200), leading, during_sync: false }
    }

    #[test]
    fn a_call_comes_after_the_quiet() {
        assert_eq!(calls(debounce(false), &[0, 300, 600, 2000]), [1100, 2500]);
    }

    #[test]
    fn a_call_never_waits_longer_than_it_may() {
        assert_eq!(calls(debounce(false), &[0, 400, 800, 1200, 1600]), [1200, 2100]);
    }

    #[test]
    fn the_first_change_may_be_told_at_once() {
        assert_eq!(calls(debounce(true), &[0, 300, 600, 2000]), [0, 1100, 2000]);
        // The quiet begins anew with the call after it.
        assert_eq!(calls(debounce(true), &[0, 100, 900]), [0, 600, 1400]);
    }

    #[test]
    fn what_is_urgent_is_told_at_once() {
        let now = Instant::now();
        let mut timing = Timing::new(debounce(false));
        timing.changed(now);
        timing.urgent(now + ms(1));
        timing.changed(now + ms(2));
        assert_eq!(timing.deadline(), Some(now + ms(1)));
        timing.called(now + ms(2));
        assert_eq!(timing.deadline(), None);
    }

    proptest! {
        #[test]
        fn every_change_is_told_in_time_and_calls_are_apart(
            leading: bool,
            gaps in proptest::collection::vec(0..900_u64, 1..40),
        ) {
            let changes: Vec<u64> = gaps.iter().scan(0, |at, gap| { *at += gap; Some(*at) }).collect();
            let calls = calls(debounce(leading), &changes);
            for change in &changes {
                let told = calls.iter().find(|call| *call >= change);
                prop_assert!(told.is_some_and(|call| call - change <= 1200), "{change}: {calls:?}");
            }
            prop_assert!(calls.windows(2).all(|pair| leading || pair[1] - pair[0] >= 500), "{calls:?}");
            prop_assert!(calls.len() <= changes.len());
        }
    }
}
