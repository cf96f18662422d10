//! Caches of some shards, and what happens when those change.

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_api::core::v1::ConfigMap;

use super::{Client, Server, heard, seconds};
use crate::informer::{Cache, Informer};
use crate::shard::{By, FilteredBy, Script, ShardSelector, Shards};
use crate::watch::Cause;

const COUNT: u32 = 4;

fn selector(numbers: &[usize]) -> ShardSelector {
    let parts = Shards::split(COUNT).enumerate().filter(|(at, _)| numbers.contains(at));
    ShardSelector::new(parts.map(|(_, part)| part).collect(), By::Uid)
}

/// Some objects, and which of them are in which shard.
fn fill(server: &Server) -> Vec<BTreeSet<String>> {
    let mut shards = vec![BTreeSet::new(); 4];
    for name in 'a'..='z' {
        let object = server.put("ns", &name.to_string(), "1");
        let shard = (0..4).find(|at| selector(&[*at]).matches(&object.metadata)).unwrap();
        shards[shard].insert(name.to_string());
    }
    assert!(shards.iter().all(|names| names.len() > 1), "{shards:?}");
    shards
}

fn names(cache: &Cache<ConfigMap>) -> BTreeSet<String> {
    cache.snapshot().iter().map(|object| object.metadata.name.to_string()).collect()
}

fn of(shards: &[BTreeSet<String>], numbers: &[usize]) -> BTreeSet<String> {
    numbers.iter().flat_map(|number| shards[*number].clone()).collect()
}

fn fixed(client: &Client, numbers: &[usize]) -> Cache<ConfigMap> {
    let mut informer = Informer::new(client.all());
    informer.shards(selector(numbers));
    informer.start()
}

#[tokio::test(start_paused = true)]
async fn a_server_that_knows_no_shards_is_found_out_and_nothing_foreign_gets_in() {
    let (server, client) = Server::start();
    let shards = fill(&server);
    let cache = fixed(&client, &[1, 2]);
    cache.synced().await.unwrap();
    assert_eq!(names(&cache), of(&shards, &[1, 2]));
    let sharding = cache.sharding().unwrap();
    assert!(sharding.complete && sharding.followed == selector(&[1, 2]));
    let foreign = of(&shards, &[0, 3]);
    assert_eq!((sharding.filtered_by, sharding.foreign), (FilteredBy::Here, foreign.len() as u64));

    // Foreign changes change nothing, but the cache is as new as they are.
    let mut subscription = cache.subscribe();
    heard(&mut subscription, "synced").await;
    let foreign = foreign.first().unwrap();
    server.put("ns", foreign, "2");
    server.delete("ns", foreign);
    let last = server.put("ns", "late", "1");
    let version = last.metadata.resource_version.to_string();
    cache.until(|all| all.resource_version().is_some_and(|it| it.as_str() == version)).await.unwrap();
    let mine = of(&shards, &[1, 2]).pop_first().unwrap();
    server.put("ns", &mine, "3");
    let told = heard(&mut subscription, &format!("+{mine}=3")).await;
    assert!(told.iter().all(|word| !word.contains(foreign.as_str()) || word.contains("late")), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_knows_shards_sends_nothing_else() {
    let (server, client) = Server::start();
    server.heed_shards();
    let shards = fill(&server);
    let cache = fixed(&client, &[0]);
    cache.synced().await.unwrap();
    tokio::time::sleep(seconds(1)).await;
    assert_eq!(names(&cache), of(&shards, &[0]));
    let sharding = cache.sharding().unwrap();
    assert_eq!((sharding.filtered_by, sharding.foreign, sharding.complete), (FilteredBy::Server, 0, true));
    let all = Informer::new(client.all::<ConfigMap>()).start();
    assert_eq!(all.sharding(), None);
}

#[tokio::test(start_paused = true)]
async fn what_is_lost_leaves_at_once_and_what_is_gained_comes_as_a_whole() {
    for heeds in [false, true] {
        let (server, client) = Server::start();
        if heeds {
            server.heed_shards();
        }
        let shards = fill(&server);
        let (script, map) = Script::start(COUNT, client.outside().clone());
        let mut informer = Informer::new(client.all::<ConfigMap>());
        informer.sharded(&map);
        let cache = informer.start();
        // Before the replica knows what is its own, there is nothing to be complete.
        assert!(cache.synced_within(seconds(60)).await.is_err());
        assert_eq!(server.asked(), [""; 0]);

        script.own(&[0, 1]);
        let mut subscription = cache.subscribe();
        heard(&mut subscription, "synced").await;
        assert_eq!(names(&cache), of(&shards, &[0, 1]));

        let asked = server.asked().len();
        script.own(&[1]);
        let lost = shards[0].len();
        let last = format!("~{}", shards[0].last().unwrap());
        let told = heard(&mut subscription, &last).await;
        assert_eq!(told, shards[0].iter().map(|name| format!("~{name}")).collect::<Vec<_>>());
        assert_eq!((told.len(), names(&cache)), (lost, of(&shards, &[1])));
        tokio::time::sleep(seconds(1)).await;
        // The watch goes on where it was: nothing is told anew.
        let anew = |asked: &[String]| asked.iter().filter(|it| it.contains("sendInitialEvents")).count();
        assert_eq!(anew(&server.asked()[asked..]), 0);
        let mine = shards[1].first().unwrap();
        server.put("ns", mine, "2");
        assert_eq!(heard(&mut subscription, &format!("+{mine}=2")).await.len(), 1);

        script.own(&[1, 3]);
        let told = heard(&mut subscription, &format!("resynced {:?}", Cause::Shards)).await;
        assert_eq!(told.len(), shards[3].len() + 1, "{told:?}");
        assert!(cache.sharding().unwrap().complete);
        assert_eq!(names(&cache), of(&shards, &[1, 3]));

        // A deletion is a deletion.
        server.delete("ns", mine);
        heard(&mut subscription, &format!("-{mine}")).await;

        // Without shards there is nothing, and that is all there should be.
        script.own(&[]);
        cache.until(|all| all.is_empty()).await.unwrap();
        heard(&mut subscription, &format!("resynced {:?}", Cause::Shards)).await;
        tokio::time::sleep(seconds(100)).await;
        assert!(cache.fresh_within(seconds(1)) && server.watches() == 0);
        script.own(&[1]);
        heard(&mut subscription, &format!("resynced {:?}", Cause::Shards)).await;
        let mut left = of(&shards, &[1]);
        left.remove(mine);
        assert_eq!(names(&cache), left);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_owned_ends_in_time_though_nobody_says_so() {
    let (_, client) = Server::start();
    let (script, map) = Script::start(COUNT, client.outside().clone());
    script.own(&[2]);
    let mut owned = map.watch();
    assert_eq!(map.owned(), selector(&[2]));
    tokio::time::sleep(seconds(3600)).await;
    assert_eq!((map.owned(), owned.now()), (selector(&[]), selector(&[])));
    let object = ConfigMap::default();
    assert!(!map.owns(&object));
    script.own(&[0]);
    assert_eq!(owned.changed().await, Some(selector(&[0])));
    drop(Arc::new(map));
}
