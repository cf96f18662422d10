//! Asks whether something is allowed: `cargo run -p k8s-client --example can_i -- patch deployments.apps/scale web`.

use k8s_client::Client;
use k8s_client::authz::Permission;

#[tokio::main]
async fn main() -> k8s_client::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [verb, what, rest @ ..] = &args[..] else {
        eprintln!("what? VERB RESOURCE [NAMESPACE [NAME]]");
        std::process::exit(2);
    };
    let mut permission = Permission::new(verb, what);
    if let Some(namespace) = rest.first() {
        permission = permission.in_namespace(namespace);
    }
    if let Some(name) = rest.get(1) {
        permission = permission.named(name);
    }
    let client = Client::infer()?;
    let me = client.who_am_i().await?;
    println!("may {} {permission}? {}", me.username, client.allowed(&permission).await?);
    Ok(())
}
