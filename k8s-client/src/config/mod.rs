//! Which server to talk to, whom to trust, and as whom.
//!
//! [`Config::infer`] finds what a program is meant to use; [`Kubeconfig`] is the files that people keep. What a program knows
//! better is said on top:
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use k8s_client::config::{Config, Impersonation, Rate, Timeouts};
//!
//! # fn main() -> k8s_client::Result<()> {
//! let mut timeouts = Timeouts::default();
//! timeouts.connect = Duration::from_secs(3);
//! let mut config = Config::infer()?
//!     .with_namespace("web")
//!     .with_timeouts(timeouts)
//!     .with_user_agent("my-controller/1.2")?
//!     .with_proxy("socks5://127.0.0.1:1080")?
//!     .with_impersonation(Impersonation::user("ann"))?
//!     .allow_plugins(["aws"]);
//! if let Some(rate) = Rate::new(50.0, 100) {
//!     config = config.with_rate(rate);
//! }
//! # Ok(())
//! # }
//! ```

#[cfg(test)]
mod corpus;
mod document;
mod environment;
mod exec;
mod impersonate;
mod incluster;
mod infer;
mod kubeconfig;
mod merge;
mod oidc;
mod origin;
mod pem;
mod proxy;
mod resolve;
mod server;
mod settings;
mod write;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::secret::Secret;

pub use impersonate::Impersonation;
pub use kubeconfig::{Context, Kubeconfig};
pub use settings::{Rate, Timeouts};

pub(crate) use exec::{ExecSpec, Interactive};
pub(crate) use kubeconfig::{tokens_of, write_tokens};
pub(crate) use oidc::{OidcSpec, check as check_issuer};
pub(crate) use origin::Origin;
pub(crate) use pem::{Identity, Pem};
pub(crate) use proxy::Proxy;
pub(crate) use server::{Server, Tls};
pub(crate) use settings::Settings;
pub(crate) use write::{Lock, PAUSE, held, real};

/// Everything that a [`Client`](crate::Client) needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) server: Server,
    pub(crate) login: Login,
    pub(crate) impersonation: Option<Impersonation>,
    pub(crate) namespace: String,
    pub(crate) settings: Settings,
    /// Where it comes from, for messages; and in more detail where server and authority do, and who asks.
    pub(crate) origin: String,
    pub(crate) cluster_place: String,
    pub(crate) user_place: String,
}

/// Who asks, where that is not said by a client certificate.
#[derive(Clone, Debug)]
pub(crate) enum Login {
    None,
    Token(Secret),
    TokenFile(PathBuf),
    Basic(String, Secret),
    Exec(Arc<ExecSpec>),
    Oidc(Arc<OidcSpec>),
}

impl Config {
    /// The first of these that there is: the files of `KUBECONFIG`; the address in `KUBERNETES_MASTER`, as of
    /// [`Config::plain`]; `.kube/config` in the home folder; what a pod has ([`Config::in_cluster`]).
    ///
    /// What is there but broken is an error and never passed over, since the next would be another server. If there is
    /// none, the error says where it was looked for.
    ///
    /// ```no_run
    /// # fn main() -> k8s_client::Result<()> {
    /// let config = k8s_client::Config::infer()?;
    /// println!("talking to {config}");
    /// # Ok(())
    /// # }
    /// ```
    pub fn infer() -> Result<Config> {
        infer::infer(|name| std::env::var_os(name), Path::new(incluster::FOLDER))
    }

    /// What `kubectl` would use: the current context of the files of the variable `KUBECONFIG`, or else of `.kube/config`
    /// in the home folder.
    pub fn kubeconfig() -> Result<Config> {
        Kubeconfig::load()?.config(None)
    }

    /// A context of a kubeconfig file; the current one for `None`.
    pub fn from_kubeconfig<'a>(
        path: impl AsRef<Path>,
        context: impl Into<Option<&'a str>>,
    ) -> Result<Config> {
        Kubeconfig::read(path)?.config(context)
    }

    /// What the kubelet gives to a pod: the address in `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT`, and the
    /// files of its service account.
    pub fn in_cluster() -> Result<Config> {
        incluster::from(|name| std::env::var_os(name), Path::new(incluster::FOLDER))
    }

    /// A server, and a folder with the files `token`, `ca.crt` and `namespace` of a service account.
    ///
    /// The token and the authority are read again when they change.
    ///
    /// ```no_run
    /// # fn main() -> k8s_client::Result<()> {
    /// let config = k8s_client::Config::service_account("https://10.0.0.1:6443", "secrets/robot")?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn service_account(url: &str, folder: impl AsRef<Path>) -> Result<Config> {
        incluster::service_account(url, folder.as_ref())
    }

    /// A server that asks for nothing, such as `http://127.0.0.1:8001` of `kubectl proxy`.
    pub fn plain(url: &str) -> Result<Config> {
        let server = Server::new(url, Tls::default())?;
        let origin = server.to_string();
        Ok(Config::new(server, Login::None, default_namespace(), origin))
    }

    fn new(server: Server, login: Login, namespace: String, origin: String) -> Config {
        Config {
            server,
            login,
            impersonation: None,
            namespace,
            settings: Settings::default(),
            cluster_place: origin.clone(),
            user_place: origin.clone(),
            origin,
        }
    }

    /// Sends a bearer token instead of what the configuration says.
    pub fn with_token(mut self, token: Secret) -> Config {
        self.login = Login::Token(token);
        self.user_place = "Config::with_token".to_owned();
        self
    }

    /// Sends to another URL of the same server: a tunnel or a proxy that passes its TLS on.
    pub fn with_server(mut self, url: &str) -> Result<Config> {
        let Server { tls, proxy, direct, plain_answers, .. } = self.server;
        self.server = Server::new(url, tls)?;
        (self.server.proxy, self.server.direct, self.server.plain_answers) = (proxy, direct, plain_answers);
        self.cluster_place = format!("Config::with_server and {}", self.cluster_place);
        Ok(self)
    }

    /// Goes through a proxy: `http://`, `https://` or `socks5://`.
    ///
    /// It comes before the `proxy-url` of a kubeconfig, and that before the environment: without either of them, a client goes
    /// through the proxy in `HTTPS_PROXY` (or `HTTP_PROXY` if the server has no TLS), unless `NO_PROXY` names the server
    /// or it is on this machine, by the same rules as kubectl.
    pub fn with_proxy(mut self, url: &str) -> Result<Config> {
        self.server.proxy = Some(Proxy::new(url)?);
        Ok(self)
    }

    /// Goes straight to the server, whatever the kubeconfig or the environment say of proxies.
    pub fn without_proxy(mut self) -> Config {
        (self.server.proxy, self.server.direct) = (None, true);
        self
    }

    /// Whether long answers may come compressed (gzip), which they may unless the kubeconfig says `disable-compression`. It costs
    /// both sides time and saves the network about nine tenths of a list: worth it but for a server nearby. Watches are
    /// never compressed.
    pub fn with_compression(mut self, compression: bool) -> Config {
        self.server.plain_answers = !compression;
        self
    }

    /// Asks as somebody else, which the server allows to those who may `impersonate`.
    ///
    /// ```
    /// use k8s_client::Config;
    /// use k8s_client::config::Impersonation;
    ///
    /// # fn main() -> k8s_client::Result<()> {
    /// let config = Config::plain("http://127.0.0.1:8001")?.with_impersonation(Impersonation::user("ann"))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_impersonation(mut self, impersonation: Impersonation) -> Result<Config> {
        impersonation.headers()?;
        self.impersonation = Some(impersonation);
        Ok(self)
    }

    /// Another namespace that is meant where none is said.
    pub fn with_namespace(mut self, namespace: impl Into<String>) -> Config {
        self.namespace = namespace.into();
        self
    }

    /// Other times to wait.
    pub fn with_timeouts(mut self, timeouts: Timeouts) -> Config {
        self.settings.timeouts = timeouts;
        self
    }

    /// How many calls may be sent. Those that have to wait for it are told of in [`Client::load`](crate::Client::load).
    pub fn with_rate(mut self, rate: Rate) -> Config {
        self.settings.rate = Some(rate);
        self
    }

    /// What the program calls itself, such as `my-controller/1.2`. Without it the name of its file is sent, and what it was built for.
    pub fn with_user_agent(mut self, name: &str) -> Result<Config> {
        let name = http::HeaderValue::from_str(name);
        let name = name.map_err(|error| Error::config("the user agent can't be sent").caused(error))?;
        self.settings.user_agent = Some(name);
        Ok(self)
    }

    /// The only exec plugins that may run: names, which are looked up in `PATH`, or paths. Without this, whatever
    /// the kubeconfig names runs, as with kubectl.
    ///
    /// ```no_run
    /// # fn main() -> k8s_client::Result<()> {
    /// let config = k8s_client::Config::kubeconfig()?.allow_plugins(["aws", "/usr/bin/kubelogin"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn allow_plugins(mut self, plugins: impl IntoIterator<Item = impl Into<String>>) -> Config {
        self.settings.plugins = Some(plugins.into_iter().map(Into::into).collect());
        self
    }

    /// The namespace that is meant where none is said.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// How long things may take.
    pub fn timeouts(&self) -> Timeouts {
        self.settings.timeouts
    }

    /// How many calls may be sent, if that was said.
    pub fn rate(&self) -> Option<Rate> {
        self.settings.rate
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
