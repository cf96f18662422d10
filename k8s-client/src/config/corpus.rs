//! `tests/kubeconfigs`: what comes of each file, and that none of the secrets in them is ever seen.
//!
//! `outcomes.txt` beside them is the table. In the files `{CA}`, `{CERT}` and `{KEY}` stand for an authority and what it
//! signed, `{OTHER}` for a key that goes with none of it, all in base64; every other secret has `planted` in it.

use std::error::Error as StdError;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use k8s_api::transport::Body;

use crate::config::{Config, Kubeconfig, Login};
use crate::middleware::testing::{GET, call};
use crate::transport::testing::Authority;
use crate::{Client, Error, Preset};

/// `planted` in base64, wherever it begins.
const PLANTED: [&str; 4] = ["planted", "cGxhbnRlZ", "wbGFudGVk", "BsYW50ZW"];

/// The files with everything filled in.
struct Corpus {
    dir: tempfile::TempDir,
    secrets: Vec<String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kubeconfigs")
}

impl Corpus {
    fn new() -> Corpus {
        let authority = Authority::new();
        let (cert, key, _) = authority.client("ann");
        let (_, other, _) = authority.client("bob");
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("pki")).unwrap();
        for (name, text) in [("ca", authority.pem()), ("cert", cert.clone()), ("key", key.clone())] {
            std::fs::write(dir.path().join(format!("pki/{name}.pem")), text).unwrap();
        }
        std::fs::write(dir.path().join("token"), "planted-file-token").unwrap();
        let base64 = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        let filled = [
            ("{CA}", base64(&authority.pem())),
            ("{CERT}", base64(&cert)),
            ("{KEY}", base64(&key)),
            ("{OTHER}", base64(&other)),
        ];
        for entry in std::fs::read_dir(folder()).unwrap() {
            let path = entry.unwrap().path();
            let mut text = std::fs::read_to_string(&path).unwrap();
            for (name, value) in &filled {
                text = text.replace(name, value);
            }
            std::fs::write(dir.path().join(path.file_name().unwrap()), text).unwrap();
        }
        let body = |pem: &str| pem.lines().nth(1).unwrap().to_owned();
        let mut secrets =
            vec![body(&key), body(&other), filled[2].1[60..100].to_owned(), filled[3].1[60..100].to_owned()];
        secrets.extend(PLANTED.map(str::to_owned));
        Corpus { dir, secrets }
    }

    /// What comes of a file, and everything that is shown on the way.
    async fn outcome(&self, name: &str) -> (String, String) {
        let log = crate::test_log::capture();
        let mut seen = String::new();
        let path = self.dir.path().join(name);
        let outcome = match self.follow(&path, &mut seen).await {
            Ok(outcome) => outcome,
            Err(error) => {
                let mut inner: Option<&dyn StdError> = Some(&error);
                while let Some(error) = inner {
                    writeln!(seen, "{error} {error:?} {error:#?}").unwrap();
                    inner = error.source();
                }
                error.to_string()
            }
        };
        seen.push_str(&log.take());
        // What the system says of a connection differs from one to the other.
        let outcome = match outcome.split_once("no connection to ") {
            Some((before, _)) => format!("{before}no connection"),
            None => outcome,
        };
        (outcome.replace(&self.dir.path().display().to_string(), "DIR"), seen)
    }

    async fn follow(&self, path: &Path, seen: &mut String) -> Result<String, Error> {
        let kubeconfig = Kubeconfig::read(path)?;
        writeln!(seen, "{kubeconfig:?} {kubeconfig:#?} {:?}", kubeconfig.contexts()).unwrap();
        let config = kubeconfig.config(None)?;
        writeln!(seen, "{config} {config:?} {config:#?}").unwrap();
        let client =
            Client::builder(config.clone()).retry(Preset { attempts: 1, ..Preset::DEFAULT }).build()?;
        writeln!(seen, "{client:?} {client:#?}").unwrap();
        let mut outcome = describe(&config);
        // These may be there, or not.
        let installed = |command: &Path| {
            ["aws", "gke-gcloud-auth-plugin", "kubelogin", "kubectl"]
                .iter()
                .any(|name| command == Path::new(name))
        };
        if !matches!(&config.login, Login::Exec(spec) if installed(&spec.command)) {
            // Nobody listens there.
            let error = client.bytes(call(&GET, Body::Empty)).await.unwrap_err();
            write!(outcome, "; then {error}").unwrap();
            writeln!(seen, "{error} {error:?}").unwrap();
        }
        Ok(outcome)
    }
}

fn describe(config: &Config) -> String {
    let mut text = format!("{} in {}", config.server, config.namespace);
    let mut say = |what: &str| {
        text.push_str(", ");
        text.push_str(what);
    };
    match &config.login {
        Login::None => {}
        Login::Token(_) => say("a token"),
        Login::TokenFile(_) => say("a token file"),
        Login::Basic(user, _) => say(&format!("a password of {user}")),
        Login::Exec(spec) => say(&format!("the plugin {} of {}", spec.command.display(), spec.version)),
        Login::Oidc(spec) => say(&format!("tokens of {}", spec.issuer)),
    }
    let tls = &config.server.tls;
    if let Some(identity) = &tls.identity {
        say(if identity.rotates() { "a certificate in files" } else { "a certificate" });
    }
    if let Some(authority) = &tls.authority {
        say(if authority.file.is_some() { "an authority in a file" } else { "an authority" });
    }
    if let Some(name) = &tls.server_name {
        say(&format!("TLS name {name}"));
    }
    if tls.insecure {
        say("insecure");
    }
    if let Some(proxy) = &config.server.proxy {
        say(&format!("proxy {proxy}"));
    }
    if config.server.plain_answers {
        say("no compression");
    }
    if let Some(somebody) = &config.impersonation {
        say(&format!("as {} {:?} {:?} {:?}", somebody.user, somebody.uid, somebody.groups, somebody.extra));
    }
    text
}

#[tokio::test]
async fn what_comes_of_each_file() {
    let corpus = Corpus::new();
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".yaml"))
        .collect();
    names.sort();
    let mut table = String::new();
    for name in &names {
        let (outcome, seen) = corpus.outcome(name).await;
        assert!(!outcome.contains('\n'), "{name}: {outcome}");
        if name.starts_with("bad-") {
            assert!(outcome.contains(&format!("DIR/{name}")), "{name}: {outcome}");
        }
        writeln!(table, "{name}: {outcome}").unwrap();
        for secret in &corpus.secrets {
            let shown = seen.lines().find(|line| line.contains(secret.as_str()));
            assert!(
                shown.is_none() && !outcome.contains(secret.as_str()),
                "{name} shows `{secret}`: {shown:?} {outcome}"
            );
        }
    }
    let expected = std::fs::read_to_string(folder().join("outcomes.txt")).unwrap();
    assert!(table == expected, "outcomes.txt should be:\n{table}");
}

#[tokio::test]
async fn an_insecure_server_is_warned_of() {
    let corpus = Corpus::new();
    let (_, seen) = corpus.outcome("insecure.yaml").await;
    assert!(seen.contains("WARN") && seen.contains("insecure-skip-tls-verify"), "{seen}");
}
