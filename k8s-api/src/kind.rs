//! What a kind is called, and how it is addressed.

use std::sync::Arc;

use crate::meta::v1::ObjectMeta;
use crate::view::Message;

/// A kind whose objects have a name and can be asked for.
pub trait Resource: Message + crate::view::Value + Clone + Default + 'static {
    /// [`Namespaced`] or [`Cluster`].
    type Scope: Scope;
    /// Such as `apps`; empty for the core group.
    const GROUP: &'static str;
    /// Such as `v1`.
    const VERSION: &'static str;
    /// Such as `Deployment`.
    const KIND: &'static str;
    /// Such as `apps/v1`; `v1` for the core group.
    const API_VERSION: &'static str;
    /// Such as `DeploymentList`.
    const LIST_KIND: &'static str;
    /// Such as `deployments`.
    const PLURAL: &'static str;
    /// Such as `deployment`.
    const SINGULAR: &'static str;
    /// Such as `deploy`.
    const SHORT_NAMES: &'static [&'static str];
    /// Such as `all`.
    const CATEGORIES: &'static [&'static str];
    /// What the server is asked to make of its objects before it sends them.
    #[doc(hidden)]
    const __ACCEPT: Accept = Accept::ITSELF;

    /// Name, labels and the rest of what every object has.
    fn metadata(&self) -> &ObjectMeta;
    /// Name, labels and the rest of what every object has.
    fn metadata_mut(&mut self) -> &mut ObjectMeta;
}

/// In which form objects are asked for: one of them, and a list of them.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Accept {
    pub(crate) one: &'static str,
    pub(crate) many: &'static str,
}

impl Accept {
    pub(crate) const ITSELF: Accept = Accept { one: "application/json", many: "application/json" };
}

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

impl<K: Resource> Object for K {
    fn namespace(&self) -> &str {
        &self.metadata().namespace
    }

    fn name(&self) -> &str {
        &self.metadata().name
    }

    fn uid(&self) -> &str {
        &self.metadata().uid
    }

    fn resource_version(&self) -> &str {
        &self.metadata().resource_version
    }
}

/// Where the objects of a kind live.
pub trait Scope: sealed::Sealed {
    /// Whether they live in a namespace.
    const NAMESPACED: bool;
}

/// In a namespace.
#[derive(Debug)]
#[non_exhaustive]
pub struct Namespaced;

/// In the cluster itself.
#[derive(Debug)]
#[non_exhaustive]
pub struct Cluster;

/// Where the [`ApiResource`](crate::dynamic::ApiResource) says.
#[derive(Debug)]
#[non_exhaustive]
pub struct AtRunTime;

impl Scope for AtRunTime {
    const NAMESPACED: bool = false;
}

impl Scope for Namespaced {
    const NAMESPACED: bool = true;
}

impl Scope for Cluster {
    const NAMESPACED: bool = false;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Namespaced {}
    impl Sealed for super::AtRunTime {}
    impl Sealed for super::Cluster {}
}
