//! The state of a store at one moment, whatever the kind of its objects.

use std::cmp::Ordering;
use std::sync::Arc;
use std::vec;

use super::hash::Seed;
use super::index::AnyIndex;
use super::order::{Order, Walk};
use super::ordered::Entry;
use super::slots::Slots;
use super::table::Table;
use crate::watch::{Held, ResourceVersion};

/// All objects at one moment. A copy shares with it what is the same in both.
pub(super) struct State {
    pub(super) resource_version: Option<ResourceVersion>,
    pub(super) seed: Seed,
    /// Every object has a slot as long as it lives. All else refers to slots, so that a changed object costs one change here.
    pub(super) objects: Slots<Held>,
    pub(super) names: Table,
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
            objects: Slots::default(),
            names: Table::default(),
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
        self.find(self.hash(namespace, name), namespace, name).map(|(_, object)| object)
    }

    pub(super) fn iter(&self) -> Helds<'_> {
        self.at(self.order.iter())
    }

    /// What is in a namespace and has a name that begins so.
    pub(super) fn prefix(&self, namespace: &str, prefix: &str) -> Helds<'_> {
        let ends_before = |slot| {
            self.objects.get(slot).is_some_and(|other| {
                let other = other.metadata();
                match other.namespace.as_str().cmp(namespace) {
                    Ordering::Equal => other.name.as_str() < prefix || other.name.starts_with(prefix),
                    order => order.is_lt(),
                }
            })
        };
        self.at(self.order.range(&before(&self.objects, namespace, prefix), &ends_before))
    }

    pub(super) fn at<'a>(&'a self, slots: Walk<'a>) -> Helds<'a> {
        Helds { objects: &self.objects, slots, entries: None, found: Vec::new().into_iter() }
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
        self.seed.hash(&(namespace, name))
    }

    pub(super) fn find(&self, hash: u32, namespace: &str, name: &str) -> Option<(u32, &Held)> {
        self.names.find(hash, |slot| {
            let object = self.objects.get(slot)?;
            let metadata = object.metadata();
            (metadata.name == name && metadata.namespace == namespace).then_some((slot, object))
        })
    }
}

impl Clone for State {
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

/// Whether the object in a slot comes before one of this name.
pub(super) fn before(objects: &Slots<Held>, namespace: &str, name: &str) -> impl Fn(u32) -> bool {
    move |slot| {
        objects.get(slot).is_some_and(|other| {
            let other = other.metadata();
            (other.namespace.as_str(), other.name.as_str()) < (namespace, name)
        })
    }
}

/// Objects of a state.
pub(super) struct Helds<'a> {
    objects: &'a Slots<Held>,
    slots: Walk<'a>,
    /// What `slots` are the slots of, if not of the objects.
    entries: Option<&'a Slots<Entry>>,
    found: vec::IntoIter<&'a Held>,
}

impl<'a> Iterator for Helds<'a> {
    type Item = &'a Held;

    fn next(&mut self) -> Option<&'a Held> {
        match (self.slots.next(), self.entries) {
            (Some(slot), None) => self.objects.get(slot),
            (Some(entry), Some(entries)) => self.objects.get(entries.get(entry)?.slot),
            (None, _) => self.found.next(),
        }
    }
}
