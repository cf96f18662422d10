use k8s_api::apps::v1::{Deployment, deployments};
use k8s_api::core::v1::{namespaces, nodes, pods};
use k8s_api::request::{Apply, Place, Request, server};

use super::{Access, Denied, Permission, Subject};
use crate::error::Status;

fn needs<R: Request>(request: R) -> Vec<String> {
    Permission::of(&request).unwrap().iter().map(Permission::to_string).collect()
}

#[test]
fn what_a_request_takes() {
    assert_eq!(needs(pods::get("web", "a")), ["get pods in namespace web, name a"]);
    assert_eq!(needs(pods::list("web").labels("app=a/b")), ["list pods in namespace web"]);
    assert_eq!(needs(pods::list_all()), ["list pods"]);
    assert_eq!(needs(pods::log("web", "a")), ["get pods/log in namespace web, name a"]);
    assert_eq!(needs(nodes::get("n/1")), ["get nodes, name n/1"]);
    assert_eq!(needs(namespaces::delete("web")), ["delete namespaces in namespace web, name web"]);
    assert_eq!(needs(namespaces::list()), ["list namespaces"]);
    assert_eq!(needs(server::livez().verbose()), ["get /livez"]);
    let exec = ["get pods/exec in namespace web, name a", "create pods/exec in namespace web, name a"];
    assert_eq!(needs(pods::exec("web", "a", ["ls"])), exec);
    assert_eq!(needs(pods::exec("web", "a", ["ls"]).post()), exec[1..]);
    let mut web = Deployment::default();
    web.metadata.name = "web".into();
    let verbs =
        ["patch", "create"].map(|verb| format!("{verb} deployments.apps in namespace shop, name web"));
    assert_eq!(needs(Apply::new(Place::namespace("shop"), &web, "me")), verbs);
    assert_eq!(
        needs(deployments::delete_collection("shop")),
        ["deletecollection deployments.apps in namespace shop"]
    );
    assert!(
        Permission::of(&pods::get("web", "")).unwrap_err().to_string().contains("name of a Pod is empty")
    );
}

#[test]
fn in_words() {
    let named = Permission::new("get", "widgets.example.com").named("a");
    assert_eq!((&*named.group, &*named.resource, &*named.name), ("example.com", "widgets", "a"));
    for (verb, what) in [("get", "/metrics"), ("create", "pods/exec"), ("list", "*.*")] {
        assert_eq!(Permission::new(verb, what).to_string(), format!("{verb} {what}"));
    }
    let access = |allowed| Access { allowed, ..Access::default() };
    let no = Access { missing: Some(named), ..access(false) };
    assert_eq!(
        (access(true).to_string(), no.to_string()),
        ("yes".into(), "no: get widgets.example.com, name a".into())
    );
    assert_eq!(
        Subject::service_account("web", "api").groups,
        ["system:authenticated", "system:serviceaccounts", "system:serviceaccounts:web"]
    );
}

fn denied(message: &str) -> Option<Denied> {
    Denied::read(&Status { message: message.to_owned(), name: "x".to_owned(), ..Status::default() })
}

#[test]
fn what_the_server_says_is_missing() {
    for (message, user, permission, rule) in [
        (
            r#"pods "x" is forbidden: User "ann" cannot get resource "pods/log" in API group "" in the namespace "web""#,
            "ann",
            "get pods/log in namespace web, name x",
            r#"for a Role in namespace web: {apiGroups: [""], resources: ["pods/log"], resourceNames: ["x"], verbs: ["get"]}"#,
        ),
        (
            r#"widgets.a.io is forbidden: User "a\"\\&lt;b&amp;" cannot create resource "widgets" in API group "a.io" at the cluster scope: RBAC: role "r" not found"#,
            "a\"\\<b&",
            "create widgets.a.io, name x",
            r#"for a ClusterRole: {apiGroups: ["a.io"], resources: ["widgets"], verbs: ["create"]}"#,
        ),
        (
            r#"forbidden: User "system:anonymous" cannot get path "/metrics""#,
            "system:anonymous",
            "get /metrics",
            r#"for a ClusterRole: {nonResourceURLs: ["/metrics"], verbs: ["get"]}"#,
        ),
    ] {
        let found = denied(message).unwrap();
        assert_eq!((&*found.user, &*found.permission.to_string()), (user, permission));
        assert_eq!(found.permission.rule(), rule);
    }
    for message in [
        "",
        r#"pods "x" is forbidden: exceeded quota: q"#,
        r#"User "ann"#,
        r#"User "ann" cannot "#,
        r#"User "ann" cannot get resource "pods"#,
        r#"User "ann" cannot get resource "pods" in API group"#,
        r#"User "ann" cannot get thing "x""#,
        "User \"\\",
    ] {
        assert_eq!(denied(message), None, "{message}");
    }
}

#[test]
fn a_stream_that_is_refused_without_a_word() {
    let request = pods::exec("web", "a", ["ls"]);
    let (op, path) = (request.operation(), request.build().unwrap().uri().to_string());
    let silent = |message: &str| {
        let status = Status { message: message.to_owned(), ..Status::default() };
        Denied::stream(&status, &op, &path)
    };
    let denied = silent("pods \"a\" is forbidden: ").unwrap();
    assert_eq!(
        (&*denied.user, &*denied.permission.to_string()),
        ("", "create pods/exec in namespace web, name a")
    );
    assert_eq!(silent("pods \"a\" is forbidden: a policy says no"), None);
}
