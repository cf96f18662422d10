//! Many objects of one kind.

use crate::dynamic::Json;
use crate::kind::Resource;
use crate::meta::v1::ListMeta;
use crate::table::{Field, Kind, Line, Table, field, index, lines, names, slots};
use crate::text::Str;
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
    const TABLE: &'static Table = &if K::KIND.is_empty() {
        Table::new(K::LIST_KIND, None, false, &NAMES, &LINES, &[], &INDEX).at_run_time()
    } else {
        let kind = Kind { api_version: K::API_VERSION, kind: K::LIST_KIND };
        Table::new(K::LIST_KIND, Some(kind), false, &NAMES, &LINES, &[], &INDEX)
    };
}

/// The objects of a list come without their kind, which is that of the list without its end.
pub(crate) fn name_items(list: &mut dyn Message) {
    let said = |name: &str| {
        let (_, raw) = list.unknown().json().iter().find(|(known, _)| known == name)?;
        Json::from(raw).as_str().map(Str::from)
    };
    let (Some(api_version), Some(kind)) = (said("apiVersion"), said("kind")) else { return };
    let Some(Slot::List(items)) = list.field_mut(ITEMS) else { return };
    for at in 0..items.view().len() {
        let Some(Slot::Message(item)) = items.get_mut(at) else { continue };
        name_item(item, &api_version, &kind);
    }
}

/// An object of a list of this kind is told what it is, unless it knows.
pub(crate) fn name_item(item: &mut dyn Message, api_version: &Str, list_kind: &str) {
    let Some(kind) = list_kind.strip_suffix("List").filter(|kind| !kind.is_empty()) else { return };
    for (name, said) in [("apiVersion", api_version.clone()), ("kind", Str::from(kind))] {
        let position = item.table().position(name);
        if let Some(Slot::Str(text)) = position.and_then(|position| item.field_mut(position))
            && text.is_empty()
        {
            *text = said;
        }
    }
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
