//! The short forms of the client on the real server: what they rest on there, beyond what is sent.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _};
use http::HeaderValue;
use k8s_api::apps::v1::Deployment;
use k8s_api::batch::v1::{CronJob, Job};
use k8s_api::certificates::v1::CertificateSigningRequest;
use k8s_api::core::v1::{
    ConfigMap, Container, EphemeralContainer, Namespace, Node, Pod, Secret, Service, ServiceAccount,
};
use k8s_api::meta::v1::ObjectMeta;
use k8s_api::policy::v1::PodDisruptionBudget;
use k8s_api::request::VersionMatch;
use k8s_api::request::subresource::Scale;
use k8s_client::api::{Evicted, Patch};
use k8s_client::{Api, Client, Informer};
use k8s_tests::{blocking, client, cluster, options};
use serde_json::json;
use xtask::cluster::Cluster;

/// A namespace of a test's own.
async fn namespace(client: &Client, name: &str) {
    let metadata = ObjectMeta { name: name.into(), ..Default::default() };
    client.cluster().create(&Namespace { metadata, ..Default::default() }).await.unwrap();
}

fn config(name: &str, value: &str) -> ConfigMap {
    let mut config = ConfigMap::default();
    config.metadata.name = name.into();
    config.data.insert("k".into(), value.into());
    config
}

fn container() -> Container {
    Container { name: "c".into(), image: "i".into(), ..Default::default() }
}

fn pod(name: &str) -> Pod {
    let mut pod = Pod::default();
    pod.metadata.name = name.into();
    pod.metadata.labels.insert("app".into(), name.into());
    pod.spec.containers = vec![container()];
    pod
}

async fn running(pods: &Api<Pod>, name: &str) {
    let cache = Informer::new(pods.clone()).start();
    cache
        .until(|pods| {
            pods.iter().any(|pod| pod.metadata.name == name && pod.status.phase.as_str() == "Running")
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn only_a_missing_object_is_nothing() {
    let client = client(cluster());
    let configs = client.namespaced::<ConfigMap>("default");
    configs.create(&config("there", "v")).await.unwrap();
    assert!(configs.get_opt("there").await.unwrap().is_some());
    assert!(configs.get_opt("not-there").await.unwrap().is_none());
    // The server does not tell them apart.
    assert!(client.namespaced::<ConfigMap>("nowhere").get_opt("there").await.unwrap().is_none());
    assert!(client.cluster::<Namespace>().get_opt("nowhere").await.unwrap().is_none());
    let deployments = client.namespaced::<Deployment>("default");
    assert!(deployments.subresource::<Scale>().get_opt("not-there").await.unwrap().is_none());
    // No such kind, which is another answer.
    let unknown = client.cluster::<k8s_api::metrics::v1beta1::NodeMetrics>().get_opt("there").await;
    assert!(unknown.unwrap_err().is_not_found());
}

#[tokio::test]
async fn reads_are_of_the_version_that_is_asked_for() {
    let client = client(cluster());
    namespace(&client, "versions").await;
    let configs = client.namespaced::<ConfigMap>("versions");
    let first = configs.create(&config("a", "1")).await.unwrap();
    let second = configs.replace(&config("a", "2")).await.unwrap();
    let [old, new] = [&first, &second].map(|config| config.metadata.resource_version.as_str());

    assert_eq!(configs.get("a").version(new).await.unwrap(), second);
    assert_eq!(configs.get("a").await.unwrap(), second);
    let not_older = configs.list().version(new).version_match(VersionMatch::NotOlderThan).await.unwrap();
    assert!(not_older.items.contains(&second));
    let exact = configs.list().version(old).version_match(VersionMatch::Exact).await.unwrap();
    assert_eq!((exact.items[0].clone(), exact.metadata.resource_version.as_str()), (first.clone(), old));
    // A version beyond any that there is.
    let far = configs.get("a").version("9000000000000000").await.unwrap_err();
    assert!(far.is_timeout(), "{far}");
    let senseless = configs.list().version_match(VersionMatch::Exact).await.unwrap_err();
    assert_eq!(senseless.code().unwrap(), 422, "{senseless}");
    // The versions of pages come from the first one.
    configs.create(&config("b", "1")).await.unwrap();
    let exact = configs.list().fields("metadata.name!=kube-root-ca.crt").version(new);
    let exact = exact.version_match(VersionMatch::Exact).limit(1).items();
    let names: Vec<_> = exact.map_ok(|config| config.metadata.name).try_collect().await.unwrap();
    assert_eq!(names, ["a"]);
}

#[tokio::test]
async fn a_long_list_comes_in_pages() {
    let client = client(cluster());
    namespace(&client, "pages").await;
    let configs = client.namespaced::<ConfigMap>("pages");
    for number in 0..7 {
        configs.create(&config(&format!("c{number}"), "v")).await.unwrap();
    }
    let mut items = configs.list().fields("metadata.name!=kube-root-ca.crt").limit(3).items();
    let mut names = Vec::new();
    while let Some(item) = items.try_next().await.unwrap() {
        names.push(item.metadata.name.to_string());
        // What comes later is not in the state that is read.
        let late = config(&format!("z{}", names.len()), "v");
        configs.create(&late).await.unwrap();
    }
    assert_eq!(names, ["c0", "c1", "c2", "c3", "c4", "c5", "c6"]);
    assert!(items.is_snapshot());
    // A controller makes another one, sooner or later.
    let made = "metadata.name!=kube-root-ca.crt";
    let pages = configs.list().fields(made).limit(5).pages().map_ok(|page| page.items.len());
    assert_eq!(pages.try_collect::<Vec<_>>().await.unwrap(), [5, 5, 4]);
    let metadata = configs.metadata().list().fields(made).limit(4).items();
    assert_eq!(metadata.try_collect::<Vec<_>>().await.unwrap().len(), 14);
}

/// A cluster of its own, since its history is thrown away.
#[tokio::test]
async fn a_list_survives_the_end_of_its_state() {
    let cluster: &'static Cluster = Box::leak(Box::new(
        blocking(|| {
            let mut options = options()?;
            options.only_api = true;
            options.uncached = vec!["configmaps".to_owned()];
            Cluster::start(options)
        })
        .await,
    ));
    let client = client(cluster);
    namespace(&client, "old").await;
    let configs = client.namespaced::<ConfigMap>("old");
    for number in 0..6 {
        configs.create(&config(&format!("c{number}"), "v")).await.unwrap();
    }
    let mut going_on = configs.list().limit(2).items();
    let mut strict = configs.list().limit(2).items().snapshot();
    let first = going_on.try_next().await.unwrap().unwrap();
    assert_eq!(strict.try_next().await.unwrap().unwrap(), first);
    let version = going_on.version().unwrap().to_owned();
    // One before the place where the list is, one behind it.
    configs.delete("c0").await.unwrap();
    configs.delete("c4").await.unwrap();
    configs.create(&config("c00", "late")).await.unwrap();
    configs.create(&config("c7", "late")).await.unwrap();
    blocking(move || cluster.compact()).await;

    assert!(going_on.is_snapshot());
    let rest: Vec<_> = going_on.by_ref().map_ok(|config| config.metadata.name).try_collect().await.unwrap();
    assert_eq!(rest, ["c1", "c2", "c3", "c5", "c7"], "nothing twice, and what is there now behind the place");
    assert!(!going_on.is_snapshot());
    assert_ne!(going_on.version(), Some(version.as_str()));
    assert_eq!(strict.try_next().await.unwrap().unwrap().metadata.name, "c1");
    assert!(strict.try_next().await.unwrap_err().is_gone());
    assert!(strict.next().await.is_none());
}

#[tokio::test]
async fn many_change_one_object_at_the_same_time() {
    let client = client(cluster());
    namespace(&client, "modify").await;
    let configs = client.namespaced::<ConfigMap>("modify");
    configs.create(&config("counter", "0")).await.unwrap();
    let add = |configs: Api<ConfigMap>| async move {
        for _ in 0..5 {
            configs
                .modify("counter", |config| {
                    let count: u32 =
                        config.data.get("k").ok_or("no count")?.parse().map_err(|_| "no number")?;
                    config.data.insert("k".into(), (count + 1).to_string().into());
                    Ok::<_, &str>(())
                })
                .await
                .unwrap();
        }
    };
    let workers: Vec<_> = (0..8).map(|_| tokio::spawn(add(configs.clone()))).collect();
    for worker in workers {
        worker.await.unwrap();
    }
    let counter = configs.get("counter").await.unwrap();
    assert_eq!(counter.data.get("k").unwrap(), "40");

    let same = configs.modify("counter", |config| config.data.retain(|_, _| true)).await.unwrap();
    assert_eq!(same, counter, "nothing changed, nothing is written");
    let dry = configs.modify("counter", |config| config.data.clear()).dry_run().await.unwrap();
    assert!(dry.data.is_empty());
    assert_eq!(configs.get("counter").await.unwrap(), counter);
    let managed = configs
        .modify("counter", |config| {
            config.metadata.labels.insert("a".into(), "b".into());
        })
        .field_manager("convenience")
        .await
        .unwrap();
    assert!(managed.metadata.managed_fields.iter().any(|entry| entry.manager == "convenience"));
}

#[tokio::test]
async fn what_runs_is_scaled_and_suspended() {
    let client = client(cluster());
    namespace(&client, "scaled").await;
    let deployments = client.namespaced::<Deployment>("scaled");
    let mut web = Deployment::default();
    web.metadata.name = "web".into();
    web.spec.replicas = Some(0);
    web.spec.selector.get_or_insert_default().match_labels.insert("app".into(), "web".into());
    web.spec.template.metadata.labels.insert("app".into(), "web".into());
    web.spec.template.spec.containers = vec![container()];
    deployments.create(&web).await.unwrap();
    assert_eq!(deployments.scale_to("web", 7).dry_run().await.unwrap().spec.replicas, 7);
    assert_eq!(deployments.scale("web").await.unwrap().spec.replicas, 0);
    assert_eq!(deployments.scale_to("web", 2).field_manager("me").await.unwrap().spec.replicas, 2);
    assert_eq!(deployments.get("web").await.unwrap().spec.replicas, Some(2));
    let scale = deployments.subresource::<Scale>();
    assert_eq!(scale.modify("web", |scale| scale.spec.replicas -= 1).await.unwrap().spec.replicas, 1);
    assert!(deployments.scale_to("nobody", 1).await.unwrap_err().is_not_found());
    let status =
        deployments.status().modify("web", |web| web.status.collision_count = Some(3)).await.unwrap();
    assert_eq!((status.status.collision_count, status.spec.replicas), (Some(3), Some(1)));

    let job = |template: &mut k8s_api::batch::v1::JobSpec| {
        template.template.spec.containers = vec![container()];
        template.template.spec.restart_policy = "Never".into();
    };
    let mut once = Job::default();
    once.metadata.name = "once".into();
    once.spec.suspend = Some(true);
    job(&mut once.spec);
    let jobs = client.namespaced::<Job>("scaled");
    jobs.create(&once).await.unwrap();
    assert_eq!(jobs.resume("once").await.unwrap().spec.suspend, Some(false));
    assert_eq!(jobs.suspend("once").await.unwrap().spec.suspend, Some(true));
    let mut daily = CronJob::default();
    daily.metadata.name = "daily".into();
    daily.spec.schedule = "0 0 1 1 *".into();
    job(&mut daily.spec.job_template.spec);
    let daily_jobs = client.namespaced::<CronJob>("scaled");
    daily_jobs.create(&daily).await.unwrap();
    assert_eq!(daily_jobs.suspend("daily").await.unwrap().spec.suspend, Some(true));
    assert_eq!(daily_jobs.resume("daily").await.unwrap().spec.suspend, Some(false));
}

#[tokio::test]
async fn a_pod_goes_as_far_as_its_budget_allows() {
    let client = client(cluster());
    namespace(&client, "budget").await;
    let pods = client.namespaced::<Pod>("budget");
    let mut unscheduled = pod("kept");
    unscheduled.spec.scheduler_name = "nobody".into();
    pods.create(&unscheduled).await.unwrap();
    let node = client.cluster::<Node>().list().await.unwrap().items[0].metadata.name.clone();
    assert_eq!(pods.bind("kept", &node).await.unwrap().status.as_str(), "Success");
    running(&pods, "kept").await;

    let mut budget = PodDisruptionBudget::default();
    budget.metadata.name = "all".into();
    budget.spec.min_available = Some(k8s_api::int_or_string::IntOrString::Int(1));
    budget.spec.selector.get_or_insert_default().match_labels.insert("app".into(), "kept".into());
    let budgets = client.namespaced::<PodDisruptionBudget>("budget");
    budgets.create(&budget).await.unwrap();
    let cache = Informer::new(budgets.clone()).start();
    cache.until(|budgets| budgets.iter().any(|budget| budget.status.current_healthy == 1)).await.unwrap();
    let Evicted::Blocked { message, .. } = pods.evict("kept").await.unwrap() else { panic!("it is evicted") };
    assert!(message.contains("disruption budget"), "{message}");

    // Asked to go on, it goes as soon as the budget is gone.
    let evicting = tokio::spawn(
        pods.evict("kept").grace_period(0).until_allowed(Duration::from_secs(600)).into_future(),
    );
    budgets.delete("all").await.unwrap();
    assert_eq!(evicting.await.unwrap().unwrap(), Evicted::Yes);
    let cache = Informer::new(pods.clone()).start();
    cache.until(|pods| pods.is_empty()).await.unwrap();
    assert!(pods.evict("kept").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn a_log_is_read_by_line_and_followed_to_its_end() {
    let client = client(cluster());
    namespace(&client, "logs").await;
    let pods = client.namespaced::<Pod>("logs");
    pods.create(&pod("writer")).await.unwrap();
    running(&pods, "writer").await;
    let all = pods.logs("writer").container("c").await.unwrap();
    let wanted: Vec<String> = String::from_utf8_lossy(&all).lines().map(str::to_owned).collect();
    println!("{} lines: {:?}", wanted.len(), wanted.first());
    let lines: Vec<_> = pods.logs("writer").lines().try_collect().await.unwrap();
    assert_eq!(lines.iter().map(|line| line.text().into_owned()).collect::<Vec<_>>(), wanted);
    let stamped: Vec<_> = pods.logs("writer").timestamps().lines().try_collect().await.unwrap();
    assert!(stamped.iter().all(|line| line.time.is_some()), "{stamped:?}");
    assert_eq!(stamped.iter().map(|line| line.text().into_owned()).collect::<Vec<_>>(), wanted);
    assert_eq!(pods.logs("writer").tail(1).lines().count().await, wanted.len().min(1));
    let none: k8s_api::time::Time = "2999-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(pods.logs("writer").since(none).await.unwrap(), "");
    let mut following = pods.logs("writer").follow().lines();
    for line in &wanted {
        assert_eq!(following.try_next().await.unwrap().unwrap().text(), line.as_str());
    }
    let missing = pods.logs("writer").container("other").lines().try_next().await.unwrap_err();
    assert_eq!(missing.code().unwrap(), 400, "{missing}");
}

#[tokio::test]
async fn a_running_pod_gets_debuggers_and_other_resources() {
    let client = client(cluster());
    namespace(&client, "debug").await;
    let pods = client.namespaced::<Pod>("debug");
    pods.create(&pod("debugged")).await.unwrap();
    running(&pods, "debugged").await;
    let debugged = pods
        .ephemeral_containers()
        .modify("debugged", |pod| {
            let debugger =
                EphemeralContainer { name: "debug".into(), image: "b".into(), ..Default::default() };
            pod.spec.ephemeral_containers.push(debugger);
        })
        .await
        .unwrap();
    assert_eq!(debugged.spec.ephemeral_containers.len(), 1);
    let resized = pods
        .resize()
        .patch(
            "debugged",
            &Patch::strategic(
                json!({"spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "1m"}}}]}}),
            ),
        )
        .dry_run()
        .await;
    match resized {
        Ok(pod) => {
            assert_eq!(pod.spec.containers[0].resources.requests.get("cpu").unwrap().to_string(), "1m")
        }
        // It has no request so far, and so a class of its own, which must not change.
        Err(error) => assert!(error.to_string().contains("QOS") && error.code().unwrap() == 422, "{error}"),
    }
}

#[tokio::test]
async fn tokens_certificates_and_namespaces_are_given_and_let_go() {
    let client = client(cluster());
    namespace(&client, "given").await;
    let accounts = client.namespaced::<ServiceAccount>("given");
    let mut account = ServiceAccount::default();
    account.metadata.name = "robot".into();
    accounts.create(&account).await.unwrap();
    let mut secret = Secret::default();
    secret.metadata.name = "anchor".into();
    let secret = client.namespaced::<Secret>("given").create(&secret).await.unwrap();
    let hour = Duration::from_secs(3600);
    let token =
        accounts.create_token("robot").audience("vault").expires_after(hour).bound_to(&secret).await.unwrap();
    assert!(token.status.token.len() > 100 && token.status.expiration_timestamp.is_some());
    assert_eq!(token.spec.audiences, ["vault"]);
    let shown = format!("{token:?}");
    assert!(!shown.contains(token.status.token.as_str()), "{shown}");

    let requests = client.cluster::<CertificateSigningRequest>();
    for (name, approve) in [("yes", true), ("no", false)] {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::default();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, "robot");
        let pem = parameters.serialize_request(&key).unwrap().pem().unwrap();
        let mut request = CertificateSigningRequest::default();
        request.metadata.name = name.into();
        request.spec.request = pem.into_bytes().into();
        // Nobody signs these.
        request.spec.signer_name = "example.com/robots".into();
        request.spec.usages = vec!["client auth".into()];
        requests.create(&request).await.unwrap();
        let decided = if approve {
            requests.approve(name, "Known", "it is")
        } else {
            requests.deny(name, "Unknown", "it is not")
        };
        let condition = &decided.await.unwrap().status.conditions[0];
        assert_eq!(condition.type_, if approve { "Approved" } else { "Denied" });
        assert!(condition.last_update_time.is_some(), "the server notes the time");
    }
    let again = requests.approve("yes", "Known", "it is").await.unwrap();
    assert_eq!(again.status.conditions.len(), 1);
    assert_eq!(requests.deny("yes", "Late", "too late").await.unwrap_err().code().unwrap(), 422);

    let namespaces = client.cluster::<Namespace>();
    let mut given = namespaces.get("given").await.unwrap();
    given.spec.finalizers.push("example.com/held".into());
    let held = namespaces.finalize().replace("given", &given).await.unwrap();
    assert_eq!(held.spec.finalizers.len(), 2);
    given = held;
    given.spec.finalizers.retain(|finalizer| finalizer.as_str() == "kubernetes");
    assert_eq!(namespaces.finalize().replace("given", &given).await.unwrap().spec.finalizers.len(), 1);
}

#[tokio::test]
async fn the_server_shows_less_or_for_people() {
    let client = client(cluster());
    namespace(&client, "shown").await;
    let configs = client.namespaced::<ConfigMap>("shown");
    let made = configs.create(&config("a", "v")).await.unwrap();
    let metadata = configs.metadata();
    assert_eq!(metadata.get("a").await.unwrap().metadata, made.metadata);
    let names: BTreeSet<_> =
        metadata.list().await.unwrap().items.into_iter().map(|one| one.metadata.name).collect();
    assert!(names.contains("a"));
    let labelled =
        metadata.patch("a", &Patch::merge(json!({"metadata": {"labels": {"l": "1"}}}))).await.unwrap();
    assert_eq!(labelled.metadata.labels.get("l").unwrap(), "1");
    // An informer of nothing but metadata.
    let cache = Informer::new(metadata.clone()).start();
    cache.until(|all| all.iter().any(|one| one.metadata.name == "a")).await.unwrap();
    configs.create(&config("b", "v")).await.unwrap();
    cache.until(|all| all.iter().any(|one| one.metadata.name == "b")).await.unwrap();

    let table = configs.list().only("a").table().await.unwrap();
    let data = table.column("Data").unwrap();
    assert_eq!(
        (table.rows.len(), table.rows[0].text(0).unwrap(), table.rows[0].text(data).unwrap()),
        (1, "a".into(), "1".into())
    );
    assert!(table.rows[0].object.as_str().contains("PartialObjectMetadata"));
    let whole = configs.get("a").table().with_objects().await.unwrap();
    assert!(whole.rows[0].object.as_str().contains(r#""data":{"k":"v"}"#));
    assert!(configs.list().table().without_objects().await.unwrap().rows[0].object.is_null());
    let first = configs.list().limit(1).table().await.unwrap();
    assert!(first.rows.len() == 1 && !first.metadata.continue_.is_empty());

    let mut frames = configs.watch().only("a").version(&made.metadata.resource_version).frames();
    let frame = frames.try_next().await.unwrap().unwrap();
    let event: serde_json::Value = serde_json::from_slice(&frame).unwrap();
    assert_eq!(
        (&event["type"], &event["object"]["metadata"]["labels"]["l"]),
        (&json!("MODIFIED"), &json!("1"))
    );
    let senseless = configs.watch().initial_events().frames().try_next().await.unwrap_err();
    assert_eq!(senseless.code().unwrap(), 422, "{senseless}");
}

#[tokio::test]
async fn the_api_server_passes_requests_on() {
    let client = client(cluster());
    namespace(&client, "passed").await;
    let node = client.cluster::<Node>().list().await.unwrap().items[0].metadata.name.clone();
    // The kubelets listen on loopback, where the server lets nobody through.
    let kubelet = client.cluster::<Node>().proxy(&node).get("/healthz").await.unwrap_err();
    assert!(kubelet.to_string().contains("address not allowed"), "{kubelet}");
    let mut service = Service::default();
    service.metadata.name = "nobody".into();
    service.spec.ports = vec![k8s_api::core::v1::ServicePort { port: 80, ..Default::default() }];
    let services = client.namespaced::<Service>("passed");
    services.create(&service).await.unwrap();
    let body = HeaderValue::from_static("application/json");
    let nobody = services.proxy("nobody:80").post("/x").query("a", "b").body(body, "{}").await.unwrap_err();
    assert_eq!(nobody.code().unwrap(), 503, "{nobody}");
    assert!(nobody.to_string().contains("no endpoints available"), "{nobody}");
}
