//! A snapshot for those who don't know the kind.

use std::sync::Arc;

use super::snapshot::Snapshot;
use super::state::State;
use super::store::Writer;
use crate::watch::Held;

/// A [`Snapshot`] of any kind.
#[derive(Clone)]
pub(crate) struct Whole(Arc<State>);

impl Whole {
    pub(crate) fn get(&self, namespace: &str, name: &str) -> Option<&Held> {
        self.0.get(namespace, name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Held> {
        self.0.iter()
    }

    /// The same, of the kind that the store is of.
    pub(crate) fn of<K>(self) -> Snapshot<K> {
        Snapshot::new(self.0)
    }
}

impl Writer {
    /// What readers see.
    pub(crate) fn whole(&self) -> Whole {
        Whole(self.current.load_full())
    }
}
