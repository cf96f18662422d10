//! Code that is called for what happens, in a task of its own.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::task::JoinHandle;

use super::audience::{Audience, Behind};
use super::core::Core;
use super::feed::{Feed, Told};

/// A handler at work. Dropping it ends the handler: what is called just then still ends by itself if it blocks, and at its
/// next `await` otherwise. While it lives, the watch goes on.
#[must_use = "dropping it ends the handler"]
pub struct Handler {
    core: Arc<Core>,
    behind: Arc<dyn Audience>,
    task: JoinHandle<()>,
}

/// What is called.
pub(super) enum Call {
    Async(Box<dyn FnMut(Told) -> Option<BoxFuture<'static, ()>> + Send>),
    Blocking(Box<dyn FnMut(Told) + Send>),
}

impl Handler {
    pub(super) fn spawn(feed: Feed, call: Call) -> Handler {
        let (core, behind) = (feed.core().clone(), feed.inbox().clone());
        let task = match call {
            Call::Async(call) => Handler::task(&core, listen(feed, call)),
            Call::Blocking(call) => Handler::task(&core, listen_blocking(feed, call)),
        };
        Handler { core, behind, task }
    }

    pub(super) fn of(core: Arc<Core>, behind: Arc<dyn Audience>, work: BoxFuture<'static, ()>) -> Handler {
        let task = Handler::task(&core, work);
        Handler { core, behind, task }
    }

    fn task(core: &Core, work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        let busy = core.busy();
        tokio::spawn(async move {
            work.await;
            drop(busy);
        })
    }

    /// How it keeps up, and how often it panicked.
    pub fn behind(&self) -> Behind {
        self.behind.behind()
    }

    /// Whether it is still called: it ends with its cache.
    pub fn is_running(&self) -> bool {
        !self.task.is_finished()
    }
}

impl Drop for Handler {
    fn drop(&mut self) {
        self.behind.leave();
        self.task.abort();
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Handler");
        debug.field("of", &self.core.hub.what).field("behind", &self.behind()).finish_non_exhaustive()
    }
}

async fn listen(mut feed: Feed, mut call: Box<dyn FnMut(Told) -> Option<BoxFuture<'static, ()>> + Send>) {
    while let Some(told) = std::future::poll_fn(|context| feed.poll(context)).await {
        let called = async {
            if let Some(handling) = call(told) {
                handling.await;
            }
        };
        if let Err(panic) = AssertUnwindSafe(called).catch_unwind().await {
            feed.inbox().panicked();
            report(&feed.core().hub.what, &*panic);
        }
        tokio::task::coop::consume_budget().await;
    }
}

/// A thread is taken only while there is something to tell.
async fn listen_blocking(mut feed: Feed, mut call: Box<dyn FnMut(Told) + Send>) {
    while let Some(first) = std::future::poll_fn(|context| feed.poll(context)).await {
        let work = tokio::task::spawn_blocking(move || {
            let mut next = Some(first);
            while let Some(told) = next.take() {
                if let Err(panic) = catch_unwind(AssertUnwindSafe(|| call(told))) {
                    feed.inbox().panicked();
                    report(&feed.core().hub.what, &*panic);
                }
                if feed.inbox().is_left() {
                    break;
                }
                if let Poll::Ready(told) = feed.poll(&mut Context::from_waker(Waker::noop())) {
                    next = told;
                }
            }
            (feed, call)
        });
        match work.await {
            Ok(back) => (feed, call) = back,
            // The runtime has ended.
            Err(_) => return,
        }
    }
}

pub(super) fn report(what: &str, panic: &(dyn Any + Send)) {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or_default();
    tracing::error!("a handler of {what} panicked, and goes on with the next event: {text}");
}
