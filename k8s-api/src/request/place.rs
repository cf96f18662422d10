//! Where objects are.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::dynamic::ApiResource;
use crate::kind::{AtRunTime, Cluster, Namespaced};

/// One place for objects of a scope: a namespace, or the cluster for what lives in none.
pub struct Place<S> {
    namespace: Option<String>,
    resource: Option<Arc<ApiResource>>,
    scope: PhantomData<fn() -> S>,
}

impl Place<Namespaced> {
    /// A namespace.
    pub fn namespace(name: &str) -> Place<Namespaced> {
        Place::of(Some(name))
    }
}

impl Place<Cluster> {
    /// The cluster itself.
    pub fn cluster() -> Place<Cluster> {
        Place::of(None)
    }
}

impl<S> Place<S> {
    /// For what is generic over the scope: a namespace too many or too few is an error when the request is built.
    pub fn of(namespace: Option<&str>) -> Place<S> {
        Place { namespace: namespace.map(str::to_owned), resource: None, scope: PhantomData }
    }

    /// What a client's own type goes through.
    #[doc(hidden)]
    pub fn __of(self, resource: Option<Arc<ApiResource>>) -> Self {
        Place { resource, ..self }
    }

    pub(super) fn into_namespace(self) -> Where {
        Where { namespace: self.namespace, everywhere: false, resource: self.resource }
    }
}

impl Place<AtRunTime> {
    /// The objects of this resource.
    pub fn resource(self, resource: impl Into<Arc<ApiResource>>) -> Place<AtRunTime> {
        Place { resource: Some(resource.into()), ..self }
    }
}

impl From<&ApiResource> for Arc<ApiResource> {
    fn from(resource: &ApiResource) -> Arc<ApiResource> {
        Arc::new(resource.clone())
    }
}

/// What a place says.
#[derive(Clone, Debug, Default)]
pub(super) struct Where {
    pub(super) namespace: Option<String>,
    /// Every namespace is meant, not a forgotten one.
    pub(super) everywhere: bool,
    /// For a kind that is only known at run time.
    pub(super) resource: Option<Arc<ApiResource>>,
}

impl<S> Clone for Place<S> {
    fn clone(&self) -> Self {
        Place { namespace: self.namespace.clone(), resource: self.resource.clone(), scope: PhantomData }
    }
}

impl<S> fmt::Debug for Place<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Place").field(&self.namespace).finish()
    }
}

/// Every namespace at once: what is there can be listed and watched.
#[derive(Clone, Copy, Debug, Default)]
pub struct Everywhere;

/// What can be listed and watched: a [`Place`] or [`Everywhere`].
pub struct Places<S> {
    all: Where,
    scope: PhantomData<fn() -> S>,
}

impl<S> Places<S> {
    /// What a client's own type goes through.
    #[doc(hidden)]
    pub fn __of(mut self, resource: Option<Arc<ApiResource>>) -> Self {
        self.all.resource = resource;
        self
    }

    pub(super) fn into_where(self) -> Where {
        self.all
    }
}

impl Places<AtRunTime> {
    /// The objects of this resource.
    pub fn resource(mut self, resource: impl Into<Arc<ApiResource>>) -> Places<AtRunTime> {
        self.all.resource = Some(resource.into());
        self
    }
}

impl<S> From<Place<S>> for Places<S> {
    fn from(place: Place<S>) -> Self {
        Places { all: place.into_namespace(), scope: PhantomData }
    }
}

impl<S> From<Everywhere> for Places<S> {
    fn from(_: Everywhere) -> Self {
        Places { all: Where { everywhere: true, ..Where::default() }, scope: PhantomData }
    }
}

impl<S> Clone for Places<S> {
    fn clone(&self) -> Self {
        Places { all: self.all.clone(), scope: PhantomData }
    }
}

impl<S> fmt::Debug for Places<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Places").field(&self.all.namespace).finish()
    }
}
