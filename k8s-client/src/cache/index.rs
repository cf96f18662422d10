//! Objects by keys made from them.

use std::any::Any;
use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::slice;
use std::sync::Arc;

use k8s_api::Resource;

use super::hash::Seed;
use super::order::{Before, Order, Walk};
use super::slots::Slots;
use super::state::{Helds, State};
use super::table::Table;
use crate::watch::AnyObject;

/// What makes the keys, telling each to a function: no list has to be allocated for it.
type Keys<Key> = Arc<dyn Fn(&dyn AnyObject, &mut dyn FnMut(Key)) + Send + Sync>;

/// Names an index of a store; made by [`Builder::index`](super::Builder::index), used with
/// [`Snapshot::by`](super::Snapshot::by).
pub struct Index<K, Key> {
    /// The store's mark, and the place in it.
    store: Arc<()>,
    at: usize,
    keys: Keys<Key>,
    kind: PhantomData<fn(&K)>,
}

impl<K: Resource, Key: Hash + Eq + Send + Sync + 'static> Index<K, Key> {
    pub(super) fn new<I: IntoIterator<Item = Key>>(
        empty: &mut State,
        keys: impl Fn(&K) -> I + Send + Sync + 'static,
    ) -> Self {
        let keys: Keys<Key> = Arc::new(move |object, tell| {
            if let Some(object) = object.as_kind() {
                keys(object).into_iter().for_each(tell);
            }
        });
        let at = empty.indexes.len();
        empty.indexes.push(Box::new(Keyed::new(keys.clone(), empty.seed)));
        Index { store: empty.store.clone(), at, keys, kind: PhantomData }
    }
}

impl<K, Key> Index<K, Key> {
    /// The objects with a key, in order.
    pub(super) fn find<'a, Q: Hash + Eq + ?Sized>(&self, state: &'a State, key: &Q) -> Helds<'a>
    where
        Key: Borrow<Q> + 'static,
    {
        let own = state.indexes.get(self.at).filter(|_| Arc::ptr_eq(&state.store, &self.store));
        match own.and_then(|own| own.as_any().downcast_ref::<Keyed<Key>>()) {
            Some(keyed) => state.at(keyed.groups.get(key)),
            None => state.found(|object| {
                let mut has = false;
                (self.keys)(&**object, &mut |other| has |= other.borrow() == key);
                has
            }),
        }
    }
}

impl<K, Key> Clone for Index<K, Key> {
    fn clone(&self) -> Self {
        Self { store: self.store.clone(), at: self.at, keys: self.keys.clone(), kind: PhantomData }
    }
}

impl<K, Key> fmt::Debug for Index<K, Key> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").field("at", &self.at).finish_non_exhaustive()
    }
}

/// An index whatever its keys are.
pub(super) trait AnyIndex: Send + Sync {
    /// An object came, changed, or went. `before` says which slots come before its own.
    fn change(
        &mut self,
        slot: u32,
        old: Option<&dyn AnyObject>,
        new: Option<&dyn AnyObject>,
        before: Before<'_>,
    );
    /// A copy, which shares everything.
    fn copy(&self) -> Box<dyn AnyIndex>;
    /// The same index without objects.
    fn empty(&self) -> Box<dyn AnyIndex>;
    fn as_any(&self) -> &dyn Any;
}

/// The index of one store.
struct Keyed<Key> {
    keys: Keys<Key>,
    groups: Groups<Key>,
}

impl<Key> Keyed<Key> {
    fn new(keys: Keys<Key>, seed: Seed) -> Self {
        Self { keys, groups: Groups { seed, table: Table::default(), groups: Slots::default() } }
    }
}

impl<Key: Hash + Eq + Send + Sync + 'static> AnyIndex for Keyed<Key> {
    fn change(
        &mut self,
        slot: u32,
        old: Option<&dyn AnyObject>,
        new: Option<&dyn AnyObject>,
        before: Before<'_>,
    ) {
        let keys = |object: Option<&dyn AnyObject>| {
            let mut keys = Vec::new();
            if let Some(object) = object {
                (self.keys)(object, &mut |key| {
                    if !keys.contains(&key) {
                        keys.push(key);
                    }
                });
            }
            keys
        };
        let (old, new) = (keys(old), keys(new));
        for key in old.iter().filter(|key| !new.contains(key)) {
            self.groups.remove(key, slot, before);
        }
        for key in new.into_iter().filter(|key| !old.contains(key)) {
            self.groups.add(key, slot, before);
        }
    }

    fn copy(&self) -> Box<dyn AnyIndex> {
        Box::new(Self { keys: self.keys.clone(), groups: self.groups.clone() })
    }

    fn empty(&self) -> Box<dyn AnyIndex> {
        Box::new(Self::new(self.keys.clone(), self.groups.seed))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Slots by key. It does not know the objects, so that it is compiled once for a type of keys.
struct Groups<K> {
    seed: Seed,
    table: Table,
    groups: Slots<Group<K>>,
}

struct Group<K> {
    /// Shared, since groups are copied with their neighbours.
    key: Arc<K>,
    members: Members,
}

#[derive(Clone)]
enum Members {
    /// As it is with unique keys.
    One(u32),
    Many(Order),
}

impl<K> Clone for Groups<K> {
    fn clone(&self) -> Self {
        Self { seed: self.seed, table: self.table.clone(), groups: self.groups.clone() }
    }
}

impl<K> Clone for Group<K> {
    fn clone(&self) -> Self {
        Self { key: self.key.clone(), members: self.members.clone() }
    }
}

impl<K> Groups<K> {
    fn find<Q: Hash + Eq + ?Sized>(&self, hash: u32, key: &Q) -> Option<(u32, &Group<K>)>
    where
        K: Borrow<Q>,
    {
        self.table.find(hash, |at| {
            let group = self.groups.get(at)?;
            ((*group.key).borrow() == key).then_some((at, group))
        })
    }

    fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Walk<'_>
    where
        K: Borrow<Q>,
    {
        match self.find(self.seed.hash(key), key).map(|(_, group)| &group.members) {
            None => Walk::of(&[]),
            Some(Members::One(slot)) => Walk::of(slice::from_ref(slot)),
            Some(Members::Many(slots)) => slots.iter(),
        }
    }
}

impl<K: Hash + Eq> Groups<K> {
    fn add(&mut self, key: K, slot: u32, before: Before<'_>) {
        let hash = self.seed.hash(&key);
        let Some((at, _)) = self.find(hash, &key) else {
            let at = self.groups.insert(Group { key: Arc::new(key), members: Members::One(slot) });
            self.table.insert(hash, at);
            return;
        };
        let Some(Group { members, .. }) = self.groups.get_mut(at) else { return };
        if let Members::One(one) = members {
            let mut many = Order::default();
            many.insert(*one, &|_| false);
            *members = Members::Many(many);
        }
        if let Members::Many(many) = members {
            many.insert(slot, before);
        }
    }

    fn remove(&mut self, key: &K, slot: u32, before: Before<'_>) {
        let hash = self.seed.hash(key);
        let Some((at, _)) = self.find(hash, key) else { return };
        let Some(Group { members, .. }) = self.groups.get_mut(at) else { return };
        let is_empty = match members {
            Members::One(one) => *one == slot,
            Members::Many(many) => {
                many.remove(slot, before);
                many.len() == 0
            }
        };
        if is_empty {
            self.groups.remove(at);
            self.table.remove(hash, at);
        }
    }
}
