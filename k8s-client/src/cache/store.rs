//! The one who writes, and those who read.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

use arc_swap::ArcSwap;
use k8s_api::Resource;
use k8s_api::text::Str;

use super::hash::Seed;
use super::index::Index;
use super::order::Order;
use super::ordered::{IntoParts, OrderedIndex};
use super::own::{self, AnyStore, Changed, Own, Store};
use super::snapshot::Snapshot;
use super::state::State;
use crate::error::Result;
use crate::watch::{Held, ResourceVersion, into_kind};

/// A store to be.
pub struct Builder<K> {
    empty: State,
    stores: Vec<Box<dyn AnyStore>>,
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
        Self {
            empty: State::new(Seed::random(), Arc::new(()), Vec::new()),
            stores: Vec::new(),
            kind: PhantomData,
        }
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

    /// Adds an index by what a [JSONPath](k8s_api::jsonpath) finds in an object, as `spec.nodeName` or `spec.containers[*].image`. What an
    /// object has not has no key. A path that objects of this type can't have, and one that leads to more than single values, is refused.
    pub fn index_path(&mut self, path: &str) -> Result<Index<K, Str>> {
        Index::path(&mut self.empty, path)
    }

    /// Adds an index by keys of several parts, such as namespace and node: [`Snapshot::under`] finds by the first ones of them. An object has
    /// one key (an array), none or one (`Option`), or several (`Vec`). They have to depend on the object alone.
    pub fn index_by<const N: usize, I: IntoParts<N>>(
        &mut self,
        keys: impl Fn(&K) -> I + Send + Sync + 'static,
    ) -> OrderedIndex<K, N> {
        OrderedIndex::new(&mut self.empty, keys)
    }

    /// Keeps another store equal to this one: it is told of every change once this one has it.
    pub fn fill(&mut self, store: Arc<impl Store<K>>) {
        self.stores.push(Box::new(Own { store, kind: PhantomData }));
    }

    /// The store, empty, and the right to write to it.
    pub fn build(self) -> (Writer, Reader<K>) {
        let current = Arc::new(ArcSwap::from_pointee(self.empty));
        (Writer { current: current.clone(), stores: self.stores }, Reader { current, kind: PhantomData })
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
    pub(super) current: Arc<ArcSwap<State>>,
    stores: Vec<Box<dyn AnyStore>>,
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
        let changes = (!self.stores.is_empty()).then(Vec::new);
        let mut draft = Draft { next: (**self.current.load()).clone(), replaced: None, changes };
        let result = change(&mut draft);
        self.current.store(Arc::new(draft.next));
        for changed in draft.changes.into_iter().flatten() {
            own::tell(&mut self.stores, |store| store.change(changed.clone()));
        }
        result
    }

    /// An empty draft, to [replace](Self::replace) everything with. An object put into it that the store has in the same
    /// version is kept, not held twice.
    pub fn draft(&self) -> Draft {
        let replaced = self.current.load_full();
        Draft { next: replaced.empty(), replaced: Some(replaced), changes: None }
    }

    /// Replaces everything, at once, by a [new](Self::draft) state.
    pub fn replace(&mut self, draft: Draft) {
        let next = Arc::new(draft.finish());
        self.current.store(next.clone());
        own::tell(&mut self.stores, |store| store.replace(&mut next.iter()));
    }
}

/// A state that is being made. Objects of another kind than the store's are held, but no reader sees them.
pub struct Draft {
    next: State,
    /// What a new state is to replace. Order and indexes of a new one are made in the end: at once they cost less than one by one.
    replaced: Option<Arc<State>>,
    /// For those who are told of each.
    changes: Option<Vec<Changed>>,
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl Draft {
    /// Adds an object, or replaces the one of its name, which is returned.
    pub fn put(&mut self, object: Held) -> Option<Held> {
        let hash = self.next.hash(&object.metadata().namespace, &object.metadata().name);
        let object = self.known(object, hash);
        let (namespace, name) = (object.metadata().namespace.as_str(), object.metadata().name.as_str());
        let State { named, order, indexes, .. } = &mut self.next;
        let (slot, old) = match named.find(hash, namespace, name).map(|(slot, _)| slot) {
            Some(slot) => (slot, named.replace(slot, object.clone())),
            None => (named.insert(hash, object.clone()), None),
        };
        if self.replaced.is_some() {
            return old;
        }
        let before = named.before(namespace, name);
        if old.is_none() {
            order.insert(slot, &before);
        }
        for index in indexes {
            index.change(slot, old.as_deref(), Some(&*object), &before);
        }
        if let Some(changes) = &mut self.changes {
            changes.push((old.clone(), Some(object.clone())));
        }
        old
    }

    /// Removes the object of this name, and returns it.
    pub fn delete(&mut self, namespace: &str, name: &str) -> Option<Held> {
        let hash = self.next.hash(namespace, name);
        let (slot, old) = self.next.named.find(hash, namespace, name)?;
        let old = old.clone();
        let State { named, order, indexes, .. } = &mut self.next;
        if self.replaced.is_none() {
            // The order is that of the names, so the object goes last.
            let before = named.before(namespace, name);
            order.remove(slot, &before);
            for index in indexes {
                index.change(slot, Some(&*old), None, &before);
            }
        }
        named.remove(hash, slot);
        if let Some(changes) = &mut self.changes {
            changes.push((Some(old.clone()), None));
        }
        Some(old)
    }

    /// The object of this name, with the changes so far.
    pub fn get(&self, namespace: &str, name: &str) -> Option<&Held> {
        self.next.get(namespace, name)
    }

    /// How many objects there are, with the changes so far.
    pub fn len(&self) -> usize {
        self.next.named.len()
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
    fn known(&self, object: Held, hash: u32) -> Held {
        let new = object.metadata();
        let same = |held: &&Held| {
            let old = held.metadata();
            !new.resource_version.is_empty()
                && (&old.uid, &old.resource_version) == (&new.uid, &new.resource_version)
        };
        // One key for the hashes of both states.
        let held = self.replaced.as_ref().and_then(|state| state.named.find(hash, &new.namespace, &new.name));
        match held.map(|(_, held)| held).filter(same).cloned() {
            Some(held) => held,
            None => object,
        }
    }

    /// The new state, with what is made once for all of it.
    fn finish(self) -> State {
        let mut next = self.next;
        if self.replaced.is_some() {
            next.named.sort();
            let slots: Vec<_> = next.named.iter().map(|(slot, _)| slot).collect();
            next.order = Order::of(&slots);
            for index in &mut next.indexes {
                for (slot, object) in next.named.iter() {
                    // In order: all that are in already come before it.
                    index.change(slot, None, Some(&**object), &|_| true);
                }
            }
        }
        next
    }
}
