//! Carries out what the machine says: the only part of a watch that does I/O.

use std::time::Instant;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use k8s_api::request::RequestError;
use k8s_api::transport::Call;

use super::config::Config;
use super::decode;
use super::event::{Change, Failure};
use super::frames::Frames;
use super::machine::{Action, CallId, Health, Input, Machine};
use super::object::Held;
use super::source::Source;
use crate::client::Client;
use crate::error::{Error, Result};
use crate::outside::Waiting;

/// No object is larger: etcd takes 1.5 MiB, and its managed fields and the event around it come on top.
pub(crate) const LARGEST_EVENT: usize = 64 << 20;

/// Follows a kind for as long as it is polled. `tell` gets every step in order, and how the watch is doing after it.
pub(crate) async fn follow(
    mut source: Source,
    config: Config,
    seed: u64,
    mut tell: impl FnMut(Vec<Change<Held>>, &Health),
) {
    let outside = source.client.outside().clone();
    let mut machine = Machine::new(config, seed, outside.now());
    let mut open: Option<Open> = None;
    let mut alarm: Option<(Instant, Waiting)> = None;
    loop {
        while let Some(action) = machine.poll() {
            match action {
                Action::StartList { call, query } => {
                    open = Some(Open::list(call, source.client.clone(), source.kind.list(&query)));
                }
                Action::StartWatch { call, query } => {
                    open = Some(Open::watch(call, source.client.clone(), source.kind.watch(&query)));
                }
                // Dropping it closes the connection's stream.
                Action::Cancel { call } => open = open.filter(|open| open.call != call),
                Action::Emit(changes) => tell(changes, machine.health()),
            }
        }
        // Every byte moves the deadline further off, so a wait for one that has passed only finds out that it has moved.
        let due = machine.deadline();
        alarm = match (alarm, due) {
            (Some((at, waiting)), Some(due)) if at <= due => Some((at, waiting)),
            (_, due) => due.map(|due| (due, outside.wait(due))),
        };
        let next = async {
            match &mut open {
                Some(open) => open.next(&mut source).await,
                None => std::future::pending().await,
            }
        };
        let tick = async {
            match &mut alarm {
                Some((_, waiting)) => waiting.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            inputs = next => {
                let Some(inputs) = inputs else {
                    // The call has said how it ended.
                    open = None;
                    continue;
                };
                for input in inputs {
                    let failed = matches!(input, Input::Failed(..));
                    machine.input(outside.now(), input);
                    if failed {
                        tell(Vec::new(), machine.health());
                    }
                }
            }
            () = tick => {
                alarm = None;
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

enum State {
    Listing(BoxFuture<'static, Result<Bytes>>),
    Asking(BoxFuture<'static, Result<BoxStream<'static, Result<Bytes>>>>),
    Watching(BoxStream<'static, Result<Bytes>>, Frames),
    Over,
}

impl Open {
    fn list(call: CallId, client: Client, request: std::result::Result<Call, RequestError>) -> Open {
        Open { call, state: State::Listing(async move { client.bytes(request?).await }.boxed()) }
    }

    fn watch(call: CallId, client: Client, request: std::result::Result<Call, RequestError>) -> Open {
        Open { call, state: State::Asking(async move { client.open(request?).await }.boxed()) }
    }

    /// What happens next. Nothing is lost when it is dropped before it is ready.
    async fn next(&mut self, source: &mut Source) -> Option<Vec<Input<Held>>> {
        let call = self.call;
        let inputs = match &mut self.state {
            State::Over => return None,
            State::Listing(bytes) => {
                let page = bytes.await;
                self.state = State::Over;
                page.map(|page| match source.kind.page(&mut source.decoder, &page) {
                    Err(error) => {
                        let kind = source.kind.list_kind();
                        vec![failed(call, &format!("the server's answer is no {kind}: {error}"))]
                    }
                    Ok((metadata, items)) => {
                        let resource_version = metadata.resource_version.as_str().into();
                        let continue_token = Some(metadata.continue_.as_str().to_owned());
                        let items = items.into_iter().map(Ok).collect();
                        vec![
                            Input::Items(call, items),
                            Input::Page { call, resource_version, continue_token },
                        ]
                    }
                })
            }
            State::Asking(asking) => asking.await.map(|pieces| {
                self.state = State::Watching(pieces, Frames::json(LARGEST_EVENT));
                vec![Input::Alive(call)]
            }),
            State::Watching(pieces, frames) => match pieces.next().await {
                Some(Err(error)) => Err(error),
                Some(Ok(piece)) => {
                    frames.push(piece);
                    let mut events = Vec::new();
                    let broken = loop {
                        match frames.next() {
                            Some(Ok(frame)) => events.push(decode::event(&frame, source)),
                            Some(Err(error)) => break Some(failed(call, &error.to_string())),
                            None => break None,
                        }
                    };
                    let heard =
                        if events.is_empty() { Input::Alive(call) } else { Input::Events(call, events) };
                    if broken.is_some() {
                        self.state = State::Over;
                    }
                    Ok([heard].into_iter().chain(broken).collect())
                }
                None => {
                    let State::Watching(_, frames) = std::mem::replace(&mut self.state, State::Over) else {
                        return None;
                    };
                    Ok(vec![match frames.finish() {
                        Ok(()) => Input::Ended(call),
                        Err(error) => failed(call, &error.to_string()),
                    }])
                }
            },
        };
        Some(inputs.unwrap_or_else(|error| {
            self.state = State::Over;
            vec![Input::Failed(call, failure(&error))]
        }))
    }
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
