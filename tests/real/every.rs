//! Any value of every kind is written as Go writes it, in JSON and byte for byte in protobuf.

#[rustfmt::skip]
#[path = "../every/generated/mod.rs"]
mod generated;

pub(crate) use generated::{EVERY, Make};

use k8s_api::codec::{json, protobuf};
use k8s_api::table::Kind;
use k8s_api::view::Message;
use k8s_tests::arbitrary::{Chance, fill};
use k8s_tests::{differences, go};
use serde_json::Value;

const VALUES: u64 = 10;

#[test]
fn any_value_of_every_kind_is_written_as_go_writes_it() {
    // The types of metrics are in a Go module of their own.
    let in_go = |kind: &Kind| !kind.api_version.starts_with("metrics.k8s.io/");
    let kinds = EVERY.iter().filter(|make| make().table().kind.as_ref().is_some_and(in_go));
    let mut values: Vec<(Box<dyn Message>, Value)> = Vec::new();
    for (index, make) in kinds.enumerate() {
        for seed in 0..VALUES {
            let mut value = make();
            fill(&mut *value, &mut Chance::new(index as u64 * VALUES + seed), 0);
            let text = json::encode(&*value).unwrap();
            values.push((value, serde_json::from_slice(&text).unwrap()));
        }
    }
    let sent: Vec<Value> = values.iter().map(|(_, sent)| sent.clone()).collect();
    let go = go::marshal(&sent).unwrap();
    let mut wrong = Vec::new();
    for ((value, sent), go) in values.iter().zip(&go) {
        let name = value.table().name;
        let lines = differences(sent, &go.json);
        if !lines.is_empty() {
            wrong.push(format!("{name}: JSON:\n  {}", lines.join("\n  ")));
        }
        let ours = protobuf::encode(&**value).unwrap();
        if ours != go.protobuf {
            wrong.push(format!("{name}: {} bytes of protobuf, and Go has {}", ours.len(), go.protobuf.len()));
        }
    }
    println!("{} values of {} kinds", values.len(), values.len() as u64 / VALUES);
    wrong.dedup();
    assert!(wrong.is_empty(), "{} values differ:\n{}", wrong.len(), wrong[..wrong.len().min(40)].join("\n"));
}
