//! Suites against the real control plane.

mod apply;
mod documents;
mod informer;
mod requests;
mod verbs;
