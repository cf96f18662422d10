//! Every generated function against the server: what it builds is accepted, and what comes back is what it says.
//!
//! The functions are those that `tests/conformance` compares with the documents; which of them the server offers, its own discovery says.
//! What is left out stands in [`NEEDS`] and [`REFUSED`] with its reason, and the test fails when that is no longer so.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt as _;
use k8s_api::codec::json;
use k8s_api::operation::Verb;
use k8s_api::transport::{Body, Call, ReplyBody};
use k8s_client::{Client, Error};
use k8s_tests::calls::{self, Built};
use k8s_tests::server::{Ability, Server};
use serde_json::{Value, json};

use crate::every::{EVERY, Make};
use crate::server;

/// What can only be sent to a server that has this.
const NEEDS: &[(&str, Ability)] = &[
    ("v1/pods/exec", Ability::Kubelets),
    ("v1/pods/attach", Ability::Kubelets),
    ("v1/pods/portforward", Ability::Kubelets),
];

/// What a server on loopback refuses whatever the verb, and in which words: they show that it came to the right place.
const REFUSED: &[(&str, &str)] = &[
    // It calls no address of its own machine, and there is no other here.
    ("v1/nodes/proxy", "address not allowed"),
    // Before a kubelet has said where it is.
    ("v1/nodes/proxy", "no preferred addresses found"),
    ("v1/pods/proxy", "address not allowed"),
    // The one in memory reaches nothing.
    ("v1/nodes/proxy", "the embedded API server has no kubelets"),
    ("v1/pods/proxy", "the embedded API server has no kubelets"),
    ("v1/services/proxy", "no endpoints available for service"),
];

/// Who sends them; every object of the suite has it as a label.
const SUITE: &str = "operations";

/// `list apps/v1/deployments`, `update v1/pods/status`; `get /version/` for what is no resource.
fn title(built: &Built) -> String {
    let op = &built.op;
    if op.version.is_empty() {
        return format!("get {}", built.path);
    }
    let mut title = format!("{} ", op.verb);
    for part in [&op.group, &op.version, &op.resource, &op.subresource] {
        if !part.is_empty() {
            title.push_str(part);
            title.push('/');
        }
    }
    title.trim_end_matches('/').to_owned()
}

/// `apps/v1`.
fn api_version(built: &Built) -> String {
    match &*built.op.group {
        "" => built.op.version.to_string(),
        group => format!("{group}/{}", built.op.version),
    }
}

/// A resource, and what it has below it, as the server's discovery has it.
struct Offered {
    kind: String,
    subresources: BTreeSet<String>,
}

/// By version and plural.
async fn offered(server: &Server) -> BTreeMap<(String, String), Offered> {
    let mut offered = BTreeMap::new();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut versions = vec!["/api/v1".to_owned()];
    for group in server.read("/apis").await.unwrap()["groups"].as_array().unwrap() {
        let all = group["versions"].as_array().unwrap();
        versions.extend(all.iter().map(|version| format!("/apis/{}", text(&version["groupVersion"]))));
    }
    for path in versions {
        // The server behind an APIService may not be there.
        let Ok(list) = server.read(&path).await else { continue };
        let version = path.trim_start_matches("/apis/").trim_start_matches("/api/").to_owned();
        let resources = list["resources"].as_array().unwrap();
        for resource in resources.iter().filter(|it| !text(&it["name"]).contains('/')) {
            let plural = text(&resource["name"]);
            let below = format!("{plural}/");
            let names = resources.iter().map(|it| text(&it["name"]));
            let it = Offered {
                kind: text(&resource["kind"]),
                subresources: names.filter_map(|name| Some(name.strip_prefix(&below)?.to_owned())).collect(),
            };
            offered.insert((version.clone(), plural), it);
        }
    }
    offered
}

/// What the suite is about: its server, and what it found.
struct Suite<'s> {
    server: &'s Server,
    samples: BTreeMap<(String, String), Value>,
    makers: BTreeMap<(&'static str, &'static str), Make>,
    /// The last of each function, by what it asks for.
    accepted: BTreeSet<String>,
    refused: BTreeMap<String, String>,
    sent: usize,
    /// The versions of each resource that functions were generated for.
    versions: BTreeMap<(String, String), BTreeSet<String>>,
}

impl Suite<'_> {
    fn client(&self) -> &Client {
        self.server.client()
    }

    /// What a function built, for this object, with this body and more in its query.
    fn call(&self, built: &Built, name: &str, body: Option<Value>, query: &str) -> Call {
        let path = self.path(built, name);
        let own = built.query.replace(calls::NAME, name).replace("force=false", "force=true");
        let query = match (own, query) {
            (first, "") => first,
            (first, second) if first.is_empty() => second.to_owned(),
            (first, second) => format!("{first}&{second}"),
        };
        let path = if query.is_empty() { path } else { format!("{path}?{query}") };
        let method = built.method.to_uppercase();
        let mut request = http::Request::builder().method(&*method).uri(path).header("accept", &built.accept);
        if let Some(content_type) = &built.content_type {
            request = request.header("content-type", content_type);
        }
        let body = match body {
            Some(body) => Body::Bytes(body.to_string().into()),
            None => Body::Empty,
        };
        let mut call = Call::new(built.op.clone(), request.body(body).unwrap());
        if built.answer == "Following" {
            // As its request has it: it goes on, and so it is never whole.
            call.meta.whole = false;
        }
        call
    }

    /// Keeps what came of a function, and gives its answer.
    fn note(&mut self, built: &Built, answer: Result<Value, String>) -> Option<Value> {
        self.sent += 1;
        let what = answer.and_then(|answer| self.check(built, &answer).map(|()| answer));
        match what {
            Ok(answer) => {
                self.accepted.insert(title(built));
                Some(answer)
            }
            Err(error) => {
                let error = format!("{} {}: {error}", built.method, built.path);
                self.refused.insert(title(built), error);
                None
            }
        }
    }

    async fn send(&mut self, built: &Built, name: &str, body: Option<Value>, query: &str) -> Option<Value> {
        let call = self.call(built, name, body, query);
        let answer = match built.answer.as_str() {
            "Bytes" | "String" => self.client().bytes(call).await.map(|_| Value::Null),
            answer if answer.starts_with("Events<") || answer == "Following" => self.first(call).await,
            _ => self.client().bytes(call).await.map(|body| serde_json::from_slice(&body).unwrap()),
        };
        self.note(built, answer.map_err(|error| error.to_string()))
    }

    /// The first piece of what goes on: a watch without a version begins with what there is.
    async fn first(&self, call: Call) -> Result<Value, Error> {
        let ReplyBody::Stream(mut stream) = self.client().send(call).await?.body else { panic!("no stream") };
        let mut read = Vec::new();
        loop {
            let Some(piece) = stream.next().await else { return Ok(Value::Null) };
            read.extend_from_slice(&piece.unwrap());
            if let Some(end) = read.iter().position(|byte| *byte == b'\n') {
                return Ok(serde_json::from_slice(&read[..end]).unwrap_or_default());
            }
        }
    }

    /// Whether an answer is what the function says.
    fn check(&self, built: &Built, answer: &Value) -> Result<(), String> {
        let kind = answer["kind"].as_str().unwrap_or_default();
        let is = |wanted: &str| {
            if kind == wanted { Ok(()) } else { Err(format!("it is a {kind:?}, not a {wanted}")) }
        };
        let plain = |type_: &str| type_.rsplit('.').next().unwrap().trim_end_matches('>').to_owned();
        match built.answer.split_once('<') {
            Some(("Events", type_)) => {
                let event = answer["object"]["kind"].as_str().unwrap_or_default();
                let added = answer["type"] == "ADDED" && event == plain(type_);
                if added { Ok(()) } else { Err(format!("the first event is {answer}")) }
            }
            Some(("List", type_)) => is(&(plain(type_) + "List")),
            Some(("Deleted", _)) if kind == "Status" => is("Status"),
            Some(("Deleted", type_)) if type_.starts_with("List<") => is(&(plain(type_) + "List")),
            Some(("Deleted", type_)) => is(&plain(type_)),
            _ if matches!(
                built.answer.as_str(),
                "Bytes" | "String" | "Following" | "RawJson" | "Upgraded"
            ) =>
            {
                Ok(())
            }
            _ if matches!(built.answer.as_str(), "meta.v1.VersionInfo") => Ok(()),
            _ => {
                is(&plain(&built.answer))?;
                // And it can be read as that.
                let version = answer["apiVersion"].as_str().unwrap_or_default();
                let Some(make) = self.makers.get(&(version, kind)) else { return Ok(()) };
                json::decode_into(&mut *make(), answer.to_string().as_bytes())
                    .map_err(|error| error.to_string())
            }
        }
    }

    /// A resource that there is a sample for, or else any.
    fn next(
        &self,
        left: &BTreeMap<(String, String), Vec<&Built>>,
        offered: &BTreeMap<(String, String), Offered>,
    ) -> Option<(String, String)> {
        let sampled = |key: &&(String, String)| {
            offered.get(*key).is_some_and(|it| self.samples.contains_key(&(key.0.clone(), it.kind.clone())))
        };
        left.keys().find(sampled).or(left.keys().next()).cloned()
    }

    /// All functions of one resource, from its first object to its last.
    async fn resource(&mut self, functions: &[&Built], it: &Offered) {
        let version = api_version(functions[0]);
        let Some(mut sample) = self.samples.get(&(version.clone(), it.kind.clone())).cloned() else {
            for built in functions {
                // Lists need no object.
                let answer = match built.op.verb {
                    Verb::List => self.send(built, "", None, "").await,
                    _ => None,
                };
                if answer.is_none() {
                    self.note(built, Err("the suite has no sample".to_owned()));
                }
            }
            return;
        };
        let name = sample["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        // What has no name is a question, which is not kept.
        if !name.is_empty() {
            sample["metadata"]["labels"]["suite"] = SUITE.into();
        }
        let of = |verb: Verb, part: &'static str| {
            functions.iter().filter(move |it| it.op.verb == verb && it.op.subresource == part).copied()
        };

        let mut made = None;
        if it.kind == "Binding" {
            self.pod(&name).await;
        }
        for create in of(Verb::Create, "") {
            made = self.send(create, &name, Some(sample.clone()), "").await;
        }
        if made.is_none() && of(Verb::Delete, "").next().is_some() {
            return;
        }
        self.ready(&it.kind, &name).await;
        for verb in [Verb::Get, Verb::List, Verb::Watch] {
            for built in of(verb, "") {
                self.send(built, &name, None, "").await;
            }
        }
        self.change(functions, "", &name).await;
        for part in &it.subresources {
            self.part(functions, part, &name).await;
        }
        self.other_versions(&it.kind, functions, &name).await;

        let path = of(Verb::Get, "").next().map(|get| self.path(get, &name));
        for delete in of(Verb::Delete, "") {
            self.send(delete, &name, delete.body.clone(), "").await;
            self.gone(path.as_deref().unwrap()).await;
        }
        for delete in of(Verb::DeleteCollection, "") {
            if let Some(create) = of(Verb::Create, "").next() {
                let call = self.call(create, &name, Some(sample.clone()), "");
                // What is still going where nobody lets it go is one to delete as well.
                let _ = self.client().bytes(call).await;
            }
            self.send(delete, "", delete.body.clone(), &format!("labelSelector=suite%3D{SUITE}")).await;
            self.gone(path.as_deref().unwrap()).await;
        }
    }

    fn path(&self, built: &Built, name: &str) -> String {
        built.path.replace("{namespace}", self.server.namespace()).replace("{name}", name)
    }

    /// Until an object can be used for what follows.
    async fn ready(&self, kind: &str, name: &str) {
        if kind == "Pod" && self.server.has(Ability::Kubelets, "a pod's log is read") {
            let path = format!("/api/v1/namespaces/{}/pods/{name}", self.server.namespace());
            self.server.until(&path, |pod| pod["status"]["phase"] == "Running").await;
        }
    }

    /// Until an object that was deleted is not there any more.
    async fn gone(&self, path: &str) {
        let Ok(going) = self.server.read(path).await else { return };
        let held = going["metadata"]["finalizers"].is_array() || going["spec"]["finalizers"].is_array();
        let what = || format!("{} goes that was deleted", going["kind"]);
        if !held || self.server.has(Ability::Cleanup, &what()) {
            self.server.until_gone(path).await;
        }
    }

    /// Replaces and patches an object or a part of it, in each way.
    async fn change(&mut self, functions: &[&Built], part: &str, name: &str) {
        let at = |built: &&&Built, verb| built.op.subresource == part && built.op.verb == verb;
        let get = functions.iter().find(|built| at(built, Verb::Get));
        for built in functions.iter().filter(|built| at(built, Verb::Update)) {
            // Of the part itself, or of the whole where the part can't be read.
            let get = get.or_else(|| {
                functions.iter().find(|it| it.op.subresource.is_empty() && it.op.verb == Verb::Get)
            });
            loop {
                let call = self.call(get.unwrap(), name, None, "");
                let object =
                    self.client().bytes(call).await.map(|body| serde_json::from_slice(&body).unwrap());
                let Ok(object) = object else { break };
                let call = self.call(built, name, Some(object), "");
                match self.client().bytes(call).await {
                    // A controller was faster.
                    Err(error) if error.is_conflict() => {}
                    answer => {
                        let answer = answer.map(|body| serde_json::from_slice(&body).unwrap());
                        self.note(built, answer.map_err(|error| error.to_string()));
                        break;
                    }
                }
            }
        }
        for built in functions.iter().filter(|built| at(built, Verb::Patch)) {
            let mut body = built.body.clone().unwrap();
            let apply = built.content_type.as_deref() == Some("application/apply-patch+yaml");
            if apply && !self.server.has(Ability::Apply, &format!("{} as an apply", title(built))) {
                continue;
            }
            if apply {
                body = json!({"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": {"name": name}});
            }
            if part.is_empty() && !apply {
                let annotations = json!({"changed": built.content_type});
                body = match body {
                    Value::Array(_) => {
                        json!([{"op": "add", "path": "/metadata/annotations", "value": annotations}])
                    }
                    _ => json!({"metadata": {"annotations": annotations}}),
                };
            }
            if body["kind"] == "Scale" {
                body["spec"] = json!({"replicas": 0});
            }
            self.send(built, name, Some(body), "").await;
        }
    }

    /// All functions of a part of an object.
    async fn part(&mut self, functions: &[&Built], part: &str, name: &str) {
        let name = match part {
            // No node says that it can do this: only a pod that has none yet can be resized.
            "resize" => self.pod("resized").await,
            "binding" => self.pod("bound").await,
            "eviction" => self.pod("evicted").await,
            // One that has no address: whatever it is, it must not be called.
            "proxy" if functions[0].op.resource == "pods" => self.pod("proxied").await,
            _ => name.to_owned(),
        };
        for built in functions.iter().filter(|it| it.op.subresource == part) {
            match (built.op.verb, part) {
                (Verb::Connect, _) => self.connect(built, &name).await,
                (_, "proxy") => self.proxy(built, &name).await,
                (Verb::Get, _) => drop(self.send(built, &name, None, "").await),
                (Verb::Create, _) => {
                    let mut body = built.body.clone().unwrap();
                    body["metadata"]["name"] = name.as_str().into();
                    if part == "binding" {
                        body["target"] = json!({"kind": "Node", "name": "nowhere"});
                    }
                    self.send(built, &name, Some(body), "").await;
                }
                _ => {}
            }
        }
        if part != "proxy" {
            self.change(functions, part, &name).await;
        }
    }

    /// A pod that no scheduler takes.
    async fn pod(&self, name: &str) -> String {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"suite": SUITE}},
            "spec": {"schedulerName": "nobody", "containers": [{"name": "c", "image": "i"}]},
        });
        self.server.make(&format!("/api/v1/namespaces/{}/pods", self.server.namespace()), pod).await;
        name.to_owned()
    }

    /// The handshake alone: what runs over the connection is another suite's.
    async fn connect(&mut self, built: &Built, name: &str) {
        if !self.server.has(Ability::Kubelets, &title(built)) {
            return;
        }
        let mut call = self.call(built, name, None, "");
        let (socket, stream) = match &*built.op.subresource {
            "portforward" => ("SPDY/3.1+portforward.k8s.io", "portforward.k8s.io"),
            _ => ("v5.channel.k8s.io", "v4.channel.k8s.io"),
        };
        let websocket = [
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-protocol", socket),
        ];
        let spdy = [("upgrade", "SPDY/3.1"), ("x-stream-protocol-version", stream)];
        call.head.headers.insert("connection", http::HeaderValue::from_static("Upgrade"));
        for (name, value) in if built.method == "get" { &websocket[..] } else { &spdy[..] } {
            call.head.headers.insert(*name, http::HeaderValue::from_static(value));
        }
        let answer = match self.client().send(call).await {
            Ok(reply) if matches!(reply.body, ReplyBody::Upgraded(_)) => Ok(Value::Null),
            Ok(reply) => Err(format!("{:?}", reply.body)),
            Err(error) => Err(error.to_string()),
        };
        self.note(built, answer);
    }

    /// The server says itself what it does not reach.
    async fn proxy(&mut self, built: &Built, name: &str) {
        let mut built = built.clone();
        built.path = built.path.replace("{path}", "healthz");
        let call = self.call(&built, name, None, "");
        let answer = self.client().bytes(call).await;
        self.note(&built, answer.map(|_| Value::Null).map_err(|error| error.to_string()));
    }

    /// The same object as another version has it, which is the sample for that one.
    async fn other_versions(&mut self, kind: &str, functions: &[&Built], name: &str) {
        let get = functions.iter().find(|it| it.op.verb == Verb::Get && it.op.subresource.is_empty());
        let Some(get) = get else { return };
        let op = &get.op;
        let versions = self.versions.get(&(op.group.to_string(), op.resource.to_string())).cloned();
        for version in versions.unwrap_or_default() {
            let path =
                self.path(get, name).replacen(&format!("/{}/", op.version), &format!("/{version}/"), 1);
            let Ok(mut object) = self.server.read(&path).await else { continue };
            object["metadata"] = json!({"name": name});
            object.as_object_mut().unwrap().remove("status");
            self.samples.entry((format!("{}/{version}", op.group), kind.to_owned())).or_insert(object);
        }
    }
}

fn samples(namespace: &str) -> BTreeMap<(String, String), Value> {
    // Beside those of the suite that leaves them there.
    let text = include_str!("samples.yaml")
        .replace("{name: s}", &format!("{{name: {namespace}}}"))
        // What a definition leaves behind is not to be in the way of another.
        .replace("v1.never.example", "v1.services.example")
        .replace("group: never.example, version: v1", "group: services.example, version: v1")
        .replace("never.example", "operations.example")
        .replace("s.example.com", "operations.example.com")
        .replace("192.0.2.9", "192.0.2.10")
        .replace("namespace: default", &format!("namespace: {namespace}"));
    let mut all: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    all.extend(serde_saphyr::from_multiple::<Value>(include_str!("operations.yaml")).unwrap());
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    let request = params.serialize_request(&key).unwrap();
    let base64 = |bytes: &[u8]| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes);
    let authority = {
        let mut params = params.clone();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.self_signed(&key).unwrap().pem()
    };
    let metadata = json!({"name": namespace});
    all.push(json!({
        "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": metadata,
        "spec": {
            "request": base64(request.pem().unwrap().as_bytes()),
            "signerName": "example.com/signer", "usages": ["client auth"],
        },
    }));
    all.push(json!({
        "apiVersion": "certificates.k8s.io/v1", "kind": "PodCertificateRequest", "metadata": metadata,
        "spec": {
            "signerName": "example.com/signer", "podName": "p", "podUID": "p", "serviceAccountName": "s", "serviceAccountUID": "s",
            "nodeName": "n", "nodeUID": "n", "stubPKCS10Request": base64(request.der()),
        },
    }));
    for version in ["v1", "v1beta1", "v1alpha1"] {
        all.push(json!({
            "apiVersion": format!("certificates.k8s.io/{version}"), "kind": "ClusterTrustBundle", "metadata": metadata,
            "spec": {"trustBundle": authority},
        }));
    }
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    all.into_iter().map(|sample| ((text(&sample["apiVersion"]), text(&sample["kind"])), sample)).collect()
}

#[tokio::test]
async fn every_function_is_accepted_and_answered_as_it_says() {
    let server = server(SUITE).await;
    let offered = offered(&server).await;
    let every = calls::every();
    let makers = EVERY
        .iter()
        .filter_map(|make| make().table().kind.map(|kind| ((kind.api_version, kind.kind), *make)))
        .collect();
    let mut versions: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    let mut resources: BTreeMap<(String, String), Vec<&Built>> = BTreeMap::new();
    let (mut wanted, mut elsewhere) = (BTreeSet::new(), BTreeSet::new());
    for built in &every {
        let op = &built.op;
        let key = (api_version(built), op.resource.to_string());
        let is = match offered.get(&key) {
            Some(it) => op.subresource.is_empty() || it.subresources.contains(&*op.subresource),
            // The lists of groups and versions themselves.
            None if op.version.is_empty() => {
                let path = built.path.trim_start_matches("/apis/").trim_matches('/');
                !built.path.starts_with("/apis/")
                    || path.is_empty()
                    || offered.keys().any(|(version, _)| {
                        version == path || version.split_once('/').is_some_and(|(group, _)| group == path)
                    })
            }
            None => false,
        };
        if !is {
            elsewhere.insert(title(built));
            continue;
        }
        wanted.insert(title(built));
        versions.entry((op.group.to_string(), key.1.clone())).or_default().insert(op.version.to_string());
        resources.entry(key).or_default().push(built);
    }
    let samples = samples(SUITE);
    let (accepted, refused) = (BTreeSet::new(), BTreeMap::new());
    let mut suite = Suite { server: &server, samples, makers, accepted, refused, sent: 0, versions };
    // The version with the sample first: it makes those of the others.
    while let Some(key) = suite.next(&resources, &offered) {
        let functions = resources.remove(&key).unwrap();
        match offered.get(&key) {
            Some(it) => suite.resource(&functions, it).await,
            None => {
                for built in functions {
                    suite.send(built, "", None, "").await;
                }
            }
        }
    }

    let Suite { accepted, refused, sent, .. } = suite;
    let mut wrong = Vec::new();
    let (mut left_out, mut answered) = (0, 0);
    for title in &wanted {
        let of = title.split_once(' ').map_or("", |(_, of)| of);
        let need = NEEDS.iter().find(|(it, _)| *it == of).map(|(_, need)| *need);
        let left_out_for = need.filter(|need| !server.has(*need, title));
        let refused_with: Vec<&str> =
            REFUSED.iter().filter(|(it, _)| *it == of).map(|(_, words)| *words).collect();
        match (accepted.contains(title), refused.get(title)) {
            (true, None) if left_out_for.is_some() || !refused_with.is_empty() => {
                wrong.push(format!("{title}: it is accepted, and is listed as what is not"));
            }
            (true, None) => {}
            (_, error) => match (left_out_for, error) {
                (Some(_), _) => left_out += 1,
                (None, Some(error)) if refused_with.iter().any(|words| error.contains(words)) => {
                    answered += 1
                }
                (None, error) => {
                    wrong.push(format!("{title}: {}", error.map_or("it was not sent", String::as_str)));
                }
            },
        }
    }
    println!(
        "{} of {} (kind, subresource, verb) accepted with {sent} calls; {answered} refused as expected; {left_out} left out; {} more \
         that this server does not offer",
        accepted.len(),
        wanted.len(),
        elsewhere.len()
    );
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
