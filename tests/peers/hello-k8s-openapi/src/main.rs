//! The smallest program with k8s-openapi: decodes a Pod and prints it.

use std::io::Read as _;

use k8s_openapi::api::core::v1::Pod;

fn main() {
    let mut text = Vec::new();
    std::io::stdin().read_to_end(&mut text).expect("a Pod to read");
    let pod: Pod = serde_json::from_slice(&text).expect("a Pod");
    println!("{pod:?}");
}
