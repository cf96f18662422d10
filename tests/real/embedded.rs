//! The suites that any server can be asked, against the one in memory: without Go, in a moment.

#[path = "."]
mod every {
    #[rustfmt::skip]
    #[path = "../every/generated/mod.rs"]
    mod generated;

    pub(crate) use generated::{EVERY, Make};
}
mod everyday;
mod operations;
mod requests;
mod subresources;
mod tour;
mod verbs;

use k8s_tests::server::{embedded as server, embedded_client as client};
