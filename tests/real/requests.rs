//! Requests beyond the verbs: what the server really answers where the documents say something else, or nothing.

use k8s_tests::server::Ability;

use crate::client;
use k8s_api::apps::v1::{Deployment, deployments};
use k8s_api::authentication::v1::TokenRequest;
use k8s_api::authorization::v1::{SelfSubjectAccessReview, selfsubjectaccessreviews};
use k8s_api::autoscaling::v1::Scale;
use k8s_api::core::v1::{
    Binding, ConfigMap, Container, Namespace, Pod, configmaps, namespaces, pods, serviceaccounts,
};
use k8s_api::policy::v1::Eviction;
use k8s_api::raw::RawJson;
use k8s_api::request::{Answer as _, Deleted, PatchDocument, Propagation, Request as _, server};
use k8s_client::{Client, Informer};

/// A namespace of a test's own.
async fn namespace(client: &Client, name: &str) {
    let mut namespace = Namespace::default();
    namespace.metadata.name = name.into();
    client.request(namespaces::create(&namespace)).await.unwrap();
}

fn pod(name: &str) -> Pod {
    let mut pod = Pod::default();
    pod.metadata.name = name.into();
    pod.spec.containers = vec![Container { name: "c".into(), image: "i".into(), ..Default::default() }];
    pod
}

#[tokio::test]
async fn a_pod_is_bound_read_and_evicted() {
    let server = crate::server("connected").await;
    if !server.has(Ability::Kubelets, "a pod that is bound to a node runs there") {
        return;
    }
    let client = server.client();
    let mut bound = pod("bound");
    // No scheduler takes it.
    bound.spec.scheduler_name = "nobody".into();
    client.request(pods::create("connected", &bound)).await.unwrap();
    let mut binding = Binding::default();
    binding.metadata.name = "bound".into();
    binding.target.kind = "Node".into();
    binding.target.name =
        client.cluster::<k8s_api::core::v1::Node>().list().await.unwrap().items[0].metadata.name.clone();
    let status = client.request(pods::bind("connected", "bound", &binding)).await.unwrap();
    assert_eq!(status.status.as_str(), "Success");

    let cache = Informer::new(client.namespaced::<Pod>("connected")).start();
    cache.until(|pods| pods.iter().any(|pod| pod.status.phase.as_str() == "Running")).await.unwrap();
    let log = pods::log("connected", "bound").container("c").tail(10);
    client.request(log.clone()).await.unwrap();
    // The lines may be any; what counts is that the call goes on as a stream.
    let follow = client.send(log.follow().call().unwrap()).await.unwrap();
    assert!(matches!(follow.body, k8s_api::transport::ReplyBody::Stream(_)));

    let mut eviction = Eviction::default();
    eviction.metadata.name = "bound".into();
    let status = client.request(pods::evict("connected", "bound", &eviction)).await.unwrap();
    assert_eq!(status.status.as_str(), "Success");
    cache.until(|pods| pods.is_empty()).await.unwrap();
}

#[tokio::test]
async fn subresources_are_read_and_written() {
    let server = crate::server("parts").await;
    let client = server.client();
    let mut web = Deployment::default();
    web.metadata.name = "web".into();
    web.spec.replicas = Some(0);
    web.spec.selector.get_or_insert_default().match_labels.insert("app".into(), "web".into());
    web.spec.template.metadata.labels.insert("app".into(), "web".into());
    web.spec.template.spec.containers = pod("").spec.containers;
    client.request(deployments::create("parts", &web)).await.unwrap();

    let scale = client.request(deployments::get_scale("parts", "web")).await.unwrap();
    assert_eq!((scale.spec.replicas, scale.metadata.name.as_str()), (0, "web"));
    let mut one = Scale::default();
    one.spec.replicas = 1;
    if server.has(Ability::Apply, "a scale is applied") {
        let applied = deployments::apply_scale("parts", "web", &one, "me").force().dry_run();
        assert_eq!(client.request(applied).await.unwrap().spec.replicas, 1);
    }
    let merge = PatchDocument::Merge(RawJson::parse(br#"{"status": {"collisionCount": 7}}"#).unwrap());
    let patched = client.request(deployments::patch_status("parts", "web", &merge)).await.unwrap();
    assert_eq!((patched.status.collision_count, patched.spec.replicas), (Some(7), Some(0)));

    if server.has(Ability::Controllers, "a controller's account gets a token") {
        let token = TokenRequest::default();
        let token = client
            .request(serviceaccounts::create_token("kube-system", "generic-garbage-collector", &token))
            .await;
        assert!(!token.unwrap().status.token.is_empty());
    }

    let mut review = SelfSubjectAccessReview::default();
    review.spec.resource_attributes.get_or_insert_default().verb = "list".into();
    let review = client.request(selfsubjectaccessreviews::create(&review)).await.unwrap();
    assert!(review.status.allowed);
    let uid = client.request(deployments::get("parts", "web")).await.unwrap().metadata.uid;
    let other = deployments::delete("parts", "web").if_uid("another");
    assert!(client.request(other).await.unwrap_err().is_conflict());
    let delete = deployments::delete("parts", "web").if_uid(&uid).propagation(Propagation::Foreground);
    let Deleted::Going(going) = client.request(delete).await.unwrap() else { panic!("it is gone") };
    assert_eq!(going.metadata.finalizers[0].as_str(), "foregroundDeletion");
}

#[tokio::test]
async fn many_are_deleted_at_once() {
    let client = client();
    namespace(&client, "many").await;
    let configs = client.namespaced::<ConfigMap>("many");
    for name in ["a", "b", "c"] {
        let mut config = ConfigMap::default();
        config.metadata.name = name.into();
        config.metadata.labels.insert("keep".into(), if name == "b" { "yes" } else { "no" }.into());
        configs.create(&config).field_manager("me").await.unwrap();
    }
    let answer =
        client.request(configmaps::delete_collection("many").labels("keep=no").dry_run()).await.unwrap();
    let Deleted::Going(list) = answer else { panic!("nothing is said of what it would have been") };
    assert_eq!(list.items.len(), 2);
    configs.delete_many().labels("keep=no").grace_period(0).await.unwrap();
    let left = configs.list().labels("keep").await.unwrap();
    assert_eq!(left.items.iter().map(|config| config.metadata.name.as_str()).collect::<Vec<_>>(), ["b"]);
}

#[tokio::test]
async fn the_server_says_what_it_is() {
    let client = client();
    assert_eq!(client.request(server::version()).await.unwrap().major.as_str(), "1");
    assert_eq!(client.request(server::livez()).await.unwrap(), "ok");
    assert!(
        client.request(server::readyz().verbose().exclude("etcd")).await.unwrap().contains("excluded: ok")
    );
    assert_eq!(client.request(server::core_versions()).await.unwrap().versions[0].as_str(), "v1");
    let groups = client.request(server::groups()).await.unwrap().groups;
    assert!(groups.iter().any(|group| group.name == "apps"));
    assert_eq!(client.request(k8s_api::apps::group()).await.unwrap().name.as_str(), "apps");
    let resources = client.request(k8s_api::core::v1::resources()).await.unwrap().resources;
    assert!(resources.iter().any(|resource| resource.name == "pods/exec"));
    assert!(client.request(server::openid_configuration()).await.unwrap().as_str().contains("issuer"));
    assert!(client.request(server::openid_keys()).await.unwrap().as_str().contains("keys"));
    assert!(client.request(server::openapi()).await.unwrap().as_str().contains("apis/apps/v1"));
    let document = client.send(server::openapi_document("apis/apps/v1").call().unwrap()).await.unwrap();
    let k8s_api::transport::ReplyBody::Whole(body) = document.body else { panic!("it is a stream") };
    assert!(RawJson::read(&body).unwrap().as_str().contains("io.k8s.api.apps.v1.Deployment"));
}
