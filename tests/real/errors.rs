//! What a person reads when something goes wrong, from the real server. `errors.txt` beside this file is the table: a
//! line for each case, with names of this run replaced.

use std::error::Error as _;
use std::fmt::Write as _;
use std::path::Path;

use k8s_api::apps::v1::{Deployment, deployments};
use k8s_api::core::v1::{ConfigMap, Container, Namespace, Pod, Secret as SecretObject, pods, secrets};
use k8s_api::operation::{Operation, Retry, Verb};
use k8s_api::raw::RawJson;
use k8s_api::request::{FieldValidation, server};
use k8s_api::transport::{Body, Call};
use k8s_client::api::Patch;
use k8s_client::config::Impersonation;
use k8s_client::error::Missing;
use k8s_client::{Client, Config, Error, ErrorKind, Preset, Secret};
use k8s_tests::{blocking, client, cluster};
use serde_json::{Value, json};

/// The lines so far, and what to replace in them.
struct Table {
    text: String,
    replace: Vec<(String, &'static str)>,
}

impl Table {
    fn add<T>(&mut self, what: &str, result: Result<T, Error>) -> Error {
        let error = result.err().unwrap_or_else(|| panic!("{what}: no error"));
        let mut line = error.to_string();
        assert!(!line.contains('\n'), "{line}");
        for (text, name) in &self.replace {
            line = line.replace(text, name);
        }
        writeln!(self.text, "{what}\n    {line}").unwrap();
        error
    }

    fn part(&mut self, title: &str) {
        writeln!(self.text, "{}# {title}", if self.text.is_empty() { "" } else { "\n" }).unwrap();
    }
}

/// One attempt is enough to fail.
fn once(config: Config) -> Client {
    let mut preset = Preset::DEFAULT;
    preset.attempts = 1;
    Client::builder(config).retry(preset).build().unwrap()
}

fn operation(verb: Verb, group: &'static str, version: &'static str, resource: &'static str) -> Operation {
    Operation {
        verb,
        group: group.into(),
        version: version.into(),
        resource: resource.into(),
        subresource: "".into(),
        retry: Retry::Read,
    }
}

async fn read(client: &Client, op: Operation, path: &str) -> Result<bytes::Bytes, Error> {
    client.bytes(Call::new(op, http::Request::get(path).body(Body::Empty).unwrap())).await
}

fn raw(value: Value) -> RawJson {
    RawJson::parse(value.to_string().as_bytes()).unwrap()
}

fn merge(value: Value) -> Patch {
    Patch::Merge(raw(value))
}

/// Whether a secret is in it, also one that was only stored.
fn leaks(error: &Error) -> bool {
    let shown = format!("{error} {error:#?} {:#?}", error.source().map(ToString::to_string));
    shown.contains("planted") || shown.contains("cGxhbnRlZC12YWx1ZQ")
}

fn config_map(name: &str) -> ConfigMap {
    let mut config = ConfigMap::default();
    config.metadata.name = name.into();
    config.data.insert("a".into(), "1".into());
    config
}

/// A kubeconfig of our own: another user, another server.
fn kubeconfig(folder: &Path, name: &str, cluster: Value, user: Value) -> Config {
    let path = folder.join(name);
    let text = json!({
        "current-context": "here",
        "clusters": [{"name": "c", "cluster": cluster}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": user}],
    });
    std::fs::write(&path, text.to_string()).unwrap();
    Config::from_kubeconfig(path, None).unwrap()
}

async fn namespace(client: &Client, name: &str, labels: &[(&'static str, &'static str)]) {
    let mut namespace = Namespace::default();
    namespace.metadata.name = name.into();
    namespace.metadata.labels = labels.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    client.cluster::<Namespace>().create(&namespace).await.unwrap();
}

#[tokio::test]
async fn each_has_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    let (server, path) =
        blocking(|| Ok((cluster().server().to_owned(), cluster().kubeconfig().display().to_string()))).await;
    let mut table = Table {
        text: String::new(),
        replace: vec![
            (server.clone(), "SERVER"),
            (server.replace("https:", "http:"), "PLAIN-SERVER"),
            (path.clone(), "KUBECONFIG"),
            (folder.path().display().to_string(), "DIR"),
        ],
    };
    let admin = client(cluster());
    let context = |name: &str| Config::from_kubeconfig(&path, name).unwrap();
    let nobody = once(context("nobody"));
    namespace(&admin, "errors", &[]).await;
    unreachable(&mut table, folder.path(), &server).await;
    unknown_people(&mut table, &nobody, context("cert"), context("nobody"), folder.path()).await;
    not_there(&mut table, &admin).await;
    wrong_objects(&mut table, &admin).await;
    conflicts(&mut table, &admin).await;
    let expected = include_str!("errors.txt");
    assert!(table.text == expected, "errors.txt should be:\n{}", table.text);
}

async fn unreachable(table: &mut Table, folder: &Path, server: &str) {
    table.part("No server, or another one");
    let ca = blocking(|| Ok(cluster().ca_pem().to_owned())).await;
    std::fs::write(folder.join("ca.pem"), ca).unwrap();
    let other = rcgen::generate_simple_self_signed(vec!["other".to_owned()]).unwrap().cert.pem();
    std::fs::write(folder.join("other.pem"), other).unwrap();
    let version = async |config: Config| once(config).request(server::version()).await;
    let config = |name, cluster: Value| kubeconfig(folder, name, cluster, json!({}));

    let gone = config("gone", json!({"server": "https://127.0.0.1:1"}));
    let error = table.add("nobody listens there", version(gone).await);
    assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::Transport, true));
    table.add(
        "and it is no kubeconfig that says so",
        version(Config::plain("http://127.0.0.1:1").unwrap()).await,
    );
    let proxied = config("proxied", json!({"server": server, "proxy-url": "http://ann:planted@127.0.0.1:1"}));
    table.add("its proxy is not there", version(proxied).await);
    let other = config("other", json!({"server": server, "certificate-authority": "other.pem"}));
    let error = table.add("its certificate is of another authority", version(other).await);
    assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::Untrusted, false));
    let name =
        json!({"server": server, "certificate-authority": "ca.pem", "tls-server-name": "other.example"});
    let mut error = version(config("name", name)).await.unwrap_err().to_string();
    // The certificate's names are many.
    if let Some(at) = error.find(" (invalid peer certificate") {
        error.truncate(at);
    }
    assert!(
        error.ends_with(
            "if it is the right server, tls-server-name can say under which name it has its certificate"
        ),
        "{error}"
    );
    let plain = config("plain", json!({"server": server.replace("https:", "http:")}));
    table.add("http where it is https", version(plain).await);
    std::fs::write(folder.join("broken"), "clusters: [\n  - : ]\n").unwrap();
    table.add("the kubeconfig is no YAML", Config::from_kubeconfig(folder.join("broken"), None));
}

async fn unknown_people(table: &mut Table, nobody: &Client, admin: Config, config: Config, folder: &Path) {
    table.part("Nobody that the server knows");
    let get = async |config: Config| once(config).namespaced::<Pod>("errors").list().await;
    let error = table
        .add("a token given by the program", get(config.clone().with_token(Secret::new("planted"))).await);
    assert!(error.is_unauthorized());
    let ca = json!({"server": cluster().server(), "certificate-authority": "ca.pem"});
    for (what, user) in [
        ("a token in the file", json!({"token": "planted"})),
        ("a token in another file", json!({"tokenFile": "token"})),
        (
            "what a plugin printed",
            json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh",
            "args": ["-c", r#"echo '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "planted"}}'"#],
            "interactiveMode": "Never"}}),
        ),
    ] {
        std::fs::write(folder.join("token"), "planted").unwrap();
        table.add(what, get(kubeconfig(folder, "user", ca.clone(), user)).await);
    }
    table.add("a plugin that is not there", get(kubeconfig(folder, "user", ca.clone(), json!({"exec": {
        "apiVersion": "client.authentication.k8s.io/v1", "command": "./no-such-plugin", "interactiveMode": "Never",
        "installHint": "get it from example.com"}}))).await);

    table.part("Not allowed");
    let pods = nobody.namespaced::<Pod>("errors");
    let error = table.add("a list", pods.list().await);
    let denied = error.denied().unwrap();
    assert_eq!((&*denied.user, &*denied.permission.to_string()), ("nobody", "list pods in namespace errors"));
    table.add("in all namespaces", nobody.all::<Pod>().list().await);
    table.add("one object", pods.get("web").await);
    table.add("a new one", pods.create(&pod()).await);
    table.add("a part of one", nobody.request(pods::log("errors", "web")).await);
    table.add("of another group", nobody.request(deployments::get_scale("errors", "web")).await);
    let mut web = Deployment::default();
    web.metadata.name = "web".into();
    table.add("an apply", nobody.namespaced("errors").apply(&web, "me").await);
    table.add("a path", nobody.request(server::openid_keys()).await);
    table.add("an unknown API, which is not told apart", {
        read(
            nobody,
            operation(Verb::List, "example.com", "v1", "widgets"),
            "/apis/example.com/v1/namespaces/errors/widgets",
        )
        .await
    });
    let somebody = once(config.with_impersonation(Impersonation::user("ann")).unwrap());
    table.add("to ask as somebody else", somebody.namespaced::<Pod>("errors").list().await);
    let anonymous = kubeconfig(folder, "anonymous", ca, json!({}));
    table.add("without any credential", get(anonymous).await);
    // A WebSocket begins with a GET, and takes `create` all the same.
    let ann = once(admin.with_impersonation(Impersonation::user("ann")).unwrap());
    let admin = client(cluster());
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "reader"},
        "rules": [{"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["get"]}]});
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "reader"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "ann"}]});
    blocking(move || {
        let rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/errors";
        cluster().api().post(&format!("{rbac}/roles"), &role)?;
        cluster().api().post(&format!("{rbac}/rolebindings"), &binding)?;
        Ok(())
    })
    .await;
    admin.namespaced("errors").create(&pod()).await.unwrap();
    let exec = Operation { subresource: "exec".into(), ..operation(Verb::Get, "", "v1", "pods") };
    let path = "/api/v1/namespaces/errors/pods/web/exec?command=ls&stdout=true";
    // The role may take a moment to be known.
    let error = loop {
        let error = read(&ann, exec.clone(), path).await;
        if !error.as_ref().is_err_and(|error| error.to_string().contains("cannot get")) {
            break error;
        }
    };
    table.add("a command with `get` alone", error);
}

fn pod() -> Pod {
    let mut pod = Pod::default();
    pod.metadata.name = "web".into();
    pod.spec.containers = vec![Container { name: "c".into(), image: "i".into(), ..Default::default() }];
    pod
}

async fn not_there(table: &mut Table, admin: &Client) {
    table.part("Not there");
    let missing = |error: Error| error.missing().unwrap();
    let configs = admin.namespaced::<ConfigMap>("errors");
    assert_eq!(missing(table.add("an object", configs.get("none").await)), Missing::Object);
    assert_eq!(
        missing(table.add("a part of one", admin.request(deployments::get_scale("errors", "none")).await)),
        Missing::Object
    );
    let elsewhere = admin.namespaced::<ConfigMap>("no-such-namespace");
    assert_eq!(
        missing(table.add("a namespace, for a new object", elsewhere.create(&config_map("a")).await)),
        Missing::Namespace
    );
    assert_eq!(missing(table.add("a namespace, for a read", elsewhere.get("a").await)), Missing::Object);
    for (what, group, version, resource, path) in [
        (
            "a kind whose definition is not installed",
            "example.com",
            "v1",
            "widgets",
            "/apis/example.com/v1/namespaces/errors/widgets",
        ),
        ("a version", "apps", "v9", "deployments", "/apis/apps/v9/namespaces/errors/deployments"),
        ("a resource of a version", "apps", "v1", "widgets", "/apis/apps/v1/namespaces/errors/widgets"),
        ("a path", "", "", "/no/such/path", "/no/such/path"),
    ] {
        let error = read(admin, operation(Verb::List, group, version, resource), path).await;
        assert_eq!(missing(table.add(what, error)), Missing::Resource);
    }
    table.add("a container", admin.request(pods::log("errors", "web").container("none")).await);
}

async fn wrong_objects(table: &mut Table, admin: &Client) {
    table.part("Wrong objects and requests");
    let pods = admin.namespaced::<Pod>("errors");
    let mut wrong = pod();
    wrong.metadata.name = "Not_A_Name".into();
    wrong.spec.restart_policy = "Sometimes".into();
    wrong.spec.containers[0].image = "".into();
    let error = table.add("each field is named", pods.create(&wrong).await);
    assert!(error.is_invalid() && error.status().unwrap().causes.len() >= 3);
    table.add("no name", pods.create(&Pod::default()).await);
    let error = table.add("an empty name", pods.get("").await);
    assert_eq!(error.kind(), ErrorKind::Request);
    let strict =
        pods.patch("web", &merge(json!({"spec": {"nope": 1}}))).field_validation(FieldValidation::Strict);
    table.add("an unknown field", strict.await);
    table.add("a type", pods.patch("web", &merge(json!({"spec": {"containers": "c"}}))).await);
    let remove = Patch::Json(
        RawJson::parse(br#"[{"op": "test", "path": "/spec/nodeName", "value": "other"}]"#).unwrap(),
    );
    table.add("a test in a JSON patch", pods.patch("web", &remove).await);
    table.add("a selector", pods.list().labels("a in b").await);
    table.add("a field that can't be selected by", pods.list().fields("spec.nope=1").await);
    namespace(admin, "errors-restricted", &[("pod-security.kubernetes.io/enforce", "restricted")]).await;
    let error = table.add("an admission", admin.namespaced("errors-restricted").create(&pod()).await);
    assert!(error.is_forbidden() && error.denied().is_none());

    table.part("Secrets that the server repeats");
    let mut secret = SecretObject::default();
    secret.metadata.name = "s".into();
    secret.string_data.insert("k".into(), "planted-value".into());
    admin.namespaced("errors").create(&secret).await.unwrap();
    let secrets = admin.namespaced::<SecretObject>("errors");
    for patch in [
        json!({"data": "planted-value"}),
        json!({"data": {"k": ["planted-value"]}}),
        json!({"data": {"k": "planted-value"}}),
        json!({"stringData": {"k": {"planted-value": "planted-value"}}}),
    ] {
        let error = table.add("a merge patch", secrets.patch("s", &merge(patch)).await);
        assert!(!leaks(&error), "{error:?}");
    }
    let strategic = json!({"data": {"k": ["planted-value"]}});
    let replace = json!([{"op": "replace", "path": "/data/k", "value": {"planted-value": 1}}]);
    let test = json!([{"op": "test", "path": "/data/k", "value": "planted-value"}]);
    for (what, patch) in [
        ("a strategic patch", Patch::Strategic(raw(strategic))),
        ("a JSON patch", Patch::Json(raw(replace))),
        ("a test in a JSON patch", Patch::Json(raw(test))),
        ("a field that can't change", merge(json!({"type": "other"}))),
    ] {
        let error = table.add(what, secrets.patch("s", &patch).await);
        assert!(!leaks(&error), "{error:?}");
    }
    let strict = secrets.patch("s", &merge(json!({"nope": 1}))).field_validation(FieldValidation::Strict);
    assert!(!leaks(&table.add("an unknown field", strict.await)));
    let applied =
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": "planted-value"});
    let request = http::Request::patch("/api/v1/namespaces/errors/secrets/s?fieldManager=me")
        .header("content-type", "application/apply-patch+yaml");
    let call = Call::new(
        operation(Verb::Patch, "", "v1", "secrets"),
        request.body(Body::Bytes(applied.to_string().into())).unwrap(),
    );
    let error = table.add("an apply", admin.bytes(call).await);
    assert!(!leaks(&error), "{error:?}");
    admin.request(secrets::delete("errors", "s")).await.unwrap();
}

async fn conflicts(table: &mut Table, admin: &Client) {
    table.part("Somebody else was there");
    let configs = admin.namespaced::<ConfigMap>("errors");
    let made = configs.create(&config_map("taken")).await.unwrap();
    assert!(table.add("it exists", configs.create(&config_map("taken")).await).is_already_exists());
    let mut changed = made.clone();
    changed.data.insert("a".into(), "2".into());
    let changed_version = configs.replace(&changed).await.unwrap().metadata.resource_version;
    assert!(table.add("it has changed", configs.replace(&made).await).is_conflict());
    let deleted = configs.delete("taken").if_version("1").await;
    table.replace.push((format!("record ({})", changed_version), "record (VERSION)"));
    assert!(table.add("a precondition", deleted).is_conflict());
    let mut applied = config_map("shared");
    applied.data.insert("b".into(), "1".into());
    configs.apply(&applied, "first").await.unwrap();
    applied.data.insert("c".into(), "1".into());
    applied.data.remove("a");
    applied.data.insert("a".into(), "1".into());
    configs.apply(&applied, "second").await.unwrap();
    for key in ["a", "b", "c"] {
        applied.data.insert(key.into(), "2".into());
    }
    let error = table.add("other managers own the fields", configs.apply(&applied, "third").await);
    assert!(error.is_conflict());
    let owners: Vec<_> = error.conflicts().collect();
    assert!(owners.contains(&("first", ".data.b")) && owners.contains(&("second", ".data.c")), "{owners:?}");
}
