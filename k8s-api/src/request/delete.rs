//! Deleting objects.

use std::borrow::Cow;
use std::marker::PhantomData;

use super::answer::Deleted;
use super::parts::{JSON, Kind, Parts, changes, operation};
use super::place::Place;
use super::subresource::Itself;
use super::{Request, RequestError, verb};
use crate::codec::error::EncodeError;
use crate::codec::json;
use crate::list;
use crate::meta::v1::DeleteOptions;
use crate::operation::{Operation, Retry, Verb};
use crate::transport::Body;

/// The options go into the body: with a body the server does not look for them in the query, and preconditions fit only there.
fn body(options: &DeleteOptions) -> Option<(&'static str, Result<Vec<u8>, EncodeError>)> {
    (*options != DeleteOptions::default()).then(|| (JSON, json::encode(options)))
}

/// Deletes one object.
#[derive(Clone, Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct Delete<K> {
    parts: Parts,
    options: DeleteOptions,
    kind: PhantomData<fn() -> K>,
}

impl<K: verb::Delete> Delete<K> {
    const OPERATION: &'static Operation = &operation::<K, Itself>(Verb::Delete, Retry::Write);

    /// The object of this name.
    pub fn new(place: Place<K::Scope>, name: &str) -> Self {
        let parts = Parts::new(place.into_namespace(), Some(name));
        Delete { parts, options: DeleteOptions::default(), kind: PhantomData }
    }

    #[doc(hidden)]
    pub fn __options(&mut self) -> &mut DeleteOptions {
        &mut self.options
    }

    changes!();
    crate::__delete_options!(methods);
    crate::__precondition_options!(methods);
    crate::__get_options!(methods);
}

impl<K: verb::Delete> Request for Delete<K> {
    type Answer = Deleted<K>;
    const OPTIONS: &'static [&'static [&'static str]] = &[
        crate::__delete_options!(names),
        crate::__precondition_options!(names),
        crate::__get_options!(names),
    ];

    fn operation(&self) -> Cow<'static, Operation> {
        self.parts.operation(Self::OPERATION)
    }

    fn build(&self) -> Result<http::Request<Body>, RequestError> {
        self.parts.build(Self::OPERATION, Kind::of::<K>(), body(&self.options))
    }
}

/// Deletes many objects, one after the other: not all of them or none.
#[derive(Clone, Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct DeleteCollection<K> {
    parts: Parts,
    options: DeleteOptions,
    kind: PhantomData<fn() -> K>,
}

impl<K: verb::DeleteCollection> DeleteCollection<K> {
    const OPERATION: &'static Operation = &operation::<K, Itself>(Verb::DeleteCollection, Retry::Write);

    /// Every object in this place that the options select: all of them, if they say nothing.
    pub fn new(place: Place<K::Scope>) -> Self {
        let parts = Parts::new(place.into_namespace(), None);
        DeleteCollection { parts, options: DeleteOptions::default(), kind: PhantomData }
    }

    #[doc(hidden)]
    pub fn __options(&mut self) -> &mut DeleteOptions {
        &mut self.options
    }

    changes!();
    crate::__select_options!(methods);
    crate::__page_options!(methods);
    crate::__delete_options!(methods);
}

impl<K: verb::DeleteCollection> Request for DeleteCollection<K> {
    type Answer = Deleted<list::List<K>>;
    const OPTIONS: &'static [&'static [&'static str]] =
        &[crate::__select_options!(names), crate::__page_options!(names), crate::__delete_options!(names)];

    fn operation(&self) -> Cow<'static, Operation> {
        self.parts.operation(Self::OPERATION)
    }

    fn build(&self) -> Result<http::Request<Body>, RequestError> {
        self.parts.build(Self::OPERATION, Kind::of::<K>(), body(&self.options))
    }
}
