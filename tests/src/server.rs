//! The server that a suite is run against: a suite asks here and nowhere else, so that it runs on any of them.
//!
//! `K8S_TEST_SERVER` names it: a whole control plane, or with `api` only etcd and kube-apiserver. `K8S_TEST_VERSION=v1.34.4` is another
//! release, `K8S_TEST_GATES=all` are all feature gates and API versions.
//!
//! What a server can't do is left out with a word, never passed over:
//!
//! ```no_run
//! # async fn f() {
//! use k8s_tests::server::{Ability, server};
//!
//! let server = server("scaling").await;
//! if server.has(Ability::Controllers, "the pods of a deployment are made") {
//!     // ...
//! }
//! # }
//! ```

use std::fmt;

use anyhow::Result;
use k8s_api::core::v1::Namespace;
use k8s_client::{Client, Config};
use serde_json::Value;
use xtask::cluster::Cluster;

use crate::{blocking, client, cluster};

/// What a server may do beyond keeping objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ability {
    /// Something acts on objects: owners make and lose what they own, namespaces and protected objects go, certificates are signed.
    Controllers,
    /// Pods get a node, and somebody there who runs them: status, logs, commands, ports.
    Kubelets,
}

impl fmt::Display for Ability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Ability::Controllers => "controllers",
            Ability::Kubelets => "kubelets",
        })
    }
}

/// A server for one test, which has a namespace there.
pub struct Server {
    cluster: &'static Cluster,
    client: Client,
    namespace: String,
}

/// The server, with a new namespace that is the test's own.
pub async fn server(namespace: &str) -> Server {
    let cluster = blocking(|| Ok(cluster())).await;
    // Connections belong to the runtime of a test, and so a client does.
    let server = Server { cluster, client: client(cluster), namespace: namespace.to_owned() };
    let mut object = Namespace::default();
    object.metadata.name = namespace.into();
    if let Err(error) = server.client.cluster().create(&object).await {
        panic!("the namespace of the test: {error}");
    }
    if server.can(Ability::Controllers) {
        // Pods are refused before it is there.
        let account = format!("/api/v1/namespaces/{namespace}/serviceaccounts/default");
        server.until(&account, |_| true).await;
    }
    server
}

impl Server {
    /// An administrator's client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The namespace of the test.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// How an administrator reaches it.
    pub fn config(&self) -> Config {
        match Config::from_kubeconfig(self.cluster.kubeconfig(), None) {
            Ok(config) => config,
            Err(error) => panic!("the kubeconfig of the server: {error}"),
        }
    }

    /// Whether it can; if not, it is said what of the suite is left out.
    pub fn has(&self, ability: Ability, what: &str) -> bool {
        let can = self.can(ability);
        if !can {
            println!("left out, since this server has no {ability}: {what}");
        }
        can
    }

    fn can(&self, ability: Ability) -> bool {
        match ability {
            Ability::Controllers | Ability::Kubelets => !self.cluster.options().only_api,
        }
    }

    /// What stands at a path, read without the client that is tested.
    pub async fn read(&self, path: &str) -> Result<Value> {
        let (cluster, path) = (self.cluster, path.to_owned());
        blocking(move || Ok(cluster.api().get(&path))).await
    }

    /// Waits until what stands at `path` is as wanted.
    pub async fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool + Send + 'static) -> Value {
        let (cluster, path) = (self.cluster, path.to_owned());
        blocking(move || {
            xtask::cluster::wait::until(&format!("{path} is as wanted"), || {
                Ok(match cluster.api().get(&path) {
                    Ok(object) if wanted(&object) => Ok(object),
                    Ok(object) => Err(object.to_string()),
                    Err(error) => Err(error.to_string()),
                })
            })
        })
        .await
    }

    /// Waits until nothing stands at `path`.
    pub async fn until_gone(&self, path: &str) {
        let (cluster, path) = (self.cluster, path.to_owned());
        blocking(move || {
            xtask::cluster::wait::until(&format!("{path} is gone"), || {
                Ok(match cluster.api().get(&path) {
                    Ok(object) => Err(object.to_string()),
                    Err(error) if error.to_string().contains("404 Not Found") => Ok(()),
                    Err(error) => Err(error.to_string()),
                })
            })
        })
        .await;
    }

    /// Makes an object without the client that is tested.
    pub async fn make(&self, path: &str, object: Value) -> Value {
        let (cluster, path) = (self.cluster, path.to_owned());
        blocking(move || cluster.api().post(&path, &object)).await
    }
}
