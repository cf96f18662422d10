//! Objects by keys made from them.

use std::any::Any;
use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::slice;
use std::sync::Arc;

use k8s_api::Resource;
use k8s_api::jsonpath::{Found, JsonPath, JsonPathError};
use k8s_api::text::Str;
use k8s_api::view::Message;

use super::hash::Seed;
use super::order::{Before, Order, Walk};
use super::slots::Slots;
use super::state::{Helds, State};
use super::table::Table;
use crate::error::{Error, Result};
use crate::watch::AnyObject;

/// What makes the keys, telling each to a function: no list has to be allocated for it.
pub(super) type Keys<Key> = Arc<dyn Fn(&dyn AnyObject, &mut dyn FnMut(Key)) + Send + Sync>;

/// Names an index of a store; made by [`Builder::index`](super::Builder::index), used with
/// [`Snapshot::by`](super::Snapshot::by).
pub struct Index<K, Key> {
    place: Place,
    keys: Keys<Key>,
    kind: PhantomData<fn(&K)>,
}

/// Which index of which store.
#[derive(Clone)]
pub(super) struct Place {
    /// The store's mark.
    store: Arc<()>,
    at: usize,
}

impl Place {
    /// The next one of a store to be.
    pub(super) fn new(empty: &mut State, index: Box<dyn AnyIndex>) -> Place {
        empty.indexes.push(index);
        Place { store: empty.store.clone(), at: empty.indexes.len() - 1 }
    }

    /// The index there, if the state is of its store.
    pub(super) fn index<'a, I: 'static>(&self, state: &'a State) -> Option<&'a I> {
        let own = state.indexes.get(self.at).filter(|_| Arc::ptr_eq(&state.store, &self.store));
        own?.as_any().downcast_ref()
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.at.fmt(f)
    }
}

/// What makes keys of an object whatever its kind.
pub(super) fn keys<K: Resource, Key>(
    make: impl Fn(&K, &mut dyn FnMut(Key)) + Send + Sync + 'static,
) -> Keys<Key> {
    Arc::new(move |object, tell| {
        if let Some(object) = object.as_kind() {
            make(object, tell);
        }
    })
}

impl<K: Resource, Key: Hash + Eq + Send + Sync + 'static> Index<K, Key> {
    pub(super) fn new<I: IntoIterator<Item = Key>>(
        empty: &mut State,
        make: impl Fn(&K) -> I + Send + Sync + 'static,
    ) -> Self {
        Index::of(empty, keys(move |object, tell| make(object).into_iter().for_each(tell)))
    }

    fn of(empty: &mut State, keys: Keys<Key>) -> Self {
        let place = Place::new(empty, Box::new(Keyed::new(keys.clone(), empty.seed)));
        Index { place, keys, kind: PhantomData }
    }
}

impl<K: Resource> Index<K, Str> {
    /// The keys are what is found in the object.
    pub(super) fn path(empty: &mut State, path: &str) -> Result<Self> {
        let wrong = |error: JsonPathError| Error::request("no path to index by").caused(error);
        let path = JsonPath::expression(path).map_err(wrong)?;
        path.check_fields::<K>().map_err(wrong)?;
        Ok(Index::of(
            empty,
            Arc::new(move |object, tell| {
                let object: &dyn Message = object;
                // An object that is not as its type says has nothing there.
                let found = path.find(object).unwrap_or_default();
                found.iter().filter(|found| !found.is_null()).for_each(|found| tell(text(found)));
            }),
        ))
    }
}

fn text(found: &Found<'_>) -> Str {
    match found.as_str() {
        Some(text) => text.into(),
        None => found.text().into(),
    }
}

impl<K, Key> Index<K, Key> {
    /// The objects with a key, in order.
    pub(super) fn find<'a, Q: Hash + Eq + ?Sized>(&self, state: &'a State, key: &Q) -> Helds<'a>
    where
        Key: Borrow<Q> + 'static,
    {
        match self.place.index::<Keyed<Key>>(state) {
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
        Self { place: self.place.clone(), keys: self.keys.clone(), kind: PhantomData }
    }
}

impl<K, Key> fmt::Debug for Index<K, Key> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").field("at", &self.place).finish_non_exhaustive()
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

/// The keys that went, and those that came, each once.
pub(super) fn different<Key: PartialEq>(
    keys: &Keys<Key>,
    old: Option<&dyn AnyObject>,
    new: Option<&dyn AnyObject>,
) -> (Vec<Key>, Vec<Key>) {
    let all = |object: Option<&dyn AnyObject>| {
        let mut all = Vec::new();
        if let Some(object) = object {
            keys(object, &mut |key| {
                if !all.contains(&key) {
                    all.push(key);
                }
            });
        }
        all
    };
    let (mut old, mut new) = (all(old), all(new));
    old.retain(|key| match new.iter().position(|other| other == key) {
        Some(same) => {
            new.swap_remove(same);
            false
        }
        None => true,
    });
    (old, new)
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
        let (old, new) = different(&self.keys, old, new);
        old.iter().for_each(|key| self.groups.remove(key, slot, before));
        new.into_iter().for_each(|key| self.groups.add(key, slot, before));
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
