//! The commands of this repository, and the local control plane as a library for its tests.
//!
//! Nothing here depends on `k8s-api` or `k8s-client`, so a broken generated tree can always be regenerated.

pub mod bench;
pub mod cli;
pub mod cluster;
pub mod codegen;
pub mod deps;
mod example;
pub mod features;
pub mod fuzz;
pub mod repo;
pub mod serve;
pub mod specs;
pub mod testing;
pub mod tidy;
pub mod tour;
