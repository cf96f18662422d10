//! The kinds that people use every day, through the whole life of an object: each verb, each kind of patch, watched all the way.
//!
//! One generic function for all of them. It needs a server that keeps objects; what needs more is said where it is needed.

use k8s_api::Resource;
use k8s_api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_api::autoscaling::v1::Scale;
use k8s_api::batch::v1::{CronJob, Job};
use k8s_api::codec::json;
use k8s_api::core::v1::{
    ConfigMap, Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod, Secret, Service,
};
use k8s_api::raw::RawJson;
use k8s_api::request::{
    Apply, Deleted, FieldValidation, Get, HasSubresource, Itself, Patch, PatchDocument, Place, Propagation,
    Replace, subresource, verb,
};
use k8s_client::{Api, Informer};
use k8s_tests::server::{Ability, Server};

use crate::server;

/// What all of these kinds offer.
trait Everyday:
    verb::Get
    + verb::List
    + verb::Watch
    + verb::Create<Answer = Self>
    + verb::Replace
    + verb::Patch
    + verb::Delete
    + HasSubresource<Itself, Object = Self>
    + std::fmt::Debug
{
}

impl<K> Everyday for K where
    K: verb::Get
        + verb::List
        + verb::Watch
        + verb::Create<Answer = K>
        + verb::Replace
        + verb::Patch
        + verb::Delete
        + HasSubresource<Itself, Object = K>
        + std::fmt::Debug
{
}

fn read<K: Resource>(yaml: &str) -> K {
    let value: serde_json::Value = serde_saphyr::from_str(yaml).unwrap();
    json::decode(value.to_string().as_bytes()).unwrap()
}

fn raw(json: &str) -> RawJson {
    RawJson::parse(json.as_bytes()).unwrap()
}

/// Reads, changes and replaces, again while somebody else is faster.
async fn modified<K: Everyday>(api: &Api<K>, name: &str, change: fn(&mut K)) -> K {
    loop {
        let mut object = api.get(name).await.unwrap();
        change(&mut object);
        match api.replace(&object).await {
            Err(error) if error.is_conflict() => {}
            replaced => return replaced.unwrap(),
        }
    }
}

/// The whole life of an object. `change` makes a difference that `changed` sees.
async fn lives<K: Everyday>(
    server: &Server,
    api: Api<K>,
    yaml: &str,
    change: fn(&mut K),
    changed: fn(&K) -> bool,
) {
    let object: K = read(yaml);
    let name = object.metadata().name.to_string();
    let cache = Informer::new(server.client().all::<K>()).start();
    cache.synced().await.unwrap();

    // Made, and not twice.
    let dry = api.create(&object).dry_run().await.unwrap();
    assert!(!dry.metadata().uid.is_empty() && api.get(&name).await.unwrap_err().is_not_found());
    let made = api.create(&object).field_manager("creator").await.unwrap();
    assert_eq!(made.metadata().name, *name);
    let (namespace, uid) = (made.metadata().namespace.to_string(), made.metadata().uid.clone());
    assert!(api.create(&object).await.unwrap_err().is_already_exists());
    cache.until(|seen| seen.get(&namespace, &name).is_some()).await.unwrap();

    // Read and listed.
    assert_eq!(api.get(&name).await.unwrap().metadata().uid, uid);
    for list in [api.list().labels("day=every").await, server.client().all::<K>().list().only(&name).await] {
        let uids: Vec<_> = list.unwrap().items.iter().map(|it| it.metadata().uid.clone()).collect();
        assert!(uids.contains(&uid), "{uids:?}");
    }
    assert!(api.list().labels("day=none").await.unwrap().items.is_empty());
    let page = server.client().all::<K>().list().limit(1).await.unwrap();
    assert_eq!(page.items.len(), 1);

    // Replaced; what is late is told so.
    let replaced = modified(&api, &name, change).await;
    assert!(changed(&replaced) && !changed(&made), "{replaced:?}");
    assert!(api.replace(&made).await.unwrap_err().is_conflict());
    cache.until(|seen| seen.get(&namespace, &name).is_some_and(&changed)).await.unwrap();

    // Patched in each way.
    let pointer = r#"[{"op": "add", "path": "/metadata/labels/json", "value": "1"}]"#;
    let labels = |name: &str| format!(r#"{{"metadata": {{"labels": {{"{name}": "1"}}}}}}"#);
    for (label, document) in [
        ("json", PatchDocument::Json(raw(pointer))),
        ("merge", PatchDocument::Merge(raw(&labels("merge")))),
        ("strategic", PatchDocument::Strategic(raw(&labels("strategic")))),
    ] {
        let patched = api.patch(&name, &document).field_manager("patcher").await.unwrap();
        assert_eq!(patched.metadata().labels.get(label).map(|it| it.as_str()), Some("1"));
    }
    let unknown = PatchDocument::Merge(raw(r#"{"noSuchField": 1}"#));
    let error = api.patch(&name, &unknown).field_validation(FieldValidation::Strict).await.unwrap_err();
    assert!(error.to_string().contains(r#"unknown field "noSuchField""#), "{error}");
    let test = PatchDocument::Json(raw(r#"[{"op": "test", "path": "/metadata/uid", "value": "another"}]"#));
    assert_eq!(api.patch(&name, &test).await.unwrap_err().code().unwrap(), 422);

    // Applied: owned, contested, taken over.
    if server.has(Ability::Apply, &format!("a {} is applied", K::KIND)) {
        let mut wish = K::default();
        wish.metadata_mut().name = name.as_str().into();
        wish.metadata_mut().labels.insert("applied".into(), "mine".into());
        let applied = api.apply(&wish, "mine").await.unwrap();
        assert!(changed(&applied), "an apply leaves alone what it does not name");
        assert!(applied.metadata().managed_fields.iter().any(|entry| entry.manager == "mine"));
        wish.metadata_mut().labels.insert("applied".into(), "theirs".into());
        let error = api.apply(&wish, "theirs").await.unwrap_err();
        assert!(error.is_conflict() && error.to_string().contains("mine"), "{error}");
        api.apply(&wish, "theirs").force().await.unwrap();
        let theirs = |object: &K| object.metadata().labels.get("applied").is_some_and(|it| *it == *"theirs");
        cache.until(|seen| seen.get(&namespace, &name).is_some_and(&theirs)).await.unwrap();
    }

    // Deleted: not another one, not one that has changed, and then really.
    let delete = || api.delete(&name).propagation(Propagation::Background);
    assert!(delete().if_uid("another").await.unwrap_err().is_conflict());
    assert!(delete().if_version(&made.metadata().resource_version).await.unwrap_err().is_conflict());
    delete().dry_run().await.unwrap();
    assert!(api.get(&name).await.unwrap().metadata().deletion_timestamp.is_none());
    let answer = delete().if_uid(&uid).await.unwrap();
    let protected = matches!(K::KIND, "Namespace" | "PersistentVolume" | "PersistentVolumeClaim");
    if !protected || server.has(Ability::Cleanup, &format!("a {} that was deleted goes", K::KIND)) {
        cache.until(|seen| seen.get(&namespace, &name).is_none()).await.unwrap();
        assert!(api.get(&name).await.unwrap_err().is_not_found());
    } else {
        let Deleted::Going(going) = answer else { panic!("nothing holds it") };
        assert!(going.metadata().deletion_timestamp.is_some());
    }
    println!(
        "{} {}: created, read, listed, watched, replaced, patched, applied, deleted",
        K::API_VERSION,
        K::KIND
    );
}

/// The pods of a workload, which nobody's node takes.
const POD: &str = "{metadata: {labels: {day: every}}, spec: {containers: [{name: c, image: i}]}}";

fn workload(kind: &str, name: &str, more: &str) -> String {
    format!(
        "{{apiVersion: apps/v1, kind: {kind}, metadata: {{name: {name}, labels: {{day: every}}}}, \
         spec: {{selector: {{matchLabels: {{day: every}}}}, template: {POD}, {more}}}}}"
    )
}

fn job(name: &str) -> String {
    let template = "template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}";
    format!(
        "{{apiVersion: batch/v1, kind: Job, metadata: {{name: {name}, labels: {{day: every}}}}, spec: {{suspend: true, {template}}}}}"
    )
}

const CRON_JOB: &str = "{apiVersion: batch/v1, kind: CronJob, metadata: {name: x, labels: {day: every}}, \
    spec: {schedule: '@yearly', jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}}}}";

#[tokio::test]
async fn what_is_plain_lives() {
    let server = server("everyday-plain").await;
    let (client, here) = (server.client(), server.namespace());
    lives(
        &server,
        client.namespaced(here),
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: x, labels: {day: every}}, data: {k: v}}",
        |it: &mut ConfigMap| drop(it.data.insert("more".into(), "w".into())),
        |it| it.data.len() == 2,
    )
    .await;
    lives(
        &server,
        client.namespaced(here),
        "{apiVersion: v1, kind: Secret, metadata: {name: x, labels: {day: every}}, data: {k: dg==}}",
        |it: &mut Secret| drop(it.data.remove("k")),
        |it| it.data.is_empty(),
    )
    .await;
    lives(
        &server,
        client.namespaced(here),
        "{apiVersion: v1, kind: Service, metadata: {name: x, labels: {day: every}}, spec: {selector: {a: b}, ports: [{port: 80}]}}",
        |it: &mut Service| it.spec.ports[0].port = 81,
        |it| it.spec.ports[0].port == 81,
    )
    .await;
    lives(
        &server,
        client.cluster(),
        "{apiVersion: v1, kind: Namespace, metadata: {name: everyday-namespace, labels: {day: every}}}",
        |it: &mut Namespace| drop(it.metadata.annotations.insert("a".into(), "".into())),
        |it| it.metadata.annotations.get("a").is_some(),
    )
    .await;
    // Nothing is to run there: the other tests' pods least of all.
    lives(
        &server,
        client.cluster(),
        "{apiVersion: v1, kind: Node, metadata: {name: worker-everyday, labels: {day: every}}, \
         spec: {unschedulable: true, taints: [{key: suite, effect: NoSchedule}, {key: suite, effect: NoExecute}]}}",
        |it: &mut Node| it.spec.taints[0].value = "everyday".into(),
        |it| it.spec.taints[0].value == "everyday",
    )
    .await;
}

#[tokio::test]
async fn what_stores_lives() {
    let server = server("everyday-storage").await;
    let (client, here) = (server.client(), server.namespace());
    lives(
        &server,
        client.cluster(),
        "{apiVersion: v1, kind: PersistentVolume, metadata: {name: everyday, labels: {day: every}}, \
         spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], storageClassName: none, hostPath: {path: /none}}}",
        |it: &mut PersistentVolume| it.spec.persistent_volume_reclaim_policy = "Delete".into(),
        |it| it.spec.persistent_volume_reclaim_policy.as_str() == "Delete",
    )
    .await;
    lives(
        &server,
        client.namespaced(here),
        "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: x, labels: {day: every}}, \
         spec: {accessModes: [ReadWriteOnce], storageClassName: other, resources: {requests: {storage: 1Gi}}}}",
        |it: &mut PersistentVolumeClaim| drop(it.metadata.annotations.insert("a".into(), "".into())),
        |it| it.metadata.annotations.get("a").is_some(),
    )
    .await;
}

#[tokio::test]
async fn what_runs_lives() {
    let server = server("everyday-runs").await;
    let (client, here) = (server.client(), server.namespace());
    lives(
        &server,
        client.namespaced(here),
        "{apiVersion: v1, kind: Pod, metadata: {name: x, labels: {day: every}}, spec: {containers: [{name: c, image: i}]}}",
        |it: &mut Pod| it.spec.containers[0].image = "j".into(),
        |it| it.spec.containers[0].image == "j",
    )
    .await;
    lives(
        &server,
        client.namespaced(here),
        &workload("Deployment", "x", "replicas: 0"),
        |it: &mut Deployment| it.spec.min_ready_seconds = 7,
        |it| it.spec.min_ready_seconds == 7,
    )
    .await;
    lives(
        &server,
        client.namespaced(here),
        &workload("ReplicaSet", "x", "replicas: 0"),
        |it: &mut ReplicaSet| it.spec.min_ready_seconds = 7,
        |it| it.spec.min_ready_seconds == 7,
    )
    .await;
    lives(
        &server,
        client.namespaced(here),
        &workload("StatefulSet", "x", "replicas: 0, serviceName: x"),
        |it: &mut StatefulSet| it.spec.min_ready_seconds = 7,
        |it| it.spec.min_ready_seconds == 7,
    )
    .await;
    lives(
        &server,
        client.namespaced(here),
        &workload("DaemonSet", "x", "minReadySeconds: 0"),
        |it: &mut DaemonSet| it.spec.min_ready_seconds = 7,
        |it| it.spec.min_ready_seconds == 7,
    )
    .await;
    lives(
        &server,
        client.namespaced(here),
        &job("x"),
        |it: &mut Job| it.spec.active_deadline_seconds = Some(700),
        |it| it.spec.active_deadline_seconds == Some(700),
    )
    .await;
    lives(
        &server,
        client.namespaced(here),
        CRON_JOB,
        |it: &mut CronJob| it.spec.schedule = "@monthly".into(),
        |it| it.spec.schedule == "@monthly",
    )
    .await;
}

/// Up and down in each way that the scale can be written.
async fn scales<K>(server: &Server, api: Api<K>, yaml: String)
where
    K: Everyday
        + HasSubresource<subresource::Scale, Object = Scale>
        + verb::Get<subresource::Scale>
        + verb::Replace<subresource::Scale>
        + verb::Patch<subresource::Scale>,
{
    let object = api.create(&read(&yaml)).await.unwrap();
    let name = &object.metadata().name;
    let client = server.client();
    let place = || Place::of(Some(server.namespace()));
    let controlled = server.has(Ability::Controllers, &format!("the pods of a {} follow its scale", K::KIND));
    let follows = async |replicas: i64| {
        let path = format!("/apis/apps/v1/namespaces/{}/{}/{name}", server.namespace(), K::PLURAL);
        // Where there is none, the count is left out.
        let count = |it: &serde_json::Value| it["status"]["readyReplicas"].as_i64().unwrap_or_default();
        if controlled {
            server.until(&path, move |it| count(it) == replicas).await;
        }
    };
    let get = || client.request(Get::<K, subresource::Scale>::new(place(), name));
    let mut scale: Scale = get().await.unwrap();
    assert_eq!((scale.spec.replicas, &scale.metadata.name), (0, name));

    // Its controller writes the status at the same time, which changes the version of both.
    loop {
        scale.spec.replicas = 2;
        match client.request(Replace::<K, subresource::Scale>::on(place(), name, &scale)).await {
            Err(error) if error.is_conflict() => scale = get().await.unwrap(),
            replaced => break assert_eq!(replaced.unwrap().spec.replicas, 2),
        }
    }
    follows(2).await;
    let one = PatchDocument::Merge(raw(r#"{"spec": {"replicas": 1}}"#));
    let patched = client.request(Patch::<K, subresource::Scale>::new(place(), name, &one)).await.unwrap();
    assert_eq!(patched.spec.replicas, 1);
    follows(1).await;
    if server.has(Ability::Apply, &format!("the scale of a {} is applied", K::KIND)) {
        let mut none = Scale::default();
        none.metadata.name = name.clone();
        let apply =
            || Apply::<K, subresource::Scale>::on(place(), name, &none, "scaler").own("spec.replicas");
        assert!(client.request(apply()).await.unwrap_err().is_conflict());
        assert_eq!(client.request(apply().force()).await.unwrap().spec.replicas, 0);
        follows(0).await;
    }
    api.delete(name).propagation(Propagation::Foreground).await.unwrap();
    println!("{} {}: scale read, replaced, patched, applied", K::API_VERSION, K::KIND);
}

#[tokio::test]
async fn what_can_be_scaled_is() {
    let server = server("everyday-scaled").await;
    let (client, here) = (server.client(), server.namespace());
    scales::<Deployment>(&server, client.namespaced(here), workload("Deployment", "d", "replicas: 0")).await;
    // Each has its own selector: they would take each other's pods.
    let other = |kind: &str, more| workload(kind, "o", more).replace("day: every", &format!("day: {kind}"));
    scales::<ReplicaSet>(&server, client.namespaced(here), other("ReplicaSet", "replicas: 0")).await;
    scales::<StatefulSet>(
        &server,
        client.namespaced(here),
        other("StatefulSet", "replicas: 0, serviceName: x"),
    )
    .await;
}

#[tokio::test]
async fn what_can_be_suspended_is() {
    let server = server("everyday-suspended").await;
    let (client, here) = (server.client(), server.namespace());
    let suspend =
        |wanted: bool| PatchDocument::Merge(raw(&format!(r#"{{"spec": {{"suspend": {wanted}}}}}"#)));

    let jobs = client.namespaced::<Job>(here);
    jobs.create(&read(&job("x"))).await.unwrap();
    let path = format!("/apis/batch/v1/namespaces/{here}/jobs/x");
    let runs = server.has(Ability::Controllers, "a job that is resumed runs");
    let condition = |wanted: &'static str| {
        move |it: &serde_json::Value| {
            let conditions = it["status"]["conditions"].as_array().cloned().unwrap_or_default();
            conditions.iter().any(|it| it["type"] == wanted && it["status"] == "True")
        }
    };
    if runs {
        server.until(&path, condition("Suspended")).await;
    }
    assert_eq!(jobs.patch("x", &suspend(false)).await.unwrap().spec.suspend, Some(false));
    if runs && server.has(Ability::Kubelets, "a job that is resumed completes") {
        server.until(&path, condition("Complete")).await;
    }

    let cron_jobs = client.namespaced::<CronJob>(here);
    cron_jobs.create(&read(CRON_JOB)).await.unwrap();
    for wanted in [true, false] {
        assert_eq!(cron_jobs.patch("x", &suspend(wanted)).await.unwrap().spec.suspend, Some(wanted));
    }
}
