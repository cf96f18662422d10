//! An API server in memory, for tests: what a real one answers, in milliseconds and without a cluster.
//!
//! It holds every built-in kind whose group is switched on in `k8s-api`, and keeps to what a real server does: versions and
//! conflicts, selectors, pages, patches, finalizers, owners, watches that resume and expire. The suites of this project run against it
//! and against the real one. What it does not do it refuses with 501, and says what is missing: server-side apply, custom resources,
//! controllers, kubelets, roles.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use k8s_api::core::v1::ConfigMap;
//! use k8s_client::testing::Server;
//!
//! let server = Server::new();
//! server.load("{apiVersion: v1, kind: ConfigMap, metadata: {name: web, namespace: default}, data: {k: v}}")?;
//! let configs = server.client().namespaced::<ConfigMap>("default");
//! assert_eq!(configs.get("web").await?.data.get("k").map(|it| it.as_str()), Some("v"));
//! # Ok(())
//! # }
//! ```
//!
//! Time is tokio's: with its clock paused, the server's time is virtual.

mod ask;
mod body;
mod certificates;
mod changes;
mod cleanup;
mod columns;
mod compare;
mod convert;
mod core;
mod defaults;
mod deletes;
mod discovery;
mod failure;
mod faults;
mod front;
mod kinds;
mod listen;
mod logs;
mod mistype;
mod outside;
mod parts;
mod patch;
mod reads;
mod recorded;
mod recorder;
mod replay;
mod route;
mod run;
mod scrub;
mod seed;
mod selector;
mod server;
mod shape;
mod store;
mod table;
mod validate;
mod watching;
mod writes;

pub use compare::{Comparison, Differences, compare};
pub use faults::Fault;
pub use listen::Listening;
pub use logs::{ContainerLog, LogRequest};
pub use recorded::Recorded;
pub use recorder::Recorder;
pub use replay::Replay;
pub use server::{Server, ServerBuilder};
