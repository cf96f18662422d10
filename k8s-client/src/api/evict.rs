//! Deleting pods as far as disruption budgets allow it.

use std::fmt;
use std::future::IntoFuture;
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::StatusCode;
use k8s_api::Resource;
use k8s_api::meta::v1::{DeleteOptions, Status};
use k8s_api::request::subresource::{Binding, Eviction};
use k8s_api::request::{self, Answer as _, Binds, Evicts, HasSubresource, Place, Request as _, verb};

use super::Api;
use super::again::Again;
use super::pending::Pending;
use crate::client::Client;
use crate::error::{Error, Result};

/// What became of an eviction.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "it may not have been allowed"]
pub enum Evicted {
    /// The pod goes.
    Yes,
    /// A disruption budget forbids it for now.
    Blocked {
        /// The server's words, which name the budget.
        message: String,
        /// When the server wants to be asked again.
        retry_after: Option<Duration>,
    },
}

/// An eviction that is to be sent.
#[must_use = "a request is sent when it is awaited"]
pub struct Evict<K: Resource> {
    client: Client,
    place: Place<K::Scope>,
    name: String,
    options: DeleteOptions,
    until: Option<Duration>,
}

impl<K> Api<K>
where
    K: verb::Create<Eviction, Answer = Status>,
    <K as HasSubresource<Eviction>>::Object: Evicts,
{
    /// Deletes a pod, unless a disruption budget forbids it for now: that is an answer and no error.
    ///
    /// ```no_run
    /// # async fn f(client: k8s_client::Client) -> k8s_client::Result<()> {
    /// use k8s_client::api::Evicted;
    ///
    /// match client.namespaced::<k8s_api::core::v1::Pod>("web").evict("api-0").grace_period(30).await? {
    ///     Evicted::Yes => println!("it goes"),
    ///     Evicted::Blocked { message, .. } => println!("it stays: {message}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn evict(&self, name: &str) -> Evict<K> {
        let (client, place) = (self.client().clone(), self.place());
        Evict { client, place, name: name.to_owned(), options: DeleteOptions::default(), until: None }
    }
}

impl<K> Api<K>
where
    K: verb::Create<Binding>,
    <K as HasSubresource<Binding>>::Object: Binds,
{
    /// Gives a pod to a node, as a scheduler does.
    pub fn bind(&self, name: &str, node: &str) -> Pending<request::Create<'static, K, Binding>> {
        let binding = <K as HasSubresource<Binding>>::Object::binds(name, node);
        self.client().request(request::Create::with(self.place(), name, binding))
    }
}

impl<K: Resource> Evict<K> {
    /// Asks again while a budget forbids it, for at most so long; the last answer is what comes back.
    pub fn until_allowed(mut self, within: Duration) -> Self {
        self.until = Some(within);
        self
    }

    fn __options(&mut self) -> &mut DeleteOptions {
        &mut self.options
    }

    fn change(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    k8s_api::__delete_options!(methods);
    k8s_api::__precondition_options!(methods);
}

impl<K> Evict<K>
where
    K: verb::Create<Eviction, Answer = Status>,
    <K as HasSubresource<Eviction>>::Object: Evicts,
{
    async fn run(self) -> Result<Evicted> {
        let preset = self.client.preset();
        let mut again = Again::new(&self.client, &preset, self.until.unwrap_or(preset.total));
        loop {
            let eviction = <K as HasSubresource<Eviction>>::Object::evicts(&self.name, self.options.clone());
            let mut call =
                request::Create::<K, Eviction>::on(self.place.clone(), &self.name, &eviction).call()?;
            call.meta.limits.deadline = again.deadline();
            let error = match self.client.read(call, |body| Status::read(body)).await {
                Ok(_) => return Ok(Evicted::Yes),
                Err(error) if error.code() == Some(StatusCode::TOO_MANY_REQUESTS) => error,
                Err(error) => return Err(error),
            };
            // Without a budget's word the server was only busy, and has done nothing.
            let blocked = is_blocked(&error);
            let goes_on = if blocked { self.until.is_some() } else { again.tries() < preset.attempts };
            if goes_on && again.wait(error.retry_after()).await {
                continue;
            }
            if !blocked {
                return Err(error);
            }
            let message = error.status().map(|status| status.message.clone()).unwrap_or_default();
            return Ok(Evicted::Blocked { message, retry_after: error.retry_after() });
        }
    }
}

fn is_blocked(error: &Error) -> bool {
    error.status().is_some_and(|status| status.causes.iter().any(|cause| cause.reason == "DisruptionBudget"))
}

impl<K> IntoFuture for Evict<K>
where
    K: verb::Create<Eviction, Answer = Status>,
    <K as HasSubresource<Eviction>>::Object: Evicts,
{
    type Output = Result<Evicted>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<K: Resource> fmt::Debug for Evict<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Evict").field("place", &self.place).field("name", &self.name).finish_non_exhaustive()
    }
}
