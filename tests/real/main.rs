//! Suites against the real control plane.

mod apply;
mod documents;
