//! Requests beyond what the documents say of them; `tests/conformance` compares all of them with the documents.

use std::time::Duration;

use k8s_api::apps::v1::{Deployment, deployments};
use k8s_api::autoscaling::v1::Scale;
use k8s_api::core::v1::{ConfigMap, Pod, Secret, configmaps, nodes, pods, secrets};
use k8s_api::list::List;
use k8s_api::meta::v1::Status;
use k8s_api::operation::{Retry, Verb};
use k8s_api::policy::v1::Eviction;
use k8s_api::raw::RawJson;
use k8s_api::request::{self, Answer, Deleted, Get, PatchDocument, Place, Propagation, Request, server};
use k8s_api::transport::{Body, Lane};

/// Method, path with query, content type and body.
fn sent(request: impl Request) -> String {
    let call = request.call().unwrap();
    let mut text = format!("{} {}", call.head.method, call.head.uri);
    if let Some(content_type) = call.head.headers.get("content-type") {
        text.push_str(&format!(" {}", content_type.to_str().unwrap()));
    }
    if let Body::Bytes(body) = call.body {
        text.push_str(&format!(" {}", String::from_utf8(body.to_vec()).unwrap()));
    }
    text
}

#[test]
fn options_are_set_once_and_chained() {
    assert_eq!(
        sent(pods::list("web").labels("a=b").limit(5).labels("c").timeout(Duration::from_secs(7))),
        "GET /api/v1/namespaces/web/pods?labelSelector=c&limit=5&timeoutSeconds=7"
    );
    assert_eq!(
        sent(pods::watch_all().only("a,b").version("7")),
        "GET /api/v1/pods?watch=true&fieldSelector=metadata.name%3Da%5C%2Cb&resourceVersion=7"
    );
    assert_eq!(
        sent(pods::exec("web", "api-0", ["sh", "-c", "a&b"]).container("app").tty(true).stderr(false)),
        "GET /api/v1/namespaces/web/pods/api-0/exec?stdout=true&stderr=false&command=sh&command=-c&command=a%26b\
         &container=app&tty=true"
    );
}

#[test]
fn a_delete_has_its_options_in_its_body() {
    assert_eq!(sent(pods::delete("web", "x")), "DELETE /api/v1/namespaces/web/pods/x");
    assert_eq!(
        sent(
            pods::delete("web", "x")
                .propagation(Propagation::Foreground)
                .grace_period(0)
                .if_uid("u")
                .dry_run()
        ),
        "DELETE /api/v1/namespaces/web/pods/x application/json {\"gracePeriodSeconds\":0,\
         \"preconditions\":{\"uid\":\"u\"},\"propagationPolicy\":\"Foreground\",\"dryRun\":[\"All\"]}"
    );
    assert_eq!(
        sent(configmaps::delete_collection("web").labels("a").grace_period(1)),
        "DELETE /api/v1/namespaces/web/configmaps?labelSelector=a application/json {\"gracePeriodSeconds\":1}"
    );
}

#[test]
fn writes_hold_their_object() {
    let mut config = ConfigMap::default();
    config.metadata.name = "c".into();
    assert_eq!(
        sent(configmaps::replace("web", &config).field_manager("me").dry_run()),
        "PUT /api/v1/namespaces/web/configmaps/c?fieldManager=me&dryRun=All application/json \
         {\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"c\"}}"
    );
    let json = PatchDocument::Merge(RawJson::parse(b"{\"data\": null}").unwrap());
    assert_eq!(
        sent(configmaps::patch("web", "c", &json)),
        "PATCH /api/v1/namespaces/web/configmaps/c application/merge-patch+json {\"data\": null}"
    );
    let deployment = Deployment::default();
    let apply = request::Apply::<Deployment>::new(Place::namespace("web"), &deployment, "me");
    assert_eq!(apply.build().unwrap_err().to_string(), "the name of a Deployment is empty");
    let mut scale = Scale::default();
    scale.spec.replicas = 0;
    assert_eq!(
        sent(deployments::apply_scale("web", "api", &scale, "me").own("spec.replicas").force()),
        "PATCH /apis/apps/v1/namespaces/web/deployments/api/scale?fieldManager=me&force=true \
         application/apply-patch+yaml {\"kind\":\"Scale\",\"apiVersion\":\"autoscaling/v1\",\"spec\":{\"replicas\":0}}"
    );
    let eviction = Eviction::default();
    let evict = pods::evict("web", "x", &eviction);
    assert_eq!((evict.operation().verb, evict.operation().retry), (Verb::Create, Retry::Answered));
    assert_eq!(evict.operation().to_string(), "create pods/eviction");
}

#[test]
fn what_goes_on_is_on_a_lane_of_its_own() {
    let log = pods::log("web", "x").tail(5);
    assert_eq!(sent(log.clone()), "GET /api/v1/namespaces/web/pods/x/log?tailLines=5");
    let meta = log.follow().call().unwrap().meta;
    assert_eq!((meta.lane, meta.whole, meta.upgrade), (Lane::Watch, false, false));
    let meta = pods::attach("web", "x").call().unwrap().meta;
    assert_eq!((meta.lane, meta.upgrade), (Lane::Upgrade, true));
}

#[test]
fn a_proxied_path_stays_below_the_proxy() {
    let proxy = nodes::proxy("n", http::Method::POST).path("/metrics/../x y");
    let body = proxy.body(http::HeaderValue::from_static("text/plain"), "hello");
    assert_eq!(sent(body), "POST /api/v1/nodes/n/proxy/metrics/%2E%2E/x%20y text/plain hello");
}

#[test]
fn a_place_that_does_not_fit_is_refused() {
    let error = Get::<Pod>::new(Place::of(None), "x").build().unwrap_err().to_string();
    assert_eq!(error, "a Pod lives in a namespace, and none is given");
    let error =
        Get::<k8s_api::core::v1::Node>::new(Place::of(Some("web")), "x").build().unwrap_err().to_string();
    assert_eq!(error, "a Node lives in no namespace, and one is given");
    assert!(server::resources("", "").build().is_err());
    assert!(server::group("").build().is_err());
    assert_eq!(sent(server::resources("a/b", "..")), "GET /apis/a%2Fb/%2E%2E/");
}

#[test]
fn what_is_no_resource() {
    assert_eq!(
        sent(server::readyz().verbose().exclude("etcd").exclude("log")),
        "GET /readyz?verbose=true&exclude=etcd&exclude=log"
    );
    assert_eq!(sent(server::livez()), "GET /livez");
    assert_eq!(sent(server::healthz()), "GET /healthz");
    assert_eq!(sent(server::openapi()), "GET /openapi/v3");
    assert_eq!(sent(server::openapi_document("apis/apps/v1")), "GET /openapi/v3/apis/apps/v1");
}

#[test]
fn answers_are_read() {
    let status = br#"{"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}"#;
    assert_eq!(Deleted::<Pod>::read(status).unwrap(), Deleted::Gone);
    assert_eq!(Status::read(status).unwrap().status.as_str(), "Success");
    let pod = br#"{"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "x"}}"#;
    assert!(matches!(Deleted::<Pod>::read(pod).unwrap(), Deleted::Going(pod) if pod.metadata.name == "x"));
    let pods = br#"{"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": [{}]}"#;
    assert!(
        matches!(Deleted::<List<Pod>>::read(pods).unwrap(), Deleted::Going(list) if list.items.len() == 1)
    );
    let error = Pod::read(b"{\"spec\": {\"containers\": 5}}").unwrap_err().to_string();
    assert!(
        error.starts_with("the server's answer is no io.k8s.api.core.v1.Pod: spec.containers: "),
        "{error}"
    );
    assert!(String::read(&[0xff]).is_err());
}

#[test]
fn an_object_is_never_shown() {
    let mut secret = Secret::default();
    secret.string_data.insert("k".into(), "hidden".into());
    secret.metadata.name = "s".into();
    let shown = format!("{:?} {:?}", secrets::create("web", &secret), secrets::apply("web", &secret, "me"));
    assert!(shown.contains("web") && !shown.contains("hidden"), "{shown}");
}

#[test]
fn tokens_are_never_shown() {
    let mut review = k8s_api::authentication::v1::TokenReview::default();
    review.spec.token = "s3cret".into();
    let mut request = k8s_api::authentication::v1::TokenRequest::default();
    request.status.token = "s3cret".into();
    let event = k8s_api::meta::v1::WatchEvent {
        object: RawJson::parse(b"\"s3cret\"").unwrap(),
        ..Default::default()
    };
    let shown = format!("{review:?} {request:?} {event:?}");
    assert!(!shown.contains("s3cret"), "{shown}");
}
