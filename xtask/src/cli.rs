//! What can be typed after `cargo xtask`. `cargo xtask tidy` holds the commands in README.md and CONTRIBUTING.md against these types.

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::{bench, cluster, codegen, deps, features, fuzz, serve, specs, testing, tidy, tour};

/// The commands of this repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// See what the client does: on a server in memory, or with --context on a cluster of yours.
    Tour(tour::Args),
    /// A real Kubernetes control plane in plain processes on loopback.
    #[command(subcommand)]
    Cluster(cluster::cli::Command),
    /// Run every test that this machine can run, and say what was left out.
    Test(testing::Args),
    /// Start the API server that is in memory, for kubectl and any other client.
    Serve(serve::Args),
    /// Measure, side by side in one run: decoding, options, compile costs, the store.
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Give readers inputs that are changed at random, and say which of them fail.
    Fuzz(fuzz::Args),
    /// The pinned documents of Kubernetes below specs/.
    #[command(subcommand)]
    Specs(specs::Specs),
    /// Write the generated files of k8s-api.
    Codegen,
    /// Compare the generated files of k8s-api with what the documents give.
    VerifyCodegen,
    /// Check that each feature of k8s-api compiles alone, and none and all of them.
    Features,
    /// Check the repository's invariants and print its hand-written lines.
    Tidy,
    /// Check licences, bans, sources and known advisories of all dependencies.
    Deps,
}

impl Cli {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        match self.command {
            Command::Tour(args) => tour::run(args),
            Command::Cluster(command) => command.run(),
            Command::Test(args) => testing::run(args),
            Command::Serve(args) => serve::run(args),
            Command::Bench(bench) => bench.run(),
            Command::Fuzz(args) => fuzz::run(args),
            Command::Specs(specs) => specs.run(),
            Command::Codegen => codegen::write(),
            Command::VerifyCodegen => codegen::verify(),
            Command::Features => features::run(),
            Command::Tidy => tidy::run(),
            Command::Deps => deps::run(),
        }
    }
}
