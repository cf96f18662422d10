//! Spares a server that is down, and its callers, calls that would fail.
//!
//! A client has one server, so it has one circuit. It is off unless it is asked for: the server of a cluster is often several
//! behind one address, and while one of them restarts a retry gets through where an open circuit would fail. The retry's budget
//! already bounds what an outage adds to the load.
//!
//! What counts as a failure says that nobody is there who could answer: no connection, a connection that broke, an answer
//! that did not come in time, or a 5xx without a `Status`, which is a proxy's. Every other answer shows that the server is there
//! and closes the circuit, also a 409, a 429, or a 503 with a `Status`. What the client did not send itself counts for
//! neither, and neither does a call that was dropped.
//!
//! A watch counts with the head of its answer, since watches break off all the time. Renewals of leases always go out,
//! because a late one costs the lease; what becomes of them counts like everything else.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use k8s_api::transport::{Call, Fault, Lane, Reply, ReplyBody, Sending, Transport, TransportError};

use super::line::held;
use super::observe::{Circuit, Limit, Listener};
use crate::error::Status;
use crate::outside::Outside;

/// When a circuit opens, and for how long.
///
/// ```
/// use std::time::Duration;
/// use k8s_client::middleware::Breaker;
///
/// let mut breaker = Breaker::default();
/// breaker.pause = Duration::from_secs(5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Breaker {
    /// So many failures without a success in between open it.
    pub failures: u32,
    /// How long nothing goes out before one call may try.
    pub pause: Duration,
}

impl Default for Breaker {
    fn default() -> Breaker {
        // More than the attempts of one call, so that one call alone can't open it; less than two pings' time.
        Breaker { failures: 10, pause: Duration::from_secs(10) }
    }
}

/// The circuit of one client.
pub(crate) struct Switch {
    breaker: Breaker,
    state: Mutex<State>,
    listener: Listener,
    outside: Arc<dyn Outside>,
}

enum State {
    Closed {
        failed: u32,
    },
    Open {
        since: Instant,
        /// When one may try; `None` is after the end of time.
        until: Option<Instant>,
        last: String,
    },
    Trying {
        since: Instant,
        last: String,
    },
}

enum Verdict {
    There,
    Gone(String),
    /// It says nothing.
    Nothing,
}

impl Switch {
    pub(crate) fn new(breaker: Breaker, listener: Listener, outside: Arc<dyn Outside>) -> Switch {
        Switch { breaker, state: Mutex::new(State::Closed { failed: 0 }), listener, outside }
    }

    pub(crate) fn circuit(&self) -> Circuit {
        match &*self.state.lock().unwrap_or_else(PoisonError::into_inner) {
            State::Closed { .. } => Circuit::Closed,
            State::Open { last, .. } => Circuit::Open { last: last.clone() },
            State::Trying { .. } => Circuit::Trying,
        }
    }

    /// Whether a call may go out, and if so whether it is the one that tries.
    fn admit(&self) -> Result<bool, TransportError> {
        let now = self.outside.now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, last, next) = match &mut *state {
            State::Closed { .. } => return Ok(false),
            State::Open { since, until, last } if until.is_some_and(|until| until <= now) => {
                *state = State::Trying { since: *since, last: std::mem::take(last) };
                drop(state);
                self.listener.tell(|observer| observer.circuit(&Circuit::Trying));
                return Ok(true);
            }
            State::Open { since, until, last } => {
                let until = until.map(|until| until.saturating_duration_since(now));
                (
                    since,
                    last,
                    until.map_or("none will try again".to_owned(), |until| {
                        format!("one will try in {until:?}")
                    }),
                )
            }
            State::Trying { since, last } => (since, last, "one is trying now".to_owned()),
        };
        let since = now.saturating_duration_since(*since);
        Err(held(format!(
            "the server has not been there for {since:?}, so nothing is sent ({next}); at last: {last}"
        )))
    }

    fn heard(&self, verdict: Verdict, tries: bool) {
        let now = self.outside.now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let open = |since, last| State::Open { since, until: now.checked_add(self.breaker.pause), last };
        let next = match (&mut *state, verdict) {
            (State::Closed { failed: 0 }, Verdict::There) | (State::Closed { .. }, Verdict::Nothing) => {
                return;
            }
            (_, Verdict::There) => State::Closed { failed: 0 },
            (State::Closed { failed }, Verdict::Gone(last)) => {
                *failed = failed.saturating_add(1);
                if *failed < self.breaker.failures {
                    return;
                }
                open(now, last)
            }
            (State::Trying { since, .. }, Verdict::Gone(last)) if tries => open(*since, last),
            // Nothing was learned, so that the next one may try at once.
            (State::Trying { since, last }, Verdict::Nothing) if tries => {
                State::Open { since: *since, until: Some(now), last: std::mem::take(last) }
            }
            // From before it opened.
            _ => return,
        };
        let was_closed = matches!(*state, State::Closed { .. });
        *state = next;
        drop(state);
        let circuit = self.circuit();
        match &circuit {
            Circuit::Open { last } if was_closed => {
                tracing::warn!(target: super::telemetry::TARGET, last, "the server is not there: calls are not sent for a while");
            }
            Circuit::Closed if !was_closed => {
                tracing::info!(target: super::telemetry::TARGET, "the server is there again: calls are sent");
            }
            // One call more, or one less, without an answer.
            Circuit::Closed => return,
            _ => {}
        }
        self.listener.tell(|observer| observer.circuit(&circuit));
    }
}

struct Layer {
    inner: Arc<dyn Transport>,
    switch: Arc<Switch>,
}

/// Wraps `inner` in it. The body of a refusal has to be read below.
pub(crate) fn layer(inner: Arc<dyn Transport>, switch: Arc<Switch>) -> Arc<dyn Transport> {
    Arc::new(Layer { inner, switch })
}

impl Transport for Layer {
    fn send(&self, call: Call) -> Sending {
        let tries = match self.switch.admit() {
            Ok(tries) => tries,
            Err(_) if call.meta.lane == Lane::Lease => false,
            Err(error) => {
                self.switch
                    .listener
                    .tell(|observer| observer.held(&call.meta, Limit::Circuit, Duration::ZERO));
                return Box::pin(std::future::ready(Err(error)));
            }
        };
        let mut out = Out { switch: self.switch.clone(), tries, verdict: Verdict::Nothing };
        let sending = self.inner.send(call);
        Box::pin(async move {
            let result = sending.await;
            out.heard(&result);
            result
        })
    }
}

fn verdict(result: &Result<Reply, TransportError>) -> Verdict {
    match result {
        Ok(Reply { head, body: ReplyBody::Whole(body), .. }) if head.status.is_server_error() => {
            match Status::read(body) {
                Some(_) => Verdict::There,
                None => Verdict::Gone(format!("{} that was not the API server's", head.status)),
            }
        }
        Ok(_) => Verdict::There,
        Err(error) => match error.fault() {
            Fault::Broken | Fault::Timeout => Verdict::Gone(error.to_string()),
            _ => Verdict::Nothing,
        },
    }
}

/// A call that is out. Dropping it is how it ends.
struct Out {
    switch: Arc<Switch>,
    tries: bool,
    verdict: Verdict,
}

impl Out {
    fn heard(&mut self, result: &Result<Reply, TransportError>) {
        self.verdict = verdict(result);
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        self.switch.heard(std::mem::replace(&mut self.verdict, Verdict::Nothing), self.tries);
    }
}

#[cfg(test)]
mod tests;
