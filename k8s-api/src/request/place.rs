//! Where objects are.

use std::fmt;
use std::marker::PhantomData;

use crate::kind::{Cluster, Namespaced};

/// One place for objects of a scope: a namespace, or the cluster for what lives in none.
pub struct Place<S> {
    namespace: Option<String>,
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
        Place { namespace: namespace.map(str::to_owned), scope: PhantomData }
    }

    pub(super) fn into_namespace(self) -> Option<String> {
        self.namespace
    }
}

impl<S> Clone for Place<S> {
    fn clone(&self) -> Self {
        Place { namespace: self.namespace.clone(), scope: PhantomData }
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
    namespace: Option<String>,
    everywhere: bool,
    scope: PhantomData<fn() -> S>,
}

impl<S> Places<S> {
    pub(super) fn into_parts(self) -> (Option<String>, bool) {
        (self.namespace, self.everywhere)
    }
}

impl<S> From<Place<S>> for Places<S> {
    fn from(place: Place<S>) -> Self {
        Places { namespace: place.namespace, everywhere: false, scope: PhantomData }
    }
}

impl<S> From<Everywhere> for Places<S> {
    fn from(_: Everywhere) -> Self {
        Places { namespace: None, everywhere: true, scope: PhantomData }
    }
}

impl<S> Clone for Places<S> {
    fn clone(&self) -> Self {
        Places { namespace: self.namespace.clone(), everywhere: self.everywhere, scope: PhantomData }
    }
}

impl<S> fmt::Debug for Places<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Places").field(&self.namespace).finish()
    }
}
