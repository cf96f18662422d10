//! Suites against the real control plane.

mod documents;
