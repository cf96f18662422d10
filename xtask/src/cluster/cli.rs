//! `cargo xtask cluster`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command as Process, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use rustix::process::{Pid, Signal, kill_process};

use super::{Cluster, Gates, Options, Program, Programs, Version, record, wait};

/// A real Kubernetes control plane in plain processes on loopback.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Build etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubectl and kwok from their pinned Go modules.
    Build(Build),
    /// Start a cluster and leave it running.
    Up(Up),
    /// List the clusters of this checkout.
    Status,
    /// End a cluster and remove its files.
    Down(Down),
    /// Hold a cluster: what `up` leaves running.
    #[command(hide = true)]
    Hold(Up),
}

/// Which release to build.
#[derive(Debug, Args)]
pub struct Build {
    /// The Kubernetes release; each has its pins below xtask/control-plane.
    #[arg(long, value_name = "V", default_value = Version::DEFAULT)]
    version: String,
}

/// What kind of cluster to start.
#[derive(Debug, Args)]
pub struct Up {
    /// Its name, for several side by side.
    #[arg(long, default_value = "default")]
    name: String,
    /// How many simulated nodes.
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "only_api")]
    nodes: usize,
    /// Write the kubeconfig here instead of into the state folder.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Start only etcd and kube-apiserver.
    #[arg(long)]
    only_api: bool,
    /// `default` is what people run; `all` switches every alpha and beta feature and API on.
    #[arg(long, value_enum, default_value_t)]
    gates: Gates,
    /// The Kubernetes release.
    #[arg(long, value_name = "V", default_value = Version::DEFAULT)]
    version: String,
    /// The port of kube-apiserver on 127.0.0.1; a free one if it is left out.
    #[arg(long, value_name = "P")]
    port: Option<u16>,
    /// Its state folder; it must be empty, and is removed with the cluster.
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
}

/// Which cluster to end.
#[derive(Debug, Args)]
pub struct Down {
    /// Its name.
    #[arg(long, default_value = "default", conflicts_with = "all")]
    name: String,
    /// End every cluster of this checkout.
    #[arg(long)]
    all: bool,
    /// Its state folder, if `up` was given one.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["name", "all"])]
    state: Option<PathBuf>,
}

impl Command {
    pub(crate) fn run(self) -> Result<()> {
        match self {
            Command::Build(build) => build.run(),
            Command::Up(up) => up.run(),
            Command::Status => status(),
            Command::Down(down) => down.run(),
            Command::Hold(up) => up.hold(),
        }
    }
}

impl Build {
    fn run(self) -> Result<()> {
        let version = Version::pinned(&self.version)?;
        let programs = Programs::ready(&version, &Program::ALL)?;
        for program in Program::ALL {
            println!("{}", programs.path(program)?.display());
        }
        Ok(())
    }
}

impl Up {
    fn options(&self) -> Result<Options> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if !self.name.starts_with(|c: char| c.is_ascii_alphanumeric()) || !self.name.chars().all(plain) {
            bail!("`{}` can't be the name of a cluster: use letters, digits, `-`, `_` and `.`", self.name);
        }
        let absolute =
            |path: &PathBuf| std::path::absolute(path).with_context(|| format!("reading {}", path.display()));
        let mut options = Options::new(&self.name)?;
        if let Some(dir) = &self.state {
            options.dir = absolute(dir)?;
        }
        options.kubeconfig = self.kubeconfig.as_ref().map(absolute).transpose()?;
        options.version = Version::pinned(&self.version)?;
        options.gates = self.gates;
        options.nodes = self.nodes;
        options.only_api = self.only_api;
        options.port = self.port;
        Ok(options)
    }

    fn run(self) -> Result<()> {
        let options = self.options()?;
        record::claim(&options)?;
        // Here, where progress can be seen, and not in the process that stays.
        Programs::ready(&options.version, &options.wanted())?;

        let started = Instant::now();
        let (mut said, saying) = std::io::pipe().context("opening a pipe")?;
        let mut holder = Process::new(std::env::current_exe().context("finding this program")?);
        holder.args(["cluster", "hold"]).args(std::env::args_os().skip(3));
        holder
            .stdin(Stdio::piped())
            .stdout(saying.try_clone().context("sharing a pipe")?)
            .stderr(saying)
            .process_group(0);
        let mut child = holder.spawn().context("starting the process that holds the cluster")?;
        drop(holder);

        let mut words = String::new();
        let mut ready = false;
        let mut failure = None;
        let mut lines = BufReader::new(&mut said);
        while lines.read_line(&mut words).context("reading from the process that holds the cluster")? > 0 {
            if words.ends_with(READY) {
                ready = true;
                break;
            }
            match words.strip_prefix("error: ") {
                Some(error) => failure = Some(error.trim_end().to_owned()),
                None => eprint!("{words}"),
            }
            words.clear();
        }
        if !ready {
            let status = child.wait().context("waiting for the process that holds the cluster")?;
            bail!(
                "{}",
                failure.unwrap_or_else(|| format!("the process that holds the cluster ended with {status}"))
            );
        }
        let mut keep =
            child.stdin.take().context("the pipe to the process that holds the cluster is closed")?;
        keep.write_all(KEEP).context("handing the cluster over")?;

        let facts = record::read(&options.dir)?.context("the cluster has gone again")?;
        let nodes = match facts.nodes {
            0 => "API only".to_owned(),
            1 => "1 node".to_owned(),
            nodes => format!("{nodes} nodes"),
        };
        println!(
            "cluster `{}` is up: Kubernetes {}, {nodes}, {}, {} (in {:.1} s)\n",
            facts.name,
            facts.version,
            facts.gates,
            facts.server,
            started.elapsed().as_secs_f64()
        );
        let down = match (&self.state, self.name.as_str()) {
            (Some(dir), _) => format!(" --state {}", dir.display()),
            (None, "default") => String::new(),
            (None, name) => format!(" --name {name}"),
        };
        println!("  export KUBECONFIG={}", facts.kubeconfig.display());
        println!(
            "  {} get namespaces    # contexts: cert (current), token, exec, nobody",
            options.dir.join("kubectl").display()
        );
        println!("  cargo xtask cluster down{down}");
        Ok(())
    }

    /// Starts the cluster, says so, and stays until it is killed. Nothing has to be done at the end: the guard of the
    /// cluster sees it, however it comes.
    fn hold(self) -> Result<()> {
        // Until the handover, the end of `up` is the end of the cluster.
        let (kept, handed_over) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut word = [0; KEEP.len()];
            if std::io::stdin().read_exact(&mut word).is_err() {
                std::process::exit(1);
            }
            let _ = kept.send(());
        });
        let options = self.options()?;
        let cluster = Cluster::start(options)?;
        std::io::stdout()
            .write_all(READY.as_bytes())
            .and_then(|()| std::io::stdout().flush())
            .context("saying that it is ready")?;
        handed_over.recv().context("waiting for `up`")?;
        // An owner has to collect what ends, so that `status` sees it; and nobody can end a cluster whose files are gone.
        while record::read(&cluster.options().dir)?.is_some() {
            cluster.dead();
            std::thread::sleep(std::time::Duration::from_millis(500));
        }
        Ok(())
    }
}

/// What the holder prints last, and what it is told then.
const READY: &str = "\u{1}ready\n";
const KEEP: &[u8] = b"keep";

impl Down {
    fn run(self) -> Result<()> {
        let dirs = match (&self.state, self.all) {
            (Some(dir), _) => vec![std::path::absolute(dir)?],
            (None, true) => record::all()?.into_iter().map(|(dir, _)| dir).collect(),
            (None, false) => vec![record::root().join(&self.name)],
        };
        for dir in dirs {
            let Some(facts) = record::read(&dir)? else {
                bail!("no cluster in {}: `cargo xtask cluster status` lists what is there", dir.display());
            };
            if record::alive(&dir) {
                let owner = i32::try_from(facts.owner)
                    .ok()
                    .and_then(Pid::from_raw)
                    .context("the owner is no process id")?;
                kill_process(owner, Signal::KILL)
                    .with_context(|| format!("ending process {}", facts.owner))?;
                wait::until("its guard has removed everything", || {
                    Ok(if dir.exists() { Err(format!("{} still exists", dir.display())) } else { Ok(()) })
                })?;
            } else {
                record::clear(&dir, &facts)?;
            }
            println!("cluster `{}` is gone", facts.name);
        }
        Ok(())
    }
}

fn status() -> Result<()> {
    let all = record::all()?;
    if all.is_empty() {
        println!("no cluster; start one with `cargo xtask cluster up`");
    }
    for (dir, facts) in all {
        let state = if record::alive(&dir) {
            "up"
        } else {
            "left over from a crash; `cargo xtask cluster down` removes it"
        };
        println!(
            "{}: {state}, Kubernetes {}, {}, {} nodes, {}",
            facts.name, facts.version, facts.gates, facts.nodes, facts.server
        );
        println!("  KUBECONFIG={}", facts.kubeconfig.display());
        for (program, pid) in facts.programs {
            let runs = i32::try_from(pid)
                .ok()
                .and_then(Pid::from_raw)
                .is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok());
            let log = dir.join("logs").join(format!("{program}.log"));
            println!(
                "  {program}: {}",
                if runs { format!("process {pid}") } else { format!("ended; see {}", log.display()) }
            );
        }
    }
    Ok(())
}
