//! One reqwest client, and the calls on its connection.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use k8s_api::transport::BoxError;

use super::connections::Counters;
use super::dial::{CALL, Dial, Dialler};
use crate::outside::Outside;

/// What kube-apiserver allows on one connection, and HTTP/2 recommends that nobody allows less.
const STREAMS: usize = 100;
/// A call that had no answer for as long, on a connection where others have theirs, may be beyond what this server allows.
const LATE: Duration = Duration::from_secs(5);

/// One connection of HTTP/2, or as many of HTTP/1.1 as there are calls at a time.
pub(super) struct Slot {
    client: reqwest::Client,
    dial: Arc<Dial>,
    counters: Arc<Counters>,
    http_2: bool,
    /// Calls that are under way, those of them that have an answer, and how many there may be.
    streams: AtomicUsize,
    answered: AtomicUsize,
    limit: AtomicUsize,
}

impl Slot {
    pub(super) fn new(
        client: reqwest::Client,
        dial: Arc<Dial>,
        counters: Arc<Counters>,
        http_2: bool,
    ) -> Slot {
        let limit = AtomicUsize::new(if http_2 { STREAMS } else { usize::MAX });
        let (streams, answered) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Slot { client, dial, counters, http_2, streams, answered, limit }
    }

    /// Whether one more call may go on it.
    pub(super) fn has_room(&self) -> bool {
        self.streams.load(Ordering::Relaxed) < self.limit.load(Ordering::Relaxed)
    }

    pub(super) fn enter(self: &Arc<Slot>, outside: &Arc<dyn Outside>) -> Ticket {
        self.streams.fetch_add(1, Ordering::Relaxed);
        self.counters.calls.up();
        let (slot, since, outside) = (self.clone(), outside.now(), outside.clone());
        Ticket { slot, since, outside, answered: false }
    }
}

/// One call's place, until it is dropped.
pub(super) struct Ticket {
    slot: Arc<Slot>,
    since: Instant,
    outside: Arc<dyn Outside>,
    answered: bool,
}

impl Ticket {
    pub(super) fn is_http_2(&self) -> bool {
        self.slot.http_2
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
        let Slot { client, dial, counters, answered, http_2, .. } = &*self.slot;
        let mut sending = pin!(CALL.scope(Dialler::new(dial, again), client.execute(request)));
        let result = sending.as_mut().await;
        let dialler = sending.take_value();
        let has_dialled = dialler.as_ref().is_none_or(Dialler::has_dialled);
        match result {
            Ok(response) => {
                self.answered = true;
                answered.fetch_add(1, Ordering::Relaxed);
                counters.answers.up();
                if !has_dialled {
                    counters.reused.up();
                }
                Ok(response)
            }
            Err(error) if *http_2 && error.is_connect() && !has_dialled => {
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
        let Slot { counters, streams, answered, limit, http_2, .. } = &*self.slot;
        counters.calls.down();
        streams.fetch_sub(1, Ordering::Relaxed);
        if self.answered {
            answered.fetch_sub(1, Ordering::Relaxed);
        } else if *http_2 && self.outside.now().saturating_duration_since(self.since) >= LATE {
            // The next call goes on another connection. If the server was only slow, that is one more than it takes.
            if let enough @ 1.. = answered.load(Ordering::Relaxed) {
                limit.fetch_min(enough, Ordering::Relaxed);
            }
        }
    }
}
