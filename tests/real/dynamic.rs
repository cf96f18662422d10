//! Kinds without a compiled type, what people type, files of many kinds, and the server's schemas.

use std::collections::BTreeSet;

use k8s_api::apps::v1::Deployment;
use k8s_api::core::v1::Namespace;
use k8s_api::request::{FieldValidation, Get, Place, subresource::Scale};
use k8s_client::discovery::Resources;
use k8s_client::dynamic::DynamicObject;
use k8s_client::openapi::OpenApi;
use k8s_client::{Client, Discovery, Informer, Manifest};
use k8s_tests::{blocking, client, cluster, options};
use serde_json::{Value, json};
use xtask::cluster::{Cluster, wait};

fn object(value: Value) -> DynamicObject {
    DynamicObject::parse(value.to_string().as_bytes()).unwrap()
}

#[tokio::test]
async fn what_people_type_is_found() {
    let discovery = Discovery::new(&client(cluster()));
    for (typed, expected) in [
        ("po", "pods (v1)"),
        ("pods", "pods (v1)"),
        ("Pod", "pods (v1)"),
        ("deploy", "deployments.apps (v1)"),
        ("deployments.apps", "deployments.apps (v1)"),
        ("deployments.v1.apps", "deployments.apps (v1)"),
        ("Deployment.v1.apps", "deployments.apps (v1)"),
        ("ev", "events (v1)"),
        ("events.events.k8s.io", "events.events.k8s.io (v1)"),
        ("crd", "customresourcedefinitions.apiextensions.k8s.io (v1)"),
        ("hpa", "horizontalpodautoscalers.autoscaling (v2)"),
        ("horizontalpodautoscalers.v1.autoscaling", "horizontalpodautoscalers.autoscaling (v1)"),
        ("ing", "ingresses.networking.k8s.io (v1)"),
    ] {
        assert_eq!(discovery.resolve(typed).await.unwrap().to_string(), expected, "{typed}");
    }
    let all: Vec<_> =
        discovery.resolve_many("all").await.unwrap().iter().map(|one| one.full_name()).collect();
    for name in ["pods", "services", "deployments.apps", "cronjobs.batch"] {
        assert!(all.iter().any(|known| known == name), "{name} is not in {all:?}");
    }
    let error = discovery.resolve("deploymnets").await.unwrap_err().to_string();
    assert!(
        error.starts_with("the server has no resource or kind `deploymnets`; did you mean `deployments`"),
        "{error}"
    );
    assert!(!discovery.resources().await.unwrap().iter().any(|one| one.plural.contains('/')));
}

#[tokio::test]
async fn the_verbs_are_those_of_compiled_kinds() {
    let client = client(cluster());
    let discovery = Discovery::new(&client);
    let configs = client.dynamic(discovery.resolve("cm").await.unwrap()).namespace("default");
    let config = |name: &str, value: &str| {
        object(
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {"dynamic": "1"}},
            "data": {"z": value, "a": "1"}}),
        )
    };
    let made = configs.create(&config("dynamic-a", "1")).await.unwrap();
    let mut changed = made.clone();
    changed.set("data.z", "2").unwrap();
    let replaced = configs.replace(&changed).await.unwrap();
    assert_eq!(replaced.get("data.z").unwrap(), Some("2".into()));
    assert!(configs.replace(&made).await.unwrap_err().is_conflict());
    let applied = configs.apply(&config("dynamic-b", "3"), "me").force().await.unwrap();
    assert!(!applied.metadata.managed_fields.is_empty());
    configs.apply(&applied, "me").force().await.unwrap();
    let list = configs.list().labels("dynamic").await.unwrap();
    let names: Vec<_> =
        list.items.iter().map(|one| (one.kind.as_str(), one.metadata.name.as_str())).collect();
    assert_eq!(names, [("ConfigMap", "dynamic-a"), ("ConfigMap", "dynamic-b")]);
    let missing = configs.get("dynamic-c").await.unwrap_err();
    assert!(
        missing.is_not_found() && missing.to_string().starts_with("get configmaps (GET /api/v1/"),
        "{missing}"
    );

    let cache = Informer::new(client.dynamic(discovery.resolve("cm").await.unwrap()).everywhere()).start();
    cache
        .until(|all| all.iter().filter(|one| one.metadata.labels.get("dynamic").is_some()).count() == 2)
        .await
        .unwrap();
    configs.delete("dynamic-a").await.unwrap();
    configs.delete_many().labels("dynamic").await.unwrap();
    cache.until(|all| all.iter().all(|one| one.metadata.labels.get("dynamic").is_none())).await.unwrap();

    let refused =
        client.dynamic(discovery.resolve("cs").await.unwrap()).cluster().delete("x").await.unwrap_err();
    let expected = "the server offers no `delete` of componentstatuses (v1); it offers get, list";
    assert!(refused.to_string().contains(expected), "{refused}");
}

#[tokio::test]
async fn a_part_of_an_object_is_read_without_its_type() {
    let client = client(cluster());
    let deploy = Discovery::new(&client).resolve("deploy").await.unwrap();
    let web = web("dynamic-scale", "default");
    client.dynamic(deploy.clone()).namespace("default").apply(&web, "me").await.unwrap();
    let get = Get::<DynamicObject, Scale>::new(
        Place::of(Some("default")).resource(deploy.clone()),
        "dynamic-scale",
    );
    let scale = client.request(get).await.unwrap();
    // What is zero is not written.
    let name = scale.metadata.name.as_str();
    assert_eq!(
        (scale.kind.as_str(), name, scale.get("spec.replicas").unwrap()),
        ("Scale", "dynamic-scale", None)
    );
    let typed: Deployment =
        client.dynamic(deploy).namespace("default").get("dynamic-scale").await.unwrap().try_into().unwrap();
    // Its status changes meanwhile.
    let read = client.namespaced::<Deployment>("default").get("dynamic-scale").await.unwrap();
    assert_eq!((typed.spec, typed.metadata.uid), (read.spec, read.metadata.uid));
    client.namespaced::<Deployment>("default").delete("dynamic-scale").await.unwrap();
}

fn web(name: &str, namespace: &str) -> DynamicObject {
    object(
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"a": name}}, "template": {"metadata": {"labels": {"a": name}},
            "spec": {"containers": [{"name": "c", "image": "i"}]}}}}),
    )
}

const MIXED: &str = "
# A custom resource, before its definition and the namespace that it lives in.
apiVersion: dynamic.example.com/v1
kind: Gadget
metadata: {name: one, namespace: dynamic-mixed}
spec: {size: 3, mode: Open}
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: settings, namespace: dynamic-mixed}
  data: {k: v}
- apiVersion: v1
  kind: ServiceAccount
  metadata: {name: worker, namespace: dynamic-mixed}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.dynamic.example.com}
spec:
  group: dynamic.example.com
  scope: Namespaced
  names: {kind: Gadget, plural: gadgets, singular: gadget, shortNames: [gad], categories: [gear]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema:
      openAPIV3Schema:
        type: object
        required: [spec]
        properties:
          spec:
            type: object
            required: [size]
            properties:
              size: {type: integer, minimum: 1}
              mode: {type: string, enum: [Open, Closed]}
              name: {type: string, pattern: '^[a-z]+$'}
              port: {x-kubernetes-int-or-string: true}
              free: {type: object, x-kubernetes-preserve-unknown-fields: true}
              list: {type: array, maxItems: 1, items: {type: object, properties: {x: {type: string}}}}
          status: {type: object, properties: {ready: {type: boolean}}}
---
apiVersion: v1
kind: Namespace
metadata: {name: dynamic-mixed}
";

async fn gone(client: &Client, discovery: &Discovery) {
    client.cluster::<Namespace>().delete("dynamic-mixed").await.unwrap();
    let crds = client.dynamic(discovery.resolve("crd").await.unwrap()).cluster();
    crds.delete("gadgets.dynamic.example.com").await.unwrap();
}

#[tokio::test]
async fn a_definition_and_its_object_are_applied_from_one_file_and_compared_with_the_schema() {
    let client = client(cluster());
    let (discovery, openapi) = (Discovery::new(&client), OpenApi::new(&client));
    assert!(discovery.resolve("gadgets").await.is_err());
    let manifest = Manifest::parse("mixed.yaml", MIXED).unwrap();
    let dry = manifest.apply(&discovery, "me").dry_run().await.unwrap();
    assert!(!dry.is_complete());
    assert!(discovery.resolve("gadgets").await.is_err(), "a dry run stores nothing");

    let applied = manifest.apply(&discovery, "me").await.unwrap().into_result().unwrap();
    let kinds: Vec<_> = applied.iter().map(|one| one.kind.as_str()).collect();
    assert_eq!(kinds, ["Namespace", "CustomResourceDefinition", "ServiceAccount", "ConfigMap", "Gadget"]);
    // Discovery and documents follow the definition a little later.
    let (finder, schemas) = (discovery.clone(), openapi.clone());
    wait_until("the kind is discovered", || async {
        finder.resolve("gad").await.is_ok() && schemas.schemas("dynamic.example.com", "v1").await.is_ok()
    })
    .await;
    assert_eq!(
        discovery.resolve_many("gear").await.unwrap()[0].to_string(),
        "gadgets.dynamic.example.com (v1)"
    );
    let again = manifest.apply(&discovery, "me").checked(&openapi).await.unwrap().into_result().unwrap();
    assert_eq!(
        again[4].metadata.resource_version, applied[4].metadata.resource_version,
        "nothing has changed"
    );

    let gadget = |spec: Value| {
        object(json!({"apiVersion": "dynamic.example.com/v1", "kind": "Gadget",
            "metadata": {"name": "bad", "namespace": "dynamic-mixed"}, "spec": spec}))
    };
    for bad in [
        json!({"size": 0}),
        json!({"size": "1"}),
        json!({}),
        json!({"size": 1, "mode": "Ajar"}),
        json!({"size": 1, "name": "A1"}),
        json!({"size": 1, "port": 1.5}),
        json!({"size": 1, "list": [{}, {}]}),
        json!({"size": 1, "list": [null]}),
        json!({"size": 1, "sise": 2, "list": [{"y": 1}], "free": {"x": 1}}),
        json!(null),
    ] {
        agree(&client, &discovery, &openapi, &gadget(bad)).await;
    }
    for good in [
        json!({"size": 1, "port": "http", "free": {"x": [1]}, "mode": null, "list": []}),
        json!({"size": 1.0, "port": 80, "name": "a"}),
    ] {
        let good = gadget(good);
        assert_eq!(openapi.check(&good).await.unwrap(), []);
        strict(&client, &discovery, &good).await.unwrap();
    }
    let text = "apiVersion: dynamic.example.com/v1\nkind: Gadget\nmetadata: {name: x, namespace: dynamic-mixed}\nspec: {size: 0}\n";
    let bad = Manifest::parse("bad.yaml", text).unwrap();
    let error = bad.apply(&discovery, "me").checked(&openapi).await.unwrap_err().to_string();
    let expected = "nothing was applied: bad.yaml, document 1 (line 1), Gadget dynamic-mixed/x: spec.size: must be at least 1";
    assert_eq!(error, expected);
    gone(&client, &discovery).await;
}

/// What the server says of an object under strict validation.
async fn strict(
    client: &Client,
    discovery: &Discovery,
    object: &DynamicObject,
) -> k8s_client::Result<DynamicObject> {
    let resource = discovery.by_kind(object.group(), Some(object.version()), &object.kind).await?;
    let namespace = Some(object.metadata.namespace.as_str()).filter(|_| resource.namespaced);
    let api = client.dynamic(resource).at(namespace);
    api.create(object).dry_run().field_validation(FieldValidation::Strict).await
}

/// Both refuse it, and for the same unknown fields, if the server comes to look for them.
async fn agree(client: &Client, discovery: &Discovery, openapi: &OpenApi, object: &DynamicObject) {
    let ours = openapi.check(object).await.unwrap();
    let server = strict(client, discovery, object).await.unwrap_err();
    assert!(!ours.is_empty(), "the server says {server}");
    let text = server.status().map_or_else(String::new, |status| status.message.clone());
    let theirs: BTreeSet<String> = text
        .split("unknown field \"")
        .skip(1)
        .filter_map(|rest| rest.split_once('"').map(|(path, _)| path.to_owned()))
        .collect();
    if !theirs.is_empty() {
        let unknown = ours.iter().filter(|one| one.message.starts_with("unknown field"));
        assert_eq!(unknown.map(|one| one.path.to_string()).collect::<BTreeSet<_>>(), theirs);
    }
    // Where the server names fields, one of them is one of ours.
    let causes = server.status().map(|status| status.causes.clone()).unwrap_or_default();
    let ours: Vec<String> = ours.iter().map(|one| one.path.to_string()).collect();
    let is_ours =
        |field: &str| ours.iter().any(|one| one.starts_with(field) || field.starts_with(one.as_str()));
    assert!(causes.is_empty() || causes.iter().any(|cause| is_ours(&cause.field)), "{causes:?} and {ours:?}");
}

#[tokio::test]
async fn what_is_wrong_for_the_server_is_wrong_here() {
    let client = client(cluster());
    let (discovery, openapi) = (Discovery::new(&client), OpenApi::new(&client));
    let good = web("checked", "default");
    assert_eq!(openapi.check(&good).await.unwrap(), []);
    strict(&client, &discovery, &good).await.unwrap();
    let container = "spec.template.spec.containers[0]";
    for (path, value) in [
        ("spec.replicas".to_owned(), json!("3")),
        ("spec.replicas".to_owned(), json!(1.5)),
        ("spec.replicas".to_owned(), json!(3000000000i64)),
        ("spec.replica".to_owned(), json!(3)),
        ("spec.selector".to_owned(), json!(null)),
        ("spec.strategy.type".to_owned(), json!("Never")),
        ("metadata.labels".to_owned(), json!({"a": 1})),
        ("status.replica".to_owned(), json!(3)),
        (format!("{container}.imagee"), json!("i")),
        (format!("{container}.name"), json!(null)),
        (format!("{container}.command"), json!("sh")),
        (format!("{container}.ports"), json!([{"containerPort": 80, "protocol": "TPC"}])),
        (format!("{container}.ports"), json!([{"containerPort": 80, "host": 1}, {"porty": 1}])),
        (format!("{container}.livenessProbe"), json!({"httpGet": {"port": {}}})),
        (format!("{container}.resources"), json!({"limits": {"cpu": []}})),
        (format!("{container}.env"), json!([{"name": "a", "value": 1}])),
        (format!("{container}.tty"), json!("true")),
        (format!("{container}.imagePullPolicy"), json!("Sometimes")),
    ] {
        let mut bad = json!(null);
        if let Ok(Some(_) | None) = good.get(&path) {
            let mut object = good.clone();
            if path == "metadata.labels" {
                bad = serde_json::to_value(&object).unwrap();
                bad["metadata"]["labels"] = value.clone();
            } else {
                object
                    .set(&path, k8s_client::dynamic::Json::parse(value.to_string().as_bytes()).unwrap())
                    .unwrap();
                bad = serde_json::to_value(&object).unwrap();
            }
        }
        // Metadata is typed: what it can't hold is found when it is read.
        match DynamicObject::parse(bad.to_string().as_bytes()) {
            Ok(bad) => agree(&client, &discovery, &openapi, &bad).await,
            Err(error) => assert!(error.to_string().starts_with(&path), "{error}"),
        }
    }
}

#[tokio::test]
async fn every_object_that_the_server_holds_is_as_its_schema_says() {
    let client = client(cluster());
    let (discovery, openapi) = (Discovery::new(&client), OpenApi::new(&client));
    let all = discovery.resources().await.unwrap();
    let (mut objects, mut kinds) = (0, 0);
    for resource in all.iter().filter(|one| one.offers(k8s_api::operation::Verb::List)) {
        // What another test defines may be going.
        if resource.group.ends_with("example.com") {
            continue;
        }
        let list = client.dynamic(resource.clone()).everywhere().list().limit(20).await.unwrap();
        kinds += usize::from(!list.items.is_empty());
        for object in list.items {
            let mistakes = openapi.check(&object).await.unwrap();
            assert!(mistakes.is_empty(), "{resource} {}: {mistakes:?}", object.metadata.name);
            objects += 1;
        }
    }
    println!("{objects} objects of {kinds} resources");
    // What a control plane makes by itself, whatever other tests have made.
    assert!(kinds >= 15, "{kinds}");
}

#[tokio::test]
async fn the_server_says_its_version_and_its_documents() {
    let client = client(cluster());
    assert!(client.version().await.unwrap().git_version.starts_with('v'));
    let index = OpenApi::new(&client).index().await.unwrap();
    assert!(index["apis/apps/v1"].starts_with("/openapi/v3/apis/apps/v1?hash="), "{index:?}");
}

#[tokio::test]
async fn a_group_whose_server_is_down_costs_only_itself() {
    let cluster = blocking(|| Cluster::start(options()?)).await;
    let client = client(&cluster);
    let discovery = Discovery::new(&client);
    let service = object(json!({"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
        "metadata": {"name": "v1.down.example.com"},
        "spec": {"group": "down.example.com", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 1,
            "service": {"name": "nobody", "namespace": "default"}, "insecureSkipTLSVerify": true}}));
    let services = client.dynamic(discovery.resolve("apiservices").await.unwrap()).cluster();
    services.apply(&service, "me").await.unwrap();
    let named = |all: &Resources| all.unread().iter().any(|one| one.group == "down.example.com");
    wait_until("the group is named", || async { named(&discovery.refresh().await.unwrap()) }).await;
    assert_eq!(discovery.resolve("po").await.unwrap().kind, "Pod");
    let error = discovery.resolve("nothing").await.unwrap_err().to_string();
    assert!(error.ends_with("it may be in a group that could not be read: down.example.com/v1"), "{error}");
    blocking(move || {
        drop(cluster);
        Ok(())
    })
    .await;
}

/// Looks until it is so.
async fn wait_until<F: Future<Output = bool>>(what: &str, is: impl Fn() -> F) {
    let mut looked = 0;
    while !is().await {
        looked += 1;
        assert!(looked < 2000, "{what}");
        let mut second = false;
        let look = move || Ok(std::mem::replace(&mut second, true).then_some(()).ok_or_else(String::new));
        blocking(move || wait::until("another look", look)).await;
    }
}
