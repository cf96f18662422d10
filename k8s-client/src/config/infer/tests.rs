use std::ffi::OsString;
use std::path::Path;

use super::infer;

const GOOD: &str = "{current-context: c, clusters: [{name: c, cluster: {server: 'https://from.file'}}], \
                    contexts: [{name: c, context: {cluster: c}}]}";

/// A machine: its files below one folder, where `pod` is the service account, and its variables, where `DIR` is that folder.
fn machine(files: &[(&str, &str)], variables: &[(&str, &str)]) -> Result<String, String> {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().display().to_string();
    for (name, text) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let variable = |name: &str| {
        let found = variables.iter().find(|(variable, _)| *variable == name);
        found.map(|(_, value)| OsString::from(value.replace("DIR", &root)))
    };
    let found = infer(variable, &dir.path().join(Path::new("pod")));
    let clean = |text: String| text.replace(&root, "DIR");
    found.map(|config| clean(config.to_string())).map_err(|error| clean(error.to_string()))
}

const HOME: (&str, &str) = ("HOME", "DIR/home");
const POD: [(&str, &str); 2] = [("KUBERNETES_SERVICE_HOST", "10.0.0.1"), ("KUBERNETES_SERVICE_PORT", "443")];
const FILES: [(&str, &str); 3] = [("pod/token", "t"), ("pod/ca.crt", "CA"), ("pod/namespace", "web\n")];

#[test]
fn the_first_that_there_is() {
    let in_pod = "https://10.0.0.1:443 of the service account in DIR/pod";
    let home = [("home/.kube/config", GOOD)];
    assert_eq!(machine(&home, &[HOME]).unwrap(), "https://from.file of DIR/home/.kube/config: context `c`");
    let all = [&home[..], &FILES].concat();
    let named = [("a", GOOD), ("home/.kube/config", "broken: [")];
    let kubeconfig = ("KUBECONFIG", "DIR/missing:DIR/a");
    assert_eq!(machine(&named, &[HOME, kubeconfig]).unwrap(), "https://from.file of DIR/a: context `c`");
    let master = ("KUBERNETES_MASTER", "http://127.0.0.1:8001");
    assert_eq!(machine(&home, &[HOME, master]).unwrap(), "http://127.0.0.1:8001 of http://127.0.0.1:8001");
    assert!(machine(&all, &[&POD[..], &[HOME]].concat()).unwrap().contains("from.file"));
    assert_eq!(machine(&FILES, &POD).unwrap(), in_pod);
    // As with kubectl: an empty file, or one that is not there, is no reason to fail inside of a pod.
    let empty = [&FILES[..], &[("home/.kube/config", "")]].concat();
    assert_eq!(machine(&empty, &[&POD[..], &[HOME]].concat()).unwrap(), in_pod);
    assert_eq!(machine(&FILES, &[&POD[..], &[("KUBECONFIG", "DIR/x")]].concat()).unwrap(), in_pod);
    let six = [("KUBERNETES_SERVICE_HOST", "fd00::1"), ("KUBERNETES_SERVICE_PORT", "6443")];
    assert_eq!(machine(&FILES, &six).unwrap(), "https://[fd00::1]:6443 of the service account in DIR/pod");
}

#[test]
fn what_is_broken_is_not_passed_over() {
    let broken = [&FILES[..], &[("home/.kube/config", "users: 1")]].concat();
    let variables = [&POD[..], &[HOME]].concat();
    assert_eq!(
        machine(&broken, &variables).unwrap_err(),
        "DIR/home/.kube/config: users must be a list, but is a number"
    );
    let dangling = [&FILES[..], &[("home/.kube/config", "contexts: [{name: a}]")]].concat();
    assert_eq!(
        machine(&dangling, &variables).unwrap_err(),
        "DIR/home/.kube/config: has no current-context, and none is asked for"
    );
    let error = machine(&[], &[("KUBERNETES_MASTER", "https://u:hunter2@a")]).unwrap_err();
    assert_eq!(error, "KUBERNETES_MASTER: the server's URL holds a user, which is not supported");
}

#[test]
fn nothing_found_says_what_was_tried() {
    assert_eq!(
        machine(&[], &[HOME]).unwrap_err(),
        "no configuration was found; tried KUBECONFIG (not set), KUBERNETES_MASTER (not set), \
         DIR/home/.kube/config: no such file, in-cluster (KUBERNETES_SERVICE_HOST is not set)"
    );
    assert_eq!(
        machine(&[], &[("KUBECONFIG", "DIR/a:DIR/b")]).unwrap_err(),
        "no configuration was found; tried KUBECONFIG (DIR/a, DIR/b: no such file), KUBERNETES_MASTER (not set), \
         in-cluster (KUBERNETES_SERVICE_HOST is not set)"
    );
}

#[test]
fn a_pod_without_its_files_says_which() {
    let error = machine(&[], &POD).unwrap_err();
    assert!(error.starts_with("in-cluster: token: DIR/pod/token: No such file"), "{error}");
    let error = machine(&FILES[..1], &POD).unwrap_err();
    assert!(error.starts_with("in-cluster: certificate authority: DIR/pod/ca.crt: No such file"), "{error}");
    let error = machine(&FILES, &POD[..1]).unwrap_err();
    assert_eq!(error, "in-cluster: KUBERNETES_SERVICE_PORT is not set");
}

#[test]
fn a_pods_namespace() {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in FILES {
        std::fs::write(dir.path().join(name.trim_start_matches("pod/")), text).unwrap();
    }
    let config = crate::Config::service_account("https://[::1]:1", dir.path()).unwrap();
    assert_eq!(config.namespace(), "web");
    std::fs::remove_file(dir.path().join("namespace")).unwrap();
    let config = crate::Config::service_account("https://[::1]:1", dir.path()).unwrap();
    assert_eq!(config.namespace(), "default");
}
