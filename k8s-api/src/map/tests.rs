//! Whatever is done to a [`Map`] and to a [`BTreeMap`] gives the same.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher as _};

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Op {
    Insert(u8, u16),
    Remove(u8),
    RemoveEntry(u8),
    GetMut(u8, u16),
    OrInsert(u8, u16),
    AndModifyOrDefault(u8, u16),
    RemoveOccupied(u8),
    Extend(Vec<(u8, u16)>),
    Collect(Vec<(u8, u16)>),
    RetainOdd,
    DoubleValues,
    Clear,
    Shrink,
}

/// Few keys, so that they meet.
fn key() -> impl Strategy<Value = u8> {
    0..24_u8
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (key(), any::<u16>()).prop_map(|(key, value)| Op::Insert(key, value)),
        3 => key().prop_map(Op::Remove),
        1 => key().prop_map(Op::RemoveEntry),
        1 => (key(), any::<u16>()).prop_map(|(key, value)| Op::GetMut(key, value)),
        2 => (key(), any::<u16>()).prop_map(|(key, value)| Op::OrInsert(key, value)),
        2 => (key(), any::<u16>()).prop_map(|(key, value)| Op::AndModifyOrDefault(key, value)),
        1 => key().prop_map(Op::RemoveOccupied),
        1 => vec((key(), any::<u16>()), 0..12).prop_map(Op::Extend),
        1 => vec((key(), any::<u16>()), 0..24).prop_map(Op::Collect),
        1 => Just(Op::RetainOdd),
        1 => Just(Op::DoubleValues),
        1 => Just(Op::Clear),
        1 => Just(Op::Shrink),
    ]
}

/// Does the same to both and returns what each of them returned. A macro, since both only share their method names.
macro_rules! apply {
    ($map:expr, $op:expr) => {{
        let map = $map;
        match $op.clone() {
            Op::Insert(key, value) => map.insert(key, value).map(u32::from),
            Op::Remove(key) => map.remove(&key).map(u32::from),
            Op::RemoveEntry(key) => {
                map.remove_entry(&key).map(|(key, value)| u32::from(key) + u32::from(value))
            }
            Op::GetMut(key, value) => {
                map.get_mut(&key).map(|known| u32::from(std::mem::replace(known, value)))
            }
            Op::OrInsert(key, value) => Some(u32::from(*map.entry(key).or_insert(value))),
            Op::AndModifyOrDefault(key, value) => {
                Some(u32::from(*map.entry(key).and_modify(|known| *known ^= value).or_default()))
            }
            Op::Extend(entries) => {
                map.extend(entries);
                None
            }
            Op::Collect(entries) => {
                *map = entries.into_iter().collect();
                None
            }
            Op::RetainOdd => {
                map.retain(|key, value| key % 2 == 1 || *value % 2 == 1);
                None
            }
            Op::DoubleValues => {
                map.values_mut().for_each(|value| *value = value.wrapping_mul(2));
                for (key, value) in &mut *map {
                    *value ^= u16::from(*key);
                }
                None
            }
            Op::Clear => {
                map.clear();
                None
            }
            Op::RemoveOccupied(_) | Op::Shrink => None,
        }
    }};
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn read_alike(map: &Map<u8, u16>, model: &BTreeMap<u8, u16>) {
    assert_eq!(format!("{map:?} {map:#?}"), format!("{model:?} {model:#?}"));
    assert_eq!(map.len(), model.len());
    assert_eq!(map.is_empty(), model.is_empty());
    assert!(map.iter().eq(model.iter()));
    assert!(map.iter().rev().eq(model.iter().rev()));
    assert!(map.keys().eq(model.keys()));
    assert!(map.values().eq(model.values()));
    assert!(map.clone().into_iter().eq(model.clone()));
    assert!(map.clone().into_keys().eq(model.clone().into_keys()));
    assert!(map.clone().into_values().eq(model.clone().into_values()));
    assert_eq!(map.first_key_value(), model.first_key_value());
    assert_eq!(map.last_key_value(), model.last_key_value());
    for key in 0..25 {
        assert_eq!(map.get(&key), model.get(&key));
        assert_eq!(map.get_key_value(&key), model.get_key_value(&key));
        assert_eq!(map.contains_key(&key), model.contains_key(&key));
        assert!(map.range(key..).eq(model.range(key..)));
        assert!(map.range(..=key).eq(model.range(..=key)));
        assert!(map.range(5..key.max(5)).eq(model.range(5..key.max(5))));
        let above = (Bound::Excluded(key), Bound::Unbounded);
        assert!(map.range(above).eq(model.range(above)));
    }
    let anew = Map::from(model.clone());
    assert_eq!(*map, anew);
    assert_eq!(hash(map), hash(&anew));
    let json = serde_json::to_string(map).unwrap();
    assert_eq!(json, serde_json::to_string(model).unwrap());
    assert_eq!(serde_json::from_str::<Map<u8, u16>>(&json).unwrap(), *map);
}

proptest! {
    #[test]
    fn every_sequence_of_operations_gives_what_a_btree_map_gives(ops in vec(op(), 0..60)) {
        let mut map = Map::new();
        let mut model = BTreeMap::new();
        for op in ops {
            prop_assert_eq!(apply!(&mut map, &op), apply!(&mut model, &op), "after {:?}", op);
            match op {
                Op::RemoveOccupied(key) => {
                    let place = map.entry(key);
                    prop_assert_eq!(*place.key(), key);
                    let removed = match place {
                        Entry::Occupied(mut entry) => {
                            prop_assert_eq!(*entry.key(), key);
                            let value = entry.insert(7);
                            prop_assert_eq!(*entry.get(), 7);
                            prop_assert_eq!(entry.remove(), 7);
                            Some(value)
                        }
                        Entry::Vacant(entry) => {
                            prop_assert_eq!(entry.into_key(), key);
                            None
                        }
                    };
                    prop_assert_eq!(removed, model.remove(&key));
                }
                Op::Shrink => {
                    map.shrink_to_fit();
                    prop_assert_eq!(map.entries.capacity(), map.len());
                }
                _ => {}
            }
            read_alike(&map, &model);
        }
    }

    #[test]
    fn maps_compare_as_btree_maps(a in vec((key(), 0..4_u16), 0..5), b in vec((key(), 0..4_u16), 0..5)) {
        let maps: [Map<u8, u16>; 2] = [a.iter().copied().collect(), b.iter().copied().collect()];
        let models: [BTreeMap<u8, u16>; 2] = [a.into_iter().collect(), b.into_iter().collect()];
        prop_assert_eq!(maps[0].cmp(&maps[1]), models[0].cmp(&models[1]));
        prop_assert_eq!(maps[0] == maps[1], models[0] == models[1]);
    }
}

/// Counts its comparisons.
#[derive(Eq, PartialEq)]
struct Counted<'a>(u32, &'a std::cell::Cell<u32>);

impl Ord for Counted<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.1.set(self.1.get() + 1);
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for Counted<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

#[test]
fn appending_in_order_searches_nothing() {
    let comparisons = std::cell::Cell::new(0);
    let mut map = Map::new();
    for key in 0..1000 {
        map.insert(Counted(key, &comparisons), ());
    }
    assert_eq!(comparisons.get(), 999, "one with the last key each");
}

#[test]
fn a_range_that_ends_before_it_starts_is_empty() {
    let map: Map<i32, i32> = Map::from([(1, 1), (2, 2), (3, 3)]);
    #[allow(clippy::reversed_empty_ranges)]
    let reversed = 3..1;
    assert_eq!(map.range(reversed).count(), 0);
}

#[test]
fn serde_sorts_and_the_last_of_two_counts() {
    let map: Map<Str, i32> = serde_json::from_str(r#"{"b":1,"a":2,"b":3}"#).unwrap();
    assert_eq!(map, Map::from([("a", 2), ("b", 3)]));
    assert_eq!(map.entries.capacity(), 2);
    assert_eq!(serde_json::to_string(&map).unwrap(), r#"{"a":2,"b":3}"#);
    assert!(serde_json::from_str::<Map<Str, i32>>("[]").is_err());
}

#[test]
fn a_codec_fills_and_reads_it() {
    let mut map: Map<Str, i32> = Map::new();
    let slot: &mut dyn MapSlot = &mut map;
    for (key, number) in [("a", 1), ("c", 2), ("b", 3), ("a", 4)] {
        match slot.entry(key.into()) {
            Slot::I32(value) => *value = number,
            _ => panic!("another slot"),
        }
    }
    slot.shrink();
    assert_eq!(map.entries.capacity(), 3);
    let view: &dyn MapView = &map;
    let read: Vec<_> = (0..view.len()).map(|index| view.get(index).unwrap()).collect();
    assert!(matches!(read[..], [("a", View::I32(4)), ("b", View::I32(3)), ("c", View::I32(2))]));
    assert!(view.get(3).is_none());
    MapSlot::clear(&mut map);
    assert!(map.is_empty());
    assert!(matches!(map.slot(), Slot::Map(_)));
    assert!(map.view().is_empty());
}
