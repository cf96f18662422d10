//! The handle of a store that is kept up to date.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use k8s_api::Resource;

use super::audience::Behind;
use super::core::Core;
use super::event::Event;
use super::feed::Feed;
use super::handler::Handler;
use super::hub::Status;
use super::lister::Lister;
use super::subscription::{CAPACITY, Subscription};
use crate::cache::{Reader, Snapshot};
use crate::error::{Error, Result};
use crate::shard::{Sharding, Shardings};
use crate::watch::{Failure, Health};

/// The objects of one kind as the server has them, a moment ago.
///
/// A clone is the same cache. The watch goes on until the last clone is dropped, and with it every [`Subscription`] and
/// [`Handler`], or until one of them is [stopped](Self::stop). What was read stays readable.
pub struct Cache<K> {
    pub(super) reader: Reader<K>,
    pub(super) core: Arc<Core>,
    pub(super) shardings: Option<Arc<Shardings>>,
}

impl<K> Clone for Cache<K> {
    fn clone(&self) -> Self {
        Cache { reader: self.reader.clone(), core: self.core.clone(), shardings: self.shardings.clone() }
    }
}

impl<K: Resource> Cache<K> {
    /// Waits until a complete state has been read, of every namespace that is followed.
    ///
    /// Where that is refused (401, 403, 404) or the server is not there, the watch tries again and again, and this waits:
    /// [`synced_within`](Self::synced_within) does not wait for ever, and [`health`](Self::health) says why. It is an error only if the
    /// cache is stopped before.
    pub async fn synced(&self) -> Result<()> {
        self.core.wait(|status| status.is_synced()).await
    }

    /// As [`synced`](Self::synced), for so long at most. The error then has the last reason why there is no complete
    /// state, with its code: a missing permission [`is_forbidden`](Error::is_forbidden), a missing
    /// CustomResourceDefinition [`is_not_found`](Error::is_not_found). The watch goes on all the same.
    ///
    /// ```no_run
    /// # async fn f(cache: k8s_client::Cache<k8s_api::core::v1::Pod>) {
    /// use std::time::Duration;
    ///
    /// if let Err(error) = cache.synced_within(Duration::from_secs(30)).await {
    ///     eprintln!("{error}");
    /// }
    /// # }
    /// ```
    pub async fn synced_within(&self, limit: Duration) -> Result<()> {
        self.core.synced_within(limit, limit).await
    }

    /// Waits until the cache has a state for which `condition` holds. It is an error if it is stopped before.
    pub async fn until(&self, mut condition: impl FnMut(&Snapshot<K>) -> bool) -> Result<()> {
        // The lock on the status is not held while `condition` runs, which may look at it.
        let mut status = self.core.hub.status.subscribe();
        loop {
            let ended = status.borrow_and_update().ended;
            if condition(&self.snapshot()) {
                return Ok(());
            }
            if let Some(why) = ended {
                return Err(self.core.ended(why));
            }
            if status.changed().await.is_err() {
                return Err(self.core.ended("it has ended"));
            }
        }
    }

    /// What is known now, all of the same moment; it stays as it is.
    #[inline]
    pub fn snapshot(&self) -> Snapshot<K> {
        self.reader.snapshot()
    }

    /// One object; `namespace` is empty for what lives in none.
    #[inline]
    pub fn get(&self, namespace: &str, name: &str) -> Option<Arc<K>> {
        self.reader.get(namespace, name)
    }

    /// Reads without keeping the watch going, and finds by selectors.
    pub fn lister(&self) -> Lister<K> {
        Lister::new(self.reader.clone())
    }

    /// What happens, as a stream: all that is there now, then what changes, with nothing missed or told twice in
    /// between.
    pub fn subscribe(&self) -> Subscription<K> {
        Subscription::new(Feed::new(self.core.clone(), CAPACITY))
    }

    /// Calls `handler` for what is there and for each change, as [`Subscription::on_event`], for as long as the returned
    /// [`Handler`] is held.
    ///
    /// ```no_run
    /// # async fn f(cache: k8s_client::Cache<k8s_api::core::v1::Pod>) {
    /// use k8s_client::informer::Event;
    ///
    /// let handler = cache.on_event(async |event| {
    ///     if let Event::Deleted(pod) = event {
    ///         println!("{} is gone", pod.metadata.name);
    ///     }
    /// });
    /// # }
    /// ```
    pub fn on_event<F, Fut>(&self, handler: F) -> Handler
    where
        F: FnMut(Event<K>) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.subscribe().on_event(handler)
    }

    /// As [`on_event`](Self::on_event), with a handler that may block its thread.
    pub fn on_event_blocking(&self, handler: impl FnMut(Event<K>) + Send + 'static) -> Handler {
        self.subscribe().on_event_blocking(handler)
    }

    /// How the watch is doing. Of several, each field says what holds for the one that is worst off.
    pub fn health(&self) -> Health {
        self.core.hub.status.borrow().health()
    }

    /// Whether everything is in the cache that the server had so long ago, in every namespace that is followed: a gate for a
    /// readiness probe. [`Health::fresh_within`] says what is a good measure.
    pub fn fresh_within(&self, within: Duration) -> bool {
        let has_nothing = || self.sharding().is_some_and(|it| it.complete && it.followed.shards().is_none());
        let now = self.core.hub.outside.now();
        self.is_running() && (has_nothing() || self.health().fresh_within(within, now))
    }

    /// Which shards are followed, and who filters them; none for a cache of everything. Of several watches, it says what holds for the
    /// one that is worst off.
    pub fn sharding(&self) -> Option<Sharding> {
        self.shardings.as_ref().map(|shardings| shardings.all())
    }

    /// How everybody who is told of changes keeps up, in the order in which they came.
    pub fn subscribers(&self) -> Vec<Behind> {
        self.core.hub.behind()
    }

    /// Whether the watch still runs: it ends when it is stopped, and with its runtime.
    pub fn is_running(&self) -> bool {
        self.core.hub.status.borrow().ended.is_none()
    }

    /// Stops the watch for all who use it, and waits until handlers have done what they were told before. Subscriptions end once they
    /// are read to their end. Not for use in a handler of the cache, which would wait for itself.
    pub async fn stop(&self) {
        self.core.stop().await;
    }
}

impl<K> fmt::Debug for Cache<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Cache");
        debug.field("of", &self.core.hub.what).field("snapshot", &self.reader.snapshot());
        debug.finish_non_exhaustive()
    }
}

impl Core {
    /// Waits until the watches are in such a state.
    pub(super) async fn wait(&self, mut is: impl FnMut(&Status) -> bool) -> Result<()> {
        let mut ended = None;
        let mut status = self.hub.status.subscribe();
        let waited = status.wait_for(|status| {
            ended = status.ended;
            is(status) || ended.is_some()
        });
        match waited.await {
            Ok(status) if is(&status) => Ok(()),
            _ => Err(self.ended(ended.unwrap_or("it has ended"))),
        }
    }

    /// Waits for what is left of a limit.
    pub(super) async fn synced_within(&self, limit: Duration, left: Duration) -> Result<()> {
        match self.within(left, self.wait(Status::is_synced)).await {
            Some(result) => result,
            None => {
                let failure = self.hub.status.borrow().health().failure;
                Err(not_in_time(&self.hub.what, "complete", limit, failure.as_ref()))
            }
        }
    }

    /// Nothing if it takes longer.
    pub(super) async fn within<T>(&self, limit: Duration, what: impl Future<Output = T>) -> Option<T> {
        let outside = &self.hub.outside;
        let Some(until) = outside.now().checked_add(limit) else { return Some(what.await) };
        tokio::select! {
            biased;
            result = what => Some(result),
            () = outside.wait(until) => None,
        }
    }

    pub(super) fn ended(&self, why: &str) -> Error {
        Error::stopped(format!("the cache of {} says nothing more: {why}", self.hub.what))
    }
}

/// Something did not come in time, and `failure` may be why.
pub(super) fn not_in_time(what: &str, expected: &str, limit: Duration, failure: Option<&Failure>) -> Error {
    let message = format!("the cache of {what} was not {expected} within {limit:?}");
    match failure {
        Some(failure) => {
            Error::late(format!("{message}: {}", failure.message), failure.code, failure.retry_after)
        }
        None => Error::late(message, None, None),
    }
}
