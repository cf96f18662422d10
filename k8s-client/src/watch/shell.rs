//! Carries out what the machine says: the only part of a watch that does I/O.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use k8s_api::codec::Decoder;
use k8s_api::request::{Request as _, verb};
use k8s_api::transport::{ByteStream, ReplyBody};

use super::config::Config;
use super::decode;
use super::event::{Change, Failure};
use super::frames::Frames;
use super::machine::{Action, CallId, Health, Input, Machine};
use super::query::{ListQuery, WatchQuery};
use crate::api::Api;
use crate::error::Error;

/// No object is larger: etcd takes 1.5 MiB, and its managed fields and the event around it come on top.
pub(crate) const LARGEST_EVENT: usize = 64 << 20;

/// The one decoder of a watch, with whatever reads now: its calls come one after the other.
type Shared<K> = Arc<Mutex<Decoder<K>>>;

type Inputs<K> = BoxStream<'static, Input<Arc<K>>>;

/// Follows a kind for as long as it is polled. `tell` gets every step in order, and how the watch is doing after it.
pub(crate) async fn follow<K: verb::List + verb::Watch, P: Send + 'static>(
    api: Api<K, P>,
    config: Config,
    decoder: Decoder<K>,
    seed: u64,
    mut tell: impl FnMut(Vec<Change<Arc<K>>>, &Health),
) {
    let mut machine = Machine::new(config, seed, Instant::now());
    let decoder = Arc::new(Mutex::new(decoder));
    let mut open: Option<(CallId, Inputs<K>)> = None;
    loop {
        while let Some(action) = machine.poll() {
            match action {
                Action::StartList { call, query } => {
                    open = Some((call, list(api.clone(), call, query, decoder.clone())));
                }
                Action::StartWatch { call, query } => {
                    open = Some((call, watch(api.clone(), call, query, decoder.clone())));
                }
                // Dropping it closes the connection's stream.
                Action::Cancel { call } => open = open.filter(|(known, _)| *known != call),
                Action::Emit(changes) => tell(changes, machine.health()),
            }
        }
        let next = async {
            match &mut open {
                Some((_, inputs)) => inputs.next().await,
                None => std::future::pending().await,
            }
        };
        let due = machine.deadline();
        let tick = async {
            match due {
                Some(due) => tokio::time::sleep_until(due.into()).await,
                None => std::future::pending().await,
            }
        };
        let input = tokio::select! {
            input = next => input,
            () = tick => Some(Input::Tick),
        };
        match input {
            Some(input) => {
                let failed = matches!(input, Input::Failed(..));
                machine.input(Instant::now(), input);
                if failed {
                    tell(Vec::new(), machine.health());
                }
            }
            // The call has said how it ended.
            None => open = None,
        }
    }
}

/// One page.
fn list<K: verb::List, P: Send + 'static>(
    api: Api<K, P>,
    call: CallId,
    query: ListQuery,
    decoder: Shared<K>,
) -> Inputs<K> {
    let page = async move {
        let read = |bytes: &Bytes| {
            let mut decoder = decoder.lock().unwrap_or_else(PoisonError::into_inner);
            decoder
                .json_list(bytes)
                .map_err(|error| format!("the server's answer is no {}: {error}", K::LIST_KIND))
        };
        let list = match query.narrow(api.list_request()).call() {
            Ok(call) => api.client().read(call, read).await,
            Err(error) => Err(error.into()),
        };
        match list {
            Err(error) => vec![Input::Failed(call, failure(&error))],
            Ok(list) => {
                let resource_version = list.metadata.resource_version.as_str().into();
                let token = list.metadata.continue_.as_str().to_owned();
                let items = list.items.into_iter().map(|object| Ok(Arc::new(object))).collect();
                let continue_token = (!token.is_empty()).then_some(token);
                vec![Input::Items(call, items), Input::Page { call, resource_version, continue_token }]
            }
        }
    };
    stream::once(page).flat_map(stream::iter).boxed()
}

/// Where a watch is in reading its answer.
enum Watching<K, P> {
    Asking(Api<K, P>, WatchQuery),
    Reading(ByteStream, Frames),
    Over,
}

fn watch<K: verb::Watch, P: Send + 'static>(
    api: Api<K, P>,
    call: CallId,
    query: WatchQuery,
    decoder: Shared<K>,
) -> Inputs<K> {
    stream::unfold(Watching::Asking(api, query), move |state| step(call, state, decoder.clone())).boxed()
}

async fn step<K: verb::Watch, P>(
    call: CallId,
    state: Watching<K, P>,
    decoder: Shared<K>,
) -> Option<(Input<Arc<K>>, Watching<K, P>)> {
    match state {
        Watching::Over => None,
        Watching::Asking(api, query) => {
            let asked = match query.narrow(api.watch_request()).call() {
                Ok(call) => api.client().send(call).await,
                Err(error) => Err(error.into()),
            };
            Some(match asked {
                Ok(reply) => match reply.body {
                    ReplyBody::Stream(body) => {
                        (Input::Alive(call), Watching::Reading(body, Frames::json(LARGEST_EVENT)))
                    }
                    _ => (failed(call, "the answer of a watch is no stream"), Watching::Over),
                },
                Err(error) => (Input::Failed(call, failure(&error)), Watching::Over),
            })
        }
        Watching::Reading(mut body, mut frames) => Some(match body.next().await {
            Some(Ok(chunk)) => {
                frames.push(chunk);
                let mut events = Vec::new();
                let mut decoder = decoder.lock().unwrap_or_else(PoisonError::into_inner);
                loop {
                    match frames.next() {
                        Some(Ok(frame)) => events.push(decode::event(&frame, &mut decoder)),
                        Some(Err(error)) => return Some((failed(call, &error.to_string()), Watching::Over)),
                        None => break,
                    }
                }
                let input = if events.is_empty() { Input::Alive(call) } else { Input::Events(call, events) };
                (input, Watching::Reading(body, frames))
            }
            Some(Err(error)) => (failed(call, &error.to_string()), Watching::Over),
            None => match frames.finish() {
                Ok(()) => (Input::Ended(call), Watching::Over),
                Err(error) => (failed(call, &error.to_string()), Watching::Over),
            },
        }),
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
