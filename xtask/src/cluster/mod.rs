//! A real control plane in plain processes.
pub mod cli;
