//! The API server in memory, for kubectl and any other client:
//! `cargo run -p k8s-client --features testing --example serve -- --port 8001 --load objects.yaml`.

use std::net::SocketAddr;

use k8s_client::testing::{LogRequest, Server};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (mut port, mut kubeconfig, mut load, mut tls) = (0, None, Vec::new(), false);
    let mut builder = Server::builder();
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{name} needs a value"));
        match name.as_str() {
            "--port" => port = value()?.parse()?,
            "--kubeconfig" => kubeconfig = Some(value()?),
            "--tls" => tls = true,
            "--load" => load.push(value()?),
            "--openapi" => builder = builder.openapi(value()?),
            other => return Err(format!("unknown argument {other}").into()),
        }
    }
    let server = builder.build();
    // Nothing runs; a log that says so is better than none.
    server.logs(|LogRequest { pod, container, .. }| Some(format!("{container} of {pod} runs nowhere\n")));
    for file in load {
        let count =
            server.load(&std::fs::read_to_string(&file)?).map_err(|error| format!("{file}: {error}"))?;
        println!("{count} objects from {file}");
    }
    if tls && kubeconfig.is_none() {
        return Err("--tls needs --kubeconfig FILE, where the certificate to trust is written".into());
    }
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let listening = if tls { server.listen_tls(address).await? } else { server.listen(address).await? };
    match kubeconfig {
        Some(file) => {
            std::fs::write(&file, listening.kubeconfig())?;
            println!("ready at {}: kubectl --kubeconfig {file} get namespaces", listening.url());
        }
        None => println!("ready at {0}: kubectl --server {0} get namespaces", listening.url()),
    }
    listening.forever().await;
    Ok(())
}
