use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::Exec;
use crate::auth::{Credential as _, Proof};
use crate::config::{Config, Login, Timeouts};
use crate::outside::testing::{Handle, Virtual};
use crate::outside::{self, Outside};
use crate::{Client, Secret};

/// A folder with a kubeconfig and programs that stand in for plugins.
struct Stage(tempfile::TempDir);

impl Stage {
    fn new() -> Stage {
        Stage(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A shell script as a program of that name. A child writes it: as long as this process had it open for writing, none
    /// of its children could start it.
    fn plugin(&self, name: &str, script: &str) {
        let (source, program) = (self.path(&format!("{name}.source")), self.path(name));
        std::fs::write(&source, format!("#!/bin/sh\n{script}\n")).unwrap();
        let install =
            std::process::Command::new("install").args(["-m", "755"]).args([source, program]).status();
        assert!(install.unwrap().success());
    }

    fn config(&self, exec: &str) -> Result<Config, String> {
        let text = format!(
            "current-context: here\n\
             clusters: [{{name: c, cluster: {{server: 'https://10.0.0.1:6443', certificate-authority-data: Q0E=, \
             extensions: [{{name: client.authentication.k8s.io/exec, extension: {{audience: a1}}}}]}}}}]\n\
             contexts: [{{name: here, context: {{cluster: c, user: u}}}}]\n\
             users:\n- name: u\n  user:\n    exec:\n{}",
            exec.lines().map(|line| format!("      {line}\n")).collect::<String>()
        );
        std::fs::write(self.path("config"), text).unwrap();
        Config::from_kubeconfig(self.path("config"), None).map_err(|error| self.clean(&error.to_string()))
    }

    fn exec(&self, exec: &str, outside: Arc<dyn Outside>) -> Exec {
        let config = self.config(exec).unwrap();
        let shown = format!("{config:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
        let Login::Exec(spec) = &config.login else { panic!("{shown}") };
        Exec::new(spec, &config, outside).unwrap()
    }

    async fn run(&self, exec: &str) -> Result<Proof, String> {
        let proof = self.exec(exec, outside::real()).proof().await;
        proof.map_err(|error| {
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("hunter2"), "{shown}");
            self.clean(&error.to_string())
        })
    }

    fn clean(&self, text: &str) -> String {
        text.replace(&self.0.path().display().to_string(), "DIR")
    }

    /// How often the plugins ran, if they write a line for it.
    fn runs(&self) -> usize {
        std::fs::read_to_string(self.path("runs")).unwrap_or_default().lines().count()
    }
}

const V1: &str = "client.authentication.k8s.io/v1";
const V1BETA1: &str = "client.authentication.k8s.io/v1beta1";

/// Prints a token.
fn prints(version: &str, status: &str) -> String {
    format!(r#"echo '{{"apiVersion":"{version}","kind":"ExecCredential","status":{{{status}}}}}'"#)
}

fn bearer(token: &str) -> Proof {
    Proof::bearer(&Secret::new(token))
}

#[tokio::test]
async fn eks() {
    let it = Stage::new();
    let check = r#"test "$*" = "--region eu-west-1 eks get-token --cluster-name c --output json" || exit 7
                   test "$AWS_PROFILE" = ann || exit 8"#;
    let status = r#""expirationTimestamp":"2999-01-01T00:00:00Z","token":"k8s-aws-v1.hunter2""#;
    it.plugin("aws", &format!("{check}\n{}", prints(V1BETA1, status)));
    let exec = format!(
        "apiVersion: {V1BETA1}\ncommand: ./aws\n\
         args: [--region, eu-west-1, eks, get-token, --cluster-name, c, --output, json]\n\
         env: [{{name: AWS_PROFILE, value: ann}}]"
    );
    assert_eq!(it.run(&exec).await.unwrap(), bearer("k8s-aws-v1.hunter2"));
}

#[tokio::test]
async fn gke() {
    let it = Stage::new();
    let info = r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","spec":{"interactive":false,"cluster":{"server":"https://10.0.0.1:6443","certificate-authority-data":"Q0E=","config":{"audience":"a1"}}}}"#;
    let check = format!("test \"$KUBERNETES_EXEC_INFO\" = '{info}' || exit 7");
    let answer = r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","spec":{"interactive":false},"status":{"expirationTimestamp":"2999-01-01T00:00:00Z","token":"ya29.hunter2"}}"#;
    it.plugin("gke-gcloud-auth-plugin", &format!("{check}\necho '{answer}'"));
    let exec = format!(
        "apiVersion: {V1BETA1}\ncommand: ./gke-gcloud-auth-plugin\ninteractiveMode: Never\n\
         installHint: Install gke-gcloud-auth-plugin\nprovideClusterInfo: true"
    );
    assert_eq!(it.run(&exec).await.unwrap(), bearer("ya29.hunter2"));
}

#[tokio::test]
async fn aks() {
    let it = Stage::new();
    let check = r#"test "$*" = "get-token --environment AzurePublicCloud --server-id s --client-id c --tenant-id t --login devicecode" || exit 7
                   echo "$KUBERNETES_EXEC_INFO" | grep -q cluster && exit 8"#;
    it.plugin("kubelogin", &format!("{check}\n{}", prints(V1BETA1, r#""token":"eyJ0.hunter2""#)));
    let exec = format!(
        "apiVersion: {V1BETA1}\ncommand: ./kubelogin\nprovideClusterInfo: false\nenv: null\n\
         args: [get-token, --environment, AzurePublicCloud, --server-id, s, --client-id, c, --tenant-id, t, --login, devicecode]"
    );
    assert_eq!(it.run(&exec).await.unwrap(), bearer("eyJ0.hunter2"));
}

#[tokio::test]
async fn oidc_login() {
    let it = Stage::new();
    let check = "test \"$*\" = 'oidc-login get-token --oidc-issuer-url=https://i --oidc-client-id=c --oidc-client-secret=hunter2' || exit 7";
    it.plugin(
        "kubectl",
        &format!("{check}\n{}", prints(V1, r#""token":"eyJ1.hunter2","expirationTimestamp":null"#)),
    );
    let exec = format!(
        "apiVersion: {V1}\ncommand: ./kubectl\ninteractiveMode: IfAvailable\n\
         args: [oidc-login, get-token, '--oidc-issuer-url=https://i', --oidc-client-id=c, --oidc-client-secret=hunter2]"
    );
    assert_eq!(it.run(&exec).await.unwrap(), bearer("eyJ1.hunter2"));
}

#[tokio::test]
async fn a_certificate() {
    let it = Stage::new();
    let key = rcgen::KeyPair::generate().unwrap();
    let cert = rcgen::CertificateParams::new(vec!["ann".to_owned()]).unwrap().self_signed(&key).unwrap();
    let status = serde_json::json!({
        "clientCertificateData": cert.pem(), "clientKeyData": key.serialize_pem(), "token": "hunter2",
    });
    let answer = serde_json::json!({"apiVersion": V1, "kind": "ExecCredential", "status": status});
    std::fs::write(it.path("answer"), answer.to_string()).unwrap();
    it.plugin("plugin", "cat \"$(dirname \"$0\")/answer\"");
    let exec = format!("apiVersion: {V1}\ncommand: ./plugin\ninteractiveMode: Never");
    let proof = it.run(&exec).await.unwrap();
    assert_eq!(proof.identity.as_ref().unwrap().certificate.text.expose(), cert.pem());
    assert_eq!(proof.header, bearer("hunter2").header);
    let shown = format!("{proof:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("PRIVATE"), "{shown}");
}

#[tokio::test]
async fn what_goes_wrong_is_said_without_what_it_printed() {
    let it = Stage::new();
    let run = async |script: &str, expected: &str| {
        it.plugin("plugin", script);
        let exec = format!("apiVersion: {V1}\ncommand: ./plugin\ninteractiveMode: Never");
        let error = it.run(&exec).await.unwrap_err();
        assert_eq!(
            error,
            format!("DIR/config: context `here`: user `u`: the exec plugin DIR/plugin {expected}"),
            "{script}"
        );
    };
    run(
        "echo token hunter2; echo 'login expired, token: hunter2' >&2; exit 3",
        "failed (exit status: 3); it said: login expired, token: [redacted]",
    )
    .await;
    run("kill -9 $$", "failed (signal: 9 (SIGKILL))").await;
    run("echo 'no JSON hunter2'", "printed no ExecCredential in JSON (line 1, column 2)").await;
    run(
        "echo ignored >&2; echo '{\"kind\":\"hunter2\"}'",
        "printed JSON that is no ExecCredential; it said: ignored",
    )
    .await;
    run(
        &prints(V1BETA1, r#""token":"hunter2""#),
        "printed another apiVersion than the client.authentication.k8s.io/v1 that it is asked for",
    )
    .await;
    run(&prints(V1, r#""token":"""#), "printed neither a token nor a certificate").await;
    run(&prints(V1, r#""token":["hunter2"]"#), "printed no ExecCredential in JSON (line 1, column 90)").await;
    run(
        &prints(V1, r#""clientKeyData":"hunter2""#),
        "printed only one of clientCertificateData and clientKeyData",
    )
    .await;
    run(
        &prints(V1, r#""clientKeyData":"hunter2","clientCertificateData":"hunter2""#),
        "printed a certificate that can't be used: client-certificate holds no certificate in PEM",
    )
    .await;
    run(
        &prints(V1, r#""token":"hunter2","expirationTimestamp":"hunter2""#),
        "printed an expirationTimestamp that is no time",
    )
    .await;
    run(
        &format!("echo '{{\"apiVersion\":\"{V1}\",\"kind\":\"ExecCredential\"}}'"),
        "printed an ExecCredential without a status",
    )
    .await;
    run("head -c 5000000 /dev/zero", "printed more than a megabyte, which is no credential").await;
}

#[tokio::test]
async fn a_plugin_that_is_missing_says_how_to_get_it() {
    let it = Stage::new();
    let rest = format!(
        "apiVersion: {V1}\ninteractiveMode: Never\ninstallHint: |\n  See https://example.com/install\n"
    );
    assert_eq!(
        it.run(&format!("command: no-such-plugin\n{rest}")).await.unwrap_err(),
        "DIR/config: context `here`: user `u`: the exec plugin no-such-plugin is not installed, or not in PATH; \
         See https://example.com/install"
    );
    assert_eq!(
        it.run(&format!("command: bin/plugin\n{rest}")).await.unwrap_err(),
        "DIR/config: context `here`: user `u`: the exec plugin DIR/bin/plugin is not there; See https://example.com/install"
    );
}

#[tokio::test]
async fn a_plugin_that_never_ends_is_ended() {
    let it = Stage::new();
    it.plugin("plugin", "exec cat \"$(dirname \"$0\")/pipe\"");
    assert!(std::process::Command::new("mkfifo").arg(it.path("pipe")).status().unwrap().success());
    let config = it.config(&format!("apiVersion: {V1}\ncommand: ./plugin\ninteractiveMode: Never")).unwrap();
    let timeouts = Timeouts { plugin: Duration::from_millis(50), ..Timeouts::default() };
    let config = config.with_timeouts(timeouts);
    let Login::Exec(spec) = &config.login else { panic!() };
    let error = Exec::new(spec, &config, outside::real()).unwrap().proof().await.unwrap_err().to_string();
    assert!(error.ends_with("plugin did not end within 50ms"), "{error}");
}

#[tokio::test]
async fn who_has_to_ask_a_person_needs_one() {
    use std::io::IsTerminal as _;
    if std::io::stdin().is_terminal() {
        return;
    }
    let it = Stage::new();
    it.plugin("plugin", &prints(V1, r#""token":"hunter2""#));
    let exec = format!("apiVersion: {V1}\ncommand: ./plugin\ninteractiveMode: Always");
    let error = it.run(&exec).await.unwrap_err();
    assert!(
        error.ends_with("has to ask a person (interactiveMode Always), and standard input is no terminal"),
        "{error}"
    );
}

const COUNTED: &str = "echo run >> \"$(dirname \"$0\")/runs\"";

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_clients_share_one_run() {
    let it = Stage::new();
    let number = "$(wc -l < \"$(dirname \"$0\")/runs\")";
    let answer = format!(
        r#"echo "{{\"apiVersion\":\"{V1}\",\"kind\":\"ExecCredential\",\"status\":{{\"token\":\"t"{number}"\"}}}}""#
    );
    it.plugin("plugin", &format!("{COUNTED}\n{answer}"));
    let exec = format!("apiVersion: {V1}\ncommand: ./plugin\ninteractiveMode: Never");
    // Each reads the file for itself.
    let clients: Vec<Exec> = (0..100).map(|_| it.exec(&exec, outside::real())).collect();
    let proofs = join_all(clients.iter().map(|client| client.proof())).await;
    let first = proofs[0].as_ref().unwrap().clone();
    assert!(proofs.into_iter().all(|proof| proof.unwrap() == first));
    assert_eq!(it.runs(), 1);
    // All are turned away at the same time.
    let renewed = join_all(clients.iter().map(|client| client.renew(&first))).await;
    let second = renewed[0].as_ref().unwrap().clone().unwrap();
    assert!(second != first && renewed.into_iter().all(|proof| proof.unwrap().unwrap() == second));
    assert_eq!(it.runs(), 2);
    assert_eq!(clients[7].renew(&first).await.unwrap(), Some(second), "there is another one already");
    assert_eq!(it.runs(), 2);
    // Another user's plugin is another plugin.
    it.exec(&format!("{exec}\nargs: [x]"), outside::real()).proof().await.unwrap();
    assert_eq!(it.runs(), 3);
}

#[tokio::test]
async fn a_run_goes_on_without_whoever_asked_first() {
    let it = Stage::new();
    assert!(std::process::Command::new("mkfifo").arg(it.path("go")).status().unwrap().success());
    it.plugin(
        "plugin",
        &format!("{COUNTED}\ncat \"$(dirname \"$0\")/go\" > /dev/null\n{}", prints(V1, r#""token":"t""#)),
    );
    let exec =
        it.exec(&format!("apiVersion: {V1}\ncommand: ./plugin\ninteractiveMode: Never"), outside::real());
    let first = exec.proof();
    let mut first = tokio::spawn(first);
    // Opening the pipe waits for the plugin to be there.
    let go = it.path("go");
    let open = tokio::task::spawn_blocking(move || std::fs::File::options().write(true).open(go).unwrap());
    let pipe = tokio::select! {
        pipe = open => pipe.unwrap(),
        _ = &mut first => panic!("it waits for the pipe"),
    };
    first.abort();
    let second = exec.proof();
    drop(pipe);
    assert_eq!(second.await.unwrap(), bearer("t"));
    assert_eq!(it.runs(), 1);
}

#[tokio::test]
async fn a_credential_is_made_new_before_it_ends() {
    let it = Stage::new();
    let clock = Virtual::new();
    let pass = |time: u64| {
        let until = clock.after(clock.passed() + Duration::from_secs(time));
        clock.run(Handle(clock.clone()).wait(until));
    };
    // Ten minutes after the clock's start.
    let status = r#""token":"t","expirationTimestamp":"2027-01-15T08:10:00Z""#;
    let fails = "test -e \"$(dirname \"$0\")/broken\" && exit 1";
    it.plugin("plugin", &format!("{COUNTED}\n{fails}\n{}", prints(V1, status)));
    let exec = format!("apiVersion: {V1}\ncommand: ./plugin\ninteractiveMode: Never");
    let exec = it.exec(&exec, Arc::new(Handle(clock.clone())));
    exec.proof().await.unwrap();
    pass(539);
    exec.proof().await.unwrap();
    assert_eq!(it.runs(), 1);
    pass(1);
    exec.proof().await.unwrap();
    assert_eq!(it.runs(), 2, "a minute before its end");
    // What is left of it is used while the plugin fails.
    pass(50);
    std::fs::write(it.path("broken"), "").unwrap();
    assert_eq!(exec.proof().await.unwrap(), bearer("t"));
    pass(10);
    let error = exec.proof().await.unwrap_err().to_string();
    assert!(error.ends_with("failed (exit status: 1)"), "{error}");
}

#[test]
fn only_plugins_that_are_allowed_run() {
    let it = Stage::new();
    it.plugin("plugin", "exit 1");
    let exec = format!("apiVersion: {V1}\ncommand: ./plugin\ninteractiveMode: Never");
    let path = it.path("plugin").display().to_string();
    let client = |allowed: &[&str]| {
        let config = it.config(&exec).unwrap().allow_plugins(allowed.iter().copied());
        Client::new(config).map(|_| ()).map_err(|error| it.clean(&error.to_string()))
    };
    // The authority of the kubeconfig is none: that is found first.
    let error = client(&["aws"]).unwrap_err();
    assert!(error.contains("certificate-authority"), "{error}");
    let check = |allowed: &[&str]| {
        let allowed: Vec<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
        super::check(Path::new(&path), &allowed).map_err(|error| it.clean(&error.to_string()))
    };
    check(&["aws", &path]).unwrap();
    check(&[&format!("{}/./plugin", it.0.path().display())]).unwrap();
    assert_eq!(
        check(&["plugin"]).unwrap_err(),
        "the exec plugin DIR/plugin is not among those that are allowed: plugin"
    );
    assert_eq!(
        check(&[]).unwrap_err(),
        "the exec plugin DIR/plugin is not among those that are allowed: none"
    );
    let by_name = |command: &str, allowed: &str| super::check(Path::new(command), &[allowed.to_owned()]);
    by_name("sh", "sh").unwrap();
    by_name("sh", &super::run::find(Path::new("sh")).unwrap().display().to_string()).unwrap();
    assert!(by_name("sh", "cat").is_err() && by_name("no-such-plugin", "sh").is_err());
}

#[test]
fn a_spec_that_can_not_run_is_refused_by_field() {
    let it = Stage::new();
    let here = "DIR/config: context `here`: user `u`: exec: ";
    for (exec, expected) in [
        ("apiVersion: a", "command is missing"),
        (
            "command: a",
            "apiVersion is missing; it is client.authentication.k8s.io/v1 or client.authentication.k8s.io/v1beta1",
        ),
        (
            "command: a\napiVersion: client.authentication.k8s.io/v1alpha1",
            "apiVersion must be client.authentication.k8s.io/v1 or client.authentication.k8s.io/v1beta1",
        ),
        (
            "command: a\napiVersion: client.authentication.k8s.io/v1",
            "interactiveMode is missing: Never, IfAvailable or Always",
        ),
        (
            "command: a\napiVersion: client.authentication.k8s.io/v1\ninteractiveMode: Maybe",
            "interactiveMode must be Never, IfAvailable or Always",
        ),
        (
            "command: a\napiVersion: client.authentication.k8s.io/v1beta1\nenv: [{value: hunter2}]",
            "env: an entry has no name",
        ),
        (
            "command: a\napiVersion: client.authentication.k8s.io/v1beta1\nargs: [1]",
            "args must be a list of texts, but holds a number",
        ),
    ] {
        assert_eq!(it.config(exec).unwrap_err(), format!("{here}{expected}"));
    }
}
