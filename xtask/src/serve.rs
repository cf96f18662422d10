//! `cargo xtask serve`: the API server in memory, alone. An example of the client is what runs: this crate knows neither.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::{repo, specs};

/// What to serve, and where.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The port on 127.0.0.1; a free one if it is left out.
    #[arg(long, value_name = "P", default_value_t = 0)]
    port: u16,
    /// Write a kubeconfig here.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Serve HTTPS, as a real server does; the kubeconfig has the certificate to trust.
    #[arg(long, requires = "kubeconfig")]
    tls: bool,
    /// Objects that are there from the beginning, as YAML.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    load: Vec<PathBuf>,
}

/// Builds the example and runs it until it is ended.
pub fn run(args: Args) -> Result<()> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "run",
        "--quiet",
        "--package",
        "k8s-client",
        "--features",
        "testing",
        "--example",
        "serve",
        "--manifest-path",
    ]);
    cargo.arg(repo::root().join("Cargo.toml")).arg("--").arg("--port").arg(args.port.to_string());
    cargo.arg("--openapi").arg(specs::documents()?.join("openapi"));
    if let Some(file) = args.kubeconfig {
        cargo.arg("--kubeconfig").arg(file);
    }
    if args.tls {
        cargo.arg("--tls");
    }
    for file in args.load {
        cargo.arg("--load").arg(file);
    }
    let status = cargo.status().context("starting cargo")?;
    if !status.success() {
        bail!("the server has ended: {status}");
    }
    Ok(())
}
