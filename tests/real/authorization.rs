//! Who may do what, as the real server says it.

use k8s_api::apps::v1::Deployment;
use k8s_api::core::v1::{nodes, pods, serviceaccounts};
use k8s_api::request::server;
use k8s_client::authz::{Permission, Subject};
use k8s_client::config::Impersonation;
use k8s_client::{Client, Config, Secret};
use k8s_tests::{blocking, client, cluster};
use serde_json::json;

async fn config(context: &str) -> Config {
    let kubeconfig = blocking(|| Ok(cluster().kubeconfig().to_owned())).await;
    Config::from_kubeconfig(kubeconfig, context).unwrap()
}

/// A namespace in which the user `robot` may do a few things.
async fn namespace_of_robot(name: &'static str) -> Client {
    blocking(move || {
        let api = cluster().api();
        let rbac = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{name}");
        let group = "rbac.authorization.k8s.io";
        api.post("/api/v1/namespaces", &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}))?;
        api.post(
            &format!("{rbac}/roles"),
            &json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "robot"}, "rules": [
                {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]},
                {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["get"]},
                {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["patch"], "resourceNames": ["web"]},
                {"apiGroups": ["authorization.k8s.io"], "resources": ["localsubjectaccessreviews"], "verbs": ["create"]},
            ]}),
        )?;
        api.post(
            &format!("{rbac}/rolebindings"),
            &json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "robot"},
                "roleRef": {"apiGroup": group, "kind": "Role", "name": "robot"},
                "subjects": [{"apiGroup": group, "kind": "User", "name": name}]}),
        )?;
        Ok(())
    })
    .await;
    let robot = config("cert").await.with_impersonation(Impersonation::user(name)).unwrap();
    let robot = Client::new(robot).unwrap();
    // The server hears of the binding a moment later.
    while !robot.can_i(&pods::list(name)).await.unwrap().allowed {
        tokio::task::yield_now().await;
    }
    robot
}

#[tokio::test]
async fn everybody_may_ask_what_they_may_do() {
    let namespace = "authorization";
    let robot = namespace_of_robot(namespace).await;
    let nobody = Client::new(config("nobody").await).unwrap();
    let admin = client(cluster());
    let mut web = Deployment::default();
    web.metadata.name = "web".into();
    let apply = || k8s_api::request::Apply::new(k8s_api::request::Place::namespace(namespace), &web, "me");

    let mut answers = String::new();
    for (name, client) in [("admin", &admin), ("robot", &robot), ("nobody", &nobody)] {
        for access in [
            client.can_i(&pods::get(namespace, "a")).await,
            client.can_i(&pods::delete(namespace, "a")).await,
            client.can_i(&pods::list_all()).await,
            client.can_i(&pods::exec(namespace, "a", ["ls"])).await,
            client.can_i(&apply()).await,
            client.can_i(&nodes::get("n")).await,
            client.can_i(&server::version()).await,
            client.can_i(&server::openid_keys()).await,
            client.allowed(&Permission::new("patch", "deployments.apps").in_namespace(namespace)).await,
        ] {
            answers += &format!("{name} {}\n", access.unwrap());
        }
    }
    assert_eq!(
        answers,
        "admin yes\nadmin yes\nadmin yes\nadmin yes\nadmin yes\nadmin yes\nadmin yes\nadmin yes\nadmin yes\n\
         robot yes\n\
         robot no: delete pods in namespace authorization, name a\n\
         robot no: list pods\n\
         robot no: create pods/exec in namespace authorization, name a\n\
         robot no: create deployments.apps in namespace authorization, name web\n\
         robot no: get nodes, name n\n\
         robot yes\n\
         robot no: get /openid/v1/jwks/\n\
         robot no: patch deployments.apps in namespace authorization\n\
         nobody no: get pods in namespace authorization, name a\n\
         nobody no: delete pods in namespace authorization, name a\n\
         nobody no: list pods\n\
         nobody no: get pods/exec in namespace authorization, name a\n\
         nobody no: patch deployments.apps in namespace authorization, name web\n\
         nobody no: get nodes, name n\n\
         nobody yes\n\
         nobody no: get /openid/v1/jwks/\n\
         nobody no: patch deployments.apps in namespace authorization\n"
    );
    // What is said beforehand is what comes of it.
    let refused = robot.request(pods::delete(namespace, "a")).await.unwrap_err();
    let said = robot.can_i(&pods::delete(namespace, "a")).await.unwrap();
    assert_eq!(Some(&refused.denied().unwrap().permission), said.missing.as_ref());

    let rules = robot.my_rules(namespace).await.unwrap();
    let reads =
        |rule: &&k8s_api::authorization::v1::ResourceRule| rule.resources.iter().any(|it| it == "pods");
    let verbs: Vec<&str> =
        rules.resource_rules.iter().find(reads).unwrap().verbs.iter().map(|verb| verb.as_str()).collect();
    assert_eq!((verbs, rules.incomplete), (vec!["get", "list"], false));
}

#[tokio::test]
async fn somebody_may_ask_for_others() {
    let namespace = "authorization-of-others";
    let robot = namespace_of_robot(namespace).await;
    let admin = client(cluster());
    let get = Permission::new("get", "pods").in_namespace(namespace);
    assert!(admin.allowed_for(&Subject::user(namespace), &get).await.unwrap().allowed);
    assert!(!admin.allowed_for(&Subject::user("nobody"), &get).await.unwrap().allowed);
    let mut masters = Subject::user("nobody").group("system:masters");
    masters.extra.insert("example.com/k".into(), vec!["v".into()]);
    assert!(admin.allowed_for(&masters, &get).await.unwrap().allowed);
    let account = Subject::service_account(namespace, "default");
    let access = admin.allowed_for(&account, &get).await.unwrap();
    assert_eq!(access.to_string(), format!("no: get pods in namespace {namespace}"));

    // A role in the namespace is enough for what is in it.
    assert!(
        robot
            .allowed_in(namespace, &Subject::user(namespace), &Permission::new("list", "pods"))
            .await
            .unwrap()
            .allowed
    );
    let refused = robot.allowed_for(&account, &get).await.unwrap_err();
    let missing = refused.denied().unwrap().permission.to_string();
    assert_eq!(missing, "create subjectaccessreviews.authorization.k8s.io");
}

#[tokio::test]
async fn who_somebody_is() {
    for (context, name) in [("cert", "admin-cert"), ("token", "admin-token"), ("nobody", "nobody")] {
        let me = Client::new(config(context).await).unwrap().who_am_i().await.unwrap();
        assert_eq!(me.username, name);
        assert!(me.groups.iter().any(|group| group == "system:authenticated"), "{me:?}");
    }
    let admin = client(cluster());
    let request = k8s_api::authentication::v1::TokenRequest::default();
    let made = admin.request(serviceaccounts::create_token("default", "default", &request)).await.unwrap();
    let token = Secret::new(made.status.token.as_str());
    let known = admin.review_token(&token, &[]).await.unwrap();
    assert_eq!(
        (known.authenticated, known.user.username.as_str()),
        (true, "system:serviceaccount:default:default")
    );
    let elsewhere = admin.review_token(&token, &["https://elsewhere.example"]).await.unwrap();
    assert!(!elsewhere.authenticated, "{elsewhere:?}");
    let unknown = admin.review_token(&Secret::new("planted"), &[]).await.unwrap();
    assert!(!unknown.authenticated && !format!("{unknown:?}").contains("planted"), "{unknown:?}");
}
