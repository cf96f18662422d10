//! Every type that the documents have, with any value: each format reads what it wrote, and all of them agree.

#[rustfmt::skip]
#[path = "every/generated/mod.rs"]
mod generated;

use k8s_api::codec::{json, protobuf, serde};
use k8s_api::view::Message;
use k8s_tests::arbitrary::{Chance, fill};

struct Shown<'a>(&'a dyn Message);

impl ::serde::Serialize for Shown<'_> {
    fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde::serialize(self.0, serializer)
    }
}

fn written(value: &dyn Message) -> String {
    String::from_utf8(json::encode(value).unwrap()).unwrap()
}

/// How many values of each type.
const VALUES: u64 = 20;

#[test]
fn every_type_goes_through_every_format() {
    let mut only_json = std::collections::BTreeSet::new();
    for (index, make) in generated::EVERY.iter().enumerate() {
        for seed in 0..VALUES {
            let mut value = make();
            fill(&mut *value, &mut Chance::new(index as u64 * VALUES + seed), 0);
            let name = format!("{} (seed {seed})", value.table().name);
            let text = written(&*value);

            let mut direct = make();
            json::decode_into(&mut *direct, text.as_bytes())
                .unwrap_or_else(|error| panic!("{name}: {error}\n{text}"));
            assert_eq!(written(&*direct), text, "{name}: the direct path");

            let as_value: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(serde_json::to_value(Shown(&*value)).unwrap(), as_value, "{name}: serde writes");
            let mut through_serde = make();
            let mut deserializer = serde_json::Deserializer::from_str(&text);
            serde::deserialize(&mut *through_serde, &mut deserializer)
                .unwrap_or_else(|error| panic!("{name}: {error}\n{text}"));
            assert_eq!(written(&*through_serde), text, "{name}: serde reads");

            // Not every type has a form there.
            let mut bytes = Vec::new();
            if protobuf::encode_message(&*direct, &mut bytes).is_err() {
                only_json.insert(value.table().name);
                continue;
            }
            let mut back = make();
            protobuf::decode_message(&mut *back, &bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
            let mut again = Vec::new();
            protobuf::encode_message(&*back, &mut again).unwrap();
            assert_eq!(again, bytes, "{name}: protobuf\n{text}\n{}", written(&*back));
        }
    }
    println!("{} types, {VALUES} values each", generated::EVERY.len());
    // What `/version` answers has none in Go either; a duration is a message there, and a text here.
    let expected = [
        "io.k8s.apimachinery.pkg.version.Info",
        "io.k8s.metrics.pkg.apis.metrics.v1beta1.NodeMetrics",
        "io.k8s.metrics.pkg.apis.metrics.v1beta1.PodMetrics",
    ];
    assert_eq!(Vec::from_iter(only_json), expected);
}
