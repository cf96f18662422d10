//! Following a collection of objects.
//!
//! # What a consumer may rely on
//!
//! A consumer is told [`Change`]s, one batch after the other.
//!
//! - **Complete states.** Between [`Change::Begin`] and [`Change::End`] a complete state is told: take it into a draft, and replace
//!   everything at the end, in one step. What is not in it is gone. Another `Begin` voids the draft. Within a draft an object may come more
//!   than once, and changes and deletions may stand among the objects; the last word counts.
//! - **Changes.** After an `End`, [`Change::Applied`] and [`Change::Deleted`] tell every change after the state's version, in the server's
//!   order, each once: a connection that breaks, ends, or goes silent, a server that restarts, and one that sends something twice make no
//!   difference. An object that was deleted and created again is told as both.
//! - **Lost states are reported.** Only when the server no longer has the history (410), or what it sent can't be read, are states
//!   in between lost. Then there is a new complete state, whose `Begin` says why; nothing else causes one. It is the latest, so that nothing
//!   goes back in time, and it tells what was deleted unseen. The same name with another `uid` is another object.
//! - **A bad object costs that object.** One that can't be decoded is told as [`Change::Quarantined`], and the rest goes on. It keeps its last
//!   readable state until it can be read again, is deleted, or a complete state comes, in which it is missing.
//! - **Bookmarks.** [`Change::Bookmark`] says that everything up to its version was told, without a change to tell.
//! - **Silence is noticed.** A call from which no byte comes is given up after [`Config::idle`], and the watch goes on elsewhere where it was.
//! - **Refusals are not the end.** A watch that is not allowed, or whose resource does not exist (yet), is tried again with growing
//!   delays, and [`Health`] says why. After failures there is always a delay, with jitter; progress resets it.
//!
//! Resource versions are the server's. They are compared only when both are decimal, as Kubernetes' are; then what is not later than what was
//! told is a duplicate. A server with other versions is taken at its word.
//!
//! # Parts
//!
//! [`frames`] cuts bytes into events, [`machine`] decides. Neither does any I/O; what decodes, sends and waits stands around them.

mod account;
mod backoff;
mod config;
mod decode;
mod event;
pub mod frames;
pub mod machine;
mod monitor;
mod object;
mod query;
mod shell;
mod source;
mod version;

pub(crate) use account::Account;
pub use backoff::Backoff;
pub(crate) use backoff::Random;
pub use config::{Config, Strategy};
pub use event::{Cause, Change, Event, Failure, Gone, Unreadable, UnreadableType};
pub use machine::Health;
pub use monitor::Monitor;
pub use object::{AnyObject, Held, Key, Object, into_kind};
pub use query::{Freshness, ListQuery, WatchFrom, WatchQuery};
pub(crate) use shell::{Follower, LARGEST_EVENT, follow};
pub(crate) use source::Source;
pub use version::ResourceVersion;
