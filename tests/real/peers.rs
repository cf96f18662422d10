//! client-go's and kube's own informers follow the server in memory, as they would a real one.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use k8s_api::core::v1::Pod;
use k8s_client::Api;
use k8s_client::api::Patch;
use k8s_client::testing::{Fault, Recorded, Server};
use k8s_tests::{blocking, go};
use serde_json::{Value, json};

/// A program that prints all pods it holds after each change.
struct Peer {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Peer {
    fn start(command: &mut Command) -> Result<Peer> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let lines = BufReader::new(child.stdout.take().context("it has no output")?).lines();
        Ok(Peer { child, lines })
    }

    /// Reads until it holds what the server has.
    fn holds(&mut self, wanted: &Value) -> Result<()> {
        loop {
            let line = self.lines.next().context("it has ended")??;
            if serde_json::from_str::<Value>(&line)? == *wanted {
                return Ok(());
            }
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a peer is to print.
async fn all(server: &Server) -> Value {
    let pods = server.client().namespaced::<Pod>("default").list().await.unwrap().items;
    let held = pods.iter().map(|pod| {
        let images: Vec<_> = pod.spec.containers.iter().map(|container| container.image.as_str()).collect();
        let labels: BTreeMap<_, _> =
            pod.metadata.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let held = json!({
            "version": pod.metadata.resource_version.as_str(),
            "uid": pod.metadata.uid.as_str(),
            "labels": labels,
            "images": images,
            "phase": pod.status.phase.as_str(),
        });
        (format!("{}/{}", pod.metadata.namespace, pod.metadata.name), held)
    });
    Value::Object(held.collect())
}

async fn label(pods: &Api<Pod>, name: &str, value: &str) {
    pods.patch(name, &Patch::merge(json!({"metadata": {"labels": {"l": value}}}))).await.unwrap();
}

/// How the peer has read pods since it was looked last: complete states, and watches that went on.
fn reads(server: &Server) -> (Vec<Recorded>, Vec<Recorded>) {
    let from_it = |it: &Recorded| it.path == "/api/v1/pods" && it.status == Some(200);
    let complete =
        |it: &Recorded| !it.query.contains("watch=") || it.query.contains("sendInitialEvents=true");
    server.take_requests().into_iter().filter(from_it).partition(complete)
}

/// `first` is what has to be in the query of its first request.
async fn follows(program: PathBuf, arguments: &[&str], first: &str) {
    let server = Server::new();
    let pods = server.client().namespaced::<Pod>("default");
    for number in 0..30 {
        let pod = format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: p{number}, namespace: default, labels: {{app: web}}}}, \
             spec: {{containers: [{{name: c, image: 'web:1'}}, {{name: d, image: 'side:1'}}]}}, status: {{phase: Running}}}}"
        );
        server.load(&pod).unwrap();
    }
    let listening = server.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let address = listening.address();
    let holds = async |mut peer: Peer, what: &str| {
        println!("{what}");
        let wanted = all(&server).await;
        blocking(move || {
            peer.holds(&wanted)?;
            Ok(peer)
        })
        .await
    };
    let mut command = Command::new(program);
    command.arg(listening.url()).args(arguments);
    let mut peer = blocking(move || Peer::start(&mut command)).await;
    peer = holds(peer, "the first state").await;
    let (complete, _) = reads(&server);
    assert!(complete.first().is_some_and(|it| it.query.contains(first)), "{complete:?}");

    let mut new = pods.get("p0").await.unwrap();
    (new.metadata.name, new.metadata.uid, new.metadata.resource_version) =
        ("new".into(), "".into(), "".into());
    pods.create(&new).await.unwrap();
    peer = holds(peer, "created").await;
    label(&pods, "p1", "changed").await;
    peer = holds(peer, "changed").await;
    pods.status().patch("p2", &Patch::merge(json!({"status": {"phase": "Failed"}}))).await.unwrap();
    peer = holds(peer, "changed in its status").await;
    pods.delete("p3").grace_period(0).await.unwrap();
    peer = holds(peer, "deleted").await;

    reads(&server);
    server.cut_watches();
    label(&pods, "p4", "cut").await;
    pods.delete("p5").grace_period(0).await.unwrap();
    peer = holds(peer, "cut").await;
    let (complete, resumed) = reads(&server);
    assert!(complete.is_empty() && !resumed.is_empty(), "after a cut: {complete:?} {resumed:?}");

    // The whole server is away for a moment, with all connections.
    drop(listening);
    label(&pods, "p6", "away").await;
    // The old one ends when its task does.
    let listening = loop {
        match server.listen(address).await {
            Ok(listening) => break listening,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    peer = holds(peer, "away").await;

    // The history goes while nobody watches.
    server.inject(Fault::status(429).watches().path("/pods"));
    server.cut_watches();
    label(&pods, "p7", "forgotten").await;
    pods.delete("p8").grace_period(0).await.unwrap();
    label(&pods, "p9", "forgotten").await;
    server.forget_history();
    reads(&server);
    server.heal();
    peer = holds(peer, "forgotten").await;
    let (complete, resumed) = reads(&server);
    assert!(!complete.is_empty(), "a 410 is followed by a complete state: {resumed:?}");
    label(&pods, "p10", "after").await;
    peer = holds(peer, "after all").await;
    drop((peer, listening));
}

async fn kube() -> PathBuf {
    blocking(|| {
        let target = xtask::repo::target().join("peers");
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--locked", "--package", "follow-kube", "--target-dir"]).arg(&target);
        // Nobody debugs kube here, and k8s-openapi is large.
        cargo.env("CARGO_PROFILE_DEV_DEBUG", "0").current_dir(xtask::repo::root().join("tests/peers"));
        let built = cargo.status()?;
        ensure!(built.success(), "tests/peers/follow-kube could not be built");
        Ok(target.join("debug/follow-kube"))
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn client_go() {
    // As `cargo xtask test` leaves out what needs Go, but never in CI.
    let must = std::env::var_os("CI").is_some_and(|value| value == "true");
    if !must && Command::new("go").arg("version").output().is_err() {
        println!("left out, since there is no Go: client-go's informer");
        return;
    }
    let program = blocking(|| go::build("go-follow")).await;
    follows(program, &[], "sendInitialEvents=true").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kube_that_lists() {
    follows(kube().await, &["list"], "limit=500").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kube_that_streams() {
    follows(kube().await, &["stream"], "sendInitialEvents=true").await;
}
