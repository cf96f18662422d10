//! Streams: what they begin with, what they go on with, and how they end.

use std::collections::BTreeMap;

use futures_util::{FutureExt as _, StreamExt as _};
use tokio::task::unconstrained;

use super::{Event, Server, caught_up, heard, seconds, start, text, texts, word};
use crate::informer::Informer;

#[tokio::test(start_paused = true)]
async fn it_begins_with_what_is_there_and_goes_on_with_what_changes() {
    let (server, client) = Server::start();
    server.put("ns", "a", "1");
    server.put("ns", "b", "1");
    let cache = start(&client);
    let mut early = cache.subscribe();
    assert_eq!(heard(&mut early, "synced").await, ["+a=1", "+b=1", "synced"]);
    server.put("ns", "a", "2");
    server.delete("ns", "b");
    server.put("ns", "b", "3");
    assert_eq!(heard(&mut early, "+b=3").await, ["+a=2", "-b", "+b=3"]);
    let mut late = cache.subscribe();
    server.put("ns", "c", "1");
    assert_eq!(heard(&mut late, "+c=1").await, ["+a=2", "+b=3", "synced", "+c=1"]);
    assert_eq!(heard(&mut early, "+c=1").await, ["+c=1"]);
    assert_eq!(server.asked().len(), 1, "one watch for all");
}

#[tokio::test(start_paused = true)]
async fn whoever_joins_whenever_knows_the_same() {
    let (server, client) = Server::start();
    let cache = start(&client);
    cache.synced().await.unwrap();
    let mut joined = Vec::new();
    for step in 0..300_u64 {
        let name = ["a", "b", "c", "d", "e"][(step * step / 7 % 5) as usize];
        if step % 4 == 3 && server.texts().contains_key(name) {
            server.delete("ns", name);
        } else {
            server.put("ns", name, &step.to_string());
        }
        if step % 9 == 0 {
            tokio::task::yield_now().await;
        }
        if step % 10 == 0 {
            joined.push((cache.subscribe().capacity(step as usize % 20), BTreeMap::new()));
        }
        if step % 70 == 69 {
            server.forget(|server| _ = server.put("ns", "a", "forgotten"));
        }
    }
    caught_up(&cache, &server).await;
    for (mut subscription, mut known) in joined {
        while let Some(Some(event)) = unconstrained(subscription.next()).now_or_never() {
            match &event {
                Event::Applied(object) => {
                    let uid = object.metadata.uid.to_string();
                    let text = text(object);
                    let before = known.insert(object.metadata.name.to_string(), (uid.clone(), text));
                    assert!(
                        before.is_none_or(|(before, _)| before == uid),
                        "another one, untold: {}",
                        word(&event)
                    );
                }
                Event::Deleted(object) => _ = known.remove(object.metadata.name.as_str()),
                _ => {}
            }
        }
        let known: BTreeMap<_, _> = known.into_iter().map(|(name, (_, text))| (name, text)).collect();
        assert_eq!(known, server.texts());
        assert_eq!(subscription.behind().pending, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_relist_it_is_told_what_is_different() {
    let (server, client) = Server::start();
    server.put("ns", "gone", "1");
    server.put("ns", "same", "1");
    server.put("ns", "other", "1");
    let cache = start(&client);
    let mut events = cache.subscribe();
    heard(&mut events, "synced").await;
    server.forget(|server| {
        server.delete("ns", "gone");
        server.delete("ns", "other");
        server.put("ns", "other", "2");
        server.put("ns", "new", "1");
    });
    let told = heard(&mut events, "resynced Expired").await;
    assert_eq!(told, ["-gone", "+new=1", "-other", "+other=2", "resynced Expired"]);
}

#[tokio::test(start_paused = true)]
async fn who_is_behind_is_told_the_latest() {
    let (server, client) = Server::start();
    let cache = start(&client);
    let mut slow = cache.subscribe().capacity(2);
    assert_eq!(heard(&mut slow, "synced").await, ["synced"]);
    for text in 1..=9 {
        server.put("ns", "a", &text.to_string());
    }
    server.put("ns", "b", "1");
    caught_up(&cache, &server).await;
    assert_eq!((slow.behind().pending, slow.behind().coalesced), (4, 6));
    assert_eq!(heard(&mut slow, "+b=1").await, ["+a=1", "+a=2", "+a=9", "+b=1"]);
    assert_eq!(cache.subscribers(), [slow.behind()]);
}

#[tokio::test(start_paused = true)]
async fn everything_is_told_again_and_marked_so() {
    let (server, client) = Server::start();
    server.put("ns", "a", "1");
    let cache = start(&client);
    let mut events = cache.subscribe().resync(seconds(60));
    let started = tokio::time::Instant::now();
    heard(&mut events, "synced").await;
    assert_eq!(heard(&mut events, "again a=1").await, ["again a=1"]);
    assert_eq!(started.elapsed(), seconds(60));
    assert_eq!(heard(&mut events, "again a=1").await, ["again a=1"]);
    assert_eq!(started.elapsed(), seconds(120));
    // What has not been heard comes first: nothing goes back in time.
    server.put("ns", "a", "2");
    caught_up(&cache, &server).await;
    tokio::time::advance(seconds(100)).await;
    assert_eq!(heard(&mut events, "again a=2").await, ["+a=2", "again a=2"]);
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_sees_a_cache_that_is_as_new() {
    let (server, client) = Server::start();
    let cache = start(&client);
    let mut events = cache.subscribe();
    heard(&mut events, "synced").await;
    for round in 0..20 {
        server.put("ns", "a", &round.to_string());
        let Some(Event::Applied(object)) = events.next().await else { panic!("not told") };
        assert_eq!(texts(&cache)["a"], text(&object));
    }
}

#[tokio::test(start_paused = true)]
async fn the_watch_ends_with_the_last_who_uses_it() {
    let (server, client) = Server::start();
    let cache = start(&client);
    cache.synced().await.unwrap();
    let other = cache.clone();
    drop(cache);
    let mut events = other.subscribe();
    drop(other);
    heard(&mut events, "synced").await;
    server.put("ns", "a", "1");
    assert_eq!(heard(&mut events, "+a=1").await, ["+a=1"]);
    assert_eq!(server.watches(), 1);
    drop(events);
    tokio::task::yield_now().await;
    assert_eq!(server.watches(), 0);
}

#[tokio::test(start_paused = true)]
async fn stopped_it_is_read_to_its_end() {
    let (server, client) = Server::start();
    server.put("ns", "a", "1");
    let cache = start(&client);
    cache.synced().await.unwrap();
    let events = cache.subscribe();
    server.put("ns", "a", "2");
    caught_up(&cache, &server).await;
    cache.stop().await;
    let words: Vec<_> = events.map(|event| word(&event)).collect().await;
    assert_eq!(words, ["+a=1", "synced", "+a=2"]);
    assert_eq!((server.watches(), cache.is_running(), cache.get("ns", "a").is_some()), (0, false, true));
    let words: Vec<_> = cache.subscribe().map(|event| word(&event)).collect().await;
    assert_eq!(words, ["+a=2", "synced"], "what was read stays readable");
}

#[tokio::test(start_paused = true)]
async fn several_namespaces_are_one_cache() {
    let (server, client) = Server::start();
    server.put("x", "a", "1");
    server.put("y", "b", "1");
    server.put("z", "c", "1");
    server.refuse("/api/v1/namespaces/y/", 403);
    let mut informer = Informer::new(client.namespaced("x"));
    informer.also(["y", "x"].map(|namespace| client.namespaced(namespace)));
    let cache = informer.start();
    let mut events = cache.subscribe();
    assert_eq!(heard(&mut events, "+a=1").await, ["+a=1"]);
    let error = cache.synced_within(seconds(30)).await.unwrap_err();
    assert!(error.is_forbidden() && !cache.health().synced, "{error}");
    assert!(cache.snapshot().resource_version().is_none());
    server.allow("/api/v1/namespaces/y/");
    assert_eq!(heard(&mut events, "synced").await, ["+b=1", "synced"]);
    assert_eq!(cache.snapshot().len(), 2);
    // Each is read anew alone.
    server.forget(|server| {
        server.put("y", "b", "2");
        server.delete("x", "a");
    });
    let mut told = heard(&mut events, "resynced Expired").await;
    told.extend(heard(&mut events, "resynced Expired").await);
    told.retain(|word| word != "resynced Expired");
    told.sort();
    assert_eq!(told, ["+b=2", "-a"]);
    assert_eq!(server.watches(), 2);
}
