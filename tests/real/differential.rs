//! The server in memory beside the real one: the same calls to both, and every answer that differs.
//!
//! One test is a table, verb by kind by condition; the other plays random operations. What is masked is what each server makes up by itself:
//! uids, versions, times, addresses. What is known to differ stands in `differential.txt`; a difference that does not stand there
//! makes the test fail, and a line there that is no difference any more does so too.

use std::collections::{BTreeMap, BTreeSet};

use k8s_api::operation::{Operation, Retry, Verb};
use k8s_api::transport::{Body, Call};
use k8s_client::testing::Server;
use k8s_client::{Client, Config, Preset};
use k8s_tests::{blocking, differences};
use serde_json::{Value, json};
use xtask::cluster::{Cluster, Options};

/// What is known: cells of the table, whole kinds (`KIND *`) or conditions (`* CONDITION`), each with why or `open`.
const KNOWN: &str = include_str!("differential.txt");

/// One call.
#[derive(Clone)]
struct Ask {
    method: &'static str,
    path: String,
    content_type: &'static str,
    accept: &'static str,
    body: Option<String>,
}

const JSON: &str = "application/json";
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";

impl Ask {
    fn new(method: &'static str, path: impl Into<String>) -> Ask {
        Ask { method, path: path.into(), content_type: JSON, accept: JSON, body: None }
    }

    fn with(method: &'static str, path: impl Into<String>, body: &Value) -> Ask {
        Ask { body: Some(body.to_string()), ..Ask::new(method, path) }
    }

    fn patch(path: impl Into<String>, kind: &'static str, body: &Value) -> Ask {
        Ask { content_type: kind, ..Ask::with("PATCH", path, body) }
    }

    /// What a server makes of it, without what it makes up.
    async fn of(&self, client: &Client) -> Value {
        let empty = || "".into();
        let operation = Operation {
            verb: Verb::Get,
            group: empty(),
            version: empty(),
            resource: empty(),
            subresource: empty(),
            retry: Retry::Never,
        };
        let request = http::Request::builder()
            .method(self.method)
            .uri(&self.path)
            .header("content-type", self.content_type)
            .header("accept", self.accept);
        let body = self.body.clone().map_or(Body::Empty, |body| Body::Bytes(body.into()));
        match client.bytes(Call::new(operation, request.body(body).unwrap())).await {
            Ok(bytes) => match serde_json::from_slice(&bytes) {
                Ok(value) => json!({"ok": masked(value)}),
                Err(_) => json!({"ok": "no JSON"}),
            },
            Err(error) => match error.status() {
                Some(status) => {
                    let mut causes: Vec<String> = status
                        .causes
                        .iter()
                        .map(|cause| format!("{} {}: {}", cause.reason, cause.field, text(&cause.message)))
                        .collect();
                    causes.sort();
                    json!({
                        "code": status.code, "reason": status.reason, "message": text(&status.message), "causes": causes,
                        "about": [status.name, status.kind, status.group],
                    })
                }
                None => json!({"code": error.code().map(|code| code.as_u16())}),
            },
        }
    }
}

/// A sentence without uids and versions.
fn text(message: &str) -> String {
    // After it the real server shows in Go's words what was changed.
    let message = message.split_once("\n@@").map_or(message, |(said, _)| said).trim_end_matches(']');
    let mut out = String::new();
    for word in message.split_inclusive(|c: char| !(c.is_ascii_alphanumeric() || c == '-')) {
        let plain = word.trim_end_matches(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
        let uid = plain.len() == 36 && plain.bytes().filter(|byte| *byte == b'-').count() == 4;
        let version =
            message.contains("ersion") && plain.len() > 1 && plain.bytes().all(|byte| byte.is_ascii_digit());
        if uid || version {
            out.push('#');
            out.push_str(&word[plain.len()..]);
        } else {
            out.push_str(word);
        }
    }
    out
}

/// What each server makes up by itself.
const OWN: &[&str] = &[
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "deletionTimestamp",
    "clusterIP",
    "clusterIPs",
    "nodePort",
    "lastTransitionTime",
    "controller-uid",
    "batch.kubernetes.io/controller-uid",
    "healthCheckNodePort",
    "lastPhaseTransitionTime",
    "timeAdded",
];

/// What a table shows, without ages, times and addresses.
fn cell(value: &Value) -> Value {
    let text = value.as_str().unwrap_or_default();
    let age = text.ends_with('s') && text.trim_end_matches('s').parse::<u32>().is_ok();
    let time = text.len() == 20 && text.ends_with('Z');
    if age || time || text.starts_with("10.") { json!("#") } else { value.clone() }
}

fn masked(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            // A list that has to be there and is empty is null there. Service accounts are given by a plugin that runs in a whole cluster.
            // Whether a list goes on depends on what else the real server has.
            let left_out = [
                "description",
                "managedFields",
                "serviceAccount",
                "serviceAccountName",
                "continue",
                "remainingItemCount",
            ];
            let empty = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
            let kept = fields
                .into_iter()
                .filter(|(name, value)| !left_out.contains(&name.as_str()) && !empty(value));
            kept.map(|(name, value)| {
                let mut value = match name.as_str() {
                    name if OWN.contains(&name) => json!("#"),
                    "cells" => value.as_array().into_iter().flatten().map(cell).collect(),
                    _ => masked(value),
                };
                // A set there, whose order is any.
                if let (Some(list), "finalizers") = (value.as_array_mut(), name.as_str()) {
                    list.sort_by_key(Value::to_string);
                }
                (name, value)
            })
            .collect()
        }
        Value::Array(list) => list.into_iter().map(masked).collect(),
        value => value,
    }
}

/// Both servers.
struct Both {
    real: Client,
    embedded: Client,
}

const HERE: &str = "differential";

impl Both {
    async fn start() -> Both {
        let cluster: &'static Cluster = Box::leak(Box::new(
            blocking(|| {
                // As people run it, and of the release that the types are of.
                let mut options = Options::test()?;
                options.only_api = true;
                Cluster::start(options)
            })
            .await,
        ));
        let mut once = Preset::default();
        once.attempts = 1;
        let config = Config::from_kubeconfig(cluster.kubeconfig(), None).unwrap();
        let real = Client::builder(config).retry(once).build().unwrap();
        // Nobody cleans up behind kube-apiserver alone.
        let server = Server::builder().without_cleanup().build();
        let embedded = server.client_builder().retry(once).build().unwrap();
        let both = Both { real, embedded };
        let namespace = json!({"metadata": {"name": HERE}});
        both.agree(&Ask::with("POST", "/api/v1/namespaces", &namespace)).await.unwrap_or_default();
        let account = json!({"metadata": {"name": "default"}, "automountServiceAccountToken": false});
        let path = format!("/api/v1/namespaces/{HERE}/serviceaccounts");
        both.agree(&Ask::with("POST", path, &account)).await.unwrap_or_default();
        both
    }

    /// Nothing, or how the answers differ.
    async fn agree(&self, ask: &Ask) -> Option<String> {
        let (real, embedded) = (ask.of(&self.real).await, ask.of(&self.embedded).await);
        let lines = differences(&embedded, &real);
        if lines.is_empty() { None } else { Some(lines.join("; ")) }
    }
}

/// A kind with an object of it.
struct Kind {
    resource: String,
    collection: String,
    sample: Value,
    namespaced: bool,
    has_status: bool,
}

async fn kinds(both: &Both) -> Vec<Kind> {
    let text = include_str!("samples.yaml").replace("namespace: default", &format!("namespace: {HERE}"));
    let mut samples: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    samples.extend(serde_saphyr::from_multiple::<Value>(include_str!("operations.yaml")).unwrap());
    let mut kinds = Vec::new();
    for mut sample in samples {
        let version = sample["apiVersion"].as_str().unwrap().to_owned();
        let root = if version.contains('/') { format!("/apis/{version}") } else { format!("/api/{version}") };
        let Ok(bytes) = both.real.bytes(call(&root)).await else { continue };
        let list: Value = serde_json::from_slice(&bytes).unwrap();
        let all = list["resources"].as_array().unwrap();
        let of_kind =
            |it: &&Value| it["kind"] == sample["kind"] && !it["name"].as_str().unwrap().contains('/');
        let Some(resource) = all.iter().find(of_kind) else { continue };
        let plural = resource["name"].as_str().unwrap().to_owned();
        let has_status = all.iter().any(|it| it["name"] == format!("{plural}/status"));
        let namespaced = resource["namespaced"] == true;
        let keeps = resource["verbs"].as_array().unwrap().iter().any(|verb| verb == "get" || verb == "list");
        if !keeps || plural == "componentstatuses" {
            continue;
        }
        sample["metadata"]["labels"] = json!({"suite": HERE});
        let collection = if namespaced {
            format!("{root}/namespaces/{HERE}/{plural}")
        } else {
            format!("{root}/{plural}")
        };
        kinds.push(Kind {
            resource: format!("{version}/{plural}"),
            collection,
            sample,
            namespaced,
            has_status,
        });
    }
    kinds
}

fn call(path: &str) -> Call {
    let empty = || "".into();
    let operation = Operation {
        verb: Verb::Get,
        group: empty(),
        version: empty(),
        resource: empty(),
        subresource: empty(),
        retry: Retry::Never,
    };
    Call::new(operation, http::Request::get(path).header("accept", JSON).body(Body::Empty).unwrap())
}

const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const JSON_PATCH: &str = "application/json-patch+json";

/// What is asked of every kind, in this order: an object's life with everything that can go wrong in it.
fn cells(kind: &Kind) -> Vec<(&'static str, Ask)> {
    let (all, sample) = (kind.collection.as_str(), &kind.sample);
    let name = sample["metadata"]["name"].as_str().unwrap();
    let one = format!("{all}/{name}");
    let changed = |path: &str, value: Value| {
        let mut object = sample.clone();
        *object.pointer_mut(path).unwrap() = value;
        object
    };
    let with = |field: &str, value: Value| {
        let mut object = sample.clone();
        object["metadata"][field] = value;
        object
    };
    let mut extra = sample.clone();
    extra["noSuchField"] = json!(1);
    let labels = json!({"metadata": {"labels": {"more": "1"}}});
    let list = |query: &str| Ask::new("GET", format!("{all}?labelSelector=suite%3D{HERE}&{query}"));
    let mut cells = vec![
        ("get missing", Ask::new("GET", &one)),
        ("create dry", Ask::with("POST", format!("{all}?dryRun=All"), sample)),
        ("create dry wrong", Ask::with("POST", format!("{all}?dryRun=Some"), sample)),
        ("create no json", Ask { body: Some("{".into()), ..Ask::new("POST", all) }),
        ("create list", Ask::with("POST", all, &json!([]))),
        ("create empty", Ask::with("POST", all, &json!({}))),
        ("create other version", Ask::with("POST", all, &changed("/apiVersion", json!("example.com/v9")))),
        ("create other kind", Ask::with("POST", all, &changed("/kind", json!("Nope")))),
        ("create strict unknown", Ask::with("POST", format!("{all}?fieldValidation=Strict"), &extra)),
        ("create bad name", Ask::with("POST", all, &with("name", json!("Not_A/Name")))),
        ("create bad label", Ask::with("POST", all, &with("labels", json!({"a b": "-"})))),
        ("create bad finalizer", Ask::with("POST", all, &with("finalizers", json!(["nope"])))),
        ("create wrong type", Ask::with("POST", all, &with("labels", json!([1])))),
        ("create with version", Ask::with("POST", all, &with("resourceVersion", json!("5")))),
        ("create media type", Ask { content_type: "text/plain", ..Ask::with("POST", all, sample) }),
        ("create", Ask::with("POST", all, sample)),
        ("create existing", Ask::with("POST", all, sample)),
        ("get", Ask::new("GET", &one)),
        ("get version 0", Ask::new("GET", format!("{one}?resourceVersion=0"))),
        ("get bad version", Ask::new("GET", format!("{one}?resourceVersion=x"))),
        ("get no such part", Ask::new("GET", format!("{one}/nope"))),
        ("list", list("")),
        ("list by name", list(&format!("fieldSelector=metadata.name%3D{name}"))),
        ("list by other name", list("fieldSelector=metadata.name!%3Dx,metadata.name!%3Dy")),
        ("list by bad field", list("fieldSelector=spec.nope%3D1")),
        ("list by no field", list("fieldSelector=nope")),
        ("list by bad label", Ask::new("GET", format!("{all}?labelSelector=a%20in%20b"))),
        ("list by bad key", Ask::new("GET", format!("{all}?labelSelector=-a"))),
        ("list by set", list("labelSelector=suite")),
        ("list table", Ask { accept: TABLE, ..list("") }),
        ("list limit", list("limit=1")),
        ("list bad continue", list("continue=nope")),
        ("list bad version", list("resourceVersion=x")),
        ("list match alone", list("resourceVersionMatch=Exact")),
        ("list bad match", list("resourceVersion=1&resourceVersionMatch=Nope")),
        ("list exact 0", list("resourceVersion=0&resourceVersionMatch=Exact")),
        ("list initial", list("sendInitialEvents=true")),
        ("replace unchanged", Ask::with("PUT", &one, sample)),
        ("replace changed", Ask::with("PUT", &one, &with("annotations", json!({"a": "b"})))),
        ("replace old version", Ask::with("PUT", &one, &with("resourceVersion", json!("1")))),
        ("replace other uid", Ask::with("PUT", &one, &with("uid", json!("nope")))),
        ("replace other name", Ask::with("PUT", &one, &with("name", json!("other")))),
        (
            "replace dry",
            Ask::with("PUT", format!("{one}?dryRun=All"), &with("annotations", json!({"c": "d"}))),
        ),
        (
            "replace missing",
            Ask::with(
                "PUT",
                format!("{all}/missing"),
                &changed("/metadata", json!({"name": "missing", "labels": {"suite": HERE}})),
            ),
        ),
        ("patch merge", Ask::patch(&one, MERGE, &labels)),
        ("patch merge again", Ask::patch(&one, MERGE, &labels)),
        (
            "patch merge unknown",
            Ask::patch(format!("{one}?fieldValidation=Strict"), MERGE, &json!({"nope": 1})),
        ),
        ("patch merge list", Ask::patch(&one, MERGE, &json!([]))),
        ("patch merge name", Ask::patch(&one, MERGE, &json!({"metadata": {"name": "other"}}))),
        ("patch merge version", Ask::patch(&one, MERGE, &json!({"metadata": {"resourceVersion": "1"}}))),
        (
            "patch strategic",
            Ask::patch(&one, STRATEGIC, &json!({"metadata": {"labels": {"more": null, "other": "2"}}})),
        ),
        (
            "patch strategic directive",
            Ask::patch(&one, STRATEGIC, &json!({"metadata": {"labels": {"$patch": "nope"}}})),
        ),
        (
            "patch json",
            Ask::patch(&one, JSON_PATCH, &json!([{"op": "add", "path": "/metadata/labels/j", "value": "3"}])),
        ),
        (
            "patch json test",
            Ask::patch(&one, JSON_PATCH, &json!([{"op": "test", "path": "/metadata/name", "value": "nope"}])),
        ),
        ("patch json nowhere", Ask::patch(&one, JSON_PATCH, &json!([{"op": "remove", "path": "/nope"}]))),
        ("patch json bad op", Ask::patch(&one, JSON_PATCH, &json!([{"op": "nope", "path": "/metadata"}]))),
        ("patch json object", Ask::patch(&one, JSON_PATCH, &json!({}))),
        ("patch media type", Ask::patch(&one, "text/plain", &json!({}))),
        ("patch missing", Ask::patch(format!("{all}/none"), MERGE, &labels)),
        ("post to one", Ask::with("POST", &one, sample)),
        ("put to all", Ask::with("PUT", all, sample)),
        ("delete missing", Ask::new("DELETE", format!("{all}/none"))),
        ("delete bad propagation", Ask::new("DELETE", format!("{one}?propagationPolicy=Nope"))),
        ("delete other uid", Ask::with("DELETE", &one, &json!({"preconditions": {"uid": "nope"}}))),
        (
            "delete old version",
            Ask::with("DELETE", &one, &json!({"preconditions": {"resourceVersion": "1"}})),
        ),
        ("delete dry", Ask::new("DELETE", format!("{one}?dryRun=All"))),
        ("finalize", Ask::patch(&one, MERGE, &json!({"metadata": {"finalizers": ["example.com/a"]}}))),
        ("delete held", Ask::new("DELETE", format!("{one}?propagationPolicy=Foreground"))),
        ("delete held again", Ask::new("DELETE", &one)),
        (
            "hold more",
            Ask::patch(&one, MERGE, &json!({"metadata": {"finalizers": ["example.com/a", "example.com/b"]}})),
        ),
        ("let go", Ask::patch(&one, MERGE, &json!({"metadata": {"finalizers": null}}))),
        ("get gone", Ask::new("GET", &one)),
        ("create again", Ask::with("POST", all, sample)),
        ("delete orphan", Ask::with("DELETE", &one, &json!({"propagationPolicy": "Orphan"}))),
        ("let go again", Ask::patch(&one, MERGE, &json!({"metadata": {"finalizers": null}}))),
        ("create third", Ask::with("POST", all, sample)),
        ("delete", Ask::new("DELETE", &one)),
        ("delete all", Ask::new("DELETE", format!("{all}?labelSelector=suite%3D{HERE}"))),
        ("list none", list("")),
    ];
    if kind.namespaced {
        let elsewhere = all.replace(&format!("/{HERE}/"), "/nowhere/");
        cells.insert(8, ("create nowhere", Ask::with("POST", &elsewhere, sample)));
        cells.insert(
            9,
            ("create other namespace", Ask::with("POST", all, &with("namespace", json!("other")))),
        );
    }
    if kind.has_status {
        let at = cells.iter().position(|(title, _)| *title == "patch json").unwrap();
        let status = format!("{one}/status");
        cells.insert(at, ("status get", Ask::new("GET", &status)));
        cells.insert(at, ("status patch nothing", Ask::patch(&status, MERGE, &json!({}))));
        cells.insert(
            at,
            (
                "status patch label",
                Ask::patch(&status, MERGE, &json!({"metadata": {"annotations": {"by": "status"}}})),
            ),
        );
    }
    cells
}

#[tokio::test]
async fn every_cell_is_the_same_or_known() {
    let both = Both::start().await;
    let known: BTreeMap<&str, &str> = KNOWN
        .lines()
        .filter_map(|line| line.split_once(" | "))
        .filter(|(cell, _)| !cell.starts_with('#'))
        .collect();
    let (mut same, mut explained, mut open) = (0, 0, 0);
    let (mut wrong, mut seen) = (Vec::new(), BTreeSet::new());
    for kind in kinds(&both).await {
        for (title, ask) in cells(&kind) {
            let cell = format!("{} {title}", kind.resource);
            let [of_kind, of_all] = [format!("{} *", kind.resource), format!("* {title}")];
            let listed =
                [&cell, &of_kind, &of_all].into_iter().find_map(|it| known.get_key_value(it.as_str()));
            match (both.agree(&ask).await, listed) {
                (None, _) => same += 1,
                (Some(_), Some((line, why))) => {
                    seen.insert(*line);
                    if why.starts_with("open") { open += 1 } else { explained += 1 }
                }
                (Some(how), None) => wrong.push(format!("{cell} | {how}")),
            }
        }
    }
    println!(
        "{same} cells are the same, {explained} differ for a reason, {open} are open, {} are not known",
        wrong.len()
    );
    if let Ok(file) = std::env::var("K8S_TEST_DIFFERENCES") {
        std::fs::write(file, wrong.join("\n") + "\n").unwrap();
    }
    let stale: Vec<_> = known.keys().filter(|line| !seen.contains(**line)).collect();
    assert!(wrong.is_empty(), "{} cells differ and are not known:\n{}", wrong.len(), wrong.join("\n"));
    assert!(stale.is_empty(), "no longer different, remove from differential.txt: {stale:?}");
}

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
    match dice.roll(12) {
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
        _ => Ask::new("DELETE", one),
    }
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

/// `K8S_TEST_SEED` and `K8S_TEST_STEPS` are for longer runs by hand.
#[tokio::test]
async fn random_operations_are_answered_the_same() {
    let number =
        |name: &str, usual: u64| std::env::var(name).ok().and_then(|it| it.parse().ok()).unwrap_or(usual);
    let (seed, steps) = (number("K8S_TEST_SEED", 1), number("K8S_TEST_STEPS", 600));
    println!("K8S_TEST_SEED={seed} K8S_TEST_STEPS={steps}");
    let both = Both::start().await;
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
            for client in [&both.real, &both.embedded] {
                Ask::patch(format!("{all}/{name}"), MERGE, &json!({"metadata": {"finalizers": null}}))
                    .of(client)
                    .await;
                Ask::new("DELETE", format!("{all}/{name}")).of(client).await;
                Ask::patch(format!("{all}/{name}"), MERGE, &json!({"metadata": {"finalizers": null}}))
                    .of(client)
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
