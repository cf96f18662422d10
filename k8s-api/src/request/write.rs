//! Writing objects.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::Arc;

use super::document::PatchDocument;
use super::parts::{JSON, Kind, Parts, changes, operation};
use super::place::Place;
use super::subresource::{Itself, Part, Subresource};
use super::{Request, RequestError, verb};
use crate::codec::{apply, json};
use crate::operation::{Operation, Retry, Verb};
use crate::transport::Body;
use crate::view::Message;

/// What is sent: the caller's own, or made for the request.
#[derive(Clone)]
enum Sent<'a> {
    Borrowed(&'a dyn Message),
    Owned(Arc<dyn Message>),
}

/// Makes an object, or something at an object.
#[derive(Clone)]
#[must_use = "a request does nothing until it is sent"]
pub struct Create<'a, K, S = Itself> {
    parts: Parts,
    object: Sent<'a>,
    kind: PhantomData<fn() -> (K, S)>,
}

impl<'a, K: verb::Create> Create<'a, K> {
    /// A new object. With `metadata.generateName` the server finds its name.
    pub fn new(place: Place<K::Scope>, object: &'a K) -> Self {
        let object = Sent::Borrowed(object);
        Create { parts: Parts::new(place.into_namespace(), None), object, kind: PhantomData }
    }
}

impl<'a, K: verb::Create<S>, S: Subresource> Create<'a, K, S> {
    /// At the object of this name.
    pub fn on(place: Place<K::Scope>, name: &str, object: &'a K::Object) -> Self {
        let object = Sent::Borrowed(object);
        Create { parts: Parts::new(place.into_namespace(), Some(name)), object, kind: PhantomData }
    }

    /// At the object of this name, with what the request keeps.
    pub fn with(place: Place<K::Scope>, name: &str, object: K::Object) -> Self {
        let object = Sent::Owned(Arc::new(object));
        Create { parts: Parts::new(place.into_namespace(), Some(name)), object, kind: PhantomData }
    }
}

impl<K: verb::Create<S>, S: Part> Create<'_, K, S> {
    const OPERATION: &'static Operation = &operation::<K, S>(Verb::Create, <K as verb::Create<S>>::RETRY);

    changes!();
    crate::__write_options!(methods);
    crate::__manager_options!(methods);
}

impl<K: verb::Create<S>, S: Part> Request for Create<'_, K, S> {
    type Answer = <K as verb::Create<S>>::Answer;
    const OPTIONS: &'static [&'static [&'static str]] =
        &[crate::__write_options!(names), crate::__manager_options!(names)];

    fn operation(&self) -> Cow<'static, Operation> {
        self.parts.operation(Self::OPERATION)
    }

    fn build(&self) -> Result<http::Request<Body>, RequestError> {
        let object = match &self.object {
            Sent::Borrowed(object) => *object,
            Sent::Owned(object) => &**object,
        };
        self.parts.build(Self::OPERATION, Kind::of::<K>(), Some((JSON, json::encode(object))))
    }
}

/// Replaces an object, or a part of one.
#[derive(Clone)]
#[must_use = "a request does nothing until it is sent"]
pub struct Replace<'a, K, S = Itself> {
    parts: Parts,
    object: &'a dyn Message,
    kind: PhantomData<fn() -> (K, S)>,
}

impl<'a, K: verb::Replace> Replace<'a, K> {
    /// The object of the same name. With `metadata.resourceVersion` set it fails as a conflict when somebody else was
    /// faster.
    pub fn new(place: Place<K::Scope>, object: &'a K) -> Self {
        let name = object.metadata().name.as_str();
        Replace { parts: Parts::new(place.into_namespace(), Some(name)), object, kind: PhantomData }
    }
}

impl<'a, K: verb::Replace<S>, S: Subresource> Replace<'a, K, S> {
    /// A part of the object of this name.
    pub fn on(place: Place<K::Scope>, name: &str, object: &'a K::Object) -> Self {
        Replace { parts: Parts::new(place.into_namespace(), Some(name)), object, kind: PhantomData }
    }
}

impl<'a, K: verb::Replace<S>, S: Part> Replace<'a, K, S> {
    /// The object of this name, or a part of it: for what is generic over which.
    #[doc(hidden)]
    pub fn __named(place: Place<K::Scope>, name: &str, object: &'a K::Object) -> Self {
        Replace { parts: Parts::new(place.into_namespace(), Some(name)), object, kind: PhantomData }
    }

    const OPERATION: &'static Operation = &operation::<K, S>(Verb::Update, Retry::Write);

    changes!();
    crate::__write_options!(methods);
    crate::__manager_options!(methods);
}

impl<K: verb::Replace<S>, S: Part> Request for Replace<'_, K, S> {
    type Answer = K::Object;
    const OPTIONS: &'static [&'static [&'static str]] =
        &[crate::__write_options!(names), crate::__manager_options!(names)];

    fn operation(&self) -> Cow<'static, Operation> {
        self.parts.operation(Self::OPERATION)
    }

    fn build(&self) -> Result<http::Request<Body>, RequestError> {
        self.parts.build(Self::OPERATION, Kind::of::<K>(), Some((JSON, json::encode(self.object))))
    }
}

/// Changes a part of an object.
#[derive(Clone, Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct Patch<K, S = Itself> {
    parts: Parts,
    document: PatchDocument,
    kind: PhantomData<fn() -> (K, S)>,
}

impl<K: verb::Patch<S>, S: Part> Patch<K, S> {
    const OPERATION: &'static Operation = &operation::<K, S>(Verb::Patch, Retry::Write);

    /// The object of this name.
    pub fn new(place: Place<K::Scope>, name: &str, document: &PatchDocument) -> Self {
        let parts = Parts::new(place.into_namespace(), Some(name));
        Patch { parts, document: document.clone(), kind: PhantomData }
    }

    changes!();
    crate::__write_options!(methods);
    crate::__manager_options!(methods);
}

impl<K: verb::Patch<S>, S: Part> Request for Patch<K, S> {
    type Answer = K::Object;
    const OPTIONS: &'static [&'static [&'static str]] =
        &[crate::__write_options!(names), crate::__manager_options!(names)];

    fn operation(&self) -> Cow<'static, Operation> {
        self.parts.operation(Self::OPERATION)
    }

    fn build(&self) -> Result<http::Request<Body>, RequestError> {
        let (content_type, raw) = self.document.content()?;
        let body = (content_type, Ok(raw.as_str().as_bytes().to_vec()));
        self.parts.build(Self::OPERATION, Kind::of::<K>(), Some(body))
    }
}

/// Applies what is set in an object in the name of a manager, which owns those fields from then on.
#[derive(Clone)]
#[must_use = "a request does nothing until it is sent"]
pub struct Apply<'a, K, S = Itself> {
    parts: Parts,
    object: &'a dyn Message,
    /// A new one of its type, which paths are checked against.
    blank: fn() -> Box<dyn Message>,
    own: Vec<String>,
    kind: PhantomData<fn() -> (K, S)>,
}

impl<'a, K: verb::Patch> Apply<'a, K> {
    /// The object of the same name, which is made if there is none.
    pub fn new(place: Place<K::Scope>, object: &'a K, manager: &str) -> Self {
        let name = object.metadata().name.as_str();
        Apply::of(place, name, object, || Box::new(K::default()), manager)
    }
}

impl<'a, K: verb::Patch<S>, S: Subresource> Apply<'a, K, S> {
    /// A part of the object of this name.
    pub fn on(place: Place<K::Scope>, name: &str, object: &'a K::Object, manager: &str) -> Self {
        Apply::of(place, name, object, || Box::new(K::Object::default()), manager)
    }
}

impl<'a, K: verb::Patch<S>, S: Part> Apply<'a, K, S> {
    const OPERATION: &'static Operation = &operation::<K, S>(Verb::Patch, Retry::Write);

    fn of(
        place: Place<K::Scope>,
        name: &str,
        object: &'a dyn Message,
        blank: fn() -> Box<dyn Message>,
        manager: &str,
    ) -> Self {
        let mut parts = Parts::new(place.into_namespace(), Some(name));
        parts.query.set("fieldManager", &manager);
        parts.query.set("force", &false);
        Apply { parts, object, blank, own: Vec::new(), kind: PhantomData }
    }

    /// Owns a field that is zero, which otherwise counts as not set: `spec.minReadySeconds`, `spec.containers[0].tty`.
    pub fn own(mut self, path: &str) -> Self {
        self.own.push(path.to_owned());
        self
    }

    changes!();
    crate::__write_options!(methods);
    crate::__force_options!(methods);
}

impl<K: verb::Patch<S>, S: Part> Request for Apply<'_, K, S> {
    type Answer = K::Object;
    const OPTIONS: &'static [&'static [&'static str]] =
        &[&["fieldManager"], crate::__write_options!(names), crate::__force_options!(names)];

    fn operation(&self) -> Cow<'static, Operation> {
        self.parts.operation(Self::OPERATION)
    }

    fn build(&self) -> Result<http::Request<Body>, RequestError> {
        let own: Vec<&str> = self.own.iter().map(String::as_str).collect();
        let body =
            ("application/apply-patch+yaml", apply::encode_dyn(self.object, &mut *(self.blank)(), &own));
        self.parts.build(Self::OPERATION, Kind::of::<K>(), Some(body))
    }
}

/// Shows where it goes, never the object.
macro_rules! debug {
    ($($type:ident)*) => {$(
        impl<K, S> std::fmt::Debug for $type<'_, K, S> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($type)).field("parts", &self.parts).finish_non_exhaustive()
            }
        }
    )*};
}

debug! { Create Replace Apply }
