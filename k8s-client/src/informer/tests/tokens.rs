//! Reading one's own writes.

use k8s_api::core::v1::ConfigMap;
use k8s_api::meta::v1::ObjectMeta;

use super::{Server, seconds, start, text};
use crate::informer::Informer;

#[tokio::test(start_paused = true)]
async fn a_cache_has_what_was_written_once_it_is_at_least_as_new() {
    let (server, client) = Server::start();
    let cache = start(&client);
    let configs = client.namespaced::<ConfigMap>("ns");
    for round in 0..20 {
        let written = server.put("ns", "a", &round.to_string());
        cache.at_least(&configs.token(&written).unwrap(), seconds(10)).await.unwrap();
        assert_eq!(text(&cache.get("ns", "a").unwrap()), round.to_string());
        server.delete("ns", "a");
        cache.at_least(&configs.deletion_token(&written).unwrap(), seconds(10)).await.unwrap();
        assert!(cache.get("ns", "a").is_none());
    }
    // Another one of its name is no reason to wait.
    let written = server.put("ns", "a", "1");
    server.delete("ns", "a");
    let later = server.put("ns", "a", "2");
    cache.at_least(&configs.deletion_token(&written).unwrap(), seconds(10)).await.unwrap();
    assert_eq!(cache.get("ns", "a").unwrap().metadata.uid, later.metadata.uid);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_is_not_taken_for_seen_before_the_object_was() {
    let (server, client) = Server::start();
    let cache = start(&client);
    cache.synced().await.unwrap();
    server.refuse("/", 503);
    let configs = client.namespaced::<ConfigMap>("ns");
    let written = server.put("ns", "a", "1");
    server.delete("ns", "a");
    // It is not in the cache, but it may come yet.
    let error = cache.at_least(&configs.deletion_token(&written).unwrap(), seconds(5)).await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    server.allow("/");
    cache.at_least(&configs.deletion_token(&written).unwrap(), seconds(60)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn where_nothing_compares_there_is_an_error_and_no_guess() {
    let (server, client) = Server::start();
    let written = server.put("ns", "a", "1");
    let mut informer = Informer::new(client.namespaced::<ConfigMap>("ns"));
    informer.also([client.namespaced("more")]);
    let cache = informer.start();
    cache.synced().await.unwrap();
    let configs = client.namespaced::<ConfigMap>("ns");
    let limit = seconds(10);

    let (_, other) = Server::start();
    let token = other.namespaced::<ConfigMap>("ns").token(&written).unwrap();
    let error = cache.at_least(&token, limit).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the cache of configmaps can't wait for version 2: it is of another server"
    );

    let metadata = ObjectMeta { resource_version: "1".into(), name: "a".into(), ..Default::default() };
    let claim = k8s_api::apps::v1::Deployment { metadata: metadata.clone(), ..Default::default() };
    let token = client.namespaced("ns").token(&claim).unwrap();
    let error = cache.at_least(&token, limit).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the cache of configmaps can't wait for version 1: it is one of deployments.apps"
    );

    let elsewhere = server.put("elsewhere", "a", "1");
    let error = cache.at_least(&configs.token(&elsewhere).unwrap(), limit).await.unwrap_err();
    let line = error.to_string();
    assert!(line.ends_with("the namespace elsewhere is not followed"), "{line}");

    let unversioned = ConfigMap {
        metadata: ObjectMeta { resource_version: "W/1".into(), ..metadata },
        ..Default::default()
    };
    let error = configs.token(&unversioned).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no token for configmaps a: its resourceVersion \"W/1\" is no decimal number, and others can't be compared"
    );

    // A later version takes until the deadline, and the error says where the cache is.
    let mut future = written.clone();
    future.metadata.resource_version = "99".into();
    let error = cache.at_least(&configs.token(&future).unwrap(), limit).await.unwrap_err();
    assert_eq!(error.to_string(), "the cache of configmaps was not at version 99, but at 2, within 10s");
    // In a namespace alone its own watch counts.
    let more = server.put("more", "b", "1");
    cache.at_least(&client.namespaced::<ConfigMap>("more").token(&more).unwrap(), limit).await.unwrap();
    assert!(cache.at_least(&configs.token(&more).unwrap(), limit).await.is_ok());
}
