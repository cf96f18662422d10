use std::path::Path;

use base64::Engine as _;

use crate::config::{Config, Login};

fn base64(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// A kubeconfig with this cluster and user, in YAML's short form.
fn file(cluster: &str, user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: here\n\
         clusters: [{{name: c, cluster: {{server: 'https://10.0.0.1:6443'{cluster}}}}}]\n\
         contexts: [{{name: here, context: {{cluster: c, user: u, namespace: web}}}}, {{name: other, context: {{cluster: c}}}}]\n\
         users: [{{name: u, user: {{{user}}}}}]\npreferences: {{}}\n"
    )
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn with(text: &str) -> Folder {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("config"), text).unwrap();
        Folder(dir)
    }

    fn load(&self, context: Option<&str>) -> Result<Config, String> {
        let load = Config::from_kubeconfig(self.0.path().join("config"), context);
        let folder = self.0.path().display().to_string();
        load.map_err(|error| {
            let shown = error.to_string();
            assert!(!format!("{error:?}{shown}").contains("hunter2"), "{shown}");
            shown.replace(&folder, "DIR")
        })
    }
}

fn load(cluster: &str, user: &str) -> Result<Config, String> {
    let config = Folder::with(&file(cluster, user)).load(None);
    if let Ok(config) = &config {
        assert!(!format!("{config:?} {config:#?} {config}").contains("hunter2"));
    }
    config
}

#[test]
fn a_token_and_an_authority() {
    let ca = base64("PEM of the authority");
    let config = load(&format!(", certificate-authority-data: {ca}"), "token: hunter2").unwrap();
    assert_eq!(config.server.to_string(), "https://10.0.0.1:6443");
    assert_eq!(config.namespace(), "web");
    assert_eq!(config.server.tls.authority.unwrap().text.expose(), "PEM of the authority");
    assert!(matches!(&config.login, Login::Token(token) if token.expose() == "hunter2"));
}

#[test]
fn a_client_certificate_in_the_file() {
    let (cert, key) = (base64("CERT"), base64("hunter2"));
    let config = load("", &format!("client-certificate-data: {cert}, client-key-data: {key}")).unwrap();
    let identity = config.server.tls.identity.unwrap();
    assert_eq!((identity.certificate.text.expose(), identity.key.text.expose()), ("CERT", "hunter2"));
    assert!(matches!(config.login, Login::None));
}

#[test]
fn files_are_relative_to_the_kubeconfig() {
    let folder = Folder::with(&file(
        ", certificate-authority: pki/ca.pem",
        "client-certificate: pki/cert.pem, client-key: pki/key.pem, tokenFile: token, token: old",
    ));
    let missing = folder.load(None).unwrap_err();
    assert!(missing.contains("certificate-authority: DIR/pki/ca.pem: No such file"), "{missing}");
    std::fs::create_dir(folder.0.path().join("pki")).unwrap();
    std::fs::write(folder.0.path().join("token"), "hunter2").unwrap();
    for (name, text) in [("ca", "CA"), ("cert", "CERT"), ("key", "hunter2")] {
        std::fs::write(folder.0.path().join(format!("pki/{name}.pem")), text).unwrap();
    }
    let config = folder.load(None).unwrap();
    assert_eq!(config.server.tls.authority.as_ref().unwrap().text.expose(), "CA");
    let identity = config.server.tls.identity.as_ref().unwrap();
    assert!(identity.key.text.expose() == "hunter2" && identity.rotates());
    assert!(matches!(&config.login, Login::TokenFile(path) if *path == folder.0.path().join("token")));
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn another_context_has_its_own_user_and_namespace() {
    let config = Folder::with(&file("", "token: hunter2")).load(Some("other")).unwrap();
    assert_eq!(config.namespace(), "default");
    assert!(matches!(config.login, Login::None));
}

#[test]
fn the_rest_of_a_cluster() {
    let config = load(", tls-server-name: api.example, insecure-skip-tls-verify: true", "").unwrap();
    assert_eq!(config.server.tls.server_name.as_deref(), Some("api.example"));
    assert!(config.server.tls.insecure);
}

#[test]
fn every_way_to_log_in() {
    let config = load("", "username: ann, password: hunter2").unwrap();
    assert!(
        matches!(&config.login, Login::Basic(user, password) if user == "ann" && password.expose() == "hunter2")
    );
    let exec = "apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never";
    let config = load("", &format!("exec: {{command: ./bin/plugin, {exec}, args: [hunter2]}}")).unwrap();
    assert!(matches!(&config.login, Login::Exec(spec) if spec.command.is_absolute()));
    let config = load("", &format!("exec: {{command: aws, {exec}}}")).unwrap();
    assert!(matches!(&config.login, Login::Exec(spec) if spec.command == Path::new("aws")));
    // What stands in the file wins over what would have to be asked for.
    let config = load("", &format!("token: hunter2, exec: {{command: aws, {exec}}}")).unwrap();
    assert!(matches!(&config.login, Login::Token(_)));
    let config = load("", "as: ann, as-groups: [g]").unwrap();
    assert_eq!(config.impersonation.unwrap().groups, ["g"]);
    let oidc = "auth-provider: {name: oidc, config: {idp-issuer-url: 'https://i', client-id: c, refresh-token: hunter2}}";
    assert!(matches!(&load("", oidc).unwrap().login, Login::Oidc(spec) if spec.user == "u"));
    let config =
        load(", proxy-url: 'socks5://u:hunter2@127.0.0.1:3128', disable-compression: true", "").unwrap();
    assert_eq!(config.server.proxy.unwrap().to_string(), "socks5://127.0.0.1:3128");
    assert!(config.server.plain_answers);
}

#[test]
fn mistakes_name_the_file_the_context_and_the_field() {
    let here = "DIR/config: context `here`: ";
    let pem = base64("PEM");
    for (cluster, user, expected) in [
        (
            ", certificate-authority-data: '%'",
            "",
            "cluster `c`: certificate-authority-data is not PEM in base64",
        ),
        ("", "client-certificate-data: '%'", "user `u`: client-certificate-data is not PEM in base64"),
        (
            "",
            &format!("client-certificate-data: {pem}"),
            "user `u`: client-certificate is set, but client-key is not",
        ),
        (
            "",
            &format!("client-key-data: {pem}"),
            "user `u`: client-key is set, but client-certificate is not",
        ),
        (
            &format!(", insecure-skip-tls-verify: true, certificate-authority-data: {pem}"),
            "",
            "cluster `c`: insecure-skip-tls-verify and certificate-authority are both set",
        ),
    ] {
        assert_eq!(load(cluster, user).unwrap_err(), format!("{here}{expected}"));
    }
    let good = file("", "token: hunter2");
    for (from, to, expected) in [
        (
            "'https://10.0.0.1:6443'",
            "'https://u:hunter2@a'",
            "context `here`: cluster `c`: server: the server's URL holds a user, which is not supported",
        ),
        (
            "context: {cluster: c, user: u",
            "context: {cluster: x, user: u",
            "context `here`: there is no cluster `x`; the file has c",
        ),
        ("user: u,", "user: x,", "context `here`: there is no user `x`; the file has u"),
        (
            "current-context: here",
            "current-context: gone",
            "there is no context `gone`; the file has here, other",
        ),
        ("current-context: here", "current-context: ''", "has no current-context, and none is asked for"),
        (
            "token: hunter2",
            "token: [hunter2]",
            "context `here`: user `u`: token must be a text, but is a list",
        ),
        ("token: hunter2", "token: 'hunter2", "is not YAML"),
        ("users:", "users: hunter2 #", "users must be a list, but is a text"),
    ] {
        assert!(good.contains(from));
        let error = Folder::with(&good.replacen(from, to, 1)).load(None).unwrap_err();
        assert!(error.starts_with(&format!("DIR/config: {expected}")), "{error}\nis not {expected}");
    }
}

#[test]
fn json_and_empty_lists_are_read_too() {
    let json = r#"{"current-context":"a","clusters":[{"name":"c","cluster":{"server":"http://127.0.0.1:8001"}}],
        "contexts":[{"name":"a","context":{"cluster":"c","user":""}}],"users":null}"#;
    assert_eq!(Folder::with(json).load(None).unwrap().server.to_string(), "http://127.0.0.1:8001");
    let error = Folder::with("current-context: a\nclusters: null\n").load(None).unwrap_err();
    assert_eq!(error, "DIR/config: there is no context `a`; the file has none");
}
