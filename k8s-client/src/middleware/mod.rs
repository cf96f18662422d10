//! The policies above a transport, one to a file. Each is a transport that holds the next one.
//!
//! [`stack`] says in which order and why.

pub(crate) mod attempt;
pub(crate) mod auth;
pub(crate) mod backoff;
pub(crate) mod budget;
pub(crate) mod classify;
pub(crate) mod deadline;
pub(crate) mod impersonate;
pub(crate) mod preset;
pub(crate) mod retry;
pub(crate) mod retry_after;
pub(crate) mod stack;
pub(crate) mod timed;
pub(crate) mod whole;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
