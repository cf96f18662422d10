//! A request that is awaited.

use std::future::IntoFuture;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};
use k8s_api::request::subresource::{Log, Proxy};
use k8s_api::request::{self, Answer, Part, Request, RequestError, verb};
use k8s_api::time::Time;
use k8s_api::transport::Call;

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
    pub(super) client: Client,
    pub(super) request: R,
    pub(super) within: Option<Duration>,
}

impl Client {
    /// Any request of [`k8s_api::request`]; awaiting it sends it.
    pub fn request<R: Request>(&self, request: R) -> Pending<R> {
        Pending { client: self.clone(), request, within: None }
    }
}

impl Client {
    /// A call that has to be over by then.
    pub(super) fn timed(
        &self,
        call: std::result::Result<Call, RequestError>,
        within: Option<Duration>,
    ) -> std::result::Result<Call, RequestError> {
        let mut call = call?;
        if let Some(total) = within {
            call.meta.limits.deadline = self.outside().now().checked_add(total);
        }
        Ok(call)
    }
}

impl<R> Pending<R> {
    fn change(mut self, change: impl FnOnce(&mut R)) -> Self {
        change(&mut self.request);
        self
    }

    /// The same with another request.
    pub(super) fn map<T>(self, change: impl FnOnce(R) -> T) -> Pending<T> {
        Pending { client: self.client, request: change(self.request), within: self.within }
    }

    /// How long it may take with all its attempts and its answer, instead of what the client allows; for a list that comes in pages, each
    /// of them.
    pub fn within(mut self, total: Duration) -> Self {
        self.within = Some(total);
        self
    }
}

impl<R: Request<Answer: Answer>> IntoFuture for Pending<R> {
    type Output = Result<R::Answer>;
    type IntoFuture = BoxFuture<'static, Result<R::Answer>>;

    fn into_future(self) -> Self::IntoFuture {
        let call = self.client.timed(self.request.call(), self.within);
        let client = self.client;
        async move { client.read(call?, |body| R::Answer::read(body)).await }.boxed()
    }
}

// The same options as the request itself has, from the same tables.

impl<K: verb::Get<S>, S: Part> Pending<request::Get<K, S>> {
    /// A state that is not older than this version; `0` is whatever the server has at hand. Without it the state is the
    /// latest one.
    pub fn version(self, version: &str) -> Self {
        self.map(|get| get.version(version))
    }

    /// The same as a table for people.
    pub fn table(self) -> Pending<request::AsTable<request::Get<K, S>>> {
        self.map(request::Get::table)
    }

    k8s_api::__get_options!(methods);
}

impl<K: verb::List> Pending<request::List<K>> {
    /// The same as a table for people: what `kubectl get` shows, of any kind.
    ///
    /// ```no_run
    /// # async fn f(client: k8s_client::Client) -> k8s_client::Result<()> {
    /// let pods = client.namespaced::<k8s_api::core::v1::Pod>("web");
    /// let table = pods.list().table().await?;
    /// let status = table.column("Status").unwrap_or_default();
    /// for row in &table.rows {
    ///     println!("{:?} is {:?}", row.text(0), row.text(status));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn table(self) -> Pending<request::AsTable<request::List<K>>> {
        self.map(request::List::table)
    }

    k8s_api::__select_options!(methods);
    k8s_api::__page_options!(methods);
}

impl<R> Pending<request::AsTable<R>> {
    /// Each row has the whole object, instead of its metadata.
    pub fn with_objects(self) -> Self {
        self.map(request::AsTable::with_objects)
    }

    /// The rows have nothing but their cells.
    pub fn without_objects(self) -> Self {
        self.map(request::AsTable::without_objects)
    }
}

impl<K: verb::Watch> Pending<request::Watch<K>> {
    k8s_api::__select_options!(methods);
    k8s_api::__watch_options!(methods);
}

impl<K: verb::Connect<Log>> Pending<request::Log<K>> {
    /// What was written since then. For a time that is over since, there is [`since_seconds`](Self::since_seconds).
    pub fn since(self, time: Time) -> Self {
        self.map(|log| log.since(time))
    }

    /// Goes on with what is written from now on.
    pub fn follow(self) -> Pending<request::FollowLog<K>> {
        self.map(request::Log::follow)
    }

    k8s_api::__log_options!(methods);
}

impl<K: verb::Connect<Log>> Pending<request::FollowLog<K>> {
    /// What was written since then.
    pub fn since(self, time: Time) -> Self {
        self.map(|log| log.since(time))
    }

    k8s_api::__log_options!(methods);
}

impl<K: verb::Connect<Proxy>> Pending<request::Proxy<K>> {
    /// One more parameter of the query that is sent there.
    pub fn query(self, name: &str, value: &str) -> Self {
        self.map(|proxy| proxy.query(name, value))
    }

    /// What is sent, and what it is.
    pub fn body(self, content_type: http::HeaderValue, body: impl Into<bytes::Bytes>) -> Self {
        self.map(|proxy| proxy.body(content_type, body))
    }
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
        self.map(|apply| apply.own(path))
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
