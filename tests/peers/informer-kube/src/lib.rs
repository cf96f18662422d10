//! kube, with what it does by default: a reflector, and whoever reads its stream.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt as _;
use informer::{How, Last, Reader};
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client, Config, ResourceExt as _};
use tokio::sync::Notify;

struct Kube {
    store: Store<Pod>,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    told: AtomicUsize,
    last: Mutex<String>,
    done: Notify,
}

impl Seen {
    fn event(&self, pod: &Pod) {
        self.told.fetch_add(1, Ordering::Relaxed);
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if pod.metadata.resource_version.as_ref() == Some(&last) {
            self.done.notify_one();
        }
    }
}

/// Measures it.
pub fn main() {
    informer::main::<Kube>();
}

impl informer::Informer for Kube {
    type Client = Client;
    type Reader = Pods;

    fn client(how: &How) -> Client {
        Client::try_from(Config::new(how.url.parse().expect("a URL"))).expect("a client")
    }

    async fn start(client: Client, how: &How) -> Self {
        let config = watcher::Config::default();
        let config = if how.stream { config.streaming_lists() } else { config };
        let (store, writer) = reflector::store::<Pod>();
        let seen = Arc::new(Seen::default());
        let stream = watcher(Api::<Pod>::all(client), config).default_backoff().reflect(writer);
        let subscriber = seen.clone();
        tokio::spawn(async move {
            let mut stream = pin!(stream);
            while let Some(event) = stream.next().await {
                match event.expect("an event") {
                    watcher::Event::Apply(pod) | watcher::Event::Delete(pod) => subscriber.event(&pod),
                    _ => {}
                }
            }
        });
        store.wait_until_ready().await.expect("a store");
        Self { store, seen }
    }

    fn expect(&self, last: &Last) {
        self.seen.told.store(0, Ordering::Relaxed);
        *self.seen.last.lock().unwrap_or_else(PoisonError::into_inner) = last.version.clone();
    }

    async fn told(&self) -> Option<usize> {
        self.seen.done.notified().await;
        Some(self.seen.told.load(Ordering::Relaxed))
    }

    fn reader(&self) -> Pods {
        Pods(self.store.clone())
    }
}

#[derive(Clone)]
struct Pods(Store<Pod>);

impl Reader for Pods {
    type Key = ObjectRef<Pod>;

    fn keys(&self) -> Vec<Self::Key> {
        let mut pods = self.0.state();
        pods.sort_by_key(|pod| pod.name_any());
        let key =
            |pod: &Arc<Pod>| ObjectRef::new(&pod.name_any()).within(&pod.namespace().unwrap_or_default());
        pods.iter().map(key).collect()
    }

    fn uids(&self) -> Vec<String> {
        let mut uids: Vec<String> = self.0.state().iter().filter_map(|pod| pod.uid()).collect();
        uids.sort();
        uids
    }

    fn get(&self, keys: &[Self::Key]) -> usize {
        self.get_owned(keys)
    }

    fn get_owned(&self, keys: &[Self::Key]) -> usize {
        keys.iter().filter(|key| self.0.get(key).is_some()).count()
    }

    fn by_uid(&self, uids: &[String]) -> usize {
        // There is no index: this is how it is looked for.
        let find = |uid: &String| self.0.find(|pod| pod.metadata.uid.as_ref() == Some(uid));
        uids.iter().filter(|uid| find(uid).is_some()).count()
    }

    fn visit(&self) -> usize {
        self.0.state().iter().map(|pod| pod.metadata.name.as_ref().map_or(0, String::len)).sum()
    }

    fn snapshot(&self) -> usize {
        self.0.state().len()
    }
}
