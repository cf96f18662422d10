//! kubectl against the server in memory: what people type, and what they see.

use std::process::Command;

use k8s_client::testing::Server;
use k8s_tests::{blocking, options};
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
    ("rollout history deployment/web", &["deployment.apps/web"]),
    ("logs p", &["written by c"]),
    ("describe pod p", &["Name:             p", "Annotations:      a: b", "Image:        nginx:1"]),
    ("describe deployment web", &["Replicas:               6 desired", "RollingUpdate"]),
    ("api-resources", &["deployments                         deploy       apps/v1"]),
    ("api-versions", &["apps/v1", "rbac.authorization.k8s.io/v1"]),
    ("explain deployment.spec.replicas", &["FIELD: replicas <integer>"]),
    ("auth can-i create pods", &["yes"]),
    ("create configmap c --from-literal=a=b", &["configmap/c created"]),
    ("create secret generic s --from-literal=a=b", &["secret/s created"]),
    ("create serviceaccount robot", &["serviceaccount/robot created"]),
    ("create token robot", &["."]),
    ("apply -f FILE", &["deployment.apps/web configured", "pod/p configured"]),
    ("apply -f FILE", &["pod/p unchanged"]),
    ("!apply --server-side -f FILE", &["the embedded API server has no server-side apply yet"]),
    ("!get widgets", &["the server doesn't have a resource type \"widgets\""]),
    ("!get pod none", &["Error from server (NotFound): pods \"none\" not found"]),
    ("create namespace other", &["namespace/other created"]),
    ("delete namespace other", &["namespace \"other\" deleted"]),
    ("delete -f FILE", &["deployment.apps \"web\" deleted", "pod \"p\" deleted"]),
    ("get all", &["No resources found"]),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_works() {
    let documents =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../specs/kubernetes/v1.37.1/openapi");
    let server = Server::builder().openapi(documents).build();
    server.logs(|request| Some(format!("written by {}\n", request.container)));
    let listening = server.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let kubeconfig = listening.kubeconfig();
    blocking(move || {
        let options = options()?;
        let programs = Programs::ready(&options.version, &[Program::Kubectl])?;
        let kubectl = programs.path(Program::Kubectl)?;
        let folder = tempfile::tempdir()?;
        let (config, file) = (folder.path().join("config"), folder.path().join("objects.yaml"));
        std::fs::write(&config, &kubeconfig)?;
        std::fs::write(&file, OBJECTS)?;
        let mut wrong = Vec::new();
        for (line, words) in SESSION {
            let (fails, typed) = (line.starts_with('!'), line.trim_start_matches('!'));
            let arguments = typed.split(' ').map(|word| word.replace("FILE", &file.display().to_string()));
            let output = Command::new(&kubectl)
                .arg("--kubeconfig")
                .arg(&config)
                .arg("--cache-dir")
                .arg(folder.path().join("cache"))
                .args(arguments)
                .env_remove("KUBECONFIG")
                .output()?;
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
