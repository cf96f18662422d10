//! A request that is awaited.

use std::future::IntoFuture;

use futures_util::future::{BoxFuture, FutureExt as _};
use k8s_api::request::{self, Answer, Part, Request, verb};

use crate::client::Client;
use crate::error::Result;

/// A request with the client that sends it. What it is narrowed to is chained, then it is awaited.
///
/// ```no_run
/// # async fn f(client: k8s_client::Client) -> k8s_client::Result<()> {
/// use k8s_api::core::v1::pods;
///
/// let log = client.request(pods::log("web", "api-0").tail(100)).await?;
/// let ready = client.request(k8s_api::request::server::readyz()).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a request is sent when it is awaited"]
pub struct Pending<R> {
    client: Client,
    request: R,
}

impl Client {
    /// Any request of [`k8s_api::request`]; awaiting it sends it.
    pub fn request<R: Request>(&self, request: R) -> Pending<R> {
        Pending { client: self.clone(), request }
    }
}

impl<R> Pending<R> {
    fn change(mut self, change: impl FnOnce(&mut R)) -> Self {
        change(&mut self.request);
        self
    }
}

impl<R: Request<Answer: Answer>> IntoFuture for Pending<R> {
    type Output = Result<R::Answer>;
    type IntoFuture = BoxFuture<'static, Result<R::Answer>>;

    fn into_future(self) -> Self::IntoFuture {
        let call = self.request.call();
        let client = self.client;
        async move { client.read(call?, |body| R::Answer::read(body)).await }.boxed()
    }
}

// The same options as the request itself has, from the same tables.

impl<K: verb::List> Pending<request::List<K>> {
    k8s_api::__select_options!(methods);
    k8s_api::__page_options!(methods);
}

impl<K: verb::Create<S>, S: Part> Pending<request::Create<'_, K, S>> {
    k8s_api::__write_options!(methods);
    k8s_api::__manager_options!(methods);
}

impl<K: verb::Replace<S>, S: Part> Pending<request::Replace<'_, K, S>> {
    k8s_api::__write_options!(methods);
    k8s_api::__manager_options!(methods);
}

impl<K: verb::Patch<S>, S: Part> Pending<request::Patch<K, S>> {
    k8s_api::__write_options!(methods);
    k8s_api::__manager_options!(methods);
}

impl<K: verb::Patch<S>, S: Part> Pending<request::Apply<'_, K, S>> {
    k8s_api::__write_options!(methods);
    k8s_api::__force_options!(methods);

    /// Owns a field that is zero, which otherwise counts as not set: `spec.minReadySeconds`, `spec.containers[0].tty`.
    pub fn own(self, path: &str) -> Self {
        Pending { client: self.client, request: self.request.own(path) }
    }
}

impl<K: verb::Delete> Pending<request::Delete<K>> {
    k8s_api::__delete_options!(methods);
    k8s_api::__precondition_options!(methods);
    k8s_api::__get_options!(methods);
}

impl<K: verb::DeleteCollection> Pending<request::DeleteCollection<K>> {
    k8s_api::__select_options!(methods);
    k8s_api::__page_options!(methods);
    k8s_api::__delete_options!(methods);
}
