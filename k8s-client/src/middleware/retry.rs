//! Repeats what may be repeated, as often as the preset allows, and never past the call's deadline.

use std::sync::Arc;

use k8s_api::transport::{Call, Reply, Sending, Transport, TransportError};

use super::attempts::Attempts;
use super::backoff::Waits;
use super::budget::Budget;
use super::classify::{Outcome, may_repeat};
use super::observe::Listener;
use super::preset::Preset;
use super::retry_after::retry_after;
use crate::outside::Outside;

/// The policy.
pub(crate) struct Retrying {
    inner: Arc<dyn Transport>,
    preset: Preset,
    budget: Arc<Budget>,
    listener: Listener,
    outside: Arc<dyn Outside>,
}

/// Wraps `inner` in it. Others may take from the same budget.
pub(crate) fn layer(
    inner: Arc<dyn Transport>,
    preset: Preset,
    budget: Arc<Budget>,
    listener: Listener,
    outside: Arc<dyn Outside>,
) -> Arc<dyn Transport> {
    Arc::new(Retrying { inner, preset, budget, listener, outside })
}

impl Transport for Retrying {
    fn send(&self, call: Call) -> Sending {
        let (inner, preset) = (self.inner.clone(), self.preset);
        let (budget, listener, outside) = (self.budget.clone(), self.listener.clone(), self.outside.clone());
        Box::pin(async move { send(&*inner, call, preset, &budget, &listener, &*outside).await })
    }
}

async fn send(
    inner: &dyn Transport,
    mut call: Call,
    preset: Preset,
    budget: &Budget,
    listener: &Listener,
    outside: &dyn Outside,
) -> Result<Reply, TransportError> {
    let mut waits = Waits::new(&preset);
    loop {
        let (next, meta) = (call.replay(), call.meta.clone());
        Attempts::count(&call);
        let result = inner.send(call).await;
        let outcome = Outcome::of(&result, |reply| reply.head.status);
        if outcome.is_success() {
            budget.succeeded();
        }
        let Some(mut next) = next else { return result };
        if meta.attempt + 1 >= preset.attempts || !may_repeat(meta.op.retry, outcome) {
            return result;
        }
        let wish = match &result {
            Ok(reply) => retry_after(&reply.head.headers, outside.date()),
            Err(_) => None,
        };
        let wait = waits.next(wish, outside.chance());
        // Nothing would come of waiting for a time after the deadline: the caller had better know the reason now.
        let at = outside.now().checked_add(wait);
        let at = at.filter(|at| meta.limits.deadline.is_none_or(|deadline| *at < deadline));
        let Some(at) = at else { return result };
        if !budget.take() {
            return result;
        }
        listener.tell(|observer| observer.retrying(&meta, outcome, wait));
        // The answer holds a connection or a stream of one, which the next attempt may need.
        drop(result);
        outside.wait(at).await;
        next.meta.attempt = meta.attempt + 1;
        call = next;
    }
}
