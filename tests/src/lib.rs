//! What the suites share.

pub mod arbitrary;
pub mod calls;
pub mod go;
pub mod server;

use std::sync::LazyLock;

use anyhow::{Result, bail};
use k8s_client::{Client, Config};
use serde_json::{Value, json};
use xtask::cluster::{Cluster, Gates, Options, Version};

/// One cluster for the whole test binary; it goes with the process.
pub fn cluster() -> &'static Cluster {
    static SHARED: LazyLock<Result<Cluster>> = LazyLock::new(|| {
        let mut options = options()?;
        options.nodes = 2 + pods() / 1500;
        options.only_api = variable("K8S_TEST_SERVER", SERVERS)?.is_some_and(|it| it == "api");
        Cluster::start(options)
    });
    match &*SHARED {
        Ok(cluster) => cluster,
        Err(error) => panic!("the cluster of the tests did not start: {error:#}"),
    }
}

const SERVERS: &[&str] = &["whole", "api", "embedded"];

/// Whether `K8S_TEST_SERVER` names the server in memory.
pub fn is_embedded() -> bool {
    match variable("K8S_TEST_SERVER", SERVERS) {
        Ok(name) => name.is_some_and(|it| it == "embedded"),
        Err(error) => panic!("{error}"),
    }
}

/// A cluster for a test, with the gates that this run is about: `K8S_TEST_GATES=all` is what `cargo xtask test` runs second.
/// `K8S_TEST_VERSION=v1.34.4` is another release.
pub fn options() -> Result<Options> {
    let mut options = Options::test()?;
    if variable("K8S_TEST_GATES", &["default", "all"])?.is_some_and(|gates| gates == "all") {
        options.gates = Gates::All;
    }
    if let Ok(version) = std::env::var("K8S_TEST_VERSION") {
        options.version = Version::pinned(&version)?;
    }
    Ok(options)
}

/// A word that the environment says, and that has to be one of these.
fn variable(name: &str, words: &[&str]) -> Result<Option<String>> {
    let Ok(word) = std::env::var(name) else { return Ok(None) };
    if !words.contains(&&*word) {
        bail!("{name} is `{word}`, and can be: {}", words.join(", "));
    }
    Ok(Some(word))
}

/// How many pods the server is filled with; `K8S_TEST_PODS=10000` is the long run.
pub fn pods() -> usize {
    std::env::var("K8S_TEST_PODS").ok().and_then(|count| count.parse().ok()).unwrap_or(60)
}

/// A client for the administrator of a cluster.
pub fn client(cluster: &Cluster) -> Client {
    let config = Config::from_kubeconfig(cluster.kubeconfig(), None).and_then(Client::new);
    config.unwrap_or_else(|error| panic!("the kubeconfig of the cluster: {error}"))
}

/// Does what blocks without stopping the runtime.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(value)) => value,
        Ok(Err(error)) => panic!("{error:#}"),
        Err(error) => panic!("{error}"),
    }
}

/// Where two documents differ, a line each; numbers are compared as numbers.
pub fn differences(found: &Value, wanted: &Value) -> Vec<String> {
    let mut differences = Vec::new();
    compare("", found, wanted, &mut differences);
    differences
}

fn compare(path: &str, found: &Value, wanted: &Value, differences: &mut Vec<String>) {
    match (found, wanted) {
        (Value::Object(found), Value::Object(wanted)) => {
            let missing = wanted.keys().filter(|key| !found.contains_key(*key));
            for key in found.keys().chain(missing) {
                let of =
                    |map: &serde_json::Map<String, Value>| map.get(key).cloned().unwrap_or(json!("<absent>"));
                compare(&format!("{path}.{key}"), &of(found), &of(wanted), differences);
            }
        }
        (Value::Array(found), Value::Array(wanted)) if found.len() == wanted.len() => {
            for (index, (found, wanted)) in found.iter().zip(wanted).enumerate() {
                compare(&format!("{path}[{index}]"), found, wanted, differences);
            }
        }
        (Value::Number(found), Value::Number(wanted)) if found.as_f64() == wanted.as_f64() => {}
        _ if found == wanted => {}
        _ => differences.push(format!("{path}: {found} instead of {wanted}")),
    }
}

/// The examples of the README compile and run with the documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
