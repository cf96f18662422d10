//! Waiting for a complete state, where there is none yet.

use k8s_api::core::v1::ConfigMap;

use super::{Server, heard, seconds, start};
use crate::error::ErrorKind;
use crate::informer::Informer;

#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_at_the_deadline_and_passes_by_itself() {
    for (code, is) in [(401, "unauthorized"), (403, "forbidden"), (404, "not found")] {
        let (server, client) = Server::start();
        server.put("ns", "a", "1");
        server.refuse("/", code);
        let cache = start(&client);
        let started = tokio::time::Instant::now();
        let error = cache.synced_within(seconds(10)).await.unwrap_err();
        assert_eq!(started.elapsed(), seconds(10));
        let said = [error.is_unauthorized(), error.is_forbidden(), error.is_not_found()];
        let expected = ["unauthorized", "forbidden", "not found"].map(|name| name == is);
        assert_eq!((said, error.is_timeout()), (expected, true), "{error}");
        let line = error.to_string();
        let start =
            "the cache of configmaps was not complete within 10s: watch configmaps (GET /api/v1/configmaps?";
        assert!(line.starts_with(start), "{line}");
        assert_eq!(cache.health().failure.unwrap().code, Some(code));
        server.allow("/");
        cache.synced().await.unwrap();
        assert!(cache.health().failure.is_none() && cache.get("ns", "a").is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_later_on_passes_too() {
    let (server, client) = Server::start();
    let cache = start(&client);
    let mut events = cache.subscribe();
    heard(&mut events, "synced").await;
    server.refuse("/", 403);
    server.put("ns", "a", "1");
    tokio::time::sleep(seconds(300)).await;
    let health = cache.health();
    assert!(health.synced && health.failure.is_some() && health.failures > 3, "{health:?}");
    server.allow("/");
    assert_eq!(heard(&mut events, "+a=1").await, ["+a=1"]);
}

#[tokio::test(start_paused = true)]
async fn it_is_fresh_as_long_as_the_server_says_so() {
    let (server, client) = Server::start();
    let cache = start(&client);
    assert!(!cache.fresh_within(seconds(3600)));
    cache.synced().await.unwrap();
    assert!(cache.fresh_within(seconds(0)));
    tokio::time::advance(seconds(59)).await;
    assert!(cache.fresh_within(seconds(60)) && !cache.fresh_within(seconds(58)));
    let before = cache.snapshot().resource_version().cloned();
    server.bookmark();
    cache.until(|snapshot| snapshot.resource_version() != before.as_ref()).await.unwrap();
    assert!(cache.fresh_within(seconds(0)));
    cache.stop().await;
    assert!(!cache.fresh_within(seconds(3600)), "nobody watches any more");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_what_was_stopped() {
    let (server, client) = Server::start();
    server.refuse("/", 403);
    let cache = start(&client);
    let (synced, until, ()) = tokio::join!(cache.synced(), cache.until(|_| false), cache.stop());
    for error in [synced.unwrap_err(), until.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Stopped);
        assert_eq!(error.to_string(), "the cache of configmaps says nothing more: it was stopped");
    }
}

#[tokio::test(start_paused = true)]
async fn code_of_the_program_that_panics_in_the_watch_is_told() {
    let (server, client) = Server::start();
    let mut informer = Informer::new(client.all::<ConfigMap>());
    informer.index(|config| {
        assert!(config.metadata.name != "bad");
        [config.metadata.name.to_string()]
    });
    let cache = informer.start();
    cache.synced().await.unwrap();
    server.put("ns", "bad", "1");
    let error = cache.until(|_| false).await.unwrap_err();
    assert!(error.to_string().ends_with(": something that it called panicked"), "{error}");
    let failure = cache.health().failure.unwrap();
    assert_eq!(failure.message, "nothing is followed any more: something that it called panicked");
    assert!(!cache.is_running());
    cache.stop().await;
}
