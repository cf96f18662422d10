//! A server of config maps in memory, which lists and watches, and does what a test wants to go wrong. Time is tokio's, paused.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;
use k8s_api::core::v1::ConfigMap;
use k8s_api::transport::{Call, Reply, ReplyBody, Sending, Transport};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::client::Client;
use crate::outside::{Outside, Waiting};
use crate::shard::ShardSelector;

/// Tokio's time, which stands still while there is something to do, if a test pauses it.
pub(super) struct Paused;

impl Outside for Paused {
    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }
    fn date(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
    fn wait(&self, until: Instant) -> Waiting {
        Box::pin(tokio::time::sleep_until(until.into()))
    }
    fn random(&self) -> u64 {
        7
    }
}

#[derive(Default)]
pub(super) struct Server(Mutex<State>);

#[derive(Default)]
struct State {
    objects: BTreeMap<(String, String), Value>,
    version: u64,
    uid: u64,
    /// What happened: version, type, object.
    log: Vec<(u64, &'static str, Value)>,
    /// Before this nothing is known of what happened.
    compacted: u64,
    watchers: Vec<Watcher>,
    /// What is answered to paths that begin so.
    refused: BTreeMap<String, u16>,
    asked: Vec<String>,
    /// Whether it heeds shards.
    shards: bool,
}

struct Watcher {
    wants: Wants,
    events: UnboundedSender<Result<Bytes, std::io::Error>>,
}

/// What a call is about.
#[derive(Clone)]
struct Wants {
    namespace: Option<String>,
    name: Option<String>,
    shards: Option<ShardSelector>,
}

impl Wants {
    fn has(&self, object: &Value) -> bool {
        let is = |field: &str, wanted: &Option<String>| {
            wanted.as_ref().is_none_or(|wanted| object["metadata"][field] == **wanted)
        };
        let metadata = || serde_json::from_value(object["metadata"].clone()).unwrap();
        let in_shards = || self.shards.as_ref().is_none_or(|shards| shards.matches(&metadata()));
        is("namespace", &self.namespace) && is("name", &self.name) && in_shards()
    }
}

fn frame(kind: &str, object: &Value) -> Bytes {
    format!("{}\n", json!({"type": kind, "object": object})).into()
}

fn bookmark(version: u64, end: bool) -> Bytes {
    let annotations = if end { json!({"k8s.io/initial-events-end": "true"}) } else { json!({}) };
    let metadata = json!({"resourceVersion": version.to_string(), "annotations": annotations});
    frame("BOOKMARK", &json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}))
}

impl Server {
    pub(super) fn start() -> (Arc<Server>, Client) {
        let server = Arc::new(Server::default());
        server.lock().version = 1;
        let builder = Client::with_transport(server.clone(), "default").outside(Arc::new(Paused));
        let client = builder.build().unwrap();
        (server, client)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Makes or changes an object, and returns what the server answers.
    pub(super) fn put(&self, namespace: &str, name: &str, text: &str) -> ConfigMap {
        let mut state = self.lock();
        state.version += 1;
        let key = (namespace.to_owned(), name.to_owned());
        let known = state.objects.get(&key).map(|object| object["metadata"]["uid"].clone());
        let kind = if known.is_some() { "MODIFIED" } else { "ADDED" };
        let uid = known.unwrap_or_else(|| {
            state.uid += 1;
            format!("u{}-0000-0000", state.uid).into()
        });
        let metadata = json!({
            "namespace": namespace, "name": name, "uid": uid, "resourceVersion": state.version.to_string(),
            "managedFields": [{"manager": format!("m{}", state.version)}],
        });
        let object =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"text": text}});
        state.objects.insert(key, object.clone());
        state.tell(kind, &object);
        serde_json::from_value(object).unwrap()
    }

    pub(super) fn delete(&self, namespace: &str, name: &str) {
        let mut state = self.lock();
        state.version += 1;
        let mut object = state.objects.remove(&(namespace.to_owned(), name.to_owned())).unwrap();
        object["metadata"]["resourceVersion"] = state.version.to_string().into();
        state.tell("DELETED", &object);
    }

    /// Tells all watches how far they are.
    pub(super) fn bookmark(&self) {
        let mut state = self.lock();
        state.version += 1;
        let bookmark = bookmark(state.version, false);
        state.watchers.retain(|watcher| watcher.events.send(Ok(bookmark.clone())).is_ok());
    }

    /// Ends all watches.
    pub(super) fn cut(&self) {
        self.lock().watchers.clear();
    }

    /// Ends all watches, and forgets what happened: also what happens until they come again, if `next` does it.
    pub(super) fn forget(&self, next: impl FnOnce(&Server)) {
        self.cut();
        next(self);
        let mut state = self.lock();
        state.version += 1;
        state.compacted = state.version;
    }

    pub(super) fn refuse(&self, path: &str, code: u16) {
        self.lock().refused.insert(path.to_owned(), code);
        self.cut();
    }

    pub(super) fn allow(&self, path: &str) {
        self.lock().refused.remove(path);
    }

    /// How many watches there are that somebody reads.
    pub(super) fn watches(&self) -> usize {
        let mut state = self.lock();
        state.watchers.retain(|watcher| !watcher.events.is_closed());
        state.watchers.len()
    }

    /// From now on it sends what is in the shards that it is asked for, and nothing else.
    pub(super) fn heed_shards(&self) {
        self.lock().shards = true;
    }

    pub(super) fn asked(&self) -> Vec<String> {
        self.lock().asked.clone()
    }

    /// All there is, as texts by name.
    pub(super) fn texts(&self) -> BTreeMap<String, String> {
        let text = |object: &Value| object["data"]["text"].as_str().unwrap().to_owned();
        self.lock().objects.iter().map(|((_, name), object)| (name.clone(), text(object))).collect()
    }
}

impl State {
    fn tell(&mut self, kind: &'static str, object: &Value) {
        self.log.push((self.version, kind, object.clone()));
        let frame = frame(kind, object);
        self.watchers
            .retain(|watcher| !watcher.wants.has(object) || watcher.events.send(Ok(frame.clone())).is_ok());
    }

    fn answer(&mut self, path: &str, query: &str) -> (u16, ReplyBody) {
        self.asked.push(format!("{path}?{query}"));
        let refused = self.refused.iter().find(|(prefix, _)| path.starts_with(&***prefix));
        if let Some((_, code)) = refused {
            return (*code, status(*code));
        }
        let value = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
        };
        let namespace = path.strip_prefix("/api/v1/namespaces/").and_then(|rest| rest.split('/').next());
        let name = value("fieldSelector").map(|it| it.replace("metadata.name%3D", ""));
        let shards = value("shardSelector").filter(|_| self.shards).map(|text| {
            let text = percent_encoding::percent_decode_str(&text.replace('+', " "))
                .decode_utf8()
                .unwrap()
                .into_owned();
            text.parse().expect("a selector of shards")
        });
        let wants = Wants { namespace: namespace.map(str::to_owned), name, shards };
        let there = self.objects.values().filter(|object| wants.has(object));
        if value("watch").is_none() {
            let mut metadata = json!({"resourceVersion": self.version.to_string()});
            if let Some(shards) = &wants.shards {
                metadata["shardInfo"] = json!({"selector": shards.to_string()});
            }
            let items: Vec<_> = there.collect();
            let list =
                json!({"apiVersion": "v1", "kind": "ConfigMapList", "metadata": metadata, "items": items});
            return (200, ReplyBody::Whole(list.to_string().into()));
        }
        let (events, told) = unbounded_channel();
        if value("sendInitialEvents").is_some() {
            there.for_each(|object| _ = events.send(Ok(frame("ADDED", object))));
            _ = events.send(Ok(bookmark(self.version, true)));
        } else {
            let from: u64 = value("resourceVersion").unwrap().parse().unwrap();
            if from < self.compacted {
                return (410, status(410));
            }
            let later = self.log.iter().filter(|(version, ..)| *version > from);
            let later = later.filter(|(_, _, object)| wants.has(object));
            later.for_each(|(_, kind, object)| _ = events.send(Ok(frame(kind, object))));
        }
        self.watchers.push(Watcher { wants, events });
        let pieces = stream::unfold(told, |mut told| async { Some((told.recv().await?, told)) });
        (200, ReplyBody::Stream(pieces.map(|piece| piece.map_err(|_| unreachable!())).boxed()))
    }
}

fn status(code: u16) -> ReplyBody {
    let status =
        json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": "no"});
    ReplyBody::Whole(status.to_string().into())
}

impl Transport for Server {
    fn send(&self, call: Call) -> Sending {
        let uri = &call.head.uri;
        let (code, body) = self.lock().answer(uri.path(), uri.query().unwrap_or_default());
        let head = http::Response::builder().status(code).body(()).unwrap().into_parts().0;
        Box::pin(std::future::ready(Ok(Reply::new(head, body))))
    }
}
