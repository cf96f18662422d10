//! A stream of events, without a store behind it, through everything that can happen to a connection and a server.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use k8s_api::Object as _;
use k8s_api::core::v1::ConfigMap;
use k8s_client::api::Events;
use k8s_client::watch::{Cause, Config, Event};
use k8s_client::{Api, Client};
use k8s_tests::{blocking, client, options};
use xtask::cluster::{Cluster, Ending, Link, Program};

/// What somebody knows who is told what is applied and what is deleted, and nothing else.
#[derive(Default)]
struct Account {
    versions: BTreeMap<String, String>,
    told: usize,
    resynced: Vec<Cause>,
}

impl Account {
    /// Follows until what is known is what is there.
    async fn until(&mut self, events: &mut Events<ConfigMap>, there: &BTreeMap<String, String>) {
        while self.versions != *there {
            match events.next().await.expect("it never ends") {
                Event::Applied(object) => {
                    self.told += 1;
                    let version = object.resource_version().to_owned();
                    let before = self.versions.insert(object.name().to_owned(), version.clone());
                    assert_ne!(before, Some(version), "told twice");
                }
                Event::Deleted(gone) => assert!(self.versions.remove(gone.name()).is_some(), "{gone:?}"),
                Event::Resynced { cause } => self.resynced.push(cause),
                _ => {}
            }
        }
    }
}

async fn listed(configs: &Api<ConfigMap>) -> BTreeMap<String, String> {
    let list = configs.list().labels("suite=watch").await.unwrap();
    let entry = |config: &ConfigMap| (config.name().to_owned(), config.resource_version().to_owned());
    list.items.iter().map(entry).collect()
}

async fn write(configs: &Api<ConfigMap>, name: &str, value: usize) {
    let mut config = ConfigMap::default();
    config.metadata.name = name.into();
    config.metadata.labels.insert("suite".into(), "watch".into());
    config.data.insert("value".into(), value.to_string().into());
    configs.apply(&config, "watch").force().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_alone_tells_what_is_there_whatever_breaks() {
    let cluster = Arc::new(
        blocking(|| {
            let mut options = options()?;
            options.only_api = true;
            Cluster::start(options)
        })
        .await,
    );
    let configs = client(&cluster).namespaced::<ConfigMap>("default");
    let proxied = cluster.clone();
    let proxy = Arc::new(blocking(move || proxied.proxy(Program::KubeApiserver)).await);
    let config = k8s_client::Config::from_kubeconfig(cluster.kubeconfig(), None).unwrap();
    let behind = Client::new(config.with_server(&format!("https://{}", proxy.address())).unwrap()).unwrap();
    // A limit that need not be waited for long; what it does is the same.
    let short = Config { idle: Duration::from_secs(2), ..Config::default() };
    let api = behind.namespaced::<ConfigMap>("default");
    let mut events = api.watch().labels("suite=watch").events().config(short.clone());
    let monitor = events.monitor();
    let mut one = api.watch_one("b").config(short);
    let mut account = Account::default();

    for name in ["a", "b", "c"] {
        write(&configs, name, 0).await;
    }
    account.until(&mut events, &listed(&configs).await).await;
    assert!(monitor.health().synced && monitor.fresh_within(Duration::from_secs(60)));
    assert!(one.next().await.unwrap().is_some());

    let mut faults = 0;
    for round in 1..=3 {
        // Everything stays open, and nothing comes through: somebody has to notice.
        proxy.set(Link::Frozen);
        configs.delete("b").await.unwrap();
        write(&configs, "b", round).await;
        let noticed = monitor.until(|health| {
            health.failure.as_ref().is_some_and(|failure| failure.message.contains("nothing came"))
        });
        tokio::select! {
            noticed = noticed => assert!(noticed),
            event = events.next() => panic!("through a dead line came {event:?}"),
        }
        proxy.set(Link::Up);
        account.until(&mut events, &listed(&configs).await).await;
        proxy.cut();
        write(&configs, "c", round).await;
        account.until(&mut events, &listed(&configs).await).await;
        faults += 2;
    }
    assert_eq!(account.resynced, [], "nothing was lost, so nothing is read anew");
    // The last state, and that the object was made anew in between.
    let mut states = Vec::new();
    let last = configs.get("b").await.unwrap();
    while states.last().is_none_or(|state: &Option<String>| state.as_deref() != Some(last.resource_version()))
    {
        states.push(one.next().await.unwrap().map(|config| config.resource_version().to_owned()));
    }
    assert!(states.contains(&None), "{states:?}");

    let restart = cluster.clone();
    blocking(move || restart.restart(Program::KubeApiserver, Ending::Kill)).await;
    write(&configs, "d", 0).await;
    account.until(&mut events, &listed(&configs).await).await;
    // The history goes while the line is dead, and an object with it.
    proxy.set(Link::Frozen);
    configs.delete("a").await.unwrap();
    write(&configs, "e", 0).await;
    let forget = cluster.clone();
    blocking(move || forget.forget_history()).await;
    proxy.set(Link::Up);
    let there = listed(&configs).await;
    account.until(&mut events, &there).await;
    faults += 3;
    println!(
        "{faults} faults, {} states told, {} objects as listed, read anew {:?}",
        account.told,
        there.len(),
        account.resynced
    );
}
