//! The one who writes, and those who read.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

use arc_swap::ArcSwap;
use k8s_api::Resource;

use super::hash::Seed;
use super::index::Index;
use super::snapshot::Snapshot;
use super::state::{State, before};
use crate::watch::{Held, ResourceVersion, into_kind};

/// A store to be.
pub struct Builder<K> {
    empty: State,
    kind: PhantomData<fn() -> K>,
}

impl<K: Resource> Default for Builder<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Resource> Builder<K> {
    /// A store without indexes.
    pub fn new() -> Self {
        Self { empty: State::new(Seed::random(), Arc::new(()), Vec::new()), kind: PhantomData }
    }

    /// Adds an index by the keys that `keys` makes of an object, none, one (an `Option` will do) or several. They have to depend on the
    /// object alone.
    pub fn index<Key, I>(&mut self, keys: impl Fn(&K) -> I + Send + Sync + 'static) -> Index<K, Key>
    where
        Key: Hash + Eq + Send + Sync + 'static,
        I: IntoIterator<Item = Key>,
    {
        Index::new(&mut self.empty, keys)
    }

    /// The store, empty, and the right to write to it.
    pub fn build(self) -> (Writer, Reader<K>) {
        let current = Arc::new(ArcSwap::from_pointee(self.empty));
        (Writer { current: current.clone() }, Reader { current, kind: PhantomData })
    }
}

impl<K> fmt::Debug for Builder<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("indexes", &self.empty.indexes.len()).finish_non_exhaustive()
    }
}

/// Reads a store. A clone reads the same.
pub struct Reader<K> {
    current: Arc<ArcSwap<State>>,
    kind: PhantomData<fn() -> K>,
}

impl<K> Clone for Reader<K> {
    fn clone(&self) -> Self {
        Self { current: self.current.clone(), kind: PhantomData }
    }
}

impl<K> fmt::Debug for Reader<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("current", &self.snapshot()).finish()
    }
}

impl<K> Reader<K> {
    /// The state of this moment. It waits for nobody and keeps nobody waiting; while it is held, it stays as it is, and in memory.
    #[inline]
    pub fn snapshot(&self) -> Snapshot<K> {
        Snapshot::new(self.current.load_full())
    }
}

impl<K: Resource> Reader<K> {
    /// The object of this name, at this moment.
    #[inline]
    pub fn get(&self, namespace: &str, name: &str) -> Option<Arc<K>> {
        into_kind(now(&self.current, namespace, name)?)
    }
}

fn now(current: &ArcSwap<State>, namespace: &str, name: &str) -> Option<Held> {
    current.load().get(namespace, name).cloned()
}

/// Writes to a store. There is one for each.
pub struct Writer {
    current: Arc<ArcSwap<State>>,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl Writer {
    /// Makes changes that readers see all at once, when `change` returns. What it costs to publish is shared by them, so whatever came
    /// together goes into one batch.
    pub fn batch<R>(&mut self, change: impl FnOnce(&mut Draft) -> R) -> R {
        let mut draft = Draft { next: (**self.current.load()).clone(), replaced: None };
        let result = change(&mut draft);
        self.current.store(Arc::new(draft.next));
        result
    }

    /// An empty draft, to [replace](Self::replace) everything with. An object put into it that the store has in the same
    /// version is kept, not held twice.
    pub fn draft(&self) -> Draft {
        let replaced = self.current.load_full();
        Draft { next: replaced.empty(), replaced: Some(replaced) }
    }

    /// Replaces everything, at once.
    pub fn replace(&mut self, draft: Draft) {
        self.current.store(Arc::new(draft.next));
    }
}

/// A state that is being made. Objects of another kind than the store's are held, but no reader sees them.
pub struct Draft {
    next: State,
    replaced: Option<Arc<State>>,
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft").field("len", &self.next.order.len()).finish_non_exhaustive()
    }
}

impl Draft {
    /// Adds an object, or replaces the one of its name, which is returned.
    pub fn put(&mut self, object: Held) -> Option<Held> {
        let object = self.known(object);
        let metadata = object.metadata();
        let (namespace, name) = (metadata.namespace.as_str(), metadata.name.as_str());
        let hash = self.next.hash(namespace, name);
        let slot = self.next.find(hash, namespace, name).map(|(slot, _)| slot);
        let State { objects, names, order, indexes, .. } = &mut self.next;
        let (slot, old) = match slot {
            Some(slot) => (slot, objects.replace(slot, object.clone())),
            None => {
                let slot = objects.insert(object.clone());
                names.insert(hash, slot);
                order.insert(slot, &before(objects, namespace, name));
                (slot, None)
            }
        };
        let before = before(objects, namespace, name);
        for index in indexes {
            index.change(slot, old.as_deref(), Some(&*object), &before);
        }
        old
    }

    /// Removes the object of this name, and returns it.
    pub fn delete(&mut self, namespace: &str, name: &str) -> Option<Held> {
        let hash = self.next.hash(namespace, name);
        let (slot, old) = self.next.find(hash, namespace, name)?;
        let old = old.clone();
        let State { objects, names, order, indexes, .. } = &mut self.next;
        {
            // The order is that of the objects, so the object goes last.
            let before = before(objects, namespace, name);
            order.remove(slot, &before);
            for index in indexes {
                index.change(slot, Some(&*old), None, &before);
            }
        }
        names.remove(hash, slot);
        objects.remove(slot);
        Some(old)
    }

    /// The object of this name, with the changes so far.
    pub fn get(&self, namespace: &str, name: &str) -> Option<&Held> {
        self.next.get(namespace, name)
    }

    /// How many objects there are, with the changes so far.
    pub fn len(&self) -> usize {
        self.next.order.len()
    }

    /// Whether there are no objects, with the changes so far.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sets the version of the collection.
    pub fn set_resource_version(&mut self, version: ResourceVersion) {
        self.next.resource_version = Some(version);
    }

    /// The object as it is held already.
    fn known(&self, object: Held) -> Held {
        let new = object.metadata();
        let same = |held: &&Held| {
            let old = held.metadata();
            !new.resource_version.is_empty()
                && (&old.uid, &old.resource_version) == (&new.uid, &new.resource_version)
        };
        let held = self.replaced.as_ref().and_then(|state| state.get(&new.namespace, &new.name));
        match held.filter(same).cloned() {
            Some(held) => held,
            None => object,
        }
    }
}
