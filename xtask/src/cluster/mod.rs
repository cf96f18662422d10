//! A real Kubernetes control plane in plain processes on loopback.
//!
//! etcd, kube-apiserver, kube-controller-manager and kube-scheduler are the real programs; kwok simulates the nodes
//! and their kubelets. Tests start one with [`Cluster::start`]; `cargo xtask cluster up` is the same for a person.
//! Everything blocks: a test on an async runtime calls it from a blocking task.

mod api;
mod audit;
mod build;
pub mod cli;
mod flags;
mod http_proxy;
mod pki;
mod port;
mod process;
mod program;
mod proxy;
mod record;
mod state;
pub mod wait;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result, bail};
use rustix::process::Signal;
use serde_json::{Value, json};

pub use api::Api;
pub use audit::{AuditEvent, AuditLog, AuditUser};
pub use build::{available, build};
pub use http_proxy::{Fault, HttpProxy, Seen};
pub(crate) use program::pins_dir;
pub use program::{Program, Programs, Version};
pub use proxy::{FaultProxy, Link};

use port::Port;
use process::{Guard, Process, describe};
use state::State;

/// Which feature gates and API versions are on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Gates {
    /// What people run.
    #[default]
    Default,
    /// Every alpha and beta feature and every API version.
    All,
}

/// What kind of cluster to start; [`Options::new`] is what people run, on one node.
#[derive(Clone, Debug)]
pub struct Options {
    /// Its name, unique among the clusters of this checkout.
    pub name: String,
    /// Where its files go: a folder that does not exist yet, and that goes with the cluster.
    pub dir: PathBuf,
    /// Where to write the kubeconfig, if not into the state folder.
    pub kubeconfig: Option<PathBuf>,
    /// Which release.
    pub version: Version,
    /// Which feature gates.
    pub gates: Gates,
    /// How many simulated nodes.
    pub nodes: usize,
    /// Only etcd and kube-apiserver.
    pub only_api: bool,
    /// The port of kube-apiserver; a free one if it is not given.
    pub port: Option<u16>,
    /// Resources such as `configmaps` that kube-apiserver keeps no watch cache for: what etcd has compacted of their
    /// history is Gone at once.
    pub uncached: Vec<String>,
    /// Whether kube-apiserver now and then asks an HTTP/2 client to make another connection, as behind a load balancer.
    pub goaway: bool,
}

impl Options {
    /// A cluster of the default release with one node.
    pub fn new(name: &str) -> Result<Options> {
        Ok(Options {
            name: name.to_owned(),
            dir: record::root().join(name),
            kubeconfig: None,
            version: Version::pinned(Version::DEFAULT)?,
            gates: Gates::Default,
            nodes: 1,
            only_api: false,
            port: None,
            uncached: Vec::new(),
            goaway: false,
        })
    }

    /// The same for a test: the name is made unique, so that any number can run side by side.
    pub fn test() -> Result<Options> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Options::new(&format!("test-{}-{count}", std::process::id()))
    }

    /// The programs that this cluster runs, in starting order.
    fn programs(&self) -> &'static [Program] {
        use Program::{Etcd, KubeApiserver, KubeControllerManager, KubeScheduler, Kwok};
        if self.only_api {
            &[Etcd, KubeApiserver]
        } else {
            &[Etcd, KubeApiserver, KubeControllerManager, KubeScheduler, Kwok]
        }
    }

    /// [`Options::programs`], and kubectl, which people and tests use with it.
    pub(crate) fn wanted(&self) -> Vec<Program> {
        self.programs().iter().copied().chain([Program::Kubectl]).collect()
    }
}

/// The loopback ports of one cluster.
#[derive(Debug)]
struct Ports {
    etcd: Port,
    apiserver: Port,
    kwok: Port,
}

/// How [`Cluster::restart`] ends a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// SIGTERM, as a rollout does: it may finish what it is doing. kube-apiserver takes a minute while watches are open.
    Terminate,
    /// SIGKILL, as a crash does.
    Kill,
}

/// A running cluster. It is gone, processes and files, when this value is dropped or when its process ends in any way.
pub struct Cluster {
    options: Options,
    ports: Ports,
    state: State,
    programs: Programs,
    api: Api,
    running: Mutex<BTreeMap<Program, Process>>,
    // Dropped after everything above has let go, and before the record's lock.
    guard: Guard,
    _record: record::Record,
}

/// Without its tokens.
impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster")
            .field("options", &self.options)
            .field("api", &self.api)
            .finish_non_exhaustive()
    }
}

impl Cluster {
    /// Builds what is missing, starts everything and returns when the cluster can be used.
    pub fn start(options: Options) -> Result<Cluster> {
        let programs = Programs::ready(&options.version, &options.wanted())?;
        record::claim(&options)?;
        let ports = Ports {
            etcd: Port::free()?,
            apiserver: options.port.map_or_else(Port::free, Port::exactly)?,
            kwok: Port::free()?,
        };
        let mut files = vec![options.dir.as_path()];
        files.extend(options.kubeconfig.as_deref());
        // Before the first file is written, so that nothing is left behind whatever happens next.
        let guard = Guard::new(&files)?;
        let state = State::write(&options.dir, &options, ports.apiserver.number())?;
        let api = Api::tls(&state.server, &state.ca_pem, &state.harness_token)?;
        let record = record::Record::new(&options, &state)?;
        if !options.only_api {
            state.write_kwok_config(&options, ports.kwok.number())?;
        }
        std::os::unix::fs::symlink(programs.path(Program::Kubectl)?, state.file("kubectl"))
            .context("linking kubectl")?;
        let running = Mutex::default();
        let cluster = Cluster { options, ports, state, programs, api, running, guard, _record: record };
        for &program in cluster.options.programs() {
            cluster.spawn(program)?;
            // Each one dials the one before when it starts.
            if matches!(program, Program::Etcd | Program::KubeApiserver) {
                cluster.wait_ready(program)?;
            }
        }
        if !cluster.options.only_api {
            cluster.create_nodes()?;
            cluster.wait_usable()?;
        }
        Ok(cluster)
    }

    /// What it was started with.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The kubeconfig with the contexts `cert` (current), `token`, `exec` and `nobody`.
    pub fn kubeconfig(&self) -> &Path {
        &self.state.kubeconfig
    }

    /// The URL of kube-apiserver.
    pub fn server(&self) -> &str {
        &self.state.server
    }

    /// The authority that kube-apiserver's certificate is signed by.
    pub fn ca_pem(&self) -> &str {
        &self.state.ca_pem
    }

    /// The bearer token of the administrator in the context `token`.
    pub fn admin_token(&self) -> &str {
        &self.state.admin_token
    }

    /// The harness's own connection as an administrator, which the audit log leaves out.
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// `kubectl` of the cluster's release, set to this cluster.
    pub fn kubectl(&self) -> Result<Command> {
        let mut command = Command::new(self.programs.path(Program::Kubectl)?);
        command.env("KUBECONFIG", &self.state.kubeconfig).env("HOME", &self.state.dir);
        Ok(command)
    }

    /// What clients send from now on.
    pub fn audit(&self) -> AuditLog {
        AuditLog::open(self.state.file("audit.log"))
    }

    /// The log of one program.
    pub fn log(&self, program: Program) -> PathBuf {
        self.state.log(program)
    }

    /// A proxy in front of one component, to cut it off. The server's certificate is good for it too.
    pub fn proxy(&self, program: Program) -> Result<FaultProxy> {
        let port = match program {
            Program::Etcd => &self.ports.etcd,
            Program::KubeApiserver => &self.ports.apiserver,
            Program::Kwok => &self.ports.kwok,
            _ => bail!("{program} listens on no port"),
        };
        FaultProxy::start(SocketAddr::from((Ipv4Addr::LOCALHOST, port.number())))
    }

    /// A server in front of kube-apiserver that answers in ways of its own, with a certificate that is good for it too.
    pub fn http_proxy(&self) -> Result<HttpProxy> {
        let read = |path: &Path| {
            std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
        };
        let target = SocketAddr::from((Ipv4Addr::LOCALHOST, self.ports.apiserver.number()));
        let serving = &self.state.serving;
        HttpProxy::start(target, self.ca_pem(), &read(&serving.cert)?, &read(&serving.key)?)
    }

    /// Gives kube-apiserver a certificate of another authority, which `known` is told and makes known to whoever is to trust it; returns when
    /// new connections get it.
    ///
    /// The cluster's own kubeconfigs and [`Cluster::api`] go on with the old authority, so this is for a cluster that a test has for itself.
    pub fn rotate_serving(&self, known: impl FnOnce(&str) -> Result<()>) -> Result<()> {
        let (other, authority) = self.state.another_serving(&self.options.name)?;
        known(&authority)?;
        // The two don't belong together for a moment: kube-apiserver keeps the old ones until they do.
        for (from, to) in [(&other.cert, &self.state.serving.cert), (&other.key, &self.state.serving.key)] {
            std::fs::rename(from, to).with_context(|| format!("replacing {}", to.display()))?;
        }
        wait::until("kube-apiserver has its new certificate", || {
            let api = Api::tls(&self.state.server, &authority, &self.state.harness_token)?;
            Ok(api.text("/readyz").map_err(|error| format!("{error:#}")))
        })
        .map(drop)
    }

    /// Ends one program and starts it again on the same port; returns when it answers.
    pub fn restart(&self, program: Program, ending: Ending) -> Result<()> {
        self.stop(program, ending)?;
        self.resume_stopped(program)
    }

    /// Ends one program; [`Cluster::resume_stopped`] starts it again.
    pub fn stop(&self, program: Program, ending: Ending) -> Result<()> {
        let mut process =
            self.running().remove(&program).with_context(|| format!("{program} is not running"))?;
        process.signal(match ending {
            Ending::Terminate => Signal::TERM,
            Ending::Kill => Signal::KILL,
        })?;
        process.wait().map(|_| ())
    }

    /// Starts a program that [`Cluster::stop`] ended; returns when it answers.
    pub fn resume_stopped(&self, program: Program) -> Result<()> {
        self.spawn(program)?;
        self.wait_ready(program)
    }

    /// Stops the clock of one program (SIGSTOP): its connections stay open and nothing answers.
    pub fn pause(&self, program: Program) -> Result<()> {
        self.running().get_mut(&program).with_context(|| format!("{program} is not running"))?.stop()
    }

    /// Lets a paused program go on.
    pub fn resume(&self, program: Program) -> Result<()> {
        self.signal(program, Signal::CONT)
    }

    /// Forgets every revision before now in etcd, and returns the current one.
    ///
    /// kube-apiserver still answers for what its watch cache holds: only resources in [`Options::uncached`] are Gone
    /// after this alone.
    pub fn compact(&self) -> Result<i64> {
        let etcd = Api::plain(&format!("http://127.0.0.1:{}", self.ports.etcd.number()));
        // A revision of its own, so that the last one of a client's is old too (the key is `harness`).
        let put = etcd.post("/v3/kv/put", &json!({"key": "aGFybmVzcw==", "value": ""}))?;
        let revision = put["header"]["revision"].as_str().and_then(|revision| revision.parse().ok());
        let revision: i64 = revision.with_context(|| format!("etcd said no revision: {put}"))?;
        etcd.post("/v3/kv/compaction", &json!({"revision": revision.to_string(), "physical": true}))?;
        Ok(revision)
    }

    /// Makes every resource version before now Gone for every resource: compacts etcd and restarts kube-apiserver,
    /// whose watch cache would go on serving them.
    pub fn forget_history(&self) -> Result<i64> {
        self.stop(Program::KubeApiserver, Ending::Kill)?;
        let revision = self.compact()?;
        self.resume_stopped(Program::KubeApiserver)?;
        Ok(revision)
    }

    /// The programs that have ended by themselves, and how.
    pub fn dead(&self) -> Vec<String> {
        let mut running = self.running();
        let ended = |(program, process): (&Program, &mut Process)| {
            let status = process.ended()?;
            Some(format!("{program} {}: {}", describe(status), process.last_words()))
        };
        running.iter_mut().filter_map(ended).collect()
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<Program, Process>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn signal(&self, program: Program, signal: Signal) -> Result<()> {
        self.running().get_mut(&program).with_context(|| format!("{program} is not running"))?.signal(signal)
    }

    fn spawn(&self, program: Program) -> Result<()> {
        let path = self.programs.path(program)?;
        let mut command = Command::new(&path);
        flags::arguments(program, &self.state, &self.options, &self.ports, &mut command);
        let process = self.guard.spawn(command, &self.state.log(program))?;
        let pids = {
            let mut running = self.running();
            running.insert(program, process);
            running.iter().map(|(program, process)| (program.name(), process.id())).collect()
        };
        self._record.update(pids)
    }

    /// Waits until a program that others dial answers.
    fn wait_ready(&self, program: Program) -> Result<()> {
        match program {
            Program::Etcd => {
                let etcd = Api::plain(&format!("http://127.0.0.1:{}", self.ports.etcd.number()));
                self.until("etcd is healthy", || etcd.text("/health").map(|_| ()))
            }
            Program::KubeApiserver => {
                self.until("kube-apiserver is ready", || self.api.text("/readyz").map(|_| ()))
            }
            Program::Kwok => self.until("kwok listens", || {
                std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, self.ports.kwok.number()))?;
                Ok(())
            }),
            // They serve nothing; what they do shows in the objects.
            _ => Ok(()),
        }
    }

    fn create_nodes(&self) -> Result<()> {
        let resources = json!({"cpu": "640", "memory": "2560Gi", "pods": "2000"});
        for number in 0..self.options.nodes {
            let (name, zone) = (format!("node-{number}"), format!("zone-{}", number % 3));
            let node = json!({
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {
                    "name": name,
                    "annotations": {"kwok.x-k8s.io/node": "fake"},
                    "labels": {"kubernetes.io/hostname": name, "topology.kubernetes.io/zone": zone},
                },
                "status": {"allocatable": resources, "capacity": resources},
            });
            self.api.post("/api/v1/nodes", &node)?;
        }
        Ok(())
    }

    /// Waits until pods can be created and would be run.
    fn wait_usable(&self) -> Result<()> {
        self.until("the service account `default` exists", || {
            self.api.get("/api/v1/namespaces/default/serviceaccounts/default").map(|_| ())
        })?;
        self.until("every node is ready", || {
            let nodes = self.api.get("/api/v1/nodes")?;
            let nodes = nodes["items"].as_array().map_or(&[][..], Vec::as_slice);
            let ready = nodes.iter().filter(|node| schedulable(node)).count();
            if ready < self.options.nodes {
                bail!("{ready} of {} nodes are ready", self.options.nodes);
            }
            Ok(())
        })
    }

    /// Waits for a condition, unless a program that it needs has ended.
    fn until(&self, what: &str, mut condition: impl FnMut() -> Result<()>) -> Result<()> {
        wait::until(what, || {
            if let Some(dead) = self.dead().into_iter().next() {
                bail!("{dead} (state folder {})", self.state.dir.display());
            }
            Ok(condition().map_err(|error| format!("{error:#}")))
        })
    }
}

fn schedulable(node: &Value) -> bool {
    let conditions = node["status"]["conditions"].as_array().map_or(&[][..], Vec::as_slice);
    let ready =
        conditions.iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
    ready && node["spec"]["taints"].as_array().is_none_or(Vec::is_empty)
}
