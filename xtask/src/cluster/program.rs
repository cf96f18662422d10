//! The programs of a control plane: their pins, and where their binaries are found.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

use crate::repo;

/// A program that `cargo xtask cluster build` makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Program {
    /// The storage under kube-apiserver.
    Etcd,
    /// The API server.
    KubeApiserver,
    /// Deployments, replica sets, jobs, garbage collection, service accounts, ...
    KubeControllerManager,
    /// Binds pods to nodes.
    KubeScheduler,
    /// The command line client; not a part of a running cluster.
    Kubectl,
    /// Simulated nodes and their kubelets.
    Kwok,
}

impl Program {
    /// Every program, in the order in which they are built and started.
    pub const ALL: [Program; 6] = [
        Program::Etcd,
        Program::KubeApiserver,
        Program::KubeControllerManager,
        Program::KubeScheduler,
        Program::Kubectl,
        Program::Kwok,
    ];

    /// The file name of its binary.
    pub fn name(self) -> &'static str {
        match self {
            Program::Etcd => "etcd",
            Program::KubeApiserver => "kube-apiserver",
            Program::KubeControllerManager => "kube-controller-manager",
            Program::KubeScheduler => "kube-scheduler",
            Program::Kubectl => "kubectl",
            Program::Kwok => "kwok",
        }
    }

    /// The Go package of its `main`.
    pub(super) fn package(self) -> String {
        match self {
            Program::Etcd => "go.etcd.io/etcd/server/v3".to_owned(),
            Program::Kwok => "sigs.k8s.io/kwok/cmd/kwok".to_owned(),
            _ => format!("k8s.io/kubernetes/cmd/{}", self.name()),
        }
    }

    /// The folder below `xtask/control-plane` whose go.mod and go.sum pin it.
    pub(super) fn pin(self, version: &Version) -> String {
        match self {
            Program::Etcd => "etcd".to_owned(),
            Program::Kwok => "kwok".to_owned(),
            _ => format!("kubernetes-{version}"),
        }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A Kubernetes release that `xtask/control-plane` pins, such as `v1.37.1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version(semver::Version);

impl Version {
    /// The release that the documents in `specs/` come from.
    pub const DEFAULT: &str = "v1.37.1";

    /// Reads `v1.37.1` or `1.37.1`.
    pub fn parse(text: &str) -> Result<Version> {
        let version = semver::Version::parse(text.strip_prefix('v').unwrap_or(text))
            .with_context(|| format!("`{text}` is not a Kubernetes version such as {}", Version::DEFAULT))?;
        Ok(Version(version))
    }

    /// [`Version::parse`], refusing what has no pin.
    pub fn pinned(text: &str) -> Result<Version> {
        let version = Version::parse(text)?;
        let pins = Version::pins()?;
        if !pins.contains(&version) {
            let known: Vec<String> = pins.iter().map(Version::to_string).collect();
            bail!(
                "Kubernetes {version} has no pin below {}; pinned are: {}",
                pins_dir().display(),
                known.join(", ")
            );
        }
        Ok(version)
    }

    /// Every pinned release, oldest first.
    pub fn pins() -> Result<Vec<Version>> {
        let dir = pins_dir();
        let mut pins = Vec::new();
        for entry in std::fs::read_dir(&dir).with_context(|| format!("reading {}", dir.display()))? {
            let name = entry?.file_name();
            if let Some(version) = name.to_string_lossy().strip_prefix("kubernetes-") {
                pins.push(Version::parse(version)?);
            }
        }
        pins.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(pins)
    }

    pub(super) fn minor(&self) -> u64 {
        self.0.minor
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

/// The folder with one Go module for each pin; people with pins of their own name theirs.
pub(crate) fn pins_dir() -> PathBuf {
    match std::env::var_os("K8S_CONTROL_PLANE_PINS").filter(|value| !value.is_empty()) {
        Some(dir) => repo::root().join(dir),
        None => repo::root().join("xtask/control-plane"),
    }
}

/// Where results are kept between clones of this repository.
pub(super) fn cache() -> Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(dir) = set("K8S_CONTROL_PLANE_CACHE") {
        return std::path::absolute(&dir)
            .with_context(|| format!("K8S_CONTROL_PLANE_CACHE={}", dir.display()));
    }
    let caches = set("XDG_CACHE_HOME").or_else(|| {
        let home = set("HOME")?;
        Some(home.join(if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" }))
    });
    Ok(caches
        .context("neither HOME nor XDG_CACHE_HOME is set: say with K8S_CONTROL_PLANE_CACHE=DIR where built programs are kept")?
        .join("k8s-client-rs/control-plane"))
}

/// The folder of the cache for what one pin builds: another pin, another recipe or another machine kind is another folder.
pub(super) fn built_dir(pin: &str) -> Result<PathBuf> {
    let dir = pins_dir().join(pin);
    let mut hash = Sha256::new();
    for name in ["go.mod", "go.sum"] {
        let path = dir.join(name);
        hash.update(std::fs::read(&path).with_context(|| format!("reading the pin {}", path.display()))?);
    }
    hash.update(super::build::RECIPE);
    let key: String = hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    Ok(cache()?.join(format!("{pin}-{os}-{arch}-{key}")))
}

/// A folder of ready binaries, as `setup-envtest` makes it, that a person named in `KUBEBUILDER_ASSETS`.
fn assets() -> Option<PathBuf> {
    std::env::var_os("KUBEBUILDER_ASSETS").filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// A binary in that folder. A kwok there would come without the stages that belong to it.
pub(super) fn in_assets(program: Program) -> Option<PathBuf> {
    let path = assets()?.join(program.name());
    (program != Program::Kwok && path.is_file()).then_some(path)
}

/// Where each program of one version is.
#[derive(Clone, Debug)]
pub struct Programs {
    version: Version,
}

impl Programs {
    /// Finds `wanted`, building what is missing.
    pub fn ready(version: &Version, wanted: &[Program]) -> Result<Programs> {
        let programs = Programs { version: version.clone() };
        if let Some(assets) = assets() {
            programs.check_assets(&assets, wanted)?;
        }
        let missing: Vec<Program> = wanted.iter().copied().filter(|&p| in_assets(p).is_none()).collect();
        super::build::build(version, &missing)?;
        Ok(programs)
    }

    /// The binary of a program, from `KUBEBUILDER_ASSETS` or else from the cache.
    pub fn path(&self, program: Program) -> Result<PathBuf> {
        match in_assets(program) {
            Some(path) => Ok(path),
            None => Ok(built_dir(&program.pin(&self.version))?.join(program.name())),
        }
    }

    /// Programs of different minor versions must not be mixed by accident, and an API server needs its etcd.
    fn check_assets(&self, assets: &Path, wanted: &[Program]) -> Result<()> {
        let shown = format!("KUBEBUILDER_ASSETS={}", assets.display());
        if !assets.is_dir() {
            bail!("{shown} is not a folder: set it to one that holds kube-apiserver and etcd, or unset it");
        }
        for program in [Program::Etcd, Program::KubeApiserver] {
            if wanted.contains(&program) && in_assets(program).is_none() {
                bail!(
                    "{shown} holds no `{program}`: add it there, or unset the variable to build the pinned one"
                );
            }
        }
        let Some(apiserver) = in_assets(Program::KubeApiserver) else { return Ok(()) };
        if !wanted.contains(&Program::KubeControllerManager) {
            return Ok(());
        }
        let output = std::process::Command::new(&apiserver)
            .arg("--version")
            .output()
            .with_context(|| format!("running {}", apiserver.display()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let theirs = text.trim().strip_prefix("Kubernetes ").and_then(|v| Version::parse(v).ok());
        if theirs.as_ref().map(Version::minor) != Some(self.version.minor()) {
            bail!(
                "{shown} holds `{}`, but the other programs would be {}: add --only-api, choose --version, or unset the variable",
                text.trim(),
                self.version
            );
        }
        Ok(())
    }
}
