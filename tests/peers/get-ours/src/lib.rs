//! k8s-client, with what it does by default.

use k8s_api::core::v1::Pod;
use k8s_client::{Api, Client, Config};

/// Measures it.
pub fn main() {
    let connect = async |url: &str| -> Api<Pod> {
        let config = Config::plain(url).expect("a configuration");
        Client::new(config).expect("a client").namespaced(get::NAMESPACE)
    };
    get::measure(connect, |pods| async move {
        pods.get(get::NAME).await.expect("a pod");
    });
}
