//! Objects split among replicas, on the real server: with all gates it filters itself, with default gates it does not.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use k8s_api::coordination::v1::Lease;
use k8s_api::core::v1::{ConfigMap, Namespace};
use k8s_client::shard::{By, FilteredBy, Owned, ShardMap, ShardSelector, Shards};
use k8s_client::{Cache, Client, Informer};
use k8s_tests::server::{Server, server};
use k8s_tests::{client, cluster, options};
use xtask::cluster::Gates;

/// Whether this run's server heeds shards.
fn heeds() -> bool {
    options().unwrap().gates == Gates::All
}

/// Only these: controllers make config maps too.
const MADE: &str = "made-by=test";

async fn fill(server: &Server, count: usize) {
    let configs = server.client().namespaced::<ConfigMap>(server.namespace());
    let made = stream::iter(0..count).map(|at| {
        let configs = configs.clone();
        async move {
            let mut config = ConfigMap::default();
            config.metadata.name = format!("config-{at}").into();
            config.metadata.labels.insert("made-by".into(), "test".into());
            configs.create(&config).await
        }
    });
    made.buffer_unordered(20).try_collect::<Vec<_>>().await.unwrap();
}

#[tokio::test]
async fn the_server_hashes_as_we_do() {
    let server = server("shards-hash").await;
    fill(&server, 100).await;
    let client = server.client();
    let mut all: Vec<ConfigMap> =
        client.namespaced(server.namespace()).list().labels(MADE).await.unwrap().items.into_iter().collect();
    for name in ["shards-hash-a", "b-shards-hash", "c"] {
        let mut namespace = Namespace::default();
        namespace.metadata.name = format!("{name}-{}", all.len()).into();
        client.cluster().create(&namespace).await.unwrap();
        let mut config = ConfigMap::default();
        config.metadata.name = "config".into();
        all.push(client.namespaced(&namespace.metadata.name).create(&config).await.unwrap());
    }
    let names: BTreeSet<_> = all.iter().map(key).collect();
    for (by, count) in [(By::Uid, 5), (By::Namespace, 3)] {
        let mut seen = BTreeSet::new();
        for shards in Shards::split(count) {
            let selector = ShardSelector::new(shards, by);
            let list = client.all::<ConfigMap>().list().shards(&selector.to_string()).await.unwrap();
            // The server says what it has understood.
            let echoed = list.metadata.shard_info.map(|info| info.selector.to_string());
            assert_eq!(echoed, heeds().then(|| selector.to_string()));
            let ours = list.items.iter().filter(|config| names.contains(&key(config)));
            for config in ours {
                assert!(
                    !heeds() || selector.matches(&config.metadata),
                    "{} is not in {selector}",
                    config.metadata.uid
                );
                if selector.matches(&config.metadata) {
                    assert!(seen.insert(key(config)), "{} is in two shards", config.metadata.name);
                }
            }
        }
        assert_eq!(seen, names, "by {by}");
    }
    // Ranges that lie apart, in one selector.
    let odd: Shards = Shards::split(8).skip(1).step_by(2).collect();
    let selector = ShardSelector::new(odd, By::Uid);
    let configs = client.namespaced::<ConfigMap>(server.namespace());
    let list = configs.list().labels(MADE).shards(&selector.to_string()).await.unwrap();
    let expected = all.iter().filter(|config| config.metadata.namespace == server.namespace());
    let expected = expected.filter(|config| !heeds() || selector.matches(&config.metadata)).count();
    assert_eq!(list.items.len(), expected);
    assert!(expected > 10);
}

fn key(config: &ConfigMap) -> (String, String) {
    (config.metadata.namespace.to_string(), config.metadata.name.to_string())
}

#[tokio::test]
async fn an_informer_has_its_shards_whether_the_server_heeds_them_or_not() {
    let server = server("shards-informer").await;
    fill(&server, 60).await;
    let configs = server.client().namespaced::<ConfigMap>(server.namespace());
    let all = configs.list().labels(MADE).await.unwrap().items;
    let selector = ShardSelector::new(Shards::split(3).skip(1).take(1).collect(), By::Uid);
    let mut informer = Informer::new(configs.clone());
    informer.labels(MADE).shards(selector.clone());
    let cache = informer.start();
    cache.synced().await.unwrap();
    let mine = all.iter().filter(|config| selector.matches(&config.metadata)).count();
    assert_eq!(cache.snapshot().len(), mine);
    assert!(0 < mine && mine < all.len());

    // Of every change, the ones of these shards and no others.
    for config in &all {
        let name = config.metadata.name.as_str();
        configs
            .patch(name, &k8s_client::api::Patch::merge(serde_json::json!({"data": {"k": "v"}})))
            .await
            .unwrap();
    }
    cache.until(|configs| configs.iter().all(|config| !config.data.is_empty())).await.unwrap();
    assert_eq!(cache.snapshot().len(), mine);
    cache.until(|_| cache.sharding().unwrap().filtered_by != FilteredBy::Unknown).await.unwrap();
    let sharding = cache.sharding().unwrap();
    println!(
        "{} of {} config maps are ours, {} foreign states came: {:?}",
        mine,
        all.len(),
        sharding.foreign,
        sharding.filtered_by
    );
    if heeds() {
        assert_eq!((sharding.filtered_by, sharding.foreign), (FilteredBy::Server, 0));
    } else {
        assert_eq!(sharding.filtered_by, FilteredBy::Here);
        assert!(sharding.foreign >= (all.len() - mine) as u64);
    }
}

const COUNT: u32 = 12;
const LEASE: Duration = Duration::from_secs(2);

/// A replica, with a client of its own.
struct Replica {
    map: ShardMap,
    owned: Owned,
    cache: Cache<ConfigMap>,
}

async fn replica(server: &Server, name: &str) -> Replica {
    let client: Client = client(cluster());
    let map = ShardMap::builder(&client, "split").namespace(server.namespace()).shards(COUNT).identity(name);
    let map = map.lease(LEASE).start().unwrap();
    let mut informer = Informer::new(client.namespaced::<ConfigMap>(server.namespace()));
    informer.labels(MADE).sharded(&map);
    Replica { owned: map.watch(), cache: informer.start(), map }
}

/// Waits until these replicas have everything, about evenly, and each of them all that is its own and nothing else.
async fn settled(replicas: &mut [Replica], all: &[ConfigMap]) {
    loop {
        let counts: Vec<usize> = replicas.iter().map(|replica| replica.map.status().owned.len()).collect();
        let (most, least) = (counts.iter().max().unwrap(), counts.iter().min().unwrap());
        if counts.iter().sum::<usize>() == COUNT as usize && most - least <= 1 {
            break;
        }
        let changes = replicas.iter_mut().map(|replica| Box::pin(replica.owned.changed()));
        futures_util::future::select_all(changes).await;
    }
    let mut owners: BTreeMap<String, usize> = BTreeMap::new();
    for Replica { map, cache, .. } in &*replicas {
        let wanted = |map: &ShardMap| -> BTreeSet<String> {
            let mine = all.iter().filter(|config| map.owns(*config));
            mine.map(|config| config.metadata.name.to_string()).collect()
        };
        let names = |configs: &k8s_client::cache::Snapshot<ConfigMap>| -> BTreeSet<String> {
            configs.iter().map(|config| config.metadata.name.to_string()).collect()
        };
        cache.until(|configs| names(configs) == wanted(map)).await.unwrap();
        names(&cache.snapshot()).into_iter().for_each(|name| *owners.entry(name).or_default() += 1);
    }
    assert_eq!(owners.len(), all.len());
    assert!(owners.values().all(|owners| *owners == 1), "{owners:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_replicas_split_everything_and_take_over_from_each_other() {
    let server = server("shards-split").await;
    fill(&server, 300).await;
    let configs = server.client().namespaced::<ConfigMap>(server.namespace());
    let all = configs.list().labels(MADE).await.unwrap().items;

    let mut replicas = Vec::new();
    for name in ["one", "two", "three"] {
        replicas.push(replica(&server, name).await);
    }
    let begun = Instant::now();
    settled(&mut replicas, &all).await;
    println!("three replicas had {} objects in {COUNT} shards after {:?}", all.len(), begun.elapsed());
    assert!(replicas.iter().all(|replica| replica.map.status().members == 3));

    // Who wants another split is told, and owns nothing.
    let other =
        ShardMap::builder(server.client(), "split").namespace(server.namespace()).shards(7).start().unwrap();
    let refused = other.joined().await.unwrap_err().to_string();
    assert!(refused.contains("12 shards by uid") && refused.contains("delete the Lease split"), "{refused}");

    // One is gone without a word: everything of it is dropped, and its leases run out.
    drop(replicas.remove(0));
    let begun = Instant::now();
    settled(&mut replicas, &all).await;
    println!(
        "with leases of {LEASE:?}, the shards of one that died were with others after {:?}",
        begun.elapsed()
    );

    // One leaves: what it had is free when it has gone.
    let leaver = replicas.remove(0);
    let begun = Instant::now();
    leaver.map.leave().await;
    let identity = leaver.map.identity().to_owned();
    let leases = server.client().namespaced::<Lease>(server.namespace()).list().await.unwrap();
    for lease in &leases.items {
        assert_ne!(lease.spec.holder_identity.as_deref(), Some(&*identity), "{}", lease.metadata.name);
    }
    assert!(leaver.map.owned().shards().is_none());
    leaver.cache.until(|configs| configs.is_empty()).await.unwrap();
    settled(&mut replicas, &all).await;
    println!("and those of one that left after {:?}", begun.elapsed());
    assert_eq!(replicas[0].map.status().owned.len(), COUNT as usize);
}
