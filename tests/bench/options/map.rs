//! A measured option: the map of the models over `BTreeMap`. `cargo xtask bench options` puts it in place of
//! k8s-api/src/map.rs in a copy of the crate.

use std::collections::{BTreeMap, btree_map};
use std::ops::{Deref, DerefMut};

use serde_core::de::{Deserialize, Deserializer};
use serde_core::ser::{Serialize, Serializer};

use crate::text::Str;
use crate::view::{MapSlot, MapView, Slot, Value, View};

/// The map of the models.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Map<K, V>(BTreeMap<K, V>);

impl<K, V> Map<K, V> {
    /// Without entries.
    pub const fn new() -> Map<K, V> {
        Map(BTreeMap::new())
    }

    /// There is nothing to give back.
    pub fn shrink_to_fit(&mut self) {}
}

impl<K, V> Default for Map<K, V> {
    fn default() -> Map<K, V> {
        Map::new()
    }
}

impl<K, V> Deref for Map<K, V> {
    type Target = BTreeMap<K, V>;

    fn deref(&self) -> &BTreeMap<K, V> {
        &self.0
    }
}

impl<K, V> DerefMut for Map<K, V> {
    fn deref_mut(&mut self) -> &mut BTreeMap<K, V> {
        &mut self.0
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for Map<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Map<K, V> {
        Map(entries.into_iter().collect())
    }
}

impl<K: Ord, V> Extend<(K, V)> for Map<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        self.0.extend(entries);
    }
}

impl<K, V> IntoIterator for Map<K, V> {
    type Item = (K, V);
    type IntoIter = btree_map::IntoIter<K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, K, V> IntoIterator for &'a Map<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = btree_map::Iter<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<K: Serialize, V: Serialize> Serialize for Map<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>> Deserialize<'de> for Map<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Map<K, V>, D::Error> {
        BTreeMap::deserialize(deserializer).map(Map)
    }
}

impl<V: Value + Default> Value for Map<Str, V> {
    fn view(&self) -> View<'_> {
        View::Map(self)
    }

    fn slot(&mut self) -> Slot<'_> {
        Slot::Map(self)
    }
}

impl<V: Value> MapView for Map<Str, V> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, index: usize) -> Option<(&str, View<'_>)> {
        let (key, value) = self.0.iter().nth(index)?;
        Some((key, value.view()))
    }
}

impl<V: Value + Default> MapSlot for Map<Str, V> {
    fn entry(&mut self, key: Str) -> Slot<'_> {
        self.0.entry(key).or_default().slot()
    }

    fn fresh(&mut self, key: Str) -> Slot<'_> {
        self.0.entry(key).and_modify(|old| *old = V::default()).or_default().slot()
    }

    fn reserve(&mut self, _more: usize) {}

    fn clear(&mut self) {
        self.0.clear();
    }

    fn shrink(&mut self) {}
}
