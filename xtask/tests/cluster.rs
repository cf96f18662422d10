//! The library that tests use, on a real control plane that this binary starts once and shares.

use std::process::Command;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use xtask::cluster::{Cluster, Ending, Gates, Link, Options, Program, wait};

/// One cluster for the whole binary. A test that breaks it holds the lock meanwhile.
fn shared() -> MutexGuard<'static, Cluster> {
    static SHARED: LazyLock<Mutex<Cluster>> =
        LazyLock::new(|| Mutex::new(Cluster::start(Options::test().unwrap()).unwrap()));
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn config_map(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}})
}

const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";

fn version(object: &Value) -> String {
    object["metadata"]["resourceVersion"].as_str().expect("a resource version").to_owned()
}

fn kubectl(cluster: &Cluster, args: &[&str]) -> String {
    let output = cluster.kubectl().unwrap().args(args).output().unwrap();
    assert!(output.status.success(), "kubectl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_watch_ends_with_kube_apiserver_and_resumes_behind_its_last_event() {
    let cluster = shared();
    let first = cluster.api().post(CONFIG_MAPS, &config_map("before-restart")).unwrap();
    let since = version(&first);
    let watch = |since: &str| {
        let mut lines =
            cluster.api().lines(&format!("{CONFIG_MAPS}?watch=1&resourceVersion={since}")).unwrap();
        move || lines.next().and_then(Result::ok).map(|line| serde_json::from_str::<Value>(&line).unwrap())
    };
    let mut next = watch(&since);
    cluster.api().post(CONFIG_MAPS, &config_map("during-watch")).unwrap();
    let event = next().expect("an event");
    assert_eq!(
        (&event["type"], &event["object"]["metadata"]["name"]),
        (&json!("ADDED"), &json!("during-watch"))
    );
    let seen = version(&event["object"]);

    cluster.restart(Program::KubeApiserver, Ending::Kill).unwrap();
    assert_eq!(next(), None, "the stream ends with the server");

    cluster.api().post(CONFIG_MAPS, &config_map("after-restart")).unwrap();
    let event = watch(&seen)().expect("an event");
    assert_eq!(event["object"]["metadata"]["name"], "after-restart", "nothing is missed or seen twice");
}

#[test]
fn forgotten_history_is_gone() {
    let cluster = shared();
    let old = version(&cluster.api().get(CONFIG_MAPS).unwrap());
    cluster.api().post(CONFIG_MAPS, &config_map("gone-1")).unwrap();
    let path = format!("{CONFIG_MAPS}?watch=1&resourceVersion={old}");
    let first = |path: &str| -> Value {
        let line = cluster.api().lines(path).unwrap().next().expect("a line").unwrap();
        serde_json::from_str(&line).unwrap()
    };
    assert_eq!(first(&path)["type"], "ADDED", "so far the history is there");
    // A list of back then is answered from etcd, which the watch cache of a new kube-apiserver says nothing about.
    let back_then = format!("{CONFIG_MAPS}?resourceVersion={old}&resourceVersionMatch=Exact");
    cluster.api().get(&back_then).unwrap();

    cluster.forget_history().unwrap();
    let error = cluster.api().get(&back_then).unwrap_err().to_string();
    assert!(error.contains("answered 410"), "{error}");
    let event = first(&path);
    assert_eq!((&event["type"], &event["object"]["code"]), (&json!("ERROR"), &json!(410)), "{event}");
}

#[test]
fn without_a_watch_cache_compaction_alone_is_enough() {
    let mut options = Options::test().unwrap();
    options.only_api = true;
    options.uncached = vec!["configmaps".to_owned()];
    let cluster = Cluster::start(options).unwrap();
    let old = version(&cluster.api().post(CONFIG_MAPS, &config_map("one")).unwrap());
    cluster.api().post(CONFIG_MAPS, &config_map("two")).unwrap();
    cluster.compact().unwrap();
    let line = cluster
        .api()
        .lines(&format!("{CONFIG_MAPS}?watch=1&resourceVersion={old}"))
        .unwrap()
        .next()
        .expect("a line");
    let event: Value = serde_json::from_str(&line.unwrap()).unwrap();
    assert_eq!(event["object"]["code"], 410, "{event}");
}

#[test]
fn a_paused_server_answers_nobody_until_it_is_resumed() {
    let cluster = shared();
    cluster.pause(Program::KubeApiserver).unwrap();
    let mut kubectl = cluster.kubectl().unwrap();
    let waiting = kubectl.args(["get", "--raw", "/version", "--request-timeout=1s"]).output().unwrap();
    assert!(!waiting.status.success());
    cluster.resume(Program::KubeApiserver).unwrap();
    assert!(self::kubectl(&cluster, &["get", "--raw", "/version"]).contains("gitVersion"));
}

#[test]
fn a_proxy_cuts_a_component_off_and_its_certificate_still_holds() {
    let cluster = shared();
    let proxy = cluster.proxy(Program::KubeApiserver).unwrap();
    let server = format!("--server=https://{}", proxy.address());
    // Only the frozen link is to run into its limit, however slow the machine is.
    let ask = |limit: &str| {
        cluster.kubectl().unwrap().args([&server, limit, "get", "--raw", "/readyz"]).output().unwrap()
    };
    let (short, none) = ("--request-timeout=1s", "--request-timeout=0");
    assert_eq!(ask(none).stdout, b"ok");
    assert_eq!(proxy.accepted(), 1);
    proxy.set(Link::Frozen);
    assert!(!ask(short).status.success());
    proxy.set(Link::Refusing);
    let refused = String::from_utf8(ask(none).stderr).unwrap();
    assert!(refused.contains("reset by peer") || refused.contains("EOF"), "{refused}");
    proxy.set(Link::Up);
    assert_eq!(ask(none).stdout, b"ok");
}

#[test]
fn the_audit_log_shows_what_a_client_sent() {
    let cluster = shared();
    let log = cluster.audit();
    kubectl(&cluster, &["create", "configmap", "audited", "--from-literal=k=v"]);
    let event = log
        .wait_for("the create", |event| event.verb == "create" && event.stage == "ResponseComplete")
        .unwrap();
    assert!(
        event.request_uri.starts_with(CONFIG_MAPS) && event.user_agent.starts_with("kubectl"),
        "{event:?}"
    );
    assert_eq!(
        (event.user.username.as_str(), &event.request_object["data"]["k"]),
        ("admin-cert", &json!("v"))
    );
    cluster.api().get(CONFIG_MAPS).unwrap();
    assert!(
        log.events().unwrap().iter().all(|event| event.verb != "list"),
        "the harness itself is not in the log"
    );
}

#[test]
fn every_kind_of_user_is_known_and_rbac_is_on() {
    let cluster = shared();
    for (context, user) in
        [("cert", "admin-cert"), ("token", "admin-token"), ("exec", "admin-exec"), ("nobody", "nobody")]
    {
        let who = kubectl(
            &cluster,
            &["--context", context, "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"],
        );
        assert_eq!(who, user);
        let may = cluster.kubectl().unwrap().args(["--context", context, "get", "secrets"]).output().unwrap();
        assert_eq!(may.status.success(), user != "nobody", "{context}");
    }
    assert!(!std::fs::read_to_string(cluster.kubeconfig()).unwrap().contains("insecure"));
}

#[test]
fn a_deployment_runs_on_a_simulated_node() {
    let cluster = shared();
    kubectl(&cluster, &["create", "deployment", "web", "--image=web", "--replicas=3"]);
    kubectl(&cluster, &["rollout", "status", "deployment/web"]);
    let nodes = kubectl(
        &cluster,
        &[
            "get",
            "pods",
            "-l",
            "app=web",
            "-o",
            "jsonpath={range .items[*]}{.status.phase} {.spec.nodeName};{end}",
        ],
    );
    assert_eq!(nodes, "Running node-0;".repeat(3));
    assert_eq!(kubectl(&cluster, &["logs", "deployment/web"]), "line one\nline two\nline three\n");
    assert_eq!(kubectl(&cluster, &["exec", "deployment/web", "--", "echo", "hello"]), "hello\n");

    let mut command = cluster.kubectl().unwrap();
    command.args(["port-forward", "deployment/web", ":8080"]).stdout(std::process::Stdio::piped());
    let mut forward = command.spawn().unwrap();
    let mut line = String::new();
    let mut stdout = std::io::BufReader::new(forward.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut stdout, &mut line).unwrap();
    let address = line.split_whitespace().nth(2).expect("an address").to_owned();
    let answer = http_get(&address, "/healthz");
    forward.kill().unwrap();
    forward.wait().unwrap();
    assert!(answer.starts_with("HTTP/1.") && answer.contains("200 OK"), "{answer}");
}

/// The status line: through a forwarded port the end of the stream may never come.
fn http_get(address: &str, path: &str) -> String {
    use std::io::{BufRead as _, Write as _};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
    let mut status = String::new();
    std::io::BufReader::new(stream).read_line(&mut status).unwrap();
    status
}

#[test]
fn a_component_is_stopped_in_order_and_missing_until_it_is_back() {
    let cluster = shared();
    cluster.restart(Program::KubeControllerManager, Ending::Terminate).unwrap();
    cluster.stop(Program::KubeScheduler, Ending::Kill).unwrap();
    let error = cluster.stop(Program::KubeScheduler, Ending::Kill).unwrap_err().to_string();
    assert_eq!(error, "kube-scheduler is not running");
    cluster.resume_stopped(Program::KubeScheduler).unwrap();
    assert_eq!(cluster.dead(), Vec::<String>::new());
}

#[test]
fn all_gates_serve_alpha_apis_beside_a_cluster_with_default_gates() {
    let default = shared();
    let mut options = Options::test().unwrap();
    options.gates = Gates::All;
    options.only_api = true;
    let all = Cluster::start(options).unwrap();
    let groups = |cluster: &Cluster| {
        kubectl(cluster, &["api-versions"]).lines().filter(|line| line.contains("alpha")).count()
    };
    assert_eq!(groups(&default), 0);
    assert!(groups(&all) > 0);
}

#[test]
fn a_dropped_cluster_leaves_nothing() {
    let mut options = Options::test().unwrap();
    options.only_api = true;
    let dir = options.dir.clone();
    let cluster = Cluster::start(options).unwrap();
    let paused = [Program::Etcd, Program::KubeApiserver];
    for program in paused {
        cluster.pause(program).unwrap();
    }
    drop(cluster);
    assert!(!dir.exists());
    wait::until("no process runs from the folder", || {
        let ps = Command::new("ps").args(["-A", "-o", "command="]).output()?;
        let text = String::from_utf8_lossy(&ps.stdout).into_owned();
        let left: Vec<&str> = text.lines().filter(|line| line.contains(&*dir.to_string_lossy())).collect();
        Ok(if left.is_empty() { Ok(()) } else { Err(left.join("\n")) })
    })
    .unwrap();
}
