//! Objects by slot, and slots by name.

use std::mem::replace;

use super::hash::same;
use super::slots::Slots;
use super::table::Table;
use crate::watch::Held;

/// Every object has a slot as long as it lives. One that changes stays in its slot, so that nothing else changes.
#[derive(Clone, Default)]
pub(super) struct Named {
    objects: Slots<Kept>,
    table: Table,
}

/// Bytes for namespace and name: most have fewer. Beside a pointer and the lengths they make 80.
const TEXT: usize = 62;

/// An object, and beside it what it is found by. The object's own memory is in no cache, and nobody who seeks another one goes there.
#[derive(Clone)]
struct Kept {
    object: Held,
    /// Where in `text` the namespace ends and the name begins.
    namespace: u8,
    /// Where the name ends, or `LONG`.
    name: u8,
    text: [u8; TEXT],
}

/// The text has no room for these names.
const LONG: u8 = u8::MAX;

/// Lays one behind the other, and says where each ends.
fn lay(text: &mut [u8], namespace: &[u8], name: &[u8]) -> Option<(u8, u8)> {
    let (first, rest) = text.split_at_mut_checked(namespace.len())?;
    first.copy_from_slice(namespace);
    rest.get_mut(..name.len())?.copy_from_slice(name);
    Some((namespace.len().try_into().ok()?, (namespace.len() + name.len()).try_into().ok()?))
}

impl Kept {
    fn new(object: Held) -> Kept {
        let metadata = object.metadata();
        let mut text = [0; TEXT];
        let lengths = lay(&mut text, metadata.namespace.as_bytes(), metadata.name.as_bytes());
        let (namespace, name) = lengths.unwrap_or((0, LONG));
        Kept { object, namespace, name, text }
    }

    /// Namespace and name. Bytes, since strings compare as they do.
    #[inline]
    fn key(&self) -> (&[u8], &[u8]) {
        let text = self.text.get(..self.name.into());
        text.and_then(|text| text.split_at_checked(self.namespace.into())).unwrap_or_else(|| self.long())
    }

    #[cold]
    fn long(&self) -> (&[u8], &[u8]) {
        let metadata = self.object.metadata();
        (metadata.namespace.as_bytes(), metadata.name.as_bytes())
    }
}

impl Named {
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    #[inline]
    pub(super) fn get(&self, slot: u32) -> Option<&Held> {
        self.objects.get(slot).map(|kept| &kept.object)
    }

    /// Everything, by slot.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Held)> {
        self.objects.iter().map(|(slot, kept)| (slot, &kept.object))
    }

    /// Namespace and name of the object in a slot.
    pub(super) fn key(&self, slot: u32) -> Option<(&[u8], &[u8])> {
        self.objects.get(slot).map(Kept::key)
    }

    /// Whether the object in a slot comes before one of this name.
    pub(super) fn before(&self, namespace: &str, name: &str) -> impl Fn(u32) -> bool {
        move |slot| self.key(slot).is_some_and(|key| key < (namespace.as_bytes(), name.as_bytes()))
    }

    #[inline]
    pub(super) fn find(&self, hash: u32, namespace: &str, name: &str) -> Option<(u32, &Held)> {
        self.table.find(hash, |slot| {
            let kept = self.objects.get(slot)?;
            let (other, other_name) = kept.key();
            let found = same(other_name, name.as_bytes()) && same(other, namespace.as_bytes());
            found.then_some((slot, &kept.object))
        })
    }

    /// Adds an object whose name is not there.
    pub(super) fn insert(&mut self, hash: u32, object: Held) -> u32 {
        let slot = self.objects.insert(Kept::new(object));
        self.table.insert(hash, slot);
        slot
    }

    /// Puts another state of an object in its place.
    pub(super) fn replace(&mut self, slot: u32, object: Held) -> Option<Held> {
        self.objects.get_mut(slot).map(|kept| replace(&mut kept.object, object))
    }

    pub(super) fn remove(&mut self, hash: u32, slot: u32) {
        self.table.remove(hash, slot);
        self.objects.remove(slot);
    }

    /// Gives slots anew, by namespace and name, without any between them: what is read together then lies together.
    pub(super) fn sort(&mut self) {
        let mut slots: Vec<_> = self.iter().map(|(slot, _)| slot).collect();
        // Mostly they come in order, which this sort makes use of.
        slots.sort_by_key(|slot| self.key(*slot));
        let mut objects = Slots::default();
        let mut numbers = vec![0; slots.iter().max().map_or(0, |slot| *slot as usize + 1)];
        for slot in slots {
            if let (Some(kept), Some(number)) = (self.objects.get(slot), numbers.get_mut(slot as usize)) {
                *number = objects.insert(kept.clone());
            }
        }
        self.objects = objects;
        self.table.renumber(|slot| numbers.get(slot as usize).copied().unwrap_or(slot));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use k8s_api::core::v1::ConfigMap;

    use super::{Kept, TEXT};

    #[test]
    fn a_name_is_kept_beside_the_object_where_there_is_room() {
        assert_eq!(size_of::<Option<Kept>>(), 80);
        let lengths =
            [(0, 0), (0, 6), (3, 0), (3, 20), (0, 62), (62, 0), (30, 32), (0, 63), (63, 0), (63, 253)];
        for (begin, end) in lengths {
            let mut object = ConfigMap::default();
            object.metadata.namespace = "n".repeat(begin).into();
            object.metadata.name = "m".repeat(end).into();
            let kept = Kept::new(Arc::new(object));
            assert_eq!(kept.key(), ("n".repeat(begin).as_bytes(), "m".repeat(end).as_bytes()));
            assert_eq!(usize::from(kept.name) <= TEXT, begin + end <= TEXT);
        }
    }
}
