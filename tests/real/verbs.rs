//! Each verb of the client on the real server.

use crate::client;
use k8s_api::apiextensions::v1::CustomResourceDefinition;
use k8s_api::core::v1::{ConfigMap, Pod};
use k8s_api::raw::RawJson;
use k8s_client::api::{Deleted, Patch};

fn config(name: &str) -> ConfigMap {
    let mut config = ConfigMap::default();
    config.metadata.name = name.into();
    config.data.insert("k".into(), "v".into());
    config
}

#[tokio::test]
async fn objects_are_created_read_changed_and_deleted() {
    let configs = client().namespaced::<ConfigMap>("default");
    let made = configs.create(&config("verbs")).await.unwrap();
    assert_eq!(made.data.get("k").map(|v| v.as_str()), Some("v"));
    assert!(configs.create(&config("verbs")).await.unwrap_err().is_already_exists());
    assert_eq!(configs.get("verbs").await.unwrap(), made);

    let mut changed = made.clone();
    changed.data.insert("k".into(), "w".into());
    let replaced = configs.replace(&changed).await.unwrap();
    assert_eq!(replaced.data, changed.data);
    let late = configs.replace(&made).await.unwrap_err();
    assert!(late.is_conflict(), "{late}");

    let merge = Patch::Merge(RawJson::parse(br#"{"data":{"k":null,"m":"1"}}"#).unwrap());
    assert_eq!(configs.patch("verbs", &merge).await.unwrap().data.len(), 1);
    let json = Patch::Json(RawJson::parse(br#"[{"op":"add","path":"/data/j","value":"2"}]"#).unwrap());
    assert_eq!(configs.patch("verbs", &json).await.unwrap().data.len(), 2);
    let strategic = Patch::Strategic(RawJson::parse(br#"{"metadata":{"labels":{"s":"3"}}}"#).unwrap());
    assert_eq!(configs.patch("verbs", &strategic).await.unwrap().metadata.labels.len(), 1);

    assert_eq!(configs.delete("verbs").await.unwrap(), Deleted::Gone);
    let missing = configs.get("verbs").await.unwrap_err();
    assert!(missing.is_not_found(), "{missing}");
    assert!(missing.to_string().contains("get configmaps"), "{missing}");
}

#[tokio::test]
async fn what_a_finalizer_holds_is_going() {
    let configs = client().namespaced::<ConfigMap>("default");
    let mut held = config("held");
    held.metadata.finalizers.push("example.com/hold".into());
    configs.create(&held).await.unwrap();
    let Deleted::Going(going) = configs.delete("held").await.unwrap() else { panic!("it is gone") };
    assert!(going.metadata.deletion_timestamp.is_some());
    let free = Patch::Merge(RawJson::parse(br#"{"metadata":{"finalizers":null}}"#).unwrap());
    configs.patch("held", &free).await.unwrap();
    assert!(configs.get("held").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn lists_are_narrowed_and_paged() {
    let client = client();
    let configs = client.namespaced::<ConfigMap>("default");
    for number in 0..3 {
        let mut config = config(&format!("paged-{number}"));
        config.metadata.labels.insert("paged".into(), number.to_string().into());
        configs.create(&config).await.unwrap();
    }
    let two = configs.list().labels("paged in (0,2)").await.unwrap();
    assert_eq!(two.items.len(), 2);
    let one = client.all::<ConfigMap>().list().fields("metadata.name=paged-1").await.unwrap();
    assert_eq!(one.items.len(), 1);
    let first = configs.list().labels("paged").limit(2).await.unwrap();
    assert_eq!(
        (first.items.len(), first.metadata.remaining_item_count),
        (2, None),
        "with a selector nobody counts"
    );
    let rest = configs.list().labels("paged").limit(2).after(&first.metadata.continue_).await.unwrap();
    assert_eq!((rest.items.len(), rest.metadata.continue_.as_str()), (1, ""));
    assert!(client.cluster::<CustomResourceDefinition>().list().await.is_ok());
}

#[tokio::test]
async fn a_name_can_only_be_a_name() {
    let pods = client().namespaced::<Pod>("default");
    assert!(pods.get("").await.unwrap_err().to_string().contains("the name of a Pod is empty"));
    for name in ["../../../../version", "a/log", ".."] {
        assert!(pods.get(name).await.is_err(), "{name}");
    }
}
