//! One informer for all who want the same.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use k8s_api::request::verb;

use super::builder::Informer;
use super::core::Core;
use super::handle::Cache;
use super::token::Identity;
use crate::api::Api;
use crate::error::{Error, Result};

/// Gives all parts of a program that follow the same objects the same informer: one watch, one store. A clone is the same factory.
///
/// What is the same is the kind, the server, the place and the selectors.
///
/// ```no_run
/// # async fn f(client: k8s_client::Client) -> k8s_client::Result<()> {
/// use std::time::Duration;
/// use k8s_api::core::v1::{Node, Pod};
/// use k8s_client::informer::Factory;
///
/// let factory = Factory::new();
/// let pods = factory.informer(&client.all::<Pod>());
/// let by_node = pods.setup(|pods| pods.index(|pod: &Pod| [pod.spec.node_name.clone()]))?;
/// let nodes = factory.informer(&client.cluster::<Node>());
///
/// factory.start();
/// factory.synced_within(Duration::from_secs(30)).await?;
/// for node in &nodes.cache().snapshot() {
///     println!("{}: {} pods", node.metadata.name, pods.cache().snapshot().by(&by_node, &node.metadata.name).count());
/// }
/// factory.stop().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Factory(Arc<Mutex<Entries>>);

/// More than one only where there are several servers.
type Entries = BTreeMap<Wanted, Vec<Box<dyn Entry>>>;

/// What is followed; the server is looked at apart, since servers have no order.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Wanted {
    kind: TypeId,
    resource: String,
    namespace: Option<String>,
    labels: String,
    fields: String,
}

/// An informer of any kind.
trait Entry: Send {
    fn start(&self);
    fn core(&self) -> Option<Arc<Core>>;
    fn as_any(&self) -> &dyn Any;
}

impl Factory {
    /// A factory that has made nothing yet.
    pub fn new() -> Self {
        Factory::default()
    }

    /// The informer of what the handle reaches.
    pub fn informer<K: verb::List + verb::Watch, P>(&self, api: &Api<K, P>) -> SharedInformer<K> {
        self.selected(api, "", "")
    }

    /// The informer of the objects with these labels and fields; an empty selector is none.
    pub fn selected<K, P>(&self, api: &Api<K, P>, labels: &str, fields: &str) -> SharedInformer<K>
    where
        K: verb::List + verb::Watch,
    {
        let mut informer = Informer::new(api.clone());
        if !labels.is_empty() {
            informer.labels(labels);
        }
        if !fields.is_empty() {
            informer.fields(fields);
        }
        let wanted = Wanted {
            kind: TypeId::of::<K>(),
            resource: informer.resource().name(),
            namespace: api.namespace().map(str::to_owned),
            labels: labels.to_owned(),
            fields: fields.to_owned(),
        };
        let mut all = self.lock();
        let alike = all.entry(wanted).or_default();
        let mut known = alike.iter().filter_map(|entry| entry.as_any().downcast_ref::<SharedInformer<K>>());
        if let Some(known) = known.find(|known| known.resource == *informer.resource()) {
            return known.clone();
        }
        let shared = SharedInformer::new(informer);
        alike.push(Box::new(shared.clone()));
        shared
    }

    /// Starts all that were asked for and have not started.
    pub fn start(&self) {
        self.lock().values().flatten().for_each(|entry| entry.start());
    }

    /// Waits until each that was started has read a complete state, for so long at most in all. The error is that of the first that has
    /// not, as of [`Cache::synced_within`].
    pub async fn synced_within(&self, limit: Duration) -> Result<()> {
        let cores = self.cores();
        let Some(first) = cores.first() else { return Ok(()) };
        let outside = first.hub.outside.clone();
        let started = outside.now();
        for core in &cores {
            let passed = outside.now().saturating_duration_since(started);
            core.synced_within(limit, limit.saturating_sub(passed)).await?;
        }
        Ok(())
    }

    /// Stops all, as [`Cache::stop`] does, and forgets them: who asks anew gets a new one.
    pub async fn stop(&self) {
        let cores = self.cores();
        self.lock().clear();
        for core in cores {
            core.stop().await;
        }
    }

    fn cores(&self) -> Vec<Arc<Core>> {
        self.lock().values().flatten().filter_map(|entry| entry.core()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Factory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.lock();
        f.debug_set().entries(all.keys().map(|wanted| (&wanted.resource, &wanted.namespace))).finish()
    }
}

/// An informer that several parts of a program share. A clone is the same informer.
pub struct SharedInformer<K> {
    resource: Identity,
    stage: Arc<Mutex<Stage<K>>>,
}

enum Stage<K> {
    Setup(Box<Informer<K>>),
    Started(Cache<K>),
}

impl<K> Clone for SharedInformer<K> {
    fn clone(&self) -> Self {
        SharedInformer { resource: self.resource.clone(), stage: self.stage.clone() }
    }
}

impl<K: verb::List + verb::Watch> SharedInformer<K> {
    fn new(informer: Informer<K>) -> Self {
        let resource = informer.resource().clone();
        SharedInformer { resource, stage: Arc::new(Mutex::new(Stage::Setup(Box::new(informer)))) }
    }

    fn lock(&self) -> MutexGuard<'_, Stage<K>> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets up what all share: adds an index, leaves fields out. Once it has started it is an error.
    pub fn setup<R>(&self, setup: impl FnOnce(&mut Informer<K>) -> R) -> Result<R> {
        match &mut *self.lock() {
            Stage::Setup(informer) => Ok(setup(informer)),
            Stage::Started(_) => Err(Error::request(format!(
                "the shared informer of {} has started: set it up before",
                self.resource.name()
            ))),
        }
    }

    /// The cache. It is started if it was not, on the runtime that this is called on.
    pub fn cache(&self) -> Cache<K> {
        let mut stage = self.lock();
        let cache = match &mut *stage {
            Stage::Started(cache) => return cache.clone(),
            Stage::Setup(informer) => {
                let nothing = informer.of_nothing();
                std::mem::replace(&mut **informer, nothing).start()
            }
        };
        *stage = Stage::Started(cache.clone());
        cache
    }
}

impl<K: verb::List + verb::Watch> Entry for SharedInformer<K> {
    fn start(&self) {
        self.cache();
    }

    fn core(&self) -> Option<Arc<Core>> {
        match &*self.lock() {
            Stage::Started(cache) => Some(cache.core.clone()),
            Stage::Setup(_) => None,
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl<K> fmt::Debug for SharedInformer<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedInformer").field("of", &self.resource.name()).finish_non_exhaustive()
    }
}
