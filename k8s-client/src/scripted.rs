//! A server of a test's own: a function from a method, a path and a body to an answer.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::StatusCode;
use k8s_api::transport::{Body, Call, Reply, ReplyBody, Sending, Transport};

use crate::client::Client;
use crate::middleware::preset::Preset;
use crate::outside::testing::{Handle, Virtual};

pub(crate) type Answer = (u16, Vec<(&'static str, String)>, String);

/// What was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// `GET /api/`, with its query.
    pub(crate) line: String,
    pub(crate) accept: String,
    pub(crate) etag: Option<String>,
    pub(crate) body: String,
}

type Serve = dyn Fn(&Asked) -> Answer + Send + Sync;

pub(crate) struct Scripted {
    serve: Box<Serve>,
    asked: Mutex<Vec<Asked>>,
}

impl Scripted {
    pub(crate) fn new(serve: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Arc<Scripted> {
        Arc::new(Scripted { serve: Box::new(serve), asked: Mutex::default() })
    }

    /// The lines of what was asked since the last time.
    pub(crate) fn lines(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap()).into_iter().map(|asked| asked.line).collect()
    }

    pub(crate) fn last(&self) -> Asked {
        self.asked.lock().unwrap().last().unwrap().clone()
    }

    /// A client of it, in virtual time, that tries everything once.
    pub(crate) fn client(self: &Arc<Scripted>, clock: &Arc<Virtual>) -> Client {
        let once = Preset { attempts: 1, ..Preset::default() };
        let builder = Client::with_transport(self.clone(), "default").retry(once);
        builder.outside(Arc::new(Handle(clock.clone()))).build().unwrap()
    }
}

pub(crate) fn ok(body: impl Into<String>) -> Answer {
    (200, Vec::new(), body.into())
}

pub(crate) fn status(code: u16, message: &str) -> Answer {
    let body = format!(
        r#"{{"kind":"Status","apiVersion":"v1","status":"Failure","code":{code},"message":"{message}"}}"#
    );
    (code, Vec::new(), body)
}

impl Transport for Scripted {
    fn send(&self, call: Call) -> Sending {
        let header = |name| {
            call.head.headers.get(name).map(|value: &http::HeaderValue| value.to_str().unwrap().to_owned())
        };
        let body = match &call.body {
            Body::Bytes(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
            _ => String::new(),
        };
        let asked = Asked {
            line: format!("{} {}", call.head.method, call.head.uri),
            accept: header("accept").unwrap_or_default(),
            etag: header("if-none-match"),
            body,
        };
        let (code, headers, body) = (self.serve)(&asked);
        self.asked.lock().unwrap().push(asked);
        let (mut head, ()) = http::Response::new(()).into_parts();
        head.status = StatusCode::from_u16(code).unwrap();
        for (name, value) in headers {
            head.headers.insert(name, value.parse().unwrap());
        }
        Box::pin(async move { Ok(Reply::new(head, ReplyBody::Whole(Bytes::from(body)))) })
    }
}
