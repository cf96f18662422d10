//! A watch that goes on by itself.

use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use k8s_api::Resource;
use k8s_api::codec::Decoder;
use k8s_api::request::{self, verb};
use tokio::sync::watch;

use super::Api;
use super::pending::Pending;
use crate::watch::{Account, AnyObject, Config, Event, Follower, Health, Monitor, ResourceVersion, Source};

impl<K: verb::List + verb::Watch> Pending<request::Watch<K>> {
    /// What happens to the objects, from now on and for ever: it begins with all that are there, and goes on by itself wherever a server
    /// or a connection ends.
    ///
    /// After [`version`](Self::version) it tells only what has happened since; with the version `0` the first state may be an old one.
    /// [`bookmarks`](Self::bookmarks) are told if they are asked for. [`timeout`](Self::timeout) says when the server is to end a call at the earliest,
    /// after which another one goes on.
    ///
    /// ```no_run
    /// # async fn f(client: k8s_client::Client) {
    /// use futures_util::StreamExt as _;
    /// use k8s_client::watch::Event;
    ///
    /// let mut events = client.all::<k8s_api::core::v1::Pod>().watch().labels("app=api").events();
    /// while let Some(event) = events.next().await {
    ///     match event {
    ///         Event::Applied(pod) => println!("{} is {}", pod.metadata.name, pod.status.phase),
    ///         Event::Deleted(gone) => println!("{} is gone", gone.name()),
    ///         Event::Synced => println!("that were all of them"),
    ///         Event::Resynced { cause } => println!("read anew: {cause:?}"),
    ///         Event::Quarantined(bad) => eprintln!("{}", bad.error),
    ///         _ => {}
    ///     }
    /// }
    /// # }
    /// ```
    pub fn events(self) -> Events<K> {
        let mut config = Config::default();
        if let Some(Ok(seconds)) = self.request.__option("timeoutSeconds").map(str::parse) {
            config.watch_timeout = Duration::from_secs(seconds);
        }
        let version = self.request.__option("resourceVersion").filter(|version| !version.is_empty());
        config.any_first_state = version == Some("0");
        let after = version.filter(|version| *version != "0").map(ResourceVersion::from);
        let bookmarks = self.request.__option("allowWatchBookmarks").is_some();
        let source = Source::new(self.client, self.request.list(), self.request.anew(), Decoder::new());
        Events { any: AnyEvents::new(source, config, after, bookmarks), kind: PhantomData }
    }
}

impl<K: verb::List + verb::Watch> Api<K> {
    /// Follows one object: its states, beginning with the one that it is in, and `None` while there is none of this name.
    ///
    /// No state is left out but across a relist, and none comes twice; `generation` is not looked at, which many kinds don't have. An object that was deleted
    /// and made again is `None` in between, also when nobody saw it go. A state that can't be read is not told;
    /// [`Monitor::health`] counts those.
    ///
    /// ```no_run
    /// # async fn f(client: k8s_client::Client) {
    /// use futures_util::StreamExt as _;
    ///
    /// let configs = client.namespaced::<k8s_api::core::v1::ConfigMap>("web");
    /// let mut limits = configs.watch_one("limits");
    /// while let Some(config) = limits.next().await {
    ///     match config {
    ///         Some(config) => println!("{:?}", config.data.get("pods")),
    ///         None => println!("there are none"),
    ///     }
    /// }
    /// # }
    /// ```
    pub fn watch_one(&self, name: &str) -> One<K> {
        One { events: self.watch().only(name).events(), there: None }
    }
}

/// What happens to objects, in order; it never ends.
///
/// - [`Event::Applied`] and [`Event::Deleted`] alone are a true account: whoever takes over the one and removes the other has what the server
///   has. So a stream remembers name, uid and version of every object that is there. After a 410, when it has to read all of them anew, it
///   tells those that have changed, and as deleted (by their name alone, since nobody saw their last state) those that are gone;
///   one that was made anew under its name is told as both.
/// - [`Event::Synced`] comes once, after the first complete state. [`Event::Resynced`] comes after each that had to be read later: only there
///   states may be missing, and never an object's latest.
/// - After a [version](Pending::version) to go on from, what was there before is not known: if the server's history does not go
///   back that far, all objects are told, and those that are gone can't be.
/// - A connection that breaks, ends or goes silent, and a server that restarts, cost nothing but time. A watch that is refused (401, 403, 404, also since
///   its kind does not exist yet) is tried again with growing delays; [`monitor`](Self::monitor) says so.
/// - An object that can't be read is [`Event::Quarantined`], and stays what it was before. One of which not even the name
///   can be read is told as deleted by the next complete state, and nothing else.
/// - Nothing is lost when a stream is polled slowly: it does not read on then, and the server waits. If it waits for too long the server ends the
///   call, and the stream goes on where it was.
///
/// Nothing is asked before the first poll. Dropping it ends the watch.
#[must_use = "nothing is read until it is polled"]
pub struct Events<K> {
    any: AnyEvents,
    kind: PhantomData<fn() -> K>,
}

impl<K: Resource> Events<K> {
    /// How the watch behaves. What the request says itself stays: its first version, and its timeout. Once the stream was polled it is too late.
    pub fn config(mut self, config: Config) -> Self {
        if let Some(begin) = &mut self.any.begin {
            let Config { any_first_state, watch_timeout, .. } = begin.config;
            let asked = Config::default();
            begin.config = Config {
                any_first_state: any_first_state || config.any_first_state,
                watch_timeout: if watch_timeout == asked.watch_timeout {
                    config.watch_timeout
                } else {
                    watch_timeout
                },
                ..config
            };
        }
        self
    }

    /// Reads objects with another decoder, such as one that leaves out what nobody here needs. Once the stream was polled it is too late.
    pub fn decoder(mut self, decoder: Decoder<K>) -> Self {
        if let Some(begin) = &mut self.any.begin {
            begin.source.decoder(decoder);
        }
        self
    }

    /// How the watch is doing, also while the stream is somewhere else.
    pub fn monitor(&self) -> Monitor {
        self.any.monitor.clone()
    }
}

impl<K: Resource> Stream for Events<K> {
    type Item = Event<K>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event<K>>> {
        loop {
            let event = ready!(self.any.poll(cx));
            if let Some(event) = event.of() {
                return Poll::Ready(Some(event));
            }
        }
    }
}

impl<K> fmt::Debug for Events<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("monitor", &self.any.monitor).finish_non_exhaustive()
    }
}

/// The states of one object; it never ends. [`watch_one`](Api::watch_one) says what it gives.
#[must_use = "nothing is read until it is polled"]
pub struct One<K> {
    events: Events<K>,
    /// Whether the object was last told to be there; nothing before anything was told.
    there: Option<bool>,
}

impl<K: Resource> One<K> {
    /// How the watch is doing.
    pub fn monitor(&self) -> Monitor {
        self.events.monitor()
    }

    /// How the watch behaves. Once the stream was polled it is too late.
    pub fn config(mut self, config: Config) -> Self {
        self.events = self.events.config(config);
        self
    }
}

impl<K: Resource> Stream for One<K> {
    type Item = Option<Arc<K>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Option<Arc<K>>>> {
        let this = &mut *self;
        loop {
            let Some(event) = ready!(Pin::new(&mut this.events).poll_next(cx)) else {
                return Poll::Ready(None);
            };
            let state = match event {
                Event::Applied(object) => Some(object),
                Event::Deleted(_) if this.there == Some(true) => None,
                Event::Synced if this.there.is_none() => None,
                _ => continue,
            };
            this.there = Some(state.is_some());
            return Poll::Ready(Some(state));
        }
    }
}

impl<K> fmt::Debug for One<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("One").field("monitor", &self.events.any.monitor).finish_non_exhaustive()
    }
}

/// All of it that is compiled once.
struct AnyEvents {
    /// Until the first poll.
    begin: Option<Box<Begin>>,
    steps: BoxStream<'static, VecDeque<Event<dyn AnyObject>>>,
    ready: VecDeque<Event<dyn AnyObject>>,
    monitor: Monitor,
}

struct Begin {
    source: Source,
    config: Config,
    after: Option<ResourceVersion>,
    bookmarks: bool,
    told: watch::Sender<Health>,
}

impl AnyEvents {
    fn new(source: Source, config: Config, after: Option<ResourceVersion>, bookmarks: bool) -> AnyEvents {
        let (told, health) = watch::channel(Health::default());
        let monitor = Monitor::new(health, source.outside().clone());
        let begin = Some(Box::new(Begin { source, config, after, bookmarks, told }));
        AnyEvents { begin, steps: stream::pending().boxed(), ready: VecDeque::new(), monitor }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Event<dyn AnyObject>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Poll::Ready(event);
            }
            if let Some(begin) = self.begin.take() {
                self.steps = begin.steps();
            }
            match ready!(self.steps.poll_next_unpin(cx)) {
                Some(events) => self.ready = events,
                // It never ends.
                None => return Poll::Pending,
            }
        }
    }
}

impl Begin {
    /// What is told, as much as came at once.
    fn steps(self) -> BoxStream<'static, VecDeque<Event<dyn AnyObject>>> {
        let Begin { source, config, after, bookmarks, told } = self;
        let account = Account::new(after.is_some(), bookmarks);
        let seed = source.outside().random();
        let follower = Follower::new(source, config, after, seed);
        let step = async |(mut follower, mut account, told): (Follower, Account, watch::Sender<Health>)| {
            let mut events = VecDeque::new();
            while events.is_empty() {
                for change in follower.next().await {
                    account.take(change, &mut events);
                }
                told.send_replace(follower.health().clone());
            }
            Some((events, (follower, account, told)))
        };
        stream::unfold((follower, account, told), step).boxed()
    }
}

#[cfg(test)]
mod tests;
