//! The machine against a small model of an API server: a log of revisions with compaction, lists in pages, watches from a
//! revision, streamed states, bookmarks, and everything that goes wrong between the two. No I/O, no waiting.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use k8s_api::core::v1::ConfigMap;
use proptest::prelude::*;

use super::{Action, CallId, Incoming, Input, Machine};
use crate::watch::{
    Account, Cause, Change, Config, Event, Failure, Freshness, Gone, Held, Key, Object, ResourceVersion,
    Strategy as Ask, Unreadable, UnreadableType, WatchFrom,
};

/// An object of the model. One that is not readable reaches the machine only as [`Unreadable`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Thing {
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) version: String,
}

impl Object for Thing {
    fn namespace(&self) -> &str {
        "ns"
    }
    fn name(&self) -> &str {
        &self.name
    }
    fn uid(&self) -> &str {
        &self.uid
    }
    fn resource_version(&self) -> &str {
        &self.version
    }
}

type Shared = Arc<Thing>;

/// A thing as an object of a real kind.
fn held(thing: &Thing) -> Held {
    let mut config = ConfigMap::default();
    config.metadata.namespace = "ns".into();
    config.metadata.name = thing.name.as_str().into();
    config.metadata.uid = thing.uid.as_str().into();
    config.metadata.resource_version = thing.version.as_str().into();
    Arc::new(config)
}

fn erased(change: &Change<Shared>) -> Change<Held> {
    match change.clone() {
        Change::Applied(thing) => Change::Applied(held(&thing)),
        Change::Deleted(Gone::Object(thing)) => Change::Deleted(Gone::Object(held(&thing))),
        Change::Deleted(Gone::Key(key)) => Change::Deleted(Gone::Key(key)),
        Change::Begin { cause } => Change::Begin { cause },
        Change::End { resource_version } => Change::End { resource_version },
        Change::Bookmark { resource_version } => Change::Bookmark { resource_version },
        Change::Quarantined(bad) => Change::Quarantined(bad),
    }
}

/// How much of an object can be read.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Read {
    All,
    /// Only name and version.
    Metadata,
    Nothing,
}

#[derive(Clone, Debug)]
struct Revision {
    version: u64,
    thing: Shared,
    read: Read,
    deleted: bool,
    created: bool,
}

impl Revision {
    fn unreadable(&self, event: UnreadableType) -> Box<Unreadable> {
        let known = self.read == Read::Metadata;
        Box::new(Unreadable {
            event,
            key: known.then(|| Key { namespace: "ns".to_owned(), name: self.thing.name.clone() }),
            resource_version: known.then(|| self.thing.version.as_str().into()),
            beginning: Bytes::from_static(b"{"),
            error: "bad".to_owned(),
        })
    }

    fn item(&self) -> Result<Shared, Box<Unreadable>> {
        if self.read == Read::All {
            Ok(self.thing.clone())
        } else {
            Err(self.unreadable(UnreadableType::Present))
        }
    }

    fn event(&self) -> Incoming<Shared> {
        match (self.read, self.deleted) {
            (Read::All, true) => Incoming::Deleted(self.thing.clone()),
            (Read::All, false) if self.created => Incoming::Added(self.thing.clone()),
            (Read::All, false) => Incoming::Modified(self.thing.clone()),
            (_, true) => Incoming::Unreadable(self.unreadable(UnreadableType::Deleted)),
            (Read::Metadata, false) => Incoming::Unreadable(self.unreadable(UnreadableType::Present)),
            (Read::Nothing, false) => Incoming::Unreadable(self.unreadable(UnreadableType::Unknown)),
        }
    }
}

/// So that versions soon get longer: they must not be compared as text.
const FIRST: u64 = 7;

type State = BTreeMap<String, Revision>;

#[derive(Debug)]
struct Server {
    log: Vec<Revision>,
    version: u64,
    /// Watches and pages can't begin before this.
    compacted: u64,
    streams: Streams,
    /// Whether it refuses to be told how old a state may be.
    no_match: bool,
    /// In which order it streams what there is: any will do.
    shuffle: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Streams {
    Yes,
    /// It says that the query is invalid.
    Refused,
    /// It sends what there is, and never the bookmark.
    NoBookmark,
}

impl Server {
    fn state(&self, version: u64) -> State {
        let mut state = State::new();
        for revision in self.log.iter().filter(|revision| revision.version <= version) {
            if revision.deleted {
                state.remove(&revision.thing.name);
            } else {
                state.insert(revision.thing.name.clone(), revision.clone());
            }
        }
        state
    }

    fn write(&mut self, key: u8, read: Read, delete: bool) {
        let name = format!("thing-{key}");
        let old = self.state(self.version).remove(&name);
        if delete && old.is_none() {
            return;
        }
        self.version += 1;
        let version = self.version.to_string();
        let uid = old.as_ref().map_or_else(|| format!("uid-{version}"), |old| old.thing.uid.clone());
        // What is sent of a deleted object is its last state.
        let read = old.as_ref().filter(|_| delete).map_or(read, |old| old.read);
        let thing = Arc::new(Thing { name, uid, version });
        self.log.push(Revision {
            version: self.version,
            thing,
            read,
            deleted: delete,
            created: old.is_none(),
        });
    }

    /// The store has everything that can be read as it is, and nothing that is gone. What can't be read any more may be there
    /// as it was.
    fn check(&self, version: u64, store: &BTreeMap<String, Shared>) {
        let state = self.state(version);
        for (name, revision) in &state {
            if revision.read == Read::All {
                assert_eq!(store.get(name), Some(&revision.thing));
            }
        }
        let stays = store.keys().find(|name| !state.contains_key(*name));
        assert_eq!(stays, None, "deleted, but there");
    }

    /// What there is, in an order that is no order.
    fn shuffled(&self, version: u64) -> Vec<Revision> {
        let mut state: Vec<_> = self.state(version).into_values().collect();
        state.sort_by_key(|revision| revision.version.wrapping_mul(self.shuffle | 1) % 7);
        state
    }

    fn history(&self, after: u64) -> impl Iterator<Item = &Revision> {
        self.log.iter().filter(move |revision| revision.version > after)
    }
}

/// What the server does with an open call.
#[derive(Debug)]
enum Served {
    List { version: u64, items: Vec<Result<Shared, Box<Unreadable>>>, at: usize, limit: usize, sent: usize },
    Watch { queue: VecDeque<Incoming<Shared>>, cursor: u64, end: Option<u64>, sent: Vec<Incoming<Shared>> },
}

/// Does what a consumer does, and holds the machine to the contract.
#[derive(Debug, Default)]
struct Consumer {
    store: BTreeMap<String, Shared>,
    draft: Option<BTreeMap<String, Shared>>,
    /// Everything up to here was told.
    version: u64,
    synced: bool,
    restarts: usize,
}

/// Is told a batch of changes, and what a store has after it.
type Onlooker = Box<dyn FnMut(Vec<Change<Held>>, &BTreeMap<String, Shared>)>;

struct World {
    server: Server,
    machine: Machine<Shared>,
    now: Instant,
    call: Option<(CallId, Served)>,
    consumer: Consumer,
    /// Fails the next call.
    refusal: Option<Failure>,
    /// How far back the next watch begins, against the rules.
    rewind: u64,
    /// How old a state the server begins to stream from.
    lag: u64,
    /// Reasons to restart that the server has given since the last complete state.
    reasons: Vec<Cause>,
    /// So many of them were given before what the machine is being told.
    old_reasons: usize,
    /// The other consumer, which has no store.
    account: Account,
    told: BTreeMap<String, u64>,
    last: BTreeMap<String, u64>,
    any_first_state: bool,
    /// A third one, which is told by batches.
    onlooker: Onlooker,
    /// Calls started since something new came or time went on; complete states asked for since time went on.
    starts: usize,
    lists: usize,
}

impl World {
    fn new(config: Config, streams: Streams) -> Self {
        let now = Instant::now();
        let server =
            Server { log: Vec::new(), version: FIRST, compacted: 0, streams, no_match: false, shuffle: 0 };
        let any_first_state = config.any_first_state;
        Self {
            server,
            machine: Machine::new(config, 1, now),
            now,
            call: None,
            consumer: Consumer::default(),
            refusal: None,
            rewind: 0,
            lag: 0,
            reasons: vec![Cause::Start],
            old_reasons: 0,
            account: Account::new(false, true),
            told: BTreeMap::new(),
            last: BTreeMap::new(),
            any_first_state,
            onlooker: Box::new(|_, _| {}),
            starts: 0,
            lists: 0,
        }
    }

    /// Carries out what the machine wants.
    fn drain(&mut self) {
        while let Some(action) = self.machine.poll() {
            match action {
                Action::Emit(changes) => {
                    assert!(!changes.is_empty());
                    let batch = changes.iter().map(erased).collect();
                    changes.into_iter().for_each(|change| self.consume(change));
                    (self.onlooker)(batch, &self.consumer.store);
                }
                Action::Cancel { call } => {
                    assert!(self.call.take().is_none_or(|(open, _)| open == call));
                }
                Action::StartList { call, query } => {
                    self.lists += usize::from(query.continue_token.is_none());
                    let token = query.continue_token.as_deref().map(|token| token.split_once(':').unwrap());
                    let version = match query.freshness {
                        Freshness::Latest => self.server.version,
                        Freshness::Any => self.old(),
                    };
                    let (version, at) = token.map_or((version, 0), |(version, at)| {
                        (version.parse().unwrap(), at.parse().unwrap())
                    });
                    let items = self.server.state(version).values().map(Revision::item).collect();
                    let limit = query.limit.map_or(usize::MAX, |limit| limit as usize);
                    self.started(call, Served::List { version, items, at, limit, sent: at });
                    if token.is_some() && version < self.server.compacted {
                        self.fail(410);
                    } else if self.server.no_match && token.is_none() && query.freshness == Freshness::Any {
                        self.fail(400);
                    }
                }
                Action::StartWatch { call, query } => self.watch(call, query.from),
            }
        }
        assert!(self.call.is_none() || self.machine.deadline().is_some(), "an open call has a deadline");
    }

    /// What a server has at hand that may be behind.
    fn old(&self) -> u64 {
        self.server.version.saturating_sub(self.lag).max(self.server.compacted).max(FIRST)
    }

    fn watch(&mut self, call: CallId, from: WatchFrom) {
        let mut queue = VecDeque::new();
        let everything = matches!(from, WatchFrom::Everything(_));
        let (cursor, end) = match from {
            WatchFrom::Everything(freshness) => {
                self.lists += 1;
                let version = self.old();
                queue.extend(self.server.shuffled(version).iter().map(|revision| match revision.item() {
                    Ok(thing) => Incoming::Added(thing),
                    Err(unreadable) => Incoming::Unreadable(unreadable),
                }));
                let end = match (self.server.streams, freshness) {
                    (Streams::Yes, Freshness::Latest) => self.server.version,
                    (Streams::Yes, Freshness::Any) => version,
                    _ => u64::MAX,
                };
                (version, Some(end))
            }
            WatchFrom::Version(version) => {
                let version: u64 = version.as_str().parse().unwrap();
                assert_eq!(version, self.consumer.version, "it goes on where the consumer is");
                (version.saturating_sub(self.rewind).max(self.server.compacted.min(version)), None)
            }
        };
        let expired = !everything && cursor < self.server.compacted;
        self.started(call, Served::Watch { queue, cursor, end, sent: Vec::new() });
        if everything && (self.server.streams == Streams::Refused || self.server.no_match) {
            self.fail(400);
        } else if expired {
            self.reasons.push(Cause::Expired);
            // A server says so in either way.
            if self.server.version.is_multiple_of(2) {
                self.fail(410);
            } else {
                self.events(vec![Incoming::Error(Failure { code: Some(410), ..Failure::default() })]);
            }
        }
    }

    fn started(&mut self, call: CallId, served: Served) {
        assert!(self.call.is_none(), "one call at a time");
        self.starts += 1;
        assert!(self.starts <= 4, "calls without progress, and without a pause");
        assert!(self.lists <= 3, "complete states asked for without a pause");
        self.call = Some((call, served));
        if let Some(failure) = self.refusal.take() {
            self.blame(failure.code);
            self.input(|call| Input::Failed(call, failure), true);
        }
    }

    fn input(&mut self, input: impl FnOnce(CallId) -> Input<Shared>, over: bool) {
        let Some((call, _)) = &self.call else { return };
        let input = input(*call);
        if over {
            self.call = None;
        }
        self.machine.input(self.now, input);
    }

    /// Notes the reason to restart that a failure may be.
    fn blame(&mut self, code: Option<u16>) {
        match code {
            Some(410) => self.reasons.push(Cause::Expired),
            Some(400 | 422) => self.reasons.push(Cause::Rejected),
            _ => {}
        }
    }

    fn fail(&mut self, code: u16) {
        self.blame(Some(code));
        self.input(|call| Input::Failed(call, Failure { code: Some(code), ..Failure::default() }), true);
    }

    fn events(&mut self, events: Vec<Incoming<Shared>>) {
        // A deletion of nobody knows what, or of nobody knows whether.
        let lost = |event: &Incoming<Shared>| matches!(event, Incoming::Unreadable(bad) if bad.event != UnreadableType::Present && bad.key.is_none());
        self.old_reasons = self.reasons.len();
        if events.iter().any(lost) {
            self.reasons.push(Cause::Unreadable);
        }
        self.input(|call| Input::Events(call, events), false);
    }

    /// The server sends up to so many objects or events.
    fn serve(&mut self, count: usize) {
        let mut sent_all = None;
        let Some((_, served)) = &mut self.call else { return };
        match served {
            Served::List { version, items, at, limit, sent } => {
                let end = at.saturating_add(*limit).min(items.len());
                let upto = sent.saturating_add(count).min(end);
                let part = items[*sent..upto].to_vec();
                *sent = upto;
                if upto == end {
                    sent_all = Some((*version, (end < items.len()).then(|| format!("{version}:{end}"))));
                }
                self.input(|call| Input::Items(call, part), false);
                if let Some((version, token)) = sent_all {
                    self.starts = 0;
                    self.old_reasons = self.reasons.len();
                    let resource_version = ResourceVersion::from(version.to_string());
                    let page = |call| Input::Page { call, resource_version, continue_token: token };
                    self.input(page, true);
                }
            }
            Served::Watch { queue, cursor, end, sent } => {
                let mut events = Vec::new();
                while events.len() < count {
                    if let Some(event) = queue.pop_front() {
                        events.push(event);
                    } else if end.is_some_and(|end| *cursor >= end) {
                        *end = None;
                        let resource_version = ResourceVersion::from(cursor.to_string());
                        events.push(Incoming::Bookmark { resource_version, initial_events_end: true });
                        sent.clear();
                    } else if let Some(revision) = self.server.history(*cursor).next() {
                        *cursor = revision.version;
                        events.push(revision.event());
                    } else {
                        break;
                    }
                }
                // The model's watch has to be gone on with from what was sent, not from what was queued.
                sent.extend(events.iter().cloned());
                self.events(events);
            }
        }
    }

    fn bookmark(&mut self, initial_events_end: bool) {
        if let Some((_, Served::Watch { queue, cursor, end: None, .. })) = &self.call
            && queue.is_empty()
            && self.server.history(*cursor).next().is_none()
        {
            let resource_version = ResourceVersion::from(self.server.version.to_string());
            self.events(vec![Incoming::Bookmark { resource_version, initial_events_end }]);
        }
    }

    /// Sends again what was sent.
    fn again(&mut self, count: usize) {
        if let Some((_, Served::Watch { sent, end: None, .. })) = &self.call {
            let events = sent[sent.len().saturating_sub(count)..].to_vec();
            self.events(events);
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        (self.starts, self.lists) = (0, 0);
        self.machine.input(self.now, Input::Tick);
    }

    /// What the user asks for is not held against the machine.
    fn resume(&mut self) {
        (self.starts, self.lists) = (0, 0);
        self.machine.input(self.now, Input::Resume);
    }

    /// What the consumer without a store is told.
    fn account(&mut self, change: &Change<Shared>) {
        let mut events = VecDeque::new();
        self.account.take(erased(change), &mut events);
        for event in events {
            match event {
                Event::Applied(object) => {
                    let version: u64 = object.resource_version().parse().unwrap();
                    let last = self.last.insert(object.name().to_owned(), version);
                    // Only before the first complete state may it be an old one that is told.
                    let may_be_old = self.any_first_state && !self.consumer.synced;
                    assert!(may_be_old || last.is_none_or(|last| last < version), "twice, or back in time");
                    self.told.insert(object.name().to_owned(), version);
                }
                Event::Deleted(gone) => {
                    assert!(
                        self.told.remove(gone.name()).is_some(),
                        "never told, or deleted twice: {gone:?}"
                    );
                }
                Event::Synced => {
                    assert_eq!(self.consumer.restarts, 1);
                    // An attempt before it may have told of a later state than the one that it is of.
                    self.last.clone_from(&self.told);
                }
                Event::Resynced { .. } => assert!(self.consumer.restarts > 1),
                Event::Bookmark { .. } | Event::Quarantined(_) => {}
            }
        }
        if let Change::End { resource_version } = change {
            self.check_account(resource_version.as_str().parse().unwrap());
        }
    }

    /// Whoever takes over what is applied and removes what is deleted has what the server has.
    fn check_account(&self, version: u64) {
        let state = self.server.state(version);
        for (name, revision) in state.iter().filter(|(_, revision)| revision.read == Read::All) {
            assert_eq!(self.told.get(name), Some(&revision.version), "{name}");
        }
        let stays = self.told.keys().find(|name| !state.contains_key(*name));
        assert_eq!(stays, None, "deleted, but there");
    }

    fn consume(&mut self, change: Change<Shared>) {
        self.account(&change);
        let consumer = &mut self.consumer;
        // No state that the server told and that can be read is left out, and none comes twice.
        let step = |consumer: &mut Consumer, version: &str, server: &Server| {
            let version: u64 = version.parse().unwrap();
            assert!(
                version > consumer.version,
                "told twice, or out of order: {version} at {}",
                consumer.version
            );
            let skipped = server
                .history(consumer.version)
                .find(|revision| revision.version < version && revision.read == Read::All);
            assert!(skipped.is_none(), "left out: {skipped:?}");
            consumer.version = version;
        };
        let news = !matches!(change, Change::Begin { .. } | Change::Quarantined(_));
        match change {
            Change::Begin { cause } => {
                assert!(self.reasons.contains(&cause), "a restart without a reason: {cause:?}");
                consumer.restarts += usize::from(consumer.draft.is_none());
                consumer.draft = Some(BTreeMap::new());
            }
            Change::End { resource_version } => {
                let version: u64 = resource_version.as_str().parse().unwrap();
                assert!(version >= consumer.version, "back in time");
                consumer.store = consumer.draft.take().expect("an end has a beginning");
                (consumer.version, consumer.synced) = (version, true);
                self.reasons.drain(..self.old_reasons);
                self.old_reasons = 0;
                self.server.check(version, &consumer.store);
            }
            Change::Applied(thing) => {
                if let Some(draft) = &mut consumer.draft {
                    draft.insert(thing.name.clone(), thing);
                } else {
                    step(consumer, &thing.version, &self.server);
                    consumer.store.insert(thing.name.clone(), thing);
                }
            }
            Change::Deleted(gone) => {
                if let (None, Gone::Object(thing)) = (&consumer.draft, &gone) {
                    step(consumer, &thing.version, &self.server);
                }
                consumer.draft.as_mut().unwrap_or(&mut consumer.store).remove(gone.name());
            }
            Change::Bookmark { resource_version } => step(consumer, resource_version.as_str(), &self.server),
            Change::Quarantined(bad) => {
                // Its version is told too.
                if let (None, Some(version)) = (&consumer.draft, &bad.resource_version) {
                    step(consumer, version.as_str(), &self.server);
                }
            }
        }
        if news {
            self.starts = 0;
        }
    }

    /// Everything works from here on: the consumer gets there.
    fn settle(&mut self) {
        (self.refusal, self.rewind, self.lag) = (None, 0, 0);
        self.resume();
        for _ in 0..40 {
            self.drain();
            if self.call.is_some() {
                self.serve(usize::MAX);
                self.drain();
                self.bookmark(false);
                self.drain();
                let watching = matches!(&self.call, Some((_, Served::Watch { end: None, .. })));
                if watching && self.consumer.version == self.server.version {
                    break;
                }
            }
            if let Some(deadline) = self.machine.deadline()
                && matches!(&self.call, None | Some((_, Served::Watch { end: Some(u64::MAX), .. })))
            {
                self.pass(deadline - self.now);
            }
        }
        let consumer = &self.consumer;
        assert!(consumer.synced && consumer.draft.is_none(), "not complete: {consumer:?} {:?}", self.machine);
        self.server.check(self.server.version, &consumer.store);
        self.check_account(self.server.version);
        assert!(self.machine.health().failure.is_none());
    }
}

#[derive(Clone, Debug)]
enum Step {
    Write(u8, Read),
    Delete(u8),
    Serve(usize),
    /// With the mark of the first state, too: an old one comes again.
    Bookmark(bool),
    Alive,
    Again(usize),
    Break,
    End,
    Refuse(u16, Option<u64>),
    ErrorEvent(u16),
    Compact,
    Rewind(u64),
    Lag(u64),
    /// Another server answers from now on, which can do something else.
    Become(Streams),
    /// It streams what there is in another order.
    Shuffle(u64),
    /// Whether it takes a match of versions.
    Match(bool),
    Pass(u64),
    Deadline,
    Pause,
    Resume,
}

fn step() -> impl Strategy<Value = Step> {
    let read = prop_oneof![8 => Just(Read::All), 1 => Just(Read::Metadata), 1 => Just(Read::Nothing)];
    let code = prop::sample::select(vec![400_u16, 401, 403, 404, 410, 422, 429, 500, 504]);
    prop_oneof![
        12 => (0..5_u8, read).prop_map(|(key, read)| Step::Write(key, read)),
        5 => (0..5_u8).prop_map(Step::Delete),
        16 => (0..6_usize).prop_map(Step::Serve),
        3 => proptest::bool::weighted(0.2).prop_map(Step::Bookmark),
        1 => Just(Step::Alive),
        3 => (1..5_usize).prop_map(Step::Again),
        3 => Just(Step::Break),
        2 => Just(Step::End),
        2 => (code.clone(), proptest::option::of(0..90_u64)).prop_map(|(code, after)| Step::Refuse(code, after)),
        1 => code.prop_map(Step::ErrorEvent),
        3 => Just(Step::Compact),
        1 => (0..5_u64).prop_map(Step::Rewind),
        1 => (0..5_u64).prop_map(Step::Lag),
        1 => streams().prop_map(Step::Become),
        1 => any::<u64>().prop_map(Step::Shuffle),
        1 => any::<bool>().prop_map(Step::Match),
        3 => (0..20_u64).prop_map(Step::Pass),
        6 => Just(Step::Deadline),
        1 => Just(Step::Pause),
        2 => Just(Step::Resume),
    ]
}

fn run(world: &mut World, step: &Step) {
    match step {
        Step::Write(key, read) => world.server.write(*key, *read, false),
        Step::Delete(key) => world.server.write(*key, Read::All, true),
        Step::Serve(count) => world.serve(*count),
        Step::Bookmark(end) => world.bookmark(*end),
        Step::Alive => world.input(Input::Alive, false),
        Step::Again(count) => world.again(*count),
        Step::Break => world.input(|call| Input::Failed(call, Failure::default()), true),
        Step::End => world.input(Input::Ended, true),
        Step::Refuse(code, after) => {
            let retry_after = after.map(Duration::from_secs);
            world.refusal = Some(Failure { code: Some(*code), retry_after, ..Failure::default() });
        }
        Step::ErrorEvent(code) => {
            if let Some((_, Served::Watch { .. })) = &world.call {
                world.blame(Some(*code));
                world.events(vec![Incoming::Error(Failure { code: Some(*code), ..Failure::default() })]);
            }
        }
        Step::Compact => world.server.compacted = world.server.version,
        Step::Rewind(count) => world.rewind = *count,
        Step::Lag(count) => world.lag = *count,
        Step::Become(streams) => world.server.streams = *streams,
        Step::Shuffle(shuffle) => world.server.shuffle = *shuffle,
        Step::Match(takes) => world.server.no_match = !takes,
        Step::Pass(seconds) => world.pass(Duration::from_secs(*seconds)),
        Step::Deadline => {
            if let Some(deadline) = world.machine.deadline() {
                assert!(deadline >= world.now, "a deadline is not left behind");
                world.pass(deadline - world.now);
            }
        }
        Step::Pause => world.machine.input(world.now, Input::Pause),
        Step::Resume => world.resume(),
    }
    world.drain();
}

fn streams() -> impl Strategy<Value = Streams> {
    prop_oneof![4 => Just(Streams::Yes), 1 => Just(Streams::Refused), 1 => Just(Streams::NoBookmark)]
}

fn config() -> impl Strategy<Value = (Config, Streams)> {
    let ask = prop::sample::select(vec![Ask::Stream, Ask::List]);
    (ask, proptest::option::of(1..4_u32), any::<bool>(), streams()).prop_map(
        |(strategy, page, any_first_state, streams)| {
            (Config { strategy, page, any_first_state, ..Config::default() }, streams)
        },
    )
}

/// How a server is asked, what it can do, and what goes wrong.
pub(crate) fn script() -> impl Strategy<Value = Script> {
    (config(), proptest::collection::vec(step(), 0..120)).prop_map(|((config, streams), steps)| Script {
        config,
        streams,
        steps,
    })
}

#[derive(Clone, Debug)]
pub(crate) struct Script {
    config: Config,
    streams: Streams,
    steps: Vec<Step>,
}

impl Script {
    /// Plays it to an end at which everything works, before somebody who is told every batch of changes and what a store has after it.
    pub(crate) fn play(&self, onlooker: impl FnMut(Vec<Change<Held>>, &BTreeMap<String, Shared>) + 'static) {
        let mut world = World::new(self.config.clone(), self.streams);
        world.onlooker = Box::new(onlooker);
        world.drain();
        for step in &self.steps {
            run(&mut world, step);
        }
        world.settle();
    }
}

proptest! {
    #[test]
    fn the_consumer_ends_with_the_servers_state(script in script()) {
        script.play(|_, _| {});
    }

    /// Without the server giving a reason, whatever breaks costs no complete state.
    #[test]
    fn nothing_is_listed_again_without_a_reason(steps in proptest::collection::vec(step(), 0..120), paged in any::<bool>()) {
        let strategy = if paged { Ask::List } else { Ask::Stream };
        let mut world = World::new(Config { strategy, ..Config::default() }, Streams::Yes);
        world.settle();
        for step in &steps {
            let harmless = match step {
                Step::Compact => false,
                Step::Refuse(code, _) | Step::ErrorEvent(code) => !matches!(code, 400 | 410 | 422),
                Step::Write(_, read) => *read == Read::All,
                Step::Become(_) => false,
                _ => true,
            };
            if harmless {
                run(&mut world, step);
            }
        }
        world.settle();
        prop_assert_eq!(world.consumer.restarts, 1);
    }
}
