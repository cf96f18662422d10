use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::{Discovery, Resources, wire};
use crate::outside::Outside as _;
use crate::outside::testing::{Handle, Virtual};
use crate::scripted::{Answer, Asked, Scripted, ok, status};

fn resource(plural: &str, kind: &str, short: &[&str], categories: &[&str]) -> Value {
    json!({
        "resource": plural, "responseKind": {"group": "", "version": "", "kind": kind}, "scope": "Namespaced",
        "singularResource": kind.to_lowercase(), "verbs": ["get", "list"], "shortNames": short, "categories": categories,
        "subresources": [
            {"subresource": "scale", "responseKind": {"group": "autoscaling", "version": "v1", "kind": "Scale"}, "verbs": ["get"]},
            {"subresource": "status", "responseKind": {"group": "", "version": "", "kind": kind}, "verbs": ["get"]},
        ],
    })
}

fn version(name: &str, resources: &[Value]) -> Value {
    json!({"version": name, "freshness": "Current", "resources": resources})
}

fn group(name: &str, versions: &[Value]) -> Value {
    json!({"metadata": {"name": name}, "versions": versions})
}

fn list(groups: &[Value]) -> String {
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": groups})
        .to_string()
}

fn core() -> Vec<Value> {
    vec![group(
        "",
        &[version(
            "v1",
            &[resource("pods", "Pod", &["po"], &["all"]), resource("events", "Event", &["ev"], &[])],
        )],
    )]
}

fn others() -> Vec<Value> {
    vec![
        group("events.k8s.io", &[version("v1", &[resource("events", "Event", &["ev"], &[])])]),
        group(
            "apps",
            &[
                version("v1", &[resource("deployments", "Deployment", &["deploy"], &["all"])]),
                version(
                    "v1beta1",
                    &[
                        resource("deployments", "Deployment", &["deploy"], &["all"]),
                        resource("old", "Old", &[], &[]),
                    ],
                ),
            ],
        ),
        group("metrics.k8s.io", &[json!({"version": "v1beta1", "freshness": "Stale", "resources": []})]),
        group(
            "aigateway.envoyproxy.io",
            &[version("v1alpha1", &[resource("aigatewayroutes", "AIGatewayRoute", &["po"], &[])])],
        ),
        // Its plural is somebody's short name.
        group("example.com", &[version("v1", &[resource("deploy", "Deploy", &[], &[])])]),
    ]
}

fn all() -> Resources {
    let text = list(&[core(), others()].concat());
    let groups: wire::Groups = serde_json::from_str(&text).unwrap();
    Resources::new(groups.items.iter())
}

#[test]
fn what_people_type_is_found_as_kubectl_finds_it() {
    let all = all();
    for (text, expected) in [
        ("po", "pods (v1)"),
        ("pods", "pods (v1)"),
        ("pod", "pods (v1)"),
        ("Pod", "pods (v1)"),
        ("PODS", "pods (v1)"),
        ("ev", "events (v1)"),
        ("events", "events (v1)"),
        ("events.events.k8s.io", "events.events.k8s.io (v1)"),
        ("ev.events.k8s.io", "events.events.k8s.io (v1)"),
        ("Event.events.k8s.io", "events.events.k8s.io (v1)"),
        ("deployments.apps", "deployments.apps (v1)"),
        ("deployments.v1.apps", "deployments.apps (v1)"),
        ("deployments.v1beta1.apps", "deployments.apps (v1beta1)"),
        ("Deployment.v1beta1.apps", "deployments.apps (v1beta1)"),
        ("deploy.v1beta1.apps", "deployments.apps (v1beta1)"),
        ("deploy", "deploy.example.com (v1)"),
        ("deploy.apps", "deployments.apps (v1)"),
        ("deployments.app", "deployments.apps (v1)"),
        ("pods.v1.", "pods (v1)"),
        ("aigatewayroutes.aigateway.envoyproxy.io", "aigatewayroutes.aigateway.envoyproxy.io (v1alpha1)"),
        ("AIGatewayRoute", "aigatewayroutes.aigateway.envoyproxy.io (v1alpha1)"),
        ("old", "old.apps (v1beta1)"),
    ] {
        assert_eq!(all.find(text).map(|found| found.to_string()).as_deref(), Some(expected), "{text}");
    }
    for text in ["", ".", "po.apps", "deployments.v2.apps", "pods.x", "DEPLOY.apps.x"] {
        assert!(all.find(text).is_none(), "{text}");
    }
}

#[test]
fn categories_and_lists_name_several() {
    let all = all();
    let names = |text| all.find_many(text).unwrap().iter().map(|one| one.to_string()).collect::<Vec<_>>();
    assert_eq!(names("all"), ["pods (v1)", "deployments.apps (v1)"]);
    assert_eq!(names("po, deploy.apps,all"), ["pods (v1)", "deployments.apps (v1)"]);
    assert!(all.find_many("po,nothing").unwrap_err().to_string().contains("`nothing`"));
}

#[test]
fn what_is_unknown_is_answered_with_what_is_like_it_and_what_could_not_be_read() {
    let error = all().unknown("deploymnet").to_string();
    assert_eq!(
        error,
        "the server has no resource or kind `deploymnet`; did you mean `deployments`?; it may be in a group that could \
         not be read: metrics.k8s.io/v1beta1"
    );
    let error = all().unknown("aigatewayroute.aigateway.envoyproxy").to_string();
    assert!(error.contains("did you mean `aigatewayroutes.aigateway.envoyproxy.io`?"), "{error}");
    assert!(!all().unknown("somethingelse").to_string().contains("did you mean"));
}

#[test]
fn a_resource_says_what_it_offers() {
    let all = all();
    let deployments = all.by_kind("apps", None, "Deployment").unwrap();
    assert_eq!((deployments.version.as_str(), deployments.namespaced), ("v1", true));
    let scale = deployments.subresource("scale").unwrap();
    assert_eq!((scale.api_version.as_str(), scale.kind.as_str()), ("autoscaling/v1", "Scale"));
    assert_eq!(deployments.subresource("status").unwrap().api_version, "apps/v1");
    assert!(all.by_plural("apps", Some("v1beta1"), "deployments").is_some());
    assert!(all.by_kind("apps", Some("v1"), "Old").is_none());
}

/// A server whose definition is added later.
fn server(added: Arc<AtomicBool>) -> Arc<Scripted> {
    Scripted::new(move |asked: &Asked| -> Answer {
        let (tag, body) = match asked.line.as_str() {
            "GET /api" => ("core", list(&core())),
            "GET /apis" if added.load(Ordering::SeqCst) => {
                let mut groups = others();
                groups.push(group("new.io", &[version("v1", &[resource("widgets", "Widget", &[], &[])])]));
                ("more", list(&groups))
            }
            "GET /apis" => ("few", list(&others())),
            _ => return status(404, "no"),
        };
        let tag = format!("\"{tag}\"");
        if asked.etag.as_ref() == Some(&tag) {
            return (304, Vec::new(), String::new());
        }
        (200, vec![("etag", tag)], body)
    })
}

#[test]
fn it_is_read_once_and_again_when_something_is_missing() {
    let (clock, added) = (Virtual::new(), Arc::new(AtomicBool::new(false)));
    let server = server(added.clone());
    let discovery = Discovery::new(&server.client(&clock));
    clock.run(async {
        assert_eq!(discovery.resolve("po").await.unwrap().kind, "Pod");
        assert_eq!(discovery.resolve("deployments").await.unwrap().kind, "Deployment");
        let asked = server.last();
        assert!(
            asked.accept.starts_with("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,")
        );
        assert_eq!((asked.etag, server.lines().len()), (None, 2));

        let error = discovery.resolve("widgets").await.unwrap_err();
        assert!(error.to_string().contains("no resource or kind `widgets`"), "{error}");
        let asked = server.last();
        assert!(asked.etag.is_some(), "only what has changed is read");
        assert_eq!(server.lines().len(), 2, "once");

        added.store(true, Ordering::SeqCst);
        assert_eq!(discovery.resolve("widgets").await.unwrap().group, "new.io");
        assert_eq!(discovery.resolve_many("widgets,po").await.unwrap().len(), 2);
        assert_eq!(server.lines().len(), 2);
    });
}

#[test]
fn a_file_is_believed_for_six_hours_and_shared() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, added) = (Virtual::new(), Arc::new(AtomicBool::new(false)));
    let server = server(added.clone());
    let client = server.client(&clock);
    let wait = |hours: u64| {
        let handle = Handle(clock.clone());
        clock.run(handle.wait(handle.now() + Duration::from_secs(hours * 3600)));
    };
    let resolve = |name: &'static str| {
        let discovery = Discovery::kept_in(&client, folder.path().join("deep/er"));
        clock.run(async move { discovery.resolve(name).await.map(|found| found.to_string()) })
    };
    resolve("po").unwrap();
    assert_eq!(server.lines().len(), 2);
    wait(5);
    resolve("po").unwrap();
    assert_eq!(server.lines().len(), 0, "the file is young");
    wait(2);
    added.store(true, Ordering::SeqCst);
    assert_eq!(resolve("widgets").unwrap(), "widgets.new.io (v1)");
    let asked = server.last();
    assert!(asked.etag.is_some());
    assert_eq!(server.lines().len(), 2, "the file was old, and what it held was compared by its tags");
    let file = folder.path().join("deep/er/k8s-client.json");
    std::fs::write(&file, "{broken").unwrap();
    resolve("po").unwrap();
    assert_eq!(server.lines().len(), 2, "a broken file is none");
    assert!(std::fs::read_to_string(file).unwrap().contains("new.io"), "and is replaced");
}

#[test]
fn without_aggregation_each_group_is_read_and_one_that_is_down_costs_itself() {
    let clock = Virtual::new();
    let server = Scripted::new(|asked: &Asked| match asked.line.as_str() {
        "GET /api" => ok(r#"{"kind":"APIVersions","versions":["v1"]}"#),
        "GET /apis" => ok(r#"{"kind":"APIGroupList","apiVersion":"v1","groups":[
            {"name":"metrics.k8s.io","versions":[{"groupVersion":"metrics.k8s.io/v1beta1","version":"v1beta1"}]},
            {"name":"apps","versions":[{"groupVersion":"apps/v1beta1","version":"v1beta1"},{"groupVersion":"apps/v1","version":"v1"}],
             "preferredVersion":{"groupVersion":"apps/v1","version":"v1"}}]}"#),
        "GET /api/v1/" => ok(r#"{"kind":"APIResourceList","groupVersion":"v1","resources":[
            {"name":"pods","singularName":"pod","namespaced":true,"kind":"Pod","verbs":["get"],"shortNames":["po"],"categories":["all"]},
            {"name":"pods/eviction","singularName":"","namespaced":true,"group":"policy","version":"v1","kind":"Eviction","verbs":["create"]}]}"#),
        "GET /apis/apps/v1/" | "GET /apis/apps/v1beta1/" => {
            ok(r#"{"kind":"APIResourceList","groupVersion":"apps","resources":[
            {"name":"deployments","singularName":"deployment","namespaced":true,"kind":"Deployment","verbs":["get"]}]}"#)
        }
        _ => status(503, "the server is currently unable to handle the request"),
    });
    let discovery = Discovery::new(&server.client(&clock));
    clock.run(async {
        let pods = discovery.resolve("po").await.unwrap();
        assert_eq!(pods.subresource("eviction").unwrap().api_version, "policy/v1");
        assert_eq!(discovery.resolve("deployments").await.unwrap().version, "v1");
        let all = discovery.resources().await.unwrap();
        assert_eq!((all.unread()[0].group.as_str(), all.unread().len()), ("metrics.k8s.io", 1));
        let error = discovery.resolve("podmetrics").await.unwrap_err().to_string();
        assert!(error.contains("metrics.k8s.io/v1beta1 (") && error.contains("unable to handle"), "{error}");
    });
}

#[test]
fn a_server_that_says_nothing_is_an_error() {
    let clock = Virtual::new();
    let server = Scripted::new(|_: &Asked| status(403, "forbidden"));
    let discovery = Discovery::new(&server.client(&clock));
    assert!(clock.run(discovery.resolve("po")).unwrap_err().is_forbidden());
}
