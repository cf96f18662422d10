//! Scales a Deployment: `cargo run -p k8s-client --example scale -- web api 3`.

use k8s_api::apps::v1::Deployment;
use k8s_client::Client;

#[tokio::main]
async fn main() -> k8s_client::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (Some(namespace), Some(name), Some(Ok(replicas))) =
        (args.first(), args.get(1), args.get(2).map(|number| number.parse()))
    else {
        eprintln!("which deployment, and how many? NAMESPACE NAME REPLICAS");
        std::process::exit(2);
    };
    let deployments = Client::infer()?.namespaced::<Deployment>(namespace);
    let before = deployments.scale(name).await?;
    let after = deployments.scale_to(name, replicas).await?;
    println!("{name} has {} replicas instead of {}", after.spec.replicas, before.spec.replicas);
    Ok(())
}
