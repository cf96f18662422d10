use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures_util::future::join_all;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::Oidc;
use crate::auth::{Credential as _, Proof};
use crate::config::{Config, Login};
use crate::outside::{self, Outside};
use crate::transport::testing::{Authority, listen, listen_tls};

/// An issuer that gives a new refresh token each time, and takes the second use of one for a theft.
#[derive(Default)]
struct Issuer {
    /// Which number the next use must have.
    next: u32,
    stolen: bool,
    /// What it was sent: the header `Authorization`, and the form.
    asked: Vec<(String, String)>,
    /// What it says of itself besides, and where it says that tokens are given if not at itself.
    more: String,
    elsewhere: Option<String>,
    lifetime: u64,
}

type Shared = Arc<Mutex<Issuer>>;

impl Issuer {
    fn new() -> Shared {
        Arc::new(Mutex::new(Issuer { lifetime: 3600, ..Issuer::default() }))
    }

    fn answer(&mut self, path: &str, base: &str, authorization: &str, form: &str) -> (u16, String) {
        if path == "/.well-known/openid-configuration" {
            let tokens = self.elsewhere.clone().unwrap_or_else(|| format!("{base}/token"));
            return (200, format!(r#"{{"issuer":"{base}","token_endpoint":"{tokens}"{}}}"#, self.more));
        }
        self.asked.push((authorization.to_owned(), form.to_owned()));
        if self.stolen || !form.contains(&format!("refresh_token=r%2B{}", self.next)) {
            self.stolen = true;
            return (400, r#"{"error":"invalid_grant","error_description":"hunter2"}"#.to_owned());
        }
        self.next += 1;
        let (id, refresh) = (jwt(self.next, self.lifetime), self.next);
        (
            200,
            format!(
                r#"{{"access_token":"a","id_token":"{id}","refresh_token":"r+{refresh}","token_type":"Bearer"}}"#
            ),
        )
    }
}

fn jwt(number: u32, lifetime: u64) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let exp = now.as_secs() + lifetime;
    let part = |text: String| URL_SAFE_NO_PAD.encode(text);
    format!(
        "{}.{}.hunter2",
        part("{\"alg\":\"none\"}".into()),
        part(format!("{{\"exp\":{exp},\"n\":{number}}}"))
    )
}

async fn serve(mut connection: impl AsyncRead + AsyncWrite + Unpin, issuer: Shared, base: String) {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        let Ok(byte) = connection.read_u8().await else { return };
        read.push(byte);
    }
    let head = String::from_utf8(read).unwrap();
    let header = |name: &str| {
        let line = head.lines().find(|line| line.to_lowercase().starts_with(name));
        line.and_then(|line| line.split_once(": ")).map_or("", |(_, value)| value).to_owned()
    };
    let mut form = vec![0; header("content-length:").parse().unwrap_or(0)];
    connection.read_exact(&mut form).await.unwrap();
    let path = head.split(' ').nth(1).unwrap();
    let form = String::from_utf8(form).unwrap();
    let (status, body) = issuer.lock().unwrap().answer(path, &base, &header("authorization:"), &form);
    let answer =
        format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    connection.write_all(answer.as_bytes()).await.unwrap();
    let _ = connection.shutdown().await;
}

async fn plain(issuer: &Shared) -> String {
    // The address is known when there is a listener, and the listener has to say it.
    let known: Arc<Mutex<Option<SocketAddr>>> = Arc::default();
    let (issuer, address) = (issuer.clone(), known.clone());
    let bound = listen(move |connection| {
        let base = format!("http://{}", address.lock().unwrap().unwrap());
        serve(connection, issuer.clone(), base)
    })
    .await;
    *known.lock().unwrap() = Some(bound);
    format!("http://{bound}")
}

struct Stage(tempfile::TempDir);

impl Stage {
    /// A kubeconfig with these values in the configuration of the provider.
    fn new(issuer: &str, values: &[(&str, &str)]) -> Stage {
        let mut config = format!("idp-issuer-url: {issuer}, client-id: 'c:1'");
        for (field, value) in values {
            config.push_str(&format!(", {field}: '{value}'"));
        }
        let it = Stage(tempfile::tempdir().unwrap());
        let text = format!(
            "future: kept\ncurrent-context: here\nclusters: [{{name: c, cluster: {{server: 'https://10.0.0.1'}}}}]\n\
             contexts: [{{name: here, context: {{cluster: c, user: u}}}}]\n\
             users: [{{name: u, user: {{auth-provider: {{name: oidc, config: {{{config}}}}}}}}}]\n"
        );
        std::fs::write(it.file(), text).unwrap();
        it
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("config")
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.file()).unwrap()
    }

    fn oidc(&self) -> Oidc {
        self.with(outside::real())
    }

    fn with(&self, outside: Arc<dyn Outside>) -> Oidc {
        let config = Config::from_kubeconfig(self.file(), None).unwrap();
        let shown = format!("{config:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("r+"), "{shown}");
        let Login::Oidc(spec) = &config.login else { panic!("{shown}") };
        Oidc::new(spec, &config, outside).unwrap()
    }

    async fn fails(&self) -> String {
        let error = self.oidc().proof().await.unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
        error.to_string().replace(&self.0.path().display().to_string(), "DIR")
    }
}

fn number(proof: &Proof) -> u32 {
    let header = proof.header.as_ref().unwrap().expose().to_owned();
    let payload = URL_SAFE_NO_PAD.decode(header.split('.').nth(1).unwrap()).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    claims["n"].as_u64().unwrap() as u32
}

#[tokio::test]
async fn a_token_that_is_good_is_used_as_it_is() {
    let issuer = Issuer::new();
    let base = plain(&issuer).await;
    let it = Stage::new(&base, &[("id-token", &jwt(7, 60)), ("refresh-token", "r+0")]);
    assert_eq!(number(&it.oidc().proof().await.unwrap()), 7);
    assert!(issuer.lock().unwrap().asked.is_empty());
}

#[tokio::test]
async fn an_old_token_is_made_new_and_written_back() {
    let issuer = Issuer::new();
    let base = plain(&issuer).await;
    let old = jwt(7, 5);
    let it = Stage::new(
        &base,
        &[("id-token", &old), ("refresh-token", "r+0"), ("client-secret", "hunter2/&"), ("x", "kept")],
    );
    let oidc = it.oidc();
    let first = oidc.proof().await.unwrap();
    assert_eq!(number(&first), 1);
    let text = it.text();
    assert!(
        text.contains("refresh-token: r+1") && text.contains("x: kept") && text.contains("future: kept"),
        "{text}"
    );
    assert!(!text.contains(&old) && !it.file().with_extension("lock").exists(), "{text}");
    {
        let issuer = issuer.lock().unwrap();
        let (authorization, form) = &issuer.asked[0];
        assert_eq!(form, "grant_type=refresh_token&refresh_token=r%2B0&client_id=c%3A1");
        assert_eq!(*authorization, format!("Basic {}", STANDARD.encode("c%3A1:hunter2%2F%26")));
    }
    // A 401 makes it new though it has not ended.
    let second = oidc.renew(&first).await.unwrap().unwrap();
    assert_eq!(number(&second), 2);
    assert_eq!(number(&oidc.proof().await.unwrap()), 2);
    assert_eq!(issuer.lock().unwrap().asked.len(), 2);
}

#[tokio::test]
async fn an_issuer_may_want_the_secret_in_the_form() {
    let issuer = Issuer::new();
    issuer.lock().unwrap().more =
        r#","token_endpoint_auth_methods_supported":["client_secret_post"]"#.to_owned();
    let base = plain(&issuer).await;
    let it = Stage::new(&base, &[("refresh-token", "r+0"), ("client-secret", "hunter2")]);
    assert_eq!(number(&it.oidc().proof().await.unwrap()), 1);
    let issuer = issuer.lock().unwrap();
    assert!(issuer.asked[0].1.ends_with("&client_secret=hunter2") && issuer.asked[0].0.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_that_share_the_file_use_a_refresh_token_once() {
    let issuer = Issuer::new();
    let base = plain(&issuer).await;
    let it = Stage::new(&base, &[("id-token", &jwt(7, 5)), ("refresh-token", "r+0")]);
    // They have nothing in common but the file, as processes.
    let all: Vec<Oidc> = (0..20).map(|_| it.oidc()).collect();
    let proofs = join_all(all.iter().map(|oidc| oidc.proof())).await;
    let proofs: Vec<Proof> = proofs.into_iter().map(Result::unwrap).collect();
    assert!(proofs.iter().all(|proof| number(proof) == 1));
    // The server turns all of them away.
    let renewed = join_all(all.iter().map(|oidc| oidc.renew(&proofs[0]))).await;
    assert!(renewed.into_iter().all(|proof| number(&proof.unwrap().unwrap()) == 2));
    let issuer = issuer.lock().unwrap();
    assert_eq!((issuer.asked.len(), issuer.stolen), (2, false));
    assert!(it.text().contains("refresh-token: r+2"));
}

const FILE: &str = "K8S_CLIENT_TEST_OIDC_FILE";

#[tokio::test(flavor = "multi_thread")]
async fn processes_use_a_refresh_token_once() {
    let issuer = Issuer::new();
    let base = plain(&issuer).await;
    let it = Stage::new(&base, &[("id-token", &jwt(7, 5)), ("refresh-token", "r+0")]);
    let this = std::env::current_exe().unwrap();
    let one = || {
        tokio::process::Command::new(&this)
            .args(["--exact", "auth::oidc::tests::one_of_many_processes"])
            .env(FILE, it.file())
            .output()
    };
    for output in join_all((0..6).map(|_| one())).await {
        let output = output.unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
    }
    let issuer = issuer.lock().unwrap();
    assert_eq!((issuer.asked.len(), issuer.stolen), (1, false));
}

/// What the test above starts; by itself it does nothing.
#[tokio::test]
async fn one_of_many_processes() {
    let Some(file) = std::env::var_os(FILE) else { return };
    let config = Config::from_kubeconfig(file, None).unwrap();
    let Login::Oidc(spec) = &config.login else { panic!() };
    let proof = Oidc::new(spec, &config, outside::real()).unwrap().proof().await.unwrap();
    assert_eq!(number(&proof), 1);
}

#[tokio::test]
async fn a_lock_that_stays_costs_the_writing_only() {
    let issuer = Issuer::new();
    let base = plain(&issuer).await;
    let it = Stage::new(&base, &[("refresh-token", "r+0")]);
    std::fs::write(it.0.path().join("config.lock"), "").unwrap();
    let before = it.text();
    let log = crate::test_log::capture();
    // Each time it waits for the lock, the clock goes on by ten seconds.
    struct Hurried(Mutex<Duration>, std::time::Instant);
    impl Outside for Hurried {
        fn now(&self) -> std::time::Instant {
            self.1 + *self.0.lock().unwrap()
        }
        fn date(&self) -> SystemTime {
            SystemTime::now()
        }
        fn wait(&self, _: std::time::Instant) -> crate::outside::Waiting {
            *self.0.lock().unwrap() += Duration::from_secs(10);
            Box::pin(std::future::ready(()))
        }
        fn random(&self) -> u64 {
            1 << 63
        }
    }
    let oidc = it.with(Arc::new(Hurried(Mutex::default(), std::time::Instant::now())));
    assert_eq!(number(&oidc.proof().await.unwrap()), 1);
    assert_eq!(it.text(), before);
    let log = log.take();
    assert!(log.contains("will not be written back") && log.contains("config.lock"), "{log}");
    assert!(!log.contains("hunter2") && !log.contains("r+"), "{log}");
}

#[tokio::test]
async fn an_issuer_with_an_authority_of_its_own() {
    let (issuer, authority) = (Issuer::new(), Authority::new());
    let shared = issuer.clone();
    let known: Arc<Mutex<String>> = Arc::default();
    let base = known.clone();
    let acceptor = authority.http_1(&["127.0.0.1"]);
    let address = listen_tls(acceptor, move |connection| {
        let base = base.lock().unwrap().clone();
        serve(connection, shared.clone(), base)
    })
    .await;
    let base = format!("https://{address}");
    *known.lock().unwrap() = base.clone();
    let ca = STANDARD.encode(authority.tls().authority.unwrap().text.expose());
    let it = Stage::new(&base, &[("refresh-token", "r+0"), ("idp-certificate-authority-data", &ca)]);
    assert_eq!(number(&it.oidc().proof().await.unwrap()), 1);
    let it = Stage::new(&base, &[("refresh-token", "r+1")]);
    let error = it.fails().await;
    assert!(
        error.starts_with(&format!("DIR/config: context `here`: user `u`: {base}: it can't be asked: ")),
        "{error}"
    );
    assert!(error.contains("is not trusted"), "{error}");
}

#[tokio::test]
async fn what_goes_wrong_says_what_to_do() {
    let issuer = Issuer::new();
    let base = plain(&issuer).await;
    let here = format!("DIR/config: context `here`: user `u`: {base}: ");
    let it = Stage::new(&base, &[("refresh-token", "hunter2")]);
    assert_eq!(
        it.fails().await,
        format!("{here}it refused to give a new token: 400 (invalid_grant); log in again")
    );
    let it = Stage::new(&base, &[("id-token", &jwt(1, 1))]);
    assert_eq!(
        it.fails().await,
        format!("{here}there is neither a valid id-token nor a refresh-token: log in again")
    );
    // What is sent there is a secret.
    issuer.lock().unwrap().elsewhere = Some("http://elsewhere.example/token".to_owned());
    let it = Stage::new(&base, &[("refresh-token", "hunter2")]);
    assert_eq!(it.fails().await, format!("{here}token_endpoint must be like https://issuer.example"));
}
