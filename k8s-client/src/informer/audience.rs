//! Those who are told what happens to a store.

use crate::informer::queue::Item;
use crate::watch::Held;

/// What happened to the store.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) item: Item<Held>,
    /// Of an object that is applied: whether it was not there just before.
    pub(super) created: bool,
}

impl Step {
    pub(super) fn applied(object: Held, created: bool) -> Step {
        Step { item: Item::Applied(object), created }
    }

    pub(super) fn told(item: Item<Held>) -> Step {
        Step { item, created: false }
    }
}

/// Somebody who is told. It is called while the store is held still, so it only takes notes.
pub(super) trait Audience: Send + Sync {
    /// What happened one after the other; `complete` if it is what was different in a complete state.
    fn tell(&self, steps: &[Step], complete: bool);
    /// There is no more to come. What was told is still heard.
    fn close(&self);
    /// Nobody listens any more.
    fn leave(&self);
    /// How far behind it is.
    fn behind(&self) -> Behind;
}

/// How a subscriber keeps up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Behind {
    /// How much it has not heard yet.
    pub pending: usize,
    /// How many states it was never told, since later ones of the same object came before it listened.
    pub coalesced: u64,
    /// How often its handler panicked.
    pub panics: u64,
}
