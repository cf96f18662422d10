//! A persistent hash table from a hash to a slot number. What stands in the slot is the caller's, so this is compiled once.
//!
//! It is cut into shards by the hash, and these are in groups. A copy shares all of them, and a change copies one shard, which is plain
//! numbers, and one group. What a copy costs is the counters it has to raise, each in a cache line of its own; hence the sizes.

use std::array;
use std::sync::Arc;

#[derive(Clone, Copy, Debug)]
struct Entry {
    hash: u32,
    slot: u32,
}

const FREE: Entry = Entry { hash: 0, slot: u32::MAX };

/// Entries that a shard has on average before the shards are doubled. A shard is plain numbers, which are copied faster than the counters
/// of many small ones are raised.
const SHARD: usize = 200;

/// Shards in a group.
const GROUP: usize = 16;

/// Open addressing with linear probing. The length is a power of two, and an eighth is free at least.
#[derive(Clone, Debug)]
struct Shard {
    entries: Arc<[Entry]>,
    len: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Table {
    /// The length is a power of two.
    groups: Arc<[Arc<[Shard; GROUP]>]>,
    len: usize,
}

impl Default for Table {
    fn default() -> Self {
        Self { groups: groups(1, &Shard::new(8)), len: 0 }
    }
}

fn groups(count: usize, shard: &Shard) -> Arc<[Arc<[Shard; GROUP]>]> {
    (0..count).map(|_| Arc::new(array::from_fn(|_| shard.clone()))).collect()
}

impl Table {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// What `is` finds in the slots with this hash.
    pub(super) fn find<R>(&self, hash: u32, mut is: impl FnMut(u32) -> Option<R>) -> Option<R> {
        let (group, shard) = self.place(hash);
        self.groups.get(group)?.get(shard)?.find(hash, |_, slot| is(slot))
    }

    /// Adds a slot that is not in.
    pub(super) fn insert(&mut self, hash: u32, slot: u32) {
        if self.len >= self.groups.len() * GROUP * SHARD {
            self.double();
        }
        if let Some(shard) = self.shard(hash) {
            shard.insert(Entry { hash, slot });
            self.len += 1;
        }
    }

    /// Removes a slot that is in.
    pub(super) fn remove(&mut self, hash: u32, slot: u32) {
        if self.shard(hash).is_some_and(|shard| shard.remove(hash, slot)) {
            self.len -= 1;
        }
    }

    /// Gives every slot another number.
    pub(super) fn renumber(&mut self, number: impl Fn(u32) -> u32) {
        for group in Arc::make_mut(&mut self.groups) {
            for shard in Arc::make_mut(group) {
                let used =
                    Arc::make_mut(&mut shard.entries).iter_mut().filter(|entry| entry.slot != FREE.slot);
                used.for_each(|entry| entry.slot = number(entry.slot));
            }
        }
    }

    /// Group and shard go by the upper half of the hash, the place in a shard by the lower one.
    fn place(&self, hash: u32) -> (usize, usize) {
        let upper = (hash >> 16) as usize;
        ((upper / GROUP) & (self.groups.len() - 1), upper % GROUP)
    }

    fn shard(&mut self, hash: u32) -> Option<&mut Shard> {
        let (group, shard) = self.place(hash);
        Arc::make_mut(Arc::make_mut(&mut self.groups).get_mut(group)?).get_mut(shard)
    }

    fn double(&mut self) {
        let doubled = groups(self.groups.len() * 2, &Shard::new(SHARD.next_power_of_two()));
        let old = std::mem::replace(&mut self.groups, doubled);
        for entry in old.iter().flat_map(|group| group.iter()).flat_map(Shard::used) {
            if let Some(shard) = self.shard(entry.hash) {
                shard.insert(*entry);
            }
        }
    }
}

impl Shard {
    fn new(length: usize) -> Self {
        Self { entries: vec![FREE; length].into(), len: 0 }
    }

    fn used(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.slot != FREE.slot)
    }

    fn find<R>(&self, hash: u32, mut is: impl FnMut(usize, u32) -> Option<R>) -> Option<R> {
        let mask = self.entries.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let entry = self.entries.get(at)?;
            if entry.slot == FREE.slot {
                return None;
            }
            if entry.hash == hash
                && let Some(found) = is(at, entry.slot)
            {
                return Some(found);
            }
            at = (at + 1) & mask;
        }
    }

    fn insert(&mut self, entry: Entry) {
        // Shards grow by themselves too: hashes of a poor `Hash` may all fall into one.
        if (self.len + 1) * 8 > self.entries.len() * 7 {
            let mut larger = Self::new(self.entries.len() * 2);
            self.entries
                .iter()
                .filter(|entry| entry.slot != FREE.slot)
                .for_each(|entry| larger.insert(*entry));
            *self = larger;
        }
        self.len += 1;
        let entries = Arc::make_mut(&mut self.entries);
        let mask = entries.len() - 1;
        let mut at = entry.hash as usize & mask;
        while let Some(place) = entries.get_mut(at) {
            if place.slot == FREE.slot {
                *place = entry;
                return;
            }
            at = (at + 1) & mask;
        }
    }

    fn remove(&mut self, hash: u32, slot: u32) -> bool {
        let Some(mut free) = self.find(hash, |at, other| (other == slot).then_some(at)) else { return false };
        self.len -= 1;
        let entries = Arc::make_mut(&mut self.entries);
        let mask = entries.len() - 1;
        // What stands behind moves up, unless that were before the place where its search begins.
        let mut at = free;
        loop {
            at = (at + 1) & mask;
            let Some(entry) = entries.get(at).copied().filter(|entry| entry.slot != FREE.slot) else { break };
            let begin = entry.hash as usize & mask;
            if at.wrapping_sub(begin) & mask >= at.wrapping_sub(free) & mask {
                if let Some(place) = entries.get_mut(free) {
                    *place = entry;
                }
                free = at;
            }
        }
        if let Some(place) = entries.get_mut(free) {
            *place = FREE;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::Table;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        /// Hashes of few values, so that places collide; slots of many, so that shards split.
        #[test]
        fn is_a_set_of_pairs(
            steps in proptest::collection::vec((any::<bool>(), 0..3000_u32), 0..4000),
            shift in prop::sample::select(vec![0_u32, 5, 13, 24]),
            poor in any::<bool>(),
        ) {
            let hash = |slot: u32| if poor { (slot % 97).wrapping_mul(0x9e37_79b9) } else { (slot * 7) << shift };
            let (mut table, mut model) = (Table::default(), BTreeSet::new());
            let mut held = None;
            for (index, (add, slot)) in steps.iter().enumerate() {
                if *add && model.insert(*slot) {
                    table.insert(hash(*slot), *slot);
                } else if !add && model.remove(slot) {
                    table.remove(hash(*slot), *slot);
                }
                if index == steps.len() / 2 {
                    held = Some((table.clone(), model.clone()));
                }
            }
            for (table, model) in [(table, model)].into_iter().chain(held) {
                prop_assert_eq!(table.len, model.len());
                for slot in 0..3000 {
                    let found = table.find(hash(slot), |other| (other == slot).then_some(slot));
                    prop_assert_eq!(found, model.contains(&slot).then_some(slot));
                }
            }
        }
    }
}
