//! A persistent sorted list of slot numbers. What the order is, the caller says at each call, so this is compiled once.
//!
//! It is a list of chunks. A copy shares all of them, and a change copies one, which is plain numbers.

use std::slice;
use std::sync::Arc;

/// A chunk of so many is split: small enough to copy, large enough for few chunks. Smaller in tests, to have many.
const CHUNK: usize = if cfg!(test) { 64 } else { 1024 };

#[derive(Clone, Debug, Default)]
pub(super) struct Order {
    /// None is empty.
    chunks: Arc<Vec<Arc<Vec<u32>>>>,
    len: usize,
}

/// Says whether a slot comes before what is sought. Not generic, so that a kind of objects adds no code here.
pub(super) type Before<'a> = &'a dyn Fn(u32) -> bool;

/// A place: the chunk, and where in it.
type Place = (usize, usize);

impl Order {
    /// Of slots that are in order.
    pub(super) fn of(slots: &[u32]) -> Self {
        // With room, so that the next insertions split nothing.
        let chunks = slots.chunks(CHUNK - CHUNK / 4).map(|chunk| Arc::new(chunk.to_vec()));
        Self { chunks: Arc::new(chunks.collect()), len: slots.len() }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The first place that is not `before` what is sought.
    fn place(&self, before: Before<'_>) -> Place {
        let begins_before = |chunk: &Arc<Vec<u32>>| chunk.first().is_some_and(|slot| before(*slot));
        let chunk = self.chunks.partition_point(begins_before).saturating_sub(1);
        (chunk, self.chunks.get(chunk).map_or(0, |chunk| chunk.partition_point(|slot| before(*slot))))
    }

    /// Puts a slot behind all that are `before` it.
    pub(super) fn insert(&mut self, slot: u32, before: Before<'_>) {
        let (at, place) = self.place(before);
        self.len += 1;
        let chunks = Arc::make_mut(&mut self.chunks);
        let Some(chunk) = chunks.get_mut(at) else {
            chunks.push(Arc::new(vec![slot]));
            return;
        };
        if Arc::get_mut(chunk).is_none() {
            // A plain copy would have no room, and be copied once more at once.
            let mut copy = Vec::with_capacity(chunk.len() + chunk.len() / 8 + 1);
            copy.extend_from_slice(chunk);
            *chunk = Arc::new(copy);
        }
        let chunk = Arc::make_mut(chunk);
        chunk.insert(place.min(chunk.len()), slot);
        if chunk.len() >= CHUNK {
            // Names often come in order; then the last chunk is left full.
            let is_end = place + 1 == chunk.len();
            let rest = chunk.split_off(if is_end { chunk.len() - 1 } else { chunk.len() / 2 });
            chunks.insert(at + 1, Arc::new(rest));
        }
    }

    /// Removes a slot that has the place behind all that are `before` it.
    pub(super) fn remove(&mut self, slot: u32, before: Before<'_>) {
        let (mut at, mut place) = self.place(before);
        if self.chunks.get(at).is_some_and(|chunk| place == chunk.len()) {
            (at, place) = (at + 1, 0);
        }
        if self.chunks.get(at).and_then(|chunk| chunk.get(place)) == Some(&slot) {
            self.take(at, place);
        }
    }

    pub(super) fn pop_first(&mut self) -> Option<u32> {
        (self.len > 0).then(|| self.take(0, 0)).flatten()
    }

    fn take(&mut self, at: usize, place: usize) -> Option<u32> {
        let chunks = Arc::make_mut(&mut self.chunks);
        let chunk = Arc::make_mut(chunks.get_mut(at)?);
        let slot = (place < chunk.len()).then(|| chunk.remove(place))?;
        self.len -= 1;
        let left = chunk.len();
        // Two that fit into half a chunk become one, so that there are never many small ones.
        let next = chunks.get(at + 1).map_or(CHUNK, |next| next.len());
        if left == 0 {
            chunks.remove(at);
        } else if left + next <= CHUNK / 2 {
            let next = chunks.remove(at + 1);
            if let Some(chunk) = chunks.get_mut(at) {
                Arc::make_mut(chunk).extend_from_slice(&next);
            }
        }
        Some(slot)
    }

    /// All from the first that is not `before` what is sought up to the first that is not before its `end`.
    pub(super) fn range(&self, before: Before<'_>, end: Before<'_>) -> Walk<'_> {
        let ((first, from), (last, to)) = (self.place(before), self.place(end));
        let chunk = |at: usize| self.chunks.get(at).map_or(&[][..], |chunk| chunk);
        if first >= last {
            return Walk::of(chunk(first).get(from..to).unwrap_or_default());
        }
        Walk {
            chunk: chunk(first).get(from..).unwrap_or_default().iter(),
            chunks: self.chunks.get(first + 1..last).unwrap_or_default().iter(),
            last: chunk(last).get(..to).unwrap_or_default().iter(),
        }
    }

    pub(super) fn iter(&self) -> Walk<'_> {
        Walk { chunk: [].iter(), chunks: self.chunks.iter(), last: [].iter() }
    }
}

/// Slots in order.
#[derive(Clone, Debug)]
pub(super) struct Walk<'a> {
    chunk: slice::Iter<'a, u32>,
    chunks: slice::Iter<'a, Arc<Vec<u32>>>,
    /// What is meant of the chunk behind those.
    last: slice::Iter<'a, u32>,
}

impl Walk<'_> {
    pub(super) fn of(slots: &[u32]) -> Walk<'_> {
        Walk { chunk: slots.iter(), chunks: [].iter(), last: [].iter() }
    }
}

impl Iterator for Walk<'_> {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        loop {
            if let Some(slot) = self.chunk.next() {
                return Some(*slot);
            }
            match self.chunks.next() {
                Some(chunk) => self.chunk = chunk.iter(),
                None => return self.last.next().copied(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Order;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn check(order: &Order, model: &BTreeSet<u32>) {
        assert_eq!(order.len(), model.len());
        assert!(order.iter().eq(model.iter().copied()));
        for from in [0, 1, 63, 64, 700, 2999, 4000] {
            for to in [0, 1, 64, 100, 701, 3000, 5000] {
                let expected = model.range(from.min(to)..to).copied();
                assert!(order.range(&|slot| slot < from.min(to), &|slot| slot < to).eq(expected));
            }
        }
        let sizes: Vec<_> = order.chunks.iter().map(|chunk| chunk.len()).collect();
        assert!(sizes.iter().all(|size| (1..super::CHUNK).contains(size)), "{sizes:?}");
    }

    proptest! {
        /// Runs of neighbours, so that chunks fill, split, empty and merge.
        #[test]
        fn is_a_sorted_set(steps in proptest::collection::vec((any::<bool>(), 0..3000_u32, 0..600_u32, any::<bool>()), 0..24)) {
            let (mut order, mut model) = (Order::default(), BTreeSet::new());
            let mut held = Vec::new();
            for (add, first, count, down) in steps {
                held.push((order.clone(), model.clone()));
                let mut slots: Vec<_> = (first..first + count).collect();
                if down {
                    slots.reverse();
                }
                for slot in slots {
                    if add && model.insert(slot) {
                        order.insert(slot, &|other| other < slot);
                    } else if !add && model.remove(&slot) {
                        order.remove(slot, &|other| other < slot);
                    }
                }
                check(&order, &model);
            }
            held.iter().for_each(|(order, model)| check(order, model));
            let slots: Vec<_> = model.iter().copied().collect();
            check(&Order::of(&slots), &model);
            prop_assert_eq!(order.pop_first(), model.pop_first());
            check(&order, &model);
        }
    }
}
