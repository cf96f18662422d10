//! What subscribers are told.

use std::sync::Arc;

use k8s_api::Resource;

use super::feed::Told;
use super::queue::Item;
use crate::watch::{Cause, into_kind};

/// What a subscriber of a [`Cache`](crate::Cache) is told, in this order:
///
/// - every object that is there as `Applied`, then `Synced`;
/// - each change after that, in the server's order for each object. What was deleted and made again is told as both;
/// - after a complete state that was read anew, what is different in it, then `Resynced`.
///
/// A subscriber that is behind misses states in between, and never the latest one: see
/// [`Subscription::capacity`](super::Subscription::capacity).
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<K> {
    /// The object is there, in this state.
    Applied(Arc<K>),
    /// The object is gone. This was its last known state.
    Deleted(Arc<K>),
    /// The object belongs to a [shard](crate::shard) that this cache does not follow any more: it was not deleted, but somebody else
    /// takes care of it. This was its last known state.
    Released(Arc<K>),
    /// All there is was told. It comes once.
    Synced,
    /// A complete state was read anew, and all that is different was told: states in between may be missing.
    Resynced {
        /// Why it was read.
        cause: Cause,
    },
    /// The object as it is, with nothing new: it is told [again](super::Subscription::resync).
    Redelivered(Arc<K>),
}

impl<K> Event<K> {
    /// The object that it is about.
    pub fn object(&self) -> Option<&Arc<K>> {
        match self {
            Event::Applied(object)
            | Event::Deleted(object)
            | Event::Released(object)
            | Event::Redelivered(object) => Some(object),
            Event::Synced | Event::Resynced { .. } => None,
        }
    }
}

impl<K: Resource> Event<K> {
    pub(super) fn of(told: Told) -> Option<Event<K>> {
        Some(match told {
            Told::Item(Item::Applied(held)) => Event::Applied(into_kind(held)?),
            Told::Item(Item::Deleted(held)) => Event::Deleted(into_kind(held)?),
            Told::Item(Item::Released(held)) => Event::Released(into_kind(held)?),
            Told::Item(Item::Complete(Cause::Start)) => Event::Synced,
            Told::Item(Item::Complete(cause)) => Event::Resynced { cause },
            Told::Again(held) => Event::Redelivered(into_kind(held)?),
        })
    }
}

impl<K> Clone for Event<K> {
    fn clone(&self) -> Self {
        match self {
            Event::Applied(object) => Event::Applied(object.clone()),
            Event::Deleted(object) => Event::Deleted(object.clone()),
            Event::Released(object) => Event::Released(object.clone()),
            Event::Synced => Event::Synced,
            Event::Resynced { cause } => Event::Resynced { cause: *cause },
            Event::Redelivered(object) => Event::Redelivered(object.clone()),
        }
    }
}
