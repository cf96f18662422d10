//! The one who writes, and those who read.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::hash::Seed;
use super::index::{Index, Keyed};
use super::order::Order;
use super::slots::Slots;
use super::snapshot::{Snapshot, before};
use super::table::Table;
use crate::watch::{Object, ResourceVersion};

/// A store to be.
#[derive(Debug)]
pub struct Builder<O> {
    empty: Snapshot<O>,
}

impl<O: Object + Send + Sync + 'static> Default for Builder<O> {
    fn default() -> Self {
        Self::new()
    }
}

impl<O: Object + Send + Sync + 'static> Builder<O> {
    /// A store without indexes.
    pub fn new() -> Self {
        let empty = Snapshot {
            resource_version: None,
            seed: Seed::random(),
            objects: Slots::default(),
            names: Table::default(),
            order: Order::default(),
            indexes: Vec::new(),
            store: Arc::new(()),
        };
        Self { empty }
    }

    /// Adds an index by the keys that `keys` makes of an object, none, one (an `Option` will do) or several. They have to depend on the
    /// object alone.
    pub fn index<K, I>(&mut self, keys: impl Fn(&O) -> I + Send + Sync + 'static) -> Index<O, K>
    where
        K: Hash + Eq + Send + Sync + 'static,
        I: IntoIterator<Item = K>,
    {
        let index = Index {
            store: self.empty.store.clone(),
            at: self.empty.indexes.len(),
            keys: Arc::new(move |object: &O, tell: &mut dyn FnMut(K)| {
                keys(object).into_iter().for_each(tell)
            }),
        };
        self.empty.indexes.push(Box::new(Keyed::new(index.keys.clone(), self.empty.seed)));
        index
    }

    /// The store, empty, and the right to write to it.
    pub fn build(self) -> (Writer<O>, Store<O>) {
        let store = Store { current: Arc::new(ArcSwap::from_pointee(self.empty)) };
        (Writer { store: store.clone() }, store)
    }
}

/// Reads a store. A clone reads the same.
#[derive(Debug)]
pub struct Store<O> {
    current: Arc<ArcSwap<Snapshot<O>>>,
}

impl<O> Clone for Store<O> {
    fn clone(&self) -> Self {
        Self { current: self.current.clone() }
    }
}

impl<O> Store<O> {
    /// The state of this moment. It waits for nobody and keeps nobody waiting; while it is held, it stays as it is, and in memory.
    pub fn snapshot(&self) -> Arc<Snapshot<O>> {
        self.current.load_full()
    }
}

impl<O: Object> Store<O> {
    /// The object of this name, at this moment.
    pub fn get(&self, namespace: &str, name: &str) -> Option<Arc<O>> {
        self.current.load().get(namespace, name).cloned()
    }
}

/// Writes to a store. There is one for each.
#[derive(Debug)]
pub struct Writer<O> {
    store: Store<O>,
}

impl<O: Object> Writer<O> {
    /// Makes changes that readers see all at once, when `change` returns. What it costs to publish is shared by them, so whatever came
    /// together goes into one batch.
    pub fn batch<R>(&mut self, change: impl FnOnce(&mut Draft<O>) -> R) -> R {
        let mut draft = Draft { next: (**self.store.current.load()).clone(), replaced: None };
        let result = change(&mut draft);
        self.store.current.store(Arc::new(draft.next));
        result
    }

    /// An empty draft, to [replace](Self::replace) everything with. An object put into it that the store has in the same
    /// version is kept, not held twice.
    pub fn draft(&self) -> Draft<O> {
        let replaced = self.store.snapshot();
        let next = Snapshot {
            resource_version: None,
            seed: replaced.seed,
            objects: Slots::default(),
            names: Table::default(),
            order: Order::default(),
            indexes: replaced.indexes.iter().map(|index| index.empty()).collect(),
            store: replaced.store.clone(),
        };
        Draft { next, replaced: Some(replaced) }
    }

    /// Replaces everything, at once.
    pub fn replace(&mut self, draft: Draft<O>) {
        self.store.current.store(Arc::new(draft.next));
    }
}

/// A snapshot that is being made.
pub struct Draft<O> {
    next: Snapshot<O>,
    replaced: Option<Arc<Snapshot<O>>>,
}

impl<O> fmt::Debug for Draft<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft").field("next", &self.next).finish_non_exhaustive()
    }
}

impl<O: Object> Draft<O> {
    /// Adds an object, or replaces the one of its name, which is returned.
    pub fn put(&mut self, object: impl Into<Arc<O>>) -> Option<Arc<O>> {
        let object = self.known(object.into());
        let (namespace, name) = (object.namespace(), object.name());
        let hash = self.next.hash(namespace, name);
        let slot = self.next.find(hash, namespace, name).map(|(slot, _)| slot);
        let Snapshot { objects, names, order, indexes, .. } = &mut self.next;
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
            index.change(slot, old.as_deref(), Some(&object), &before);
        }
        old
    }

    /// Removes the object of this name, and returns it.
    pub fn delete(&mut self, namespace: &str, name: &str) -> Option<Arc<O>> {
        let hash = self.next.hash(namespace, name);
        let (slot, old) = self.next.find(hash, namespace, name)?;
        let old = old.clone();
        let Snapshot { objects, names, order, indexes, .. } = &mut self.next;
        {
            // The order is that of the objects, so the object goes last.
            let before = before(objects, namespace, name);
            order.remove(slot, &before);
            for index in indexes {
                index.change(slot, Some(&old), None, &before);
            }
        }
        names.remove(hash, slot);
        objects.remove(slot);
        Some(old)
    }

    /// Sets the version of the collection.
    pub fn set_resource_version(&mut self, version: ResourceVersion) {
        self.next.resource_version = Some(version);
    }

    /// The state with the changes so far.
    pub fn snapshot(&self) -> &Snapshot<O> {
        &self.next
    }

    /// The object as it is held already.
    fn known(&self, object: Arc<O>) -> Arc<O> {
        let held = self.replaced.as_ref().and_then(|held| held.get(object.namespace(), object.name()));
        let same = |held: &&Arc<O>| {
            (held.uid(), held.resource_version()) == (object.uid(), object.resource_version())
                && !object.resource_version().is_empty()
        };
        held.filter(same).cloned().unwrap_or(object)
    }
}
