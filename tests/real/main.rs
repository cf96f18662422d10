//! Suites against the real control plane.

mod apply;
mod auth;
mod custom;
mod documents;
mod informer;
mod unknown;
mod verbs;
