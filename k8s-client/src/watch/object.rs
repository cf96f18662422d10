//! What a watch needs to know of an object.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

pub use k8s_api::Object;
use k8s_api::Resource;
use k8s_api::meta::v1::ObjectMeta;
use k8s_api::view::Message;

/// An object whatever its kind. What follows, keeps and hands out objects is written over this and compiled once, in this crate; the
/// types that a user sees are a thin layer that knows the kind.
pub trait AnyObject: Object + Message + Any {
    /// Name, labels and the rest of what every object has.
    fn metadata(&self) -> &ObjectMeta;
}

impl<K: Resource> AnyObject for K {
    fn metadata(&self) -> &ObjectMeta {
        Resource::metadata(self)
    }
}

impl dyn AnyObject {
    /// The object, if it is of this kind.
    pub fn as_kind<K: Resource>(&self) -> Option<&K> {
        (self as &dyn Any).downcast_ref()
    }
}

impl fmt::Debug for dyn AnyObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}@{}", self.namespace(), self.name(), self.resource_version())
    }
}

/// An object as the engine holds it.
pub type Held = Arc<dyn AnyObject>;

/// The object, shared, if it is of this kind.
pub fn into_kind<K: Resource>(held: Held) -> Option<Arc<K>> {
    let any: Arc<dyn Any + Send + Sync> = held;
    any.downcast().ok()
}

/// The name of an object that itself is not there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The namespace; empty for an object of the whole cluster.
    pub namespace: String,
    /// The name.
    pub name: String,
}
