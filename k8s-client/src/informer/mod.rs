//! An informer: a store that follows the server.

mod debounce;
mod net;
mod queue;

use std::sync::Arc;

use k8s_api::Resource;
use k8s_api::codec::Decoder;
use k8s_api::request::verb;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::api::Api;
use crate::cache::{Builder, Draft, Index, Reader, Snapshot, Writer};
use crate::watch::{Change, Config, Gone, Health, Held, Object as _, Source, follow};

/// Sets up a [`Cache`] of one kind.
///
/// ```no_run
/// # async fn f(client: k8s_client::Client) {
/// use k8s_api::core::v1::Pod;
/// use k8s_client::Informer;
///
/// let mut informer = Informer::new(client.all::<Pod>());
/// let by_node = informer.index(|pod: &Pod| Some(pod.spec.node_name.clone()));
/// let cache = informer.start();
/// cache.synced().await;
/// for pod in cache.snapshot().by(&by_node, "node-0") {
///     println!("{}", pod.metadata.name);
/// }
/// # }
/// ```
pub struct Informer<K, P> {
    api: Api<K, P>,
    builder: Builder<K>,
    config: Config,
    decoder: Decoder<K>,
}

/// What an informer's decoder holds to share equal texts, unless told otherwise.
const INTERNED: usize = 1 << 20;

impl<K: verb::List + verb::Watch, P: Send + 'static> Informer<K, P> {
    /// An informer of everything that the handle reaches.
    pub fn new(api: Api<K, P>) -> Self {
        Informer {
            api,
            builder: Builder::new(),
            config: Config::default(),
            decoder: Decoder::new().interning(INTERNED),
        }
    }

    /// Finds objects by what `keys` says of them; the handle carries the type of the key.
    pub fn index<Key, I>(&mut self, keys: impl Fn(&K) -> I + Send + Sync + 'static) -> Index<K, Key>
    where
        Key: std::hash::Hash + Eq + Send + Sync + 'static,
        I: IntoIterator<Item = Key>,
    {
        self.builder.index(keys)
    }

    /// How the watch behaves.
    pub fn config(&mut self, config: Config) {
        self.config = config;
    }

    /// Reads objects with another decoder, such as one that leaves out what nobody here needs. Without, equal texts of
    /// the objects share memory.
    ///
    /// ```no_run
    /// # fn f(client: k8s_client::Client) -> Result<(), k8s_api::path::PathError> {
    /// use k8s_api::codec::Decoder;
    /// use k8s_api::core::v1::Pod;
    /// use k8s_client::Informer;
    ///
    /// let mut informer = Informer::new(client.all::<Pod>());
    /// informer.decoder(Decoder::new().interning(1 << 20).prune(["metadata.managedFields"])?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn decoder(&mut self, decoder: Decoder<K>) {
        self.decoder = decoder;
    }

    /// Begins to follow, on the runtime that this is called on, until the cache is dropped.
    pub fn start(self) -> Cache<K> {
        let (writer, store) = self.builder.build();
        let (told, health) = watch::channel(Health::default());
        let mut applier = Applier { writer, draft: None };
        // Only spreads clients over time: whatever differs between two of them will do.
        let seed = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0);
        let (list, watch) = (self.api.list_request(), self.api.watch_request());
        let source = Source::new(self.api.client().clone(), list, watch, self.decoder);
        let task = tokio::spawn(follow(source, self.config, seed, move |changes, health| {
            applier.apply(changes);
            told.send_replace(health.clone());
        }));
        Cache { store, health, task: Task(task) }
    }
}

/// The objects of one kind as the server has them, a moment ago. Dropping it ends the watch.
pub struct Cache<K> {
    store: Reader<K>,
    health: watch::Receiver<Health>,
    task: Task,
}

struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<K: Resource> Cache<K> {
    /// Waits until a complete state has been read. It waits for ever where that is refused; [`Cache::health`] says so.
    pub async fn synced(&self) {
        let _ = self.health.clone().wait_for(|health| health.synced).await;
    }

    /// Waits until the watch tells a state for which `condition` holds.
    pub async fn until(&self, mut condition: impl FnMut(&Snapshot<K>) -> bool) {
        let store = self.store.clone();
        let _ = self.health.clone().wait_for(|_| condition(&store.snapshot())).await;
    }

    /// What is known now, all of the same moment; it stays as it is.
    pub fn snapshot(&self) -> Snapshot<K> {
        self.store.snapshot()
    }

    /// One object; `namespace` is empty for what lives in none.
    pub fn get(&self, namespace: &str, name: &str) -> Option<Arc<K>> {
        self.store.get(namespace, name)
    }

    /// How the watch is doing.
    pub fn health(&self) -> Health {
        self.health.borrow().clone()
    }

    /// Whether the watch still runs: it ends only with its runtime.
    pub fn is_running(&self) -> bool {
        !self.task.0.is_finished()
    }
}

/// Lays what the watch tells into the store.
struct Applier {
    writer: Writer,
    /// A complete state on the way, which replaces everything once it has been told.
    draft: Option<Draft>,
}

impl Applier {
    fn apply(&mut self, changes: Vec<Change<Held>>) {
        let mut live = Vec::new();
        for change in changes {
            match (change, &mut self.draft) {
                (Change::Begin { .. }, draft) => *draft = Some(self.writer.draft()),
                (Change::End { resource_version }, draft) => {
                    if let Some(mut draft) = draft.take() {
                        draft.set_resource_version(resource_version);
                        // What was told before the complete state is part of it, or void.
                        live.clear();
                        self.writer.replace(draft);
                    }
                }
                (change, Some(draft)) => lay(draft, change),
                (change, None) => live.push(change),
            }
        }
        // One publication for all that came at once.
        if !live.is_empty() {
            self.writer.batch(|draft| live.into_iter().for_each(|change| lay(draft, change)));
        }
    }
}

fn lay(draft: &mut Draft, change: Change<Held>) {
    match change {
        Change::Applied(object) => {
            draft.set_resource_version(object.resource_version().into());
            draft.put(object);
        }
        Change::Deleted(gone) => {
            if let Gone::Object(object) = &gone {
                draft.set_resource_version(object.resource_version().into());
            }
            draft.delete(gone.namespace(), gone.name());
        }
        Change::Bookmark { resource_version } => draft.set_resource_version(resource_version),
        Change::Quarantined(_) | Change::Begin { .. } | Change::End { .. } => {}
    }
}
