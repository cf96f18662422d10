//! The server in memory beside the real one: the same calls to both, and every answer that differs.
//!
//! One test is a table, verb by kind by condition; another tells a few stories, whose calls follow from earlier answers; the last plays
//! random operations. What is masked is what each server makes up by itself: uids, versions, times, addresses. What is known to differ
//! stands in `differential.txt`; a difference that does not stand there makes the test fail, and a line there that is no difference
//! any more does so too. `K8S_TEST_DIFFERENCES=FILE` writes all differences, the known ones too.

mod more;
mod random;
mod stories;
mod table;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use futures_util::TryStreamExt as _;
use k8s_api::operation::{Operation, Retry, Verb};
use k8s_api::transport::{Body, Call, Reply, ReplyBody};
use k8s_client::testing::Server;
use k8s_client::{Client, Config, Error, Preset};
use k8s_tests::{blocking, differences};
use serde_json::{Value, json};
use xtask::cluster::Cluster;

/// One call. In its path and body, `$uid`, `$version` and `$continue` are what the same server said last.
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
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const JSON_PATCH: &str = "application/json-patch+json";

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

    /// A body that is no JSON of ours.
    fn raw(method: &'static str, path: impl Into<String>, content_type: &'static str, body: &str) -> Ask {
        Ask { content_type, body: Some(body.to_owned()), ..Ask::new(method, path) }
    }

    fn accepting(self, accept: &'static str) -> Ask {
        Ask { accept, ..self }
    }

    /// What a server makes of it, without what it makes up.
    async fn of(&self, side: &Side) -> Value {
        let request = http::Request::builder()
            .method(self.method)
            .uri(side.filled(&self.path))
            .header("content-type", self.content_type)
            .header("accept", self.accept);
        let body = self.body.as_ref().map_or(Body::Empty, |body| Body::Bytes(side.filled(body).into()));
        let reply = match side.client.send(Call::new(operation(), request.body(body).unwrap())).await {
            Ok(reply) => reply,
            Err(error) => return refused(&error),
        };
        let header = |name: &str| -> Vec<String> {
            let all = reply.head.headers.get_all(name).iter();
            all.map(|value| text(&String::from_utf8_lossy(value.as_bytes()))).collect()
        };
        let (said, warnings) = (header("content-type"), header("warning"));
        let bytes = whole(reply).await;
        let lines: Vec<Value> = serde_json::Deserializer::from_slice(&bytes)
            .into_iter()
            .map(|line| line.unwrap_or_else(|_| json!("no JSON")))
            .take(1000)
            .collect();
        for line in &lines {
            side.remember(line);
        }
        // Bookmarks that end nothing come when they come.
        let told =
            |line: &Value| line["type"] != "BOOKMARK" || !line["object"]["metadata"]["annotations"].is_null();
        let lines: Vec<Value> = lines.into_iter().filter(told).map(masked).collect();
        json!({"ok": lines, "content-type": said, "warnings": warnings})
    }
}

fn operation() -> Operation {
    let empty = || "".into();
    Operation {
        verb: Verb::Get,
        group: empty(),
        version: empty(),
        resource: empty(),
        subresource: empty(),
        retry: Retry::Never,
    }
}

async fn whole(reply: Reply) -> Vec<u8> {
    match reply.body {
        ReplyBody::Whole(bytes) => bytes.to_vec(),
        ReplyBody::Stream(stream) => stream.map_ok(Vec::from).try_concat().await.unwrap_or_default(),
        _ => Vec::new(),
    }
}

fn refused(error: &Error) -> Value {
    let Some(status) = error.status() else { return json!({"code": error.code().map(|code| code.as_u16())}) };
    let mut causes: Vec<String> = status
        .causes
        .iter()
        .map(|cause| format!("{} {}: {}", cause.reason, cause.field, text(&cause.message)))
        .collect();
    causes.sort();
    json!({
        "code": status.code, "reason": status.reason, "message": text(&status.message), "causes": causes,
        "about": [text(&status.name), status.kind.to_string(), status.group.to_string()],
    })
}

/// A sentence without uids, versions and names that were made up.
fn text(message: &str) -> String {
    // After it the real server shows in Go's words what was changed.
    let message = message.split_once("\n@@").map_or(message, |(said, _)| said).trim_end_matches(']');
    let mut out = String::new();
    for word in message.split_inclusive(|c: char| !(c.is_ascii_alphanumeric() || c == '-')) {
        let plain = word.trim_end_matches(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
        let uid = plain.len() == 36 && plain.bytes().filter(|byte| *byte == b'-').count() == 4;
        let version =
            message.contains("ersion") && plain.len() > 1 && plain.bytes().all(|byte| byte.is_ascii_digit());
        let made = plain.starts_with("made-") && plain.len() == 10;
        if uid || version || made {
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

/// What a table shows, without ages, times, addresses and uids.
fn cell(value: &Value) -> Value {
    let Some(said) = value.as_str() else { return value.clone() };
    let age = said.ends_with('s') && said.trim_end_matches('s').parse::<u32>().is_ok();
    let time = said.len() == 20 && said.ends_with('Z');
    if age || time || said.starts_with("10.") { json!("#") } else { text(said).into() }
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
                    "name" | "batch.kubernetes.io/job-name" | "job-name" | "kubernetes.io/metadata.name" => {
                        value.as_str().map_or(value.clone(), |name| text(name).into())
                    }
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

/// One of the servers, and what it said last.
struct Side {
    client: Client,
    memory: Mutex<BTreeMap<&'static str, String>>,
}

impl Side {
    fn new(client: Client) -> Side {
        Side { client, memory: Mutex::default() }
    }

    /// What it says at a path, as it says it.
    async fn get(&self, path: &str) -> Value {
        let request = http::Request::get(path).header("accept", JSON).body(Body::Empty).unwrap();
        let bytes = self.client.bytes(Call::new(operation(), request)).await.unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    fn filled(&self, template: &str) -> String {
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.iter().fold(template.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    fn remember(&self, answer: &Value) {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, field) in [("$uid", "uid"), ("$version", "resourceVersion"), ("$continue", "continue")] {
            if let Some(value) = answer["metadata"][field].as_str() {
                memory.insert(name, value.to_owned());
            }
        }
    }
}

/// Both servers.
struct Both {
    real: Side,
    embedded: Side,
    cluster: &'static Cluster,
    server: Server,
}

const HERE: &str = "differential";

impl Both {
    /// Of the `uncached` the real server has nothing ready, so that what etcd has forgotten of them is gone at once.
    async fn start(uncached: &'static [&str]) -> Both {
        let cluster: &'static Cluster = Box::leak(Box::new(
            blocking(move || {
                let mut options = k8s_tests::options()?;
                options.only_api = true;
                options.uncached = uncached.iter().map(|it| (*it).to_owned()).collect();
                Cluster::start(options)
            })
            .await,
        ));
        let mut once = Preset::default();
        once.attempts = 1;
        let config = Config::from_kubeconfig(cluster.kubeconfig(), None).unwrap();
        let real = Side::new(Client::builder(config).retry(once).build().unwrap());
        // Nobody cleans up behind kube-apiserver alone.
        let server = Server::builder().without_cleanup().build();
        let embedded = Side::new(server.client_builder().retry(once).build().unwrap());
        let both = Both { real, embedded, cluster, server };
        let namespace = json!({"metadata": {"name": HERE}});
        both.agree(&Ask::with("POST", "/api/v1/namespaces", &namespace)).await.unwrap_or_default();
        let account = json!({"metadata": {"name": "default"}, "automountServiceAccountToken": false});
        let path = format!("/api/v1/namespaces/{HERE}/serviceaccounts");
        both.agree(&Ask::with("POST", path, &account)).await.unwrap_or_default();
        both
    }

    /// The versions that both said last.
    fn versions(&self) -> [String; 2] {
        [self.real.filled("$version"), self.embedded.filled("$version")]
    }

    /// From here on these are `$old`.
    fn recall(&self, [real, embedded]: &[String; 2]) {
        for (side, version) in [(&self.real, real), (&self.embedded, embedded)] {
            side.memory.lock().unwrap_or_else(PoisonError::into_inner).insert("$old", version.clone());
        }
    }

    /// Nothing, or how the answers differ.
    async fn agree(&self, ask: &Ask) -> Option<String> {
        let (real, embedded) = tokio::join!(ask.of(&self.real), ask.of(&self.embedded));
        let lines = differences(&embedded, &real);
        if lines.is_empty() { None } else { Some(lines.join("; ")) }
    }
}
