//! Who a client is to the real server, and what a kubeconfig is to the real kubectl.

use std::borrow::Cow;
use std::path::Path;

use k8s_api::operation::{Operation, Retry, Verb};
use k8s_api::transport::{Body, Call};
use k8s_client::config::Impersonation;
use k8s_client::{Client, Config, Kubeconfig, Secret};
use k8s_tests::{blocking, cluster};
use serde_json::{Value, json};

static LIST: Operation = operation("", "configmaps", Verb::List);
static REVIEW: Operation = operation("authentication.k8s.io", "selfsubjectreviews", Verb::Create);

const fn operation(group: &'static str, resource: &'static str, verb: Verb) -> Operation {
    Operation {
        verb,
        group: Cow::Borrowed(group),
        version: Cow::Borrowed("v1"),
        resource: Cow::Borrowed(resource),
        subresource: Cow::Borrowed(""),
        retry: Retry::Read,
    }
}

async fn config(context: &str) -> Config {
    let kubeconfig = blocking(|| Ok(cluster().kubeconfig().to_owned())).await;
    Config::from_kubeconfig(kubeconfig, context).unwrap()
}

/// The `userInfo` that the server sees.
async fn user(config: Config) -> Value {
    let client = Client::new(config).unwrap();
    let object = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    let request = http::Request::post("/apis/authentication.k8s.io/v1/selfsubjectreviews")
        .header("content-type", "application/json");
    let call = Call::new(&REVIEW, request.body(Body::Bytes(object.to_string().into())).unwrap());
    let answer: Value = serde_json::from_slice(&client.bytes(call).await.unwrap()).unwrap();
    answer["status"]["userInfo"].clone()
}

async fn list(config: Config) -> k8s_client::Result<()> {
    let request = http::Request::get("/api/v1/namespaces/default/configmaps").body(Body::Empty).unwrap();
    Client::new(config)?.bytes(Call::new(&LIST, request)).await.map(|_| ())
}

#[tokio::test]
async fn every_context_is_somebody() {
    for (context, name) in
        [("cert", "admin-cert"), ("token", "admin-token"), ("exec", "admin-exec"), ("nobody", "nobody")]
    {
        assert_eq!(user(config(context).await).await["username"], name);
        let listed = list(config(context).await).await;
        match context {
            "nobody" => assert!(listed.unwrap_err().is_forbidden()),
            _ => listed.unwrap(),
        }
    }
    let stranger = config("nobody").await.with_token(Secret::new("hunter2"));
    let error = list(stranger).await.unwrap_err();
    assert!(error.is_unauthorized() && !format!("{error:?}").contains("hunter2"), "{error}");
    let refused = Client::new(config("exec").await.allow_plugins(["aws"])).unwrap_err();
    assert!(refused.to_string().contains("is not among those that are allowed: aws"), "{refused}");
}

#[tokio::test]
async fn an_administrator_may_ask_as_somebody_else() {
    let as_nobody = config("cert").await.with_impersonation(Impersonation::user("nobody")).unwrap();
    let error = list(as_nobody).await.unwrap_err();
    assert!(error.is_forbidden(), "{error}");
    assert!(error.to_string().contains("User \"nobody\" cannot list resource \"configmaps\""), "{error}");

    let mut ann = Impersonation::user("ann é");
    ann.uid = Some("7".to_owned());
    ann.groups = vec!["system:masters".to_owned(), "b".to_owned()];
    ann.extra.insert("example.com/scopes%".to_owned(), vec!["x".to_owned(), "y".to_owned()]);
    let as_ann = config("exec").await.with_impersonation(ann).unwrap();
    let seen = user(as_ann.clone()).await;
    assert_eq!((&seen["username"], &seen["uid"]), (&json!("ann é"), &json!("7")));
    assert_eq!(seen["groups"], json!(["system:masters", "b", "system:authenticated"]));
    assert_eq!(seen["extra"], json!({"example.com/scopes%": ["x", "y"]}));
    list(as_ann).await.unwrap();

    let not_allowed = config("nobody").await.with_impersonation(Impersonation::user("admin-cert")).unwrap();
    assert!(list(not_allowed).await.unwrap_err().is_forbidden());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_clients_run_a_plugin_once() {
    let folder = tempfile::tempdir().unwrap();
    let (server, ca, token) =
        blocking(|| Ok((cluster().server(), cluster().ca_pem(), cluster().admin_token()))).await;
    let answer = json!({
        "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": token},
    });
    std::fs::write(folder.path().join("answer"), answer.to_string()).unwrap();
    std::fs::write(folder.path().join("ca.pem"), ca).unwrap();
    let exec = json!({
        "apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never", "command": "sh",
        "args": ["-c", "echo run >> \"$0/runs\"; cat \"$0/answer\"", folder.path()],
    });
    let text = json!({
        "current-context": "x",
        "clusters": [{"name": "c", "cluster": {"server": server, "certificate-authority": "ca.pem"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": {"exec": exec}}],
    });
    let file = folder.path().join("config");
    std::fs::write(&file, text.to_string()).unwrap();
    // Each reads the file for itself.
    let lists = (0..100).map(|_| list(Config::from_kubeconfig(&file, None).unwrap()));
    for listed in futures_util::future::join_all(lists).await {
        listed.unwrap();
    }
    assert_eq!(std::fs::read_to_string(folder.path().join("runs")).unwrap(), "run\n");
}

#[tokio::test]
async fn a_pod_is_its_service_account() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let token = || {
        blocking(|| {
            let request =
                json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
            let path = "/api/v1/namespaces/default/serviceaccounts/in-cluster/token";
            let answer = cluster().api().post(path, &request)?;
            Ok(answer["status"]["token"].as_str().unwrap_or_default().to_owned())
        })
    };
    blocking(move || {
        let account =
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "in-cluster"}});
        cluster().api().post("/api/v1/namespaces/default/serviceaccounts", &account)?;
        std::fs::write(path.join("ca.crt"), cluster().ca_pem())?;
        std::fs::write(path.join("namespace"), "default")?;
        Ok(())
    })
    .await;
    std::fs::write(folder.path().join("token"), token().await).unwrap();
    let config = Config::service_account(cluster().server(), folder.path()).unwrap();
    assert_eq!(config.namespace(), "default");
    assert_eq!(user(config.clone()).await["username"], "system:serviceaccount:default:in-cluster");
    let error = list(config.clone()).await.unwrap_err();
    assert!(error.to_string().contains("system:serviceaccount:default:in-cluster"), "{error}");

    // The kubelet writes another one.
    let client = Client::new(config.clone()).unwrap();
    let request = || http::Request::get("/version").body(Body::Empty).unwrap();
    client.bytes(Call::new(&LIST, request())).await.unwrap();
    std::fs::write(folder.path().join("token"), token().await).unwrap();
    client.bytes(Call::new(&LIST, request())).await.unwrap();
    std::fs::write(folder.path().join("token"), "hunter2").unwrap();
    assert!(list(config).await.unwrap_err().is_unauthorized());
}

/// What the real kubectl says, with these files in `KUBECONFIG`.
async fn kubectl(files: &[&Path], args: &[&str]) -> String {
    let list = std::env::join_paths(files).unwrap();
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    blocking(move || {
        let output = cluster().kubectl()?.env("KUBECONFIG", list).args(args).output()?;
        let (out, err) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
        Ok(format!("{out}{err}"))
    })
    .await
}

#[tokio::test]
async fn kubectl_merges_files_in_the_same_way() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    };
    let first = file(
        "a/config",
        "clusters: [{name: red, cluster: {server: 'https://red.example', tls-server-name: inside}}]\n\
         contexts: [{name: one, context: {cluster: red, user: ann}}, {name: three, context: {cluster: blue}}]\n\
         users: [{name: ann, user: {token: first}}]\n",
    );
    let second = file(
        "b/config",
        "current-context: two\nclusters: [{name: red, cluster: {server: 'https://wrong.example', proxy-url: 'http://wrong'}},\n\
         {name: blue, cluster: {server: 'https://blue.example'}}]\n\
         contexts: [{name: two, context: {cluster: blue, user: bob, namespace: web}}, {name: one, context: {cluster: blue}}]\n\
         users: [{name: ann, user: {token: wrong}}, {name: bob, user: {token: right}}]\n",
    );
    let third = file("c/config", "current-context: one\n");
    let missing = folder.path().join("missing");
    for files in [
        vec![&*first, &missing, &second, &third],
        vec![&*third, &second, &first],
        vec![&*second, &first, &second],
        vec![&*first],
    ] {
        let seen: Value =
            serde_json::from_str(&kubectl(&files, &["config", "view", "--raw", "-o", "json"]).await).unwrap();
        let ours = Kubeconfig::merge(files.iter().map(|file| file.to_path_buf())).unwrap();
        assert_eq!(
            ours.current_context().unwrap_or_default(),
            seen["current-context"].as_str().unwrap_or_default()
        );
        let mut contexts: Vec<Value> = ours
            .contexts()
            .into_iter()
            .map(|it| json!([it.name, it.cluster, it.user.unwrap_or_default(), it.namespace]))
            .collect();
        contexts.sort_by_key(ToString::to_string);
        let theirs = seen["contexts"].as_array().unwrap().iter();
        let theirs: Vec<Value> = theirs
            .map(|it| {
                json!([
                    it["name"],
                    it["context"]["cluster"],
                    it["context"]["user"],
                    it["context"]["namespace"]
                ])
            })
            .collect();
        assert_eq!(contexts, theirs, "{files:?}");
        for context in ours.contexts() {
            let clusters = seen["clusters"].as_array().map_or(&[][..], Vec::as_slice);
            let server = clusters.iter().find(|it| it["name"] == context.cluster.as_str());
            match (ours.config(&*context.name), server) {
                (Ok(config), Some(theirs)) => {
                    let theirs = theirs["cluster"]["server"].as_str().unwrap();
                    assert!(config.to_string().starts_with(&format!("{theirs} of ")), "{config} {theirs}");
                }
                (Err(_), None) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn kubectl_reads_what_is_written_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    let original = blocking(|| Ok(std::fs::read_to_string(cluster().kubeconfig())?)).await;
    std::fs::write(&file, format!("{original}extensions: [{{name: x, extension: {{kept: 'yes'}}}}]\n"))
        .unwrap();
    let mut kubeconfig = Kubeconfig::read(&file).unwrap();
    let names: Vec<String> = kubeconfig.contexts().into_iter().map(|context| context.name).collect();
    assert_eq!(names, ["cert", "token", "exec", "nobody"]);
    kubeconfig.set_current_context("nobody").unwrap();
    kubeconfig.set_namespace("nobody", "y").unwrap();
    kubeconfig.save().unwrap();
    let view = ["config", "view", "--raw", "-o", "json"];
    let before = kubectl(&[cluster().kubeconfig()], &view).await;
    let mut expected: Value = serde_json::from_str(&before).unwrap();
    expected["current-context"] = json!("nobody");
    for context in expected["contexts"].as_array_mut().unwrap() {
        if context["name"] == "nobody" {
            context["context"]["namespace"] = json!("y");
        }
    }
    let mut seen: Value = serde_json::from_str(&kubectl(&[&file], &view).await).unwrap();
    let kept = seen.as_object_mut().unwrap().remove("extensions");
    assert_eq!(kept, Some(json!([{"name": "x", "extension": {"kept": "yes"}}])));
    assert_eq!(seen, expected);
    let refused = kubectl(&[&file], &["get", "configmaps"]).await;
    assert!(
        refused.contains("User \"nobody\" cannot list") && refused.contains("namespace \"y\""),
        "{refused}"
    );
}

/// Texts that one version of YAML or the other takes for something else when they stand there plainly.
const AWKWARD: &[&str] = &[
    "1_000",
    "0b11",
    "0o17",
    "017",
    "+1",
    "1.",
    "1e3",
    ".5",
    ".inf",
    ".NaN",
    "0x1F",
    "=",
    "<<",
    "~",
    "null",
    "Null",
    "y",
    "N",
    "on",
    "Off",
    "TRUE",
    "-",
    "- a",
    "? a",
    ": a",
    "a: b",
    "a:",
    "a #b",
    "#a",
    "@a",
    "`a",
    "%a",
    "!a",
    "&a",
    "*a",
    "|",
    "> a",
    "'a",
    "\"a",
    "{a",
    "[a",
    "a,b",
    "]",
    ",",
    " lead",
    "trail ",
    "two\nlines",
    "end\n",
    "\n",
    "tab\t",
    "\u{85}",
    "\u{2028}",
    "\u{feff}x",
    "1:30",
    "12:30:45",
    "2001-12-14",
    "2001-12-14t21:59:43.10-05:00",
    "---",
    "...",
    "\\",
    "\u{7f}",
    "\u{1}",
    "é😀",
    "a\r\nb",
    "190:20:30",
    "_",
    "1__2",
    "-.inf",
    "-0b1",
    "\u{a0}x",
];

#[tokio::test]
async fn kubectl_reads_awkward_texts_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    let names: Vec<String> = (0..AWKWARD.len()).map(|number| format!("u{number}")).collect();
    let users: Vec<Value> = names.iter().map(|name| json!({"name": name, "user": {}})).collect();
    std::fs::write(&file, json!({"users": users}).to_string()).unwrap();
    let mut kubeconfig = Kubeconfig::read(&file).unwrap();
    for (name, text) in names.iter().zip(AWKWARD) {
        kubeconfig.set_token(name, Secret::new(*text)).unwrap();
    }
    kubeconfig.save().unwrap();
    let seen = kubectl(&[&file], &["config", "view", "--raw", "-o", "json"]).await;
    let seen: Value = serde_json::from_str(&seen).unwrap_or_else(|error| panic!("{error}: {seen}"));
    for (name, text) in names.iter().zip(AWKWARD) {
        let user = seen["users"].as_array().unwrap().iter().find(|user| user["name"] == name.as_str());
        assert_eq!(user.unwrap()["user"]["token"], *text, "{}", std::fs::read_to_string(&file).unwrap());
    }
}
