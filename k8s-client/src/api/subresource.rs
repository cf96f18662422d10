//! Parts of objects that have paths of their own.

use std::marker::PhantomData;

use k8s_api::Resource;
use k8s_api::request::subresource::{Approval, EphemeralContainers, Finalize, Resize, Status};
use k8s_api::request::{self, HasSubresource, Patch, Place, Subresource, verb};

use super::maybe::GetOpt;
use super::modify::{Change, Modify};
use super::pending::Pending;
use super::{Api, Here};
use crate::client::Client;

/// A part of the objects of one kind, such as their status.
///
/// ```no_run
/// # async fn f(client: k8s_client::Client) -> k8s_client::Result<()> {
/// use k8s_api::apps::v1::Deployment;
///
/// let status = client.namespaced::<Deployment>("web").status();
/// status.modify("api", |api| api.status.collision_count = Some(1)).await?;
/// # Ok(())
/// # }
/// ```
///
/// What the kind does not have there does not compile.
///
/// ```compile_fail
/// # async fn f(client: k8s_client::Client) {
/// client.namespaced::<k8s_api::core::v1::ConfigMap>("web").status();
/// # }
/// ```
///
/// ```compile_fail
/// # async fn f(client: k8s_client::Client) {
/// // It can only be replaced.
/// client.cluster::<k8s_api::core::v1::Namespace>().finalize().get("web").await;
/// # }
/// ```
#[derive(Debug)]
pub struct At<K, S> {
    client: Client,
    namespace: Option<String>,
    kind: PhantomData<fn() -> (K, S)>,
}

impl<K, S> Clone for At<K, S> {
    fn clone(&self) -> Self {
        At { client: self.client.clone(), namespace: self.namespace.clone(), kind: PhantomData }
    }
}

macro_rules! parts {
    ($($(#[$doc:meta])* $method:ident $part:ident;)*) => {
        impl<K: Resource> Api<K, Here> {$(
            $(#[$doc])*
            pub fn $method(&self) -> At<K, $part>
            where
                K: HasSubresource<$part>,
            {
                self.subresource()
            }
        )*}
    };
}

parts! {
    /// What was observed of the objects, as opposed to what is wanted.
    status Status;
    /// The debugging containers of pods.
    ///
    /// ```no_run
    /// # async fn f(client: k8s_client::Client) -> k8s_client::Result<()> {
    /// use k8s_api::core::v1::{EphemeralContainer, Pod};
    ///
    /// let debug = client.namespaced::<Pod>("web").ephemeral_containers();
    /// debug
    ///     .modify("api-0", |pod| {
    ///         let container =
    ///             EphemeralContainer { name: "debug".into(), image: "busybox".into(), ..Default::default() };
    ///         pod.spec.ephemeral_containers.push(container);
    ///     })
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    ephemeral_containers EphemeralContainers;
    /// The resources of the containers of running pods.
    resize Resize;
    /// Whether certificates are granted; [`approve`](Api::approve) and [`deny`](Api::deny) are shorter.
    approval Approval;
    /// What keeps namespaces from going.
    finalize Finalize;
}

impl<K: Resource> Api<K> {
    /// A part of the objects with a path of its own, by its type in [`k8s_api::request::subresource`].
    pub fn subresource<S: Subresource>(&self) -> At<K, S>
    where
        K: HasSubresource<S>,
    {
        At { client: self.client.clone(), namespace: self.namespace.clone(), kind: PhantomData }
    }
}

impl<K: HasSubresource<S>, S: Subresource> At<K, S> {
    fn place(&self) -> Place<K::Scope> {
        Place::of(self.namespace.as_deref())
    }

    /// Reads it.
    pub fn get(&self, name: &str) -> Pending<request::Get<K, S>>
    where
        K: verb::Get<S>,
    {
        self.client.request(request::Get::new(self.place(), name))
    }

    /// Reads it, or nothing if there is no object of this name.
    pub fn get_opt(&self, name: &str) -> GetOpt<K, S>
    where
        K: verb::Get<S>,
    {
        GetOpt { get: self.get(name), name: name.to_owned() }
    }

    /// Makes one at the object of this name.
    pub fn create<'a>(&self, name: &str, object: &'a K::Object) -> Pending<request::Create<'a, K, S>>
    where
        K: verb::Create<S>,
    {
        self.client.request(request::Create::on(self.place(), name, object))
    }

    /// Replaces it. With `metadata.resourceVersion` set it fails as a conflict when somebody else was faster.
    pub fn replace<'a>(&self, name: &str, object: &'a K::Object) -> Pending<request::Replace<'a, K, S>>
    where
        K: verb::Replace<S>,
    {
        self.client.request(request::Replace::on(self.place(), name, object))
    }

    /// Changes a part of it.
    pub fn patch(&self, name: &str, patch: &request::PatchDocument) -> Pending<Patch<K, S>>
    where
        K: verb::Patch<S>,
    {
        self.client.request(Patch::new(self.place(), name, patch))
    }

    /// Applies what is set in `object` in the name of `manager`, which owns those fields from then on.
    pub fn apply<'a>(
        &self,
        name: &str,
        object: &'a K::Object,
        manager: &str,
    ) -> Pending<request::Apply<'a, K, S>>
    where
        K: verb::Patch<S>,
    {
        self.client.request(request::Apply::on(self.place(), name, object, manager))
    }

    /// Reads it, changes it and replaces it, as [`Api::modify`] does.
    pub fn modify<'a, C: Change>(
        &self,
        name: &str,
        change: impl FnMut(&mut K::Object) -> C + Send + 'a,
    ) -> Modify<'a, K, S>
    where
        K: verb::Get<S> + verb::Replace<S>,
    {
        Modify::new(self.client.clone(), self.place(), name, change)
    }
}
