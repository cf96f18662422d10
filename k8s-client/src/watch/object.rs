//! What a watch needs to know of an object.

use std::sync::Arc;

/// An object's identity and version, borrowed from the object.
pub trait Object {
    /// `metadata.namespace`; empty for an object of the whole cluster.
    fn namespace(&self) -> &str;
    /// `metadata.name`.
    fn name(&self) -> &str;
    /// `metadata.uid`: tells an object from a later one of the same name.
    fn uid(&self) -> &str;
    /// `metadata.resourceVersion`.
    fn resource_version(&self) -> &str;
}

impl<O: Object + ?Sized> Object for Arc<O> {
    fn namespace(&self) -> &str {
        (**self).namespace()
    }

    fn name(&self) -> &str {
        (**self).name()
    }

    fn uid(&self) -> &str {
        (**self).uid()
    }

    fn resource_version(&self) -> &str {
        (**self).resource_version()
    }
}

/// The name of an object that itself is not there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The namespace; empty for an object of the whole cluster.
    pub namespace: String,
    /// The name.
    pub name: String,
}
