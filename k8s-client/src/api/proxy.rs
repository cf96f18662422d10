//! HTTP to what runs, through the API server.

use std::marker::PhantomData;

use http::Method;
use k8s_api::request::subresource::Proxy;
use k8s_api::request::{self, Place, verb};

use super::Api;
use super::pending::Pending;
use crate::client::Client;

/// What answers behind a pod, a service or a node. Its answers come as bytes; one that is no success is an error.
#[derive(Clone, Debug)]
pub struct Through<K> {
    client: Client,
    namespace: Option<String>,
    name: String,
    kind: PhantomData<fn() -> K>,
}

impl<K: verb::Connect<Proxy>> Api<K> {
    /// HTTP to what runs there, through the API server. `name` is that of the object, or `NAME:PORT`, or `https:NAME:PORT`, for
    /// a pod or a service.
    ///
    /// ```no_run
    /// # async fn f(client: k8s_client::Client) -> k8s_client::Result<()> {
    /// let web = client.namespaced::<k8s_api::core::v1::Service>("web").proxy("api:http");
    /// let metrics = web.get("/metrics").await?;
    /// web.post("/reload").query("wait", "true").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn proxy(&self, name: &str) -> Through<K> {
        let (client, namespace) = (self.client.clone(), self.namespace.clone());
        Through { client, namespace, name: name.to_owned(), kind: PhantomData }
    }
}

impl<K: verb::Connect<Proxy>> Through<K> {
    /// Asks with any method.
    pub fn request(&self, method: Method, path: &str) -> Pending<request::Proxy<K>> {
        let place = Place::of(self.namespace.as_deref());
        self.client.request(request::Proxy::new(place, &self.name, method).path(path))
    }

    /// Reads.
    pub fn get(&self, path: &str) -> Pending<request::Proxy<K>> {
        self.request(Method::GET, path)
    }

    /// Sends, for the other end to do something with it. It is never sent again by itself.
    pub fn post(&self, path: &str) -> Pending<request::Proxy<K>> {
        self.request(Method::POST, path)
    }

    /// Sends, for the other end to keep it there. It is never sent again by itself.
    pub fn put(&self, path: &str) -> Pending<request::Proxy<K>> {
        self.request(Method::PUT, path)
    }

    /// Deletes. It is never sent again by itself.
    pub fn delete(&self, path: &str) -> Pending<request::Proxy<K>> {
        self.request(Method::DELETE, path)
    }
}
