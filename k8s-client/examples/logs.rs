//! Shows what a pod writes: `cargo run -p k8s-client --example logs -- web api-0`, with `--follow` until it ends.

use futures_util::TryStreamExt as _;
use k8s_api::core::v1::Pod;
use k8s_client::Client;

#[tokio::main]
async fn main() -> k8s_client::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [namespace, name, rest @ ..] = &args[..] else {
        eprintln!("which pod? NAMESPACE NAME [--follow]");
        std::process::exit(2);
    };
    let client = Client::infer()?;
    let log = client.namespaced::<Pod>(namespace).logs(name).tail(100);
    let mut lines = match rest.first().is_some_and(|word| word == "--follow") {
        true => log.follow().lines(),
        false => log.lines(),
    };
    while let Some(line) = lines.try_next().await? {
        println!("{}", line.text());
    }
    Ok(())
}
