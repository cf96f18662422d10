//! The state of a store at one moment.

use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::vec;

use super::hash::Seed;
use super::index::{AnyIndex, Index, Keyed};
use super::order::{Order, Walk};
use super::slots::Slots;
use super::table::Table;
use crate::watch::{Object, ResourceVersion};

/// All objects at one moment. It never changes, and shares with other snapshots what is the same in them.
pub struct Snapshot<O> {
    pub(super) resource_version: Option<ResourceVersion>,
    pub(super) seed: Seed,
    /// Every object has a slot as long as it lives. All else refers to slots, so that a changed object costs one change here.
    pub(super) objects: Slots<Arc<O>>,
    pub(super) names: Table,
    /// By namespace and name.
    pub(super) order: Order,
    pub(super) indexes: Vec<Box<dyn AnyIndex<O>>>,
    /// The mark of the store that the indexes are of.
    pub(super) store: Arc<()>,
}

impl<O> Snapshot<O> {
    /// The version of the collection, once it is known: every change up to it is in here.
    pub fn resource_version(&self) -> Option<&ResourceVersion> {
        self.resource_version.as_ref()
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there are no objects.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All objects, by namespace and name.
    pub fn iter(&self) -> Objects<'_, O> {
        self.at(self.order.iter())
    }

    fn at<'a>(&'a self, slots: Walk<'a>) -> Objects<'a, O> {
        Objects { objects: &self.objects, slots, found: Vec::new().into_iter() }
    }
}

impl<O: Object> Snapshot<O> {
    /// The object of this name. The namespace of an object of the whole cluster is empty.
    pub fn get(&self, namespace: &str, name: &str) -> Option<&Arc<O>> {
        self.find(self.hash(namespace, name), namespace, name).map(|(_, object)| object)
    }

    /// The objects of a namespace, by name.
    pub fn namespace<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = &'a Arc<O>> {
        self.prefix(namespace, "")
    }

    /// The objects of a namespace whose names begin so, by name.
    pub fn prefix<'a>(&'a self, namespace: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a Arc<O>> {
        let first = self.order.from(&before(&self.objects, namespace, prefix));
        let is_in =
            move |object: &&Arc<O>| object.namespace() == namespace && object.name().starts_with(prefix);
        self.at(first).take_while(is_in)
    }

    pub(super) fn hash(&self, namespace: &str, name: &str) -> u32 {
        self.seed.hash(&(namespace, name))
    }

    pub(super) fn find(&self, hash: u32, namespace: &str, name: &str) -> Option<(u32, &Arc<O>)> {
        self.names.find(hash, |slot| {
            let object = self.objects.get(slot)?;
            (object.name() == name && object.namespace() == namespace).then_some((slot, object))
        })
    }
}

impl<O: 'static> Snapshot<O> {
    /// The objects with a key, by namespace and name.
    ///
    /// With an index of another store the answer is the same, but every object has to be looked at.
    pub fn by<K, Q>(&self, index: &Index<O, K>, key: &Q) -> Objects<'_, O>
    where
        K: Borrow<Q> + 'static,
        Q: Hash + Eq + ?Sized,
    {
        let own = self.indexes.get(index.at).filter(|_| Arc::ptr_eq(&self.store, &index.store));
        match own.and_then(|own| own.as_any().downcast_ref::<Keyed<O, K>>()) {
            Some(keyed) => self.at(keyed.get(key)),
            None => {
                let found: Vec<_> = self.iter().filter(|object| index.has(object, key)).collect();
                Objects { found: found.into_iter(), ..self.at(Walk::of(&[])) }
            }
        }
    }
}

impl<O> Clone for Snapshot<O> {
    fn clone(&self) -> Self {
        Self {
            resource_version: self.resource_version.clone(),
            seed: self.seed,
            objects: self.objects.clone(),
            names: self.names.clone(),
            order: self.order.clone(),
            indexes: self.indexes.iter().map(|index| index.copy()).collect(),
            store: self.store.clone(),
        }
    }
}

impl<O> fmt::Debug for Snapshot<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Snapshot");
        debug
            .field("resource_version", &self.resource_version)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

impl<'a, O> IntoIterator for &'a Snapshot<O> {
    type Item = &'a Arc<O>;
    type IntoIter = Objects<'a, O>;

    fn into_iter(self) -> Objects<'a, O> {
        self.iter()
    }
}

/// Whether the object in a slot comes before one of this name.
pub(super) fn before<O: Object>(
    objects: &Slots<Arc<O>>,
    namespace: &str,
    name: &str,
) -> impl Fn(u32) -> bool {
    move |slot| objects.get(slot).is_some_and(|other| (other.namespace(), other.name()) < (namespace, name))
}

/// Objects of a snapshot.
pub struct Objects<'a, O> {
    objects: &'a Slots<Arc<O>>,
    slots: Walk<'a>,
    found: vec::IntoIter<&'a Arc<O>>,
}

impl<'a, O> Iterator for Objects<'a, O> {
    type Item = &'a Arc<O>;

    fn next(&mut self) -> Option<&'a Arc<O>> {
        match self.slots.next() {
            Some(slot) => self.objects.get(slot),
            None => self.found.next(),
        }
    }
}

impl<O> fmt::Debug for Objects<'_, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Objects").finish_non_exhaustive()
    }
}
