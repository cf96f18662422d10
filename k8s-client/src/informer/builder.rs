//! Sets up what follows a kind.

use std::fmt;
use std::sync::Arc;

use k8s_api::Resource;
use k8s_api::codec::Decoder;
use k8s_api::request::{self, verb};
use k8s_api::text::Str;

use super::core::Core;
use super::handle::Cache;
use super::hub::Hub;
use super::token::Identity;
use crate::api::Api;
use crate::cache::{Builder, Index, IntoParts, OrderedIndex, Store};
use crate::client::Client;
use crate::error::Result;
use crate::shard::{self, ShardMap, ShardSelector, Shardings, Wanted};
use crate::watch::{Change, Config, Health, Held, Source, follow};

/// Sets up a [`Cache`] of one kind.
///
/// ```no_run
/// # async fn f(client: k8s_client::Client) -> k8s_client::Result<()> {
/// use k8s_api::core::v1::Pod;
/// use k8s_client::Informer;
///
/// let mut informer = Informer::new(client.all::<Pod>());
/// let by_node = informer.index(|pod: &Pod| Some(pod.spec.node_name.clone()));
/// let cache = informer.start();
/// cache.synced().await?;
/// for pod in cache.snapshot().by(&by_node, "node-0") {
///     println!("{}", pod.metadata.name);
/// }
/// # Ok(())
/// # }
/// ```
pub struct Informer<K> {
    client: Client,
    resource: Identity,
    places: Vec<Place<K>>,
    builder: Builder<K>,
    config: Config,
    pub(super) decoder: Decoder<K>,
    /// None for all objects.
    shards: Option<Wanted>,
}

/// Where objects are followed.
struct Place<K> {
    /// None for all.
    namespace: Option<String>,
    list: request::List<K>,
    watch: request::Watch<K>,
}

/// What an informer's decoder holds to share equal texts, unless told otherwise.
const INTERNED: usize = 1 << 20;

impl<K: verb::List + verb::Watch> Informer<K> {
    /// An informer of everything that the handle reaches.
    pub fn new<P>(api: Api<K, P>) -> Self {
        Informer::of(api.client().clone(), Identity::of(&api), vec![Place::of(&api)])
    }

    fn of(client: Client, resource: Identity, places: Vec<Place<K>>) -> Self {
        let decoder = Decoder::new().interning(INTERNED);
        Informer {
            client,
            resource,
            places,
            builder: Builder::new(),
            config: Config::default(),
            decoder,
            shards: None,
        }
    }

    /// Of the same kind, and follows nothing.
    pub(super) fn of_nothing(&self) -> Self {
        Informer::of(self.client.clone(), self.resource.clone(), Vec::new())
    }

    pub(super) fn resource(&self) -> &Identity {
        &self.resource
    }

    /// Follows other places too, with a watch for each, into one cache. The handles have to be of the same server as the first.
    /// A namespace that is followed already is not followed twice.
    ///
    /// ```no_run
    /// # fn f(client: k8s_client::Client) {
    /// use k8s_api::core::v1::Pod;
    /// use k8s_client::Informer;
    ///
    /// let mut informer = Informer::new(client.namespaced::<Pod>("web"));
    /// informer.also(["db", "queue"].map(|namespace| client.namespaced::<Pod>(namespace)));
    /// let cache = informer.start();
    /// # }
    /// ```
    pub fn also<P>(&mut self, apis: impl IntoIterator<Item = Api<K, P>>) -> &mut Self {
        for api in apis {
            let place = Place::of(&api);
            if self.places.iter().all(|known| known.namespace.is_some() && known.namespace != place.namespace)
            {
                if place.namespace.is_none() {
                    self.places.clear();
                }
                self.places.push(place);
            }
        }
        self
    }

    /// Only objects with these labels, such as `app=api,tier in (a,b)`.
    pub fn labels(&mut self, selector: &str) -> &mut Self {
        self.narrow(|list| list.labels(selector), |watch| watch.labels(selector))
    }

    /// Only objects with these fields, such as `status.phase=Running`; each kind knows only some.
    pub fn fields(&mut self, selector: &str) -> &mut Self {
        self.narrow(|list| list.fields(selector), |watch| watch.fields(selector))
    }

    /// Only the object of this name.
    pub(super) fn only(&mut self, name: &str) -> &mut Self {
        self.narrow(|list| list.only(name), |watch| watch.only(name))
    }

    fn narrow(
        &mut self,
        list: impl Fn(request::List<K>) -> request::List<K>,
        watch: impl Fn(request::Watch<K>) -> request::Watch<K>,
    ) -> &mut Self {
        for place in &mut self.places {
            (place.list, place.watch) = (list(place.list.clone()), watch(place.watch.clone()));
        }
        self
    }

    /// Only the objects of some shards.
    ///
    /// The server is asked for them, and whatever it answers, nothing else gets into the cache: a server that can't do that, or
    /// does not (the gate `ShardedListAndWatch`), sends everything, and [`Cache::sharding`] says so. A decoder must leave `metadata.uid` and
    /// `metadata.namespace` as they are. A [token](crate::informer::Token) of a write to an object of another shard is reached with the server's next
    /// bookmark, a minute later at most.
    ///
    /// ```no_run
    /// # fn f(client: k8s_client::Client) {
    /// use k8s_api::core::v1::Pod;
    /// use k8s_client::Informer;
    /// use k8s_client::shard::{By, ShardSelector, Shards};
    ///
    /// // The second of three replicas that know their number.
    /// let mine = Shards::split(3).skip(1).take(1).collect();
    /// let mut informer = Informer::new(client.all::<Pod>());
    /// informer.shards(ShardSelector::new(mine, By::Uid));
    /// # }
    /// ```
    pub fn shards(&mut self, selector: ShardSelector) -> &mut Self {
        self.shards = Some(Wanted::Fixed(selector));
        self
    }

    /// Only the objects of the shards that this replica owns, whatever they are at a time.
    ///
    /// What belongs to a shard that was lost leaves the cache at once, which is told as [`Event::Released`](crate::informer::Event::Released). For
    /// what was gained there is a new complete state, and [`Cache::sharding`] says whether it is there. Before the replica has
    /// [joined](ShardMap::joined), the cache is not synced; a replica without shards has an empty one. The cache follows what is owned by some milliseconds: who is
    /// about to write asks [`ShardMap::owns`].
    pub fn sharded(&mut self, map: &ShardMap) -> &mut Self {
        self.shards = Some(Wanted::Owned(map.watch()));
        self
    }

    /// Finds objects by what `keys` says of them; the handle carries the type of the key.
    pub fn index<Key, I>(&mut self, keys: impl Fn(&K) -> I + Send + Sync + 'static) -> Index<K, Key>
    where
        Key: std::hash::Hash + Eq + Send + Sync + 'static,
        I: IntoIterator<Item = Key>,
    {
        self.builder.index(keys)
    }

    /// As [`index`](Self::index), by keys of several parts: found by the first ones of them, in order. See
    /// [`Builder::index_by`].
    pub fn index_by<const N: usize, I: IntoParts<N>>(
        &mut self,
        keys: impl Fn(&K) -> I + Send + Sync + 'static,
    ) -> OrderedIndex<K, N> {
        self.builder.index_by(keys)
    }

    /// As [`index`](Self::index), by what a JSONPath such as `spec.nodeName` finds. A path that objects of this kind can't have is an error.
    pub fn index_path(&mut self, path: &str) -> Result<Index<K, Str>> {
        self.builder.index_path(path)
    }

    /// Keeps a store of the program's own equal to the cache: it is told of every change once the cache has it.
    pub fn fill(&mut self, store: Arc<impl Store<K>>) {
        self.builder.fill(store);
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

    /// Begins to follow, on the runtime that this is called on, until nobody uses the cache any more.
    pub fn start(self) -> Cache<K> {
        let (writer, reader) = self.builder.build();
        let namespaces = self.places.iter().map(|place| place.namespace.clone()).collect();
        let outside = self.client.outside().clone();
        let hub = Hub::new(self.resource, outside, writer, namespaces);
        let core = Core::new(hub.clone());
        let shardings = self.shards.is_some().then(|| Shardings::new(self.places.len()));
        core.run(self.places.into_iter().enumerate().map(|(at, place)| {
            let (client, decoder, config) = (self.client.clone(), self.decoder.clone(), self.config.clone());
            let ending = Ending(hub.clone(), at);
            if let (Some(wanted), Some(shardings)) = (self.shards.clone(), shardings.clone()) {
                let source = move |selector: &ShardSelector| {
                    let text = selector.to_string();
                    let (list, watch) = (place.list.clone().shards(&text), place.watch.clone().shards(&text));
                    Source::new(client.clone(), list, watch, decoder.clone())
                };
                return tokio::spawn(shard::follow(wanted, source, config, (shardings, at), ending));
            }
            let source = Source::new(client, place.list, place.watch, decoder);
            // Only spreads clients over time.
            let seed = self.client.outside().random();
            let tell = move |changes, health: &Health| ending.0.tell(at, changes, health);
            tokio::spawn(follow(source, config, seed, tell))
        }));
        Cache { reader, core: Arc::new(core), shardings }
    }
}

impl<K: Resource> Place<K> {
    fn of<P>(api: &Api<K, P>) -> Place<K>
    where
        K: verb::List + verb::Watch,
    {
        let namespace = api.namespace().map(str::to_owned);
        Place { namespace, list: api.list_request(), watch: api.watch_request() }
    }
}

/// Held by a watch: whatever ends it, nobody waits for it any more.
struct Ending(Arc<Hub>, usize);

impl shard::Consumer for Ending {
    fn tell(&mut self, changes: Vec<Change<Held>>, health: &Health) {
        self.0.tell(self.1, changes, health);
    }

    fn release(&mut self, selector: &ShardSelector) {
        self.0.release(self.1, |object| selector.matches(object.metadata()));
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        let why = if std::thread::panicking() {
            "something that it called panicked"
        } else {
            "its runtime has ended"
        };
        self.0.end(why);
    }
}

impl<K> fmt::Debug for Informer<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let namespaces: Vec<_> = self.places.iter().map(|place| &place.namespace).collect();
        let mut debug = f.debug_struct("Informer");
        debug.field("namespaces", &namespaces).field("config", &self.config).finish_non_exhaustive()
    }
}
