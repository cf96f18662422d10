//! What the parts of an object do beyond being accepted, which `operations.rs` shows for all of them: a budget that forbids, a
//! certificate that is granted, a namespace that is let go, a container that is added, a command whose connection is had.

use k8s_api::certificates::v1::CertificateSigningRequest;
use k8s_api::codec::json;
use k8s_api::core::v1::{Namespace, Pod, ServiceAccount, pods};
use k8s_api::policy::v1::{Eviction, PodDisruptionBudget};
use k8s_api::raw::RawJson;
use k8s_api::request::{Get, Patch, PatchDocument, Place, Replace, subresource};
use k8s_tests::server::Ability;
use serde_json::json;

use crate::server;

fn read<K: k8s_api::Resource>(value: serde_json::Value) -> K {
    json::decode(value.to_string().as_bytes()).unwrap()
}

fn strategic(value: serde_json::Value) -> PatchDocument {
    PatchDocument::Strategic(RawJson::parse(value.to_string().as_bytes()).unwrap())
}

fn pod(name: &str) -> Pod {
    read(json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": "guarded"}},
        "spec": {"containers": [{"name": "c", "image": "i", "resources": {"requests": {"cpu": "100m"}}}]},
    }))
}

/// A 429 to an eviction is an answer: it is not tried again, and says which budget.
#[tokio::test]
async fn a_budget_forbids_an_eviction() {
    let server = server("parts-budget").await;
    if !server.has(Ability::Kubelets, "a disruption budget forbids an eviction") {
        return;
    }
    let here = server.namespace();
    let budget: PodDisruptionBudget = read(json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "all"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "guarded"}}},
    }));
    server.client().namespaced(here).create(&budget).await.unwrap();
    server.client().namespaced(here).create(&pod("guarded")).await.unwrap();
    let path = format!("/apis/policy/v1/namespaces/{here}/poddisruptionbudgets/all");
    server.until(&path, |it| it["status"]["currentHealthy"] == 1).await;
    let mut eviction = Eviction::default();
    eviction.metadata.name = "guarded".into();
    let evict = || server.client().request(pods::evict(here, "guarded", &eviction));
    let error = evict().await.unwrap_err();
    assert_eq!(error.code().unwrap(), 429);
    assert_eq!(error.status().unwrap().causes[0].reason, "DisruptionBudget");
    println!("{error}");
    assert!(
        error.to_string().contains("Cannot evict pod as it would violate the pod's disruption budget."),
        "{error}"
    );

    server.client().namespaced::<PodDisruptionBudget>(here).delete("all").await.unwrap();
    // The server may still see the budget for a moment.
    while let Err(error) = evict().await {
        assert_eq!(error.code().unwrap(), 429, "{error}");
    }
    server.until_gone(&format!("/api/v1/namespaces/{here}/pods/guarded")).await;
}

#[tokio::test]
async fn a_certificate_is_granted_and_another_denied() {
    let server = server("parts-approval").await;
    let requests = server.client().cluster::<CertificateSigningRequest>();
    for (name, decision) in [("granted", "Approved"), ("denied", "Denied")] {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::CommonName, "somebody");
        let pem = params.serialize_request(&key).unwrap().pem().unwrap();
        let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, pem);
        let name = format!("approval-{name}");
        let request: CertificateSigningRequest = read(json!({
            "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": &name},
            "spec": {"request": encoded, "signerName": "kubernetes.io/kube-apiserver-client", "usages": ["client auth"]},
        }));
        requests.create(&request).await.unwrap();
        let condition =
            json!({"type": decision, "status": "True", "reason": "Tested", "message": "by a test"});
        let decide = strategic(json!({"status": {"conditions": [condition]}}));
        let place = Place::cluster();
        let decided = server
            .client()
            .request(Patch::<CertificateSigningRequest, subresource::Approval>::new(place, &name, &decide))
            .await
            .unwrap();
        assert_eq!(decided.status.conditions[0].type_.as_str(), decision);
        // What was decided stays so.
        let mut other = decided.clone();
        other.status.conditions.clear();
        let undo =
            Replace::<CertificateSigningRequest, subresource::Approval>::on(Place::cluster(), &name, &other);
        let error = server.client().request(undo).await.unwrap_err();
        assert!(error.code().unwrap() == 422 || error.is_conflict(), "{error}");
        if decision == "Approved" && server.has(Ability::Controllers, "an approved certificate is signed") {
            let path = format!("/apis/certificates.k8s.io/v1/certificatesigningrequests/{name}");
            server.until(&path, |it| it["status"]["certificate"].is_string()).await;
            let signed = requests.get(&name).await.unwrap();
            assert!(signed.status.certificate.starts_with(b"-----BEGIN CERTIFICATE-----"));
        }
    }
}

#[tokio::test]
async fn a_namespace_waits_for_its_finalizer() {
    let server = server("parts-finalize").await;
    let namespaces = server.client().cluster::<Namespace>();
    let mut held: Namespace = read(json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "finalize-held"},
        "spec": {"finalizers": ["example.com/held"]},
    }));
    held = namespaces.create(&held).await.unwrap();
    namespaces.delete("finalize-held").await.unwrap();
    loop {
        let mut going = namespaces.get("finalize-held").await.unwrap();
        assert!(going.metadata.deletion_timestamp.is_some());
        assert!(going.spec.finalizers.iter().any(|it| it.as_str() == "example.com/held"));
        going.spec.finalizers.retain(|it| it.as_str() != "example.com/held");
        let finalize = k8s_api::core::v1::namespaces::finalize("finalize-held", &going);
        match server.client().request(finalize).await {
            Err(error) if error.is_conflict() => {}
            finalized => {
                assert_eq!(finalized.unwrap().metadata.uid, held.metadata.uid);
                break;
            }
        }
    }
    if server.has(Ability::Cleanup, "a namespace without finalizers goes") {
        server.until_gone("/api/v1/namespaces/finalize-held").await;
    }
}

#[tokio::test]
async fn a_pod_is_debugged_and_resized() {
    let server = server("parts-debugged").await;
    let here = server.namespace();
    let (client, place) = (server.client(), || Place::namespace(here));
    let mut waiting = pod("waiting");
    // Nothing here can resize what runs.
    waiting.spec.scheduler_name = "nobody".into();
    client.namespaced(here).create(&waiting).await.unwrap();

    let debugger = json!({"name": "debug", "image": "d", "targetContainerName": "c"});
    let add = strategic(json!({"spec": {"ephemeralContainers": [debugger]}}));
    let added = client
        .request(Patch::<Pod, subresource::EphemeralContainers>::new(place(), "waiting", &add))
        .await
        .unwrap();
    assert_eq!(added.spec.ephemeral_containers[0].name, "debug");
    // Only there.
    let plain = client.namespaced::<Pod>(here).patch("waiting", &add).await.unwrap();
    assert_eq!(plain.spec.ephemeral_containers.len(), 1);
    let mut without = client.namespaced::<Pod>(here).get("waiting").await.unwrap();
    without.spec.ephemeral_containers.clear();
    let error = client.namespaced(here).replace(&without).await.unwrap_err();
    assert_eq!(error.code().unwrap(), 422, "{error}");

    let more = strategic(
        json!({"spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "200m"}}}]}}),
    );
    let resized =
        client.request(Patch::<Pod, subresource::Resize>::new(place(), "waiting", &more)).await.unwrap();
    let cpu = |pod: &Pod| pod.spec.containers[0].resources.requests.get("cpu").unwrap().to_string();
    assert_eq!(cpu(&resized), "200m");
    let read = client.request(Get::<Pod, subresource::Resize>::new(place(), "waiting")).await.unwrap();
    assert_eq!(cpu(&read), "200m");
}

#[tokio::test]
async fn a_token_is_for_its_audience() {
    let server = server("parts-audience").await;
    let mut account = ServiceAccount::default();
    account.metadata.name = "robot".into();
    server.client().namespaced(server.namespace()).create(&account).await.unwrap();
    let request = read_token(json!({"spec": {"audiences": ["vault"], "expirationSeconds": 600}}));
    let create = k8s_api::core::v1::serviceaccounts::create_token(server.namespace(), "robot", &request);
    let token = server.client().request(create).await.unwrap().status.token;
    let review = |audience: &str| {
        let mut review = k8s_api::authentication::v1::TokenReview::default();
        review.spec.token = token.clone();
        review.spec.audiences = vec![audience.into()];
        let client = server.client().clone();
        async move {
            client.request(k8s_api::authentication::v1::tokenreviews::create(&review)).await.unwrap().status
        }
    };
    let known = review("vault").await;
    assert!(known.authenticated && known.audiences.iter().any(|it| *it == *"vault"), "{known:?}");
    assert_eq!(known.user.username, format!("system:serviceaccount:{}:robot", server.namespace()));
    assert!(!review("elsewhere").await.authenticated);
}

fn read_token(value: serde_json::Value) -> k8s_api::authentication::v1::TokenRequest {
    json::decode(value.to_string().as_bytes()).unwrap()
}
