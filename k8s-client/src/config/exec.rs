//! A user's `exec`: the program that knows who asks.

use std::path::{MAIN_SEPARATOR, PathBuf};

use super::Server;
use super::document::{Fields, Node};
use crate::error::{Error, Result};
use crate::secret::Secret;

/// What to run. Two that are equal give the same credential, so they share one run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ExecSpec {
    pub(crate) command: PathBuf,
    /// Some plugins take secrets here.
    pub(crate) args: Vec<Secret>,
    pub(crate) env: Vec<(String, Secret)>,
    pub(crate) version: &'static str,
    pub(crate) interactive: Interactive,
    pub(crate) install_hint: String,
    /// What the plugin is told of the cluster, as JSON, where it asks for that.
    pub(crate) cluster: Option<String>,
}

/// Whether the plugin may ask a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interactive {
    Never,
    IfAvailable,
    Always,
}

pub(crate) const V1: &str = "client.authentication.k8s.io/v1";
pub(crate) const V1BETA1: &str = "client.authentication.k8s.io/v1beta1";

impl ExecSpec {
    pub(super) fn read(
        exec: Fields<'_>,
        resolve: impl Fn(&str) -> PathBuf,
        server: &Server,
        cluster: Fields<'_>,
    ) -> Result<ExecSpec> {
        let command = exec.text("command")?.ok_or_else(|| Error::config("command is missing"))?;
        let version = match exec.text("apiVersion")? {
            Some(V1) => V1,
            Some(V1BETA1) => V1BETA1,
            Some(_) => {
                return Err(Error::config(format!("apiVersion must be {V1} or {V1BETA1}")));
            }
            None => return Err(Error::config(format!("apiVersion is missing; it is {V1} or {V1BETA1}"))),
        };
        let interactive = match exec.text("interactiveMode")? {
            Some("Never") => Interactive::Never,
            Some("IfAvailable") => Interactive::IfAvailable,
            Some("Always") => Interactive::Always,
            // The older version does not know the field.
            None if version == V1BETA1 => Interactive::IfAvailable,
            None => return Err(Error::config("interactiveMode is missing: Never, IfAvailable or Always")),
            Some(_) => return Err(Error::config("interactiveMode must be Never, IfAvailable or Always")),
        };
        let mut env = Vec::new();
        for entry in exec.list("env")? {
            let entry = Fields::of(Some(entry)).map_err(|error| error.within("env"))?;
            let (name, value) = (entry.text("name"), entry.secret("value"));
            let name = name.map_err(|error| error.within("env"))?;
            let name = name.ok_or_else(|| Error::config("env: an entry has no name"))?;
            let value = value.map_err(|error| error.within(format_args!("env: {name}")))?;
            env.push((name.to_owned(), value.cloned().unwrap_or_else(|| Secret::new(""))));
        }
        let cluster = if exec.flag("provideClusterInfo")? { Some(told(server, cluster)?) } else { None };
        Ok(ExecSpec {
            // Only a path is relative to the kubeconfig; a name is looked up in PATH.
            command: if command.contains(MAIN_SEPARATOR) { resolve(command) } else { command.into() },
            args: exec.secrets("args")?.into_iter().cloned().collect(),
            env,
            version,
            interactive,
            install_hint: exec.text("installHint")?.unwrap_or_default().trim().to_owned(),
            cluster,
        })
    }
}

/// `spec.cluster` of an ExecCredential.
fn told(server: &Server, cluster: Fields<'_>) -> Result<String> {
    use base64::Engine as _;
    let mut told = vec![("server".to_owned(), Node::text(server.to_string()))];
    let mut say = |name: &str, value: Node| told.push((name.to_owned(), value));
    if let Some(name) = &server.tls.server_name {
        say("tls-server-name", Node::text(name));
    }
    if server.tls.insecure {
        say("insecure-skip-tls-verify", Node::Flag(true));
    }
    if let Some(pem) = &server.tls.authority {
        let data = base64::engine::general_purpose::STANDARD.encode(pem.text.expose());
        say("certificate-authority-data", Node::text(&data));
    }
    if let Some(proxy) = cluster.secret("proxy-url")? {
        say("proxy-url", Node::Text(proxy.clone()));
    }
    if server.plain_answers {
        say("disable-compression", Node::Flag(true));
    }
    for extension in cluster.list("extensions")? {
        let extension = Fields::of(Some(extension)).map_err(|error| error.within("extensions"))?;
        if extension.text("name")? == Some("client.authentication.k8s.io/exec")
            && let Some(config) = extension.get("extension")
        {
            say("config", config.clone());
        }
    }
    let told = serde_json::to_string(&Node::Map(told));
    told.map_err(|_| Error::config("what the plugin is to be told of the cluster can't be written as JSON"))
}
