//! The server that a suite is run against: a suite asks here and nowhere else, so that it runs on any of them.
//!
//! `K8S_TEST_SERVER` names it: a whole control plane, with `api` only etcd and kube-apiserver, with `embedded` the one in memory. `K8S_TEST_VERSION=v1.34.4` is another
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
use std::path::Path;
use std::sync::LazyLock;

use anyhow::{Result, anyhow};
use k8s_api::core::v1::Namespace;
use k8s_api::operation::{Operation, Retry, Verb};
use k8s_api::transport::{Body, Call};
use k8s_client::{Client, testing};
use serde_json::Value;
use xtask::cluster::Cluster;

use crate::{blocking, client, cluster};

/// What a server may do beyond keeping objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ability {
    /// Something acts on objects: owners make what they own, certificates are signed.
    Controllers,
    /// What is deleted goes: namespaces, protected objects, what somebody owned.
    Cleanup,
    /// Server-side apply, and fields that have owners.
    Apply,
    /// Pods get a node, and somebody there who runs them: status, logs, commands, ports.
    Kubelets,
}

impl fmt::Display for Ability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Ability::Controllers => "controllers",
            Ability::Cleanup => "garbage collector",
            Ability::Apply => "server-side apply",
            Ability::Kubelets => "kubelets",
        })
    }
}

/// A server for one test, which has a namespace there.
pub struct Server {
    whose: Whose,
    client: Client,
    namespace: String,
}

enum Whose {
    Cluster(&'static Cluster),
    Embedded,
}

/// One server in memory for the whole test binary.
static EMBEDDED: LazyLock<testing::Server> = LazyLock::new(|| {
    let documents = Path::new(env!("CARGO_MANIFEST_DIR")).join("../specs/kubernetes/v1.37.1/openapi");
    testing::Server::builder().openapi(documents).build()
});

/// A client of the one in memory.
pub fn embedded_client() -> Client {
    EMBEDDED.client()
}

/// The server, with a new namespace that is the test's own.
pub async fn server(namespace: &str) -> Server {
    if crate::is_embedded() {
        return embedded(namespace).await;
    }
    let cluster = blocking(|| Ok(cluster())).await;
    // Connections belong to the runtime of a test, and so a client does.
    ready(Server { whose: Whose::Cluster(cluster), client: client(cluster), namespace: namespace.to_owned() })
        .await
}

/// The one in memory, whatever the environment says.
pub async fn embedded(namespace: &str) -> Server {
    let client = EMBEDDED.client();
    ready(Server { whose: Whose::Embedded, client, namespace: namespace.to_owned() }).await
}

async fn ready(server: Server) -> Server {
    let namespace = &server.namespace;
    let mut object = Namespace::default();
    object.metadata.name = namespace.as_str().into();
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

    /// Whether it can; if not, it is said what of the suite is left out.
    pub fn has(&self, ability: Ability, what: &str) -> bool {
        let can = self.can(ability);
        if !can {
            println!("left out, since this server has no {ability}: {what}");
        }
        can
    }

    fn can(&self, ability: Ability) -> bool {
        match (&self.whose, ability) {
            (Whose::Cluster(_), Ability::Apply) => true,
            (Whose::Cluster(cluster), _) => !cluster.options().only_api,
            (Whose::Embedded, ability) => ability == Ability::Cleanup,
        }
    }

    /// What stands at a path, read without the client that is tested.
    pub async fn read(&self, path: &str) -> Result<Value> {
        match self.whose {
            Whose::Cluster(cluster) => {
                let path = path.to_owned();
                blocking(move || Ok(cluster.api().get(&path))).await
            }
            Whose::Embedded => self.call("GET", path, None).await,
        }
    }

    /// Calls the server in memory, which nothing but the client's transport leads to.
    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Result<Value> {
        let verb = if body.is_some() { Verb::Create } else { Verb::Get };
        let (empty, resource) = (|| "".into(), path.to_owned().into());
        let operation = Operation {
            verb,
            group: empty(),
            version: empty(),
            resource,
            subresource: empty(),
            retry: Retry::Never,
        };
        let request =
            http::Request::builder().method(method).uri(path).header("content-type", "application/json");
        let body = body.map_or(Body::Empty, |body| Body::Bytes(body.to_string().into()));
        let bytes = self.client.bytes(Call::new(operation, request.body(body)?)).await;
        // As the other one says it.
        let bytes = bytes.map_err(|error| match error.code() {
            Some(code) if code.as_u16() == 404 => anyhow!("404 Not Found: {error}"),
            _ => anyhow!("{error}"),
        })?;
        Ok(serde_json::from_slice(&bytes)?)
    }

    /// Waits until what stands at `path` is as wanted.
    pub async fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool + Send + 'static) -> Value {
        let Whose::Cluster(cluster) = self.whose else {
            loop {
                match self.read(path).await {
                    Ok(object) if wanted(&object) => return object,
                    _ => tokio::task::yield_now().await,
                }
            }
        };
        let path = path.to_owned();
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
        let Whose::Cluster(cluster) = self.whose else {
            while self.read(path).await.is_ok() {
                tokio::task::yield_now().await;
            }
            return;
        };
        let path = path.to_owned();
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
        match self.whose {
            Whose::Cluster(cluster) => {
                let path = path.to_owned();
                blocking(move || cluster.api().post(&path, &object)).await
            }
            Whose::Embedded => match self.call("POST", path, Some(object)).await {
                Ok(made) => made,
                Err(error) => panic!("{path}: {error}"),
            },
        }
    }
}
