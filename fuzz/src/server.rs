//! The server in memory, and what its test kit reads.

use std::collections::HashMap;
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use http::Request;
use k8s_api::codec::json;
use k8s_api::core::v1::{ConfigMap, Pod};
use k8s_api::list::List;
use k8s_api::operation::{Operation, Retry, Verb};
use k8s_api::transport::{Body, Call, ReplyBody, Transport};
use k8s_client::testing::{ContainerLog, Replay, Server};
use serde_json::Value;

use crate::seeds;
use crate::targets::{accepted, refused};

const OBJECTS: &str = "
{apiVersion: v1, kind: Namespace, metadata: {name: web}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: default}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: c, labels: {a: b}}, data: {k: v}}
---
{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {k: v}}
---
{apiVersion: v1, kind: Pod, metadata: {name: p, labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {selector: {a: b}, ports: [{port: 80}]}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}}}
";

/// The same server every time, so that an input alone says what happens.
fn server() -> Server {
    let server = Server::builder().starting_at(SystemTime::UNIX_EPOCH).build();
    server.load(OBJECTS).expect("the objects");
    server.logs(|_| Some(ContainerLog::from("one\ntwo").then(futures_util::stream::iter(["three"]))));
    server
}

fn call(request: Request<Body>) -> Call {
    let empty = || "".into();
    let operation = Operation {
        verb: Verb::Get,
        group: empty(),
        version: empty(),
        resource: empty(),
        subresource: empty(),
        retry: Retry::Never,
    };
    Call::new(operation, request)
}

/// Sends a request and holds its answer against what always holds; status and body.
fn ask(transport: &dyn Transport, request: Request<Body>) -> (u16, Bytes) {
    let reply = transport.send(call(request)).now_or_never().expect("nothing makes it wait");
    let reply = reply.expect("there is always an answer");
    let status = reply.head.status.as_u16();
    let media = reply.head.headers.get("content-type").and_then(|it| it.to_str().ok()).unwrap_or_default();
    let is_json = media.starts_with("application/json");
    let body = match reply.body {
        ReplyBody::Whole(bytes) => bytes,
        ReplyBody::Stream(mut lines) => {
            let mut all = Vec::new();
            // What comes at once; a watch then waits.
            while let Some(Some(line)) = lines.next().now_or_never() {
                let line = line.expect("nothing breaks");
                if is_json {
                    serde_json::from_slice::<Value>(&line).expect("an event is JSON");
                }
                all.extend_from_slice(&line);
            }
            return (status, all.into());
        }
        _ => panic!("a body of an unknown kind"),
    };
    if is_json {
        let said: Value = serde_json::from_slice(&body).expect("what is called JSON is JSON");
        if status >= 400 {
            assert_eq!((&said["kind"], &said["code"]), (&"Status".into(), &status.into()), "{said}");
        }
    }
    (status, body)
}

/// Something like `404 pods "x" not found`: a number for what happened.
fn happened((status, body): &(u16, Bytes)) -> u64 {
    if *status < 400 {
        return accepted(body.len());
    }
    let said: Value = serde_json::from_slice(body).unwrap_or_default();
    refused(&said["message"].as_str().unwrap_or_default()) ^ (u64::from(*status) << 7)
}

/// Whatever was done to it, what it holds can be read.
fn is_sound(transport: &dyn Transport) {
    let list = |path: &str| {
        let request = Request::get(path).body(Body::Empty).expect("a request");
        let (status, body) = ask(transport, request);
        assert_eq!(status, 200, "{path}");
        body
    };
    json::decode::<List<Pod>>(&list("/api/v1/pods")).expect("pods");
    json::decode::<List<ConfigMap>>(&list("/api/v1/configmaps")).expect("config maps");
    list("/apis/apps/v1/deployments");
    list("/api/v1/namespaces");
}

fn split<'a>(data: &'a [u8], by: &[u8]) -> (&'a [u8], Option<&'a [u8]>) {
    let at = data.windows(by.len()).position(|it| it == by);
    at.map_or((data, None), |at| (&data[..at], Some(&data[at + by.len()..])))
}

/// Whole requests, one after the other, on one server.
pub(crate) fn requests(data: &[u8]) -> u64 {
    let server = server();
    let transport = server.transport();
    let (mut rest, mut last) = (Some(data), 0);
    while let Some(data) = rest {
        let (one, more) = split(data, b"\n--\n");
        rest = more;
        let (head, body) = split(one, b"\n\n");
        let mut lines = head.split(|byte| *byte == b'\n');
        let (method, uri) = split(lines.next().unwrap_or_default(), b" ");
        let mut request = Request::builder().method(method).uri(uri.unwrap_or_default());
        for line in lines {
            let (name, value) = split(line, b": ");
            request = request.header(name, value.unwrap_or_default());
        }
        let body = body.map_or(Body::Empty, |body| Body::Bytes(Bytes::copy_from_slice(body)));
        let Ok(request) = request.body(body) else { continue };
        last = happened(&ask(&*transport, request)) ^ (last << 1);
    }
    is_sound(&*transport);
    last
}

/// Where objects are made, and in what they are sent.
const PLACES: &[(&str, &str)] = &[
    ("/api/v1/namespaces/default/pods", "application/json"),
    ("/apis/apps/v1/namespaces/default/deployments", "application/json"),
    ("/api/v1/namespaces/default/configmaps", "application/yaml"),
    ("/api/v1/namespaces/default/secrets", "application/json"),
    ("/api/v1/namespaces/default/services", "application/json"),
    ("/api/v1/namespaces/default/pods", "application/vnd.kubernetes.protobuf"),
    ("/api/v1/namespaces", "application/json"),
    ("/apis/batch/v1/namespaces/default/cronjobs", "application/json"),
];

pub(crate) fn bodies() -> Vec<Vec<u8>> {
    let places = u8::try_from(PLACES.len()).unwrap_or_default();
    let of = |at: u8| seeds::OBJECTS.iter().map(move |text| [&[at], text.as_bytes()].concat());
    (0..places).flat_map(of).collect()
}

/// An object of some kind; the first byte says of which.
pub(crate) fn body(data: &[u8]) -> u64 {
    let Some((first, rest)) = data.split_first() else { return 0 };
    let (path, media) = PLACES[usize::from(*first) % PLACES.len()];
    let server = server();
    let transport = server.transport();
    let request = |method: &str| {
        let path = if method == "PUT" { format!("{path}/p") } else { path.to_owned() };
        let request = Request::builder().method(method).uri(path).header("content-type", media);
        request.body(Body::Bytes(Bytes::copy_from_slice(rest))).expect("a request")
    };
    let made = ask(&*transport, request("POST"));
    ask(&*transport, request("PUT"));
    is_sound(&*transport);
    happened(&made)
}

const PATCHES: &[&str] = &["json-patch", "merge-patch", "strategic-merge-patch"];

pub(crate) fn patches() -> Vec<Vec<u8>> {
    let of = |(at, text): (usize, &&str)| [&[u8::try_from(at).unwrap_or_default()], text.as_bytes()].concat();
    seeds::PATCHES.iter().enumerate().map(of).collect()
}

/// A patch of a deployment, and of a pod; the first byte says of which kind.
pub(crate) fn patch(data: &[u8]) -> u64 {
    let Some((first, rest)) = data.split_first() else { return 0 };
    let media = format!("application/{}+json", PATCHES[usize::from(*first) % PATCHES.len()]);
    let server = server();
    let transport = server.transport();
    let patch = |path: &str| {
        let request = Request::patch(path).header("content-type", &media);
        let body = Body::Bytes(Bytes::copy_from_slice(rest));
        ask(&*transport, request.body(body).expect("a request"))
    };
    let patched = patch("/apis/apps/v1/namespaces/default/deployments/d");
    patch("/api/v1/namespaces/default/pods/p");
    is_sound(&*transport);
    happened(&patched)
}

thread_local! {
    /// Lists change nothing.
    static SERVER: Server = server();
}

/// A selector of labels and of fields, in a list.
pub(crate) fn selectors(data: &[u8]) -> u64 {
    let escaped: String = data.iter().map(|byte| format!("%{byte:02x}")).collect();
    SERVER.with(|server| {
        let list = |name: &str| {
            let path = format!("/api/v1/pods?{name}={escaped}");
            ask(&*server.transport(), Request::get(path).body(Body::Empty).expect("a request"))
        };
        let (labels, fields) = (list("labelSelector"), list("fieldSelector"));
        drop(server.take_requests());
        happened(&labels) ^ (happened(&fields) << 1)
    })
}

/// Objects to begin with.
pub(crate) fn load(data: &[u8]) -> u64 {
    let Ok(text) = std::str::from_utf8(data) else { return 0 };
    let server = Server::builder().starting_at(SystemTime::UNIX_EPOCH).build();
    let loaded = server.load(text);
    is_sound(&*server.transport());
    match loaded {
        Ok(count) => accepted(count),
        Err(error) => refused(&error),
    }
}

/// A recorded run, in which everything is asked that it has.
pub(crate) fn replay(data: &[u8]) -> u64 {
    let Ok(text) = std::str::from_utf8(data) else { return 0 };
    let replay = match Replay::parse(text) {
        Ok(replay) => replay,
        Err(error) => return refused(&error),
    };
    let run: Value = serde_json::from_str(text).expect("what was read as JSON");
    let transport = replay.transport();
    let mut seen = 0;
    for exchange in run["exchanges"].as_array().into_iter().flatten() {
        let Some((method, uri)) = exchange["request"].as_str().and_then(|it| it.split_once(' ')) else {
            break;
        };
        let headers: HashMap<String, String> =
            serde_json::from_value(exchange["sentHeaders"].clone()).unwrap_or_default();
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let Ok(request) = request.body(Body::Empty) else { break };
        if let Ok(reply) = transport.send(call(request)).now_or_never().expect("it is there")
            && let ReplyBody::Stream(mut pieces) = reply.body
        {
            while let Some(Some(Ok(piece))) = pieces.next().now_or_never() {
                seen += piece.len();
            }
        }
    }
    let _ = replay.finish();
    accepted(seen)
}
