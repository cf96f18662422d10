//! Lists of running pods from the real control plane: `pods` of a few deployments with many replicas, and `mixed`, in
//! which no pod is like another; and `watch`, what happens to `pods` while the deployments roll out.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::{capture, pods};
use crate::cluster::{Api, Cluster, Options, wait};
use crate::repo;

const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// Ten pods of each sort, so that everything runs without Go; made with `--pods 10 --events 40`.
const SAMPLE: &str = "tests/bench/sample";

/// How a fixture is made.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How many pods each list holds; ten thousand take some minutes.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pods: usize,
    /// How many events of those pods the captured watch holds, or a few more.
    #[arg(long, value_name = "N", default_value_t = 6846)]
    events: usize,
    /// Make only those pods and their watch, not the unlike ones.
    #[arg(long)]
    watch_only: bool,
    /// Where the lists go, if not to target/bench/fixture.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

fn default_dir() -> PathBuf {
    repo::target().join("bench/fixture")
}

/// A folder with lists: the one that is named, the one that `bench fixture` fills, or the small one of the repository.
pub(super) fn find(named: Option<&Path>) -> PathBuf {
    if let Some(dir) = named {
        return dir.to_owned();
    }
    if default_dir().join("mixed.pb").is_file() {
        return default_dir();
    }
    println!(
        "measuring with the few pods in {SAMPLE}; `cargo xtask bench fixture` makes ten thousand of each sort"
    );
    repo::root().join(SAMPLE)
}

pub(super) fn run(args: &Args) -> Result<()> {
    let dir = args.dir.clone().unwrap_or_else(default_dir);
    std::fs::create_dir_all(&dir).with_context(|| format!("creating {}", dir.display()))?;
    make(&dir, "pods", &pods::replicas(args.pods), args.pods, Some(args.events))?;
    if args.watch_only {
        return Ok(());
    }
    make(&dir, "mixed", &pods::mixed(args.pods), args.pods, None)
}

/// Runs the deployments on a cluster of their own, and keeps the list of all pods in both formats; and so many events after it.
fn make(dir: &Path, name: &str, deployments: &[Value], pods: usize, events: Option<usize>) -> Result<()> {
    let mut options = Options::test()?;
    options.nodes = 2 + pods / 1500;
    let cluster = Cluster::start(options)?;
    let api = cluster.api();
    for namespace in pods::namespaces(deployments) {
        if namespace != "default" {
            let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
            api.post("/api/v1/namespaces", &namespace)?;
        }
        wait::until(&format!("namespace {namespace} has a service account"), || {
            let found = api.get(&format!("/api/v1/namespaces/{namespace}/serviceaccounts/default"));
            Ok(found.map_err(|error| format!("{error:#}")))
        })?;
    }
    create(api, deployments)?;
    wait_until_running(api, pods)?;

    let text = api.text("/api/v1/pods")?;
    let list: Value = serde_json::from_str(&text).context("the list of pods is no JSON")?;
    let (version, items) = (&list["metadata"]["resourceVersion"], list["items"].as_array());
    let (Some(version), Some(items)) = (version.as_str(), items) else {
        bail!("GET /api/v1/pods answered no list")
    };
    if items.len() != pods {
        bail!(
            "{} pods instead of {pods}: a deployment has replaced some while they were listed",
            items.len()
        );
    }
    let exact = format!("/api/v1/pods?resourceVersion={version}&resourceVersionMatch=Exact");
    let binary = api.bytes_as(&exact, PROTOBUF)?;
    write(dir, &format!("{name}.json"), text.as_bytes())?;
    write(dir, &format!("{name}.pb"), &binary)?;
    if let Some(events) = events {
        let watch = capture::watch(api, version, deployments, events)?;
        write(dir, "watch.ndjson", &watch.json)?;
        write(dir, "watch.pb", &watch.protobuf)?;
    }
    Ok(())
}

fn create(api: &Api, deployments: &[Value]) -> Result<()> {
    let create = |deployment: &Value| -> Result<()> {
        let namespace = deployment["metadata"]["namespace"].as_str().unwrap_or("default");
        api.post(&format!("/apis/apps/v1/namespaces/{namespace}/deployments"), deployment).map(|_| ())
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = deployments
            .chunks(deployments.len().div_ceil(8).max(1))
            .map(|chunk| scope.spawn(|| chunk.iter().try_for_each(create)))
            .collect();
        threads.into_iter().try_for_each(|thread| match thread.join() {
            Ok(created) => created,
            Err(_) => bail!("a thread that creates deployments panicked"),
        })
    })
}

fn wait_until_running(api: &Api, pods: usize) -> Result<()> {
    let running = || -> Result<usize> {
        let accept = "application/json;as=Table;g=meta.k8s.io;v=v1";
        let path = "/api/v1/pods?includeObject=None&fieldSelector=status.phase%3DRunning";
        Ok(api.get_as(path, accept)?["rows"].as_array().map_or(0, Vec::len))
    };
    // In steps, since waiting ends with an error where nothing moves for some minutes.
    for step in (500..pods).step_by(500).chain([pods]) {
        wait::until(&format!("{step} of {pods} pods run"), || {
            let running = running()?;
            if running >= step {
                return Ok(Ok(()));
            }
            // Each look makes the server print a table of all of them.
            std::thread::sleep(Duration::from_secs(1));
            Ok(Err(format!("{running} run")))
        })?;
    }
    Ok(())
}

/// A file is there in whole or not at all: others may be waiting for it.
fn write(dir: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let (path, part) = (dir.join(name), dir.join(format!("{name}.part")));
    std::fs::write(&part, bytes)
        .and_then(|()| std::fs::rename(&part, &path))
        .with_context(|| format!("writing {}", path.display()))?;
    println!("{}: {:.1} MB", path.display(), bytes.len() as f64 / 1e6);
    Ok(())
}
