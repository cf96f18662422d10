//! k8s-openapi with serde_json, as kube reads lists.

use k8s_openapi::List;
use k8s_openapi::api::core::v1::Pod;
use measure::Asked;

/// Measures the decoder that is named on the command line.
pub fn main() {
    let asked = Asked::read();
    match &*asked.decoder {
        "serde_json" => {
            let decode = |bytes: &[u8]| serde_json::from_slice::<List<Pod>>(bytes).unwrap();
            asked.measure(decode, |list| list.items.len());
        }
        other => panic!("no decoder is called {other}"),
    }
}
