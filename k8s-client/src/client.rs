//! The middle of the client: everything that it asks goes through here.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use k8s_api::operation::Verb;
use k8s_api::transport::{Call, Fault, Lane, Limits, Reply, ReplyBody, Sent, Transport, TransportError};

use crate::auth::{Credential, credential};
use crate::config::{Config, Timeouts};
use crate::error::{Error, Request, Result};
use crate::middleware::impersonate;
use crate::middleware::preset::Preset;
use crate::middleware::stack::stack;
use crate::outside::{self, Outside};
use crate::transport::{self, Http};

/// Talks to one API server. Clones share everything.
#[derive(Clone)]
pub struct Client(Arc<Shared>);

struct Shared {
    stack: Arc<dyn Transport>,
    namespace: String,
    preset: Preset,
    timeouts: Timeouts,
    outside: Arc<dyn Outside>,
}

/// Sets up a [`Client`].
pub struct ClientBuilder {
    below: Below,
    namespace: String,
    preset: Preset,
    outside: Arc<dyn Outside>,
}

enum Below {
    Network(Box<Config>),
    Transport(Arc<dyn Transport>),
}

impl ClientBuilder {
    /// How persistent the client is, instead of [`Preset::DEFAULT`].
    pub fn retry(mut self, preset: Preset) -> ClientBuilder {
        self.preset = preset;
        self
    }

    /// Time and chance of a test's own.
    #[cfg(test)]
    pub(crate) fn outside(mut self, outside: Arc<dyn Outside>) -> ClientBuilder {
        self.outside = outside;
        self
    }

    /// Makes the client; it connects with its first call.
    pub fn build(self) -> Result<Client> {
        let ClientBuilder { below, namespace, preset, outside } = self;
        let mut timeouts = Timeouts::default();
        let (transport, credential): (Arc<dyn Transport>, Option<Arc<dyn Credential>>) = match below {
            Below::Transport(transport) => (transport, None),
            Below::Network(config) => {
                timeouts = config.settings.timeouts;
                transport::check(&config)?;
                let transport = Http::new(&config.server, &config.settings, outside.clone());
                let mut transport: Arc<dyn Transport> =
                    Arc::new(transport.map_err(|error| error.within(&config.origin))?);
                if let Some(impersonation) = &config.impersonation {
                    transport = impersonate::layer(transport, impersonation.headers()?);
                }
                (transport, credential(&config, &outside)?)
            }
        };
        let stack = stack(transport, credential, preset, outside.clone());
        Ok(Client(Arc::new(Shared { stack, namespace, preset, timeouts, outside })))
    }
}

impl Client {
    /// A client for what [`Config::infer`] finds. It connects with its first call.
    ///
    /// ```no_run
    /// # fn main() -> k8s_client::Result<()> {
    /// let client = k8s_client::Client::infer()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn infer() -> Result<Client> {
        Client::new(Config::infer()?)
    }

    /// A client for what a configuration says.
    pub fn new(config: Config) -> Result<Client> {
        Client::builder(config).build()
    }

    /// The same, with more to say.
    pub fn builder(config: Config) -> ClientBuilder {
        let namespace = config.namespace.clone();
        let below = Below::Network(Box::new(config));
        ClientBuilder { below, namespace, preset: Preset::default(), outside: outside::real() }
    }

    /// A client above a transport that is not the network. All policies but the credential run above it.
    pub fn with_transport(transport: Arc<dyn Transport>, namespace: impl Into<String>) -> ClientBuilder {
        ClientBuilder {
            below: Below::Transport(transport),
            namespace: namespace.into(),
            preset: Preset::default(),
            outside: outside::real(),
        }
    }

    /// Its time and chance.
    pub(crate) fn outside(&self) -> &Arc<dyn Outside> {
        &self.0.outside
    }

    /// The namespace of the configuration.
    pub fn namespace(&self) -> &str {
        &self.0.namespace
    }

    /// Sends a call. An answer that refuses it is an error.
    ///
    /// Limits that the call doesn't have are set: the total of the preset for what ends by itself, and what
    /// [`Timeouts`] says of the head of an answer that may be asked for again, and of silence in a watch.
    pub async fn send(&self, call: Call) -> Result<Reply> {
        let (_, reply) = self.ask(call).await?;
        Ok(reply)
    }

    /// Sends a call and reads the whole answer.
    pub async fn bytes(&self, call: Call) -> Result<Bytes> {
        let (request, reply) = self.ask(call).await?;
        let read = match reply.body {
            ReplyBody::Whole(bytes) => Ok(bytes),
            ReplyBody::Stream(stream) => stream.map_ok(Vec::from).try_concat().await.map(Bytes::from),
            other => {
                let message = format!("the answer is {other:?}, which can't be read to an end");
                Err(TransportError::new(Sent::Unknown, Fault::Setup, message))
            }
        };
        read.map_err(|error| Error::failed(request, error))
    }

    async fn ask(&self, mut call: Call) -> Result<(Request, Reply)> {
        self.limit(&mut call);
        let path = call.head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let request = Request { op: call.meta.op.clone(), method: call.head.method.clone(), path };
        let reply = match self.0.stack.send(call).await {
            Ok(reply) => reply,
            Err(error) => return Err(Error::failed(request, error)),
        };
        // The policies follow no redirect, and an API server sends none: it would lead to another server.
        if reply.head.status.is_success() || reply.head.status == http::StatusCode::SWITCHING_PROTOCOLS {
            return Ok((request, reply));
        }
        let body = match &reply.body {
            ReplyBody::Whole(body) => &body[..],
            _ => &[],
        };
        Err(Error::refused(request, &reply.head, body, self.0.outside.date()))
    }

    fn limit(&self, call: &mut Call) {
        let timeouts = self.0.timeouts;
        let Limits { deadline, head, idle, .. } = &mut call.meta.limits;
        match call.meta.lane {
            Lane::Watch | Lane::Upgrade => {
                *head = head.or(Some(timeouts.answer));
                // A followed log may be silent for as long as it likes.
                if call.meta.lane == Lane::Watch && call.meta.op.verb == Verb::Watch {
                    *idle = idle.or(Some(timeouts.silence));
                }
            }
            lane => {
                *deadline = deadline.or_else(|| self.0.outside.now().checked_add(self.0.preset.total));
                // A write whose answer is late is not repeated, so it has all the time there is.
                if lane != Lane::Write {
                    *head = head.or(Some(timeouts.answer));
                    *idle = idle.or(Some(timeouts.answer));
                }
            }
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("namespace", &self.0.namespace).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
