//! Informers where something is not there yet, where handlers misbehave, and where a program wants to read what it wrote.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use k8s_api::apiextensions::v1::CustomResourceDefinition;
use k8s_api::core::v1::{ConfigMap, Namespace};
use k8s_api::dynamic::{ApiResource, DynamicObject};
use k8s_api::rbac::v1::{Role, RoleBinding};
use k8s_client::config::Impersonation;
use k8s_client::informer::{Batch, Debounce, Event, Factory, Phase};
use k8s_client::watch::{Backoff, Config as Watch};
use k8s_client::{Cache, Client, Config, Informer};
use k8s_tests::{blocking, client, cluster};

const LIMIT: Duration = Duration::from_secs(60);

async fn namespace(name: &str) -> Client {
    let client = client(cluster());
    let mut namespace = Namespace::default();
    namespace.metadata.name = name.into();
    client.cluster().create(&namespace).await.unwrap();
    client
}

fn config(name: &str, text: &str) -> ConfigMap {
    let mut config = ConfigMap::default();
    config.metadata.name = name.into();
    config.data.insert("text".into(), text.into());
    config
}

/// Looks again soon.
fn eager() -> Watch {
    let backoff = Backoff { first: Duration::from_millis(100), cap: Duration::from_millis(500) };
    Watch { backoff, ..Watch::default() }
}

#[tokio::test]
async fn a_definition_that_comes_later_is_followed_then() {
    let client = namespace("following-late").await;
    let lates = client.dynamic(ApiResource::namespaced("following.example.com", "v1", "Late", "lates"));
    let mut informer = Informer::new(lates.clone().everywhere());
    informer.config(eager());
    let cache = informer.start();
    let error = cache.synced_within(Duration::from_secs(1)).await.unwrap_err();
    assert!(error.is_not_found() && error.is_timeout(), "{error}");
    println!("{error}");
    assert!(cache.health().failures > 1 && !cache.fresh_within(LIMIT));

    let definition: CustomResourceDefinition = serde_saphyr::from_str(
        "
metadata: {name: lates.following.example.com}
spec:
  group: following.example.com
  scope: Namespaced
  names: {kind: Late, plural: lates}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
",
    )
    .unwrap();
    client.cluster().create(&definition).await.unwrap();
    cache.synced().await.unwrap();
    assert!(cache.health().failure.is_none() && cache.fresh_within(LIMIT));
    let resource = ApiResource::namespaced("following.example.com", "v1", "Late", "lates");
    let written = lates
        .clone()
        .namespace("following-late")
        .create(&DynamicObject::new(&resource, "one"))
        .await
        .unwrap();
    let lates = lates.namespace("following-late");
    cache.at_least(&lates.token(&written).unwrap(), LIMIT).await.unwrap();
    assert!(cache.get("following-late", "one").is_some());
    client.cluster::<CustomResourceDefinition>().delete("lates.following.example.com").await.unwrap();
}

#[tokio::test]
async fn a_permission_that_comes_later_is_used_then() {
    let admin = namespace("following-denied").await;
    admin.namespaced("following-denied").create(&config("a", "1")).await.unwrap();
    let late = Config::from_kubeconfig(cluster().kubeconfig(), None).unwrap();
    let late = Client::new(late.with_impersonation(Impersonation::user("late")).unwrap()).unwrap();
    // One of the namespaces is allowed from the beginning.
    allow(&namespace("following-allowed").await, "following-allowed").await;
    let mut informer = Informer::new(late.namespaced::<ConfigMap>("following-allowed"));
    informer.also([late.namespaced("following-denied")]).config(eager());
    let cache = informer.start();
    cache.until(|_| cache.health().failure.is_some()).await.unwrap();
    let error = cache.synced_within(Duration::from_secs(1)).await.unwrap_err();
    assert!(error.is_forbidden() && error.to_string().contains("User \"late\" cannot"), "{error}");
    allow(&admin, "following-denied").await;
    cache.synced().await.unwrap();
    cache.until(|all| all.get("following-denied", "a").is_some()).await.unwrap();
    assert!(cache.health().failure.is_none());
}

async fn allow(admin: &Client, namespace: &str) {
    let role =
        "{metadata: {name: late}, rules: [{apiGroups: [''], resources: [configmaps], verbs: [list, watch]}]}";
    let role: Role = serde_saphyr::from_str(role).unwrap();
    let binding = "
metadata: {name: late}
subjects: [{kind: User, name: late, apiGroup: rbac.authorization.k8s.io}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: late}
";
    let binding: RoleBinding = serde_saphyr::from_str(binding).unwrap();
    admin.namespaced(namespace).create(&role).await.unwrap();
    admin.namespaced(namespace).create(&binding).await.unwrap();
}

fn versions<'a>(configs: impl IntoIterator<Item = &'a ConfigMap>) -> BTreeMap<String, String> {
    let version =
        |config: &ConfigMap| (config.metadata.name.to_string(), config.metadata.resource_version.to_string());
    configs.into_iter().map(version).collect()
}

/// Writes in a namespace from several sides at once, reads each write from the cache, and returns how long that took.
async fn storm(client: &Client, namespace: &'static str, cache: &Cache<ConfigMap>) -> Vec<Duration> {
    let writers = (0..4).map(|writer| {
        let (configs, cache) = (client.namespaced::<ConfigMap>(namespace), cache.clone());
        tokio::spawn(async move {
            let mut waits = Vec::new();
            for round in 0..40 {
                let name = format!("w{writer}-{}", round % 8);
                let known = cache.get(namespace, &name);
                let begin;
                if round % 5 == 4
                    && let Some(known) = known
                {
                    configs.delete(&name).if_uid(&known.metadata.uid).await.unwrap();
                    begin = Instant::now();
                    cache.at_least(&configs.deletion_token(&known).unwrap(), LIMIT).await.unwrap();
                    assert!(cache.get(namespace, &name).is_none(), "{name} was deleted");
                } else {
                    let config = config(&name, &round.to_string());
                    let written = configs.apply(&config, "storm").force().await.unwrap();
                    begin = Instant::now();
                    cache.at_least(&configs.token(&written).unwrap(), LIMIT).await.unwrap();
                    // Nobody else writes this one.
                    assert_eq!(cache.get(namespace, &name).as_deref(), Some(&written));
                }
                waits.push(begin.elapsed());
            }
            waits
        })
    });
    let mut waits = Vec::new();
    for writer in writers.collect::<Vec<_>>() {
        waits.extend(writer.await.unwrap());
    }
    waits
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_writes_are_read_and_bad_handlers_harm_nobody() {
    let client = namespace("following-storm").await;
    let factory = Factory::new();
    let configs = client.namespaced::<ConfigMap>("following-storm");
    let shared = factory.informer(&configs);
    factory.start();
    factory.synced_within(LIMIT).await.unwrap();
    let cache = factory.informer(&configs).cache();
    let created = configs.create(&config("first", "1")).await.unwrap();
    shared.cache().at_least(&configs.token(&created).unwrap(), LIMIT).await.unwrap();

    let told = Arc::new(AtomicUsize::new(0));
    let counting = told.clone();
    let panics = cache.on_event(move |event| {
        let told = counting.fetch_add(1, Ordering::Relaxed);
        async move { assert!(told.is_multiple_of(2) || event.object().is_none(), "on purpose") }
    });
    let (open, gate) = mpsc::channel::<()>();
    let blocks = cache.subscribe().capacity(16).on_event_blocking(move |_| _ = gate.recv());
    let mut subscription = cache.subscribe();

    let mut waits = storm(&client, "following-storm", &cache).await;
    waits.sort();
    let listed = configs.list().await.unwrap();
    let fresh = versions(&listed.items);
    let mut known = BTreeMap::new();
    while versions(known.values().map(|it: &Arc<ConfigMap>| &**it)) != fresh {
        match subscription.next().await.unwrap() {
            Event::Applied(object) => _ = known.insert(object.metadata.name.clone(), object),
            Event::Deleted(object) => _ = known.remove(&object.metadata.name),
            _ => {}
        }
    }
    cache.until(|all| versions(all) == fresh).await.unwrap();
    println!(
        "{} writes were in the cache after {:?} in the middle and {:?} at most; one handler panicked {} times, one was {:?} behind",
        waits.len(),
        waits[waits.len() / 2],
        waits[waits.len() - 1],
        panics.behind().panics,
        blocks.behind(),
    );
    assert!(blocks.behind().coalesced > 0 && panics.is_running());
    drop(open);
    factory.stop().await;
    assert!(panics.behind().panics > 0 && blocks.behind().pending == 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_changes_are_one_call_and_one_object_has_each_of_its_states() {
    let client = namespace("following-bulk").await;
    let configs = client.namespaced::<ConfigMap>("following-bulk");
    let cache = Informer::new(configs.clone()).start();
    let (told, calls) = mpsc::channel();
    let bulk = cache.on_changes(Debounce::default(), move |batch: Batch<ConfigMap>| {
        told.send(batch).unwrap();
        async {}
    });
    let (told, states) = mpsc::channel();
    let single = configs.on_content("c-0", move |state: Option<Arc<ConfigMap>>| {
        told.send(state.map(|state| state.data.get("text").unwrap().to_string())).unwrap();
        async {}
    });
    cache.synced().await.unwrap();
    let (first, states) = blocking(move || Ok((states.recv()?, states))).await;
    assert_eq!(first, None, "it is told before the object is made");
    for text in 0..30 {
        for name in ["c-0", "c-1", "c-2"] {
            configs.apply(&config(name, &text.to_string()), "bulk").force().await.unwrap();
        }
    }
    let deleted = configs.get("c-0").await.unwrap();
    configs.delete("c-0").await.unwrap();
    cache.at_least(&configs.deletion_token(&deleted).unwrap(), LIMIT).await.unwrap();
    cache.stop().await;
    let calls: Vec<Batch<ConfigMap>> = calls.try_iter().collect();
    assert_eq!(calls[0].phase, Phase::Synced);
    let mut keys = std::collections::BTreeSet::new();
    for call in &calls {
        call.deleted.iter().for_each(|key| assert!(keys.remove(key), "{key:?} was not there"));
        call.modified.iter().for_each(|key| assert!(keys.contains(key), "{key:?} was not there"));
        call.created.iter().for_each(|key| assert!(keys.insert(key.clone()), "{key:?} was there"));
        assert_eq!(keys.len(), call.snapshot.len());
    }
    println!("91 changes came in {} calls", calls.len());
    assert!(calls.len() < 20, "{}", calls.len());
    // Every state of the one, until it was gone.
    let states = blocking(move || {
        let mut all = vec![states.recv()?];
        while all[all.len() - 1].is_some() {
            all.push(states.recv()?);
        }
        Ok(all)
    })
    .await;
    let texts = (0..30).map(|text| Some(text.to_string()));
    let expected: Vec<_> = texts.chain([None]).collect();
    assert_eq!(states, expected);
    drop((bulk, single));
}
