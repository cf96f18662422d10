//! Caches and streams follow thousands of changes of several writers, while the server and the way to it fail. After each fault all of them
//! are equal to a fresh list, and nothing was lost in between but across a relist, which was told.
//!
//! Every fault prints a line: what it was, how long it took until everything was known, how many objects were compared, what the stream told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use k8s_api::core::v1::ConfigMap;
use k8s_client::watch::{self, Event, Strategy};
use k8s_client::{Api, Cache, Client, Config, Informer, Preset};
use k8s_tests::{blocking, options};
use tokio::sync::watch as channel;
use tokio::task::JoinHandle;
use xtask::cluster::{Cluster, Ending, FaultProxy, Link, Program};

const NAMESPACE: &str = "default";
const WRITERS: usize = 4;
/// Names of each writer.
const NAMES: u64 = 150;
/// Writes that are done at least while a fault is there, and again before the next one.
const STORM: usize = 400;

/// Name and version of everything.
type Versions = BTreeMap<String, String>;

fn entry(config: &ConfigMap) -> (String, String) {
    (config.metadata.name.to_string(), config.metadata.resource_version.to_string())
}

/// Numbers that only have to differ.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Writers of config maps, past whatever is broken for those who read.
struct Writers {
    client: Client,
    going: Arc<AtomicBool>,
    done: channel::Sender<usize>,
    /// What the server said it has stored, a name and a version each.
    stored: Arc<Mutex<Vec<(String, String)>>>,
    tasks: Vec<JoinHandle<()>>,
    seed: u64,
}

impl Writers {
    fn new(client: Client) -> Writers {
        let going = Arc::new(AtomicBool::new(false));
        Writers {
            client,
            going,
            done: channel::Sender::new(0),
            stored: Arc::default(),
            tasks: Vec::new(),
            seed: 0,
        }
    }

    fn go(&mut self) {
        self.going.store(true, Ordering::SeqCst);
        for writer in 0..WRITERS {
            self.seed += 1;
            let (mut dice, configs) = (Dice(self.seed), self.client.namespaced::<ConfigMap>(NAMESPACE));
            let (going, done, stored) = (self.going.clone(), self.done.clone(), self.stored.clone());
            self.tasks.push(tokio::spawn(async move {
                while going.load(Ordering::SeqCst) {
                    let name = format!("w{writer}-{}", dice.below(NAMES));
                    // What fails has failed: that is what the writers are for.
                    if let Ok(Some(made)) = write(&configs, &name, dice.below(10), dice.below(1 << 30)).await
                    {
                        stored.lock().unwrap().push(entry(&made));
                    }
                    done.send_modify(|done| *done += 1);
                }
            }));
        }
    }

    /// Waits until so many more writes were tried.
    async fn after(&self, more: usize) {
        let until = *self.done.borrow() + more;
        self.done.subscribe().wait_for(|done| *done >= until).await.unwrap();
    }

    async fn halt(&mut self) {
        self.going.store(false, Ordering::SeqCst);
        for task in self.tasks.drain(..) {
            task.await.unwrap();
        }
    }
}

/// One change of an object, whether it is there or not.
async fn write(
    configs: &Api<ConfigMap>,
    name: &str,
    choice: u64,
    value: u64,
) -> k8s_client::Result<Option<ConfigMap>> {
    if choice == 0 {
        configs.delete(name).await?;
        return Ok(None);
    }
    let mut config = ConfigMap::default();
    config.metadata.name = name.into();
    config.data.insert("value".into(), value.to_string().into());
    match configs.get_opt(name).await? {
        None => configs.create(&config).await,
        Some(_) => configs.replace(&config).await,
    }
    .map(Some)
}

/// What a stream has told.
#[derive(Default)]
struct Told {
    there: Versions,
    /// All versions of each name that came.
    versions: BTreeMap<String, BTreeSet<String>>,
    applied: usize,
    deleted: usize,
    relists: usize,
}

/// Takes down what a stream tells, and that it tells every object in order.
fn take_down(client: &Client, told: Arc<Mutex<Told>>) -> JoinHandle<()> {
    let mut events =
        client.namespaced::<ConfigMap>(NAMESPACE).watch().events().config(watch_config(Strategy::Stream));
    tokio::spawn(async move {
        let number = |version: &str| version.parse::<u64>().unwrap();
        while let Some(event) = events.next().await {
            let mut told = told.lock().unwrap();
            match event {
                Event::Applied(config) => {
                    let (name, version) = entry(&config);
                    let known = told.versions.entry(name.clone()).or_default();
                    assert!(
                        known.iter().all(|known| number(known) < number(&version)),
                        "{name}@{version} after {known:?}"
                    );
                    known.insert(version.clone());
                    told.there.insert(name, version);
                    told.applied += 1;
                }
                Event::Deleted(gone) => {
                    assert!(told.there.remove(gone.name()).is_some(), "{} was not there", gone.name());
                    told.deleted += 1;
                }
                Event::Resynced { .. } => told.relists += 1,
                Event::Quarantined(bad) => panic!("{bad:?}"),
                _ => {}
            }
        }
    })
}

/// As by default, but impatient: a dead connection is given up after seconds.
fn watch_config(strategy: Strategy) -> watch::Config {
    let mut config = watch::Config { strategy, page: Some(100), ..watch::Config::default() };
    config.idle = Duration::from_secs(5);
    config.backoff.cap = Duration::from_secs(1);
    config
}

struct Fixture {
    cluster: Arc<Cluster>,
    proxy: Arc<FaultProxy>,
    /// One for each way to read the complete state.
    caches: [Cache<ConfigMap>; 2],
    told: Arc<Mutex<Told>>,
    taking: JoinHandle<()>,
    writers: Writers,
    compared: usize,
    lines: Vec<String>,
}

impl Fixture {
    async fn new() -> Fixture {
        let cluster = blocking(|| {
            let mut options = options()?;
            options.only_api = true;
            Cluster::start(options)
        });
        let cluster = Arc::new(cluster.await);
        let proxied = cluster.clone();
        let proxy = Arc::new(blocking(move || proxied.proxy(Program::KubeApiserver)).await);
        let direct = Config::from_kubeconfig(cluster.kubeconfig(), None).unwrap();
        let through = direct.clone().with_server(&format!("https://{}", proxy.address())).unwrap();
        let reader = Client::new(through).unwrap();
        let caches = [Strategy::Stream, Strategy::List].map(|strategy| {
            let mut informer = Informer::new(reader.namespaced::<ConfigMap>(NAMESPACE));
            informer.config(watch_config(strategy));
            informer.start()
        });
        let told = Arc::new(Mutex::new(Told::default()));
        let taking = take_down(&reader, told.clone());
        // A writer goes on to the next object instead of trying again.
        let mut preset = Preset::DEFAULT;
        preset.attempts = 1;
        let writers = Writers::new(Client::builder(direct).retry(preset).build().unwrap());
        let mut it =
            Fixture { cluster, proxy, caches, told, writers, taking, compared: 0, lines: Vec::new() };
        it.while_writing("nothing fails", async |_| ()).await;
        it
    }

    async fn on_cluster(&self, work: impl FnOnce(&Cluster) -> anyhow::Result<()> + Send + 'static) {
        let cluster = self.cluster.clone();
        blocking(move || work(&cluster)).await;
    }

    /// Waits until every reader knows that something is wrong.
    async fn noticed(&self) {
        for cache in &self.caches {
            cache.until(|_| cache.health().failure.is_some()).await.unwrap();
        }
    }

    async fn told_until(&self, is: impl Fn(&Told) -> bool) {
        while !is(&self.told.lock().unwrap()) {
            assert!(!self.taking.is_finished(), "the stream told something wrong: see above");
            tokio::task::yield_now().await;
        }
    }

    /// Lets the writers write, does something to those who read, and compares what they know in the end.
    async fn while_writing(&mut self, fault: &str, break_it: impl AsyncFnOnce(&Fixture)) {
        let before = self.told.lock().unwrap().relists;
        self.writers.stored.lock().unwrap().clear();
        self.writers.go();
        self.writers.after(STORM).await;
        break_it(self).await;
        let mended = Instant::now();
        self.writers.after(STORM).await;
        self.writers.halt().await;

        let last = self.writers.client.namespaced::<ConfigMap>(NAMESPACE);
        let mut marker = ConfigMap::default();
        marker.metadata.name = "marker".into();
        marker.data.insert("fault".into(), fault.into());
        let marker = last.apply(&marker, "convergence").await.unwrap();
        let (name, version) = entry(&marker);
        for cache in &self.caches {
            let knows = |config: &ConfigMap| config.metadata.resource_version == *version;
            cache.until(|snapshot| snapshot.get(NAMESPACE, &name).is_some_and(knows)).await.unwrap();
        }
        self.told_until(|told| told.there.get(&name) == Some(&version)).await;
        let fresh: Versions = last.list().await.unwrap().items.iter().map(entry).collect();
        // A stream has no store: the marker may be part of a complete state of which the rest, and what is gone, is still being told.
        let done = self.told.lock().unwrap().relists + 1;
        self.told_until(|told| told.there == fresh || told.relists == done).await;
        let converged = mended.elapsed();

        for cache in &self.caches {
            let known: Versions = cache.snapshot().iter().map(entry).collect();
            assert_eq!(known, fresh, "after: {fault}");
        }
        let told = self.told.lock().unwrap();
        assert_eq!(told.there, fresh, "after: {fault}");
        let stored = self.writers.stored.lock().unwrap();
        let lost = stored.iter().filter(|(name, version)| {
            !told.versions.get(name).is_some_and(|versions| versions.contains(version))
        });
        let (lost, relists) = (lost.count(), told.relists - before);
        assert!(lost == 0 || relists > 0, "{lost} states were lost without a relist, after: {fault}");
        self.compared += 3 * fresh.len();
        self.lines.push(format!(
            "{fault} | {:.1} s | 3 x {} objects equal | {} writes, {lost} of their states not told, {relists} relists",
            converged.as_secs_f64(),
            fresh.len(),
            stored.len(),
        ));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_ends_equal_to_a_fresh_list() {
    let mut it = Fixture::new().await;
    it.while_writing("the connections are cut", async |it| it.proxy.cut()).await;
    it.while_writing("kube-apiserver is killed and started again", async |it| {
        it.on_cluster(|cluster| cluster.restart(Program::KubeApiserver, Ending::Kill)).await;
    })
    .await;
    it.while_writing("kube-apiserver stands still", async |it| {
        it.on_cluster(|cluster| cluster.pause(Program::KubeApiserver)).await;
        it.noticed().await;
        it.on_cluster(|cluster| cluster.resume(Program::KubeApiserver)).await;
    })
    .await;
    it.while_writing("nothing gets through", async |it| {
        it.proxy.set(Link::Frozen);
        it.noticed().await;
        it.proxy.set(Link::Up);
    })
    .await;
    it.while_writing("etcd is killed and started again", async |it| {
        it.on_cluster(|cluster| cluster.restart(Program::Etcd, Ending::Kill)).await;
    })
    .await;
    it.while_writing("history is forgotten while nobody can read (410)", async |it| {
        it.proxy.set(Link::Refusing);
        it.proxy.cut();
        it.noticed().await;
        it.writers.after(STORM).await;
        it.on_cluster(|cluster| cluster.forget_history().map(drop)).await;
        it.proxy.set(Link::Up);
    })
    .await;
    let told = it.told.lock().unwrap();
    assert!(told.relists > 0, "a forgotten history is a relist");
    println!("fault | until all was known | compared with a fresh list | what was told");
    for line in &it.lines {
        println!("{line}");
    }
    println!(
        "{} objects compared, nothing lost; the stream told {} states and {} deletions",
        it.compared, told.applied, told.deleted
    );
}
