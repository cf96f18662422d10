//! Applies a file of objects of any kinds: `cargo run -p k8s-client --example apply -- web.yaml`.

use k8s_client::manifest::What;
use k8s_client::{Client, Discovery, Manifest};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("which file?");
        std::process::exit(2);
    };
    let manifest = Manifest::parse(&path, &std::fs::read_to_string(&path)?)?;
    let discovery = Discovery::new(&Client::infer()?);
    // Whatever is wrong with the file is told before anything is written.
    let report = manifest.apply(&discovery, "k8s-client-example").await?;
    for outcome in report.outcomes() {
        match &outcome.what {
            What::Applied(_) => println!("{}: applied", outcome.document),
            What::Failed(error) => println!("{}: {error}", outcome.document),
            What::Skipped(why) => println!("{}: not tried, {why}", outcome.document),
            _ => println!("{}: ?", outcome.document),
        }
    }
    report.into_result()?;
    Ok(())
}
