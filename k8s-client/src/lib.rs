//! A Kubernetes client: it never hangs, never doubles a write and never prints a secret.
//!
//! A [`Client`] sends calls through small policies, each of which is one file of `middleware/`, to a
//! [`Transport`](k8s_api::transport::Transport). Below a watch is a [state machine](watch::machine) without any I/O, behind it
//! a [store](cache) that is read without locks.

pub mod api;
mod auth;
pub mod authz;
pub mod cache;
mod client;
pub mod config;
pub mod discovery;
pub mod dynamic;
pub mod error;
pub mod informer;
pub mod manifest;
pub mod middleware;
pub mod on_demand;
pub mod openapi;
mod outside;
#[cfg(test)]
mod scripted;
mod secret;
pub mod select;
pub mod shard;
#[cfg(test)]
mod test_log;
#[cfg(feature = "testing")]
pub mod testing;
mod transport;
pub mod watch;
mod yaml;

pub use api::Api;
pub use client::{Client, ClientBuilder};
pub use config::{Config, Kubeconfig};
pub use discovery::Discovery;
pub use error::{Error, ErrorKind, Result};
pub use informer::{Cache, Informer};
pub use manifest::Manifest;
pub use middleware::Preset;
pub use on_demand::OnDemand;
pub use secret::Secret;
pub use transport::{Connections, LaneConnections};
