//! Suites against the real control plane.

mod apply;
mod documents;
mod informer;
mod jsonpath;
mod verbs;
