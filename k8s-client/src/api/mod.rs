//! Typed calls: a handle for one kind in one place, and a request for each verb that is built, and then awaited.
//!
//! What each of them can answer, and what to do then, is a table in [`error`](crate::error).

mod again;
mod approval;
mod events;
mod evict;
mod frames;
mod lines;
mod logs;
mod maybe;
mod modify;
mod pages;
mod pending;
mod proxy;
mod scale;
mod subresource;
#[cfg(test)]
mod testing;
mod token;

use std::marker::PhantomData;
use std::sync::Arc;

use k8s_api::dynamic::{ApiResource, DynamicObject};
use k8s_api::request::{self, Everywhere as All, Place, Places, verb};
use k8s_api::{Cluster, Namespaced, Resource};

use crate::client::Client;

pub use events::{Events, One};
pub use evict::{Evict, Evicted};
pub use frames::Frames;
pub use k8s_api::request::{Deleted, Partial, PatchDocument as Patch, Table};
pub use lines::Line;
pub use logs::Lines;
pub use maybe::GetOpt;
pub use modify::{Change, Modify};
pub use pages::{Items, Pages};
pub use pending::Pending;
pub use proxy::Through;
pub use subresource::At;
pub use token::CreateToken;

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
    /// For a kind that is only known at run time.
    resource: Option<Arc<ApiResource>>,
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
        Api {
            client: self.client.clone(),
            namespace: self.namespace.clone(),
            resource: self.resource.clone(),
            kind: PhantomData,
        }
    }
}

impl Client {
    /// The objects of a kind in one namespace.
    pub fn namespaced<K: Resource<Scope = Namespaced>>(&self, namespace: &str) -> Api<K> {
        Api { client: self.clone(), namespace: Some(namespace.to_owned()), resource: None, kind: PhantomData }
    }

    /// The objects of a kind that lives in no namespace.
    pub fn cluster<K: Resource<Scope = Cluster>>(&self) -> Api<K> {
        Api { client: self.clone(), namespace: None, resource: None, kind: PhantomData }
    }

    /// The objects of a kind, wherever they are.
    pub fn all<K: Resource>(&self) -> Api<K, Everywhere> {
        Api { client: self.clone(), namespace: None, resource: None, kind: PhantomData }
    }
}

impl<P> Api<DynamicObject, P> {
    pub(crate) fn at_run_time(client: Client, namespace: Option<&str>, resource: Arc<ApiResource>) -> Self {
        Api { client, namespace: namespace.map(str::to_owned), resource: Some(resource), kind: PhantomData }
    }
}

impl<K: Resource, P> Api<K, P> {
    fn places(&self) -> Places<K::Scope> {
        let places = match &self.namespace {
            Some(namespace) => Place::of(Some(namespace)).into(),
            // What lives in no namespace is in the same place, everywhere.
            None => Places::from(All),
        };
        places.__of(self.resource.clone())
    }

    /// Starts a list; what it is narrowed to is chained. Awaited it is one answer; [`items`](Pending::items) reads it page by page.
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
    pub fn list(&self) -> Pending<request::List<K>>
    where
        K: verb::List,
    {
        self.client.request(self.list_request())
    }

    /// Starts a watch. [`events`](Pending::events) gives what happens to the objects, and goes on by itself for ever;
    /// [`frames`](Pending::frames) gives one answer of the server as bytes, and ends when the server ends it. An
    /// [`Informer`](crate::Informer) keeps all objects at hand.
    pub fn watch(&self) -> Pending<request::Watch<K>>
    where
        K: verb::Watch,
    {
        self.client.request(self.watch_request())
    }

    /// The same objects, with nothing but their metadata: the server leaves the rest out.
    ///
    /// ```no_run
    /// # async fn f(client: k8s_client::Client) -> k8s_client::Result<()> {
    /// let secrets = client.namespaced::<k8s_api::core::v1::Secret>("web").metadata();
    /// for secret in secrets.list().await?.items {
    ///     println!("{} of {:?}", secret.metadata.name, secret.metadata.creation_timestamp);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn metadata(&self) -> Api<Partial<K>, P> {
        Api {
            client: self.client.clone(),
            namespace: self.namespace.clone(),
            resource: self.resource.clone(),
            kind: PhantomData,
        }
    }

    /// The same kind where one object lives; `namespace` is empty for what lives in none.
    pub(crate) fn one(&self, namespace: &str) -> Api<K> {
        Api {
            client: self.client.clone(),
            namespace: (!namespace.is_empty()).then(|| namespace.to_owned()),
            resource: self.resource.clone(),
            kind: PhantomData,
        }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn group_and_plural(&self) -> (&str, &str) {
        let known = self.resource.as_deref();
        known.map_or((K::GROUP, K::PLURAL), |known| (known.group.as_str(), known.plural.as_str()))
    }

    pub(crate) fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    pub(crate) fn list_request(&self) -> request::List<K>
    where
        K: verb::List,
    {
        request::List::new(self.places())
    }

    pub(crate) fn watch_request(&self) -> request::Watch<K>
    where
        K: verb::Watch,
    {
        request::Watch::new(self.places())
    }
}

impl<K: Resource> Api<K> {
    fn place(&self) -> Place<K::Scope> {
        Place::of(self.namespace.as_deref()).__of(self.resource.clone())
    }

    /// Reads one object.
    pub fn get(&self, name: &str) -> Pending<request::Get<K>>
    where
        K: verb::Get,
    {
        self.client.request(request::Get::new(self.place(), name))
    }

    /// Reads one object, or nothing if there is no object of this name.
    ///
    /// ```no_run
    /// # async fn f(client: k8s_client::Client) -> k8s_client::Result<()> {
    /// let configs = client.namespaced::<k8s_api::core::v1::ConfigMap>("web");
    /// let limit = configs.get_opt("limits").await?.and_then(|config| config.data.get("pods").cloned());
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_opt(&self, name: &str) -> GetOpt<K>
    where
        K: verb::Get,
    {
        GetOpt { get: self.get(name), name: name.to_owned() }
    }

    /// Makes a new object. With `metadata.generateName` the server finds its name.
    pub fn create<'a>(&self, object: &'a K) -> Pending<request::Create<'a, K>>
    where
        K: verb::Create,
    {
        self.client.request(request::Create::new(self.place(), object))
    }

    /// Replaces the object of the same name. With `metadata.resourceVersion` set it fails as a conflict when somebody
    /// else was faster.
    pub fn replace<'a>(&self, object: &'a K) -> Pending<request::Replace<'a, K>>
    where
        K: verb::Replace,
    {
        self.client.request(request::Replace::new(self.place(), object))
    }

    /// Changes a part of an object.
    ///
    /// ```no_run
    /// # async fn f(client: k8s_client::Client) -> k8s_client::Result<()> {
    /// use k8s_client::api::Patch;
    /// use serde_json::json;
    ///
    /// let configs = client.namespaced::<k8s_api::core::v1::ConfigMap>("web");
    /// configs.patch("limits", &Patch::merge(json!({"data": {"pods": "7", "nodes": null}}))).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn patch(&self, name: &str, patch: &Patch) -> Pending<request::Patch<K>>
    where
        K: verb::Patch,
    {
        self.client.request(request::Patch::new(self.place(), name, patch))
    }

    /// Applies what is set in `object` in the name of `manager`, which owns those fields from then on.
    ///
    /// ```no_run
    /// # async fn f(client: k8s_client::Client) -> k8s_client::Result<()> {
    /// let mut web = k8s_api::apps::v1::Deployment::default();
    /// web.metadata.name = "web".into();
    /// web.spec.replicas = Some(3);
    /// client.namespaced("shop").apply(&web, "my-controller").force().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn apply<'a>(&self, object: &'a K, manager: &str) -> Pending<request::Apply<'a, K>>
    where
        K: verb::Patch,
    {
        self.client.request(request::Apply::new(self.place(), object, manager))
    }

    /// Deletes an object. What is there already no more is an error ([`is_not_found`](crate::Error::is_not_found)).
    ///
    /// ```no_run
    /// # async fn f(client: k8s_client::Client) -> k8s_client::Result<()> {
    /// use k8s_api::request::Propagation;
    ///
    /// let jobs = client.namespaced::<k8s_api::batch::v1::Job>("web");
    /// let job = jobs.get("report").await?;
    /// // Only this one, and not another that has got its name since.
    /// jobs.delete("report").if_uid(&job.metadata.uid).propagation(Propagation::Foreground).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn delete(&self, name: &str) -> Pending<request::Delete<K>>
    where
        K: verb::Delete,
    {
        self.client.request(request::Delete::new(self.place(), name))
    }

    /// Deletes the objects here, one after the other (`deletecollection`); what is chained says which.
    pub fn delete_many(&self) -> Pending<request::DeleteCollection<K>>
    where
        K: verb::DeleteCollection,
    {
        self.client.request(request::DeleteCollection::new(self.place()))
    }
}

#[cfg(test)]
mod tests;
