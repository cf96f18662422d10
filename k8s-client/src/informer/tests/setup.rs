//! What an informer is set up with, and who shares it.

use std::sync::Arc;

use k8s_api::core::v1::{ConfigMap, Secret};

use super::{Server, caught_up, seconds, text};
use crate::cache::{Memory, Store as _};
use crate::error::ErrorKind;
use crate::informer::{Factory, Informer};
use crate::select::{Fields, Labels};
use crate::watch::{Config, Strategy};

#[tokio::test(start_paused = true)]
async fn selectors_go_to_the_server() {
    let (server, client) = Server::start();
    server.put("ns", "a", "1");
    let mut informer = Informer::new(client.all::<ConfigMap>());
    informer.labels("app=x").fields("metadata.name=a");
    let cache = informer.start();
    cache.synced().await.unwrap();
    caught_up(&cache, &server).await;
    assert!(
        server.asked()[0].contains("labelSelector=app%3Dx&fieldSelector=metadata.name%3Da"),
        "{:?}",
        server.asked()
    );
}

#[tokio::test(start_paused = true)]
async fn objects_are_changed_before_anybody_sees_them_and_a_bad_change_costs_one_object() {
    for strategy in [Strategy::Stream, Strategy::List] {
        let (server, client) = Server::start();
        for name in ["a", "panics", "renames"] {
            server.put("ns", name, "1");
        }
        let mut informer = Informer::new(client.all::<ConfigMap>());
        informer.config(Config { strategy, ..Config::default() });
        informer.without_managed_fields().transform(|config: &mut ConfigMap| {
            assert!(config.metadata.name != "panics");
            if config.metadata.name == "renames" {
                config.metadata.name = "renamed".into();
            }
            config.data.insert("text".into(), "changed".into());
        });
        let cache = informer.start();
        cache.synced().await.unwrap();
        server.put("ns", "b", "1");
        server.put("ns", "panics", "2");
        cache.until(|all| all.get("ns", "b").is_some()).await.unwrap();
        cache.until(|_| cache.health().quarantined == 3).await.unwrap();
        let snapshot = cache.snapshot();
        let seen: Vec<_> = snapshot.iter().map(|it| (it.metadata.name.as_str(), text(it))).collect();
        assert_eq!(seen, [("a", "changed".into()), ("b", "changed".into())], "{strategy:?}");
        assert!(snapshot.iter().all(|config| config.metadata.managed_fields.is_empty()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_of_the_programs_own_is_filled() {
    let (server, client) = Server::start();
    server.put("ns", "a", "1");
    let mut informer = Informer::new(client.all::<ConfigMap>());
    let by_text = informer.index_path("data.text").unwrap();
    let error = informer.index_path("data..text").unwrap_err();
    assert!(error.to_string().contains("data..text"), "{error}");
    let under = informer.index_by(|config: &ConfigMap| [text(config), config.metadata.name.to_string()]);
    let own = Arc::new(Memory::<ConfigMap>::new([]).unwrap());
    informer.fill(own.clone());
    let cache = informer.start();
    cache.synced().await.unwrap();
    server.put("ns", "b", "1");
    caught_up(&cache, &server).await;
    assert_eq!(own.list().len(), 2);
    let snapshot = cache.snapshot();
    assert_eq!((snapshot.by(&by_text, "1").count(), snapshot.under(&under, ["1"]).count()), (2, 2));
    server.delete("ns", "a");
    caught_up(&cache, &server).await;
    assert!(own.get("ns", "a").is_none() && own.get("ns", "b").is_some());
}

#[tokio::test(start_paused = true)]
async fn who_wants_the_same_shares_it() {
    let (server, client) = Server::start();
    server.put("x", "a", "1");
    server.put("y", "b", "1");
    let factory = Factory::new();
    let all = factory.informer(&client.all::<ConfigMap>());
    let by_name = all.setup(|all| all.index(|it: &ConfigMap| [it.metadata.name.to_string()])).unwrap();
    let same = factory.informer(&client.all::<ConfigMap>());
    let (_, other) = Server::start();
    let others = [
        factory.informer(&client.namespaced::<ConfigMap>("x")),
        factory.selected(&client.all::<ConfigMap>(), "app=x", ""),
        factory.informer(&other.all::<ConfigMap>()),
    ];
    assert!(server.asked().is_empty(), "nothing is asked before it starts");
    factory.start();
    factory.start();
    factory.synced_within(seconds(10)).await.unwrap();
    assert_eq!(server.asked().len(), 3, "{:?}", server.asked());
    assert_eq!(same.cache().snapshot().by(&by_name, "b").count(), 1);
    assert_eq!(others.each_ref().map(|it| it.cache().snapshot().len()), [1, 2, 0]);
    let error = same.setup(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "the shared informer of configmaps has started: set it up before");
    factory.stop().await;
    assert_eq!(server.watches(), 0);
    assert!(!same.cache().is_running() && same.cache().snapshot().len() == 2);
}

#[tokio::test(start_paused = true)]
async fn a_factory_says_who_is_late() {
    let (server, client) = Server::start();
    server.refuse("/api/v1/secrets", 403);
    let factory = Factory::new();
    factory.informer(&client.all::<ConfigMap>());
    factory.informer(&client.all::<Secret>());
    factory.start();
    let started = tokio::time::Instant::now();
    let error = factory.synced_within(seconds(10)).await.unwrap_err();
    assert!(error.is_forbidden() && error.to_string().starts_with("the cache of secrets was not"), "{error}");
    assert_eq!((started.elapsed(), error.kind()), (seconds(10), ErrorKind::Timeout));
}

#[tokio::test(start_paused = true)]
async fn a_lister_reads_and_selects() {
    let (server, client) = Server::start();
    server.put("x", "a", "1");
    server.put("x", "b", "2");
    server.put("y", "b", "2");
    let cache = Informer::new(client.all::<ConfigMap>()).start();
    cache.synced().await.unwrap();
    let lister = cache.lister();
    let two = Fields::<ConfigMap>::parse("metadata.name=b").unwrap();
    assert_eq!((lister.list(&two).len(), lister.namespaced("x").list(&two).len()), (2, 1));
    assert_eq!(lister.namespaced("x").list(&Labels::parse("!app").unwrap()).len(), 2);
    assert!(lister.get("y", "b").is_some() && lister.namespaced("y").get("a").is_none());
    drop(cache);
    tokio::task::yield_now().await;
    assert_eq!(server.watches(), 0, "it does not keep the watch going");
}
