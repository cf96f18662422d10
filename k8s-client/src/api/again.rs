//! Trying the same again, for as long as a call may take in all.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::Preset;
use crate::client::Client;
use crate::middleware::backoff::Waits;
use crate::outside::Outside;

/// The waits between tries, and their end.
pub(super) struct Again {
    waits: Waits,
    deadline: Option<Instant>,
    tries: u32,
    outside: Arc<dyn Outside>,
}

impl Again {
    /// Everything is over after `total`, the time of the calls included.
    pub(super) fn new(client: &Client, preset: &Preset, total: Duration) -> Again {
        let outside = client.outside().clone();
        let deadline = outside.now().checked_add(total);
        Again { waits: Waits::new(preset), deadline, tries: 1, outside }
    }

    /// When each of the calls has to be over.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Which try this is.
    pub(super) fn tries(&self) -> u32 {
        self.tries
    }

    /// Waits, unless the wait would last to the end: then it says no at once.
    pub(super) async fn wait(&mut self, wish: Option<Duration>) -> bool {
        let wait = self.waits.next(wish, self.outside.chance());
        let at = self.outside.now().checked_add(wait);
        let Some(at) = at.filter(|at| self.deadline.is_none_or(|deadline| *at < deadline)) else {
            return false;
        };
        self.outside.wait(at).await;
        self.tries = self.tries.saturating_add(1);
        true
    }
}
