//! Suites against the real control plane.

mod apply;
mod auth;
mod convenience;
mod custom;
mod documents;
mod every;
mod informer;
mod jsonpath;
mod kinds;
mod requests;
mod unknown;
mod verbs;
