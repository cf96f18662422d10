//! A persistent vector with numbered slots.
//!
//! Three levels, the first as wide as it must be: a read is three steps, and a change copies two small nodes.

use std::array;
use std::sync::Arc;

use super::order::Order;

/// Small, since copying a node raises the counter of everything in it.
const LEAF: usize = 8;
const BRANCH: usize = 64;

type Leaf<T> = [Option<T>; LEAF];
type Branch<T> = [Option<Arc<Leaf<T>>>; BRANCH];

#[derive(Clone, Debug)]
pub(super) struct Slots<T> {
    root: Arc<[Arc<Branch<T>>]>,
    /// The slots below `end` without a value, in order, so that the lowest is used first.
    free: Order,
    /// There is nothing from here on. No memory holds as many objects as there are numbers.
    end: u32,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { root: Arc::default(), free: Order::default(), end: 0 }
    }
}

impl<T> Slots<T> {
    #[inline]
    pub(super) fn get(&self, slot: u32) -> Option<&T> {
        let slot = slot as usize;
        let branch = self.root.get(slot / (LEAF * BRANCH))?;
        branch.get(slot / LEAF % BRANCH)?.as_ref()?.get(slot % LEAF)?.as_ref()
    }
}

impl<T> Slots<T> {
    /// Everything, by slot.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        (0..self.end).filter_map(|slot| Some((slot, self.get(slot)?)))
    }
}

impl<T: Clone> Slots<T> {
    pub(super) fn insert(&mut self, value: T) -> u32 {
        let slot = self.free.pop_first().unwrap_or_else(|| {
            self.end = self.end.saturating_add(1);
            self.end - 1
        });
        if let Some(place) = self.place(slot) {
            *place = Some(value);
        }
        slot
    }

    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.place(slot)?.as_mut()
    }

    pub(super) fn remove(&mut self, slot: u32) -> Option<T> {
        self.get(slot)?;
        let value = self.place(slot)?.take()?;
        self.free.insert(slot, &|other| other < slot);
        let leaf = self.leaf(slot)?;
        if leaf.as_ref().is_some_and(|leaf| leaf.iter().all(Option::is_none)) {
            *leaf = None;
        }
        Some(value)
    }

    fn leaf(&mut self, slot: u32) -> Option<&mut Option<Arc<Leaf<T>>>> {
        let slot = slot as usize;
        let at = slot / (LEAF * BRANCH);
        if at >= self.root.len() {
            let more = (self.root.len()..=at).map(|_| Arc::new(array::from_fn(|_| None)));
            self.root = self.root.iter().cloned().chain(more).collect();
        }
        Arc::make_mut(Arc::make_mut(&mut self.root).get_mut(at)?).get_mut(slot / LEAF % BRANCH)
    }

    fn place(&mut self, slot: u32) -> Option<&mut Option<T>> {
        let leaf = self.leaf(slot)?.get_or_insert_with(|| Arc::new(array::from_fn(|_| None)));
        Arc::make_mut(leaf).get_mut(slot as usize % LEAF)
    }
}

#[cfg(test)]
mod tests {
    use super::Slots;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn is_a_map_that_gives_out_its_keys(steps in proptest::collection::vec((0..3_u8, 0..2000_u32), 0..4000)) {
            let (mut slots, mut model) = (Slots::default(), BTreeMap::new());
            let mut held = None;
            for (index, (step, slot)) in steps.iter().enumerate() {
                match step {
                    0 => prop_assert_eq!(model.insert(slots.insert(index), index), None, "a slot that was in use"),
                    1 if model.contains_key(slot) => {
                        let old = slots.get_mut(*slot).map(|value| std::mem::replace(value, index));
                        prop_assert_eq!(old, model.insert(*slot, index));
                    }
                    _ => prop_assert_eq!(slots.remove(*slot), model.remove(slot)),
                }
                if index == steps.len() / 2 {
                    held = Some((slots.clone(), model.clone()));
                }
            }
            let highest = model.len().max(steps.len());
            prop_assert!(slots.end as usize <= highest);
            for (slots, model) in [(slots, model)].into_iter().chain(held) {
                prop_assert!(slots.iter().eq(model.iter().map(|(slot, value)| (*slot, value))));
                for slot in 0..4000 {
                    prop_assert_eq!(slots.get(slot), model.get(&slot));
                }
            }
        }
    }

    #[test]
    fn the_lowest_slot_is_used_first_and_empty_nodes_go() {
        let mut slots = Slots::default();
        for value in 0..2000_u32 {
            assert_eq!(slots.insert(value), value);
        }
        for slot in (0..2000).rev() {
            assert_eq!(slots.remove(slot), Some(slot));
        }
        assert!(slots.root.iter().flat_map(|branch| branch.iter()).all(Option::is_none));
        assert_eq!(slots.insert(7), 0);
    }
}
