//! kubectl against the server in memory: what people type, and what they see.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use k8s_api::core::v1::Pod;
use k8s_client::api::Patch;
use k8s_client::testing::Server;
use k8s_tests::{blocking, options};
use serde_json::json;
use xtask::cluster::{Program, Programs};

const OBJECTS: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: 'nginx:1'}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: p, labels: {app: web}}
spec: {containers: [{name: c, image: 'nginx:1'}]}
";

/// Each with words that have to be among what is printed; `!` in front: it fails, with these words.
const SESSION: &[(&str, &[&str])] = &[
    ("version", &["Server Version: v1.37.1+embedded"]),
    ("get namespaces", &["NAME              STATUS   AGE", "kube-system       Active"]),
    ("create -f FILE", &["deployment.apps/web created", "service/web created", "pod/p created"]),
    ("!create -f FILE", &["(AlreadyExists)", "deployments.apps \"web\" already exists"]),
    (
        "get deployments,services,pods -o wide",
        &["0/2", "nginx:1", "app=web", "10.96.0.1", "80/TCP", "Pending"],
    ),
    ("get deployment web -o jsonpath={.spec.replicas}", &["2"]),
    ("get pod p -o yaml", &["kind: Pod", "phase: Pending", "dnsPolicy: ClusterFirst"]),
    ("get pods -l app=web --field-selector=status.phase=Pending -o name", &["pod/p"]),
    ("label pod p x=y", &["pod/p labeled"]),
    ("label pod p x=z --overwrite", &["pod/p labeled"]),
    ("!label pod p x=y", &["'x' already has a value (z), and --overwrite is false"]),
    ("label pods -l app=web t=1", &["pod/p labeled"]),
    ("label pod p t-", &["pod/p unlabeled"]),
    ("get pods --show-labels", &["app=web,x=z"]),
    ("annotate pod p a=b", &["pod/p annotated"]),
    (r#"patch deployment web -p {"spec":{"replicas":3}}"#, &["deployment.apps/web patched"]),
    (r#"patch deployment web --type=merge -p {"spec":{"replicas":4}}"#, &["deployment.apps/web patched"]),
    (
        r#"patch deployment web --type=json -p [{"op":"replace","path":"/spec/replicas","value":5}]"#,
        &["patched"],
    ),
    ("scale deployment web --replicas=6", &["deployment.apps/web scaled"]),
    ("set image deployment/web c=nginx:2", &["image updated"]),
    (
        "get deployment web -o jsonpath={.spec.replicas}{.spec.template.spec.containers[0].image}",
        &["6nginx:2"],
    ),
    ("wait --for=jsonpath={.spec.replicas}=6 deployment/web", &["condition met"]),
    ("!rollout status deployment/web --watch=false --timeout=1s --revision=7", &["desired revision"]),
    ("rollout status deployment/web --watch=false", &["Waiting for deployment spec update to be observed"]),
    (
        r#"patch deployment web --subresource=status --type=merge -p {"status":{"observedGeneration":99,"replicas":6,"updatedReplicas":6,"readyReplicas":6,"availableReplicas":6,"conditions":[{"type":"Available","status":"True","reason":"r","message":"m"}]}}"#,
        &["deployment.apps/web patched"],
    ),
    ("rollout status deployment/web", &["deployment \"web\" successfully rolled out"]),
    ("wait --for=condition=Available deployment/web", &["deployment.apps/web condition met"]),
    ("get deployment web", &["READY   UP-TO-DATE   AVAILABLE   AGE", "web    6/6     6            6"]),
    ("rollout pause deployment/web", &["deployment.apps/web paused"]),
    ("rollout resume deployment/web", &["deployment.apps/web resumed"]),
    ("rollout restart deployment/web", &["deployment.apps/web restarted"]),
    ("rollout history deployment/web", &["deployment.apps/web"]),
    ("logs p", &["written by c"]),
    ("logs deployment/web", &["written by c"]),
    ("logs p -c c --tail=1", &["written by c"]),
    ("!logs p -c none", &["container none is not valid for pod p"]),
    ("describe service web", &["Selector:                 app=web", "TargetPort:               80/TCP"]),
    ("describe namespace default", &["Status:       Active"]),
    ("describe pod p", &["Name:             p", "Annotations:      a: b", "Image:        nginx:1"]),
    ("describe deployment web", &["Replicas:               6 desired", "RollingUpdate"]),
    ("api-resources", &["deployments                         deploy       apps/v1"]),
    ("api-resources --namespaced=false --verbs=list -o name", &["nodes", "namespaces"]),
    ("api-versions", &["apps/v1", "rbac.authorization.k8s.io/v1"]),
    ("explain deployment.spec.replicas", &["FIELD: replicas <integer>"]),
    ("explain pods --recursive", &["ephemeralContainers", "-required-"]),
    ("version -o json", &["\"gitVersion\": \"v1.37.1+embedded\""]),
    ("get --raw /readyz", &["ok"]),
    (
        "get pods -A --chunk-size=1 -o custom-columns=N:.metadata.name,I:.spec.containers[0].image",
        &["N     I", "p     nginx:1"],
    ),
    ("get pods --sort-by=.metadata.creationTimestamp -o json", &["\"kind\": \"List\""]),
    ("create deployment made --image=nginx:1 --replicas=2", &["deployment.apps/made created"]),
    ("expose deployment made --port=80", &["service/made exposed"]),
    ("run one --image=nginx:1 --restart=Never", &["pod/one created"]),
    ("delete pod one --now", &["pod \"one\" deleted"]),
    ("wait --for=delete pod/one", &[]),
    ("delete deployment,service made", &["deployment.apps \"made\" deleted", "service \"made\" deleted"]),
    ("auth can-i create pods", &["yes"]),
    ("create configmap c --from-literal=a=b", &["configmap/c created"]),
    ("create secret generic s --from-literal=a=b", &["secret/s created"]),
    ("create serviceaccount robot", &["serviceaccount/robot created"]),
    ("create token robot", &["."]),
    ("apply -f FILE", &["deployment.apps/web configured", "pod/p configured"]),
    ("apply -f FILE", &["pod/p unchanged"]),
    ("apply -f FILE --dry-run=server", &["service/web unchanged (server dry run)"]),
    ("replace -f FILE", &["deployment.apps/web replaced", "service/web replaced"]),
    ("!apply --server-side -f FILE", &["the embedded API server has no server-side apply yet"]),
    ("!get widgets", &["the server doesn't have a resource type \"widgets\""]),
    ("!get pod none", &["Error from server (NotFound): pods \"none\" not found"]),
    ("create namespace other", &["namespace/other created"]),
    ("delete namespace other", &["namespace \"other\" deleted"]),
    ("delete -f FILE", &["deployment.apps \"web\" deleted", "pod \"p\" deleted"]),
    ("get all", &["No resources found"]),
];

/// kubectl, with the arguments that every call of one server needs.
struct Kubectl {
    program: PathBuf,
    folder: tempfile::TempDir,
}

impl Kubectl {
    fn new(kubeconfig: &str) -> anyhow::Result<Kubectl> {
        let programs = Programs::ready(&options()?.version, &[Program::Kubectl])?;
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("config"), kubeconfig)?;
        Ok(Kubectl { program: programs.path(Program::Kubectl)?.to_owned(), folder })
    }

    /// What people type behind `kubectl`; no word of it has a space.
    fn command(&self, typed: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--kubeconfig").arg(self.folder.path().join("config"));
        command.arg("--cache-dir").arg(self.folder.path().join("cache"));
        command.args(typed.split(' ')).env_remove("KUBECONFIG");
        command
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_works() {
    let documents = Path::new(env!("CARGO_MANIFEST_DIR")).join("../specs/kubernetes/v1.37.1/openapi");
    let server = Server::builder().openapi(documents).build();
    server.logs(|request| Some(format!("written by {}\n", request.container)));
    let listening = server.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let kubeconfig = listening.kubeconfig();
    blocking(move || {
        let kubectl = Kubectl::new(&kubeconfig)?;
        let file = kubectl.folder.path().join("objects.yaml");
        std::fs::write(&file, OBJECTS)?;
        let mut wrong = Vec::new();
        for (line, words) in SESSION {
            let (fails, typed) = (line.starts_with('!'), line.trim_start_matches('!'));
            let output = kubectl.command(&typed.replace("FILE", &file.display().to_string())).output()?;
            let printed = format!(
                "{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
            let missing: Vec<_> = words.iter().filter(|words| !printed.contains(**words)).collect();
            if output.status.success() == fails || !missing.is_empty() {
                wrong.push(format!("kubectl {line}: without {missing:?}, {}:\n{printed}", output.status));
            }
        }
        println!("{} of {} commands as expected", SESSION.len() - wrong.len(), SESSION.len());
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        Ok(())
    })
    .await;
}

/// `get -w`: a table that goes on with every change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_watches() {
    let server = Server::new();
    server.load(OBJECTS).unwrap();
    let listening = server.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let kubeconfig = listening.kubeconfig();
    let (mut child, _kubectl) = blocking(move || {
        let kubectl = Kubectl::new(&kubeconfig)?;
        let mut command = kubectl.command("get pods -w --output-watch-events --show-labels");
        Ok((command.stdout(Stdio::piped()).spawn()?, kubectl))
    })
    .await;
    let (send, mut printed) = tokio::sync::mpsc::unbounded_channel();
    let output = BufReader::new(child.stdout.take().unwrap());
    std::thread::spawn(move || output.lines().map_while(Result::ok).for_each(|line| _ = send.send(line)));
    // How far apart words are depends on the lines before.
    let mut next =
        async || printed.recv().await.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(next().await, "EVENT NAME READY STATUS RESTARTS AGE LABELS");
    assert!(next().await.starts_with("ADDED p 0/1 Pending 0 "));
    let pods = server.client().namespaced::<Pod>("default");
    pods.patch("p", &Patch::merge(json!({"metadata": {"labels": {"x": "y"}}}))).await.unwrap();
    let line = next().await;
    assert!(line.starts_with("MODIFIED p 0/1 Pending 0 ") && line.ends_with(" app=web,x=y"), "{line}");
    pods.delete("p").await.unwrap();
    assert!(next().await.starts_with("DELETED p 0/1 "));
    child.kill().unwrap();
    child.wait().unwrap();
}
