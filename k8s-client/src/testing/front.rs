//! What stands before the server, whichever face a request comes through: the record of requests, faults, compression.

use std::io::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use futures_util::{FutureExt as _, TryStreamExt as _};
use http::{HeaderValue, header};
use k8s_api::transport::{
    Body, ByteStream, Call, Fault as Kind, Reply, ReplyBody, Sending, Sent, Transport, TransportError,
};
use tokio::sync::watch;

use super::ask::{Ask, Query, Said, Spoken, is_escaped};
use super::core::Core;
use super::failure::Failure;
use super::faults::{Effect, Fault};
use super::recorded::Recorded;
use super::shape::Shape;

/// The real server compresses what is longer.
const COMPRESSED: usize = 128 * 1024;

/// A request before its path is read.
pub(crate) struct Incoming {
    pub(crate) head: http::request::Parts,
    pub(crate) body: Bytes,
}

pub(crate) struct Front {
    pub(crate) core: Arc<Core>,
    recorded: Mutex<Vec<Recorded>>,
    faults: Mutex<Vec<Fault>>,
    /// How often all watches were cut.
    cuts: watch::Sender<u64>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Front {
    pub(crate) fn new(core: Arc<Core>) -> Front {
        Front { core, recorded: Mutex::default(), faults: Mutex::default(), cuts: watch::Sender::new(0) }
    }

    pub(crate) fn recorded(&self) -> MutexGuard<'_, Vec<Recorded>> {
        lock(&self.recorded)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Vec<Fault>> {
        lock(&self.faults)
    }

    pub(crate) fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Answers as the faults let it.
    pub(crate) async fn answer(&self, incoming: Incoming) -> Result<Said, TransportError> {
        let path = incoming.head.uri.path().to_owned();
        let query = incoming.head.uri.query().unwrap_or_default().to_owned();
        let ask = match read(incoming) {
            Ok(ask) => ask,
            Err(failure) => return Ok(Said::failure(&failure)),
        };
        let fits: Vec<Effect> = {
            let mut faults = self.faults();
            let taken =
                faults.iter_mut().filter_map(|fault| fault.takes(&ask, &path).then(|| fault.effect.clone()));
            taken.collect()
        };
        let record = |status| {
            self.recorded().push(Recorded::new(&ask, path.clone(), query.clone(), status));
        };
        for effect in &fits {
            match effect {
                Effect::Latency(time) => tokio::time::sleep(*time).await,
                Effect::Status { code, retry_after } => {
                    record(Some(*code));
                    let mut said = Said::failure(&Failure::other(*code, "a fault of the test"));
                    if let Some(seconds) = retry_after {
                        said.headers.insert(header::RETRY_AFTER, HeaderValue::from(*seconds));
                    }
                    return Ok(said);
                }
                Effect::Unreachable => {
                    return Err(TransportError::new(
                        Sent::No,
                        Kind::Broken,
                        "no connection: a fault of the test",
                    ));
                }
                Effect::LostAnswer => {
                    drop(self.core.answer(&ask));
                    record(None);
                    return Err(broken("the connection broke before the answer"));
                }
                Effect::Silence => {
                    record(None);
                    std::future::pending::<()>().await;
                }
                Effect::Gone => {
                    record(Some(200));
                    let shape = Shape::of(&ask).unwrap_or_else(|_| Shape::json());
                    let line = shape.error(&Failure::too_old(1, self.core.state().store.oldest()));
                    return Ok(Said::stream(shape.watch_type(), Box::pin(stream::iter([Ok(line)]))));
                }
                _ => {}
            }
        }
        let mut said = self.core.answer(&ask);
        record(Some(said.status.as_u16()));
        if let Spoken::Stream(stream) = said.body {
            said.body = Spoken::Stream(self.disturbed(stream, &fits));
        }
        compress(&ask, &mut said);
        Ok(said)
    }

    /// A watch with what goes wrong with it.
    fn disturbed(&self, mut stream: ByteStream, effects: &[Effect]) -> ByteStream {
        let mut cuts = self.cuts.subscribe();
        cuts.mark_unchanged();
        let cut = async move {
            let _ = cuts.changed().await;
        };
        for effect in effects {
            stream = match *effect {
                Effect::CutAfter(events) => {
                    Box::pin(stream.take(events).chain(stream::iter([Err(broken("the watch broke off"))])))
                }
                Effect::StallAfter(events) => Box::pin(stream.take(events).chain(stream::pending())),
                Effect::Duplicated => {
                    Box::pin(stream.map_ok(|line| stream::iter([Ok(line.clone()), Ok(line)])).try_flatten())
                }
                Effect::Delayed(time) => Box::pin(stream.then(move |line| async move {
                    tokio::time::sleep(time).await;
                    line
                })),
                _ => stream,
            };
        }
        let broken = stream::once(async { Err(broken("the watch was cut")) });
        // What is cut ends in the middle: an error after whatever was ready.
        let ends = cut.shared();
        let over = ends.clone();
        let lines = stream.take_until(ends);
        Box::pin(lines.chain(broken.filter(move |_| {
            let cut = over.clone().now_or_never().is_some();
            async move { cut }
        })))
    }
}

fn broken(what: &str) -> TransportError {
    TransportError::new(Sent::Unknown, Kind::Broken, format!("{what}: a fault of the test"))
}

/// As Go reads a path: decoded as a whole, so that `%2f` is a slash, and slashes at its end do not count.
fn read(incoming: Incoming) -> Result<Ask, Failure> {
    let Incoming { head, body } = incoming;
    let path = head.uri.path();
    if !is_escaped(path) {
        return Err(Failure::bad_path());
    }
    let path = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
    let path = match path.strip_prefix('/') {
        Some(path) if !path.starts_with('/') => path,
        None if path != "*" => return Err(Failure::bad_path()),
        _ => return Err(Failure::no_such_path()),
    };
    let path = match path.trim_end_matches('/') {
        "" => Vec::new(),
        path => path.split('/').map(str::to_owned).collect(),
    };
    let query = Query::parse(head.uri.query().unwrap_or_default());
    Ok(Ask { method: head.method, path, query, headers: head.headers, body })
}

fn compress(ask: &Ask, said: &mut Said) {
    let Spoken::Whole(body) = &said.body else { return };
    let accepted = ask.header(header::ACCEPT_ENCODING).is_some_and(|it| it.contains("gzip"));
    if !accepted || body.len() < COMPRESSED {
        return;
    }
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    if encoder.write_all(body).is_err() {
        return;
    }
    if let Ok(compressed) = encoder.finish() {
        said.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        said.headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        said.body = Spoken::Whole(compressed.into());
    }
}

/// The face without sockets.
pub(crate) struct InProcess(pub(crate) Arc<Front>);

impl Transport for InProcess {
    fn send(&self, call: Call) -> Sending {
        let front = self.0.clone();
        Box::pin(async move {
            let Call { head, body, meta, .. } = call;
            let body = match body {
                Body::Empty => Bytes::new(),
                Body::Bytes(bytes) => bytes,
                Body::Stream(mut stream) => {
                    let mut all = Vec::new();
                    while let Some(piece) = stream.next().await {
                        all.extend_from_slice(&piece?);
                    }
                    all.into()
                }
                _ => return Err(TransportError::new(Sent::No, Kind::Setup, "a body of an unknown kind")),
            };
            let said = front.answer(Incoming { head, body }).await?;
            let (mut head, ()) = http::Response::new(()).into_parts();
            head.status = said.status;
            head.headers = said.headers;
            let date = httpdate::fmt_http_date(front.core.clock.now());
            if let Ok(date) = HeaderValue::from_str(&date) {
                head.headers.insert(header::DATE, date);
            }
            let body = match said.body {
                // Who follows wants pieces.
                Spoken::Whole(bytes) if !meta.whole => ReplyBody::Stream(Box::pin(stream::iter([Ok(bytes)]))),
                Spoken::Whole(bytes) => ReplyBody::Whole(bytes),
                Spoken::Stream(stream) => ReplyBody::Stream(stream),
            };
            Ok(Reply::new(head, body))
        })
    }
}
