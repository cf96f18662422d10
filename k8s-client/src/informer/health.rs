//! How several watches do, as one.

use super::hub::Status;
use crate::watch::{Failure, Health};

impl Status {
    pub(super) fn is_synced(&self) -> bool {
        self.parts.iter().all(|part| part.health.synced)
    }

    /// For each question the answer of the watch that is worst off.
    pub(super) fn health(&self) -> Health {
        let mut parts = self.parts.iter().map(|part| &part.health);
        let mut all = parts.next().cloned().unwrap_or_default();
        for health in parts {
            all.synced &= health.synced;
            all.failure = all.failure.or_else(|| health.failure.clone());
            all.failures = all.failures.max(health.failures);
            all.quarantined += health.quarantined;
            // None is before everything.
            all.alive_at = all.alive_at.min(health.alive_at);
            all.event_at = all.event_at.min(health.event_at);
            all.bookmark_at = all.bookmark_at.min(health.bookmark_at);
            all.current_at = all.current_at.min(health.current_at);
        }
        if let Some(why) = self.ended {
            all.failure = Some(Failure {
                message: format!("nothing is followed any more: {why}"),
                ..Failure::default()
            });
        }
        all
    }
}
