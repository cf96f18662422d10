//! Retries are for failures that are few. When nearly every call fails, they only add to the load.

use std::sync::atomic::{AtomicU32, Ordering};

/// How many retries may go out without any success, over all calls of a client.
const FULL: u32 = 100;
/// What a retry costs. A success gives back one: in the long run one call in ten is repeated.
const COST: u32 = 10;

/// One for all calls of a client.
#[derive(Debug)]
pub(crate) struct Budget(AtomicU32);

impl Budget {
    pub(crate) fn new() -> Budget {
        Budget(AtomicU32::new(FULL * COST))
    }

    /// Takes the cost of a retry, if it is there.
    pub(crate) fn take(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(COST)).is_ok()
    }

    /// Gives back what a success is worth.
    pub(crate) fn succeeded(&self) {
        let more = |left: u32| (left < FULL * COST).then_some(left + 1);
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }
}

#[cfg(test)]
mod tests {
    use super::{Budget, COST, FULL};

    #[test]
    fn an_outage_is_met_with_few_retries_and_successes_fill_it_again() {
        let budget = Budget::new();
        assert_eq!((0..10_000).filter(|_| budget.take()).count(), FULL as usize);
        (0..COST).for_each(|_| budget.succeeded());
        assert!(budget.take());
        assert!(!budget.take());
        (0..10_000).for_each(|_| budget.succeeded());
        assert_eq!((0..10_000).filter(|_| budget.take()).count(), FULL as usize, "never more than full");
    }
}
