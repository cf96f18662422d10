//! Reading objects.

use std::borrow::Cow;
use std::marker::PhantomData;

use super::answer::Events;
use super::parts::{Kind, Parts, changes, operation};
use super::place::{Place, Places};
use super::printed::AsTable;
use super::subresource::{Itself, Part};
use super::{Request, RequestError, verb};
use crate::list;
use crate::operation::{Operation, Retry, Verb};
use crate::transport::Body;

/// Reads one object, or a part of one.
#[derive(Clone, Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct Get<K, S = Itself> {
    parts: Parts,
    kind: PhantomData<fn() -> (K, S)>,
}

impl<K: verb::Get<S>, S: Part> Get<K, S> {
    const OPERATION: &'static Operation = &operation::<K, S>(Verb::Get, Retry::Read);

    /// The object of this name.
    pub fn new(place: Place<K::Scope>, name: &str) -> Self {
        Get { parts: Parts::new(place.into_namespace(), Some(name)), kind: PhantomData }
    }

    /// A state that is not older than this version; `0` is whatever the server has at hand. Without it the state is the
    /// latest one.
    // The documents leave it out, and the server takes it.
    pub fn version(mut self, version: &str) -> Self {
        self.parts.query.set("resourceVersion", &version);
        self
    }

    /// The same as a table for people.
    pub fn table(self) -> AsTable<Self> {
        AsTable::new(self)
    }

    changes!();
    crate::__get_options!(methods);
}

impl<K: verb::Get<S>, S: Part> Request for Get<K, S> {
    type Answer = K::Object;
    const OPTIONS: &'static [&'static [&'static str]] = &[crate::__get_options!(names)];

    fn operation(&self) -> Cow<'static, Operation> {
        self.parts.operation(Self::OPERATION)
    }

    fn build(&self) -> Result<http::Request<Body>, RequestError> {
        self.parts.build(Self::OPERATION, Kind::of::<K>(), None)
    }
}

/// Reads many objects.
#[derive(Clone, Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct List<K> {
    parts: Parts,
    kind: PhantomData<fn() -> K>,
}

fn many<S>(places: Places<S>) -> Parts {
    Parts::new(places.into_where(), None)
}

impl<K: verb::List> List<K> {
    const OPERATION: &'static Operation = &operation::<K, Itself>(Verb::List, Retry::Read);

    /// All objects at a place, or everywhere.
    pub fn new(places: impl Into<Places<K::Scope>>) -> Self {
        List { parts: many(places.into()), kind: PhantomData }
    }

    /// Whether it says how many objects there may be at most.
    pub fn is_limited(&self) -> bool {
        self.parts.query.has("limit")
    }

    /// The page after the one that ended with this token. The token fixes the version, and the server refuses another one beside it.
    pub fn next_page(&self, token: &str) -> Self {
        let mut next = self.clone();
        next.parts.query.remove("resourceVersion");
        next.parts.query.remove("resourceVersionMatch");
        next.parts.query.set("continue", &token);
        next
    }

    /// The same as a table for people.
    pub fn table(self) -> AsTable<Self> {
        AsTable::new(self)
    }

    changes!();
    crate::__select_options!(methods);
    crate::__page_options!(methods);
}

impl<K: verb::List> Request for List<K> {
    type Answer = list::List<K>;
    const OPTIONS: &'static [&'static [&'static str]] =
        &[crate::__select_options!(names), crate::__page_options!(names)];

    fn operation(&self) -> Cow<'static, Operation> {
        self.parts.operation(Self::OPERATION)
    }

    fn build(&self) -> Result<http::Request<Body>, RequestError> {
        self.parts.build(Self::OPERATION, Kind::of::<K>(), None)
    }
}

/// The options that say which objects are meant.
const SELECTS: &[&str] = &["labelSelector", "fieldSelector", "shardSelector"];

/// Follows what happens to objects.
#[derive(Clone, Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct Watch<K> {
    parts: Parts,
    kind: PhantomData<fn() -> K>,
}

impl<K: verb::Watch> Watch<K> {
    /// Never repeated by itself: what asks for it knows where to go on.
    const OPERATION: &'static Operation = &operation::<K, Itself>(Verb::Watch, Retry::Never);

    /// All objects at a place, or everywhere.
    pub fn new(places: impl Into<Places<K::Scope>>) -> Self {
        let mut parts = many(places.into());
        parts.query.set("watch", &true);
        Watch { parts, kind: PhantomData }
    }

    /// A watch of the same objects that says nothing of where it begins, what it tells and when it ends.
    pub fn anew(&self) -> Self {
        let mut watch = self.clone();
        watch.parts.query.keep(SELECTS);
        watch.parts.query.set("watch", &true);
        watch
    }

    /// A list of the same objects.
    pub fn list(&self) -> List<K>
    where
        K: verb::List,
    {
        let mut list = List { parts: self.parts.clone(), kind: PhantomData };
        list.parts.query.keep(SELECTS);
        list
    }

    /// What an option was set to, by the name of its parameter.
    #[doc(hidden)]
    pub fn __option(&self, name: &str) -> Option<&str> {
        self.parts.query.get(name)
    }

    changes!();
    crate::__select_options!(methods);
    crate::__watch_options!(methods);
}

impl<K: verb::Watch> Request for Watch<K> {
    type Answer = Events<K>;
    const OPTIONS: &'static [&'static [&'static str]] =
        &[&["watch"], crate::__select_options!(names), crate::__watch_options!(names)];

    fn operation(&self) -> Cow<'static, Operation> {
        self.parts.operation(Self::OPERATION)
    }

    fn build(&self) -> Result<http::Request<Body>, RequestError> {
        self.parts.build(Self::OPERATION, Kind::of::<K>(), None)
    }
}
