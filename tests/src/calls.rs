//! What every generated function builds.

#[rustfmt::skip]
#[path = "../conformance/generated/calls.rs"]
mod generated;

use std::any::type_name;
use std::borrow::Cow;
use std::collections::BTreeSet;

use k8s_api::Resource;
use k8s_api::operation::Operation;
use k8s_api::raw::RawJson;
use k8s_api::request::{PatchDocument, Request};
use k8s_api::transport::Body;
use serde_json::Value;

/// The namespace that every function is called with.
pub const NAMESPACE: &str = "the-namespace";
/// The name that every function is called with.
pub const NAME: &str = "the-name";
/// The path that a proxy is called with.
pub const PATH: &str = "the-path";

/// What one function built.
#[derive(Clone, Debug)]
pub struct Built {
    /// What is asked for.
    pub op: Cow<'static, Operation>,
    /// In lower case, as the documents have it.
    pub method: String,
    /// With `{namespace}`, `{name}` and `{path}`.
    pub path: String,
    /// As it was built.
    pub query: String,
    /// The parameters that can be set.
    pub options: BTreeSet<&'static str>,
    /// The header `accept`.
    pub accept: String,
    /// The header `content-type`.
    pub content_type: Option<String>,
    /// JSON, if there is one.
    pub body: Option<Value>,
    /// The type of the answer: `List<core.v1.Pod>`.
    pub answer: String,
}

/// What all of them built.
pub fn every() -> Vec<Built> {
    let mut seen = Seen(Vec::new());
    generated::every(&mut seen);
    seen.0
}

struct Seen(Vec<Built>);

impl Seen {
    fn add<R: Request>(&mut self, request: R) {
        let options = R::OPTIONS.iter().flat_map(|names| names.iter().copied()).collect();
        let call = match request.call() {
            Ok(call) => call,
            Err(error) => panic!("{}: {error}", request.operation()),
        };
        self.built(&call, options, type_name::<R::Answer>());
    }

    fn built(&mut self, call: &k8s_api::transport::Call, options: BTreeSet<&'static str>, answer: &str) {
        let header = |name: &str| call.head.headers.get(name)?.to_str().ok().map(str::to_owned);
        let path = call.head.uri.path().split('/').map(|part| match part {
            NAMESPACE => "{namespace}",
            NAME => "{name}",
            PATH => "{path}",
            part => part,
        });
        self.0.push(Built {
            op: call.meta.op.clone(),
            method: call.head.method.to_string().to_lowercase(),
            path: path.collect::<Vec<_>>().join("/"),
            query: call.head.uri.query().unwrap_or_default().to_owned(),
            options,
            accept: header("accept").unwrap_or_else(|| panic!("{} has no `accept`", call.head.uri)),
            content_type: header("content-type"),
            body: match &call.body {
                Body::Bytes(bytes) => Some(serde_json::from_slice(bytes).unwrap_or_default()),
                _ => None,
            },
            answer: short(answer),
        });
    }
}

/// `k8s_api::list::List<k8s_api::generated::core::v1::models::Pod>` is `List<core.v1.Pod>`.
fn short(type_: &str) -> String {
    let mut parts = Vec::new();
    for part in type_.split('<') {
        let (path, end) = part.split_at(part.find('>').unwrap_or(part.len()));
        let path = path.strip_prefix("k8s_api::generated::").map_or_else(
            || path.rsplit("::").next().unwrap_or_default().to_owned(),
            |model| model.replace("::models::", ".").replace("::", "."),
        );
        parts.push(path + end);
    }
    parts.join("<")
}

// What the generated code calls.

fn the<K: Resource>() -> K {
    let mut object = K::default();
    object.metadata_mut().name = NAME.into();
    object
}

fn raw(json: &str) -> RawJson {
    RawJson::parse(json.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

fn json() -> PatchDocument {
    PatchDocument::Json(raw("[]"))
}

fn merge() -> PatchDocument {
    PatchDocument::Merge(raw("{}"))
}

fn strategic() -> PatchDocument {
    PatchDocument::Strategic(raw("{}"))
}
