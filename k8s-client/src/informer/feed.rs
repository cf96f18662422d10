//! What one subscriber hears: what there is, then what changes, and now and then all of it again.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use std::vec;

use super::audience::{Audience as _, Behind};
use super::core::Core;
use super::inbox::Inbox;
use super::queue::Item;
use crate::cache::Whole;
use crate::outside::Waiting;
use crate::watch::{Cause, Held};

/// Something to hear.
pub(super) enum Told {
    Item(Item<Held>),
    /// Told before, and told again.
    Again(Held),
}

pub(super) struct Feed {
    core: Arc<Core>,
    inbox: Arc<Inbox>,
    /// A state, which is told before what the inbox has.
    state: vec::IntoIter<Held>,
    /// Whether all of it was told before.
    again: bool,
    /// What is told once the state was.
    then: Option<Item<Held>>,
    resync: Option<(Duration, Waiting)>,
}

impl Feed {
    pub(super) fn new(core: Arc<Core>, capacity: usize) -> Self {
        let inbox = Arc::new(Inbox::new(capacity));
        let (whole, complete) =
            core.hub.join(Arc::downgrade(&inbox) as _, |whole, complete| (whole, complete));
        let then = complete.then_some(Item::Complete(Cause::Start));
        Feed { core, inbox, state: all(&whole), again: false, then, resync: None }
    }

    pub(super) fn inbox(&self) -> &Arc<Inbox> {
        &self.inbox
    }

    pub(super) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    pub(super) fn behind(&self) -> Behind {
        let mut behind = self.inbox.behind();
        behind.pending += self.state.len();
        behind
    }

    pub(super) fn resync(&mut self, every: Duration) {
        self.resync = Some((every, self.alarm(every)));
    }

    fn alarm(&self, every: Duration) -> Waiting {
        let outside = &self.core.hub.outside;
        match outside.now().checked_add(every) {
            Some(due) => outside.wait(due),
            None => Box::pin(std::future::pending()),
        }
    }

    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Told>> {
        loop {
            if let Some(object) = self.state.next() {
                let told = if self.again { Told::Again(object) } else { Told::Item(Item::Applied(object)) };
                return Poll::Ready(Some(told));
            }
            if let Some(item) = self.then.take() {
                return Poll::Ready(Some(Told::Item(item)));
            }
            if let Poll::Ready(item) = self.inbox.poll(context) {
                return Poll::Ready(item.map(Told::Item));
            }
            // All was heard. To tell everything again before that would go back in time.
            let Some((every, alarm)) = &mut self.resync else { return Poll::Pending };
            if alarm.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            let every = *every;
            let inbox = &self.inbox;
            let Some(state) = self.core.hub.still(|whole| inbox.is_idle().then(|| all(&whole))) else {
                continue;
            };
            (self.state, self.again) = (state, true);
            self.resync(every);
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.inbox.leave();
    }
}

fn all(whole: &Whole) -> vec::IntoIter<Held> {
    whole.iter().cloned().collect::<Vec<_>>().into_iter()
}
