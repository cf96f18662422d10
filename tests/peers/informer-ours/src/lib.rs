//! k8s-client, with what it does by default.

use std::sync::{Arc, Mutex, PoisonError};

use informer::{How, Last, Reader};
use k8s_api::codec::Decoder;
use k8s_api::core::v1::Pod;
use k8s_client::cache::Index;
use k8s_client::watch::{Config as Watch, Strategy};
use k8s_client::{Cache, Client, Config, Informer};

struct Ours {
    cache: Arc<Cache<Pod>>,
    by_uid: Index<Pod, String>,
    last: Mutex<Option<Last>>,
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
        cache.synced().await.unwrap();
        Self { cache, by_uid, last: Mutex::new(None) }
    }

    fn expect(&self, last: &Last) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(last.clone());
    }

    async fn told(&self) -> Option<usize> {
        let last =
            self.last.lock().unwrap_or_else(PoisonError::into_inner).clone().expect("something to wait for");
        self.cache
            .until(|pods| {
                let pod = pods.get(&last.namespace, &last.name);
                pod.is_some_and(|pod| pod.metadata.resource_version.as_str() == last.version)
            })
            .await
            .unwrap();
        None
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
    type Key = (String, String);

    fn keys(&self) -> Vec<Self::Key> {
        let key = |pod: &Pod| (pod.metadata.namespace.to_string(), pod.metadata.name.to_string());
        self.cache.snapshot().iter().map(|pod| key(pod)).collect()
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
