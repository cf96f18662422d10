//! Calls that wait for a limit of the client's own: never past their deadline, and never unseen.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use k8s_api::transport::{CallMeta, Fault, Sent, TransportError};

use super::observe::{Limit, Listener};
use crate::outside::Outside;

/// A wait that a person should hear of, and how often at most.
const LONG: Duration = Duration::from_secs(1);
const SELDOM: Duration = Duration::from_secs(10);

/// How much calls have waited for one limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Waited {
    /// How many wait now.
    pub waiting: u32,
    /// How many have waited.
    pub calls: u64,
    /// How long, all of them together.
    pub total: Duration,
}

pub(crate) struct Line {
    limit: Limit,
    waiting: AtomicU32,
    calls: AtomicU64,
    nanos: AtomicU64,
    warned: Mutex<Option<Instant>>,
    listener: Listener,
    outside: Arc<dyn Outside>,
}

impl Line {
    pub(super) fn new(limit: Limit, listener: Listener, outside: Arc<dyn Outside>) -> Line {
        Line {
            limit,
            waiting: AtomicU32::new(0),
            calls: AtomicU64::new(0),
            nanos: AtomicU64::new(0),
            warned: Mutex::default(),
            listener,
            outside,
        }
    }

    pub(crate) fn waited(&self) -> Waited {
        Waited {
            waiting: self.waiting.load(Ordering::Relaxed),
            calls: self.calls.load(Ordering::Relaxed),
            total: Duration::from_nanos(self.nanos.load(Ordering::Relaxed)),
        }
    }

    /// Waits for `turn` until the call's deadline. `why` is what it waits for, in words.
    pub(super) async fn wait<T>(
        &self,
        call: &CallMeta,
        turn: impl Future<Output = T> + Send,
        why: impl Fn() -> String + Send,
    ) -> Result<T, TransportError> {
        let here = Here::new(self, call);
        let turn = std::pin::pin!(turn);
        let turned = match call.limits.deadline {
            None => Some(turn.await),
            Some(deadline) => super::attempt::before(turn, self.outside.wait(deadline)).await,
        };
        let waited = here.waited();
        if waited >= LONG && self.may_warn() {
            tracing::warn!(
                target: super::telemetry::TARGET,
                operation = %call.op,
                limit = self.limit.as_str(),
                ?waited,
                "a call waited in this client before it was sent: {}",
                why()
            );
        } else {
            tracing::debug!(target: super::telemetry::TARGET, operation = %call.op, limit = self.limit.as_str(), ?waited, "waited");
        }
        turned.ok_or_else(|| held(format!("it waited {waited:?}, until its deadline: {}", why())))
    }

    /// A call that is not to wait: it would be too late.
    pub(super) fn turn_away(&self, call: &CallMeta, why: impl Into<String>) -> TransportError {
        self.listener.tell(|observer| observer.held(call, self.limit, Duration::ZERO));
        held(why)
    }

    fn may_warn(&self) -> bool {
        let now = self.outside.now();
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        let may = warned.is_none_or(|at| now.saturating_duration_since(at) >= SELDOM);
        if may {
            *warned = Some(now);
        }
        may
    }
}

/// Nothing was sent, by the client's own will.
pub(super) fn held(why: impl Into<String>) -> TransportError {
    TransportError::new(Sent::No, Fault::Held, why)
}

/// One that waits, until its turn comes or it is dropped.
struct Here<'a> {
    line: &'a Line,
    call: &'a CallMeta,
    since: Instant,
}

impl<'a> Here<'a> {
    fn new(line: &'a Line, call: &'a CallMeta) -> Here<'a> {
        line.waiting.fetch_add(1, Ordering::Relaxed);
        Here { line, call, since: line.outside.now() }
    }

    fn waited(&self) -> Duration {
        self.line.outside.now().saturating_duration_since(self.since)
    }
}

impl Drop for Here<'_> {
    fn drop(&mut self) {
        let (line, waited) = (self.line, self.waited());
        line.waiting.fetch_sub(1, Ordering::Relaxed);
        line.calls.fetch_add(1, Ordering::Relaxed);
        line.nanos.fetch_add(u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        line.listener.tell(|observer| observer.held(self.call, line.limit, waited));
    }
}
