//! How much of something runs: replicas, and whether it runs at all.

use k8s_api::Resource;
use k8s_api::request::subresource::Scale;
use k8s_api::request::{self, PatchDocument, Suspend, verb};
use serde_json::json;

use super::Api;
use super::pending::Pending;

impl<K: Resource> Api<K> {
    /// Reads how many replicas there are and are wanted, in the same form for every kind. The rest of what can be done with it is at
    /// [`subresource::<Scale>()`](Api::subresource).
    pub fn scale(&self, name: &str) -> Pending<request::Get<K, Scale>>
    where
        K: verb::Get<Scale>,
    {
        self.subresource::<Scale>().get(name)
    }

    /// So many replicas are wanted from now on.
    ///
    /// ```no_run
    /// # async fn f(client: k8s_client::Client) -> k8s_client::Result<()> {
    /// let deployments = client.namespaced::<k8s_api::apps::v1::Deployment>("web");
    /// let scale = deployments.scale_to("api", 3).await?;
    /// println!("{} of {} run", scale.status.replicas, scale.spec.replicas);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// ```compile_fail
    /// # async fn f(client: k8s_client::Client) {
    /// // It runs on every node.
    /// client.namespaced::<k8s_api::apps::v1::DaemonSet>("web").scale_to("agent", 3).await;
    /// # }
    /// ```
    pub fn scale_to(&self, name: &str, replicas: u32) -> Pending<request::Patch<K, Scale>>
    where
        K: verb::Patch<Scale>,
    {
        let patch = PatchDocument::merge(json!({"spec": {"replicas": replicas}}));
        self.subresource::<Scale>().patch(name, &patch)
    }

    /// It starts nothing more until it is resumed; the pods of a job are deleted, those of a cron job's jobs go on.
    ///
    /// ```no_run
    /// # async fn f(client: k8s_client::Client) -> k8s_client::Result<()> {
    /// client.namespaced::<k8s_api::batch::v1::CronJob>("web").suspend("report").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// ```compile_fail
    /// # async fn f(client: k8s_client::Client) {
    /// client.namespaced::<k8s_api::core::v1::Pod>("web").suspend("api-0").await;
    /// # }
    /// ```
    pub fn suspend(&self, name: &str) -> Pending<request::Patch<K>>
    where
        K: Suspend,
    {
        self.set_suspend(name, true)
    }

    /// Goes on with what [`suspend`](Api::suspend) stopped.
    pub fn resume(&self, name: &str) -> Pending<request::Patch<K>>
    where
        K: Suspend,
    {
        self.set_suspend(name, false)
    }

    fn set_suspend(&self, name: &str, suspend: bool) -> Pending<request::Patch<K>>
    where
        K: Suspend,
    {
        self.patch(name, &PatchDocument::merge(json!({"spec": {"suspend": suspend}})))
    }
}
