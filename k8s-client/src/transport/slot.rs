//! One reqwest client, and the calls on its connection.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use k8s_api::transport::{BoxError, Lane};

use super::connections::Counters;
use super::dial::{CALL, Dial, Dialler};
use crate::outside::Outside;

/// What kube-apiserver allows on one connection, and HTTP/2 recommends that nobody allows less.
const STREAMS: usize = 100;
/// No server allows less.
const FEWEST: usize = 10;
/// A watch that had no answer for as long, on a connection where others have theirs, may be beyond what this server allows.
const LATE: Duration = Duration::from_secs(5);

/// How many calls may go on one connection of a lane.
pub(super) struct Limit(AtomicUsize);

impl Limit {
    pub(super) fn new() -> Limit {
        Limit(AtomicUsize::new(STREAMS))
    }

    fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// So many got an answer, and one more did not.
    fn lower(&self, answered: usize) {
        if answered > 0 {
            self.0.fetch_min(answered.max(FEWEST), Ordering::Relaxed);
        }
    }

    /// So many have an answer. The server may have been slow when less was thought of it.
    fn check(&self, answered: usize) {
        if answered > self.get() {
            self.0.store(STREAMS, Ordering::Relaxed);
        }
    }
}

/// One connection of HTTP/2, or as many of HTTP/1.1 as there are calls at a time.
pub(super) struct Slot {
    client: reqwest::Client,
    dial: Arc<Dial>,
    counters: Arc<Counters>,
    /// None for HTTP/1.1, where each has a connection.
    limit: Option<Arc<Limit>>,
    /// Calls that are under way, and those of them that have an answer.
    streams: AtomicUsize,
    answered: AtomicUsize,
}

impl Slot {
    pub(super) fn new(
        client: reqwest::Client,
        dial: Arc<Dial>,
        counters: Arc<Counters>,
        limit: Option<Arc<Limit>>,
    ) -> Slot {
        let (streams, answered) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Slot { client, dial, counters, limit, streams, answered }
    }

    /// Whether one more call may go on it.
    pub(super) fn has_room(&self) -> bool {
        self.limit.as_ref().is_none_or(|limit| self.streams.load(Ordering::Relaxed) < limit.get())
    }

    pub(super) fn enter(self: &Arc<Slot>, lane: Lane, outside: &Arc<dyn Outside>) -> Ticket {
        self.streams.fetch_add(1, Ordering::Relaxed);
        self.counters.calls.up();
        let (slot, since, outside) = (self.clone(), outside.now(), outside.clone());
        Ticket { slot, lane, since, outside, answered: false }
    }
}

/// One call's place, until it is dropped.
pub(super) struct Ticket {
    slot: Arc<Slot>,
    lane: Lane,
    since: Instant,
    outside: Arc<dyn Outside>,
    answered: bool,
}

impl Ticket {
    pub(super) fn is_http_2(&self) -> bool {
        self.slot.limit.is_some()
    }

    /// Whether the call would wait for another's connection, and may be left alone with that.
    pub(super) fn waits(&self) -> bool {
        self.slot.dial.is_awaited()
    }

    /// `again` is for a call that has waited for a connection in vain.
    pub(super) async fn send(
        &mut self,
        request: reqwest::Request,
        again: bool,
    ) -> Result<reqwest::Response, Failure> {
        let Slot { client, dial, counters, answered, limit, .. } = &*self.slot;
        let mut sending = pin!(CALL.scope(Dialler::new(dial, again), client.execute(request)));
        let result = sending.as_mut().await;
        let dialler = sending.take_value();
        let has_dialled = dialler.as_ref().is_none_or(Dialler::has_dialled);
        match result {
            Ok(response) => {
                self.answered = true;
                let answered = answered.fetch_add(1, Ordering::Relaxed) + 1;
                if let Some(limit) = limit {
                    limit.check(answered);
                }
                counters.answers.up();
                if !has_dialled {
                    counters.reused.up();
                }
                Ok(response)
            }
            Err(error) if limit.is_some() && error.is_connect() && !has_dialled => {
                let reason = dialler.and_then(|dialler| dial.failed(&dialler));
                Err(reason.map_or(Failure::LeftAlone(error), Failure::Shared))
            }
            Err(error) => Err(Failure::Own(error)),
        }
    }
}

/// Why there is no answer.
pub(super) enum Failure {
    Own(reqwest::Error),
    /// There is no connection, for this call as for the one that dialled.
    Shared(Arc<BoxError>),
    /// The call that dialled was given up, and this one that waited for it was not sent.
    LeftAlone(reqwest::Error),
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let Slot { counters, streams, answered, limit, .. } = &*self.slot;
        counters.calls.down();
        streams.fetch_sub(1, Ordering::Relaxed);
        if self.answered {
            answered.fetch_sub(1, Ordering::Relaxed);
        } else if let Some(limit) = limit
            && self.lane == Lane::Watch
            && self.outside.now().saturating_duration_since(self.since) >= LATE
        {
            // The next one goes on another connection.
            limit.lower(answered.load(Ordering::Relaxed));
        }
    }
}
