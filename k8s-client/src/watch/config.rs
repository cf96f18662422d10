//! How a watch behaves.

use std::time::Duration;

use super::backoff::Backoff;

/// How the complete state is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// As the first part of the watch, in one stream (Kubernetes calls it WatchList). Where a server cannot do that, as with
    /// `List`.
    Stream,
    /// In a list, in pages, before the watch.
    List,
}

/// How a watch behaves. The defaults are meant to be right.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// How the complete state is asked for.
    pub strategy: Strategy,
    /// Whether the first state may be an old one, which costs the server less. A state told later is never older than
    /// what was told before, as long as the server can compare.
    pub any_first_state: bool,
    /// Objects in a page of a list; none for all in one.
    pub page: Option<u32>,
    /// After so long without a byte a call is taken for dead. The server sends a bookmark every minute.
    pub idle: Duration,
    /// So long the stream may take to tell the complete state before pages are tried instead.
    pub initial_events: Duration,
    /// The server is asked to end a watch after so long to twice so long, which spreads watches over servers anew.
    pub watch_timeout: Duration,
    /// A watch that lived so long was healthy: what ends it is no reason to wait.
    pub healthy_after: Duration,
    /// The delays after failures.
    pub backoff: Backoff,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            strategy: Strategy::Stream,
            any_first_state: false,
            page: Some(500),
            idle: Duration::from_secs(90),
            initial_events: Duration::from_secs(60),
            watch_timeout: Duration::from_secs(300),
            healthy_after: Duration::from_secs(10),
            backoff: Backoff::default(),
        }
    }
}
