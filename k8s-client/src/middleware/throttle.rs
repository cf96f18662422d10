//! At most so many calls a second, and so many at once after a pause.
//!
//! Every attempt counts, since the server sees every attempt; a watch counts once, when it is opened. Who waits, waits in
//! order. Renewals of leases don't wait: one that is late costs the lease, and they are few.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use k8s_api::transport::{Call, CallMeta, Lane, Sending, Transport, TransportError};

use super::line::Line;
use crate::config::Rate;
use crate::outside::Outside;

struct Throttle {
    inner: Arc<dyn Transport>,
    bucket: Arc<Bucket>,
}

/// Wraps `inner` in it; `line` is where calls wait.
pub(crate) fn layer(
    inner: Arc<dyn Transport>,
    rate: Rate,
    line: Arc<Line>,
    outside: Arc<dyn Outside>,
) -> Arc<dyn Transport> {
    Arc::new(Throttle { inner, bucket: Arc::new(Bucket::new(rate, line, outside)) })
}

impl Transport for Throttle {
    fn send(&self, call: Call) -> Sending {
        if call.meta.lane == Lane::Lease || self.bucket.at_once() {
            return self.inner.send(call);
        }
        let (inner, bucket) = (self.inner.clone(), self.bucket.clone());
        Box::pin(async move {
            bucket.turn(&call.meta).await?;
            inner.send(call).await
        })
    }
}

/// A bucket of tokens, kept as the time at which it will be full again.
struct Bucket {
    rate: Rate,
    /// How long one token takes.
    each: Duration,
    /// How far ahead of now `full` may be while there is a token.
    ahead: Duration,
    origin: Instant,
    /// Since `origin`.
    full: Mutex<Duration>,
    /// Held by the one whose turn is next. It hands itself on in order, also when somebody gives up.
    next: tokio::sync::Mutex<()>,
    line: Arc<Line>,
    outside: Arc<dyn Outside>,
}

impl Bucket {
    fn new(rate: Rate, line: Arc<Line>, outside: Arc<dyn Outside>) -> Bucket {
        // A rate that is no rate at all lets nothing through.
        let each = Duration::try_from_secs_f64(1.0 / rate.qps).unwrap_or(Duration::MAX);
        let ahead = each.saturating_mul(rate.burst.saturating_sub(1));
        let (origin, full, next) = (outside.now(), Mutex::default(), tokio::sync::Mutex::new(()));
        Bucket { rate, each, ahead, origin, full, next, line, outside }
    }

    /// Takes a token if there is one and nobody waits for it.
    fn at_once(&self) -> bool {
        self.next.try_lock().is_ok() && self.take().is_ok()
    }

    /// Takes a token, or says when there will be one, since `origin`.
    fn take(&self) -> Result<(), Duration> {
        let now = self.outside.now().saturating_duration_since(self.origin);
        let mut full = self.full.lock().unwrap_or_else(PoisonError::into_inner);
        let ready = full.saturating_sub(self.ahead);
        if ready > now {
            return Err(ready);
        }
        *full = (*full).max(now).saturating_add(self.each);
        Ok(())
    }

    async fn turn(&self, call: &CallMeta) -> Result<(), TransportError> {
        let why =
            || format!("this client sends {} calls a second, {} at once", self.rate.qps, self.rate.burst);
        if let Some(deadline) = call.limits.deadline {
            // Later only if nobody before it gives up.
            let full = *self.full.lock().unwrap_or_else(PoisonError::into_inner);
            let before = self.each.saturating_mul(self.line.waited().waiting);
            let turn = self.at(full.saturating_sub(self.ahead).saturating_add(before));
            if turn.is_none_or(|turn| turn >= deadline) {
                let wait = turn.map(|turn| turn.saturating_duration_since(self.outside.now()));
                let wait =
                    wait.map_or("for ever".to_owned(), |wait| format!("{wait:?}, until after its deadline"));
                return Err(self.line.turn_away(call, format!("it would wait {wait}: {}", why())));
            }
        }
        let turn = async {
            let _next = self.next.lock().await;
            while let Err(ready) = self.take() {
                match self.at(ready) {
                    Some(at) => self.outside.wait(at).await,
                    None => std::future::pending().await,
                }
            }
        };
        self.line.wait(call, turn, why).await
    }

    /// `None` is after the end of time.
    fn at(&self, since: Duration) -> Option<Instant> {
        self.origin.checked_add(since)
    }
}

#[cfg(test)]
mod tests;
