//! k8s-client, with what it does by default.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt as _;
use informer::{How, Last, Reader};
use k8s_api::codec::Decoder;
use k8s_api::core::v1::Pod;
use k8s_client::cache::Index;
use k8s_client::watch::{Config as Watch, Strategy};
use k8s_client::{Cache, Client, Config, Informer};
use tokio::sync::Notify;

struct Ours {
    cache: Arc<Cache<Pod>>,
    by_uid: Index<Pod, String>,
    seen: Arc<Seen>,
}

/// What the subscriber was told.
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
        if pod.metadata.resource_version == *last {
            self.done.notify_one();
        }
    }
}

/// Measures it.
pub fn main() {
    informer::main::<Ours>();
}

impl informer::Informer for Ours {
    type Client = Client;
    type Reader = Pods;

    fn client(how: &How) -> Client {
        Client::new(Config::plain(&how.url).expect("a configuration")).expect("a client")
    }

    async fn start(client: Client, how: &How) -> Self {
        let mut informer = Informer::new(client.all::<Pod>());
        let by_uid = informer.index(|pod: &Pod| Some(pod.metadata.uid.to_string()));
        let strategy = if how.stream { Strategy::Stream } else { Strategy::List };
        informer.config(Watch { strategy, ..Watch::default() });
        if how.pruned {
            let decoder = Decoder::new().interning(1 << 20);
            informer.decoder(decoder.prune(["metadata.managedFields"]).expect("a path"));
        }
        let cache = Arc::new(informer.start());
        let seen = Arc::new(Seen::default());
        let (subscriber, mut events) = (seen.clone(), cache.subscribe());
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                event.object().into_iter().for_each(|pod| subscriber.event(pod));
            }
        });
        cache.synced().await.unwrap();
        Self { cache, by_uid, seen }
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
        Pods { cache: self.cache.clone(), by_uid: self.by_uid.clone() }
    }
}

#[derive(Clone)]
struct Pods {
    cache: Arc<Cache<Pod>>,
    by_uid: Index<Pod, String>,
}

impl Reader for Pods {
    /// Parts of one text, since it is not asked how far apart the caller's own strings lie; Go's, too, lie side by side.
    type Key = (&'static str, &'static str);

    fn keys(&self) -> Vec<Self::Key> {
        let pods = self.cache.snapshot();
        let names = pods.iter().map(|pod| format!("{} {}\n", pod.metadata.namespace, pod.metadata.name));
        // They are needed until the end.
        let text: &str = Box::leak(names.collect::<String>().into_boxed_str());
        text.lines().filter_map(|line| line.split_once(' ')).collect()
    }

    fn uids(&self) -> Vec<String> {
        self.cache.snapshot().iter().map(|pod| pod.metadata.uid.to_string()).collect()
    }

    fn get(&self, keys: &[Self::Key]) -> usize {
        let pods = self.cache.snapshot();
        keys.iter().filter(|(namespace, name)| pods.get(namespace, name).is_some()).count()
    }

    fn get_owned(&self, keys: &[Self::Key]) -> usize {
        keys.iter().filter(|(namespace, name)| self.cache.get(namespace, name).is_some()).count()
    }

    fn by_uid(&self, uids: &[String]) -> usize {
        let pods = self.cache.snapshot();
        uids.iter().filter(|uid| pods.by(&self.by_uid, uid.as_str()).next().is_some()).count()
    }

    fn visit(&self) -> usize {
        self.cache.snapshot().iter().map(|pod| pod.metadata.name.len()).sum()
    }

    fn snapshot(&self) -> usize {
        self.cache.snapshot().len()
    }
}
