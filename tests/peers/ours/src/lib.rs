//! k8s-api, and what skipping the same bytes costs.

use k8s_api::codec::{Decoder, json, protobuf};
use k8s_api::core::v1::Pod;
use k8s_api::list::List;
use measure::Asked;
use serde::de::IgnoredAny;

type Pods = List<Pod>;

/// Measures the decoder that is named on the command line.
pub fn main() {
    let asked = Asked::read();
    let items = |list: &Pods| list.items.len();
    match &*asked.decoder {
        "json" => asked.measure(|bytes| json::decode::<Pods>(bytes).unwrap(), items),
        "serde_json" => asked.measure(|bytes| serde_json::from_slice::<Pods>(bytes).unwrap(), items),
        "protobuf" => asked.measure(|bytes| protobuf::decode::<Pods>(bytes).unwrap(), items),
        "decoder" => asked.measure(|bytes| Decoder::<Pod>::new().json_list(bytes).unwrap(), items),
        "interned" => asked.measure(|bytes| interning().json_list(bytes).unwrap(), items),
        "pruned" => {
            let decode = |bytes: &[u8]| {
                interning().prune(["metadata.managedFields"]).unwrap().json_list(bytes).unwrap()
            };
            asked.measure(decode, items);
        }
        "decoder protobuf" => {
            asked.measure(|bytes| Decoder::<Pod>::new().protobuf_list(bytes).unwrap(), items)
        }
        "interned protobuf" => asked.measure(|bytes| interning().protobuf_list(bytes).unwrap(), items),
        "skip" => {
            let items = json::decode::<Pods>(&asked.bytes).unwrap().items.len();
            asked.measure(|bytes| serde_json::from_slice::<IgnoredAny>(bytes).unwrap(), |_| items);
        }
        "size" => println!("{}", size_of::<Pod>()),
        other => panic!("no decoder is called {other}"),
    }
}

fn interning() -> Decoder<Pod> {
    Decoder::new().interning(1 << 20)
}
