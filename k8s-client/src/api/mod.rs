//! Typed calls: a handle for one kind in one place, and a request for each verb that is built, and then awaited.

mod list;
mod path;
mod write;

use std::marker::PhantomData;

use bytes::Bytes;
use k8s_api::codec::error::DecodeError;
use k8s_api::codec::json;
use k8s_api::operation::{Operation, Retry, Verb};
use k8s_api::transport::{Body, Call};
use k8s_api::view::Message;
use k8s_api::{Cluster, Namespaced, Resource};

use crate::client::Client;
use crate::error::{Error, Result};

pub use list::ListRequest;
pub use write::{Apply, Deleted, Patch};

/// Objects of one kind, in one namespace, in the cluster, or (with [`Everywhere`]) in all namespaces.
///
/// What the kind does not offer does not compile: a namespace for what lives in none,
///
/// ```compile_fail
/// # use k8s_client::Client;
/// # fn f(client: Client) {
/// client.namespaced::<k8s_api::apiextensions::v1::CustomResourceDefinition>("web");
/// # }
/// ```
///
/// or one object without saying where.
///
/// ```compile_fail
/// # use k8s_client::Client;
/// # async fn f(client: Client) {
/// client.all::<k8s_api::core::v1::Pod>().get("web-0").await;
/// # }
/// ```
#[derive(Debug)]
pub struct Api<K, P = Here> {
    client: Client,
    namespace: Option<String>,
    kind: PhantomData<fn() -> (K, P)>,
}

/// One namespace, or the cluster for what lives in none.
#[derive(Debug)]
#[non_exhaustive]
pub struct Here;

/// Every namespace: what is there can be listed and watched.
#[derive(Debug)]
#[non_exhaustive]
pub struct Everywhere;

impl<K, P> Clone for Api<K, P> {
    fn clone(&self) -> Self {
        Api { client: self.client.clone(), namespace: self.namespace.clone(), kind: PhantomData }
    }
}

impl Client {
    /// The objects of a kind in one namespace.
    pub fn namespaced<K: Resource<Scope = Namespaced>>(&self, namespace: &str) -> Api<K> {
        Api { client: self.clone(), namespace: Some(namespace.to_owned()), kind: PhantomData }
    }

    /// The objects of a kind that lives in no namespace.
    pub fn cluster<K: Resource<Scope = Cluster>>(&self) -> Api<K> {
        Api { client: self.clone(), namespace: None, kind: PhantomData }
    }

    /// The objects of a kind, wherever they are.
    pub fn all<K: Resource>(&self) -> Api<K, Everywhere> {
        Api { client: self.clone(), namespace: None, kind: PhantomData }
    }
}

/// The operations of one kind.
struct Operations<K>(PhantomData<K>);

impl<K: Resource> Operations<K> {
    const GET: &'static Operation = &Self::operation(Verb::Get, Retry::Read);
    const LIST: &'static Operation = &Self::operation(Verb::List, Retry::Read);
    /// The state machine above it waits and tries again by itself.
    const WATCH: &'static Operation = &Self::operation(Verb::Watch, Retry::Never);
    const CREATE: &'static Operation = &Self::operation(Verb::Create, Retry::Write);
    const UPDATE: &'static Operation = &Self::operation(Verb::Update, Retry::Write);
    const PATCH: &'static Operation = &Self::operation(Verb::Patch, Retry::Write);
    const DELETE: &'static Operation = &Self::operation(Verb::Delete, Retry::Write);

    const fn operation(verb: Verb, retry: Retry) -> Operation {
        Operation { verb, group: K::GROUP, version: K::VERSION, resource: K::PLURAL, subresource: "", retry }
    }
}

impl<K: Resource, P> Api<K, P> {
    /// Starts a list; what it is narrowed to is chained, then it is awaited.
    ///
    /// ```no_run
    /// # async fn f(client: k8s_client::Client) -> k8s_client::Result<()> {
    /// let pods = client.namespaced::<k8s_api::core::v1::Pod>("web");
    /// for pod in pods.list().labels("app=api").await?.items {
    ///     println!("{}", pod.metadata.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list(&self) -> ListRequest<K, P> {
        ListRequest::new(self.clone())
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// A call on all objects here, or on the one called `name`.
    pub(crate) fn call(
        &self,
        op: &'static Operation,
        method: http::Method,
        name: Option<&str>,
        query: &[(&str, String)],
        body: Option<(&'static str, Vec<u8>)>,
    ) -> Result<Call> {
        let path = path::path::<K>(self.namespace.as_deref(), name).map_err(Error::config)?;
        let mut request = http::Request::builder()
            .method(method)
            .uri(path + &path::query(query))
            .header("accept", "application/json");
        let body = match body {
            None => Body::Empty,
            Some((content_type, bytes)) => {
                request = request.header("content-type", content_type);
                Body::Bytes(Bytes::from(bytes))
            }
        };
        let request = request
            .body(body)
            .map_err(|error| Error::config(format!("the request can't be built: {error}")))?;
        Ok(Call::new(op, request))
    }

    /// A watch, whose answer is still to be read.
    pub(crate) fn watch_call(&self, query: &[(&str, String)]) -> Result<Call> {
        self.call(Operations::<K>::WATCH, http::Method::GET, None, query, None)
    }
}

impl<K: Resource> Api<K> {
    /// Reads one object.
    pub async fn get(&self, name: &str) -> Result<K> {
        let call = self.call(Operations::<K>::GET, http::Method::GET, Some(name), &[], None)?;
        self.object(call).await
    }

    /// Sends a call whose answer is one object.
    async fn object(&self, call: Call) -> Result<K> {
        decode(&self.client.bytes(call).await?)
    }
}

/// Reads an answer.
pub(crate) fn decode<M: Message + Default>(json: &[u8]) -> Result<M> {
    read(json, json::decode)
}

/// Reads an answer. One that can't be read says which field of which kind is wrong, and never its value.
pub(crate) fn read<M: Message + Default>(
    json: &[u8],
    decode: impl FnOnce(&[u8]) -> std::result::Result<M, DecodeError>,
) -> Result<M> {
    decode(json).map_err(|error| {
        let name = M::default().table().name;
        Error::config(format!("the server's answer is no {name}: {error}"))
    })
}
