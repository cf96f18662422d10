//! The examples of k8s-client, run as the programs that they are.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use k8s_api::apps::v1::Deployment;
use k8s_api::coordination::v1::Lease;
use k8s_api::core::v1::{ConfigMap, Container, Namespace, Pod, namespaces};
use k8s_client::api::Patch;
use k8s_client::{Client, Informer};
use k8s_tests::{blocking, client, cluster};
use serde_json::json;

/// What an example prints, and what it complains of.
async fn run(program: &'static str, context: &'static str, args: &[&str]) -> (String, String) {
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    blocking(move || {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("config");
        std::fs::write(&file, std::fs::read(cluster().kubeconfig())?)?;
        let mut kubeconfig = k8s_client::Kubeconfig::read(&file)?;
        kubeconfig.set_current_context(context)?;
        kubeconfig.save()?;
        let output = Command::new(program).args(args).env("KUBECONFIG", &file).output()?;
        Ok((String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?))
    })
    .await
}

async fn namespace(name: &str) -> Client {
    let client = client(cluster());
    let mut namespace = Namespace::default();
    namespace.metadata.name = name.into();
    client.request(namespaces::create(&namespace)).await.unwrap();
    client
}

fn container() -> Container {
    Container { name: "c".into(), image: "i".into(), ..Default::default() }
}

#[tokio::test]
async fn objects_and_a_list_of_them() {
    let client = namespace("examples").await;
    let (printed, error) = run(env!("CARGO_BIN_EXE_example-objects"), "cert", &["examples"]).await;
    assert_eq!(
        printed,
        "created k8s-client-example\napplied, and now it has 2 entries\nchanged the color to blue\ndeleted; there is one: false\n",
        "{error}"
    );
    assert!(
        client.namespaced::<ConfigMap>("examples").get_opt("k8s-client-example").await.unwrap().is_none()
    );

    let mut pod = Pod::default();
    pod.metadata.name = "listed".into();
    pod.spec.containers.push(container());
    client.namespaced("examples").create(&pod).await.unwrap();
    let cache = Informer::new(client.namespaced::<Pod>("examples")).start();
    cache.until(|pods| pods.iter().any(|pod| pod.status.phase.as_str() == "Running")).await.unwrap();
    let (printed, error) = run(env!("CARGO_BIN_EXE_example-list"), "cert", &["examples"]).await;
    assert_eq!(printed, "examples/listed is Running\n", "{error}");
    let (printed, _) = run(env!("CARGO_BIN_EXE_example-list"), "cert", &[]).await;
    assert!(printed.contains("examples/listed is Running\n"), "{printed}");

    // What is not allowed is said.
    let (printed, error) = run(env!("CARGO_BIN_EXE_example-list"), "nobody", &["examples"]).await;
    assert!(printed.is_empty() && error.contains("cannot list resource"), "{error}");

    let (printed, error) = run(env!("CARGO_BIN_EXE_example-logs"), "cert", &["examples", "listed"]).await;
    let log = client.namespaced::<Pod>("examples").logs("listed").tail(100).await.unwrap();
    assert_eq!(printed, String::from_utf8(log.to_vec()).unwrap(), "{error}");
    assert!(!printed.is_empty(), "the simulated kubelet has a log");
}

#[tokio::test]
async fn a_file_of_many_kinds_is_applied() {
    let client = client(cluster());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("web.yaml");
    let file = path.to_str().unwrap();
    let config =
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: web, namespace: examples-apply}, data: {a: b}}";
    let namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: examples-apply}}";
    std::fs::write(&path, format!("{config}\n---\n{namespace}\n")).unwrap();
    let apply = env!("CARGO_BIN_EXE_example-apply");
    let (printed, error) = run(apply, "cert", &[file]).await;
    assert_eq!(
        printed.replace(file, "FILE"),
        "FILE, document 2 (line 3), Namespace examples-apply: applied\n\
         FILE, document 1 (line 1), ConfigMap examples-apply/web: applied\n",
        "{error}"
    );
    assert_eq!(client.namespaced::<ConfigMap>("examples-apply").get("web").await.unwrap().data.len(), 1);
    std::fs::write(&path, format!("{config}\n---\n{}\n", namespace.replace("Namespace", "Nmaespace")))
        .unwrap();
    let (printed, error) = run(apply, "cert", &[file]).await;
    assert!(printed.is_empty() && error.contains("nothing was applied: "), "{error}");
}

#[tokio::test]
async fn a_deployment_is_scaled() {
    let client = namespace("examples-scale").await;
    let mut web = Deployment::default();
    web.metadata.name = "web".into();
    web.spec.replicas = Some(1);
    web.spec.selector.get_or_insert_default().match_labels.insert("app".into(), "web".into());
    web.spec.template.metadata.labels.insert("app".into(), "web".into());
    web.spec.template.spec.containers.push(container());
    client.namespaced("examples-scale").create(&web).await.unwrap();
    let (printed, error) =
        run(env!("CARGO_BIN_EXE_example-scale"), "token", &["examples-scale", "web", "3"]).await;
    assert_eq!(printed, "web has 3 replicas instead of 1\n", "{error}");
    let scaled = client.namespaced::<Deployment>("examples-scale").get("web").await.unwrap();
    assert_eq!(scaled.spec.replicas, Some(3));
    let (printed, error) =
        run(env!("CARGO_BIN_EXE_example-scale"), "token", &["examples-scale", "none", "3"]).await;
    assert!(
        printed.is_empty()
            && error.contains("Error: get deployments.apps/scale")
            && error.contains("\"none\" not found"),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_allowed() {
    let can_i = env!("CARGO_BIN_EXE_example-can-i");
    let (printed, error) = run(can_i, "token", &["patch", "deployments.apps/scale", "web", "api"]).await;
    let asked = "patch deployments.apps/scale in namespace web, name api";
    assert_eq!(printed, format!("may admin-token {asked}? yes\n"), "{error}");
    let (printed, error) = run(can_i, "nobody", &["get", "/metrics"]).await;
    assert_eq!(printed, "may nobody get /metrics? no: get /metrics\n", "{error}");
}

#[tokio::test]
async fn config_maps_shared_by_replicas() {
    let client = namespace("examples-sharded").await;
    for name in ["a", "b", "c"] {
        let mut config = ConfigMap::default();
        config.metadata.name = name.into();
        client.namespaced("examples-sharded").create(&config).await.unwrap();
    }
    let (printed, error) = run(env!("CARGO_BIN_EXE_example-sharded"), "token", &["examples-sharded"]).await;
    assert!(printed.starts_with("1 replica, and 16 shards are ours\n"), "{printed}{error}");
    for name in ["a", "b", "c"] {
        assert!(printed.contains(&format!("takes care of {name}\n")), "{printed}");
    }
    let leases = client.namespaced::<Lease>("examples-sharded").list().await.unwrap();
    let held: Vec<_> = leases.items.iter().filter(|lease| lease.spec.holder_identity.is_some()).collect();
    // What all have to agree on stays.
    assert_eq!((leases.items.len(), held.len()), (17, 1), "{held:?}");
}

#[tokio::test]
async fn a_controller_follows() {
    let client = namespace("examples-informer").await;
    let configs = client.namespaced::<ConfigMap>("examples-informer");
    let counted = |name: &str, keys: &[&str]| {
        let mut config = ConfigMap::default();
        config.metadata.name = name.into();
        config.metadata.labels.insert("counted".into(), "".into());
        config.data = keys.iter().map(|key| ((*key).into(), "x".into())).collect();
        config
    };
    configs.create(&counted("a", &["x", "y"])).await.unwrap();
    let (folder, mut child) = blocking(|| {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("config");
        std::fs::write(&file, std::fs::read(cluster().kubeconfig())?)?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_example-informer"));
        let child =
            command.arg("examples-informer").env("KUBECONFIG", &file).stdout(Stdio::piped()).spawn()?;
        Ok((folder, child))
    })
    .await;
    let (send, mut printed) = tokio::sync::mpsc::unbounded_channel();
    let output = BufReader::new(child.stdout.take().unwrap());
    std::thread::spawn(move || output.lines().map_while(Result::ok).for_each(|line| _ = send.send(line)));
    assert_eq!(printed.recv().await.unwrap(), "1 are counted");
    assert_eq!(printed.recv().await.unwrap(), "a has 2 entries");
    configs.create(&counted("b", &[])).await.unwrap();
    assert_eq!(printed.recv().await.unwrap(), "b has 0 entries");
    configs.patch("a", &Patch::merge(json!({"data": {"z": "x"}}))).await.unwrap();
    assert_eq!(printed.recv().await.unwrap(), "a has 3 entries");
    assert_eq!(configs.get("a").await.unwrap().data.get("entries").unwrap(), "3");
    child.kill().unwrap();
    child.wait().unwrap();
    drop(folder);
}

#[tokio::test]
async fn the_tour_on_a_cluster() {
    let client = client(cluster());
    let (printed, error) = run(env!("CARGO_BIN_EXE_example-tour"), "token", &["--context", "cert"]).await;
    assert!(error.is_empty(), "{printed}{error}");
    crate::tour::check(&printed, crate::tour::LINES);
    let name = printed.split_whitespace().find(|word| word.starts_with("tour-")).unwrap();
    let namespaces = client.cluster::<Namespace>();
    let left = namespaces.get_opt(name).await.unwrap();
    assert!(left.is_none_or(|it| it.metadata.deletion_timestamp.is_some()), "{name} is left behind");
}
