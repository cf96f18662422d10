//! Everything that changes an object.

use std::future::IntoFuture;

use futures_util::future::BoxFuture;
use k8s_api::Resource;
use k8s_api::codec::{apply, json};
use k8s_api::raw::RawJson;

use super::{Api, Operations, decode};
use crate::error::{Error, Result};

/// A change to a part of an object.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Patch {
    /// A JSON patch (RFC 6902): a list of operations.
    Json(RawJson),
    /// A merge patch (RFC 7386): null removes, lists are replaced.
    Merge(RawJson),
    /// A strategic merge patch: lists are merged by the keys of their types. Custom resources don't take it.
    Strategic(RawJson),
}

/// What became of an object that was deleted.
#[derive(Clone, Debug, PartialEq)]
pub enum Deleted<K> {
    /// It is gone.
    Gone,
    /// It goes once its finalizers and its grace period have ended; this is what it is until then.
    Going(Box<K>),
}

/// A server-side apply that is being built; awaiting it sends it.
#[derive(Debug)]
#[must_use = "an apply is sent when it is awaited"]
pub struct Apply<'a, K> {
    api: Api<K>,
    object: &'a K,
    manager: String,
    force: bool,
    own: Vec<String>,
}

impl<K: Resource> Api<K> {
    /// Makes a new object. With `metadata.generateName` the server finds its name.
    pub async fn create(&self, object: &K) -> Result<K> {
        let body = ("application/json", encode(object)?);
        let call = self.call(Operations::<K>::CREATE, http::Method::POST, None, &[], Some(body))?;
        self.object(call).await
    }

    /// Replaces the object of the same name. With `metadata.resourceVersion` set it fails as a conflict when somebody
    /// else was faster.
    pub async fn replace(&self, object: &K) -> Result<K> {
        let body = ("application/json", encode(object)?);
        let name = &object.metadata().name;
        let call = self.call(Operations::<K>::UPDATE, http::Method::PUT, Some(name), &[], Some(body))?;
        self.object(call).await
    }

    /// Changes a part of an object.
    pub async fn patch(&self, name: &str, patch: &Patch) -> Result<K> {
        let (content_type, raw) = match patch {
            Patch::Json(raw) => ("application/json-patch+json", raw),
            Patch::Merge(raw) => ("application/merge-patch+json", raw),
            Patch::Strategic(raw) => ("application/strategic-merge-patch+json", raw),
        };
        let body = (content_type, raw.as_str().as_bytes().to_vec());
        let call = self.call(Operations::<K>::PATCH, http::Method::PATCH, Some(name), &[], Some(body))?;
        self.object(call).await
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
    pub fn apply<'a>(&self, object: &'a K, manager: &str) -> Apply<'a, K> {
        Apply { api: self.clone(), object, manager: manager.to_owned(), force: false, own: Vec::new() }
    }

    /// Deletes an object.
    pub async fn delete(&self, name: &str) -> Result<Deleted<K>> {
        let call = self.call(Operations::<K>::DELETE, http::Method::DELETE, Some(name), &[], None)?;
        let answer = self.client().bytes(call).await?;
        // The server answers with a Status when nothing is left, and with the object while something is.
        match k8s_api::codec::json::decode::<k8s_api::meta::v1::Status>(&answer) {
            Ok(_) => Ok(Deleted::Gone),
            Err(_) => Ok(Deleted::Going(Box::new(decode(&answer)?))),
        }
    }
}

fn encode<K: Resource>(object: &K) -> Result<Vec<u8>> {
    json::encode(object).map_err(|error| Error::config(error.to_string()))
}

impl<'a, K: Resource> Apply<'a, K> {
    /// Takes over fields that another manager owns, instead of failing as a conflict.
    pub fn force(mut self) -> Self {
        self.force = true;
        self
    }

    /// Owns a field that is zero, which otherwise counts as not set: `spec.minReadySeconds`, `spec.containers[0].tty`.
    pub fn own(mut self, path: &str) -> Self {
        self.own.push(path.to_owned());
        self
    }

    async fn send(self) -> Result<K> {
        let own: Vec<&str> = self.own.iter().map(String::as_str).collect();
        let body = apply::encode(self.object, &own).map_err(|error| Error::config(error.to_string()))?;
        let query = [("fieldManager", self.manager), ("force", self.force.to_string())];
        let name = &self.object.metadata().name;
        let body = ("application/apply-patch+yaml", body);
        let call =
            self.api.call(Operations::<K>::PATCH, http::Method::PATCH, Some(name), &query, Some(body))?;
        self.api.object(call).await
    }
}

impl<'a, K: Resource> IntoFuture for Apply<'a, K> {
    type Output = Result<K>;
    type IntoFuture = BoxFuture<'a, Result<K>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}
