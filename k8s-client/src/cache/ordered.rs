//! Objects by keys of several parts, in order.

use std::any::Any;
use std::cmp::Ordering;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use k8s_api::Resource;
use k8s_api::text::Str;

use super::index::{AnyIndex, Keys, Place, different, keys};
use super::order::{Before, Order};
use super::slots::Slots;
use super::state::{Helds, State};
use crate::watch::AnyObject;

/// Names an index by keys of `N` parts; made by [`Builder::index_by`](super::Builder::index_by), used with
/// [`Snapshot::under`](super::Snapshot::under).
pub struct OrderedIndex<K, const N: usize> {
    place: Place,
    keys: Keys<Key>,
    kind: PhantomData<fn(&K)>,
}

/// The parts are kept apart, so they may hold anything.
type Key = Arc<[Str]>;

/// Keys of `N` parts: one as an array, an `Option` of it, or a `Vec` of several.
pub trait IntoParts<const N: usize> {
    /// Tells each key.
    fn each(self, tell: &mut dyn FnMut([Str; N]));
}

impl<S: Into<Str>, const N: usize> IntoParts<N> for [S; N] {
    fn each(self, tell: &mut dyn FnMut([Str; N])) {
        tell(self.map(Into::into));
    }
}

impl<S: Into<Str>, const N: usize> IntoParts<N> for Option<[S; N]> {
    fn each(self, tell: &mut dyn FnMut([Str; N])) {
        self.into_iter().for_each(|key| key.each(tell));
    }
}

impl<S: Into<Str>, const N: usize> IntoParts<N> for Vec<[S; N]> {
    fn each(self, tell: &mut dyn FnMut([Str; N])) {
        self.into_iter().for_each(|key| key.each(tell));
    }
}

impl<K: Resource, const N: usize> OrderedIndex<K, N> {
    pub(super) fn new<I: IntoParts<N>>(
        empty: &mut State,
        make: impl Fn(&K) -> I + Send + Sync + 'static,
    ) -> Self {
        let keys: Keys<Key> = keys(move |object, tell: &mut dyn FnMut(Key)| {
            make(object).each(&mut |parts| tell(Arc::new(parts)));
        });
        let place = Place::new(empty, Box::new(Sorted::new(keys.clone())));
        OrderedIndex { place, keys, kind: PhantomData }
    }
}

impl<K, const N: usize> OrderedIndex<K, N> {
    /// The objects whose keys begin with these parts, the next one with `prefix`.
    pub(super) fn find<'a>(&self, state: &'a State, first: &[&str], prefix: &str) -> Helds<'a> {
        find(&self.place, &self.keys, state, first, prefix)
    }
}

fn find<'a>(place: &Place, keys: &Keys<Key>, state: &'a State, first: &[&str], prefix: &str) -> Helds<'a> {
    if let Some(Sorted { entries, order, .. }) = place.index(state) {
        let is = |entry, wanted: fn(Ordering) -> bool| {
            entries.get(entry).is_some_and(|entry| wanted(beginning(&entry.key, first, prefix)))
        };
        return state.of(
            order.range(&|entry| is(entry, Ordering::is_lt), &|entry| is(entry, Ordering::is_le)),
            entries,
        );
    }
    let mut found = Vec::new();
    for object in state.iter() {
        keys(&**object, &mut |key| {
            if beginning(&key, first, prefix).is_eq() {
                found.push((key, object));
            }
        });
    }
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    state.these(found.into_iter().map(|(_, object)| object).collect())
}

/// How a key compares with those that begin so.
fn beginning(key: &[Str], first: &[&str], prefix: &str) -> Ordering {
    let parts = key.iter().zip(first).map(|(part, wanted)| part.as_str().cmp(wanted));
    parts.fold(Ordering::Equal, Ordering::then).then_with(|| match key.get(first.len()) {
        Some(next) if next.starts_with(prefix) => Ordering::Equal,
        Some(next) => next.as_str().cmp(prefix),
        None => Ordering::Equal,
    })
}

impl<K, const N: usize> Clone for OrderedIndex<K, N> {
    fn clone(&self) -> Self {
        Self { place: self.place.clone(), keys: self.keys.clone(), kind: PhantomData }
    }
}

impl<K, const N: usize> fmt::Debug for OrderedIndex<K, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrderedIndex").field("at", &self.place).finish_non_exhaustive()
    }
}

/// The index of one store.
struct Sorted {
    keys: Keys<Key>,
    entries: Slots<Entry>,
    /// The slots of `entries`, by key, and then as the objects.
    order: Order,
}

/// A key of an object.
#[derive(Clone)]
pub(super) struct Entry {
    key: Key,
    /// Of the object.
    pub(super) slot: u32,
}

impl Sorted {
    fn new(keys: Keys<Key>) -> Self {
        Self { keys, entries: Slots::default(), order: Order::default() }
    }
}

/// Whether an entry comes before the one of this key whose object has `before`.
fn sooner<'a>(entries: &'a Slots<Entry>, key: &'a [Str], before: Before<'a>) -> impl Fn(u32) -> bool {
    move |entry| {
        entries.get(entry).is_some_and(|entry| match (*entry.key).cmp(key) {
            Ordering::Equal => before(entry.slot),
            order => order.is_lt(),
        })
    }
}

impl AnyIndex for Sorted {
    fn change(
        &mut self,
        slot: u32,
        old: Option<&dyn AnyObject>,
        new: Option<&dyn AnyObject>,
        before: Before<'_>,
    ) {
        let (old, new) = different(&self.keys, old, new);
        for key in old {
            // Of one key and one object there is one entry.
            let entry = {
                let sooner = sooner(&self.entries, &key, before);
                let entry = self.order.range(&sooner, &|_| true).next();
                entry.inspect(|entry| self.order.remove(*entry, &sooner))
            };
            if let Some(entry) = entry {
                self.entries.remove(entry);
            }
        }
        for key in new {
            let entry = self.entries.insert(Entry { key: key.clone(), slot });
            self.order.insert(entry, &sooner(&self.entries, &key, before));
        }
    }

    fn copy(&self) -> Box<dyn AnyIndex> {
        let Sorted { keys, entries, order } = self;
        Box::new(Self { keys: keys.clone(), entries: entries.clone(), order: order.clone() })
    }

    fn empty(&self) -> Box<dyn AnyIndex> {
        Box::new(Self::new(self.keys.clone()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
