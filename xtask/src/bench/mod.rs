//! `cargo xtask bench`: what is measured, always side by side in one run. Look at ratios.

mod decode;
mod fixture;
mod pods;
mod programs;
mod table;

use anyhow::Result;
use clap::Subcommand;

/// Measurements, side by side in one run.
#[derive(Debug, Subcommand)]
pub enum Bench {
    /// Fill a real control plane with running pods, and keep the lists that it answers: what the others measure with.
    Fixture(fixture::Args),
    /// Decode lists of pods with these types, k8s-openapi's and client-go's.
    Decode(decode::Args),
}

impl Bench {
    pub(crate) fn run(self) -> Result<()> {
        match self {
            Bench::Fixture(args) => fixture::run(&args),
            Bench::Decode(args) => decode::run(&args),
        }
    }
}
