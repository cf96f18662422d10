//! Documents captured from the server, of every kind that it has objects of, come back equal.

use std::collections::{BTreeMap, BTreeSet};

use k8s_api::codec::json;
use k8s_tests::{cluster, differences};
use serde_json::Value;

use crate::every::{EVERY, Make};

/// The path of all objects of every resource that can be listed, by version and kind.
fn resources() -> BTreeMap<(String, String), String> {
    const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    let mut found = BTreeMap::new();
    for root in ["/api", "/apis"] {
        let discovery = cluster().api().get_as(root, AGGREGATED).unwrap();
        for group in discovery["items"].as_array().unwrap() {
            for version in group["versions"].as_array().unwrap() {
                let name = group["metadata"]["name"].as_str().unwrap_or_default();
                let version_name = version["version"].as_str().unwrap();
                let api_version =
                    if name.is_empty() { version_name.to_owned() } else { format!("{name}/{version_name}") };
                for resource in version["resources"].as_array().unwrap() {
                    if resource["verbs"].as_array().unwrap().iter().any(|verb| verb == "list") {
                        let kind = resource["responseKind"]["kind"].as_str().unwrap().to_owned();
                        let plural = resource["resource"].as_str().unwrap();
                        found.insert((api_version.clone(), kind), format!("{root}/{api_version}/{plural}"));
                    }
                }
            }
        }
    }
    found
}

fn create(resources: &BTreeMap<(String, String), String>) -> BTreeSet<(String, String)> {
    let samples: Vec<Value> = serde_saphyr::from_multiple(include_str!("samples.yaml")).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (mut missing, mut refused) = (BTreeSet::new(), Vec::new());
    for sample in samples {
        let kind = (text(&sample["apiVersion"]), text(&sample["kind"]));
        let Some(path) = resources.get(&kind) else {
            missing.insert(kind);
            continue;
        };
        let (before, plural) = path.rsplit_once('/').unwrap();
        let inside = format!("{before}/namespaces/default/{plural}");
        // Cluster-scoped kinds have no such path.
        let made = cluster().api().post(&inside, &sample).or_else(|error| match error.to_string() {
            error if error.contains("404") => cluster().api().post(path, &sample),
            _ => Err(error),
        });
        if let Err(error) = made {
            refused.push(format!("{kind:?}: {error:#}"));
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    missing
}

/// What the server makes itself of every object that it answers with, so that nothing is lost without it: it stores
/// protobuf, in which an empty list is no list, and writes the kind of claim templates whether or not it was sent.
fn written_by_the_server(line: &str) -> bool {
    line.ends_with(": [] instead of null")
        || line.starts_with(".spec.volumeClaimTemplates[0].") && line.contains("\"<absent>\" instead of")
}

/// Takes the API back that nobody serves: as long as it is there, no namespace goes.
struct Unserved;

impl Drop for Unserved {
    fn drop(&mut self) {
        let _ = cluster().api().delete("/apis/apiregistration.k8s.io/v1/apiservices/v1.never.example");
    }
}

#[test]
fn what_the_server_has_of_every_kind_comes_back_equal() {
    let resources = resources();
    let _unserved = Unserved;
    let missing = create(&resources);
    let makers: BTreeMap<(&str, &str), Make> = EVERY
        .iter()
        .filter_map(|make| make().table().kind.map(|kind| ((kind.api_version, kind.kind), *make)))
        .collect();
    let (mut objects, mut kinds, mut none, mut wrong) = (0, 0, Vec::new(), Vec::new());
    for ((api_version, kind), path) in &resources {
        let Some(make) = makers.get(&(api_version.as_str(), kind.as_str())) else {
            assert!(api_version.contains("example"), "{api_version} {kind} has no type");
            continue;
        };
        let mut list = cluster().api().get(path).unwrap();
        let items = list["items"].as_array_mut().map(std::mem::take).unwrap_or_default();
        if items.is_empty() {
            none.push(format!("{api_version} {kind}"));
        }
        kinds += usize::from(!items.is_empty());
        for mut item in items {
            objects += 1;
            item["kind"] = kind.as_str().into();
            item["apiVersion"] = api_version.as_str().into();
            // What a newer server would add, at the top and deeper.
            item["newer"] = serde_json::json!({"a": [null, 1.5]});
            item["metadata"]["newer"] = Value::Null;
            let mut value = make();
            let text = item.to_string();
            if let Err(error) = json::decode_into(&mut *value, text.as_bytes()) {
                wrong.push(format!("{kind}: {error}"));
                continue;
            }
            let back: Value = serde_json::from_slice(&json::encode(&*value).unwrap()).unwrap();
            wrong.extend(
                differences(&back, &item)
                    .into_iter()
                    .filter(|line| !written_by_the_server(line))
                    .map(|line| format!("{api_version} {kind}{line}")),
            );
        }
    }
    println!("{objects} objects of {kinds} kinds; no objects of {none:?}; not served: {missing:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(kinds > 50, "only {kinds} kinds have objects");
}
