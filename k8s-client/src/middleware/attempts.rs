//! How often something was sent for one call, told from the retry to the policies above it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use k8s_api::transport::Call;

/// Goes along with a call; its replays share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Attempts(Arc<AtomicU32>);

impl Attempts {
    /// Counts what is sent for this call from now on.
    pub(super) fn of(call: &mut Call) -> Attempts {
        call.head.extensions.get_or_insert_default::<Attempts>().clone()
    }

    /// One more, if somebody counts.
    pub(super) fn count(call: &Call) {
        if let Some(attempts) = call.head.extensions.get::<Attempts>() {
            attempts.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}
