//! What a program can hear of its calls, for metrics of its own.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use k8s_api::transport::{CallMeta, Sent};

pub use super::classify::Outcome;

/// Hears what happens to the calls of a client. Every method does nothing until it is written.
///
/// They are called where the call is, so they must be quick and must not wait. `call.op` says what was asked for and
/// `call.lane` which traffic it belongs to: both are few enough to be labels of a metric, which paths and names are not.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use k8s_api::transport::CallMeta;
/// use k8s_client::middleware::{CallEnd, Observer};
///
/// #[derive(Default)]
/// struct Failures(AtomicU64);
///
/// impl Observer for Failures {
///     fn call_ended(&self, call: &CallMeta, end: &CallEnd) {
///         if !end.outcome.is_answer_below(500) {
///             self.0.fetch_add(1, Ordering::Relaxed);
///             println!("{} failed after {:?} and {} attempts", call.op, end.duration, end.attempts);
///         }
///     }
/// }
///
/// # fn f(config: k8s_client::Config) -> k8s_client::Result<()> {
/// let client = k8s_client::Client::builder(config).observer(Failures::default()).build()?;
/// # Ok(())
/// # }
/// ```
pub trait Observer: Send + Sync + 'static {
    /// A call begins. Each has an end, also one that is dropped.
    fn call_started(&self, _call: &CallMeta) {}

    /// A call is over: its whole answer is there or has been read, or there is none.
    fn call_ended(&self, _call: &CallMeta, _end: &CallEnd) {}

    /// An attempt is over; `call.attempt` counts from 0. What creates an object may also read it, to see whether it is there.
    fn attempt_ended(&self, _call: &CallMeta, _end: &AttemptEnd) {}

    /// A call will be sent again after a wait; `outcome` is that of the attempt before.
    fn retrying(&self, _call: &CallMeta, _outcome: Outcome, _wait: Duration) {}

    /// A call has waited for a limit of this client's own, or was turned away by it.
    fn held(&self, _call: &CallMeta, _limit: Limit, _wait: Duration) {}

    /// The circuit breaker has opened, lets one call try, or has closed.
    fn circuit(&self, _circuit: &Circuit) {}

    /// The server refused a credential; `renewed` says whether there is a new one.
    fn credential_refused(&self, _renewed: bool) {}
}

/// How a call ended.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CallEnd {
    /// With what.
    pub outcome: Outcome,
    /// From its beginning to the end of its answer, with all waiting.
    pub duration: Duration,
    /// How often something was sent for it.
    pub attempts: u32,
    /// How many bytes of an answer were read.
    pub received: u64,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct AttemptEnd {
    /// With what.
    pub outcome: Outcome,
    /// To the end of its answer, or to its head for a watch; with what it waited for limits of this client's own.
    pub duration: Duration,
}

impl Outcome {
    /// Whether there is an answer whose status is below this one.
    pub fn is_answer_below(self, status: u16) -> bool {
        matches!(self, Outcome::Answer(answer) if answer.as_u16() < status)
    }

    /// The status of an answer.
    pub fn status(self) -> Option<StatusCode> {
        match self {
            Outcome::Answer(status) => Some(status),
            _ => None,
        }
    }
}

/// One word for logs and labels: the status, or what went wrong.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use k8s_api::transport::Fault;
        match self {
            Outcome::Answer(status) => write!(f, "{}", status.as_u16()),
            Outcome::Failure(_, Fault::Setup) => f.write_str("setup"),
            Outcome::Failure(_, Fault::Untrusted) => f.write_str("untrusted"),
            Outcome::Failure(_, Fault::Credential) => f.write_str("credential"),
            Outcome::Failure(_, Fault::Timeout) => f.write_str("timeout"),
            Outcome::Failure(_, Fault::Held) => f.write_str("held"),
            Outcome::Failure(Sent::No, _) => f.write_str("unreachable"),
            Outcome::Failure(..) => f.write_str("broken"),
            Outcome::Dropped => f.write_str("dropped"),
        }
    }
}

/// A limit that a client keeps by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// How many calls a second.
    Rate,
    /// How many at a time.
    Concurrency,
    /// The circuit breaker.
    Circuit,
}

impl Limit {
    /// A word for logs and labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Limit::Rate => "rate",
            Limit::Concurrency => "concurrency",
            Limit::Circuit => "circuit",
        }
    }
}

/// How a circuit breaker stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Circuit {
    /// Calls go out; or there is no breaker.
    #[default]
    Closed,
    /// None goes out.
    Open {
        /// The failure that it opened with.
        last: String,
    },
    /// One call is out to see whether the server is there again.
    Trying,
}

/// Who listens, if anybody.
#[derive(Clone, Default)]
pub(crate) struct Listener(Option<Arc<dyn Observer>>);

impl Listener {
    pub(crate) fn new(observer: impl Observer) -> Listener {
        Listener(Some(Arc::new(observer)))
    }

    pub(super) fn is_there(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn tell(&self, what: impl FnOnce(&dyn Observer)) {
        if let Some(observer) = &self.0 {
            what(&**observer);
        }
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use k8s_api::transport::{Fault, Sent};

    use super::Outcome;

    #[test]
    fn outcomes_are_words_for_labels() {
        for (outcome, word) in [
            (Outcome::Answer(StatusCode::NOT_FOUND), "404"),
            (Outcome::Failure(Sent::No, Fault::Setup), "setup"),
            (Outcome::Failure(Sent::No, Fault::Untrusted), "untrusted"),
            (Outcome::Failure(Sent::No, Fault::Credential), "credential"),
            (Outcome::Failure(Sent::Unknown, Fault::Timeout), "timeout"),
            (Outcome::Failure(Sent::No, Fault::Held), "held"),
            (Outcome::Failure(Sent::No, Fault::Broken), "unreachable"),
            (Outcome::Failure(Sent::Unknown, Fault::Broken), "broken"),
            (Outcome::Dropped, "dropped"),
        ] {
            assert_eq!(outcome.to_string(), word);
        }
    }
}
