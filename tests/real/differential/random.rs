//! Random operations, the same ones on both servers.

use serde_json::{Value, json};

use super::{Ask, Both, JSON_PATCH, MERGE, STRATEGIC};

/// Numbers that follow from a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn of<'t, T>(&mut self, choices: &'t [T]) -> &'t T {
        &choices[self.roll(choices.len())]
    }
}

/// A kind of the game: where it is, an object of it, and what may happen to its fields.
type Piece = (&'static str, Value, Vec<(&'static str, Value)>);

fn pieces() -> Vec<Piece> {
    let container = json!({"name": "c", "image": "i"});
    let template = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [container]}});
    let workload = |more: Value| {
        let mut spec = json!({"selector": {"matchLabels": {"a": "b"}}, "template": template, "replicas": 0});
        spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"spec": spec})
    };
    let of_template = || {
        vec![
            ("/spec/replicas", json!(3)),
            ("/spec/replicas", json!(-1)),
            ("/spec/replicas", json!("3")),
            ("/spec/selector/matchLabels/a", json!("c")),
            ("/spec/template/metadata/labels/a", json!("c")),
            ("/spec/template/spec/containers/0/image", json!("j:1")),
            ("/spec/template/spec/containers/0/image", json!("")),
            ("/spec/template/spec/restartPolicy", json!("Never")),
            ("/spec/template/spec/containers/0/ports", json!([{"containerPort": 80}])),
            ("/spec/template/spec/containers/0/env", json!([{"name": "A", "value": "1"}])),
            ("/spec/minReadySeconds", json!(5)),
            ("/spec/paused", json!(true)),
            (
                "/spec/template/spec/containers",
                json!([{"name": "d", "image": "i"}, {"name": "c", "image": "k"}]),
            ),
            (
                "/spec/template/spec/containers",
                json!([{"name": "c", "image": "i"}, {"name": "e", "image": "k"}]),
            ),
            (
                "/spec/template/spec/volumes",
                json!([{"name": "w", "emptyDir": {}}, {"name": "v", "emptyDir": {}}]),
            ),
            (
                "/spec/template/spec/volumes",
                json!([{"name": "u", "emptyDir": {}}, {"name": "v", "emptyDir": {}}]),
            ),
        ]
    };
    vec![
        (
            "/api/v1/namespaces/differential/configmaps",
            json!({"data": {"k": "v"}}),
            vec![
                ("/data/k", json!("w")),
                ("/data/k", json!(1)),
                ("/data/a b", json!("x")),
                ("/binaryData", json!({"b": "AAH/"})),
                ("/binaryData", json!({"b": "not base64!"})),
                ("/immutable", json!(true)),
            ],
        ),
        (
            "/api/v1/namespaces/differential/secrets",
            json!({"data": {"k": "dg=="}}),
            vec![
                ("/data/k", json!("dw==")),
                ("/stringData", json!({"s": "t"})),
                ("/type", json!("kubernetes.io/tls")),
                ("/immutable", json!(true)),
            ],
        ),
        (
            "/api/v1/namespaces/differential/services",
            json!({"spec": {"ports": [{"port": 80}], "selector": {"a": "b"}}}),
            vec![
                ("/spec/ports/0/port", json!(81)),
                ("/spec/ports/0/port", json!(0)),
                ("/spec/ports/0/targetPort", json!("http")),
                ("/spec/type", json!("NodePort")),
                ("/spec/type", json!("Nope")),
                ("/spec/selector", json!({"c": "d"})),
                ("/spec/ports", json!([{"name": "x", "port": 90}, {"name": "y", "port": 80}])),
                ("/spec/ports", json!([{"name": "z", "port": 70}, {"name": "x", "port": 90}])),
                ("/spec/sessionAffinity", json!("ClientIP")),
            ],
        ),
        ("/apis/apps/v1/namespaces/differential/deployments", workload(json!({})), of_template()),
        ("/apis/apps/v1/namespaces/differential/replicasets", workload(json!({})), of_template()),
        (
            "/api/v1/namespaces/differential/pods",
            json!({"spec": {"containers": [container], "schedulerName": "nobody"}}),
            vec![
                ("/spec/containers/0/image", json!("j")),
                ("/spec/containers/0/name", json!("other")),
                ("/spec/containers/0/imagePullPolicy", json!("Sometimes")),
                ("/spec/restartPolicy", json!("Never")),
                ("/spec/nodeSelector", json!({"a": "b"})),
                ("/spec/activeDeadlineSeconds", json!(10)),
                ("/spec/containers/0/resources", json!({"requests": {"cpu": "0.1", "memory": "1024Ki"}})),
            ],
        ),
        (
            "/api/v1/namespaces/differential/persistentvolumeclaims",
            json!({"spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "x", "resources": {"requests": {"storage": "1Gi"}}}}),
            vec![
                ("/spec/resources/requests/storage", json!("2Gi")),
                ("/spec/accessModes", json!(["Nope"])),
                ("/spec/volumeName", json!("v")),
            ],
        ),
        (
            "/api/v1/namespaces/differential/serviceaccounts",
            json!({"imagePullSecrets": [{"name": "p"}]}),
            vec![
                ("/imagePullSecrets", json!([{"name": "q"}, {"name": "p"}])),
                ("/imagePullSecrets", json!([{"name": "r"}, {"name": "q"}])),
                ("/automountServiceAccountToken", json!(false)),
            ],
        ),
        (
            "/apis/batch/v1/namespaces/differential/cronjobs",
            json!({"spec": {"schedule": "@yearly", "jobTemplate": {"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}}}}}),
            vec![
                ("/spec/schedule", json!("* * * * *")),
                ("/spec/schedule", json!("* *")),
                ("/spec/suspend", json!(true)),
                ("/spec/concurrencyPolicy", json!("Forbid")),
                ("/spec/concurrencyPolicy", json!("Nope")),
                ("/spec/failedJobsHistoryLimit", json!(-1)),
            ],
        ),
        (
            "/apis/policy/v1/namespaces/differential/poddisruptionbudgets",
            json!({"spec": {"selector": {"matchLabels": {"a": "b"}}}}),
            vec![
                ("/spec/minAvailable", json!(1)),
                ("/spec/minAvailable", json!("50%")),
                ("/spec/maxUnavailable", json!(1)),
                ("/spec/selector/matchLabels/a", json!("c")),
            ],
        ),
        (
            "/apis/rbac.authorization.k8s.io/v1/namespaces/differential/rolebindings",
            json!({"roleRef": {"kind": "Role", "name": "r"}, "subjects": [{"kind": "User", "name": "u"}]}),
            vec![
                ("/roleRef/name", json!("s")),
                ("/subjects/0/name", json!("")),
                ("/subjects/0/kind", json!("Group")),
            ],
        ),
    ]
}

/// What is done next.
fn random(dice: &mut Dice, pieces: &[Piece]) -> Ask {
    let (all, sample, changes) = dice.of(pieces);
    let name = *dice.of(&["a", "b"]);
    let one = format!("{all}/{name}");
    let metadata = [
        ("/metadata/labels", json!({"x": "1"})),
        ("/metadata/labels", json!({"x": "2", "y": ""})),
        ("/metadata/annotations", json!({"n": "1"})),
        ("/metadata/finalizers", json!(["example.com/f"])),
        ("/metadata/finalizers", json!([])),
        ("/metadata/resourceVersion", json!("1")),
        ("/metadata/nope", json!(1)),
        ("/metadata/ownerReferences", owners(&["1", "2"])),
        ("/metadata/ownerReferences", owners(&["3", "1"])),
        ("/metadata/resourceVersion", json!("$version")),
    ];
    let mut object = sample.clone();
    object["metadata"] = json!({"name": name});
    let mut changed = Vec::new();
    for _ in 0..dice.roll(3) {
        changed.push(if dice.roll(3) == 0 { dice.of(&metadata).clone() } else { dice.of(changes).clone() });
    }
    for (path, value) in &changed {
        set(&mut object, path, value.clone());
    }
    // As a patch: what changed alone, and lists as a whole.
    let mut part = json!({});
    for (path, value) in &changed {
        if !path.contains("/0/") {
            set(&mut part, path, value.clone());
        }
    }
    let validation = *dice.of(&["", "?fieldValidation=Strict", "?dryRun=All"]);
    match dice.roll(16) {
        0..3 => Ask::with("POST", format!("{all}{validation}"), &object),
        3..5 => Ask::with("PUT", format!("{one}{validation}"), &object),
        5 => Ask::patch(format!("{one}{validation}"), MERGE, &part),
        6 => Ask::patch(format!("{one}{validation}"), STRATEGIC, &part),
        7 => {
            let operations: Vec<Value> = changed
                .iter()
                .map(|(path, value)| json!({"op": *dice.of(&["add", "replace"]), "path": path, "value": value}))
                .collect();
            Ask::patch(one, JSON_PATCH, &json!(operations))
        }
        8 => Ask::new("GET", one),
        9 => {
            let query = *dice.of(&[
                "",
                "?labelSelector=x%3D1",
                "?labelSelector=!x",
                "?fieldSelector=metadata.name%3Da",
                "?limit=1",
            ]);
            Ask::new("GET", format!("{all}{query}"))
        }
        10 => {
            let policy = *dice.of(&["Background", "Foreground", "Orphan"]);
            Ask::with("DELETE", one, &json!({"propagationPolicy": policy}))
        }
        11 => {
            let conditions =
                [json!({"uid": "$uid"}), json!({"resourceVersion": "$version"}), json!({"uid": "x"})];
            let preconditions = dice.of(&conditions);
            Ask::with("DELETE", one, &json!({"preconditions": preconditions}))
        }
        12 => {
            Ask::new("DELETE", format!("{all}?labelSelector=x{}", dice.of(&["", "%3D1", "%3D2&dryRun=All"])))
        }
        13 => {
            let kind = if dice.roll(2) == 0 { MERGE } else { STRATEGIC };
            Ask::patch(format!("{one}/status"), kind, &part)
        }
        14 => Ask::patch(format!("{one}/scale"), MERGE, &json!({"spec": {"replicas": dice.roll(4)}})),
        _ => Ask::new("DELETE", one),
    }
}

fn owners(uids: &[&str]) -> Value {
    let owner = |uid: &&str| json!({"apiVersion": "v1", "kind": "Secret", "name": "o", "uid": uid});
    uids.iter().map(owner).collect()
}

/// Sets what a pointer leads to, and makes what is missing on the way.
fn set(object: &mut Value, path: &str, value: Value) {
    let mut place = object;
    for step in path.split('/').skip(1) {
        place = match step.parse::<usize>() {
            Ok(index) if place.is_array() => &mut place[index],
            _ => &mut place[step],
        };
    }
    *place = value;
}

/// A longer run by hand: `K8S_TEST_SEED=7 K8S_TEST_STEPS=5000 cargo test -p k8s-tests --features control-plane --test real random_operations --
/// --nocapture`, with `K8S_TEST_GATES=all` for all gates.
#[tokio::test]
async fn random_operations_are_answered_the_same() {
    let number =
        |name: &str, usual: u64| std::env::var(name).ok().and_then(|it| it.parse().ok()).unwrap_or(usual);
    let (seed, steps) = (number("K8S_TEST_SEED", 1), number("K8S_TEST_STEPS", 600));
    println!("K8S_TEST_SEED={seed} K8S_TEST_STEPS={steps}");
    let both = Both::start(&[]).await;
    let (pieces, mut dice) = (pieces(), Dice(seed));
    let mut wrong = Vec::new();
    for step in 0..steps {
        let ask = random(&mut dice, &pieces);
        let Some(how) = both.agree(&ask).await else { continue };
        wrong.push(format!(
            "{step}: {} {} {}: {how}",
            ask.method,
            ask.path,
            ask.body.as_deref().unwrap_or_default()
        ));
        // From here on both are to be equal again.
        let path = ask.path.split('?').next().unwrap();
        for name in ["a", "b"] {
            let all =
                if path.ends_with("/a") || path.ends_with("/b") { &path[..path.len() - 2] } else { path };
            for side in [&both.real, &both.embedded] {
                Ask::patch(format!("{all}/{name}"), MERGE, &json!({"metadata": {"finalizers": null}}))
                    .of(side)
                    .await;
                Ask::new("DELETE", format!("{all}/{name}")).of(side).await;
                Ask::patch(format!("{all}/{name}"), MERGE, &json!({"metadata": {"finalizers": null}}))
                    .of(side)
                    .await;
            }
        }
    }
    if let Ok(file) = std::env::var("K8S_TEST_DIFFERENCES") {
        std::fs::write(format!("{file}.random"), wrong.join("\n") + "\n").unwrap();
    }
    println!("{} of {steps} random operations differ", wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
