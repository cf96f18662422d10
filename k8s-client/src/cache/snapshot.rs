//! The state of a store at one moment, for those who know the kind.

use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

use k8s_api::Resource;

use super::index::Index;
use super::state::{Helds, State};
use crate::watch::{Held, ResourceVersion, into_kind};

/// All objects at one moment. It never changes, and shares with other snapshots what is the same in them. To take or to clone one costs
/// the same however many objects there are; while it is held, what is in it stays in memory.
pub struct Snapshot<K> {
    pub(super) state: Arc<State>,
    kind: PhantomData<fn() -> K>,
}

impl<K> Snapshot<K> {
    pub(super) fn new(state: Arc<State>) -> Self {
        Self { state, kind: PhantomData }
    }

    /// The version of the collection, once it is known: every change up to it is in here.
    pub fn resource_version(&self) -> Option<&ResourceVersion> {
        self.state.resource_version.as_ref()
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.state.order.len()
    }

    /// Whether there are no objects.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<K: Resource> Snapshot<K> {
    /// The object of this name. The namespace of an object of the whole cluster is empty.
    #[inline]
    pub fn get(&self, namespace: &str, name: &str) -> Option<&K> {
        self.state.get(namespace, name)?.as_kind()
    }

    /// The object of this name, to keep.
    #[inline]
    pub fn get_shared(&self, namespace: &str, name: &str) -> Option<Arc<K>> {
        into_kind(self.state.get(namespace, name)?.clone())
    }

    /// All objects, by namespace and name.
    #[inline]
    pub fn iter(&self) -> Objects<'_, K> {
        Objects::new(self.state.iter())
    }

    /// The objects of a namespace, by name.
    #[inline]
    pub fn namespace<'a>(&'a self, namespace: &'a str) -> Objects<'a, K> {
        self.prefix(namespace, "")
    }

    /// The objects of a namespace whose names begin so, by name.
    #[inline]
    pub fn prefix<'a>(&'a self, namespace: &'a str, prefix: &'a str) -> Objects<'a, K> {
        Objects::new(self.state.prefix(namespace, prefix))
    }

    /// The objects with a key, by namespace and name.
    ///
    /// With an index of another store the answer is the same, but every object has to be looked at.
    #[inline]
    pub fn by<Key, Q>(&self, index: &Index<K, Key>, key: &Q) -> Objects<'_, K>
    where
        Key: Borrow<Q> + 'static,
        Q: Hash + Eq + ?Sized,
    {
        Objects::new(index.find(&self.state, key))
    }
}

impl<K> Clone for Snapshot<K> {
    fn clone(&self) -> Self {
        Self::new(self.state.clone())
    }
}

impl<K> fmt::Debug for Snapshot<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Snapshot");
        debug
            .field("resource_version", &self.resource_version())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

impl<'a, K: Resource> IntoIterator for &'a Snapshot<K> {
    type Item = &'a K;
    type IntoIter = Objects<'a, K>;

    fn into_iter(self) -> Objects<'a, K> {
        self.iter()
    }
}

/// Objects of a snapshot.
pub struct Objects<'a, K> {
    helds: Helds<'a>,
    kind: PhantomData<&'a K>,
}

impl<'a, K: Resource> Objects<'a, K> {
    pub(super) fn new(helds: Helds<'a>) -> Self {
        Self { helds, kind: PhantomData }
    }

    /// The same objects, to keep.
    #[inline]
    pub fn shared(self) -> impl Iterator<Item = Arc<K>> + 'a {
        self.helds.filter_map(|held| into_kind(Held::clone(held)))
    }
}

impl<'a, K: Resource> Iterator for Objects<'a, K> {
    type Item = &'a K;

    #[inline]
    fn next(&mut self) -> Option<&'a K> {
        self.helds.find_map(|held| held.as_kind())
    }
}

impl<K> fmt::Debug for Objects<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Objects").finish_non_exhaustive()
    }
}
