//! Many objects of one kind.

use crate::kind::Resource;
use crate::meta::v1::ListMeta;
use crate::table::{Field, Kind, Line, Table, field, index, lines, names, slots};
use crate::unknown::Unknown;
use crate::view::{Message, Slot, Value, View};

/// What a list answers: `PodList` is `List<Pod>`.
#[derive(Clone, Default, PartialEq)]
pub struct List<K> {
    /// The resource version of the whole, and where the next page begins.
    pub metadata: ListMeta,
    /// The objects.
    pub items: Vec<K>,
    #[doc(hidden)]
    pub __unknown: Unknown,
}

/// Where the objects are in the table.
pub(crate) const ITEMS: usize = 1;

const FIELDS: [Field; 2] = [field("metadata", 1), field("items", 2).required()];
const NAMES: [&str; 2] = names(&FIELDS);
const LINES: [Line; 2] = lines(&FIELDS);
const INDEX: [u16; slots(2)] = index(&FIELDS);

impl<K: Resource> List<K> {
    const TABLE: &'static Table = &Table::new(
        K::LIST_KIND,
        Some(Kind { api_version: K::API_VERSION, kind: K::LIST_KIND }),
        false,
        &NAMES,
        &LINES,
        &[],
        &INDEX,
    );
}

impl<K: Resource> Message for List<K> {
    fn table(&self) -> &'static Table {
        Self::TABLE
    }

    fn field(&self, position: usize) -> View<'_> {
        let Self { metadata, items, __unknown } = self;
        match position {
            0 => metadata.view(),
            1 => items.view(),
            _ => View::Absent,
        }
    }

    fn field_mut(&mut self, position: usize) -> Option<Slot<'_>> {
        let Self { metadata, items, __unknown } = self;
        match position {
            0 => Some(metadata.slot()),
            1 => Some(items.slot()),
            _ => None,
        }
    }

    fn unknown(&self) -> &Unknown {
        &self.__unknown
    }

    fn unknown_mut(&mut self) -> &mut Unknown {
        &mut self.__unknown
    }
}

impl<K: Resource> std::fmt::Debug for List<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        crate::debug::fmt(self, f)
    }
}

impl<K: Resource> serde_core::Serialize for List<K> {
    fn serialize<S: serde_core::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        crate::codec::serde::serialize(self, serializer)
    }
}

impl<'de, K: Resource> serde_core::Deserialize<'de> for List<K> {
    fn deserialize<D: serde_core::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut value = Self::default();
        crate::codec::serde::deserialize(&mut value, deserializer)?;
        Ok(value)
    }
}
