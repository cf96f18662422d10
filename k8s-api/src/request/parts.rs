//! What every request on a resource is made of.

use std::borrow::Cow;
use std::fmt::{self, Display};

use bytes::Bytes;
use http::Method;

use super::RequestError;
use super::path;
use super::place::Where;
use super::subresource::Part;
use crate::codec::error::EncodeError;
use crate::kind::{Accept, Resource, Scope};
use crate::operation::{Operation, Retry, Verb};
use crate::transport::Body;

pub(super) const JSON: &str = "application/json";

/// An operation on a kind, or on a part of its objects.
pub(super) const fn operation<K: Resource, S: Part>(verb: Verb, retry: Retry) -> Operation {
    Operation {
        verb,
        group: Cow::Borrowed(K::GROUP),
        version: Cow::Borrowed(K::VERSION),
        resource: Cow::Borrowed(K::PLURAL),
        subresource: Cow::Borrowed(S::NAME),
        retry,
    }
}

/// What is sent to somebody else, which only they know.
#[derive(Clone)]
pub(super) struct Hidden(pub(super) Bytes);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// Names and values of a query, in the order in which they were first set.
#[derive(Clone, Default)]
pub(super) struct Query(Vec<(&'static str, String)>);

/// Without the words of a command, one of which may be a password.
impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |(name, value): &(&'static str, String)| match *name {
            "command" => (*name, "..".to_owned()),
            _ => (*name, value.clone()),
        };
        f.debug_list().entries(self.0.iter().map(shown)).finish()
    }
}

impl Query {
    pub(super) fn set(&mut self, name: &'static str, value: &dyn Display) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value.to_string(),
            None => self.add(name, value),
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| *known == name)
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| &**value)
    }

    pub(super) fn keep(&mut self, names: &[&str]) {
        self.0.retain(|(known, _)| names.contains(known));
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| *known != name);
    }

    /// Beside the values that it has.
    pub(super) fn add(&mut self, name: &'static str, value: &dyn Display) {
        self.0.push((name, value.to_string()));
    }
}

/// Which objects, and with which options.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts {
    place: Where,
    pub(super) name: Option<String>,
    pub(super) query: Query,
}

/// How a kind is named and where it lives.
#[derive(Clone, Copy)]
pub(super) struct Kind<'a> {
    name: &'a str,
    namespaced: bool,
    accept: Accept,
}

impl Kind<'static> {
    pub(super) const fn of<K: Resource>() -> Kind<'static> {
        Kind { name: K::KIND, namespaced: <K::Scope as Scope>::NAMESPACED, accept: K::__ACCEPT }
    }
}

impl Parts {
    pub(super) fn new(place: Where, name: Option<&str>) -> Parts {
        Parts { place, name: name.map(str::to_owned), query: Query::default() }
    }

    /// The operation, in the names of a resource that is only known at run time.
    pub(super) fn operation(&self, op: &'static Operation) -> Cow<'static, Operation> {
        match &self.place.resource {
            Some(resource) => Cow::Owned(resource.operation(op)),
            None => Cow::Borrowed(op),
        }
    }

    pub(super) fn path(&self, op: &Operation, kind: Kind<'_>) -> Result<String, RequestError> {
        let Some(resource) = &self.place.resource else {
            if kind.name.is_empty() {
                let message =
                    "an object without a compiled type needs an ApiResource that says what it is of";
                return Err(RequestError::new(message));
            }
            return self.path_of(op, kind);
        };
        resource.check(op)?;
        let kind = Kind { name: &resource.kind, namespaced: resource.namespaced, ..kind };
        self.path_of(&resource.operation(op), kind)
    }

    fn path_of(&self, op: &Operation, kind: Kind<'_>) -> Result<String, RequestError> {
        match (&self.place.namespace, kind.namespaced) {
            (None, true) if !self.place.everywhere => {
                let message = format!("a {} lives in a namespace, and none is given", kind.name);
                return Err(RequestError::new(message));
            }
            (Some(_), false) => {
                let message = format!("a {} lives in no namespace, and one is given", kind.name);
                return Err(RequestError::new(message));
            }
            _ => {}
        }
        path::path(op, kind.name, self.place.namespace.as_deref(), self.name.as_deref())
    }

    pub(super) fn build(
        &self,
        op: &Operation,
        kind: Kind<'_>,
        body: Option<(&'static str, Result<Vec<u8>, EncodeError>)>,
    ) -> Result<http::Request<Body>, RequestError> {
        let method = match op.verb {
            Verb::Create => Method::POST,
            Verb::Update => Method::PUT,
            Verb::Patch => Method::PATCH,
            Verb::Delete | Verb::DeleteCollection => Method::DELETE,
            Verb::Get | Verb::List | Verb::Watch | Verb::Connect => Method::GET,
        };
        let accept = if op.verb == Verb::List { kind.accept.many } else { kind.accept.one };
        request(method, self.path(op, kind)?, &self.query, accept, body)
    }
}

/// The last step of every request.
pub(super) fn request(
    method: Method,
    path: String,
    query: &Query,
    accept: &'static str,
    body: Option<(&'static str, Result<Vec<u8>, EncodeError>)>,
) -> Result<http::Request<Body>, RequestError> {
    let mut request = http::Request::builder()
        .method(method)
        .uri(path + &path::query(&query.0))
        .header(http::header::ACCEPT, accept);
    let body = match body {
        None => Body::Empty,
        Some((content_type, bytes)) => {
            let bytes = bytes.map_err(|error| RequestError::new(error.to_string()))?;
            request = request.header(http::header::CONTENT_TYPE, content_type);
            Body::Bytes(Bytes::from(bytes))
        }
    };
    request.body(body).map_err(|error| RequestError::new(format!("the request can't be built: {error}")))
}

/// The methods that every request has for its tables of options.
macro_rules! changes {
    () => {
        fn change(mut self, change: impl FnOnce(&mut Self)) -> Self {
            change(&mut self);
            self
        }

        /// What the methods of a client's own type go through.
        #[doc(hidden)]
        pub fn __set(&mut self, name: &'static str, value: &dyn ::std::fmt::Display) {
            self.parts.query.set(name, value);
        }
    };
}
pub(super) use changes;
