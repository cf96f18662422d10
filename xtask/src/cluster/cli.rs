//! Stub.
use clap::Subcommand;
/// Stub.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Build the programs.
    Build,
}
impl Command {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        anyhow::bail!("not yet")
    }
}
