//! Carries out what the machine says: the only part of a watch that does I/O.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use k8s_api::codec::{BadItem, ListReader, Step, json};
use k8s_api::request::RequestError;
use k8s_api::transport::Call;

use super::config::Config;
use super::decode;
use super::event::{Change, Failure};
use super::frames::Frames;
use super::machine::{Action, CallId, Health, Incoming, Input, Machine};
use super::object::Held;
use super::source::Source;
use super::version::ResourceVersion;
use crate::client::Client;
use crate::error::{Error, Result};
use crate::outside::{Outside, Waiting};

/// No object is larger: etcd takes 1.5 MiB, and its managed fields and the event around it come on top.
pub(crate) const LARGEST_EVENT: usize = 64 << 20;

/// Follows a kind for as long as it is polled. `tell` gets every step in order, and how the watch is doing after it; a step may be
/// nothing but that.
pub(crate) async fn follow(
    source: Source,
    config: Config,
    seed: u64,
    mut tell: impl FnMut(Vec<Change<Held>>, &Health),
) {
    let mut follower = Follower::new(source, config, None, seed);
    loop {
        let changes = follower.next().await;
        tell(changes, follower.health());
    }
}

/// A watch that is read step by step: what is not asked for is not read from the server either.
pub(crate) struct Follower {
    source: Source,
    machine: Machine<Held>,
    open: Option<Open>,
    alarm: Option<(Instant, Waiting)>,
    outside: Arc<dyn Outside>,
    /// Whether something has happened that was not told.
    news: bool,
}

impl Follower {
    /// It begins with a complete state, or after a version.
    pub(crate) fn new(source: Source, config: Config, after: Option<ResourceVersion>, seed: u64) -> Follower {
        let outside = source.client.outside().clone();
        let machine = match after {
            Some(version) => Machine::after(config, version, seed, outside.now()),
            None => Machine::new(config, seed, outside.now()),
        };
        Follower { source, machine, open: None, alarm: None, outside, news: false }
    }

    /// How the watch is doing.
    pub(crate) fn health(&self) -> &Health {
        self.machine.health()
    }

    /// The next step: what the consumer is to be told, which may be nothing. Nothing is lost when it is dropped before it is ready.
    pub(crate) async fn next(&mut self) -> Vec<Change<Held>> {
        loop {
            while let Some(action) = self.machine.poll() {
                match action {
                    Action::StartList { call, query } => {
                        let reader = Reader::List(Box::new(self.source.kind.reader()));
                        self.start(call, self.source.kind.list(&query), reader);
                    }
                    Action::StartWatch { call, query } => {
                        let reader = Reader::Watch(Frames::json(LARGEST_EVENT));
                        self.start(call, self.source.kind.watch(&query), reader);
                    }
                    // Dropping it closes the connection's stream.
                    Action::Cancel { call } => _ = self.open.take_if(|open| open.call == call),
                    Action::Emit(changes) => {
                        self.news = false;
                        return changes;
                    }
                }
            }
            if std::mem::take(&mut self.news) {
                return Vec::new();
            }
            self.step().await;
        }
    }

    fn start(&mut self, call: CallId, request: std::result::Result<Call, RequestError>, reader: Reader) {
        self.open = Some(Open::new(call, self.source.client.clone(), request, reader));
    }

    /// Waits for something to happen, and says it to the machine.
    async fn step(&mut self) {
        // Every byte moves the deadline further off, so a wait for one that has passed only finds out that it has moved.
        self.alarm = match (self.alarm.take(), self.machine.deadline()) {
            (Some((at, waiting)), Some(due)) if at <= due => Some((at, waiting)),
            (_, due) => due.map(|due| (due, self.outside.wait(due))),
        };
        let Follower { source, machine, open, alarm, outside, news } = self;
        let next = async {
            match &mut *open {
                Some(open) => open.next(source).await,
                None => std::future::pending().await,
            }
        };
        let tick = async {
            match &mut *alarm {
                Some((_, waiting)) => waiting.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // What has come is a proof of life, however late this is asked for it: a slow consumer makes no server silent.
            biased;
            inputs = next => match inputs {
                None => *open = None,
                Some(inputs) => {
                    *news = true;
                    for input in inputs {
                        machine.input(outside.now(), input);
                    }
                    // Of a server that sends without a pause, too, not everything is waited for.
                    if machine.deadline().is_some_and(|due| due <= outside.now()) {
                        machine.input(outside.now(), Input::Tick);
                    }
                }
            },
            () = tick => {
                *alarm = None;
                *news = true;
                machine.input(outside.now(), Input::Tick);
            }
        }
    }
}

/// A call on its way.
struct Open {
    call: CallId,
    state: State,
}

/// What comes of an answer.
type Pieces = BoxStream<'static, Result<Bytes>>;

enum State {
    Asking(BoxFuture<'static, Result<Pieces>>, Reader),
    Reading(Pieces, Reader),
    Over,
}

/// What makes something of the pieces.
enum Reader {
    List(Box<ListReader>),
    Watch(Frames),
}

impl Open {
    fn new(
        call: CallId,
        client: Client,
        request: std::result::Result<Call, RequestError>,
        reader: Reader,
    ) -> Open {
        let asking = async move {
            let mut request = request?;
            // What breaks off is told as far as it came, and where to go on from there the machine knows best.
            request.meta.whole = false;
            client.open(request).await
        };
        Open { call, state: State::Asking(asking.boxed(), reader) }
    }

    /// What happens next, a whole step. Nothing is lost when it is dropped before it is ready.
    async fn next(&mut self, source: &mut Source) -> Option<Vec<Input<Held>>> {
        let call = self.call;
        let piece = match &mut self.state {
            State::Over => return None,
            State::Asking(asking, _) => match asking.await {
                Ok(pieces) => {
                    if let State::Asking(_, reader) = std::mem::replace(&mut self.state, State::Over) {
                        self.state = State::Reading(pieces, reader);
                    }
                    return Some(vec![Input::Alive(call)]);
                }
                Err(error) => Some(Err(error)),
            },
            State::Reading(pieces, _) => pieces.next().await,
        };
        let mut inputs = Vec::new();
        let is_over = match (&mut self.state, piece) {
            (State::Reading(_, reader), Some(Ok(piece))) => {
                reader.read(call, Some(piece), source, &mut inputs)
            }
            (State::Reading(_, reader), None) => reader.read(call, None, source, &mut inputs),
            (_, Some(Err(error))) => {
                inputs.push(Input::Failed(call, failure(&error)));
                true
            }
            _ => true,
        };
        if is_over {
            self.state = State::Over;
        }
        Some(inputs)
    }
}

impl Reader {
    /// Makes something of a piece, or of there being none any more. Says whether that was the end.
    fn read(
        &mut self,
        call: CallId,
        piece: Option<Bytes>,
        source: &mut Source,
        inputs: &mut Vec<Input<Held>>,
    ) -> bool {
        match self {
            Reader::List(reader) => list(reader, call, piece, source, inputs),
            Reader::Watch(frames) => watch(frames, call, piece, source, inputs),
        }
    }
}

fn list(
    reader: &mut ListReader,
    call: CallId,
    piece: Option<Bytes>,
    source: &mut Source,
    inputs: &mut Vec<Input<Held>>,
) -> bool {
    match &piece {
        Some(piece) => reader.push(piece),
        None => reader.end(),
    }
    let Source { kind, decoder, .. } = source;
    let mut items = Vec::new();
    let end = loop {
        let mut step = Ok(Step::Wait);
        let object = kind.make(&mut |object| {
            step = reader.next(decoder, object);
            if matches!(step, Ok(Step::Item))
                && let Err(error) = decoder.finish(object)
            {
                let json = json::encode(object).unwrap_or_default();
                step = Ok(Step::Bad(Box::new(BadItem { error, json })));
            }
        });
        match step {
            Ok(Step::Item) => items.push(Ok(object)),
            Ok(Step::Bad(bad)) => items.push(Err(decode::bad_item(&bad, &**kind))),
            Ok(Step::Wait) => break None,
            Ok(Step::Done) => {
                let metadata = reader.metadata();
                let resource_version = metadata.resource_version.as_str().into();
                let continue_token = Some(metadata.continue_.as_str().to_owned());
                break Some(Input::Page { call, resource_version, continue_token });
            }
            Err(error) => {
                break Some(failed(call, &format!("the server's answer is no list of them: {error}")));
            }
        }
    };
    inputs.push(if items.is_empty() { Input::Alive(call) } else { Input::Items(call, items) });
    let is_over = end.is_some();
    inputs.extend(end);
    is_over
}

fn watch(
    frames: &mut Frames,
    call: CallId,
    piece: Option<Bytes>,
    source: &mut Source,
    inputs: &mut Vec<Input<Held>>,
) -> bool {
    let ended = piece.is_none();
    match piece {
        Some(piece) => frames.push(piece),
        None => frames.end(),
    }
    let mut events = Vec::new();
    let end = loop {
        let read = |frame: &Bytes| decode::event(frame, source);
        match frames.next_as(read, |event| !matches!(event, Incoming::Unreadable(_))) {
            Some(Ok(event)) => events.push(event),
            Some(Err(error)) => break Some(failed(call, &error.to_string())),
            None if ended => {
                break Some(match frames.finish() {
                    Ok(()) => Input::Ended(call),
                    Err(error) => failed(call, &error.to_string()),
                });
            }
            None => break None,
        }
    };
    if !ended || !events.is_empty() {
        inputs.push(if events.is_empty() { Input::Alive(call) } else { Input::Events(call, events) });
    }
    let is_over = end.is_some();
    inputs.extend(end);
    is_over
}

fn failed<O>(call: CallId, message: &str) -> Input<O> {
    Input::Failed(call, Failure { message: message.to_owned(), ..Failure::default() })
}

fn failure(error: &Error) -> Failure {
    Failure {
        code: error.code().map(|code| code.as_u16()),
        message: error.to_string(),
        retry_after: error.retry_after(),
    }
}
