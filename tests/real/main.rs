//! Suites against the real control plane.

mod apply;
mod auth;
mod authorization;
mod custom;
mod documents;
mod errors;
mod every;
mod examples;
mod informer;
mod jsonpath;
mod kinds;
mod requests;
mod unknown;
mod verbs;
