//! `cargo xtask serve`: the API server in memory, alone.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Result;

use crate::{example, specs};

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

/// Serves until it is ended.
pub fn run(args: Args) -> Result<()> {
    let mut arguments: Vec<OsString> = vec!["--port".into(), args.port.to_string().into()];
    arguments.extend(["--openapi".into(), specs::documents()?.join("openapi").into()]);
    if let Some(file) = args.kubeconfig {
        arguments.extend(["--kubeconfig".into(), file.into()]);
    }
    if args.tls {
        arguments.push("--tls".into());
    }
    for file in args.load {
        arguments.extend(["--load".into(), file.into()]);
    }
    example::run("serve", arguments)
}
