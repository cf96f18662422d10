//! An object of any kind.

use serde_core::de::Deserializer;
use serde_core::ser::Serializer;

use super::{ApiResource, Json};
use crate::codec::error::DecodeError;
use crate::codec::json;
use crate::kind::{AtRunTime, Resource};
use crate::meta::v1::ObjectMeta;
use crate::path::{FieldPath, PathError, Step};
use crate::raw::RawJson;
use crate::table::{Field, Line, Table, field, index, lines, names, slots};
use crate::text::Str;
use crate::unknown::Unknown;
use crate::view::{Message, Slot, Value, View};

/// An object without a compiled type. Its metadata is typed; everything else is kept as the text that it was, in its
/// order, and is looked into by [path](crate::path) or [JSONPath](crate::jsonpath).
///
/// ```
/// use k8s_api::apps::v1::Deployment;
/// use k8s_api::dynamic::DynamicObject;
///
/// let mut web = DynamicObject::parse(br#"{"apiVersion": "apps/v1", "kind": "Deployment",
///     "metadata": {"name": "web"}, "spec": {"replicas": 2}}"#)?;
/// web.set("spec.replicas", 3)?;
/// web.set("spec.template.metadata.labels['example.com/tier']", "front")?;
/// assert_eq!((web.kind.as_str(), web.metadata.name.as_str()), ("Deployment", "web"));
///
/// let typed: Deployment = web.try_into()?;
/// assert_eq!(typed.spec.replicas, Some(3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default, PartialEq)]
pub struct DynamicObject {
    /// Such as `apps/v1`.
    pub api_version: Str,
    /// Such as `Deployment`.
    pub kind: Str,
    /// Name, labels and the rest of what every object has.
    pub metadata: ObjectMeta,
    #[doc(hidden)]
    pub __unknown: Unknown,
}

const FIELDS: [Field; 3] = [field("apiVersion", 0).omit(), field("kind", 0).omit(), field("metadata", 0)];
const NAMES: [&str; 3] = names(&FIELDS);
const LINES: [Line; 3] = lines(&FIELDS);
const INDEX: [u16; slots(3)] = index(&FIELDS);
static TABLE: Table = Table::new("DynamicObject", None, false, &NAMES, &LINES, &[], &INDEX).at_run_time();

impl DynamicObject {
    /// An empty object of a resource.
    pub fn new(resource: &ApiResource, name: &str) -> DynamicObject {
        let mut object = DynamicObject {
            api_version: resource.api_version().as_str().into(),
            kind: resource.kind.clone(),
            ..DynamicObject::default()
        };
        object.metadata.name = name.into();
        object
    }

    /// Reads it from JSON.
    pub fn parse(json: &[u8]) -> Result<DynamicObject, DecodeError> {
        json::decode(json)
    }

    /// The same object without its type.
    pub fn from_typed<K: Resource>(object: &K) -> Result<DynamicObject, DynamicError> {
        json::decode(&json::encode(object).map_err(DynamicError::new)?).map_err(DynamicError::new)
    }

    /// The same object as a compiled type. Its kind has to be that of the type.
    pub fn try_into<K: Resource>(self) -> Result<K, DynamicError> {
        if self.kind != K::KIND || self.api_version != K::API_VERSION {
            return Err(DynamicError(format!(
                "a {} of {} is no {} of {}",
                self.kind,
                self.api_version,
                K::KIND,
                K::API_VERSION
            )));
        }
        json::decode(&json::encode(&self).map_err(DynamicError::new)?).map_err(DynamicError::new)
    }

    /// The same object as a tree.
    pub fn to_json(&self) -> Result<Json, DynamicError> {
        Json::parse(&json::encode(self).map_err(DynamicError::new)?).map_err(DynamicError::new)
    }

    /// The group of its kind; empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// The version of its kind.
    pub fn version(&self) -> &str {
        self.api_version.split_once('/').map_or(&self.api_version, |(_, version)| version)
    }

    /// The names of its fields in their order, but for `apiVersion`, `kind` and `metadata`.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.__unknown.json().iter().map(|(name, _)| name.as_str())
    }

    /// A field as the text that it was; none of `apiVersion`, `kind` and `metadata`.
    pub fn raw(&self, name: &str) -> Option<&RawJson> {
        self.__unknown.json().iter().find(|(known, _)| known == name).map(|(_, raw)| raw)
    }

    /// What is at a [path](crate::path), such as `spec.template.spec.containers[name=main].image`.
    pub fn get(&self, path: &str) -> Result<Option<Json>, PathError> {
        let (first, rest, _) = split(path)?;
        Ok(self.field(&first).and_then(|value| value.at(&rest).cloned()))
    }

    /// Puts a value at a path. Objects on the way are made.
    pub fn set(&mut self, path: &str, value: impl Into<Json>) -> Result<(), PathError> {
        let (first, rest, whole) = split(path)?;
        let mut field = self.field(&first).unwrap_or_default();
        field
            .set(&rest, value.into())
            .map_err(|_| whole.wrong("it leads through what is no object and no such element"))?;
        self.put(&first, &field).map_err(|reason| whole.wrong(&reason))
    }

    /// Takes out what is at a path; `None` if nothing is.
    pub fn remove(&mut self, path: &str) -> Result<Option<Json>, PathError> {
        let (first, rest, whole) = split(path)?;
        let Some(mut field) = self.field(&first) else { return Ok(None) };
        if rest.is_empty() {
            match first.as_str() {
                "apiVersion" => self.api_version = Str::default(),
                "kind" => self.kind = Str::default(),
                "metadata" => self.metadata = ObjectMeta::default(),
                name => self.__unknown.remove_json(name),
            }
            return Ok(Some(field));
        }
        let Some(removed) = field.remove(&rest) else { return Ok(None) };
        self.put(&first, &field).map_err(|reason| whole.wrong(&reason))?;
        Ok(Some(removed))
    }

    fn field(&self, name: &str) -> Option<Json> {
        match name {
            "apiVersion" => Some(self.api_version.as_str().into()),
            "kind" => Some(self.kind.as_str().into()),
            "metadata" => Json::parse(&json::encode(&self.metadata).ok()?).ok(),
            name => self.raw(name).map(Json::from),
        }
    }

    fn put(&mut self, name: &str, value: &Json) -> Result<(), String> {
        let text =
            || value.as_str().map(Str::from).ok_or_else(|| format!("must be a text, not {}", value.what()));
        match name {
            "apiVersion" => self.api_version = text()?,
            "kind" => self.kind = text()?,
            "metadata" => {
                let raw = value.to_raw();
                self.metadata = json::decode(raw.as_str().as_bytes()).map_err(|error| error.to_string())?;
            }
            name => self.__unknown.set_json(name, value.to_raw()),
        }
        Ok(())
    }
}

/// The field of the object, and the way inside of it.
fn split(path: &str) -> Result<(String, FieldPath, FieldPath), PathError> {
    let whole: FieldPath = path.parse()?;
    match whole.steps().split_first() {
        Some((Step::Field(first), rest)) => Ok((first.clone(), rest.iter().cloned().collect(), whole)),
        _ => Err(whole.wrong("it has to begin with the name of a field")),
    }
}

/// Why an object is not of a type, or can't be one without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DynamicError(String);

impl DynamicError {
    fn new(error: impl std::fmt::Display) -> DynamicError {
        DynamicError(error.to_string())
    }
}

impl std::fmt::Display for DynamicError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for DynamicError {}

impl Message for DynamicObject {
    fn table(&self) -> &'static Table {
        &TABLE
    }

    fn field(&self, position: usize) -> View<'_> {
        let Self { api_version, kind, metadata, __unknown } = self;
        match position {
            0 => api_version.view(),
            1 => kind.view(),
            2 => metadata.view(),
            _ => View::Absent,
        }
    }

    fn field_mut(&mut self, position: usize) -> Option<Slot<'_>> {
        let Self { api_version, kind, metadata, __unknown } = self;
        match position {
            0 => Some(api_version.slot()),
            1 => Some(kind.slot()),
            2 => Some(metadata.slot()),
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

impl Value for DynamicObject {
    fn view(&self) -> View<'_> {
        View::Message(self)
    }

    fn slot(&mut self) -> Slot<'_> {
        Slot::Message(self)
    }
}

/// Which resource it is of is said where it is asked for.
impl Resource for DynamicObject {
    type Scope = AtRunTime;
    const GROUP: &'static str = "";
    const VERSION: &'static str = "";
    const KIND: &'static str = "";
    const API_VERSION: &'static str = "";
    const LIST_KIND: &'static str = "DynamicList";
    const PLURAL: &'static str = "";
    const SINGULAR: &'static str = "";
    const SHORT_NAMES: &'static [&'static str] = &[];
    const CATEGORIES: &'static [&'static str] = &[];

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn metadata_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

/// What is set but for the names of fields is not shown: it may be a Secret.
impl std::fmt::Debug for DynamicObject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        crate::debug::fmt(self, f)
    }
}

impl serde_core::Serialize for DynamicObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        crate::codec::serde::serialize(self, serializer)
    }
}

impl<'de> serde_core::Deserialize<'de> for DynamicObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut value = Self::default();
        crate::codec::serde::deserialize(&mut value, deserializer)?;
        Ok(value)
    }
}

// What the resource does not offer is refused when the request is built.
crate::offers! { DynamicObject: get, list, watch, create, replace, patch, delete, delete_collection }
crate::offers! { DynamicObject, Status(DynamicObject): get, replace, patch }
crate::offers! { DynamicObject, Scale(DynamicObject): get, replace, patch }
crate::offers! { DynamicObject, Approval(DynamicObject): get, replace, patch }
crate::offers! { DynamicObject, EphemeralContainers(DynamicObject): get, replace, patch }
crate::offers! { DynamicObject, Resize(DynamicObject): get, replace, patch }
crate::offers! { DynamicObject, Finalize(DynamicObject): replace }
crate::offers! { DynamicObject, Token(DynamicObject): create }
crate::offers! { DynamicObject, Binding(DynamicObject): create: Status }
crate::offers! { DynamicObject, Eviction(DynamicObject): ask: Status }
crate::offers! { DynamicObject, Log }
crate::offers! { DynamicObject, Exec }
crate::offers! { DynamicObject, Attach }
crate::offers! { DynamicObject, PortForward }
crate::offers! { DynamicObject, Proxy }
