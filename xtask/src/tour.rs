//! `cargo xtask tour`: what the client does, shown on a server in memory or on a cluster.

use anyhow::Result;

use crate::example;

/// Where to take it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A context of your kubeconfig, instead of a server in memory.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
}

/// Takes the tour.
pub fn run(args: Args) -> Result<()> {
    let context = args.context.into_iter().flat_map(|name| ["--context".into(), name.into()]);
    example::run("tour", context)
}
