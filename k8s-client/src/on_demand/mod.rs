//! Objects that are read when somebody asks for them.

mod shelf;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::future::IntoFuture as _;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use k8s_api::Resource;
use k8s_api::request::{Partial, verb};

use crate::api::Api;
use crate::error::{Error, Result};
use crate::informer::{Cache, Event, Handler};
use crate::outside::{self, Outside};
use crate::watch::{Held, into_kind};

pub use shelf::Rates;
use shelf::{Key, Known, Shelf};

/// What an [`OnDemand`] holds.
#[derive(Clone, Copy, Debug)]
pub struct Hold {
    /// So many objects at most: the ones asked for last.
    pub objects: usize,
    /// Each for so long at most, changed or not.
    pub ttl: Duration,
}

impl Default for Hold {
    /// 1,000 objects, for five minutes.
    fn default() -> Self {
        Hold { objects: 1_000, ttl: Duration::from_secs(300) }
    }
}

/// Objects of a kind that are many or large and seldom needed: their names and versions are followed, an object is read when somebody
/// asks for it, and some of those are held.
///
/// - An object that the keys don't know is not asked for: what does not exist costs nothing.
/// - What is held is given only if the keys know no later version of it.
/// - Whoever asks for an object that is being read waits for that answer, unless it was asked for before the version that the keys know;
///   so any number of callers send one request.
/// - A failed read is told to all who waited for it, and kept by nobody.
///
/// What is given is as new as the keys. Before those are complete, everything is asked for that is not held.
///
/// ```no_run
/// # async fn f(client: k8s_client::Client) -> k8s_client::Result<()> {
/// use k8s_api::core::v1::ConfigMap;
/// use k8s_client::on_demand::Hold;
/// use k8s_client::{Informer, OnDemand};
///
/// let all = client.all::<ConfigMap>();
/// let keys = Informer::new(all.metadata()).start();
/// keys.synced().await?;
/// let configs = OnDemand::new(all, keys, Hold { objects: 200, ..Hold::default() });
/// if let Some(config) = configs.get("web", "limits").await? {
///     println!("{} entries; {:.0}% of the reads were free", config.data.len(), configs.rates().hit_rate() * 100.0);
/// }
/// # Ok(())
/// # }
/// ```
pub struct OnDemand<K> {
    inner: Arc<Inner>,
    /// Hears of changes, to drop what is held of the state before.
    handler: Arc<Handler>,
    kind: PhantomData<fn() -> K>,
}

type Run = dyn Future<Output = Result<Option<Held>, Arc<Error>>> + Send;
type Flight = Shared<std::pin::Pin<Box<Run>>>;

struct Inner {
    keys: Box<dyn Fn(&Key) -> Known + Send + Sync>,
    fetch: Box<dyn Fn(&Key) -> BoxFuture<'static, Result<Option<Held>>> + Send + Sync>,
    outside: Arc<dyn Outside>,
    state: Mutex<State>,
}

struct State {
    shelf: Shelf,
    /// The reads on their way. Those for which nobody waits any more are not.
    flights: HashMap<Key, (u64, WeakShared<std::pin::Pin<Box<Run>>>)>,
    next: u64,
}

impl<K> Clone for OnDemand<K> {
    fn clone(&self) -> Self {
        OnDemand { inner: self.inner.clone(), handler: self.handler.clone(), kind: PhantomData }
    }
}

impl<K: verb::Get<Object = K>> OnDemand<K> {
    /// Objects of what `api` reaches, whose keys `keys` follows, which goes on for as long as this is held. It has to be made on a runtime.
    pub fn new<P>(api: Api<K, P>, keys: Cache<Partial<K>>, hold: Hold) -> Self {
        let api = api.one("");
        let fetch = move |(namespace, name): &Key| -> BoxFuture<'static, Result<Option<Held>>> {
            let read = api.one(namespace).get_opt(name).into_future();
            read.map(|object| Ok(object?.map(|object| Arc::new(object) as Held))).boxed()
        };
        let reader = keys.clone();
        let known = move |(namespace, name): &Key| {
            let keys = reader.snapshot();
            match keys.get(namespace, name) {
                Some(key) => at(key),
                None if keys.resource_version().is_none() => Known::Unknown,
                None => Known::Gone,
            }
        };
        let inner = Inner::new(known, fetch, hold, outside::real());
        let of = Arc::downgrade(&inner);
        let handler = keys.on_event(move |event| {
            let (object, known) = match &event {
                Event::Applied(object) => (object, at(&**object)),
                Event::Deleted(object) => (object, Known::Gone),
                _ => return std::future::ready(()),
            };
            if let Some(inner) = of.upgrade() {
                let metadata = object.metadata();
                let key = (metadata.namespace.clone(), metadata.name.clone());
                inner.lock().shelf.changed(&key, &known);
            }
            std::future::ready(())
        });
        OnDemand { inner, handler: Arc::new(handler), kind: PhantomData }
    }
}

fn at(key: &impl Resource) -> Known {
    let metadata = key.metadata();
    Known::At { uid: metadata.uid.clone(), version: metadata.resource_version.as_str().into() }
}

impl<K: Resource> OnDemand<K> {
    /// The object of this name; nothing if there is none. `namespace` is empty for what lives in none.
    pub async fn get(&self, namespace: &str, name: &str) -> Result<Option<Arc<K>>> {
        Ok(self.inner.get((namespace.into(), name.into())).await?.and_then(into_kind))
    }

    /// How often what is held helped.
    pub fn rates(&self) -> Rates {
        self.inner.lock().shelf.rates
    }
}

impl<K> fmt::Debug for OnDemand<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnDemand").field("rates", &self.inner.lock().shelf.rates).finish_non_exhaustive()
    }
}

impl Inner {
    fn new(
        keys: impl Fn(&Key) -> Known + Send + Sync + 'static,
        fetch: impl Fn(&Key) -> BoxFuture<'static, Result<Option<Held>>> + Send + Sync + 'static,
        hold: Hold,
        outside: Arc<dyn Outside>,
    ) -> Arc<Inner> {
        let state = State { shelf: Shelf::new(hold), flights: HashMap::new(), next: 0 };
        Arc::new(Inner { keys: Box::new(keys), fetch: Box::new(fetch), outside, state: Mutex::new(state) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn get(&self, key: Key) -> Result<Option<Held>> {
        // The second read has begun after the first had ended, and so after the caller asked: it is new enough.
        for last in [false, true] {
            let known = (self.keys)(&key);
            let (number, flight, is_ours) = {
                let mut state = self.lock();
                state.shelf.changed(&key, &known);
                if known == Known::Gone {
                    state.shelf.rates.absent += 1;
                    return Ok(None);
                }
                if let Some(held) = state.shelf.get(self.outside.now(), &key, &known) {
                    return Ok(Some(held));
                }
                self.board(&mut state, &key)
            };
            let result = flight.await;
            self.land(&key, number, &result);
            match result {
                Ok(Some(object)) if !(is_ours || last || known.is_in(&object)) => {}
                Ok(object) => return Ok(object),
                Err(error) => return Err(Error::shared(&error)),
            }
        }
        Ok(None)
    }

    /// The read on its way, or a new one.
    fn board(&self, state: &mut State, key: &Key) -> (u64, Flight, bool) {
        if let Some((number, flight)) = state.flights.get(key)
            && let Some(flight) = flight.upgrade()
        {
            state.shelf.rates.joined += 1;
            return (*number, flight, false);
        }
        state.shelf.rates.fetched += 1;
        state.next += 1;
        let run: std::pin::Pin<Box<Run>> = (self.fetch)(key).map(|result| result.map_err(Arc::new)).boxed();
        let flight = run.shared();
        if let Some(weak) = flight.downgrade() {
            state.flights.insert(key.clone(), (state.next, weak));
        }
        (state.next, flight, true)
    }

    /// The first one that comes back puts the object where others find it.
    fn land(&self, key: &Key, number: u64, result: &Result<Option<Held>, Arc<Error>>) {
        let mut state = self.lock();
        if state.flights.get(key).is_none_or(|(current, _)| *current != number) {
            return;
        }
        state.flights.remove(key);
        match result {
            Ok(Some(object)) => {
                let keys = |key: &Key| (self.keys)(key);
                state.shelf.put(self.outside.now(), key, object.clone(), keys);
            }
            Ok(None) => {}
            Err(_) => state.shelf.rates.failed += 1,
        }
    }
}
