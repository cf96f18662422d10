//! Builds the programs from the Go modules that `xtask/control-plane` pins.

use std::fs::File;
use std::io::{BufRead as _, BufReader, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::program::{Program, Version, built_dir, in_assets, pins_dir};

/// Part of the cache's key: change it when the same pins are built in another way.
pub(super) const RECIPE: &str = "CGO_ENABLED=0 -trimpath -s -w, gitVersion set";

/// The pod and node life cycles of kwok that a cluster uses, copied from its module next to its binary.
pub(super) const STAGES: &str = "stages.yaml";

/// Whether [`build`] can work, or has: `Err` says in one line what is missing and how to get it.
pub fn available(version: &Version) -> Result<()> {
    let ready = |program: &Program| in_assets(*program).is_some();
    if missing(version, &Program::ALL)?.iter().all(ready) { Ok(()) } else { check_go() }
}

/// Builds those of `wanted` that the cache does not hold yet.
pub fn build(version: &Version, wanted: &[Program]) -> Result<()> {
    let missing = missing(version, wanted)?;
    if missing.is_empty() {
        return Ok(());
    }
    check_go()?;
    for program in missing {
        let dir = built_dir(&program.pin(version))?;
        std::fs::create_dir_all(&dir)
            .with_context(|| format!("creating the cache folder {}", dir.display()))?;
        let _alone = lock(&dir.join("lock"))?;
        if !dir.join(program.name()).is_file() {
            build_one(program, version, &dir)?;
        }
        if program == Program::Kwok {
            copy_stages(version, &dir)?;
        }
    }
    Ok(())
}

fn missing(version: &Version, wanted: &[Program]) -> Result<Vec<Program>> {
    let mut missing = Vec::new();
    for &program in wanted {
        let dir = built_dir(&program.pin(version))?;
        let complete =
            dir.join(program.name()).is_file() && (program != Program::Kwok || dir.join(STAGES).is_file());
        if !complete {
            missing.push(program);
        }
    }
    Ok(missing)
}

/// One builder at a time for a folder; waits for another clone that builds the same.
fn lock(path: &Path) -> Result<File> {
    let file = File::create(path).with_context(|| format!("creating {}", path.display()))?;
    if rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_err() {
        eprintln!("waiting for another build into {}", path.parent().unwrap_or(path).display());
        rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive)
            .with_context(|| format!("locking {}", path.display()))?;
    }
    Ok(file)
}

fn check_go() -> Result<()> {
    match Command::new("go").arg("version").output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => bail!("`go version` failed: {}", String::from_utf8_lossy(&output.stderr).trim()),
        Err(_) => bail!(
            "`go` is not on PATH, and the control plane is built from Go modules: install Go 1.26 or later from go.dev, \
             or set KUBEBUILDER_ASSETS to a folder with kube-apiserver and etcd and use --only-api"
        ),
    }
}

fn go_command(pin: &str) -> Command {
    let mut command = Command::new("go");
    command
        .current_dir(pins_dir().join(pin))
        .env("CGO_ENABLED", "0")
        .env("GOWORK", "off")
        .env("GOFLAGS", "-buildvcs=false");
    command
}

fn build_one(program: Program, version: &Version, dir: &Path) -> Result<()> {
    let pin = program.pin(version);
    let partial = dir.join(format!(".{program}.partial"));
    let minor = version.minor();
    let ldflags = format!(
        "-s -w -X k8s.io/component-base/version.gitVersion={version} -X k8s.io/component-base/version.gitMajor=1 \
         -X k8s.io/component-base/version.gitMinor={minor} -X k8s.io/client-go/pkg/version.gitVersion={version} \
         -X k8s.io/client-go/pkg/version.gitMajor=1 -X k8s.io/client-go/pkg/version.gitMinor={minor}"
    );
    let mut command = go_command(&pin);
    command
        .args(["build", "-v", "-trimpath", "-mod=readonly", "-ldflags", &ldflags, "-o"])
        .arg(&partial)
        .arg(program.package());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().context("starting `go build`")?;

    let progress = Progress::start(format!("building {program} from {pin}"));
    let mut said = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr).lines() {
            let line = line.context("reading what `go build` says")?;
            // With -v a line without a space is the name of a package that was compiled.
            if line.contains(' ') && !line.starts_with("go: downloading ") {
                said.push(line);
            } else {
                progress.step();
            }
        }
    }
    let status = child.wait().context("waiting for `go build`")?;
    progress.finish();
    if !status.success() {
        bail!("{}", explain(&pin, program, &said));
    }
    let done = dir.join(program.name());
    std::fs::rename(&partial, &done)
        .with_context(|| format!("moving the new {program} to {}", done.display()))
}

/// One error out of what Go said.
fn explain(pin: &str, program: Program, said: &[String]) -> String {
    let all = said.join("\n");
    let first = said.iter().map(|line| line.trim()).find(|line| !line.is_empty()).unwrap_or("no message");
    if all.contains("checksum mismatch")
        || all.contains("missing go.sum entry")
        || all.contains("malformed go.sum")
    {
        format!(
            "{}/go.sum does not fit the modules ({first}): {program} was not built; restore the file with `git checkout`, \
             or move the pin as CONTRIBUTING.md says",
            pins_dir().join(pin).display()
        )
    } else if all.contains("no space left on device") {
        format!("the disk is full: building {program} needs about 4 GB for Go's caches ({first})")
    } else {
        format!("building {program} from xtask/control-plane/{pin} failed:\n{all}")
    }
}

fn copy_stages(version: &Version, dir: &Path) -> Result<()> {
    let output = go_command(&Program::Kwok.pin(version))
        .args(["list", "-mod=readonly", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kwok"])
        .output()
        .context("asking `go list` for kwok's module")?;
    if !output.status.success() {
        bail!("`go list` of kwok's module failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let module = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()).join("kustomize/stage");
    let mut stages = String::new();
    for folder in ["pod/fast", "node/fast", "node/heartbeat-with-lease"] {
        let folder = module.join(folder);
        let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
            .with_context(|| format!("reading kwok's stages in {}", folder.display()))?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<std::io::Result<_>>()?;
        files.sort();
        for file in files {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            if (name.starts_with("pod-") || name.starts_with("node-")) && name.ends_with(".yaml") {
                stages.push_str("---\n");
                stages.push_str(&std::fs::read_to_string(&file)?);
                stages.push('\n');
            }
        }
    }
    let path = dir.join(STAGES);
    std::fs::write(&path, stages).with_context(|| format!("writing {}", path.display()))
}

/// Says what is being built: one line that grows on a terminal, a line now and then elsewhere.
struct Progress {
    what: String,
    steps: Arc<AtomicUsize>,
    done: Arc<AtomicBool>,
    started: Instant,
    ticker: Option<std::thread::JoinHandle<()>>,
}

impl Progress {
    fn start(what: String) -> Progress {
        let (steps, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let started = Instant::now();
        let terminal = std::io::stderr().is_terminal();
        if !terminal {
            eprintln!("{what}");
        }
        let ticker = {
            let (what, steps, done) = (what.clone(), steps.clone(), done.clone());
            std::thread::spawn(move || {
                let every = if terminal { Duration::from_millis(500) } else { Duration::from_secs(30) };
                while !done.load(Ordering::Relaxed) {
                    std::thread::park_timeout(every);
                    if done.load(Ordering::Relaxed) {
                        break;
                    }
                    let line = Progress::line(&what, &steps, started);
                    if terminal {
                        eprint!("\r\x1b[K{line}");
                        let _ = std::io::stderr().flush();
                    } else {
                        eprintln!("{line}");
                    }
                }
                if terminal {
                    eprint!("\r\x1b[K");
                }
            })
        };
        Progress { what, steps, done, started, ticker: Some(ticker) }
    }

    fn line(what: &str, steps: &AtomicUsize, started: Instant) -> String {
        format!("{what}: {} packages, {} s", steps.load(Ordering::Relaxed), started.elapsed().as_secs())
    }

    fn step(&self) {
        self.steps.fetch_add(1, Ordering::Relaxed);
    }

    fn finish(mut self) {
        self.done.store(true, Ordering::Relaxed);
        if let Some(ticker) = self.ticker.take() {
            ticker.thread().unpark();
            let _ = ticker.join();
        }
        eprintln!("{}", Progress::line(&self.what, &self.steps, self.started));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_sum_is_one_error_that_names_the_file() {
        let said = [
            "verifying k8s.io/kubernetes@v1.37.1: checksum mismatch",
            "\tdownloaded: h1:a",
            "\tgo.sum: h1:b",
        ];
        let said: Vec<String> = said.iter().map(|line| (*line).to_owned()).collect();
        let error = explain("kubernetes-v1.37.1", Program::KubeApiserver, &said);
        assert!(error.contains("xtask/control-plane/kubernetes-v1.37.1/go.sum does not fit"), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }

    #[test]
    fn another_failure_keeps_what_go_said() {
        let said = ["# k8s.io/x".to_owned(), "x.go:1: undefined: y".to_owned()];
        let error = explain("kwok", Program::Kwok, &said);
        assert!(
            error.contains("building kwok from xtask/control-plane/kwok failed")
                && error.contains("undefined: y"),
            "{error}"
        );
    }
}
