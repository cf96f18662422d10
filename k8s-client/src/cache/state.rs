//! The state of a store at one moment, whatever the kind of its objects.

use std::cmp::Ordering;
use std::sync::Arc;
use std::vec;

use super::hash::Seed;
use super::index::AnyIndex;
use super::named::Named;
use super::order::{Order, Walk};
use super::ordered::Entry;
use super::slots::Slots;
use crate::watch::{Held, ResourceVersion};

/// All objects at one moment. A copy shares with it what is the same in both.
pub(super) struct State {
    pub(super) resource_version: Option<ResourceVersion>,
    pub(super) seed: Seed,
    /// All else refers to slots in here, so that a changed object costs one change.
    pub(super) named: Named,
    /// By namespace and name.
    pub(super) order: Order,
    pub(super) indexes: Vec<Box<dyn AnyIndex>>,
    /// The mark of the store that the indexes are of.
    pub(super) store: Arc<()>,
}

impl State {
    pub(super) fn new(seed: Seed, store: Arc<()>, indexes: Vec<Box<dyn AnyIndex>>) -> Self {
        State {
            resource_version: None,
            seed,
            named: Named::default(),
            order: Order::default(),
            indexes,
            store,
        }
    }

    /// The same store without objects.
    pub(super) fn empty(&self) -> Self {
        let indexes = self.indexes.iter().map(|index| index.empty()).collect();
        State::new(self.seed, self.store.clone(), indexes)
    }

    pub(super) fn get(&self, namespace: &str, name: &str) -> Option<&Held> {
        self.named.find(self.hash(namespace, name), namespace, name).map(|(_, object)| object)
    }

    pub(super) fn iter(&self) -> Helds<'_> {
        self.at(self.order.iter())
    }

    /// What is in a namespace and has a name that begins so.
    pub(super) fn prefix(&self, namespace: &str, prefix: &str) -> Helds<'_> {
        let before = self.named.before(namespace, prefix);
        let (namespace, prefix) = (namespace.as_bytes(), prefix.as_bytes());
        let ends_before = |slot| {
            self.named.key(slot).is_some_and(|(other, name)| match other.cmp(namespace) {
                Ordering::Equal => name < prefix || name.starts_with(prefix),
                order => order.is_lt(),
            })
        };
        self.at(self.order.range(&before, &ends_before))
    }

    pub(super) fn at<'a>(&'a self, slots: Walk<'a>) -> Helds<'a> {
        Helds { named: &self.named, slots, entries: None, found: Vec::new().into_iter() }
    }

    /// The objects of an ordered index's entries.
    pub(super) fn of<'a>(&'a self, slots: Walk<'a>, entries: &'a Slots<Entry>) -> Helds<'a> {
        Helds { entries: Some(entries), ..self.at(slots) }
    }

    /// What was found by looking at every object.
    pub(super) fn found(&self, is: impl Fn(&Held) -> bool) -> Helds<'_> {
        self.these(self.iter().filter(|object| is(object)).collect())
    }

    pub(super) fn these<'a>(&'a self, found: Vec<&'a Held>) -> Helds<'a> {
        Helds { found: found.into_iter(), ..self.at(Walk::of(&[])) }
    }

    pub(super) fn hash(&self, namespace: &str, name: &str) -> u32 {
        self.seed.name(namespace, name)
    }
}

impl Clone for State {
    fn clone(&self) -> Self {
        Self {
            resource_version: self.resource_version.clone(),
            seed: self.seed,
            named: self.named.clone(),
            order: self.order.clone(),
            indexes: self.indexes.iter().map(|index| index.copy()).collect(),
            store: self.store.clone(),
        }
    }
}

/// Objects of a state.
pub(super) struct Helds<'a> {
    named: &'a Named,
    slots: Walk<'a>,
    /// What `slots` are the slots of, if not of the objects.
    entries: Option<&'a Slots<Entry>>,
    found: vec::IntoIter<&'a Held>,
}

impl<'a> Iterator for Helds<'a> {
    type Item = &'a Held;

    fn next(&mut self) -> Option<&'a Held> {
        match (self.slots.next(), self.entries) {
            (Some(slot), None) => self.named.get(slot),
            (Some(entry), Some(entries)) => self.named.get(entries.get(entry)?.slot),
            (None, _) => self.found.next(),
        }
    }
}
