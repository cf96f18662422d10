//! The server as a test has it.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::SystemTime;

use k8s_api::transport::Transport;
use serde_json::Value;

use super::core::Core;
use super::faults::Fault;
use super::front::{Front, InProcess};
use super::logs::{ContainerLog, LogRequest};
use super::outside::Clock;
use super::recorded::Recorded;
use crate::client::{Client, ClientBuilder};
use crate::error::{Error, Result};

/// An API server in memory. Clones are the same server.
#[derive(Clone)]
pub struct Server {
    pub(crate) front: Arc<Front>,
}

/// Sets up a [`Server`].
#[derive(Clone, Debug)]
#[must_use]
pub struct ServerBuilder {
    seed: u64,
    starts: SystemTime,
    history: usize,
    cleans: bool,
    openapi: Option<PathBuf>,
}

impl Default for ServerBuilder {
    fn default() -> ServerBuilder {
        ServerBuilder { seed: 0, starts: SystemTime::now(), history: 100_000, cleans: true, openapi: None }
    }
}

impl ServerBuilder {
    /// Where uids and generated names come from: the same seed gives the same ones in the same order.
    pub fn seed(mut self, seed: u64) -> ServerBuilder {
        self.seed = seed;
        self
    }

    /// What time it is there at first. It goes on as tokio's clock does, which a test may pause.
    pub fn starting_at(mut self, time: SystemTime) -> ServerBuilder {
        self.starts = time;
        self
    }

    /// How many changes are remembered for watches that resume and lists that go on.
    pub fn history(mut self, changes: usize) -> ServerBuilder {
        self.history = changes;
        self
    }

    /// Without what a garbage collector and a namespace controller would do: what is deleted stays until a test lets it go.
    pub fn without_cleanup(mut self) -> ServerBuilder {
        self.cleans = false;
        self
    }

    /// A folder of OpenAPI v3 documents, named as in `api__v1.json` and `apis__apps__v1.json`. Without it
    /// `/openapi/v3` is refused: the documents are too large to bring along.
    pub fn openapi(mut self, folder: impl Into<PathBuf>) -> ServerBuilder {
        self.openapi = Some(folder.into());
        self
    }

    /// Starts it: with the namespaces that every cluster has, and nothing else.
    pub fn build(self) -> Server {
        let clock = Clock::starting_at(self.starts);
        let core = Core::new(clock, self.seed, self.history, self.cleans, self.openapi);
        Server { front: Arc::new(Front::new(core)) }
    }
}

impl Default for Server {
    fn default() -> Server {
        Server::new()
    }
}

impl Server {
    /// A server with the usual settings.
    pub fn new() -> Server {
        ServerBuilder::default().build()
    }

    /// Sets one up.
    pub fn builder() -> ServerBuilder {
        ServerBuilder::default()
    }

    /// The way to it without sockets.
    pub fn transport(&self) -> Arc<dyn Transport> {
        Arc::new(InProcess(self.front.clone()))
    }

    /// A client of it, whose namespace is `default`.
    pub fn client(&self) -> Client {
        Client::over(self.transport(), "default")
    }

    /// A client of it, with policies of a test's own.
    pub fn client_builder(&self) -> ClientBuilder {
        Client::with_transport(self.transport(), "default")
    }

    /// Makes the objects of a YAML text, with their status; a namespace that is not there is made too. Says how many.
    pub fn load(&self, yaml: &str) -> Result<usize> {
        let documents: Vec<Value> = serde_saphyr::from_multiple(yaml)
            .map_err(|error| Error::request(format!("the objects to load are no YAML: {error}")))?;
        let mut made = 0;
        for (position, document) in documents.into_iter().enumerate() {
            let objects = match document["items"].as_array() {
                Some(items) => items.clone(),
                None if document.is_null() => continue,
                None => vec![document],
            };
            for object in objects {
                let what = super::seed::put(&self.front.core, object);
                what.map_err(|error| Error::request(format!("document {}: {error}", position + 1)))?;
                made += 1;
            }
        }
        Ok(made)
    }

    /// Says what containers have written, and with [`ContainerLog`] what they go on writing: `None` where it is not this one's to
    /// say.
    pub fn logs<L: Into<ContainerLog>>(
        &self,
        teller: impl Fn(&LogRequest) -> Option<L> + Send + Sync + 'static,
    ) {
        let mut logs = self.front.core.logs.lock().unwrap_or_else(PoisonError::into_inner);
        *logs = Some(Arc::new(move |request| teller(request).map(Into::into)));
    }

    /// From now on this goes wrong.
    pub fn inject(&self, fault: Fault) {
        self.front.faults().push(fault);
    }

    /// Nothing goes wrong any more.
    pub fn heal(&self) {
        self.front.faults().clear();
    }

    /// Breaks off every watch there is, and every log that is followed.
    pub fn cut_watches(&self) {
        self.front.cut();
    }

    /// Forgets what has happened so far, as etcd does when it is compacted: older versions are gone for watches and pages.
    pub fn forget_history(&self) {
        let mut state = self.front.core.state();
        state.store.forget();
        self.front.core.announce(&state);
    }

    /// What was asked since the last time that this was called.
    pub fn take_requests(&self) -> Vec<Recorded> {
        std::mem::take(&mut *self.front.recorded())
    }
}
