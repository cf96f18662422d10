//! What these types know and the server does not: one clear error each, and the rest works. By hand against another release with
//! `K8S_TEST_VERSION=v1.34.4`; default gates leave enough out for every run.

use k8s_api::codec::json;
use k8s_api::core::v1::ConfigMap;
use k8s_api::lifecycle::v1alpha1::Eviction;
use k8s_api::request::FieldValidation;
use k8s_api::storage::v1::CSINode;
use k8s_tests::server::server;

#[tokio::test]
async fn what_a_server_does_not_know() {
    let server = server("releases").await;
    let (client, here) = (server.client(), server.namespace());
    let served = server.read("/apis/lifecycle.k8s.io/v1alpha1").await.is_ok();
    match client.namespaced::<Eviction>(here).list().await {
        Ok(_) => assert!(served),
        Err(error) => {
            assert!(!served && error.is_not_found(), "{error}");
            println!("a resource: {error}");
        }
    }

    let node = br#"{"apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "metadata": {"name": "releases"}, "spec": {"drivers": []}}"#;
    let node: CSINode = json::decode(node).unwrap();
    let nodes = client.cluster::<CSINode>();
    // Its type always writes a status, which older servers don't know.
    match nodes.create(&node).field_validation(FieldValidation::Strict).dry_run().await {
        Ok(_) => {}
        Err(error) => {
            assert!(error.to_string().contains(r#"unknown field "status""#), "{error}");
            println!("a field, asked to be strict: {error}");
        }
    }
    nodes.create(&node).await.unwrap();
    nodes.delete("releases").await.unwrap();

    // A server passes over a parameter that it does not know, so that nobody can tell.
    let sharded = client.namespaced::<ConfigMap>(here).list();
    match sharded.shards("shardRange(object.metadata.uid, '0x0000000000000000', '0x8000000000000000')").await
    {
        Ok(list) => println!("a parameter: {} objects", list.items.len()),
        Err(error) => println!("a parameter: {error}"),
    }
    client.namespaced::<ConfigMap>(here).list().await.unwrap();
}
