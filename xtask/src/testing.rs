//! Stub.
/// Stub.
#[derive(Debug, clap::Args)]
pub struct Args {}
/// Stub.
pub fn run(_: Args) -> anyhow::Result<()> {
    anyhow::bail!("not yet")
}
