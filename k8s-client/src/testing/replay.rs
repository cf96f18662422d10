//! A recorded run in the place of a server.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderName, HeaderValue, StatusCode};
use k8s_api::path::{FieldPath, Step};
use k8s_api::transport::{Body, Call, Fault, Reply, ReplyBody, Sending, Sent, Transport, TransportError};
use serde_json::Value;
use tokio::sync::watch;

use super::recorder::{asked, line};
use super::run::{Content, End, Exchange, Run};
use super::scrub::scrub;
use crate::client::Client;
use crate::error::{Error, Result};

/// Answers as a server did while a [`Recorder`](super::Recorder) was there, and nothing else.
///
/// What is asked has to be what was asked then: the same requests in the same order, with the same bodies. The first that differs
/// gets an error that says how, and so does every one after it; [`finish`](Replay::finish) says it too, and what was not asked. A watch
/// that had not ended says nothing more after its last event; how long it was to go on (`timeoutSeconds`) does not count.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> k8s_client::Result<()> {
/// use k8s_api::core::v1::Namespace;
/// use k8s_client::testing::{Recorder, Replay, Server};
///
/// let recorder = Recorder::new();
/// let client = Server::new().client_builder().recorder(&recorder).build()?;
/// let before = client.cluster::<Namespace>().list().await?;
///
/// let replay = Replay::parse(&recorder.text()?)?;
/// assert_eq!(replay.client().cluster::<Namespace>().list().await?, before);
/// replay.finish()
/// # }
/// ```
#[derive(Clone)]
pub struct Replay {
    run: Arc<Run>,
    any_order: bool,
    ignored: Vec<FieldPath>,
    /// What is still to be asked, by its place in the run.
    left: Arc<Mutex<Vec<usize>>>,
    /// The first difference.
    wrong: watch::Sender<Option<String>>,
}

impl Replay {
    /// Reads what [`Recorder::text`](super::Recorder::text) wrote.
    pub fn parse(text: &str) -> Result<Replay> {
        let run = Run::parse(text);
        let run = run.map_err(|why| Error::config(format!("this is no recorded run: {why}")))?;
        let left = (0..run.exchanges.len()).collect();
        Ok(Replay {
            run: Arc::new(run),
            any_order: false,
            ignored: Vec::new(),
            left: Arc::new(Mutex::new(left)),
            wrong: watch::Sender::new(None),
        })
    }

    /// The same from a file.
    pub fn read(path: impl AsRef<Path>) -> Result<Replay> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|error| Error::config(format!("{}: {error}", path.display())))?;
        Replay::parse(&text).map_err(|error| error.within(path.display()))
    }

    /// Lets requests come in another order, as those of tasks that run side by side do. Equal ones are answered in theirs.
    pub fn any_order(mut self) -> Replay {
        self.any_order = true;
        self
    }

    /// Lets what is sent differ in this field, such as `spec.renewTime`.
    pub fn ignoring(mut self, path: &str) -> Result<Replay> {
        let path = path.parse::<FieldPath>().map_err(|error| Error::request(error.to_string()))?;
        self.ignored.push(path);
        Ok(self)
    }

    /// The way to it.
    pub fn transport(&self) -> Arc<dyn Transport> {
        Arc::new(self.clone())
    }

    /// A client of it, whose namespace is `default`.
    pub fn client(&self) -> Client {
        Client::over(self.transport(), "default")
    }

    /// Says what differed, or what was not asked.
    pub fn finish(&self) -> Result<()> {
        let left = self.left();
        let missing = |position: &usize| self.run.exchanges.get(*position).map(|it| it.request.as_str());
        let missing: Vec<&str> = left.iter().filter_map(missing).collect();
        match &*self.wrong.borrow() {
            Some(wrong) => Err(Error::request(wrong.clone())),
            None if missing.is_empty() => Ok(()),
            None => Err(Error::request(format!(
                "of the recorded run {} of {} requests were not asked: `{}`",
                missing.len(),
                self.run.exchanges.len(),
                missing.join("`, `")
            ))),
        }
    }

    /// Waits for the first difference: an informer, which never gives up, would go on asking.
    ///
    /// ```
    /// # async fn f(replay: k8s_client::testing::Replay, test: impl Future<Output = ()>) {
    /// tokio::select! {
    ///     () = test => replay.finish().unwrap(),
    ///     error = replay.differs() => panic!("{error}"),
    /// }
    /// # }
    /// ```
    pub async fn differs(&self) -> Error {
        let mut wrong = self.wrong.subscribe();
        match wrong.wait_for(Option::is_some).await {
            Ok(wrong) => Error::request(wrong.clone().unwrap_or_default()),
            // Nobody is there to ask any more.
            Err(_) => std::future::pending().await,
        }
    }

    fn left(&self) -> MutexGuard<'_, Vec<usize>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The exchange that this request is; an error is what differs.
    fn find(&self, asked: &Asked) -> std::result::Result<Exchange, String> {
        let mut left = self.left();
        if let Some(wrong) = &*self.wrong.borrow() {
            return Err(wrong.clone());
        }
        let candidates = left.len().min(if self.any_order { usize::MAX } else { 1 });
        let mut nearest: Option<(usize, Vec<String>)> = None;
        for (at, position) in left.iter().copied().take(candidates).enumerate() {
            let Some(exchange) = self.run.exchanges.get(position) else { continue };
            let differences = self.differences(exchange, asked);
            if differences.is_empty() {
                let exchange = exchange.clone();
                left.remove(at);
                return Ok(exchange);
            }
            if nearest.as_ref().is_none_or(|(_, least)| differences.len() < least.len()) {
                nearest = Some((position, differences));
            }
        }
        let wrong = match nearest {
            Some((position, differences)) => format!(
                "request {} of the recorded run is another, recorded -> asked:\n  {}",
                position + 1,
                differences.join("\n  ")
            ),
            None => format!(
                "all {} requests of the recorded run were asked, and now `{}` too",
                self.run.exchanges.len(),
                asked.line
            ),
        };
        self.wrong.send_replace(Some(wrong.clone()));
        Err(wrong)
    }

    fn differences(&self, exchange: &Exchange, asked: &Asked) -> Vec<String> {
        let mut out = Vec::new();
        if without_chance(&exchange.request) != without_chance(&asked.line) {
            out.push(format!("`{}` -> `{}`", exchange.request, asked.line));
        }
        for name in exchange.sent_headers.keys().chain(asked.headers.keys()) {
            let (was, is) = (exchange.sent_headers.get(name), asked.headers.get(name));
            let line = format!("header {name}: {} -> {}", shown(was), shown(is));
            if was != is && !out.contains(&line) {
                out.push(line);
            }
        }
        match (&exchange.sent, &asked.sent) {
            (Some(Content::Json(was)), Some(Content::Json(is))) => {
                self.trees(&mut Vec::new(), Some(was), Some(is), &mut out);
            }
            (was, is) if was != is => out.push("the body".to_owned()),
            _ => {}
        }
        out
    }

    /// The places where two documents differ.
    fn trees(&self, path: &mut Vec<Step>, was: Option<&Value>, is: Option<&Value>, out: &mut Vec<String>) {
        let mut inside = |step: Step, was: Option<&Value>, is: Option<&Value>| {
            path.push(step);
            self.trees(path, was, is, out);
            path.pop();
        };
        match (was, is) {
            (Some(Value::Object(was)), Some(Value::Object(is))) => {
                for name in was.keys().chain(is.keys().filter(|name| !was.contains_key(*name))) {
                    inside(Step::Field(name.clone()), was.get(name), is.get(name));
                }
            }
            (Some(Value::Array(was)), Some(Value::Array(is))) => {
                for at in 0..was.len().max(is.len()) {
                    inside(Step::Index(at), was.get(at), is.get(at));
                }
            }
            (was, is) if was == is => {}
            (was, is) => {
                let path: FieldPath = path.iter().cloned().collect();
                let ignored = |it: &FieldPath| super::compare::covers(it.steps(), path.steps());
                if !self.ignored.iter().any(ignored) {
                    let place = if path.is_empty() { "body".to_owned() } else { format!("body: {path}") };
                    out.push(format!("{place}: {} -> {}", shown(was), shown(is)));
                }
            }
        }
    }
}

/// A request without how long a watch is to go on, which informers choose at random.
fn without_chance(line: &str) -> (&str, Vec<&str>) {
    let (path, query) = line.split_once('?').unwrap_or((line, ""));
    (path, query.split('&').filter(|pair| !pair.starts_with("timeoutSeconds=")).collect())
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Replay({} of {} requests left)", self.left().len(), self.run.exchanges.len())
    }
}

fn shown(value: Option<impl fmt::Display>) -> String {
    value.map_or("absent".to_owned(), |value| value.to_string())
}

/// A request, without what is secret.
struct Asked {
    line: String,
    headers: BTreeMap<String, String>,
    sent: Option<Content>,
}

impl Asked {
    fn of(call: &Call) -> std::result::Result<Asked, String> {
        let bytes = match &call.body {
            Body::Empty => Bytes::new(),
            Body::Bytes(bytes) => bytes.clone(),
            _ => return Err("a recorded run has no bodies that are streams".to_owned()),
        };
        let headers = asked(&call.head.headers);
        let media = headers.get("content-type").map(String::as_str).unwrap_or_default();
        let mut sent = Content::of(media, false, &bytes);
        if let Some(content) = &mut sent {
            scrub(call.head.uri.path(), content)?;
        }
        Ok(Asked { line: line(&call.head), headers, sent })
    }
}

impl Transport for Replay {
    fn send(&self, call: Call) -> Sending {
        let whole = call.meta.whole;
        let found = Asked::of(&call).and_then(|asked| self.find(&asked));
        let reply = match found {
            Ok(exchange) => answer(&exchange, whole),
            Err(why) => Err(TransportError::new(Sent::No, Fault::Setup, why)),
        };
        Box::pin(std::future::ready(reply))
    }
}

fn answer(exchange: &Exchange, whole: bool) -> std::result::Result<Reply, TransportError> {
    let broken = || TransportError::new(Sent::Unknown, Fault::Broken, "the connection broke, as recorded");
    let setup = |why: String| TransportError::new(Sent::No, Fault::Setup, why);
    let Some(status) = exchange.status else {
        return Err(match exchange.end {
            End::Unreachable => TransportError::new(Sent::No, Fault::Broken, "no connection, as recorded"),
            _ => broken(),
        });
    };
    let (mut head, ()) = http::Response::new(()).into_parts();
    head.status = StatusCode::from_u16(status).map_err(|error| setup(error.to_string()))?;
    for (name, value) in &exchange.headers {
        let pair = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value));
        if let (Ok(name), Ok(value)) = pair {
            head.headers.insert(name, value);
        }
    }
    let pieces = exchange.answer.as_ref().map_or(Ok(Vec::new()), Content::pieces).map_err(setup)?;
    if whole && exchange.end == End::Complete {
        return Ok(Reply::new(head, ReplyBody::Whole(pieces.concat().into())));
    }
    let pieces = stream::iter(pieces.into_iter().map(|piece| Ok(Bytes::from(piece))));
    let body = match exchange.end {
        End::Complete => pieces.boxed(),
        End::Open => pieces.chain(stream::pending()).boxed(),
        End::Broken | End::Unreachable => pieces.chain(stream::iter([Err(broken())])).boxed(),
    };
    Ok(Reply::new(head, ReplyBody::Stream(body)))
}
