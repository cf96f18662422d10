//! The client's transport and policies against the real control plane: users, refusals, a server that hangs, restarts, is
//! cut off.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use k8s_api::operation::{Operation, Retry, Verb};
use k8s_api::transport::{Body, Call, Fault, ReplyBody, Sent};
use k8s_client::{Client, Config, ErrorKind, Preset, Secret};
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::spawn_blocking;
use xtask::cluster::{AuditEvent, Cluster, Ending, FaultProxy, Link, Options, Program, wait};

type Shared = Arc<Cluster>;

/// One cluster for the whole binary. A test that breaks it holds the lock meanwhile.
async fn shared() -> MutexGuard<'static, Shared> {
    static SHARED: LazyLock<Mutex<Shared>> = LazyLock::new(|| {
        let mut options = Options::test().unwrap();
        options.only_api = true;
        Mutex::new(Arc::new(Cluster::start(options).unwrap()))
    });
    // The first one starts it, which takes seconds.
    spawn_blocking(|| LazyLock::force(&SHARED)).await.unwrap().lock().await
}

/// The harness blocks.
async fn blocking<T: Send + 'static>(
    cluster: &Shared,
    work: impl FnOnce(&Cluster) -> anyhow::Result<T> + Send + 'static,
) -> T {
    let cluster = cluster.clone();
    spawn_blocking(move || work(&cluster)).await.unwrap().unwrap()
}

fn client(cluster: &Cluster, context: &str) -> Client {
    Client::new(Config::from_kubeconfig(cluster.kubeconfig(), context).unwrap()).unwrap()
}

fn behind(cluster: &Cluster, proxy: &FaultProxy) -> Config {
    let config = Config::from_kubeconfig(cluster.kubeconfig(), None).unwrap();
    config.with_server(&format!("https://{}", proxy.address())).unwrap()
}

fn through(cluster: &Cluster, proxy: &FaultProxy) -> Client {
    Client::new(behind(cluster, proxy)).unwrap()
}

/// It is still trying when a slow machine has got round to repairing what the test broke.
fn persistent(cluster: &Cluster, proxy: &FaultProxy) -> Client {
    let mut preset = Preset::DEFAULT;
    (preset.attempts, preset.first, preset.factor) = (100, Duration::from_millis(300), 1.0);
    Client::builder(behind(cluster, proxy)).retry(preset).build().unwrap()
}

/// Waits until somebody connects after the first `before`.
async fn connects(proxy: &Arc<FaultProxy>, before: usize) {
    let proxy = proxy.clone();
    let wait = spawn_blocking(move || {
        wait::until("the client connects", || {
            let accepted = proxy.accepted();
            Ok(if accepted > before { Ok(()) } else { Err(format!("{accepted} connections")) })
        })
    });
    wait.await.unwrap().unwrap();
}

static GET: Operation = operation(Verb::Get, Retry::Read);
static CREATE: Operation = operation(Verb::Create, Retry::Write);

const fn operation(verb: Verb, retry: Retry) -> Operation {
    const NONE: Cow<'static, str> = Cow::Borrowed("");
    let (version, resource) = (Cow::Borrowed("v1"), Cow::Borrowed("configmaps"));
    Operation { verb, group: NONE, version, resource, subresource: NONE, retry }
}

const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";

fn get(path: &str) -> Call {
    Call::new(&GET, http::Request::get(path).body(Body::Empty).unwrap())
}

fn create(name: &str) -> Call {
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
    let request = http::Request::post(CONFIG_MAPS).header("content-type", "application/json");
    Call::new(&CREATE, request.body(Body::Bytes(object.to_string().into())).unwrap())
}

fn within(mut call: Call, deadline: Duration) -> Call {
    call.meta.limits.deadline = Some(Instant::now() + deadline);
    call
}

async fn json(client: &Client, call: Call) -> Value {
    serde_json::from_slice(&client.bytes(call).await.unwrap()).unwrap()
}

async fn who_am_i(client: &Client) -> String {
    static REVIEW: Operation = operation(Verb::Create, Retry::Read);
    let object = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    let request = http::Request::post("/apis/authentication.k8s.io/v1/selfsubjectreviews")
        .header("content-type", "application/json");
    let call = Call::new(&REVIEW, request.body(Body::Bytes(object.to_string().into())).unwrap());
    json(client, call).await["status"]["userInfo"]["username"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_user_is_who_the_kubeconfig_says() {
    let cluster = shared().await;
    let users =
        [("cert", "admin-cert"), ("token", "admin-token"), ("exec", "admin-exec"), ("nobody", "nobody")];
    for (context, user) in users {
        assert_eq!(who_am_i(&client(&cluster, context)).await, user);
    }
    let current = Config::from_kubeconfig(cluster.kubeconfig(), None).unwrap();
    assert_eq!(who_am_i(&Client::new(current).unwrap()).await, "admin-cert");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_file_that_changes_costs_no_call() {
    let cluster = shared().await;
    let dir = tempfile::tempdir().unwrap();
    let token = dir.path().join("token");
    let kubeconfig = dir.path().join("config");
    let text = json!({
        "current-context": "file",
        "clusters": [{"name": "c", "cluster": {"server": cluster.server(), "certificate-authority": "ca.pem"}}],
        "contexts": [{"name": "file", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": {"tokenFile": "token"}}],
    });
    std::fs::write(&kubeconfig, text.to_string()).unwrap();
    std::fs::write(dir.path().join("ca.pem"), cluster.ca_pem()).unwrap();
    std::fs::write(&token, "one that the server does not know").unwrap();
    let client = Client::new(Config::from_kubeconfig(&kubeconfig, None).unwrap()).unwrap();
    let error = client.send(get(CONFIG_MAPS)).await.unwrap_err();
    assert!(error.is_unauthorized(), "{error}");
    // At once, though the token that was read is still fresh: the 401 makes the client look again.
    std::fs::write(&token, cluster.admin_token()).unwrap();
    assert_eq!(who_am_i(&client).await, "admin-token");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_says_who_may_not_do_what() {
    let cluster = shared().await;
    let error = client(&cluster, "nobody").send(get(CONFIG_MAPS)).await.unwrap_err();
    assert!(error.is_forbidden());
    assert_eq!(
        error.to_string(),
        "get configmaps (GET /api/v1/namespaces/default/configmaps): 403 Forbidden: configmaps is forbidden: \
         User \"nobody\" cannot list resource \"configmaps\" in API group \"\" in the namespace \"default\"; \
         a rule that allows it, for a Role in namespace default: {apiGroups: [\"\"], resources: [\"configmaps\"], verbs: [\"list\"]}"
    );
    assert_eq!(error.status().unwrap().reason, "Forbidden");

    let config = Config::from_kubeconfig(cluster.kubeconfig(), "token").unwrap();
    let stranger = Client::new(config.with_token(Secret::new("hunter2"))).unwrap();
    let error = stranger.send(get(CONFIG_MAPS)).await.unwrap_err();
    assert!(error.is_unauthorized(), "{error}");
    assert!(!format!("{error:?} {error}").contains("hunter2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_and_what_is_wrong_with_them() {
    let cluster = shared().await;
    let client = client(&cluster, "cert");
    assert_eq!(json(&client, create("twice")).await["metadata"]["name"], "twice");
    let error = client.send(create("twice")).await.unwrap_err();
    assert!(error.is_already_exists() && !error.is_conflict(), "{error}");
    let error = client.send(create("Not A Name")).await.unwrap_err();
    assert_eq!(error.status().unwrap().causes[0].field, "metadata.name", "{error:?}");
    let error = client.send(get(&format!("{CONFIG_MAPS}/missing"))).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_server_costs_a_call_its_deadline_and_no_more() {
    let cluster = shared().await;
    let client = client(&cluster, "cert");
    client.bytes(get(CONFIG_MAPS)).await.unwrap();
    blocking(&cluster, |cluster| cluster.pause(Program::KubeApiserver)).await;
    for call in [get(CONFIG_MAPS), create("paused")] {
        let error = client.send(within(call, Duration::from_millis(300))).await.unwrap_err();
        assert!(error.is_timeout(), "{error}");
        assert_eq!(error.sent(), Some(Sent::Unknown));
    }
    blocking(&cluster, |cluster| cluster.resume(Program::KubeApiserver)).await;
    assert_eq!(json(&client, get(CONFIG_MAPS)).await["kind"], "ConfigMapList", "on the same connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_outlives_a_restart() {
    let cluster = shared().await;
    let proxy = Arc::new(blocking(&cluster, |cluster| cluster.proxy(Program::KubeApiserver)).await);
    let client = persistent(&cluster, &proxy);
    client.bytes(get(CONFIG_MAPS)).await.unwrap();
    blocking(&cluster, |cluster| cluster.stop(Program::KubeApiserver, Ending::Kill)).await;
    let reading = {
        let client = client.clone();
        tokio::spawn(async move { json(&client, get(CONFIG_MAPS)).await })
    };
    connects(&proxy, 1).await;
    blocking(&cluster, |cluster| cluster.resume_stopped(Program::KubeApiserver)).await;
    assert_eq!(reading.await.unwrap()["kind"], "ConfigMapList");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_gone_was_sent_nothing() {
    let cluster = shared().await;
    let client = client(&cluster, "cert");
    blocking(&cluster, |cluster| cluster.stop(Program::KubeApiserver, Ending::Kill)).await;
    let error = client.send(create("gone")).await.unwrap_err();
    assert_eq!((error.sent(), error.kind()), (Some(Sent::No), ErrorKind::Transport));
    assert!(error.to_string().contains(&format!("no connection to {}: ", cluster.server())), "{error}");
    blocking(&cluster, |cluster| cluster.resume_stopped(Program::KubeApiserver)).await;
    client.bytes(create("gone")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_is_repeated_when_its_connection_is_cut() {
    let cluster = shared().await;
    let proxy = blocking(&cluster, |cluster| cluster.proxy(Program::KubeApiserver)).await;
    let client = through(&cluster, &proxy);
    client.bytes(get(CONFIG_MAPS)).await.unwrap();
    assert_eq!(proxy.accepted(), 1);

    // Between calls, and in the middle of an answer.
    proxy.cut();
    client.bytes(get(CONFIG_MAPS)).await.unwrap();
    proxy.cut_after(200);
    let list = json(&client, get("/api/v1/namespaces")).await;
    assert_eq!(list["kind"], "NamespaceList");
    assert_eq!(proxy.accepted(), 3);
}

/// A route that is gone tells nobody. Only the pings notice, within the 45 s that are promised.
#[tokio::test(flavor = "multi_thread")]
async fn a_watch_notices_that_its_connection_is_dead() {
    let cluster = shared().await;
    let proxy = blocking(&cluster, |cluster| cluster.proxy(Program::KubeApiserver)).await;
    let client = through(&cluster, &proxy);
    let list = json(&client, get(CONFIG_MAPS)).await;
    let version = list["metadata"]["resourceVersion"].as_str().unwrap();
    static WATCH: Operation = operation(Verb::Watch, Retry::Read);
    let path = format!("{CONFIG_MAPS}?watch=1&resourceVersion={version}");
    let watch = Call::new(&WATCH, http::Request::get(path).body(Body::Empty).unwrap());
    let ReplyBody::Stream(mut events) = client.send(watch).await.unwrap().body else { panic!("no stream") };
    client.bytes(create("watched")).await.unwrap();
    let event = events.next().await.unwrap().unwrap();
    assert!(event.starts_with(b"{\"type\":\"ADDED\""), "{event:?}");

    proxy.set(Link::Frozen);
    // The others may break the cluster meanwhile: nothing gets through to here.
    drop(cluster);
    // The limit for silence would be a timeout, and comes after 90 s.
    let error = events.next().await.unwrap().unwrap_err();
    assert_eq!(error.fault(), Fault::Broken, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_is_sent_once_when_its_connection_is_cut() {
    let cluster = shared().await;
    let proxy = Arc::new(blocking(&cluster, |cluster| cluster.proxy(Program::KubeApiserver)).await);
    let client = Client::builder(behind(&cluster, &proxy)).unconfirmed_creates().build().unwrap();
    client.bytes(create("before-cut")).await.unwrap();
    let audit = cluster.audit();

    // The server's answer is lost: it stored the object, and the client can't know.
    proxy.cut_after(1);
    let error = client.send(create("cut")).await.unwrap_err();
    assert_eq!(error.sent(), Some(Sent::Unknown));
    assert!(error.to_string().ends_with("the server may have processed it"), "{error}");
    let audit = spawn_blocking(move || {
        wait::until("the write is in the audit log", || {
            let sent =
                audit.events().unwrap_or_default().iter().filter(|event| event.verb == "create").count();
            Ok(if sent > 0 { Ok(sent) } else { Err("nothing".to_owned()) })
        })
    });
    assert_eq!(audit.await.unwrap().unwrap(), 1, "it was sent once");

    // Unless it may look.
    let client = Client::builder(behind(&cluster, &proxy)).request_ids().build().unwrap();
    client.bytes(create("before-found")).await.unwrap();
    let audit = cluster.audit();
    proxy.cut_after(1);
    let found: Value = serde_json::from_slice(&client.bytes(create("found")).await.unwrap()).unwrap();
    assert_eq!(found["metadata"]["name"], "found");
    let error = client.bytes(create("found")).await.unwrap_err();
    assert!(error.is_already_exists(), "{error}");
    let audit = spawn_blocking(move || {
        wait::until("all of it is in the audit log", || {
            let mut events = audit.events().unwrap_or_default();
            let about = |event: &AuditEvent| event.request_object["metadata"]["name"] == "found";
            events.retain(|event| about(event) || event.request_uri.ends_with("/found"));
            Ok(if events.len() < 3 { Err(format!("{} of three events", events.len())) } else { Ok(events) })
        })
    });
    let events = audit.await.unwrap().unwrap();
    let told: Vec<_> =
        events.iter().map(|event| (event.verb.as_str(), &event.response_status["code"])).collect();
    assert_eq!(told, [("create", &json!(201)), ("get", &json!(200)), ("create", &json!(409))]);
    let ids: Vec<_> = events.iter().map(|event| &event.audit_id).collect();
    assert!(ids[0] == ids[1] && ids[1] != ids[2] && ids[0].len() == 32, "one id for all of a call: {ids:?}");

    // Nobody takes the connection: it is certain that nothing was sent.
    proxy.set(Link::Refusing);
    proxy.cut();
    let refused = proxy.accepted();
    let client = persistent(&cluster, &proxy);
    let sending = tokio::spawn(async move { client.bytes(create("after-cut")).await });
    connects(&proxy, refused).await;
    proxy.set(Link::Up);
    sending.await.unwrap().unwrap();
}
