//! Creates, applies, changes and deletes a ConfigMap: `cargo run -p k8s-client --example objects -- web`.

use k8s_api::core::v1::ConfigMap;
use k8s_client::Client;

#[tokio::main]
async fn main() -> k8s_client::Result<()> {
    let client = Client::infer()?;
    let namespace = std::env::args().nth(1).unwrap_or_else(|| client.namespace().to_owned());
    let configs = client.namespaced::<ConfigMap>(&namespace);

    let mut settings = ConfigMap::default();
    settings.metadata.name = "k8s-client-example".into();
    settings.data.insert("color".into(), "red".into());
    match configs.create(&settings).await {
        Ok(_) => println!("created {}", settings.metadata.name),
        Err(error) if error.is_already_exists() => println!("{} was there", settings.metadata.name),
        Err(error) => return Err(error),
    }

    // What is set here belongs to this manager from now on.
    let mut sizes = ConfigMap::default();
    sizes.metadata.name = settings.metadata.name.clone();
    sizes.data.insert("size".into(), "12".into());
    let applied = configs.apply(&sizes, "k8s-client-example").await?;
    println!("applied, and now it has {} entries", applied.data.len());

    // Whatever others do at the same time: it is read and changed again if somebody else was faster.
    let changed = configs
        .modify("k8s-client-example", |config| {
            config.data.insert("color".into(), "blue".into());
        })
        .await?;
    println!("changed the color to {}", changed.data.get("color").map_or("", |color| color.as_str()));

    configs.delete("k8s-client-example").await?;
    println!("deleted; there is one: {}", configs.get_opt("k8s-client-example").await?.is_some());
    Ok(())
}
