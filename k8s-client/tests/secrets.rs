//! No secret is ever seen: not in what anything prints, not in an error, not in what any crate below logs at its loudest.
//!
//! Every kind of credential goes through success and failure against servers on loopback, which show that they got it. Every
//! secret has `planted` in it.

mod servers;

use std::error::Error as StdError;
use std::fmt::{Debug, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, Once};

use base64::Engine as _;
use k8s_api::authentication::v1::{TokenRequest, TokenReview};
use k8s_api::core::v1::{Secret as SecretObject, configmaps, pods, secrets, serviceaccounts};
use k8s_api::raw::RawJson;
use k8s_api::request::{PatchDocument, Request as _};
use k8s_client::dynamic::ApiResource;
use k8s_client::{Client, Config, Error, Kubeconfig, Manifest, Preset, Secret};
use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use servers::{Authority, Servers};

/// What was logged in this process, by whichever thread.
static LOG: Mutex<String> = Mutex::new(String::new());

fn log(line: std::fmt::Arguments<'_>) {
    writeln!(LOG.lock().unwrap(), "{line}").unwrap();
}

/// Everything of `tracing`, and of `log`, which rustls and reqwest write to.
struct Capture;

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?} {value:#?}", field.name()).unwrap();
    }
}

impl Subscriber for Capture {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = Fields(String::new());
        span.record(&mut fields);
        log(format_args!("{} {}{}", span.metadata().target(), span.metadata().name(), fields.0));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, record: &Record<'_>) {
        let mut fields = Fields(String::new());
        record.record(&mut fields);
        log(format_args!("{}", fields.0));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        log(format_args!("{}{}", event.metadata().target(), fields.0));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl log::Log for Capture {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        log(format_args!("{} {}", record.target(), record.args()));
    }

    fn flush(&self) {}
}

/// Everything that was shown, beside the log.
#[derive(Default)]
struct Seen(String);

impl Seen {
    fn debug(&mut self, value: &dyn Debug) {
        writeln!(self.0, "{value:?} {value:#?}").unwrap();
    }

    fn error(&mut self, error: &Error) {
        writeln!(self.0, "{error}").unwrap();
        let mut next: Option<&dyn StdError> = Some(error);
        while let Some(error) = next {
            writeln!(self.0, "{error} {error:?} {error:#?}").unwrap();
            next = error.source();
        }
    }

    fn result<T: Debug>(&mut self, result: Result<T, Error>) -> Result<(), Error> {
        match result {
            Ok(value) => {
                self.debug(&value);
                Ok(())
            }
            Err(error) => {
                self.error(&error);
                Err(error)
            }
        }
    }
}

/// `planted` as it is, and in base64 wherever it begins.
const PLANTED: [&str; 4] = ["planted", "cGxhbnRlZ", "wbGFudGVk", "BsYW50ZW"];

fn base64(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// An ID token that ends at this time.
fn id_token(exp: u64, signature: &str) -> String {
    let part = |value: Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.planted-{signature}", part(json!({"alg": "none"})), part(json!({"exp": exp})))
}

/// Plugins get a script, and a secret in an argument and in the environment.
fn plugin(status: &Value) -> Value {
    let credential = json!({
        "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status,
    });
    json!({
        "apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never", "command": "sh",
        "env": [{"name": "PLUGIN_PASSWORD", "value": "planted-environment"}, {"name": "ANSWER", "value": credential.to_string()}],
        "args": ["-c", "echo planted-stderr >&2; printf %s \"$ANSWER\"", "planted-argument"],
    })
}

/// Each kind of user, with what the server has to see in a header for it to have been used.
fn users(authority: &Authority, folder: &Path) -> Vec<(&'static str, Value, String)> {
    std::fs::write(folder.join("token"), "planted-file-token").unwrap();
    let (certificate, key) = authority.client("ann");
    std::fs::write(folder.join("key.pem"), &key).unwrap();
    std::fs::write(folder.join("cert.pem"), &certificate).unwrap();
    let identity =
        json!({"clientCertificateData": certificate, "clientKeyData": key, "token": "planted-exec-identity"});
    let oidc = |id: String| {
        json!({"auth-provider": {"name": "oidc", "config": {
            "idp-issuer-url": "ISSUER", "client-id": "c", "client-secret": "planted-client-secret", "id-token": id,
            "refresh-token": "planted-refresh-token", "idp-certificate-authority": "ca.pem"}}})
    };
    let far = id_token(4_000_000_000, "fresh");
    vec![
        ("token", json!({"token": "planted-token"}), "Bearer planted-token".to_owned()),
        ("token file", json!({"tokenFile": "token"}), "Bearer planted-file-token".to_owned()),
        (
            "password",
            json!({"username": "ann", "password": "planted-password"}),
            format!("Basic {}", base64("ann:planted-password")),
        ),
        (
            "plugin",
            json!({"exec": plugin(&json!({"token": "planted-exec-token"}))}),
            "Bearer planted-exec-token".to_owned(),
        ),
        (
            "plugin with a certificate",
            json!({"exec": plugin(&identity)}),
            "Bearer planted-exec-identity".to_owned(),
        ),
        (
            "certificate",
            json!({"client-certificate-data": base64(&certificate), "client-key-data": base64(&key)}),
            "ann".to_owned(),
        ),
        (
            "certificate in files",
            json!({"client-certificate": "cert.pem", "client-key": "key.pem"}),
            "ann".to_owned(),
        ),
        ("fresh OIDC token", oidc(far.clone()), format!("Bearer {far}")),
        ("old OIDC token", oidc(id_token(1, "old")), format!("Bearer {}", id_token(4_000_000_000, "new"))),
    ]
}

fn config(folder: &Path, cluster: Value, user: Value, issuer: &str, seen: &mut Seen) -> Config {
    let path = folder.join("config");
    let text = json!({
        "current-context": "here",
        "clusters": [{"name": "c", "cluster": cluster}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": user}],
    });
    std::fs::write(&path, text.to_string().replace("ISSUER", issuer)).unwrap();
    let kubeconfig = Kubeconfig::read(&path).unwrap();
    seen.debug(&kubeconfig);
    let config = kubeconfig.config(None).unwrap();
    seen.debug(&config);
    write!(seen.0, "{config}").unwrap();
    config
}

fn client(config: Config, seen: &mut Seen) -> Client {
    let mut preset = Preset::DEFAULT;
    preset.attempts = 1;
    let builder = Client::builder(config).retry(preset);
    let client = builder.build().unwrap();
    seen.debug(&client);
    client
}

/// Success, every refusal, and answers that are none.
async fn everything(client: &Client, seen: &mut Seen) {
    let mut secret = SecretObject::default();
    secret.metadata.name = "s".into();
    secret.string_data.insert("k".into(), "planted-string".into());
    secret.data.insert("k".into(), b"planted-bytes".to_vec().into());
    let applied = "kubectl.kubernetes.io/last-applied-configuration";
    secret.metadata.annotations.insert(applied.into(), r#"{"data":{"k":"planted"}}"#.into());
    let patch = PatchDocument::Merge(RawJson::parse(br#"{"stringData":{"k":"planted-patch"}}"#).unwrap());
    seen.debug(&secret);
    seen.debug(&secrets::create("web", &secret));
    seen.debug(&client.request(secrets::create("web", &secret)));
    seen.debug(&secrets::create("web", &secret).call().unwrap());
    seen.debug(&secrets::patch("web", "s", &patch));
    seen.debug(&client.request(secrets::patch("web", "s", &patch)));
    let (text, body) = (http::HeaderValue::from_static("text/plain"), "planted-body");
    let proxied = pods::proxy("web", "a", http::Method::POST).path("/quiet").body(text, body);
    seen.debug(&proxied);
    seen.result(client.request(proxied).await).unwrap_err();
    let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {k: planted-manifest}\n";
    let manifest = Manifest::parse("secret.yaml", text).unwrap();
    seen.debug(&manifest);
    for document in manifest.documents() {
        seen.debug(document);
        writeln!(seen.0, "{document}").unwrap();
    }
    for wrong in
        ["stringData: {k: planted-manifest", "stringData: {k: *planted-manifest}", "kind: planted: x"]
    {
        let wrong = text.replace("stringData: {k: planted-manifest}", wrong);
        seen.result(Manifest::parse("secret.yaml", &wrong)).unwrap_err();
    }
    let resource = ApiResource::namespaced("", "v1", "Secret", "secrets");
    let dynamic = client.dynamic(resource).namespace("web");
    seen.result(dynamic.get("good").await).unwrap();
    seen.result(dynamic.list().await).unwrap();
    let object = manifest.documents()[0].object.clone();
    seen.debug(&dynamic.create(&object));
    seen.result(dynamic.create(&object).await).unwrap_err();
    let command = pods::exec("web", "a", ["login", "planted-command"]);
    seen.debug(&command);
    seen.result(client.send(command.call().unwrap()).await.map(drop)).unwrap_err();
    // What is in an answer is shown without its secrets too.
    seen.result(client.request(secrets::get("web", "good")).await).unwrap();
    seen.result(client.request(secrets::list("web")).await).unwrap();
    seen.result(client.request(secrets::get("web", "wrong-type")).await).unwrap_err();
    seen.result(client.request(secrets::get("web", "cut")).await).unwrap_err();
    seen.result(client.request(secrets::create("web", &secret)).await).unwrap_err();
    seen.result(client.request(secrets::replace("web", &secret)).await).unwrap_err();
    seen.result(client.request(secrets::patch("web", "s", &patch)).await).unwrap_err();
    for status in ["401", "403", "404", "409", "422", "429", "500", "302"] {
        seen.result(client.request(configmaps::get("web", status)).await).unwrap_err();
    }
    let token = client.namespaced::<k8s_api::core::v1::ServiceAccount>("web");
    drop(token);
    seen.result(client.request(serviceaccounts::create_token("web", "a", &TokenRequest::default())).await)
        .unwrap();
    seen.result(client.review_token(&Secret::new("planted-reviewed"), &[]).await).unwrap_err();
    let mut review = TokenReview::default();
    review.spec.token = "planted-reviewed".into();
    seen.debug(&review);
}

#[tokio::test]
async fn no_secret_is_ever_seen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::subscriber::set_global_default(Capture).unwrap();
        log::set_boxed_logger(Box::new(Capture)).unwrap();
        log::set_max_level(log::LevelFilter::Trace);
    });
    let authority = Arc::new(Authority::new());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
    std::fs::write(folder.path().join("other.pem"), Authority::new().pem()).unwrap();
    let servers = Servers::start(&authority, id_token(4_000_000_000, "new")).await;
    let (secure, plain) = (format!("https://{}", servers.secure), format!("http://{}", servers.plain));
    let mut seen = Seen::default();
    let mut keys = vec![];
    for (what, user, expected) in users(&authority, folder.path()) {
        let good = json!({"server": secure, "certificate-authority": "ca.pem"});
        let mut client_of = |cluster: Value| {
            let config = config(folder.path(), cluster, user.clone(), &secure, &mut seen);
            client(config, &mut seen)
        };
        let (good, untrusted) =
            (client_of(good), client_of(json!({"server": secure, "certificate-authority": "other.pem"})));
        let gone = client_of(json!({"server": "https://127.0.0.1:1", "certificate-authority": "ca.pem"}));
        let proxied = client_of(
            json!({"server": "http://api.example", "proxy-url": plain.replace("//", "//ann:planted-proxy@")}),
        );
        let no_proxy =
            client_of(json!({"server": secure, "proxy-url": "http://ann:planted-proxy@127.0.0.1:1"}));
        let socks =
            client_of(json!({"server": secure, "proxy-url": "socks5://ann:planted-proxy@127.0.0.1:1"}));
        servers.forget();
        everything(&good, &mut seen).await;
        // Otherwise there would be nothing to be seen.
        assert!(servers.got(&expected), "{what}: {:?}", servers.got_all());
        servers.forget();
        everything(&proxied, &mut seen).await;
        assert!(servers.got(&format!("proxy Basic {}", base64("ann:planted-proxy"))), "{what}");
        for bad in [untrusted, gone, no_proxy, socks] {
            seen.result(bad.request(configmaps::get("web", "a")).await).unwrap_err();
        }
        keys.extend(user["client-key-data"].as_str().map(|key| key[80..120].to_owned()));
    }
    // A plugin that fails says what it likes, and so does an issuer.
    let fails = |script: &str| {
        json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never",
        "command": "sh", "args": ["-c", script], "env": [{"name": "PLUGIN_PASSWORD", "value": "planted-environment"}]}})
    };
    for user in [
        fails("echo \"password=$PLUGIN_PASSWORD\" >&2; exit 1"),
        fails("echo \"token $PLUGIN_PASSWORD is wrong\" >&2; exit 1"),
        fails("echo '{\"status\": {\"token\": [\"planted-printed\"]}}'"),
        fails("echo planted-printed"),
        json!({"auth-provider": {"name": "oidc", "config": {"idp-issuer-url": "ISSUER/refuses", "client-id": "c",
            "client-secret": "planted-client-secret", "refresh-token": "planted-refresh-token", "idp-certificate-authority": "ca.pem"}}}),
    ] {
        let config = config(folder.path(), json!({"server": plain}), user, &secure, &mut seen);
        let error = client(config, &mut seen).request(configmaps::get("web", "a")).await.unwrap_err();
        assert_eq!(error.kind(), k8s_client::ErrorKind::Credential);
        seen.error(&error);
    }
    let given = Config::plain(&plain).unwrap().with_token(Secret::new("planted-given"));
    let given = given.with_proxy("http://ann:planted-proxy@127.0.0.1:1").unwrap();
    seen.debug(&given);
    let given = client(given, &mut seen);
    seen.result(given.request(configmaps::get("web", "a")).await).unwrap_err();

    let log = std::mem::take(&mut *LOG.lock().unwrap());
    // It was listened to where it is loudest.
    for target in ["h2::", "rustls::", "hyper_util::"] {
        assert!(log.contains(target), "{target} logged nothing");
    }
    keys.extend(PLANTED.map(str::to_owned));
    for (what, text) in [("shown", &seen.0), ("logged", &log)] {
        for secret in &keys {
            let line = text.lines().find(|line| line.contains(secret.as_str()));
            assert_eq!(line, None, "`{secret}` is {what}");
        }
    }
}
