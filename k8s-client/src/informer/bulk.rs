//! Many changes as one call.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use k8s_api::Resource;

use super::audience::{Audience, Behind, Step};
use super::core::Core;
use super::debounce::{Debounce, Timing};
use super::handle::Cache;
use super::handler::{Handler, report};
use super::net::Net;
use super::queue::Item;
use crate::cache::{Snapshot, Whole};
use crate::outside::{Outside, Waiting};
use crate::watch::{Cause, Key};

/// What is different since the last call, and what there is now: both of the same moment.
///
/// A change is what makes a difference between the two calls: what was created and deleted in between is not in it, and what was deleted
/// and made again is among the created and the deleted. How many there are is the length of each list.
#[non_exhaustive]
pub struct Batch<K> {
    /// All there is.
    pub snapshot: Snapshot<K>,
    /// What was not there, in order.
    pub created: Vec<Key>,
    /// What has another state, in order.
    pub modified: Vec<Key>,
    /// What is not there any more, in order: it was deleted, or belongs to a [shard](crate::shard) that is not followed any more.
    pub deleted: Vec<Key>,
    /// Where the cache is with its first complete state.
    pub phase: Phase,
}

/// Where a cache is with its first complete state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// On the way: some of the namespaces are there. Only told if [`Debounce::during_sync`] asks for it.
    Syncing,
    /// This call completes it, even if there is nothing at all. It comes once, and at once.
    Synced,
    /// It was there before.
    Live,
}

impl<K: Resource> Cache<K> {
    /// Calls `handler` once for many changes, in a task of its own, as long as the returned [`Handler`] is held. The first call comes with the
    /// complete state; while a call is under way, what changes is gathered for the next.
    ///
    /// ```no_run
    /// # async fn f(cache: k8s_client::Cache<k8s_api::core::v1::Pod>) {
    /// use k8s_client::informer::{Batch, Debounce};
    ///
    /// let handler = cache.on_changes(Debounce::default(), async |batch: Batch<_>| {
    ///     println!("{} pods, {} of them new", batch.snapshot.len(), batch.created.len());
    /// });
    /// # }
    /// ```
    pub fn on_changes<F, Fut>(&self, debounce: Debounce, mut handler: F) -> Handler
    where
        F: FnMut(Batch<K>) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let call = move |Taken { whole, keys: [created, modified, deleted], phase }: Taken| {
            let batch = Batch { snapshot: whole.of(), created, modified, deleted, phase };
            handler(batch).boxed()
        };
        start(self.core.clone(), debounce, Box::new(call))
    }
}

impl<K> fmt::Debug for Batch<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("snapshot", &self.snapshot)
            .field("created", &self.created)
            .field("modified", &self.modified)
            .field("deleted", &self.deleted)
            .field("phase", &self.phase)
            .finish()
    }
}

struct Taken {
    whole: Whole,
    keys: [Vec<Key>; 3],
    phase: Phase,
}

type Call = Box<dyn FnMut(Taken) -> BoxFuture<'static, ()> + Send>;

fn start(core: Arc<Core>, debounce: Debounce, call: Call) -> Handler {
    let gatherer = Arc::new(Gatherer::new(debounce, core.hub.outside.clone()));
    core.hub.join(Arc::downgrade(&gatherer) as _, |whole, complete| {
        // All there is, as if it came now.
        let steps = whole.iter().map(|object| Step::applied(object.clone(), true));
        let complete = complete.then(|| Step::told(Item::Complete(Cause::Start)));
        gatherer.tell(&steps.chain(complete).collect::<Vec<_>>(), true);
    });
    let work = work(core.clone(), gatherer.clone(), call);
    Handler::of(core, gatherer, work.boxed())
}

async fn work(core: Arc<Core>, gatherer: Arc<Gatherer>, mut call: Call) {
    let mut alarm = None;
    while std::future::poll_fn(|context| gatherer.poll(context, &mut alarm)).await {
        let Some(taken) = core.hub.still(|whole| gatherer.take(whole)) else { continue };
        if let Err(panic) = AssertUnwindSafe(async { call(taken).await }).catch_unwind().await {
            gatherer.lock().panics += 1;
            report(&core.hub.what, &*panic);
        }
    }
}

/// Notes what is different until it is told.
struct Gatherer {
    outside: Arc<dyn Outside>,
    state: Mutex<State>,
}

struct State {
    net: Net,
    timing: Timing,
    during_sync: bool,
    phase: Phase,
    waker: Option<Waker>,
    closed: bool,
    left: bool,
    panics: u64,
}

impl Gatherer {
    fn new(debounce: Debounce, outside: Arc<dyn Outside>) -> Self {
        let state = State {
            net: Net::default(),
            timing: Timing::new(debounce),
            during_sync: debounce.during_sync,
            phase: Phase::Syncing,
            waker: None,
            closed: false,
            left: false,
            panics: 0,
        };
        Gatherer { outside, state: Mutex::new(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Whether there is a call to make; false when there is none any more.
    fn poll(&self, context: &mut Context<'_>, alarm: &mut Option<(Instant, Waiting)>) -> Poll<bool> {
        loop {
            let mut state = self.lock();
            let due = state.timing.deadline();
            match due {
                _ if state.left => return Poll::Ready(false),
                Some(due) if state.closed || due <= self.outside.now() => return Poll::Ready(true),
                None if state.closed => return Poll::Ready(false),
                _ => state.waker = Some(context.waker().clone()),
            }
            drop(state);
            // Every change moves it further off, so a wait for one that has passed only finds out that it has moved.
            *alarm = match (alarm.take(), due) {
                (Some((at, waiting)), Some(due)) if at <= due => Some((at, waiting)),
                (_, due) => due.map(|due| (due, self.outside.wait(due))),
            };
            let Some((_, waiting)) = alarm else { return Poll::Pending };
            if waiting.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            *alarm = None;
        }
    }

    /// What there is to tell; nothing if nothing is different in the end.
    fn take(&self, whole: Whole) -> Option<Taken> {
        let mut state = self.lock();
        state.timing.called(self.outside.now());
        let phase = state.phase;
        if phase == Phase::Synced {
            state.phase = Phase::Live;
        }
        let is_something = phase == Phase::Synced || !state.net.is_empty();
        is_something.then(|| Taken { whole, keys: state.net.take(), phase })
    }
}

impl Audience for Gatherer {
    fn tell(&self, steps: &[Step], _: bool) {
        let now = self.outside.now();
        self.change(|state| {
            for Step { item, created } in steps {
                match item {
                    Item::Applied(object) => state.net.applied(object, *created),
                    Item::Deleted(object) | Item::Released(object) => state.net.deleted(object),
                    Item::Complete(Cause::Start) => state.phase = Phase::Synced,
                    Item::Complete(_) => {}
                }
            }
            match state.phase {
                Phase::Synced => state.timing.urgent(now),
                Phase::Syncing if !state.during_sync => {}
                _ if state.net.is_empty() => {}
                _ => state.timing.changed(now),
            }
        });
    }

    fn close(&self) {
        self.change(|state| state.closed = true);
    }

    fn leave(&self) {
        self.change(|state| (state.closed, state.left) = (true, true));
    }

    fn behind(&self) -> Behind {
        let state = self.lock();
        Behind { pending: state.net.len(), coalesced: 0, panics: state.panics }
    }
}
