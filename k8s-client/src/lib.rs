//! A Kubernetes client.

pub mod cache;
pub mod watch;
