//! Which server to talk to, whom to trust, and as whom.

mod kubeconfig;
mod server;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::secret::Secret;

pub(crate) use server::{Identity, Server, Tls};

/// Everything that a [`Client`](crate::Client) needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) server: Server,
    pub(crate) login: Login,
    pub(crate) namespace: String,
    /// Where it comes from, for messages.
    pub(crate) origin: String,
}

/// Who asks, where that is not said by a client certificate.
#[derive(Clone, Debug)]
pub(crate) enum Login {
    None,
    Token(Secret),
    TokenFile(PathBuf),
}

impl Config {
    /// What `kubectl` would use: the file of the variable `KUBECONFIG`, or else `.kube/config` in the home folder; its
    /// current context.
    ///
    /// A list of files in `KUBECONFIG` is refused: merging them is not supported yet.
    pub fn kubeconfig() -> Result<Config> {
        Config::from_kubeconfig(kubeconfig::path(|name| std::env::var_os(name))?, None)
    }

    /// A context of a kubeconfig file; the current one for `None`.
    pub fn from_kubeconfig<'a>(
        path: impl AsRef<Path>,
        context: impl Into<Option<&'a str>>,
    ) -> Result<Config> {
        let (path, context) = (path.as_ref(), context.into());
        kubeconfig::load(path, context).map_err(|error| error.within(path.display()))
    }

    /// A server that asks for nothing, such as `http://127.0.0.1:8001` of `kubectl proxy`.
    pub fn plain(url: &str) -> Result<Config> {
        let server = Server::new(url, Tls::default())?;
        Ok(Config { origin: server.to_string(), server, login: Login::None, namespace: default_namespace() })
    }

    /// Sends a bearer token instead of what the configuration says.
    pub fn with_token(mut self, token: Secret) -> Config {
        self.login = Login::Token(token);
        self
    }

    /// Sends to another URL of the same server: a tunnel or a proxy that passes its TLS on.
    pub fn with_server(mut self, url: &str) -> Result<Config> {
        self.server = Server::new(url, self.server.tls)?;
        Ok(self)
    }

    /// The namespace that is meant where none is said.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }
}

impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.server, self.origin)
    }
}

fn default_namespace() -> String {
    "default".to_owned()
}

fn unsupported(field: &str) -> Error {
    Error::config(format!("`{field}` is not supported yet"))
}
