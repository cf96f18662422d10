//! A recorder: it stands between a client and its server, and keeps what goes by.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use http::{HeaderMap, StatusCode};
use k8s_api::transport::{
    Body, ByteStream, Call, Fault, Reply, ReplyBody, Sending, Sent, Transport, TransportError,
};

use super::run::{Content, End, Exchange, Run};
use super::scrub::scrub;
use crate::error::{Error, Result};

/// What of a request decides its answer.
const ASKED: [&str; 2] = ["accept", "content-type"];
/// What of an answer a client goes by.
const ANSWERED: [&str; 4] = ["content-type", "etag", "retry-after", "warning"];

/// Keeps what a server is asked and what it answers, for a [`Replay`](super::Replay).
///
/// It stands below all policies of a client, so it has every attempt. Credentials and most headers are not kept; data of Secrets,
/// tokens and what was last applied are replaced by `redacted`. What may be secret in custom resources, logs and config maps it can't
/// know: look at a file before you commit it.
///
/// ```no_run
/// # async fn f(config: k8s_client::Config) -> k8s_client::Result<()> {
/// use k8s_api::core::v1::Node;
/// use k8s_client::Client;
/// use k8s_client::testing::Recorder;
///
/// let recorder = Recorder::new();
/// let client = Client::builder(config).recorder(&recorder).build()?;
/// client.cluster::<Node>().list().await?;
/// recorder.save("tests/nodes.json")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Recorder(Arc<Mutex<Vec<Kept>>>);

/// One request, as it went by.
struct Kept {
    line: String,
    path: String,
    watch: bool,
    sent_headers: BTreeMap<String, String>,
    sent: Bytes,
    status: Option<StatusCode>,
    headers: BTreeMap<String, String>,
    answer: Vec<u8>,
    end: End,
}

impl Recorder {
    /// One that has nothing yet.
    pub fn new() -> Recorder {
        Recorder::default()
    }

    /// A transport that keeps what goes through it.
    pub fn over(&self, below: Arc<dyn Transport>) -> Arc<dyn Transport> {
        Arc::new(Between { below, recorder: self.clone() })
    }

    /// What was kept so far. An answer that has not ended, as that of a watch that still goes on, has what came until now.
    pub fn text(&self) -> Result<String> {
        let kept = self.kept();
        let run = kept.iter().enumerate().map(|(position, kept)| {
            let wrong = |why: String| format!("request {}, `{}`: {why}", position + 1, kept.line);
            kept.exchange().map_err(wrong)
        });
        let run = run.collect::<std::result::Result<Vec<_>, String>>();
        let text = run.and_then(|exchanges| Run::new(exchanges).text());
        text.map_err(|why| Error::request(format!("the recorded run can't be kept: {why}")))
    }

    /// Writes it into a file.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let text = self.text()?;
        std::fs::write(path, text).map_err(|error| Error::config(format!("{}: {error}", path.display())))
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn at(&self, position: usize, change: impl FnOnce(&mut Kept)) {
        if let Some(kept) = self.kept().get_mut(position) {
            change(kept);
        }
    }
}

/// Shows no content: it is not yet without secrets.
impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recorder({} requests)", self.kept().len())
    }
}

impl Kept {
    fn exchange(&self) -> std::result::Result<Exchange, String> {
        let content = |headers: &BTreeMap<String, String>, watch, bytes: &[u8]| {
            let media = headers.get("content-type").map(String::as_str).unwrap_or_default();
            let mut content = Content::of(media, watch, bytes);
            content.as_mut().map_or(Ok(()), |content| scrub(&self.path, content)).map(|()| content)
        };
        Ok(Exchange {
            request: self.line.clone(),
            sent_headers: self.sent_headers.clone(),
            sent: content(&self.sent_headers, false, &self.sent)?,
            status: self.status.map(|status| status.as_u16()),
            headers: self.headers.clone(),
            answer: content(&self.headers, self.watch, &self.answer)?,
            end: self.end,
        })
    }
}

/// Method, path and query as a run has them.
pub(super) fn line(head: &http::request::Parts) -> String {
    let path = head.uri.path_and_query().map_or("/", |it| it.as_str());
    format!("{} {path}", head.method)
}

/// The headers that a run has of a request.
pub(super) fn asked(headers: &HeaderMap) -> BTreeMap<String, String> {
    some(headers, &ASKED)
}

fn some(headers: &HeaderMap, names: &[&str]) -> BTreeMap<String, String> {
    let header = |name: &&str| Some(((*name).to_owned(), headers.get(*name)?.to_str().ok()?.to_owned()));
    names.iter().filter_map(header).collect()
}

/// Whether a query asks for a watch.
fn is_watch(query: Option<&str>) -> bool {
    query.unwrap_or_default().split('&').any(|pair| matches!(pair, "watch=true" | "watch=1"))
}

struct Between {
    below: Arc<dyn Transport>,
    recorder: Recorder,
}

impl Transport for Between {
    fn send(&self, call: Call) -> Sending {
        let sent = match (&call.body, call.meta.upgrade) {
            (_, true) => Err("a recorded run can't hold exec, attach or port-forward"),
            (Body::Empty, _) => Ok(Bytes::new()),
            (Body::Bytes(bytes), _) => Ok(bytes.clone()),
            _ => Err("a recorded run can't hold a body that is a stream"),
        };
        let sent = match sent {
            Ok(sent) => sent,
            Err(why) => {
                let error = TransportError::new(Sent::No, Fault::Setup, why);
                return Box::pin(std::future::ready(Err(error)));
            }
        };
        let kept = Kept {
            line: line(&call.head),
            path: call.head.uri.path().to_owned(),
            watch: is_watch(call.head.uri.query()),
            sent_headers: asked(&call.head.headers),
            sent,
            status: None,
            headers: BTreeMap::new(),
            answer: Vec::new(),
            // Until more is known: dropped before its answer.
            end: End::Broken,
        };
        let recorder = self.recorder.clone();
        let position = {
            let mut all = recorder.kept();
            all.push(kept);
            all.len() - 1
        };
        let sending = self.below.send(call);
        Box::pin(async move {
            let reply = sending.await.inspect_err(|error| {
                let end = if error.sent() == Sent::No { End::Unreachable } else { End::Broken };
                recorder.at(position, |kept| kept.end = end);
            })?;
            let Reply { head, body, .. } = reply;
            let whole = matches!(body, ReplyBody::Whole(_));
            recorder.at(position, |kept| {
                kept.status = Some(head.status);
                kept.headers = some(&head.headers, &ANSWERED);
                kept.end = if whole { End::Complete } else { End::Open };
            });
            let body = match body {
                ReplyBody::Whole(bytes) => {
                    recorder.at(position, |kept| kept.answer = bytes.to_vec());
                    ReplyBody::Whole(bytes)
                }
                ReplyBody::Stream(stream) => ReplyBody::Stream(Box::pin(Tee { stream, recorder, position })),
                other => other,
            };
            Ok(Reply::new(head, body))
        })
    }
}

/// An answer that is kept while it is read.
struct Tee {
    stream: ByteStream,
    recorder: Recorder,
    position: usize,
}

impl Stream for Tee {
    type Item = std::result::Result<Bytes, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.stream.as_mut().poll_next(cx);
        self.recorder.at(self.position, |kept| match &polled {
            Poll::Pending => {}
            Poll::Ready(Some(Ok(piece))) => kept.answer.extend_from_slice(piece),
            Poll::Ready(Some(Err(_))) => kept.end = End::Broken,
            Poll::Ready(None) if kept.end == End::Open => kept.end = End::Complete,
            Poll::Ready(None) => {}
        });
        polled
    }
}
