//! Suites against the real control plane.

mod apply;
mod auth;
mod custom;
mod documents;
mod every;
mod everyday;
mod faults;
mod informer;
mod jsonpath;
mod kinds;
mod operations;
mod requests;
mod subresources;
mod unknown;
mod verbs;
