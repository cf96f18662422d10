//! What the client does when the server or the way to it fails, against the real server; and what a person reads then.
//!
//! Every fault prints a line `fault | what the client did | the message`. A hundred clients that run one plugin are in `auth.rs`,
//! restarts and dead connections in `control_plane.rs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use k8s_api::authentication::v1::{SelfSubjectReview, selfsubjectreviews};
use k8s_api::core::v1::ConfigMap;
use k8s_api::request::{List, Place, Request};
use k8s_api::transport::Sent;
use k8s_client::{Api, Client, Config, Error, Preset};
use k8s_tests::{blocking, cluster, options};
use serde_json::{Value, json};
use xtask::cluster::{Cluster, Fault, HttpProxy, Program, wait};

/// How the message of a list begins, and that of a create.
const LIST: &str = "list configmaps (GET /api/v1/namespaces/default/configmaps): ";
const CREATE: &str = "create configmaps (POST /api/v1/namespaces/default/configmaps): ";

/// Tells what became of a fault.
fn told(fault: &str, did: &str, message: &str) {
    println!("{fault} | {did} | {message}");
}

/// A server in between, and a client that knows nothing of it.
struct Between {
    proxy: Arc<HttpProxy>,
    client: Client,
}

impl Between {
    async fn new(preset: Preset) -> Between {
        let proxy = Arc::new(blocking(|| cluster().http_proxy()).await);
        let config = Config::from_kubeconfig(cluster().kubeconfig(), "token").unwrap();
        let config = config.with_server(&format!("https://{}", proxy.address())).unwrap();
        Between { client: Client::builder(config).retry(preset).build().unwrap(), proxy }
    }

    fn configs(&self) -> Api<ConfigMap> {
        self.client.namespaced("default")
    }

    fn lines(&self) -> Vec<String> {
        self.proxy.seen().into_iter().map(|seen| seen.line).collect()
    }

    /// With the address as it is in the source.
    fn message(&self, error: &Error) -> String {
        error.to_string().replace(&self.proxy.address().to_string(), "SERVER")
    }
}

/// The names that the server has, read without the client.
async fn stored(prefix: &'static str) -> Vec<String> {
    let list = blocking(|| cluster().api().get("/api/v1/namespaces/default/configmaps")).await;
    let names = list["items"].as_array().unwrap().iter();
    let names = names.map(|it| it["metadata"]["name"].as_str().unwrap().to_owned());
    names.filter(|name| name.starts_with(prefix)).collect()
}

fn config(name: &str) -> ConfigMap {
    let mut config = ConfigMap::default();
    config.metadata.name = name.into();
    config
}

fn answer(status: &str, more: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{more}connection: close\r\ncontent-length: 0\r\n\r\n")
}

/// Any request, that has so long.
async fn within(client: &Client, request: impl Request, limit: Duration) -> Result<usize, Error> {
    let mut call = request.call().unwrap();
    call.meta.limits.deadline = Some(Instant::now() + limit);
    client.bytes(call).await.map(|bytes| bytes.len())
}

fn list() -> List<ConfigMap> {
    List::new(Place::namespace("default"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_that_is_stored_and_answered_with_503_is_not_doubled() {
    let it = Between::new(Preset::DEFAULT).await;
    it.proxy.next([Fault::After(answer("503 Service Unavailable", ""))]);
    let mut generated = ConfigMap::default();
    generated.metadata.generate_name = "fault-generated-".into();
    let error = it.configs().create(&generated).await.unwrap_err();
    let message = it.message(&error);
    assert_eq!(
        message,
        "create configmaps (POST /api/v1/namespaces/default/configmaps): 503 Service Unavailable"
    );
    assert_eq!(it.lines(), ["POST /api/v1/namespaces/default/configmaps"], "sent once");
    assert_eq!(stored("fault-generated-").await.len(), 1);
    told("create with generateName stored, answered 503", "sent once; one object", &message);

    // One that has a name can be looked up.
    it.proxy.next([Fault::After(answer("503 Service Unavailable", ""))]);
    let made = it.configs().create(&config("fault-named")).await.unwrap();
    assert_eq!(stored("fault-named").await, ["fault-named"]);
    let path = "/api/v1/namespaces/default/configmaps";
    assert_eq!(it.lines(), [format!("POST {path}"), format!("GET {path}/fault-named")]);
    assert!(!made.metadata.uid.is_empty());
    told("named create stored, answered 503", "sent once, found by its name; one object", "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_cut() {
    let it = Between::new(Preset::DEFAULT).await;
    it.proxy.next([Fault::Cut(20)]);
    it.configs().list().await.unwrap();
    assert_eq!(it.lines().len(), 2);
    told("read cut in the middle of its answer", "read again", "");

    it.proxy.next([Fault::Cut(20)]);
    let mut generated = ConfigMap::default();
    generated.metadata.generate_name = "fault-cut-".into();
    let error = it.configs().create(&generated).await.unwrap_err();
    let message = it.message(&error);
    assert_eq!(error.sent(), Some(Sent::Unknown));
    let start = format!("{CREATE}after 201 Created: the answer of https://SERVER broke off: ");
    assert!(
        message.starts_with(&start) && message.ends_with("; the server may have processed it"),
        "{message}"
    );
    assert_eq!((it.lines().len(), stored("fault-cut-").await.len()), (1, 1));
    told("create cut in the middle of its answer", "sent once; one object; outcome unknown", &message);
}

/// A cluster of its own: nobody else is to wait for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_stopped() {
    let cluster = blocking(|| {
        let mut options = options()?;
        options.only_api = true;
        Cluster::start(options)
    })
    .await;
    let cluster = Arc::new(cluster);
    let client = k8s_tests::client(&cluster);
    let limit = Duration::from_millis(300);
    client.namespaced::<ConfigMap>("default").list().await.unwrap();
    let paused = cluster.clone();
    blocking(move || paused.pause(Program::KubeApiserver)).await;
    let began = Instant::now();
    let error = within(&client, list(), limit).await.unwrap_err();
    let took = began.elapsed();
    assert!(error.is_timeout() && took >= limit, "{error}");
    let message = error.to_string();
    assert!(
        message.starts_with("list configmaps (GET /api/v1/namespaces/default/configmaps): "),
        "{message}"
    );
    told("SIGSTOPped server, read", "gave up at its deadline", &message);
    let config = config("fault-paused");
    let create = k8s_api::request::Create::new(Place::namespace("default"), &config);
    let error = within(&client, create, limit).await.unwrap_err();
    assert_eq!((error.is_timeout(), error.sent()), (true, Some(Sent::Unknown)));
    let message = error.to_string();
    let said = "the call's deadline passed without an answer; the server may have processed it";
    assert_eq!(message, format!("{CREATE}{said}"));
    told("SIGSTOPped server, create", "gave up at its deadline; outcome unknown", &message);
    let resumed = cluster.clone();
    blocking(move || resumed.resume(Program::KubeApiserver)).await;
    client.namespaced::<ConfigMap>("default").list().await.unwrap();
    told("SIGCONT", "the same client goes on", "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_429() {
    // What the server wishes is what is waited for.
    let it = Between::new(Preset::DEFAULT).await;
    let busy = |more: &str| Fault::Instead(answer("429 Too Many Requests", more).into());
    it.proxy.next([busy("retry-after: 1\r\n"), busy("retry-after: 1\r\n")]);
    it.configs().create(&config("fault-busy")).await.unwrap();
    let seen = it.proxy.seen();
    let waits: Vec<Duration> = seen.windows(2).map(|two| two[1].at - two[0].at).collect();
    assert!(waits.len() == 2 && waits.iter().all(|wait| *wait >= Duration::from_secs(1)), "{waits:?}");
    assert_eq!(stored("fault-busy").await.len(), 1);
    told("429 with Retry-After: 1, twice", "waited 1 s each time, then stored", "");

    // A hundred callers and a server that never has time: a hundred retries for all of them together.
    let mut preset = Preset::DEFAULT;
    (preset.attempts, preset.first, preset.factor) = (50, Duration::from_millis(1), 1.0);
    let it = Between::new(preset).await;
    it.proxy.always(busy(""));
    let errors = join_all((0..100).map(|_| {
        let configs = it.configs();
        async move { configs.list().await.unwrap_err() }
    }))
    .await;
    let sent = it.lines().len();
    assert_eq!(sent, 200, "one each, and the budget");
    let message = it.message(&errors[0]);
    assert_eq!(message, format!("{LIST}429 Too Many Requests"));
    told("429 to 100 callers with 50 attempts each", &format!("{sent} requests in all"), &message);
    it.proxy.next([]);
    it.configs().list().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_never_ends() {
    let it = Between::new(Preset::DEFAULT).await;
    it.proxy.always(Fault::Drip);
    let error = within(&it.client, list(), Duration::from_millis(300)).await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    let message = it.message(&error);
    assert!(
        message.starts_with("list configmaps (GET /api/v1/namespaces/default/configmaps): "),
        "{message}"
    );
    told("slow loris: a byte at a time", "gave up at its deadline", &message);
}

/// A gzip of `{"kind": "ConfigMapList", ...`, whose end is missing.
fn cut_short() -> Vec<u8> {
    let text = br#"{"kind": "ConfigMapList", "apiVersion": "v1", "items": []}"#;
    let mut body = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    // One stored block, of which some is left out, and no sum.
    let length = u16::try_from(text.len()).unwrap();
    body.push(1);
    body.extend(length.to_le_bytes());
    body.extend((!length).to_le_bytes());
    body.extend(&text[..text.len() - 2]);
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gzip_that_is_cut_short() {
    let it = Between::new(Preset::DEFAULT).await;
    let body = cut_short();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    it.proxy.always(Fault::Instead([head.as_bytes(), &body].concat()));
    let error = it.configs().list().await.unwrap_err();
    let message = it.message(&error);
    let reason =
        "after 200 OK: the answer of https://SERVER broke off: its gzip has no end, or a wrong checksum";
    assert_eq!(message, format!("{LIST}{reason}"));
    let sent = it.lines().len();
    assert_eq!(sent, 3);
    told("gzip cut short", &format!("{sent} attempts"), &message);
}

/// A certificate for `name` of an authority, and that authority.
fn certificate(name: &str, expired: bool) -> (String, String, String) {
    let (ca, key) = (rcgen::KeyPair::generate().unwrap(), rcgen::KeyPair::generate().unwrap());
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = rcgen::CertifiedIssuer::self_signed(params, ca).unwrap();
    let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    if expired {
        params.not_after = rcgen::date_time_ymd(2001, 1, 1);
    }
    let certificate = params.signed_by(&key, &authority).unwrap();
    (authority.pem(), certificate.pem(), key.serialize_pem())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_trusted() {
    let other = certificate("127.0.0.1", false).0;
    for (what, name, expired, authority, reason) in [
        (
            "TLS: another name",
            "api.example",
            false,
            None,
            "if it is the right server, tls-server-name can say under which name it has its certificate (invalid peer certificate: \
             certificate not valid for name \"127.0.0.1\"; certificate is only valid for DnsName(\"api.example\"))",
        ),
        (
            "TLS: expired",
            "127.0.0.1",
            true,
            None,
            "its certificate expired at 2001-01-01T00:00:00Z; here it is ",
        ),
        (
            "TLS: another authority",
            "127.0.0.1",
            false,
            Some(other),
            "its certificate comes from another authority than the certificate-authority that is configured (invalid peer \
             certificate: BadSignature)",
        ),
    ] {
        let (own, certificate, key) = certificate(name, expired);
        let proxy = blocking(move || {
            let target = cluster().server().trim_start_matches("https://").parse()?;
            HttpProxy::start(target, cluster().ca_pem(), &certificate, &key)
        })
        .await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.crt"), authority.unwrap_or(own)).unwrap();
        std::fs::write(folder.path().join("token"), cluster().admin_token()).unwrap();
        std::fs::write(folder.path().join("namespace"), "default").unwrap();
        let server = format!("https://{}", proxy.address());
        let client = Client::new(Config::service_account(&server, folder.path()).unwrap()).unwrap();
        let error = client.namespaced::<ConfigMap>("default").list().await.unwrap_err();
        assert_eq!(error.sent(), Some(Sent::No));
        assert!(proxy.seen().is_empty(), "nothing was said to it, and no token shown");
        let message = error.to_string().replace(&proxy.address().to_string(), "SERVER");
        let message = message.replace(&folder.path().display().to_string(), "FOLDER");
        let start = format!("{LIST}https://SERVER is not trusted: {reason}");
        let end = "; address and authority are from the service account in FOLDER";
        let between = message.strip_prefix(&start).and_then(|rest| rest.strip_suffix(end));
        // Today stands there.
        assert!(between.is_some_and(|it| it.is_empty() || expired), "{message}");
        told(what, "refused, nothing sent", &message);
    }
}

/// Calls that never pause, and whether one of them has failed.
struct Load {
    stop: Arc<AtomicBool>,
    tasks: Vec<tokio::task::JoinHandle<usize>>,
}

impl Load {
    /// Begins once the server has heard what the client's user may do.
    async fn start(client: &Client) -> Load {
        while client.namespaced::<ConfigMap>("default").list().limit(1).await.is_err() {
            tokio::task::yield_now().await;
        }
        let stop = Arc::new(AtomicBool::new(false));
        let tasks = (0..8).map(|number| {
            let (configs, stop) = (client.namespaced::<ConfigMap>("default"), stop.clone());
            tokio::spawn(async move {
                let mut calls = 0;
                while !stop.load(Ordering::SeqCst) {
                    if number % 2 == 0 {
                        configs.list().limit(1).await.unwrap();
                    } else {
                        configs.create(&config("fault-load")).dry_run().await.unwrap();
                    }
                    calls += 1;
                }
                calls
            })
        });
        Load { tasks: tasks.collect(), stop }
    }

    /// Waits until new connections have been made.
    async fn connects(&self, client: &Client) {
        let made = client.connections().total().made;
        while client.connections().total().made < made + 3 {
            assert!(!self.tasks.iter().any(tokio::task::JoinHandle::is_finished), "a call failed");
            tokio::task::yield_now().await;
        }
    }

    /// How many calls there were, none of which failed.
    async fn end(self) -> usize {
        self.stop.store(true, Ordering::SeqCst);
        let mut calls = 0;
        for task in self.tasks {
            calls += task.await.expect("no call fails");
        }
        calls
    }
}

/// As a whole, as whoever rotates does it.
fn put(folder: &tempfile::TempDir, name: &str, text: &str) {
    std::fs::write(folder.path().join("new"), text).unwrap();
    std::fs::rename(folder.path().join("new"), folder.path().join(name)).unwrap();
}

/// A client of a kubeconfig in the folder, which says of the user what `user` says.
fn rotating(folder: &tempfile::TempDir, user: &str) -> Client {
    // Nothing hides a call that fails.
    let mut preset = Preset::DEFAULT;
    preset.attempts = 1;
    rotating_at(cluster(), folder, user, preset)
}

fn rotating_at(cluster: &Cluster, folder: &tempfile::TempDir, user: &str, preset: Preset) -> Client {
    std::fs::write(folder.path().join("ca.pem"), cluster.ca_pem()).unwrap();
    let text = format!(
        "current-context: x\ncontexts: [{{name: x, context: {{cluster: c, user: u}}}}]\n\
         clusters: [{{name: c, cluster: {{server: '{}', certificate-authority: ca.pem}}}}]\nusers: [{{name: u, user: {{{user}}}}}]",
        cluster.server()
    );
    std::fs::write(folder.path().join("config"), text).unwrap();
    let config = Config::from_kubeconfig(folder.path().join("config"), None).unwrap();
    Client::builder(config).retry(preset).build().unwrap()
}

/// Waits until the server takes the client for this user.
async fn is(client: &Client, user: &str) {
    loop {
        let review = client.request(selfsubjectreviews::create(&SelfSubjectReview::default())).await.unwrap();
        if review.status.user_info.username == *user {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// Everything is allowed to this subject, of the group of roles.
async fn allow(name: &'static str, subject: Value) {
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [subject],
    });
    blocking(move || {
        cluster().api().post("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", &binding)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_in_a_file_change_under_load() {
    let accounts = "/api/v1/namespaces/default/serviceaccounts";
    allow(
        "fault-accounts",
        json!({"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "system:serviceaccounts:default"}),
    )
    .await;
    let token = async |name: String| {
        blocking(move || {
            let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": &name}});
            cluster().api().post(accounts, &account)?;
            let request =
                json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
            let answer = cluster().api().post(&format!("{accounts}/{name}/token"), &request)?;
            Ok(answer["status"]["token"].as_str().unwrap_or_default().to_owned())
        })
        .await
    };
    let folder = tempfile::tempdir().unwrap();
    put(&folder, "token", &token("fault-0".into()).await);
    let client = rotating(&folder, "tokenFile: token");
    is(&client, "system:serviceaccount:default:fault-0").await;
    let load = Load::start(&client).await;
    for round in 1..=2 {
        put(&folder, "token", &token(format!("fault-{round}")).await);
        is(&client, &format!("system:serviceaccount:default:fault-{round}")).await;
    }
    let calls = load.end().await;
    told("token file rotated twice under load", &format!("{calls} calls, none failed"), "");
}

/// A certificate and its key for a user of the group `rotators`, as the server's own signer grants it.
async fn granted(user: String) -> (String, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, user.as_str());
    params.distinguished_name.push(rcgen::DnType::OrganizationName, "rotators");
    let request = STANDARD.encode(params.serialize_request(&key).unwrap().pem().unwrap());
    let certificate = blocking(move || {
        let path = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
        let made = json!({
            "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": &user},
            "spec": {"request": request, "signerName": "kubernetes.io/kube-apiserver-client", "usages": ["client auth"]},
        });
        cluster().api().post(path, &made)?;
        let approval = json!({"status": {"conditions": [{"type": "Approved", "status": "True", "reason": "x", "message": "x"}]}});
        let approved = format!("{path}/{user}/approval");
        cluster().api().patch(&approved, "application/merge-patch+json", approval.to_string().as_bytes())?;
        wait::until("the certificate is there", || {
            let seen = cluster().api().get(&format!("{path}/{user}"))?;
            Ok(seen["status"]["certificate"].as_str().map(str::to_owned).ok_or_else(|| seen.to_string()))
        })
    })
    .await;
    (String::from_utf8(STANDARD.decode(certificate).unwrap()).unwrap(), key.serialize_pem())
}

#[tokio::test(flavor = "multi_thread")]
async fn client_certificates_change_under_load() {
    allow(
        "fault-rotators",
        json!({"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "rotators"}),
    )
    .await;
    let folder = tempfile::tempdir().unwrap();
    let rotate = async |user: &str| {
        let (certificate, key) = granted(user.to_owned()).await;
        // The two don't belong together for a moment.
        put(&folder, "cert.pem", &certificate);
        put(&folder, "key.pem", &key);
    };
    rotate("rotating-0").await;
    let client = rotating(&folder, "client-certificate: cert.pem, client-key: key.pem");
    is(&client, "rotating-0").await;
    let load = Load::start(&client).await;
    rotate("rotating-1").await;
    is(&client, "rotating-1").await;
    let calls = load.end().await;
    told("client certificate of the CSR API rotated under load", &format!("{calls} calls, none failed"), "");
}

/// A cluster of its own: its authority changes. kube-apiserver keeps connections with the old certificate, so it is one that now and then
/// sends clients to another connection; calls that it did not take then are sent again.
#[tokio::test(flavor = "multi_thread")]
async fn the_authority_changes_under_load() {
    let cluster = blocking(|| {
        let mut options = options()?;
        (options.only_api, options.goaway) = (true, true);
        Cluster::start(options)
    })
    .await;
    let cluster = Arc::new(cluster);
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let user = format!("token: {}", cluster.admin_token());
    let client = rotating_at(&cluster, &folder, &user, Preset::DEFAULT);
    let load = Load::start(&client).await;
    let mut old = cluster.ca_pem().to_owned();
    for _ in 1..=3 {
        let (rotated, files, before) = (cluster.clone(), folder.clone(), old);
        let authority = blocking(move || {
            let mut authority = String::new();
            rotated.rotate_serving(|new| {
                authority = new.to_owned();
                // As it is done: both for a while.
                put(&files, "ca.pem", &format!("{before}{new}"));
                Ok(())
            })?;
            Ok(authority)
        })
        .await;
        load.connects(&client).await;
        put(&folder, "ca.pem", &authority);
        load.connects(&client).await;
        old = authority;
    }
    let calls = load.end().await;
    let connections = client.connections().total();
    let did = format!("{calls} calls on {} connections, none failed", connections.made);
    told("authority and serving certificate rotated three times under load", &did, "");
}
