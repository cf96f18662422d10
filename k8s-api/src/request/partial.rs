//! Objects of which only the metadata is asked for.

use std::marker::PhantomData;

use super::subresource::Itself;
use super::verb;
use crate::kind::{Accept, Resource};
use crate::meta::v1::ObjectMeta;
use crate::table::{Field, Kind, Line, Table, field, index, lines, names, slots};
use crate::unknown::Unknown;
use crate::view::{Message, Slot, Value, View};

/// The metadata of an object of the kind `K`, and nothing else of it: the server leaves the rest out, which spares both sides
/// most of a large object.
///
/// It is a kind like any other that can be read, listed, followed and patched.
///
/// ```
/// use k8s_api::core::v1::Secret;
/// use k8s_api::request::{List, Partial, Place, Request as _};
///
/// let request = List::<Partial<Secret>>::new(Place::namespace("web")).build()?;
/// assert_eq!(request.uri(), "/api/v1/namespaces/web/secrets");
/// assert_eq!(request.headers()["accept"], "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1");
/// # Ok::<(), k8s_api::request::RequestError>(())
/// ```
pub struct Partial<K> {
    /// Name, labels and the rest of what every object has.
    pub metadata: ObjectMeta,
    #[doc(hidden)]
    pub __unknown: Unknown,
    #[doc(hidden)]
    pub __kind: PhantomData<fn() -> K>,
}

// Not derived: the kind itself needs nothing for it.

impl<K> Clone for Partial<K> {
    fn clone(&self) -> Self {
        let (metadata, __unknown) = (self.metadata.clone(), self.__unknown.clone());
        Partial { metadata, __unknown, __kind: PhantomData }
    }
}

impl<K> Default for Partial<K> {
    fn default() -> Self {
        let (metadata, __unknown) = Default::default();
        Partial { metadata, __unknown, __kind: PhantomData }
    }
}

impl<K> PartialEq for Partial<K> {
    fn eq(&self, other: &Self) -> bool {
        self.metadata == other.metadata && self.__unknown == other.__unknown
    }
}

impl<K> std::fmt::Debug for Partial<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        crate::debug::fmt(self, f)
    }
}

const FIELDS: [Field; 1] = [field("metadata", 1)];
const NAMES: [&str; 1] = names(&FIELDS);
const LINES: [Line; 1] = lines(&FIELDS);
const INDEX: [u16; slots(1)] = index(&FIELDS);
const API_VERSION: &str = "meta.k8s.io/v1";
const KIND: &str = "PartialObjectMetadata";
static TABLE: Table = Table::new(
    "io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadata",
    Some(Kind { api_version: API_VERSION, kind: KIND }),
    false,
    &NAMES,
    &LINES,
    &[],
    &INDEX,
);

impl<K> Message for Partial<K> {
    fn table(&self) -> &'static Table {
        &TABLE
    }

    fn field(&self, position: usize) -> View<'_> {
        match position {
            0 => self.metadata.view(),
            _ => View::Absent,
        }
    }

    fn field_mut(&mut self, position: usize) -> Option<Slot<'_>> {
        match position {
            0 => Some(self.metadata.slot()),
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

impl<K> Value for Partial<K> {
    fn view(&self) -> View<'_> {
        View::Message(self)
    }

    fn slot(&mut self) -> Slot<'_> {
        Slot::Message(self)
    }
}

impl<K: Resource> Resource for Partial<K> {
    type Scope = K::Scope;
    const GROUP: &'static str = K::GROUP;
    const VERSION: &'static str = K::VERSION;
    const KIND: &'static str = KIND;
    const API_VERSION: &'static str = API_VERSION;
    const LIST_KIND: &'static str = "PartialObjectMetadataList";
    const PLURAL: &'static str = K::PLURAL;
    const SINGULAR: &'static str = K::SINGULAR;
    const SHORT_NAMES: &'static [&'static str] = K::SHORT_NAMES;
    const CATEGORIES: &'static [&'static str] = K::CATEGORIES;
    const __ACCEPT: Accept = Accept {
        one: "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
        many: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
    };

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn metadata_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

impl<K: verb::Get> verb::Get<Itself> for Partial<K> {}
impl<K: verb::List> verb::List for Partial<K> {}
impl<K: verb::Watch> verb::Watch for Partial<K> {}
impl<K: verb::Patch> verb::Patch<Itself> for Partial<K> {}
