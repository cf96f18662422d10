//! Which policy holds which.

use std::sync::Arc;
use std::time::Duration;

use k8s_api::transport::Transport;

use super::breaker::{Breaker, Switch};
use super::budget::Budget;
use super::line::{Line, Waited};
use super::observe::{Circuit, Limit, Listener};
use super::preset::Preset;
use super::propagate::Trace;
use super::warnings::Warnings;
use super::{
    attempt, auth, breaker, concurrency, confirm, deadline, propagate, request_id, retry, telemetry,
    throttle, warnings, whole,
};
use crate::auth::Credential;
use crate::config::Rate;
use crate::outside::Outside;

/// What a program has said about them.
#[derive(Clone, Default)]
pub(crate) struct Policies {
    pub(crate) preset: Preset,
    pub(crate) rate: Option<Rate>,
    pub(crate) concurrency: Option<u32>,
    pub(crate) breaker: Option<Breaker>,
    pub(crate) request_ids: bool,
    pub(crate) trace: Option<Trace>,
    pub(crate) listener: Listener,
    pub(crate) warnings: Warnings,
    /// Creates whose outcome is not known are left as they are.
    pub(crate) unconfirmed_creates: bool,
    /// How long to wait for the head of what is read on the way.
    pub(crate) answer: Option<Duration>,
}

/// How much a client holds back by limits of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Load {
    /// By its rate.
    pub rate: Waited,
    /// By how many calls it may have at a time.
    pub concurrency: Waited,
    /// How its circuit breaker stands.
    pub circuit: Circuit,
}

/// The limits of a client, to be asked for figures.
#[derive(Clone, Default)]
pub(crate) struct Gauges {
    rate: Option<Arc<Line>>,
    concurrency: Option<Arc<Line>>,
    switch: Option<Arc<Switch>>,
}

impl Gauges {
    pub(crate) fn load(&self) -> Load {
        let waited = |line: &Option<Arc<Line>>| line.as_ref().map(|line| line.waited()).unwrap_or_default();
        Load {
            rate: waited(&self.rate),
            concurrency: waited(&self.concurrency),
            circuit: self.switch.as_ref().map(|switch| switch.circuit()).unwrap_or_default(),
        }
    }
}

/// From the outermost: request id, span of the call, trace headers, warnings, total deadline, confirm, retry, span of the attempt, rate,
/// concurrency, breaker, whole, auth, attempt deadline, `transport`. What is not asked for is not there.
///
/// - The span of a call has everything that is done for it, and the trace headers are made inside of it.
/// - The total deadline is outside of all waiting.
/// - What looks whether an object was created (`confirm`) does so with calls of its own, which are repeated like others.
/// - Every attempt counts for the rate and takes a slot; the rate comes first, so that nobody waits in a slot that another
///   could use.
/// - The breaker is inside of both: what has waited hears of what has happened meanwhile.
/// - An attempt ends with its body (`whole`), so a body that breaks off is repeated too, and keeps its slot until then. The
///   breaker sees the body of a refusal: by that it tells the API server from a proxy.
/// - Each attempt asks for a credential of its own: it may have been renewed during a wait. A plugin that fails says nothing
///   about the server.
/// - The replay after a 401 has an attempt's time of its own.
pub(crate) fn stack(
    transport: Arc<dyn Transport>,
    credential: Option<Arc<dyn Credential>>,
    policies: Policies,
    outside: Arc<dyn Outside>,
) -> (Arc<dyn Transport>, Gauges) {
    let Policies {
        preset,
        rate,
        concurrency,
        breaker,
        request_ids,
        trace,
        listener,
        warnings,
        unconfirmed_creates,
        answer,
    } = policies;
    let line = |limit| Arc::new(Line::new(limit, listener.clone(), outside.clone()));
    let mut gauges = Gauges::default();

    let mut stack = attempt::layer(transport, outside.clone());
    if let Some(credential) = credential {
        stack = auth::layer(stack, credential, listener.clone());
    }
    stack = whole::layer(stack);
    if let Some(breaker) = breaker {
        let switch = Arc::new(Switch::new(breaker, listener.clone(), outside.clone()));
        stack = breaker::layer(stack, switch.clone());
        gauges.switch = Some(switch);
    }
    if let Some(most) = concurrency {
        let line = line(Limit::Concurrency);
        stack = concurrency::layer(stack, most, line.clone());
        gauges.concurrency = Some(line);
    }
    if let Some(rate) = rate {
        let line = line(Limit::Rate);
        stack = throttle::layer(stack, rate, line.clone(), outside.clone());
        gauges.rate = Some(line);
    }
    stack = telemetry::attempts(stack, listener.clone(), outside.clone());
    let budget = Arc::new(Budget::new());
    stack = retry::layer(stack, preset, budget.clone(), listener.clone(), outside.clone());
    if !unconfirmed_creates {
        stack = confirm::layer(stack, preset, budget, answer, listener.clone(), outside.clone());
    }
    stack = deadline::layer(stack, outside.clone());
    stack = warnings::layer(stack, warnings);
    if let Some(trace) = trace {
        stack = propagate::layer(stack, trace, outside.clone());
    }
    stack = telemetry::calls(stack, listener, outside.clone());
    if request_ids {
        stack = request_id::layer(stack, outside);
    }
    (stack, gauges)
}
