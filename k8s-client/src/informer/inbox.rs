//! A subscriber's queue, and how it is woken.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::audience::{Audience, Behind, Step};
use super::queue::{Item, Queue};
use crate::watch::Held;

pub(super) struct Inbox(Mutex<State>);

struct State {
    queue: Queue<Held>,
    waker: Option<Waker>,
    closed: bool,
    left: bool,
    panics: u64,
}

impl Inbox {
    pub(super) fn new(capacity: usize) -> Self {
        let queue = Queue::new(capacity);
        Inbox(Mutex::new(State { queue, waker: None, closed: false, left: false, panics: 0 }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// The next item; none when there is no more to come.
    pub(super) fn poll(&self, context: &mut Context<'_>) -> Poll<Option<Item<Held>>> {
        let mut state = self.lock();
        match state.queue.pop() {
            None if !state.closed => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
            item => Poll::Ready(item),
        }
    }

    /// Whether all was heard, and more may come.
    pub(super) fn is_idle(&self) -> bool {
        let state = self.lock();
        state.queue.is_empty() && !state.closed
    }

    pub(super) fn set_capacity(&self, capacity: usize) {
        self.lock().queue.set_capacity(capacity);
    }

    pub(super) fn panicked(&self) {
        self.lock().panics += 1;
    }

    /// Whether nobody listens any more.
    pub(super) fn is_left(&self) -> bool {
        self.lock().left
    }
}

impl Audience for Inbox {
    fn tell(&self, steps: &[Step], complete: bool) {
        self.change(|state| {
            let items = steps.iter().map(|step| step.item.clone());
            match (state.closed, complete) {
                (true, _) => {}
                (_, true) => state.queue.extend(items),
                (_, false) => items.for_each(|item| state.queue.push(item)),
            }
        });
    }

    fn close(&self) {
        self.change(|state| state.closed = true);
    }

    fn leave(&self) {
        self.change(|state| {
            state.queue = Queue::new(0);
            (state.closed, state.left) = (true, true);
        });
    }

    fn behind(&self) -> Behind {
        let State { queue, panics, .. } = &*self.lock();
        Behind { pending: queue.len(), coalesced: queue.coalesced(), panics: *panics }
    }
}
