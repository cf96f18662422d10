//! Many changes as one call, and one object's changes one by one.

use std::sync::Arc;
use std::time::Duration;

use k8s_api::core::v1::ConfigMap;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::Instant;

use super::{Server, caught_up, seconds, start, text};
use crate::informer::{Batch, Cache, Debounce, Handler, Informer, Phase};
use crate::watch::Key;

type Batches = UnboundedReceiver<(Instant, Batch<ConfigMap>)>;

fn gather(cache: &Cache<ConfigMap>, debounce: Debounce) -> (Handler, Batches) {
    let (told, batches) = unbounded_channel();
    let handler = cache.on_changes(debounce, move |batch| {
        told.send((Instant::now(), batch)).unwrap();
        async {}
    });
    (handler, batches)
}

fn names(keys: &[Key]) -> Vec<&str> {
    keys.iter().map(|key| key.name.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn changes_come_together_with_the_state_that_they_led_to() {
    let (server, client) = Server::start();
    server.put("ns", "a", "1");
    server.put("ns", "b", "1");
    let cache = start(&client);
    let (_handler, mut batches) = gather(&cache, Debounce::default());
    let (at, batch) = batches.recv().await.unwrap();
    assert_eq!(
        (names(&batch.created), batch.phase, batch.snapshot.len()),
        (vec!["a", "b"], Phase::Synced, 2)
    );

    server.put("ns", "a", "2");
    server.put("ns", "c", "1");
    server.put("ns", "gone", "1");
    server.delete("ns", "gone");
    server.delete("ns", "b");
    caught_up(&cache, &server).await;
    let (later, batch) = batches.recv().await.unwrap();
    assert_eq!(later - at, Duration::from_millis(500));
    assert_eq!(names(&batch.created), ["c"]);
    assert_eq!(names(&batch.modified), ["a"]);
    assert_eq!(names(&batch.deleted), ["b"]);
    assert_eq!((batch.phase, batch.snapshot.len()), (Phase::Live, 2));
    assert_eq!(text(batch.snapshot.get("ns", "a").unwrap()), "2");

    // What makes no difference in the end is not told.
    server.put("ns", "gone", "1");
    server.delete("ns", "gone");
    caught_up(&cache, &server).await;
    tokio::time::sleep(seconds(60)).await;
    assert!(batches.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_late_one_begins_with_everything_and_a_steady_stream_does_not_starve_it() {
    let (server, client) = Server::start();
    let cache = start(&client);
    cache.synced().await.unwrap();
    server.put("ns", "a", "0");
    caught_up(&cache, &server).await;
    let (_handler, mut batches) = gather(&cache, Debounce::default());
    let (start, batch) = batches.recv().await.unwrap();
    assert_eq!((batch.phase, names(&batch.created)), (Phase::Synced, vec!["a"]));
    let writing = tokio::spawn(async move {
        for text in 0..100 {
            server.put("ns", "a", &text.to_string());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let (at, batch) = batches.recv().await.unwrap();
    assert_eq!((at - start, names(&batch.modified)), (seconds(5), vec!["a"]));
    writing.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_first_change_may_be_told_at_once_and_the_empty_state_is() {
    let (server, client) = Server::start();
    let cache = start(&client);
    let (handler, mut batches) = gather(&cache, Debounce { leading: true, ..Debounce::default() });
    let (_, batch) = batches.recv().await.unwrap();
    assert_eq!((batch.phase, batch.snapshot.is_empty()), (Phase::Synced, true));
    tokio::time::sleep(seconds(1)).await;
    let before = Instant::now();
    server.put("ns", "a", "1");
    assert_eq!(batches.recv().await.unwrap().0, before);
    server.put("ns", "a", "2");
    assert_eq!(batches.recv().await.unwrap().0, before + Duration::from_millis(500));
    // What was gathered is told before it is stopped.
    server.put("ns", "a", "3");
    caught_up(&cache, &server).await;
    cache.stop().await;
    assert_eq!(text(batches.recv().await.unwrap().1.snapshot.get("ns", "a").unwrap()), "3");
    assert!(!handler.is_running());
}

#[tokio::test(start_paused = true)]
async fn before_the_complete_state_it_is_called_only_if_asked() {
    for during_sync in [false, true] {
        let (server, client) = Server::start();
        server.put("x", "a", "1");
        server.refuse("/api/v1/namespaces/y/", 404);
        let mut informer = Informer::new(client.namespaced("x"));
        informer.also([client.namespaced("y")]);
        let cache = informer.start();
        let (_handler, mut batches) = gather(&cache, Debounce { during_sync, ..Debounce::default() });
        tokio::time::sleep(seconds(10)).await;
        server.put("y", "b", "1");
        server.allow("/api/v1/namespaces/y/");
        cache.synced().await.unwrap();
        let mut told = Vec::new();
        while told.last() != Some(&Phase::Synced) {
            let (_, batch) = batches.recv().await.unwrap();
            told.push(batch.phase);
            assert_eq!(batch.created.len(), if during_sync { 1 } else { 2 });
        }
        assert_eq!(told, if during_sync { vec![Phase::Syncing, Phase::Synced] } else { vec![Phase::Synced] });
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_panics_is_not_the_last() {
    let (server, client) = Server::start();
    let cache = start(&client);
    let (told, mut batches) = unbounded_channel();
    let handler = cache.on_changes(Debounce::default(), move |batch: Batch<ConfigMap>| {
        let told = told.clone();
        async move {
            assert!(batch.phase == Phase::Live, "not yet");
            told.send(()).unwrap();
        }
    });
    cache.synced().await.unwrap();
    server.put("ns", "a", "1");
    batches.recv().await.unwrap();
    assert_eq!(handler.behind().panics, 1);
}

#[tokio::test(start_paused = true)]
async fn of_one_object_every_content_is_told_once() {
    let (server, client) = Server::start();
    server.put("ns", "other", "1");
    let (told, mut states) = unbounded_channel();
    let handler = client.namespaced("ns").on_content("one", move |state: Option<Arc<ConfigMap>>| {
        let told = told.clone();
        async move {
            // It takes its time, and misses nothing.
            tokio::time::sleep(seconds(1)).await;
            told.send(state.map(|state| text(&state))).unwrap();
        }
    });
    assert_eq!(states.recv().await.unwrap(), None);
    for text in ["1", "1", "2", "1", "3"] {
        server.put("ns", "one", text);
        server.put("ns", "other", text);
    }
    server.delete("ns", "one");
    server.put("ns", "one", "3");
    // Read anew, and the same.
    tokio::time::sleep(seconds(20)).await;
    server.forget(|server| _ = server.put("ns", "one", "3"));
    tokio::time::sleep(seconds(20)).await;
    server.put("ns", "one", "4");
    let mut all = Vec::new();
    while all.last() != Some(&Some("4".to_owned())) {
        all.push(states.recv().await.unwrap());
    }
    let all: Vec<_> = all.iter().map(|state| state.as_deref().unwrap_or("none")).collect();
    assert_eq!(all, ["1", "2", "1", "3", "none", "3", "4"]);
    drop(handler);
    tokio::task::yield_now().await;
    assert_eq!(server.watches(), 0);
}
