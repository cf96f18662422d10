//! The state folder of a cluster: what is written there before anything starts.

use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::build::STAGES;
use super::pki::{Authority, Identity};
use super::program::built_dir;
use super::{Options, Program};

/// The first line of every kubeconfig that a cluster writes: only such a file is ever overwritten.
pub(super) const MARK: &str = "# Written by `cargo xtask cluster up`; gone after `cargo xtask cluster down`.";

/// The user as which the harness itself talks to its cluster; never in the audit log.
const HARNESS: &str = "cluster-harness";

/// What kube-apiserver is reached under.
const NAMES: [&str; 7] = [
    "127.0.0.1",
    "::1",
    "localhost",
    "10.0.0.1",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
];

/// Every file of one cluster; it holds tokens, so it is never shown.
pub(super) struct State {
    pub(super) dir: PathBuf,
    pub(super) kubeconfig: PathBuf,
    pub(super) ca: Identity,
    pub(super) ca_pem: String,
    pub(super) serving: Identity,
    pub(super) kubelet_client: Identity,
    pub(super) kubelet_serving: Identity,
    pub(super) service_accounts: Identity,
    pub(super) admin_token: String,
    pub(super) harness_token: String,
    pub(super) server: String,
}

impl State {
    /// Writes everything into `dir`, which must not exist yet or be empty.
    pub(super) fn write(dir: &Path, options: &Options, port: u16) -> Result<State> {
        for dir in [dir.to_owned(), dir.join("pki"), dir.join("logs")] {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&dir)
                .with_context(|| format!("creating the state folder {}", dir.display()))?;
        }
        let authority = Authority::new(&dir.join("pki"), &options.name)?;
        let state = State {
            dir: dir.to_owned(),
            kubeconfig: options.kubeconfig.clone().unwrap_or_else(|| dir.join("kubeconfig")),
            ca: authority.identity(),
            ca_pem: authority.pem(),
            serving: authority.server("kube-apiserver", &NAMES)?,
            kubelet_client: authority.client("kube-apiserver-kubelet-client", &["system:masters"])?,
            kubelet_serving: authority.server("kubelet", &["127.0.0.1"])?,
            service_accounts: authority.signing_key("service-accounts")?,
            admin_token: token()?,
            harness_token: token()?,
            server: format!("https://127.0.0.1:{port}"),
        };
        state.write_users(&authority, &options.name)?;
        state.write_component_kubeconfigs(&authority)?;
        write(&state.file("audit-policy.yaml"), AUDIT_POLICY.as_bytes(), 0o600)?;
        Ok(state)
    }

    /// A certificate for kube-apiserver from a new authority, and that authority's own, which clients then have to trust.
    pub(super) fn another_serving(&self, authority: &str) -> Result<(Identity, String)> {
        let folder = self.file("pki/another");
        std::fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
        let authority = Authority::new(&folder, authority)?;
        Ok((authority.server("kube-apiserver", &NAMES)?, authority.pem()))
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub(super) fn log(&self, program: Program) -> PathBuf {
        self.dir.join("logs").join(format!("{program}.log"))
    }

    /// The kubeconfig of the program itself.
    pub(super) fn component_kubeconfig(&self, program: Program) -> PathBuf {
        self.file(&format!("{program}.kubeconfig"))
    }

    /// The people: three ways to be an administrator, and somebody who may do nothing.
    fn write_users(&self, authority: &Authority, cluster: &str) -> Result<()> {
        let (exec_token, nobody_token) = (token()?, token()?);
        let tokens = format!(
            "{},admin-token,admin-token,system:masters\n{},{HARNESS},{HARNESS},system:masters\n\
             {exec_token},admin-exec,admin-exec,system:masters\n{nobody_token},nobody,nobody\n",
            self.admin_token, self.harness_token
        );
        write(&self.file("tokens.csv"), tokens.as_bytes(), 0o600)?;

        let plugin = self.file("exec-plugin");
        let credential = format!(
            r#"{{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{{"token":"{exec_token}"}}}}"#
        );
        write(&plugin, format!("#!/bin/sh\necho '{credential}'\n").as_bytes(), 0o700)?;

        let admin = authority.client("admin-cert", &["system:masters"])?;
        let users = [
            ("cert", certificate(&admin)?),
            ("token", format!("token: {}", self.admin_token)),
            (
                "exec",
                format!(
                    "exec: {{apiVersion: client.authentication.k8s.io/v1, command: {}, interactiveMode: Never}}",
                    quoted(&plugin)
                ),
            ),
            ("nobody", format!("token: {nobody_token}")),
        ];
        let text = format!("{MARK}\n{}", self.kubeconfig_text(cluster, &users));
        write(&self.kubeconfig, text.as_bytes(), 0o600)
    }

    fn write_component_kubeconfigs(&self, authority: &Authority) -> Result<()> {
        for (program, user, groups) in [
            (Program::KubeControllerManager, "system:kube-controller-manager", &[][..]),
            (Program::KubeScheduler, "system:kube-scheduler", &[][..]),
            (Program::Kwok, "kwok", &["system:masters"][..]),
        ] {
            let identity = authority.client(user, groups)?;
            let text = self.kubeconfig_text("local", &[(program.name(), certificate(&identity)?)]);
            write(&self.component_kubeconfig(program), text.as_bytes(), 0o600)?;
        }
        Ok(())
    }

    /// One context a user, named like the user; the first is the current one.
    fn kubeconfig_text(&self, cluster: &str, users: &[(&str, String)]) -> String {
        let current = users.first().map_or("", |(name, _)| name);
        let ca = STANDARD.encode(&self.ca_pem);
        let mut text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: {current}\nclusters:\n- name: {cluster}\n  cluster:\n    server: {}\n    \
             certificate-authority-data: {ca}\ncontexts:\n",
            self.server
        );
        for (user, _) in users {
            text.push_str(&format!("- name: {user}\n  context: {{cluster: {cluster}, user: {user}}}\n"));
        }
        text.push_str("users:\n");
        for (user, credential) in users {
            text.push_str(&format!("- name: {user}\n  user:\n    {credential}\n"));
        }
        text
    }

    /// What simulated nodes and pods do: kwok's own life cycles, and answers for logs, exec, attach and port-forward.
    pub(super) fn write_kwok_config(&self, options: &Options, kwok_port: u16) -> Result<PathBuf> {
        let log = self.file("pod.log");
        write(&log, POD_LOG.as_bytes(), 0o600)?;
        let stages = built_dir(&Program::Kwok.pin(&options.version))?.join(STAGES);
        let stages = std::fs::read_to_string(&stages)
            .with_context(|| format!("reading kwok's stages {}", stages.display()))?;
        let log = quoted(&log);
        let config = format!(
            "apiVersion: kwok.x-k8s.io/v1alpha1\nkind: ClusterLogs\nmetadata: {{name: all}}\nspec: {{logs: [{{logsFile: {log}, follow: true}}]}}\n---\n\
             apiVersion: kwok.x-k8s.io/v1alpha1\nkind: ClusterExec\nmetadata: {{name: all}}\nspec: {{execs: [{{local: {{}}}}]}}\n---\n\
             apiVersion: kwok.x-k8s.io/v1alpha1\nkind: ClusterAttach\nmetadata: {{name: all}}\nspec: {{attaches: [{{logsFile: {log}}}]}}\n---\n\
             apiVersion: kwok.x-k8s.io/v1alpha1\nkind: ClusterPortForward\nmetadata: {{name: all}}\nspec:\n  forwards:\n  \
             - {{ports: [80, 8080], target: {{port: {kwok_port}, address: 127.0.0.1}}}}\n  - {{command: [cat]}}\n{stages}"
        );
        let path = self.file("kwok.yaml");
        write(&path, config.as_bytes(), 0o600)?;
        Ok(path)
    }
}

/// Everything that people send, with its body; what the control plane says to itself is left out.
const AUDIT_POLICY: &str = "apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  users: [system:apiserver, system:kube-controller-manager, system:kube-scheduler, kwok, cluster-harness]
- level: None
  userGroups: [system:serviceaccounts]
- level: Request
";

const POD_LOG: &str = "2026-01-01T00:00:00.000000000Z stdout F line one
2026-01-01T00:00:01.000000000Z stdout F line two
2026-01-01T00:00:02.000000000Z stderr F line three
";

fn certificate(identity: &Identity) -> Result<String> {
    let read = |path: &Path| std::fs::read(path).with_context(|| format!("reading {}", path.display()));
    let (cert, key) = (STANDARD.encode(read(&identity.cert)?), STANDARD.encode(read(&identity.key)?));
    Ok(format!("client-certificate-data: {cert}\n    client-key-data: {key}"))
}

fn token() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).context("asking the system for random bytes")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A path as a YAML scalar.
fn quoted(path: &Path) -> String {
    serde_json::Value::from(path.to_string_lossy()).to_string()
}

/// Writes a file that only its owner reads.
pub(super) fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let open = || std::fs::File::options().write(true).create(true).truncate(true).mode(mode).open(path);
    open().and_then(|mut file| file.write_all(bytes)).with_context(|| format!("writing {}", path.display()))
}
