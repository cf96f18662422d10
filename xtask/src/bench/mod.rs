//! `cargo xtask bench`: what is measured, always side by side in one run. Look at ratios.

mod busy;
mod capture;
mod compile;
mod copy;
mod decode;
mod fixture;
mod informer;
mod options;
mod pods;
mod programs;
mod replay;
mod request;
mod server;
mod store;
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
    /// Compare what the models are built from with what else could have been chosen.
    Options(options::Args),
    /// Read one pod with this client, kube and client-go from a server that replays what a real one said.
    Request(request::Args),
    /// Follow pods with this client, kube and client-go: the first state, events, lookups.
    Informer(informer::Args),
    /// Build the smallest program with these types and with k8s-openapi's, from nothing and again.
    Compile(compile::Args),
    /// Fill the API server in memory with ten thousand objects and follow it with a thousand watches.
    Server,
    /// Compare the store with other structures, and replay events into it.
    Store(store::Args),
}

impl Bench {
    pub(crate) fn run(self) -> Result<()> {
        match self {
            Bench::Fixture(args) => fixture::run(&args),
            Bench::Decode(args) => decode::run(&args),
            Bench::Options(args) => options::run(&args),
            Bench::Request(args) => request::run(&args),
            Bench::Informer(args) => informer::run(&args),
            Bench::Compile(args) => compile::run(&args),
            Bench::Server => server::run(),
            Bench::Store(args) => store::run(&args),
        }
    }
}
