//! Changes as a stream.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use k8s_api::Resource;

use super::audience::Behind;
use super::event::Event;
use super::feed::Feed;
use super::handler::{Call, Handler};

/// How many states wait for a subscriber one by one, unless it says otherwise.
pub(super) const CAPACITY: usize = 1024;

/// What happens to the objects of a [`Cache`](crate::Cache), from the moment on that it was made: first all that is there, then
/// what changes. It ends when the cache is [stopped](crate::Cache::stop), and while it lives, the watch goes on.
///
/// ```no_run
/// # async fn f(cache: k8s_client::Cache<k8s_api::core::v1::Pod>) {
/// use futures_util::StreamExt as _;
/// use k8s_client::informer::Event;
///
/// let mut events = cache.subscribe();
/// while let Some(event) = events.next().await {
///     match event {
///         Event::Applied(pod) => println!("{} is {:?}", pod.metadata.name, pod.status.phase),
///         Event::Deleted(pod) => println!("{} is gone", pod.metadata.name),
///         _ => {}
///     }
/// }
/// # }
/// ```
#[must_use = "nobody hears what is not read"]
pub struct Subscription<K> {
    feed: Feed,
    kind: PhantomData<fn() -> K>,
}

impl<K: Resource> Subscription<K> {
    pub(super) fn new(feed: Feed) -> Self {
        Subscription { feed, kind: PhantomData }
    }

    /// How many states may wait one by one, 1,024 without this.
    ///
    /// A subscriber that is further behind than that is told less: what comes on top is kept by object, its latest state only, at the place
    /// of the object's first change that waits there. So no object's latest state is ever lost, an object that was deleted and made again is
    /// told as both, and the memory that it takes is bounded by the number of objects. [`behind`](Self::behind) says how many
    /// states were left out.
    pub fn capacity(self, states: usize) -> Self {
        self.feed.inbox().set_capacity(states);
        self
    }

    /// Tells every object again after each such time, as [`Event::Redelivered`]. A subscriber that is behind is told once it has heard
    /// the rest.
    pub fn resync(mut self, every: Duration) -> Self {
        self.feed.resync(every);
        self
    }

    /// How it keeps up.
    pub fn behind(&self) -> Behind {
        self.feed.behind()
    }

    /// Calls `handler` for each event, one after the other, in a task of its own.
    ///
    /// A handler that takes its time delays only itself, as long as it awaits; one that blocks its thread belongs in
    /// [`on_event_blocking`](Self::on_event_blocking). A panic is logged and counted, and the handler goes on with the next event.
    pub fn on_event<F, Fut>(self, mut handler: F) -> Handler
    where
        F: FnMut(Event<K>) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Handler::spawn(
            self.feed,
            Call::Async(Box::new(move |told| Some(Box::pin(handler(Event::of(told)?))))),
        )
    }

    /// As [`on_event`](Self::on_event), with a handler that may block: it is called on threads that are there for that.
    pub fn on_event_blocking(self, mut handler: impl FnMut(Event<K>) + Send + 'static) -> Handler {
        let call = move |told| {
            if let Some(event) = Event::of(told) {
                handler(event);
            }
        };
        Handler::spawn(self.feed, Call::Blocking(Box::new(call)))
    }
}

impl<K: Resource> Stream for Subscription<K> {
    type Item = Event<K>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event<K>>> {
        // A subscriber with much to hear lets others go on now and then.
        let turn = ready!(tokio::task::coop::poll_proceed(context));
        loop {
            let Some(told) = ready!(self.feed.poll(context)) else { return Poll::Ready(None) };
            if let Some(event) = Event::of(told) {
                turn.made_progress();
                return Poll::Ready(Some(event));
            }
        }
    }
}

impl<K> Unpin for Subscription<K> {}

impl<K> fmt::Debug for Subscription<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("behind", &self.feed.behind()).finish_non_exhaustive()
    }
}
