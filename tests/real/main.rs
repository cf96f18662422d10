//! Suites against the real control plane.

mod apply;
mod auth;
mod custom;
mod documents;
mod dynamic;
mod every;
mod informer;
mod jsonpath;
mod kinds;
mod requests;
mod unknown;
mod verbs;
