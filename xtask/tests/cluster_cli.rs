//! `cargo xtask cluster` as a person uses it, and what it says when something is wrong.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use xtask::cluster::wait;

fn xtask(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.arg("cluster").args(args);
    command
}

fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap()
}

/// The only line on standard error, which has to begin with `error: `.
fn the_error(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "it succeeded: {}", String::from_utf8_lossy(&output.stdout));
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("building ")).collect();
    assert!(lines.len() == 1 && lines[0].starts_with("error: "), "not one error: {text}");
    lines[0].to_owned()
}

/// A folder for this test that is gone after it.
fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// Every process whose command line names the folder.
fn processes(dir: &Path) -> Vec<String> {
    let ps = Command::new("ps").args(["-A", "-o", "pid=,command="]).output().unwrap();
    let text = String::from_utf8_lossy(&ps.stdout).into_owned();
    text.lines()
        .filter(|line| line.contains(&*dir.to_string_lossy()) && !line.contains("cluster hold"))
        .map(str::to_owned)
        .collect()
}

fn wait_until_nothing_is_left(dir: &Path) {
    wait::until("nothing is left", || {
        let left = processes(dir);
        Ok(if left.is_empty() && !dir.exists() {
            Ok(())
        } else {
            Err(format!("{} exists: {}, {left:?}", dir.display(), dir.exists()))
        })
    })
    .unwrap();
}

#[test]
fn two_clusters_side_by_side_come_up_and_go_down() {
    let scratch = scratch();
    let dirs = [scratch.path().join("one"), scratch.path().join("two")];
    let kubeconfig = scratch.path().join("config");
    let mut servers = Vec::new();
    for dir in &dirs {
        let state = dir.to_str().unwrap();
        let mut up = xtask(&["up", "--only-api", "--state", state]);
        if servers.is_empty() {
            up.arg("--kubeconfig").arg(&kubeconfig);
        }
        let output = run(&mut up);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(
            said.contains("export KUBECONFIG=") && said.contains(&format!("cluster down --state {state}")),
            "{said}"
        );
        let facts: Value = serde_json::from_slice(&std::fs::read(dir.join("cluster.json")).unwrap()).unwrap();
        servers.push(facts["server"].clone());
    }
    assert_ne!(servers[0], servers[1]);
    for (dir, config) in dirs.iter().zip([kubeconfig.clone(), dirs[1].join("kubeconfig")]) {
        let ready = Command::new(dir.join("kubectl"))
            .args(["get", "--raw", "/readyz", "--kubeconfig"])
            .arg(config)
            .output()
            .unwrap();
        assert_eq!(ready.stdout, b"ok");
    }
    let again = the_error(&run(&mut xtask(&["up", "--only-api", "--state", dirs[0].to_str().unwrap()])));
    assert!(again.contains("is up already"), "{again}");
    for dir in &dirs {
        assert!(run(&mut xtask(&["down", "--state", dir.to_str().unwrap()])).status.success());
        assert!(!dir.exists());
        wait_until_nothing_is_left(dir);
    }
    assert!(!kubeconfig.exists());
}

fn hold(dir: &Path) -> Child {
    let mut hold = xtask(&["hold", "--only-api", "--state", dir.to_str().unwrap()]);
    hold.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

#[test]
fn killing_the_owner_leaves_nothing_behind() {
    let scratch = scratch();
    let dir = scratch.path().join("state");
    let mut owner = hold(&dir);
    let mut ready = String::new();
    BufReader::new(owner.stdout.as_mut().unwrap()).read_line(&mut ready).unwrap();
    assert!(processes(&dir).len() >= 2, "{ready}");
    owner.kill().unwrap();
    owner.wait().unwrap();
    wait_until_nothing_is_left(&dir);
}

#[test]
fn killing_up_while_it_starts_leaves_nothing_behind() {
    let scratch = scratch();
    let dir = scratch.path().join("state");
    let mut up =
        xtask(&["up", "--only-api", "--state", dir.to_str().unwrap()]).stdout(Stdio::null()).spawn().unwrap();
    wait::until("etcd is starting", || {
        Ok(if processes(&dir).is_empty() { Err("nothing yet".to_owned()) } else { Ok(()) })
    })
    .unwrap();
    up.kill().unwrap();
    up.wait().unwrap();
    wait_until_nothing_is_left(&dir);
}

#[test]
fn removing_the_files_ends_the_cluster() {
    let scratch = scratch();
    let dir = scratch.path().join("state");
    assert!(run(&mut xtask(&["up", "--only-api", "--state", dir.to_str().unwrap()])).status.success());
    std::fs::remove_file(dir.join("cluster.json")).unwrap();
    wait_until_nothing_is_left(&dir);
}

#[test]
fn a_taken_port_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let scratch = scratch();
    let dir = scratch.path().join("state");
    let error =
        the_error(&run(&mut xtask(&["up", "--only-api", "--port", &port, "--state", dir.to_str().unwrap()])));
    assert_eq!(
        error,
        format!(
            "error: port {port} on 127.0.0.1 is taken by another program: choose another --port, or leave it out for a free one"
        )
    );
    assert!(!dir.exists());
}

#[test]
fn a_missing_binary_is_named() {
    let scratch = scratch();
    let error = the_error(&run(
        xtask(&["up", "--only-api", "--name", "missing"]).env("KUBEBUILDER_ASSETS", scratch.path())
    ));
    assert!(error.contains("KUBEBUILDER_ASSETS=") && error.contains("holds no `etcd`"), "{error}");

    let error = the_error(&run(xtask(&["build"])
        .env("K8S_CONTROL_PLANE_CACHE", scratch.path())
        .env("PATH", scratch.path())));
    assert!(error.contains("`go` is not on PATH") && error.contains("install Go 1.26 or later"), "{error}");
}

#[test]
fn binaries_of_kubebuilder_assets_are_used() {
    let scratch = scratch();
    let built = run(&mut xtask(&["build"]));
    for path in String::from_utf8(built.stdout).unwrap().lines().map(PathBuf::from) {
        let name = path.file_name().unwrap().to_owned();
        if ["etcd", "kube-apiserver", "kubectl"].contains(&&*name.to_string_lossy()) {
            std::os::unix::fs::symlink(&path, scratch.path().join(name)).unwrap();
        }
    }
    let dir = scratch.path().join("state");
    let mut up = xtask(&["up", "--only-api", "--state", dir.to_str().unwrap()]);
    // Without Go and with an empty cache, as on a machine that has only those binaries.
    let path = std::env::join_paths(["/usr/bin", "/bin"]).unwrap();
    up.env("KUBEBUILDER_ASSETS", scratch.path())
        .env("K8S_CONTROL_PLANE_CACHE", scratch.path().join("cache"))
        .env("PATH", path);
    let output = run(&mut up);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(
        processes(&dir)
            .iter()
            .any(|line| line.contains(&*scratch.path().join("kube-apiserver").to_string_lossy()))
    );
    assert!(run(&mut xtask(&["down", "--state", dir.to_str().unwrap()])).status.success());
}

#[test]
fn a_wrong_sum_is_named_and_nothing_is_built() {
    let scratch = scratch();
    let pins = scratch.path().join("pins");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("control-plane");
    for pin in ["etcd", "kwok", "kubernetes-v1.37.1"] {
        std::fs::create_dir_all(pins.join(pin)).unwrap();
        for file in ["go.mod", "go.sum"] {
            std::fs::copy(source.join(pin).join(file), pins.join(pin).join(file)).unwrap();
        }
    }
    let sums = std::fs::read_to_string(pins.join("etcd/go.sum")).unwrap();
    let wrong: String = sums
        .lines()
        .map(|line| match line.split_once(" h1:") {
            Some((module, _))
                if module.starts_with("go.etcd.io/etcd/server/v3 v") && !module.ends_with("/go.mod") =>
            {
                format!("{module} h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")
            }
            _ => format!("{line}\n"),
        })
        .collect();
    assert_ne!(sums, wrong);
    std::fs::write(pins.join("etcd/go.sum"), wrong).unwrap();
    let cache = scratch.path().join("cache");
    let output =
        run(xtask(&["build"]).env("K8S_CONTROL_PLANE_PINS", &pins).env("K8S_CONTROL_PLANE_CACHE", &cache));
    let error = the_error(&output);
    assert!(
        error.contains("etcd/go.sum does not fit the modules") && error.contains("checksum mismatch"),
        "{error}"
    );
    let built = std::fs::read_dir(&cache)
        .unwrap()
        .map(|dir| dir.unwrap().path().join("etcd"))
        .any(|etcd| etcd.exists());
    assert!(!built);
}

#[test]
fn a_state_folder_that_is_in_use_is_refused_and_left_alone() {
    let scratch = scratch();
    std::fs::write(scratch.path().join("precious"), "").unwrap();
    let dir = scratch.path().to_str().unwrap();
    let error = the_error(&run(&mut xtask(&["up", "--only-api", "--state", dir])));
    assert!(error.contains("is not empty"), "{error}");
    assert!(scratch.path().join("precious").exists());

    let error = the_error(&run(&mut xtask(&[
        "up",
        "--only-api",
        "--state",
        scratch.path().join("precious/state").to_str().unwrap(),
    ])));
    assert!(error.contains("precious/state") && error.contains("Not a directory"), "{error}");

    let config = scratch.path().join("precious");
    let state = scratch.path().join("state");
    let mut up = xtask(&[
        "up",
        "--only-api",
        "--kubeconfig",
        config.to_str().unwrap(),
        "--state",
        state.to_str().unwrap(),
    ]);
    let error = the_error(&run(&mut up));
    assert!(error.contains("was not written by a cluster"), "{error}");
    assert!(config.exists(), "somebody's kubeconfig is never removed");
}

/// In a mount namespace of its own, so that a small or read-only file system can be made without being root.
#[cfg(target_os = "linux")]
#[test]
fn a_full_or_read_only_state_folder_is_one_error() {
    for (options, expected) in [("size=4m", "No space left on device"), ("ro", "Read-only file system")] {
        let scratch = scratch();
        let mount = scratch.path().join("mount");
        std::fs::create_dir(&mount).unwrap();
        let script = r#"mount -t tmpfs -o "$1" tmpfs "$2" && shift 2 && exec "$@""#;
        let mut unshare = Command::new("unshare");
        unshare.args(["-r", "-m", "sh", "-c", script, "sh", options]).arg(&mount);
        unshare
            .arg(env!("CARGO_BIN_EXE_xtask"))
            .args(["cluster", "up", "--only-api", "--state"])
            .arg(mount.join("state"));
        let error = the_error(&run(&mut unshare));
        assert!(error.to_lowercase().contains(&expected.to_lowercase()), "{options}: {error}");
        assert!(processes(&mount).is_empty());
    }
}

#[test]
fn an_unknown_version_lists_the_pinned_ones() {
    let error = the_error(&run(&mut xtask(&["up", "--version", "1.2.3"])));
    assert!(
        error.contains("v1.2.3 has no pin") && error.contains("v1.34.4, v1.35.4, v1.36.3, v1.37.1"),
        "{error}"
    );
}
