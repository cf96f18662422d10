//! Calls on kinds that have no compiled type.

use std::sync::Arc;

pub use k8s_api::dynamic::{ApiResource, ApiSubresource, DynamicError, DynamicObject, Json};

use crate::api::{Api, Everywhere};
use crate::client::Client;

/// The objects of a resource, before it is said where.
#[derive(Clone, Debug)]
#[must_use = "it says nothing until it is said where"]
pub struct Dynamic {
    client: Client,
    resource: Arc<ApiResource>,
}

impl Client {
    /// The objects of a resource that is only known at run time, from [`Discovery`](crate::Discovery) or made by hand. They
    /// have the verbs of compiled kinds; what the resource does not offer is refused before it is sent.
    ///
    /// ```no_run
    /// # async fn f(client: k8s_client::Client) -> k8s_client::Result<()> {
    /// use k8s_client::Discovery;
    ///
    /// let deployments = Discovery::new(&client).resolve("deploy").await?;
    /// for web in client.dynamic(deployments).namespace("web").list().await?.items {
    ///     println!("{}: {:?}", web.metadata.name, web.get("spec.replicas"));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn dynamic(&self, resource: impl Into<Arc<ApiResource>>) -> Dynamic {
        Dynamic { client: self.clone(), resource: resource.into() }
    }
}

impl Dynamic {
    /// In one namespace.
    pub fn namespace(self, namespace: &str) -> Api<DynamicObject> {
        self.at(Some(namespace))
    }

    /// In the cluster itself, for what lives in no namespace.
    pub fn cluster(self) -> Api<DynamicObject> {
        self.at(None)
    }

    /// In one namespace, or in the cluster itself: a namespace too many or too few is an error when something is asked.
    pub fn at(self, namespace: Option<&str>) -> Api<DynamicObject> {
        Api::at_run_time(self.client, namespace, self.resource)
    }

    /// Wherever they are, to list and watch.
    pub fn everywhere(self) -> Api<DynamicObject, Everywhere> {
        Api::at_run_time(self.client, None, self.resource)
    }
}
