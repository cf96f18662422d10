//! Suites against the real control plane.

mod apply;
mod auth;
mod authorization;
mod convenience;
mod convergence;
mod custom;
mod differential;
mod documents;
mod dynamic;
mod errors;
mod every;
mod everyday;
mod examples;
mod faults;
mod following;
mod informer;
mod jsonpath;
mod kinds;
mod kubectl;
mod operations;
mod releases;
mod requests;
mod selectors;
mod shards;
mod subresources;
mod sync;
mod tour;
mod transport;
mod unknown;
mod verbs;
mod watch;

use k8s_tests::server::server;

/// A client of the cluster that the tests share.
fn client() -> k8s_client::Client {
    if k8s_tests::is_embedded() {
        return k8s_tests::server::embedded_client();
    }
    k8s_tests::client(k8s_tests::cluster())
}
