//! What is no resource: versions, health, discovery, keys, the documents themselves.

use std::borrow::Cow;
use std::marker::PhantomData;

use http::Method;

use super::parts::{JSON, Parts, request};
use super::path::{encode, encode_below};
use super::{Request, RequestError};
use crate::meta::v1::{APIGroup, APIGroupList, APIResourceList, APIVersions, VersionInfo};
use crate::operation::{Operation, Retry, Verb};
use crate::raw::RawJson;
use crate::transport::Body;

/// Reads what stands at a path.
#[derive(Clone, Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct Fetch<A> {
    op: &'static Operation,
    path: String,
    accept: &'static str,
    parts: Parts,
    answer: PhantomData<fn() -> A>,
}

const fn at(path: &'static str) -> Operation {
    const NONE: Cow<'static, str> = Cow::Borrowed("");
    Operation {
        verb: Verb::Get,
        group: NONE,
        version: NONE,
        resource: Cow::Borrowed(path),
        subresource: NONE,
        retry: Retry::Read,
    }
}

impl<A> Fetch<A> {
    fn new(op: &'static Operation) -> Fetch<A> {
        Fetch::below(op, &op.resource, &[])
    }

    fn below(op: &'static Operation, base: &str, parts: &[&str]) -> Fetch<A> {
        let mut path = base.to_owned();
        for part in parts {
            path.push('/');
            encode(part, &mut path);
        }
        if !parts.is_empty() {
            path.push('/');
        }
        Fetch { op, path, accept: JSON, parts: Parts::default(), answer: PhantomData }
    }
}

impl<A> Request for Fetch<A> {
    type Answer = A;
    const OPTIONS: &'static [&'static [&'static str]] = &[];

    fn operation(&self) -> Cow<'static, Operation> {
        Cow::Borrowed(self.op)
    }

    fn build(&self) -> Result<http::Request<Body>, RequestError> {
        // An empty group or version is the path of something else.
        if self.path.contains("//") {
            return Err(RequestError::new(format!("{} has an empty part", self.path)));
        }
        request(Method::GET, self.path.clone(), &self.parts.query, self.accept, None)
    }
}

impl Fetch<String> {
    /// Says of each check how it went.
    pub fn verbose(mut self) -> Self {
        self.parts.query.set("verbose", &true);
        self
    }

    /// Without this check.
    pub fn exclude(mut self, check: &str) -> Self {
        self.parts.query.add("exclude", &check);
        self
    }
}

/// The release of the server.
pub fn version() -> Fetch<VersionInfo> {
    Fetch::new(const { &at("/version/") })
}

/// Whether the server is well. Kubernetes recommends [`livez`] and [`readyz`].
pub fn healthz() -> Fetch<String> {
    Fetch { accept: "text/plain", ..Fetch::new(const { &at("/healthz") }) }
}

/// Whether the server runs, or ought to be started again.
pub fn livez() -> Fetch<String> {
    Fetch { accept: "text/plain", ..Fetch::new(const { &at("/livez") }) }
}

/// Whether the server can take requests.
pub fn readyz() -> Fetch<String> {
    Fetch { accept: "text/plain", ..Fetch::new(const { &at("/readyz") }) }
}

/// The versions of the core group.
pub fn core_versions() -> Fetch<APIVersions> {
    Fetch::new(const { &at("/api/") })
}

/// The groups, without the core group.
pub fn groups() -> Fetch<APIGroupList> {
    Fetch::new(const { &at("/apis/") })
}

/// The versions of a group, such as `apps`.
pub fn group(name: &str) -> Fetch<APIGroup> {
    Fetch::below(const { &at("/apis/{group}/") }, "/apis", &[name])
}

/// The resources of a group and version; the core group is empty.
pub fn resources(group: &str, version: &str) -> Fetch<APIResourceList> {
    match group {
        "" => Fetch::below(const { &at("/api/{version}/") }, "/api", &[version]),
        group => Fetch::below(const { &at("/apis/{group}/{version}/") }, "/apis", &[group, version]),
    }
}

/// What an OpenID provider says of itself: the issuer of the tokens of service accounts.
pub fn openid_configuration() -> Fetch<RawJson> {
    Fetch::new(const { &at("/.well-known/openid-configuration/") })
}

/// The keys with which tokens of service accounts are signed.
pub fn openid_keys() -> Fetch<RawJson> {
    Fetch { accept: "application/jwk-set+json", ..Fetch::new(const { &at("/openid/v1/jwks/") }) }
}

/// The list of OpenAPI v3 documents.
pub fn openapi() -> Fetch<RawJson> {
    Fetch::new(const { &at("/openapi/v3") })
}

/// One OpenAPI v3 document: `apis/apps/v1` in the list.
pub fn openapi_document(path: &str) -> Fetch<RawJson> {
    let mut full = "/openapi/v3".to_owned();
    encode_below(path, &mut full);
    Fetch { path: full, ..Fetch::new(const { &at("/openapi/v3/{path}") }) }
}
