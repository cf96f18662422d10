//! The middle of the client: everything that it asks goes through here.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use k8s_api::operation::Verb;
use k8s_api::transport::{
    BoxError, Call, Fault, Lane, Limits, Reply, ReplyBody, Sent, Transport, TransportError,
};

use crate::auth::{Credential, credential};
use crate::config::{Config, Origin, Rate, Timeouts};
use crate::error::{Error, Request, Result};
use crate::middleware::observe::Listener;
use crate::middleware::propagate::Trace;
use crate::middleware::stack::{Gauges, Policies, stack};
use crate::middleware::{Breaker, Load, Observer, Preset, Propagate, Warnings, impersonate, user_agent};
use crate::outside::{self, Outside};
use crate::transport::{self, AllCounters, Connections, Http};

/// Talks to one API server. Clones share everything.
#[derive(Clone)]
pub struct Client(Arc<Shared>);

struct Shared {
    stack: Arc<dyn Transport>,
    gauges: Gauges,
    namespace: String,
    preset: Preset,
    timeouts: Timeouts,
    origin: Origin,
    server: Server,
    outside: Arc<dyn Outside>,
    connections: AllCounters,
}

/// Tells one server from another, for what is only comparable within one.
#[derive(Clone, Debug)]
pub(crate) struct Server(Arc<str>);

impl PartialEq for Server {
    /// Of what is behind another transport than the network only this very client knows.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || !self.0.is_empty() && self.0 == other.0
    }
}

/// Sets up a [`Client`].
pub struct ClientBuilder {
    below: Below,
    namespace: String,
    policies: Policies,
    outside: Arc<dyn Outside>,
    #[cfg(feature = "testing")]
    recorder: Option<crate::testing::Recorder>,
}

enum Below {
    Network(Box<Config>),
    Transport(Arc<dyn Transport>),
}

impl ClientBuilder {
    fn new(below: Below, namespace: String) -> ClientBuilder {
        ClientBuilder {
            below,
            namespace,
            policies: Policies::default(),
            outside: outside::real(),
            #[cfg(feature = "testing")]
            recorder: None,
        }
    }

    /// How persistent the client is, instead of [`Preset::DEFAULT`].
    pub fn retry(mut self, preset: Preset) -> ClientBuilder {
        self.policies.preset = preset;
        self
    }

    /// At most so many calls a second, as [`Config::with_rate`]. Without it there is no such limit: the server has one of its
    /// own, priority and fairness, and knows better than a client who has to wait.
    ///
    /// Every attempt counts; a watch counts once. Renewals of leases never wait. A call that could only be sent after its
    /// deadline fails at once. [`Client::load`] says how much was waited.
    ///
    /// ```
    /// use k8s_client::config::Rate;
    /// # fn f(config: k8s_client::Config) -> Option<k8s_client::Result<k8s_client::Client>> {
    /// let client = k8s_client::Client::builder(config).rate(Rate::new(50.0, 100)?).build();
    /// # Some(client)
    /// # }
    /// ```
    pub fn rate(mut self, rate: Rate) -> ClientBuilder {
        self.policies.rate = Some(rate);
        self
    }

    /// At most so many calls at a time; the others wait in order. Without it there is no such limit.
    ///
    /// A call has its place until its answer is read or dropped, a watch and an upgrade only until the head of the answer has
    /// come. Renewals of leases need none.
    ///
    /// ```
    /// # fn f(config: k8s_client::Config) -> k8s_client::Result<k8s_client::Client> {
    /// k8s_client::Client::builder(config).concurrency(64).build()
    /// # }
    /// ```
    pub fn concurrency(mut self, calls: u32) -> ClientBuilder {
        self.policies.concurrency = Some(calls);
        self
    }

    /// Stops sending for a while when the server is not there, so that calls fail at once and say so.
    ///
    /// Off unless it is asked for: where several servers are behind one address, a retry gets through while one of them
    /// restarts, and an open circuit does not. Renewals of leases are always sent.
    ///
    /// ```
    /// # fn f(config: k8s_client::Config) -> k8s_client::Result<k8s_client::Client> {
    /// k8s_client::Client::builder(config).breaker(k8s_client::middleware::Breaker::default()).build()
    /// # }
    /// ```
    pub fn breaker(mut self, breaker: Breaker) -> ClientBuilder {
        self.policies.breaker = Some(breaker);
        self
    }

    /// Sends a number with every call, under which kube-apiserver's audit log has it (`auditID`).
    ///
    /// It is in the call's span and in the error of a call without an answer. Off unless it is asked for; the server then makes
    /// one up, which an answer has in its header `Audit-Id`.
    ///
    /// ```
    /// # fn f(config: k8s_client::Config) -> k8s_client::Result<k8s_client::Client> {
    /// k8s_client::Client::builder(config).request_ids().build()
    /// # }
    /// ```
    pub fn request_ids(mut self) -> ClientBuilder {
        self.policies.request_ids = true;
        self
    }

    /// Sends the headers of a trace that the program knows of with every call.
    pub fn propagate(mut self, propagate: impl Propagate) -> ClientBuilder {
        self.policies.trace = Some(Trace::By(Arc::new(propagate)));
        self
    }

    /// Sends W3C's `traceparent` with a trace of its own for every call, which all its attempts share. It does not ask the
    /// server to record it.
    pub fn new_traces(mut self) -> ClientBuilder {
        self.policies.trace = Some(Trace::New);
        self
    }

    /// Leaves a create alone whose outcome is not known, for programs to whom it matters that it was they who created it.
    ///
    /// Without this the client looks whether the object is there: an object of this name that holds all that was sent, and
    /// is no older than the call, is taken for the call's own, and where there is none it is created again. What it can't tell apart
    /// is an equal object that somebody else created at the same time, and an object that was created by the call and deleted at
    /// once. So what serves as a lock needs either this, or something in it that says whose it is.
    ///
    /// ```
    /// # fn f(config: k8s_client::Config) -> k8s_client::Result<k8s_client::Client> {
    /// k8s_client::Client::builder(config).unconfirmed_creates().build()
    /// # }
    /// ```
    pub fn unconfirmed_creates(mut self) -> ClientBuilder {
        self.policies.unconfirmed_creates = true;
        self
    }

    /// Tells `observer` what happens to the calls.
    pub fn observer(mut self, observer: impl Observer) -> ClientBuilder {
        self.policies.listener = Listener::new(observer);
        self
    }

    /// What is done with the server's warnings, instead of [`Warnings::log`].
    pub fn warnings(mut self, warnings: Warnings) -> ClientBuilder {
        self.policies.warnings = warnings;
        self
    }

    /// Keeps what goes to the server and what comes back.
    #[cfg(feature = "testing")]
    pub fn recorder(mut self, recorder: &crate::testing::Recorder) -> ClientBuilder {
        self.recorder = Some(recorder.clone());
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
        #[cfg(feature = "testing")]
        let recorder = self.recorder;
        let ClientBuilder { below, namespace, mut policies, outside, .. } = self;
        if policies.concurrency == Some(0) {
            return Err(Error::config(
                "a concurrency of 0 lets no call go: ask for at least one, or for no limit",
            ));
        }
        let (mut timeouts, mut origin) = (Timeouts::default(), Origin::default());
        let mut connections = AllCounters::default();
        let mut server = String::new();
        let (transport, credential): (Arc<dyn Transport>, Option<Arc<dyn Credential>>) = match below {
            Below::Transport(transport) => (transport, None),
            Below::Network(mut config) => {
                policies.rate = policies.rate.or(config.settings.rate);
                config.settings.user_agent.get_or_insert_with(user_agent::default);
                let found = config.server.find_proxy(|name| std::env::var_os(name));
                found.map_err(|error| error.within(&config.origin))?;
                (timeouts, origin) = (config.settings.timeouts, Origin::of(&config));
                server = config.server.to_string();
                transport::check(&config)?;
                let transport = Http::new(&config.server, &config.settings, outside.clone());
                let transport = transport.map_err(|error| error.within(&config.origin))?;
                connections = transport.counters();
                let mut transport: Arc<dyn Transport> = Arc::new(transport);
                if let Some(impersonation) = &config.impersonation {
                    transport = impersonate::layer(transport, impersonation.headers()?);
                }
                (transport, credential(&config, &outside)?)
            }
        };
        #[cfg(feature = "testing")]
        let transport = match recorder {
            Some(recorder) => recorder.over(transport),
            None => transport,
        };
        let parts = Parts { namespace, policies, outside, timeouts, origin, server, connections };
        Ok(parts.client(transport, credential))
    }
}

/// All that a client is made of but the way to its server; nothing of it can be wrong any more.
struct Parts {
    namespace: String,
    policies: Policies,
    outside: Arc<dyn Outside>,
    timeouts: Timeouts,
    origin: Origin,
    server: String,
    connections: AllCounters,
}

impl Parts {
    fn client(self, transport: Arc<dyn Transport>, credential: Option<Arc<dyn Credential>>) -> Client {
        let Parts { namespace, mut policies, outside, timeouts, origin, server, connections } = self;
        let preset = policies.preset;
        policies.answer = Some(timeouts.answer);
        let (stack, gauges) = stack(transport, credential, policies, outside.clone());
        Client(Arc::new(Shared {
            stack,
            gauges,
            namespace,
            preset,
            timeouts,
            origin,
            server: Server(server.into()),
            outside,
            connections,
        }))
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
        ClientBuilder::new(below, namespace)
    }

    /// A client above a transport that is not the network. All policies but the credential run above it.
    pub fn with_transport(transport: Arc<dyn Transport>, namespace: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(Below::Transport(transport), namespace.into())
    }

    /// The same with the usual policies, of which none can be wrong.
    #[cfg(feature = "testing")]
    pub(crate) fn over(transport: Arc<dyn Transport>, namespace: &str) -> Client {
        let parts = Parts {
            namespace: namespace.to_owned(),
            policies: Policies::default(),
            outside: outside::real(),
            timeouts: Timeouts::default(),
            origin: Origin::default(),
            server: String::new(),
            connections: AllCounters::default(),
        };
        parts.client(transport, None)
    }

    /// The namespace of the configuration.
    pub fn namespace(&self) -> &str {
        &self.0.namespace
    }

    /// How much is held back by limits of this client's own, for people and for metrics.
    ///
    /// ```
    /// # fn f(client: k8s_client::Client) {
    /// let load = client.load();
    /// println!("{} calls wait for the rate limit, {:?} in all so far", load.rate.waiting, load.rate.total);
    /// # }
    /// ```
    pub fn load(&self) -> Load {
        self.0.gauges.load()
    }

    /// What became of its connections so far. Above another transport than the network it is all zero.
    pub fn connections(&self) -> Connections {
        self.0.connections.read()
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
        self.read(call, |bytes| Ok::<_, BoxError>(bytes.clone())).await
    }

    /// Sends a call and makes something of the whole answer.
    pub(crate) async fn read<T, E: Into<BoxError>>(
        &self,
        call: Call,
        read: impl FnOnce(&Bytes) -> Result<T, E>,
    ) -> Result<T> {
        let (request, reply) = self.ask(call).await?;
        let body = match reply.body {
            ReplyBody::Whole(bytes) => Ok(bytes),
            ReplyBody::Stream(stream) => stream.map_ok(Vec::from).try_concat().await.map(Bytes::from),
            other => {
                let message = format!("the answer is {other:?}, which can't be read to an end");
                Err(TransportError::new(Sent::Unknown, Fault::Setup, message))
            }
        };
        match body {
            Ok(body) => read(&body).map_err(|error| Error::decode(request, error)),
            Err(error) => Err(Error::failed(request, error, &self.0.origin)),
        }
    }

    /// Sends a call whose answer is read piece by piece; an error is the last one.
    pub(crate) async fn open(&self, call: Call) -> Result<BoxStream<'static, Result<Bytes>>> {
        let (request, reply) = self.ask(call).await?;
        let pieces = match reply.body {
            ReplyBody::Whole(bytes) => stream::once(std::future::ready(Ok(bytes))).boxed(),
            ReplyBody::Stream(stream) => stream,
            other => {
                let message = format!("the answer is {other:?}, which can't be read to an end");
                let error = TransportError::new(Sent::Unknown, Fault::Setup, message);
                return Err(Error::failed(request, error, &self.0.origin));
            }
        };
        let origin = self.0.origin.clone();
        Ok(pieces.map_err(move |error| Error::failed(request.clone(), error, &origin)).boxed())
    }

    pub(crate) fn preset(&self) -> Preset {
        self.0.preset
    }

    pub(crate) fn timeouts(&self) -> Timeouts {
        self.0.timeouts
    }

    pub(crate) fn server(&self) -> &Server {
        &self.0.server
    }

    pub(crate) fn outside(&self) -> &Arc<dyn Outside> {
        &self.0.outside
    }

    async fn ask(&self, mut call: Call) -> Result<(Request, Reply)> {
        self.limit(&mut call);
        let request = Request::of(&call);
        let reply = match self.0.stack.send(call).await {
            Ok(reply) => reply,
            Err(error) => return Err(Error::failed(request, error, &self.0.origin)),
        };
        // The policies follow no redirect, and an API server sends none: it would lead to another server.
        if reply.head.status.is_success() || reply.head.status == http::StatusCode::SWITCHING_PROTOCOLS {
            return Ok((request, reply));
        }
        let body = match &reply.body {
            ReplyBody::Whole(body) => &body[..],
            _ => &[],
        };
        Err(Error::refused(request, &reply.head, body, self.0.outside.date(), &self.0.origin))
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
            // What is read piece by piece may be long; it must not be silent.
            Lane::Read if !call.meta.whole => {
                *head = head.or(Some(timeouts.answer));
                *idle = idle.or(Some(timeouts.answer));
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
