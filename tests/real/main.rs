//! Suites against the real control plane.

mod apply;
mod auth;
mod authorization;
mod convenience;
mod custom;
mod differential;
mod documents;
mod dynamic;
mod errors;
mod every;
mod everyday;
mod examples;
mod faults;
mod informer;
mod jsonpath;
mod kinds;
mod operations;
mod releases;
mod requests;
mod subresources;
mod transport;
mod unknown;
mod verbs;

use k8s_tests::server::server;
