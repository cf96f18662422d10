//! What one subscriber has not heard yet.
//!
//! Every state is told one by one as long as no more than the capacity wait. What comes on top is kept by key: of each object its
//! latest state, at the place of its first change that waits there. So nothing is lost but states in between, and a
//! subscriber that never listens costs no more than the capacity and two states of each key.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::watch::{Cause, Object};

/// One thing to tell.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Item<O> {
    /// The object is there, in this state.
    Applied(O),
    /// The object is gone; this was its last known state.
    Deleted(O),
    /// The object belongs to a shard that is not followed any more; this was its last known state.
    Released(O),
    /// All before this was a complete state, or what was different in it.
    Complete(Cause),
}

pub(crate) struct Queue<O> {
    capacity: usize,
    each: VecDeque<Item<O>>,
    /// Where what is kept by key has its turn. While there is any of it, nothing is added to `each`.
    order: VecDeque<Turn>,
    latest: HashMap<Arc<str>, Latest<O>>,
    coalesced: u64,
}

enum Turn {
    Key(Arc<str>),
    Complete(Cause),
}

/// All that is to be told of a key: what it was is gone, and then what it is.
struct Latest<O> {
    deleted: Option<O>,
    /// Whether it was released instead.
    released: bool,
    applied: Option<O>,
}

impl<O: Object> Queue<O> {
    pub(crate) fn new(capacity: usize) -> Self {
        let (each, order, latest) = Default::default();
        Queue { capacity, each, order, latest, coalesced: 0 }
    }

    pub(crate) fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity;
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.each.is_empty() && self.order.is_empty()
    }

    /// How much waits.
    pub(crate) fn len(&self) -> usize {
        let by_key = self.latest.values();
        let by_key = by_key.map(|it| usize::from(it.deleted.is_some()) + usize::from(it.applied.is_some()));
        let marks = self.order.len() - self.latest.len();
        self.each.len() + by_key.sum::<usize>() + marks
    }

    /// How many states were not told, since later ones came before they could be.
    pub(crate) fn coalesced(&self) -> u64 {
        self.coalesced
    }

    fn has_room(&self) -> bool {
        self.order.is_empty() && self.each.len() < self.capacity
    }

    pub(crate) fn push(&mut self, item: Item<O>) {
        if self.has_room() {
            self.each.push_back(item);
        } else {
            self.keep(item);
        }
    }

    /// What is different in a complete state. It has every key once, so it is no reason to go on by key.
    pub(crate) fn extend(&mut self, items: impl IntoIterator<Item = Item<O>>) {
        if self.has_room() {
            self.each.extend(items);
        } else {
            items.into_iter().for_each(|item| self.keep(item));
        }
    }

    pub(crate) fn pop(&mut self) -> Option<Item<O>> {
        if let Some(item) = self.each.pop_front() {
            return Some(item);
        }
        match self.order.pop_front()? {
            Turn::Complete(cause) => Some(Item::Complete(cause)),
            Turn::Key(key) => match self.latest.remove(&key)? {
                Latest { deleted: Some(deleted), released, applied } => {
                    self.each.extend(applied.map(Item::Applied));
                    Some(if released { Item::Released(deleted) } else { Item::Deleted(deleted) })
                }
                Latest { deleted: None, applied, .. } => applied.map(Item::Applied),
            },
        }
    }

    fn keep(&mut self, item: Item<O>) {
        let object = match &item {
            Item::Applied(object) | Item::Deleted(object) | Item::Released(object) => object,
            Item::Complete(cause) => {
                // One of them says all, and stands where the last did; but that it is the first is never lost.
                let mut cause = *cause;
                self.order.retain(|turn| match turn {
                    Turn::Key(_) => true,
                    Turn::Complete(before) => {
                        self.coalesced += 1;
                        cause = if *before == Cause::Start { Cause::Start } else { cause };
                        false
                    }
                });
                return self.order.push_back(Turn::Complete(cause));
            }
        };
        let key = Arc::from(format!("{}/{}", object.namespace(), object.name()));
        let latest = self.latest.entry(key).or_insert_with_key(|key| {
            self.order.push_back(Turn::Key(key.clone()));
            Latest { deleted: None, released: false, applied: None }
        });
        let releases = matches!(item, Item::Released(_));
        match item {
            Item::Applied(object) => self.coalesced += u64::from(latest.applied.replace(object).is_some()),
            Item::Deleted(object) | Item::Released(object) => {
                match (latest.applied.take(), &mut latest.deleted) {
                    // What came after the deleted one was never told, so its end is not either.
                    (Some(_), Some(before)) => {
                        self.coalesced += 2;
                        // But one that was released and came back is the same one.
                        if before.uid() == object.uid() {
                            (*before, latest.released) = (object, releases);
                        }
                    }
                    (applied, deleted) => {
                        let replaced = deleted.replace(object);
                        latest.released = releases;
                        self.coalesced += u64::from(applied.is_some()) + u64::from(replaced.is_some());
                    }
                }
            }
            Item::Complete(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;
