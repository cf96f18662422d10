//! Connections to what runs: commands, ports, HTTP.

use std::borrow::Cow;
use std::marker::PhantomData;

use bytes::Bytes;
use http::Method;

use super::answer::Upgraded;
use super::parts::{Hidden, Kind, Parts, changes, operation, request};
use super::path::{self, encode_below};
use super::place::Place;
use super::{Request, RequestError, subresource, verb};
use crate::operation::{Operation, Retry, Verb};
use crate::transport::Body;

macro_rules! upgrades {
    ($($(#[doc = $doc:literal])* $type:ident, $options:ident;)*) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, Debug)]
        #[must_use = "a request does nothing until it is sent"]
        pub struct $type<K> {
            parts: Parts,
            method: Method,
            kind: PhantomData<fn() -> K>,
        }

        impl<K: verb::Connect<subresource::$type>> $type<K> {
            const OPERATION: &'static Operation = &operation::<K, subresource::$type>(Verb::Connect, Retry::Never);

            fn of(place: Place<K::Scope>, name: &str) -> Self {
                let parts = Parts::new(place.into_namespace(), Some(name));
                $type { parts, method: Method::GET, kind: PhantomData }
            }

            /// With POST, as SPDY begins; a WebSocket begins with GET.
            pub fn post(mut self) -> Self {
                self.method = Method::POST;
                self
            }
        }

        impl<K: verb::Connect<subresource::$type>> Request for $type<K> {
            type Answer = Upgraded;
            const OPTIONS: &'static [&'static [&'static str]] = $options;

            fn operation(&self) -> Cow<'static, Operation> {
                self.parts.operation(Self::OPERATION)
            }

            fn build(&self) -> Result<http::Request<Body>, RequestError> {
                let path = self.parts.path(Self::OPERATION, Kind::of::<K>())?;
                request(self.method.clone(), path, &self.parts.query, "*/*", None)
            }
        }
    )*};
}

const EXEC: &[&[&str]] = &[&["command"], crate::__terminal_options!(names)];
const ATTACH: &[&[&str]] = &[crate::__terminal_options!(names)];
const PORTS: &[&[&str]] = &[&["ports"]];

upgrades! {
    /// Runs a command.
    Exec, EXEC;
    /// Reads and writes what a running container does.
    Attach, ATTACH;
    /// Opens connections to ports.
    PortForward, PORTS;
}

impl<K: verb::Connect<subresource::Exec>> Exec<K> {
    /// This command with its arguments, in the object of this name. Its output and error output can be read, unless the
    /// options say otherwise.
    pub fn new<'c>(place: Place<K::Scope>, name: &str, command: impl IntoIterator<Item = &'c str>) -> Self {
        let mut exec = Exec::of(place, name).stdout(true).stderr(true);
        for part in command {
            exec.parts.query.add("command", &part);
        }
        exec
    }

    changes!();
    crate::__terminal_options!(methods);
}

impl<K: verb::Connect<subresource::Attach>> Attach<K> {
    /// Of the object of this name. Its output and error output can be read, unless the options say otherwise.
    pub fn new(place: Place<K::Scope>, name: &str) -> Self {
        Attach::of(place, name).stdout(true).stderr(true)
    }

    changes!();
    crate::__terminal_options!(methods);
}

impl<K: verb::Connect<subresource::PortForward>> PortForward<K> {
    /// To these ports of the object of this name.
    pub fn new(place: Place<K::Scope>, name: &str, ports: impl IntoIterator<Item = u16>) -> Self {
        let mut forward = PortForward::of(place, name);
        for port in ports {
            forward.parts.query.add("ports", &port);
        }
        forward
    }
}

/// An HTTP request to what runs there; the answer is what that answers.
#[derive(Clone, Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct Proxy<K> {
    parts: Parts,
    method: Method,
    below: String,
    query: Vec<(String, String)>,
    content_type: Option<http::HeaderValue>,
    body: Hidden,
    kind: PhantomData<fn() -> K>,
}

impl<K: verb::Connect<subresource::Proxy>> Proxy<K> {
    const GET: &'static Operation = &operation::<K, subresource::Proxy>(Verb::Get, Retry::Read);
    const POST: &'static Operation = &operation::<K, subresource::Proxy>(Verb::Create, Retry::Never);
    const PUT: &'static Operation = &operation::<K, subresource::Proxy>(Verb::Update, Retry::Never);
    const PATCH: &'static Operation = &operation::<K, subresource::Proxy>(Verb::Patch, Retry::Never);
    const DELETE: &'static Operation = &operation::<K, subresource::Proxy>(Verb::Delete, Retry::Never);

    /// To the object of this name: `https:NAME:PORT` says how and where, for a pod or a service.
    pub fn new(place: Place<K::Scope>, name: &str, method: Method) -> Self {
        let parts = Parts::new(place.into_namespace(), Some(name));
        Proxy {
            parts,
            method,
            below: String::new(),
            query: Vec::new(),
            content_type: None,
            body: Hidden(Bytes::new()),
            kind: PhantomData,
        }
    }

    /// This path there, instead of its root.
    pub fn path(mut self, path: &str) -> Self {
        self.below.clear();
        encode_below(path, &mut self.below);
        self
    }

    /// One more parameter of the query that is sent there.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    /// What is sent, and what it is.
    pub fn body(mut self, content_type: http::HeaderValue, body: impl Into<Bytes>) -> Self {
        (self.content_type, self.body) = (Some(content_type), Hidden(body.into()));
        self
    }
}

impl<K: verb::Connect<subresource::Proxy>> Request for Proxy<K> {
    type Answer = Bytes;
    const OPTIONS: &'static [&'static [&'static str]] = &[&["path"]];

    /// The verb that a role has to allow, which follows from the method. What the other end does with a write is not known, so that
    /// it is never repeated.
    fn operation(&self) -> Cow<'static, Operation> {
        self.parts.operation(match self.method {
            Method::POST => Self::POST,
            Method::PUT => Self::PUT,
            Method::PATCH => Self::PATCH,
            Method::DELETE => Self::DELETE,
            _ => Self::GET,
        })
    }

    fn build(&self) -> Result<http::Request<Body>, RequestError> {
        let path =
            self.parts.path(&self.operation(), Kind::of::<K>())? + &self.below + &path::query(&self.query);
        let mut request = request(self.method.clone(), path, &self.parts.query, "*/*", None)?;
        if let Some(content_type) = &self.content_type {
            request.headers_mut().insert(http::header::CONTENT_TYPE, content_type.clone());
            *request.body_mut() = Body::Bytes(self.body.0.clone());
        }
        Ok(request)
    }
}
