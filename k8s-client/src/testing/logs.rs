//! What containers have written and go on writing, as somebody says who stands for the kubelet.

use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures_core::Stream;
use futures_util::{StreamExt as _, future, stream};
use http::StatusCode;
use k8s_api::time::Time;
use serde_json::Value;

use super::ask::{Query, Said};
use super::core::{Call, Core};
use super::failure::{Cause, Failure};

/// Whose log is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogRequest {
    /// The namespace of the pod.
    pub namespace: String,
    /// The pod.
    pub pod: String,
    /// The container, also when nobody named it since there is only one.
    pub container: String,
    /// That of the container before it was started again.
    pub previous: bool,
    /// Whether somebody waits for more.
    pub follow: bool,
}

/// What one container has written, and what it writes from now on. A text is a log of its lines.
///
/// How much of it is wanted (the end, since when, how many bytes, with the times) the server sees to.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use futures_util::{StreamExt as _, TryStreamExt as _, stream};
/// use k8s_api::core::v1::Pod;
/// use k8s_client::testing::{ContainerLog, Server};
///
/// let server = Server::new();
/// server.load("{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, image: i}]}}")?;
/// server.logs(|_| Some(ContainerLog::from("ready\n").then(stream::iter(["one", "two"]))));
/// let pods = server.client().namespaced::<Pod>("default");
/// assert_eq!(pods.logs("p").await?, "ready\n");
/// let lines: Vec<_> = pods.logs("p").follow().lines().try_collect().await?;
/// assert_eq!(lines.iter().map(|line| line.text()).collect::<Vec<_>>(), ["ready", "one", "two"]);
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
pub struct ContainerLog {
    written: Vec<Written>,
    more: Option<Lines>,
}

type Lines = Pin<Box<dyn Stream<Item = String> + Send>>;

/// What is asked for the log of a container.
pub(crate) type Teller = Arc<dyn Fn(&LogRequest) -> Option<ContainerLog> + Send + Sync>;

struct Written {
    /// The server's time when it is asked for, where nobody says.
    at: Option<SystemTime>,
    /// With the end of the line, if it has one.
    line: String,
}

impl ContainerLog {
    /// A line that was written at this time.
    pub fn line_at(mut self, at: SystemTime, line: &str) -> ContainerLog {
        self.written.push(Written { at: Some(at), line: ended(line) });
        self
    }

    /// The lines that come from now on, for who follows. The log ends when they do, or when the pod is gone.
    pub fn then<S>(mut self, lines: S) -> ContainerLog
    where
        S: Stream<Item: Into<String>> + Send + 'static,
    {
        self.more = Some(Box::pin(lines.map(Into::into)));
        self
    }
}

impl From<String> for ContainerLog {
    fn from(text: String) -> ContainerLog {
        let lines = text.split_inclusive('\n');
        let written = lines.map(|line| Written { at: None, line: line.to_owned() }).collect();
        ContainerLog { written, more: None }
    }
}

impl From<&str> for ContainerLog {
    fn from(text: &str) -> ContainerLog {
        text.to_owned().into()
    }
}

impl std::fmt::Debug for ContainerLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (lines, more) = (self.written.len(), self.more.is_some());
        f.debug_struct("ContainerLog").field("lines", &lines).field("goes_on", &more).finish()
    }
}

fn ended(line: &str) -> String {
    if line.ends_with('\n') { line.to_owned() } else { format!("{line}\n") }
}

/// How much of a log is wanted, and how.
#[derive(Clone, Copy)]
struct Wanted {
    tail: Option<usize>,
    since: Option<SystemTime>,
    stamped: bool,
    limit: Option<usize>,
    follow: bool,
}

impl Wanted {
    fn of(query: &Query, now: SystemTime, pod: &str) -> Result<Wanted, Failure> {
        let number = |name: &str| query.number(name);
        let (tail, limit, seconds) = (number("tailLines")?, number("limitBytes")?, number("sinceSeconds")?);
        let since = match query.get("sinceTime") {
            None | Some("") => None,
            Some(text) => Some(text.parse::<Time>().map_err(|_| {
                let layout = "2006-01-02T15:04:05Z07:00";
                let why = format!("parsing time {text:?} as {layout:?}: cannot parse {text:?} as \"2006\"");
                Failure::bad_request(why)
            })?),
        };
        let mut causes = Vec::new();
        let mut low = |name: &str, number: Option<i64>, least: i64, why: &str| {
            if let Some(number) = number.filter(|number| *number < least) {
                causes.push(Cause::invalid(name, &number.into(), why));
            }
        };
        low("tailLines", tail, 0, "must be greater than or equal to 0");
        low("limitBytes", limit, 1, "must be greater than 0");
        if since.is_none() {
            low("sinceSeconds", seconds, 1, "must be greater than 0");
        } else if seconds.is_some() {
            let why = "at most one of `sinceTime` or `sinceSeconds` may be specified";
            causes.push(Cause::forbidden("[]", why));
        }
        if query.get("stream").is_some() {
            causes.push(Cause::forbidden("stream", "may not be specified"));
        }
        if !causes.is_empty() {
            return Err(Failure::invalid_named("PodLogOptions", "", pod, &causes));
        }
        let size = |number: Option<i64>| number.map(|it| usize::try_from(it).unwrap_or(usize::MAX));
        let ago = |seconds: i64| Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
        let since = match since {
            Some(time) => Some(UNIX_EPOCH + ago(time.unix_seconds())),
            None => seconds.and_then(|seconds| now.checked_sub(ago(seconds))),
        };
        let (stamped, follow) = (query.flag("timestamps"), query.flag("follow"));
        Ok(Wanted { tail: size(tail), since, stamped, limit: size(limit), follow })
    }

    /// A line as it is sent; `None` if it is too old.
    fn shown(&self, at: SystemTime, line: &str) -> Option<String> {
        if self.since.is_some_and(|since| at < since) {
            return None;
        }
        let stamp = if self.stamped { stamp(at) } else { String::new() };
        Some(format!("{stamp}{line}"))
    }
}

/// As a kubelet writes it: with all nine digits of the second.
fn stamp(at: SystemTime) -> String {
    let passed = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(passed.as_secs()).unwrap_or_default();
    let time = Time::from_unix(seconds, 0).map(|time| time.to_string()).unwrap_or_default();
    format!("{}.{:09}Z ", time.trim_end_matches('Z'), passed.subsec_nanos())
}

pub(crate) fn read(call: &Call<'_>) -> Result<Said, Failure> {
    let wanted = Wanted::of(&call.ask.query, call.core.clock.now(), &call.name)?;
    let state = call.core.state();
    let pod = call.find(&state)?.value();
    drop(state);
    let container = container(&pod, call.ask.query.text("container"), &call.name)?;
    let teller = call.core.logs.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let request = LogRequest {
        namespace: call.namespace.clone(),
        pod: call.name.clone(),
        container,
        previous: call.ask.query.flag("previous"),
        follow: wanted.follow,
    };
    let Some(log) = teller.and_then(|teller| teller(&request)) else {
        // Nothing has run, so nothing was written.
        if pod["spec"]["nodeName"].as_str().is_none_or(str::is_empty) {
            return Ok(Said::text(""));
        }
        return Err(Failure::gap("kubelets: say with `Server::logs` what the container has written"));
    };
    let now = call.core.clock.now();
    // The end of the file first, and of that what is new enough, as a kubelet does.
    let skipped = log.written.len().saturating_sub(wanted.tail.unwrap_or(usize::MAX));
    let lines = log.written.iter().skip(skipped);
    let mut head: String =
        lines.filter_map(|line| wanted.shown(line.at.unwrap_or(now), &line.line)).collect();
    let Some(more) = log.more.filter(|_| wanted.follow) else {
        cut(&mut head, wanted.limit);
        return Ok(Said::bytes(StatusCode::OK, "text/plain", head));
    };
    let uid = pod["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
    let core = call.core.clone();
    let clock = core.clock;
    let lines = more.take_until(Box::pin(gone(core, uid)));
    let shown = lines.filter_map(move |line| future::ready(wanted.shown(clock.now(), &ended(&line))));
    let pieces = stream::iter(Some(head).filter(|head| !head.is_empty())).chain(shown);
    Ok(Said::stream("text/plain", Box::pin(limited(pieces, wanted.limit).map(Ok))))
}

/// The container that is meant: the only one, if nobody says.
fn container(pod: &Value, wanted: &str, name: &str) -> Result<String, Failure> {
    let names = |group: &str| -> Vec<String> {
        let containers = pod["spec"][group].as_array().into_iter().flatten();
        containers.filter_map(|container| container["name"].as_str().map(str::to_owned)).collect()
    };
    let main = names("containers");
    let mut all = names("initContainers");
    all.extend(main.iter().cloned());
    all.extend(names("ephemeralContainers"));
    match (wanted, main.as_slice()) {
        ("", [only]) => Ok(only.clone()),
        ("", _) => Err(Failure::bad_request(format!(
            "a container name must be specified for pod {name}, choose one of: [{}]",
            all.join(" ")
        ))),
        (wanted, _) if all.iter().any(|known| known == wanted) => Ok(wanted.to_owned()),
        _ => Err(Failure::bad_request(format!("container {wanted} is not valid for pod {name}"))),
    }
}

/// Waits until no object has this uid.
async fn gone(core: Arc<Core>, uid: String) {
    let mut changed = core.changed.subscribe();
    loop {
        // Marked before it is looked: what comes in between is seen the next time.
        changed.mark_unchanged();
        if core.state().store.by_uid(&uid).is_none() || changed.changed().await.is_err() {
            return;
        }
    }
}

/// No more bytes than this, without a part of a letter at the end.
fn cut(text: &mut String, limit: Option<usize>) {
    let mut end = limit.unwrap_or(usize::MAX).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
}

/// The pieces until there were so many bytes.
fn limited(
    pieces: impl Stream<Item = String> + Send + 'static,
    limit: Option<usize>,
) -> impl Stream<Item = Bytes> + Send {
    let begin = (Box::pin(pieces), limit);
    stream::unfold(begin, |(mut pieces, left)| async move {
        if left == Some(0) {
            return None;
        }
        let mut piece = pieces.next().await?;
        let length = piece.len();
        cut(&mut piece, left);
        Some((Bytes::from(piece), (pieces, left.map(|left| left.saturating_sub(length)))))
    })
}
