//! kube, with what it does by default.

use k8s_openapi::api::core::v1::Pod;
use kube::{Api, Client, Config};

/// Measures it.
pub fn main() {
    let connect = async |url: &str| -> Api<Pod> {
        let config = Config::new(url.parse().expect("a URL"));
        Api::namespaced(Client::try_from(config).expect("a client"), get::NAMESPACE)
    };
    get::measure(connect, |pods| async move {
        pods.get(get::NAME).await.expect("a pod");
    });
}
