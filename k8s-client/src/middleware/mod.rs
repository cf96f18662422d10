//! The policies above a transport, one to a file. Each is a transport that holds the next one.
//!
//! Those that a program may set are set on a [`ClientBuilder`](crate::ClientBuilder):
//!
//! ```no_run
//! use k8s_client::middleware::{Breaker, Preset, Warnings};
//! use k8s_client::{Client, Config};
//!
//! # fn main() -> k8s_client::Result<()> {
//! let client = Client::builder(Config::infer()?)
//!     .retry(Preset::AGGRESSIVE)
//!     .concurrency(64)
//!     .breaker(Breaker::default())
//!     .request_ids()
//!     .new_traces()
//!     .warnings(Warnings::ignore())
//!     .build()?;
//! # Ok(())
//! # }
//! ```
//!
//! # Spans
//!
//! All have the level debug and the target `k8s_client`. Neither bodies nor queries are in them. A path's name and namespace
//! stand as they were sent, with `%3A` for a colon.
//!
//! | span | field | what it is |
//! |---|---|---|
//! | `k8s.call` | | one call, from asking to the end of its answer |
//! | | `verb` | `get`, `list`, ..., as in a role |
//! | | `group`, `version`, `resource`, `subresource` | what is asked for; empty where there is none |
//! | | `namespace`, `name` | of its path, if it has them |
//! | | `attempts` | how often something was sent |
//! | | `status` | of the answer |
//! | | `failure` | without an answer: `unreachable`, `broken`, `timeout`, `untrusted`, `credential`, `setup`, `held`, or `dropped` by whoever asked |
//! | | `audit_id` | under which the server's audit log has it |
//! | `k8s.attempt` | | one attempt, with what it waits for limits of this client's own |
//! | | `verb` | that of the call, or `get` to see whether an object was made |
//! | | `attempt` | counted from 0 |
//! | | `status`, `failure` | as above |

pub(crate) mod attempt;
mod attempts;
pub(crate) mod auth;
pub(crate) mod backoff;
pub(crate) mod breaker;
pub(crate) mod budget;
pub(crate) mod classify;
pub(crate) mod concurrency;
mod confirm;
mod contains;
pub(crate) mod deadline;
pub(crate) mod impersonate;
pub(crate) mod line;
pub(crate) mod observe;
pub(crate) mod preset;
pub(crate) mod propagate;
mod request_id;
pub(crate) mod retry;
pub(crate) mod retry_after;
pub(crate) mod stack;
mod telemetry;
mod throttle;
pub(crate) mod timed;
pub(crate) mod user_agent;
mod warnings;
pub(crate) mod whole;

pub use breaker::Breaker;
pub use line::Waited;
pub use observe::{AttemptEnd, CallEnd, Circuit, Limit, Observer, Outcome};
pub use preset::Preset;
pub use propagate::Propagate;
pub use stack::Load;
pub use warnings::Warnings;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
