//! The watch as a pure state machine: it is told what happened and when, and says what to do next.
//!
//! The caller carries out what [`Machine::poll`] says, tells the outcome with [`Machine::input`], and calls that with
//! [`Input::Tick`] once [`Machine::deadline`] has come. There is no I/O, no clock and no randomness in here.
//!
//! A caller that stops reading, because the consumer has not kept up, says [`Input::Alive`] until it reads on: the deadline is
//! there for a silent server.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::backoff::Random;
use super::config::{Config, Strategy};
pub use super::event::Incoming;
use super::event::{Cause, Change, Failure, Gone, Unreadable, UnreadableType};
use super::object::Object;
use super::query::{Freshness, ListQuery, WatchFrom, WatchQuery};
use super::version::ResourceVersion;

/// Names one list or watch call. What is said of a call that is over is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallId(u64);

/// A server's slip must not put a watch to sleep for good.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// What the caller has to do. At most one call is open at a time.
#[derive(Clone, Debug, PartialEq)]
pub enum Action<O> {
    /// Send a list.
    StartList {
        /// Its name from now on.
        call: CallId,
        /// What to ask for.
        query: ListQuery,
    },
    /// Send a watch.
    StartWatch {
        /// Its name from now on.
        call: CallId,
        /// What to ask for.
        query: WatchQuery,
    },
    /// Drop the call with its connection: nothing good comes from it any more.
    Cancel {
        /// Which.
        call: CallId,
    },
    /// Tell the consumer, who may take it as one step.
    Emit(Vec<Change<O>>),
}

/// What has happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Input<O> {
    /// The deadline has come.
    Tick,
    /// Something came that is no whole event yet: the head of the answer, or some bytes.
    Alive(CallId),
    /// Objects of a page, as they are decoded.
    Items(CallId, Vec<Result<O, Box<Unreadable>>>),
    /// The end of a page.
    Page {
        /// Which.
        call: CallId,
        /// `metadata.resourceVersion` of the list.
        resource_version: ResourceVersion,
        /// `metadata.continue` of the list; none or empty at the end.
        continue_token: Option<String>,
    },
    /// Events of a watch, as many as came at once.
    Events(CallId, Vec<Incoming<O>>),
    /// The watch's stream ended in an orderly way.
    Ended(CallId),
    /// The call failed: no answer, another status than 200, or a stream that broke.
    Failed(CallId, Failure),
    /// Drop the connection until [`Input::Resume`].
    Pause,
    /// Go on where it was paused.
    Resume,
    /// No more.
    Stop,
}

/// How the watch is doing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Health {
    /// Whether a complete state was told, ever, or the consumer has one.
    pub synced: bool,
    /// What is wrong; none once the server answers as it should.
    pub failure: Option<Failure>,
    /// Failures since the last progress.
    pub failures: u32,
    /// The last byte from the server.
    pub alive_at: Option<Instant>,
    /// The last event that told a change.
    pub event_at: Option<Instant>,
    /// The last bookmark.
    pub bookmark_at: Option<Instant>,
    /// Objects that could not be read, so far.
    pub quarantined: u64,
    /// When everything up to the server's state of that moment was known: the last event, bookmark or complete state.
    pub current_at: Option<Instant>,
}

impl Health {
    /// Whether everything is known that the server had a time `within` before `now`. It may serve as a readiness gate.
    ///
    /// Where nothing happens, an API server sends a bookmark a minute, give or take some seconds; so 90 s is a good measure, and less than
    /// 75 s would find fault with a watch that is fine.
    pub fn fresh_within(&self, within: Duration, now: Instant) -> bool {
        self.synced && self.current_at.is_some_and(|at| now.saturating_duration_since(at) <= within)
    }
}

/// The state machine. It is cheap when `O` is cheap to clone, as an `Arc` is.
#[derive(Debug)]
pub struct Machine<O> {
    config: Config,
    random: Random,
    state: State,
    /// What the next call is for, or the open one.
    goal: Goal,
    /// Everything up to here was told; empty before the first complete state.
    position: ResourceVersion,
    /// The objects told at exactly `position`: some servers give one version to several. `None`: all there can be.
    at_position: Option<Vec<O>>,
    /// Whether the server may be asked to stream the complete state.
    streams: bool,
    health: Health,
    /// Complete states since a watch was last healthy: they cost much, so they have a backoff of their own.
    restarts: u32,
    actions: VecDeque<Action<O>>,
    calls: u64,
}

#[derive(Debug)]
enum State {
    Open(Open),
    Waiting(Option<Instant>),
    Paused,
    Stopped,
}

/// An open call.
#[derive(Clone, Copy, Debug)]
struct Open {
    call: CallId,
    kind: Kind,
    started: Instant,
    /// Whether anything came.
    alive: bool,
    /// Whether something new came.
    progress: bool,
    idle_at: Option<Instant>,
    /// When the complete state has to be told, in a stream.
    complete_by: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    List,
    /// The first part of a watch, which tells the complete state.
    Stream,
    Watch,
}

#[derive(Debug)]
enum Goal {
    State(Listing),
    Watch,
}

/// A complete state on the way.
#[derive(Debug)]
struct Listing {
    cause: Cause,
    freshness: Freshness,
    /// Whether to ask for pages.
    paged: bool,
    /// What the first page had, and where the last one ended.
    page: Option<(ResourceVersion, String)>,
    /// Whether the consumer knows of this attempt.
    begun: bool,
}

/// Why a call is over.
#[derive(Debug)]
enum Over {
    Failed(Failure),
    /// The state streamed so far is of no use, and streaming it again would be neither.
    NoStream,
    /// Something may have been deleted that can't be known.
    Unreadable,
}

impl<O: Object + Clone> Machine<O> {
    /// A machine that begins at once. `seed` decides the jitter.
    pub fn new(config: Config, seed: u64, now: Instant) -> Self {
        let freshness = if config.any_first_state { Freshness::Any } else { Freshness::Latest };
        let mut machine = Self {
            streams: config.strategy == Strategy::Stream,
            goal: Goal::State(Listing::new(Cause::Start, freshness)),
            config,
            random: Random(seed),
            state: State::Paused,
            position: ResourceVersion::default(),
            at_position: None,
            health: Health::default(),
            restarts: 0,
            actions: VecDeque::new(),
            calls: 0,
        };
        machine.start(now);
        machine
    }

    /// The same, for a consumer that knows the state of this version: it is told what comes after it, and a complete state only when
    /// the server can't go on from there.
    pub fn after(config: Config, version: ResourceVersion, seed: u64, now: Instant) -> Self {
        let mut machine = Self::new(config, seed, now);
        machine.actions.clear();
        (machine.goal, machine.position) = (Goal::Watch, version);
        machine.health.synced = true;
        machine.start(now);
        machine
    }

    /// What to do next, in this order; none until the next input.
    pub fn poll(&mut self) -> Option<Action<O>> {
        self.actions.pop_front()
    }

    /// When [`Input::Tick`] is due.
    pub fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Open(open) => [open.idle_at, open.complete_by].into_iter().flatten().min(),
            State::Waiting(until) => *until,
            State::Paused | State::Stopped => None,
        }
    }

    /// How the watch is doing.
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// Takes in what has happened.
    pub fn input(&mut self, now: Instant, input: Input<O>) {
        match input {
            Input::Tick => self.tick(now),
            Input::Alive(call) => _ = self.heard(now, call),
            Input::Items(call, items) => {
                if self.heard(now, call) == Some(Kind::List) {
                    self.items(items);
                }
            }
            Input::Page { call, resource_version, continue_token } => {
                if self.heard(now, call) == Some(Kind::List) {
                    self.page(now, resource_version, continue_token.filter(|token| !token.is_empty()));
                }
            }
            Input::Events(call, events) => {
                if matches!(self.heard(now, call), Some(Kind::Stream | Kind::Watch)) {
                    self.events(now, events);
                }
            }
            Input::Ended(call) => self.ended(now, call),
            Input::Failed(call, failure) => {
                if let Some(open) = self.open(call) {
                    self.over(now, open, Over::Failed(failure));
                }
            }
            Input::Pause => {
                if !matches!(self.state, State::Stopped) {
                    self.leave(State::Paused);
                }
            }
            Input::Resume => {
                if matches!(self.state, State::Paused) {
                    self.health.failures = 0;
                    self.start(now);
                }
            }
            Input::Stop => self.leave(State::Stopped),
        }
    }

    fn open(&self, call: CallId) -> Option<Open> {
        match self.state {
            State::Open(open) if open.call == call => Some(open),
            _ => None,
        }
    }

    /// Takes a proof of life, and says of what kind of call, if it is open.
    fn heard(&mut self, now: Instant, call: CallId) -> Option<Kind> {
        let State::Open(open) = &mut self.state else { return None };
        if open.call != call {
            return None;
        }
        open.alive = true;
        open.idle_at = now.checked_add(self.config.idle);
        self.health.alive_at = Some(now);
        self.health.failure = None;
        Some(open.kind)
    }

    fn tick(&mut self, now: Instant) {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return;
        }
        let State::Open(open) = self.state else { return self.start(now) };
        self.actions.push_back(Action::Cancel { call: open.call });
        let late = open.complete_by.is_some_and(|by| now >= by);
        // Silence says nothing about what the server can do.
        let over = if late && open.alive {
            Over::NoStream
        } else {
            Over::Failed(Failure::local("nothing came from the server for too long"))
        };
        self.over(now, open, over);
    }

    /// Leaves an open call, if any, for another state.
    fn leave(&mut self, state: State) {
        if let State::Open(Open { call, .. }) = self.state {
            self.actions.push_back(Action::Cancel { call });
        }
        self.state = state;
    }

    /// Opens the call that the goal needs.
    fn start(&mut self, now: Instant) {
        self.calls += 1;
        let call = CallId(self.calls);
        let timeout = self.config.watch_timeout.saturating_add(self.random.below(self.config.watch_timeout));
        let (kind, action) = match &mut self.goal {
            Goal::Watch => {
                let query = WatchQuery { from: WatchFrom::Version(self.position.clone()), timeout };
                (Kind::Watch, Action::StartWatch { call, query })
            }
            Goal::State(listing) if self.streams => {
                listing.begun = false;
                let query = WatchQuery { from: WatchFrom::Everything(listing.freshness), timeout };
                (Kind::Stream, Action::StartWatch { call, query })
            }
            Goal::State(listing) => {
                // Without a token an attempt sees another version; with one it sees the same, so that what came stays good.
                listing.begun &= listing.page.is_some();
                let query = ListQuery {
                    limit: self.config.page.filter(|_| listing.paged),
                    continue_token: listing.page.as_ref().map(|(_, token)| token.clone()),
                    freshness: listing.freshness,
                };
                (Kind::List, Action::StartList { call, query })
            }
        };
        self.actions.push_back(action);
        self.state = State::Open(Open {
            call,
            kind,
            started: now,
            alive: false,
            progress: false,
            idle_at: now.checked_add(self.config.idle),
            complete_by: now.checked_add(self.config.initial_events).filter(|_| kind == Kind::Stream),
        });
    }

    /// Starts after a delay that grows with failures, and is no shorter than the server asks.
    fn start_later(&mut self, now: Instant, failure: Failure) {
        let before = self.health.failures.max(self.restarts);
        let backoff = self.config.backoff.delay(before, &mut self.random);
        let asked = failure.retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER);
        let delay = asked.max(backoff);
        self.health.failures = self.health.failures.saturating_add(1);
        self.health.failure = Some(failure);
        self.state = State::Waiting(now.checked_add(delay));
    }

    fn items(&mut self, items: Vec<Result<O, Box<Unreadable>>>) {
        let mut changes = Vec::with_capacity(items.len() + 1);
        self.begin(&mut changes);
        changes.extend(items.into_iter().map(|item| match item {
            Ok(object) => Change::Applied(object),
            Err(unreadable) => Change::Quarantined(unreadable),
        }));
        self.emit(changes);
    }

    fn page(&mut self, now: Instant, version: ResourceVersion, token: Option<String>) {
        let mut changes = Vec::new();
        self.begin(&mut changes);
        self.emit(changes);
        let Goal::State(listing) = &mut self.goal else { return };
        let before = listing.page.take();
        // The first page's version is the safe one to watch from, should a server not keep to it.
        let (version, token_before) = match before {
            Some((first, token)) => (first, Some(token)),
            None => (version, None),
        };
        let wrong = if version.as_str().is_empty() {
            Some("the list has no resourceVersion, so nothing can be watched from it")
        } else if token.is_some() && token == token_before {
            Some("the list goes on where it began")
        } else {
            None
        };
        if let Some(wrong) = wrong {
            self.start_later(now, Failure::local(wrong));
        } else if let Some(token) = token {
            listing.page = Some((version, token));
            self.start(now);
        } else {
            let mut changes = Vec::new();
            self.complete(now, version, &mut changes);
            self.emit(changes);
            self.start(now);
        }
    }

    fn events(&mut self, now: Instant, events: Vec<Incoming<O>>) {
        let mut changes = Vec::with_capacity(events.len() + 2);
        let mut over = None;
        for event in events {
            over = match self.goal {
                Goal::State(_) => self.state_event(now, event, &mut changes),
                Goal::Watch => self.watch_event(now, event, &mut changes),
            };
            if over.is_some() {
                break;
            }
        }
        self.emit(changes);
        if let (Some(over), State::Open(open)) = (over, &self.state) {
            let open = *open;
            self.actions.push_back(Action::Cancel { call: open.call });
            self.over(now, open, over);
        }
    }

    /// An event while the complete state is streamed. Changes may stand between the first objects and the end.
    fn state_event(
        &mut self,
        now: Instant,
        event: Incoming<O>,
        changes: &mut Vec<Change<O>>,
    ) -> Option<Over> {
        if !matches!(event, Incoming::Error(_)) {
            self.begin(changes);
        }
        match event {
            Incoming::Added(object) | Incoming::Modified(object) => changes.push(Change::Applied(object)),
            Incoming::Deleted(object) => changes.push(Change::Deleted(Gone::Object(object))),
            Incoming::Bookmark { resource_version, initial_events_end: true }
                if !resource_version.as_str().is_empty() =>
            {
                self.complete(now, resource_version, changes);
                if let State::Open(open) = &mut self.state {
                    *open =
                        Open { kind: Kind::Watch, started: now, progress: false, complete_by: None, ..*open };
                }
            }
            Incoming::Bookmark { .. } => {}
            Incoming::Error(failure) => return Some(Over::Failed(failure)),
            // A list has its objects one by one, so what can't be read there costs no more than itself.
            Incoming::Unreadable(unreadable) => {
                return quarantine(unreadable, changes).then_some(Over::NoStream);
            }
        }
        None
    }

    fn watch_event(
        &mut self,
        now: Instant,
        event: Incoming<O>,
        changes: &mut Vec<Change<O>>,
    ) -> Option<Over> {
        match event {
            Incoming::Added(object) | Incoming::Modified(object) => {
                if self.is_new(now, &object) {
                    changes.push(Change::Applied(object));
                }
            }
            Incoming::Deleted(object) => {
                if self.is_new(now, &object) {
                    changes.push(Change::Deleted(Gone::Object(object)));
                }
            }
            Incoming::Bookmark { resource_version, .. } => {
                if !resource_version.as_str().is_empty() && self.advance(now, resource_version.as_str()) {
                    self.at_position = None;
                    changes.push(Change::Bookmark { resource_version });
                }
                (self.health.current_at, self.health.bookmark_at) = (Some(now), Some(now));
            }
            Incoming::Error(failure) => return Some(Over::Failed(failure)),
            Incoming::Unreadable(unreadable) => {
                let version = unreadable.resource_version.as_ref().map(ResourceVersion::as_str);
                if let Some(version) = version.filter(|version| !version.is_empty()) {
                    if !self.advance(now, version) {
                        return None;
                    }
                    self.at_position = Some(Vec::new());
                }
                return quarantine(unreadable, changes).then_some(Over::Unreadable);
            }
        }
        None
    }

    /// Whether an event of a watch was not told yet.
    fn is_new(&mut self, now: Instant, object: &O) -> bool {
        self.health.event_at = Some(now);
        let version = object.resource_version();
        if version.is_empty() {
            return true;
        }
        if self.advance(now, version) {
            self.at_position = Some(vec![object.clone()]);
            return true;
        }
        // One version for several objects: new, unless it is the same object or all of that version is known.
        let Some(told) = self.at_position.as_mut().filter(|_| self.position.as_str() == version) else {
            return false;
        };
        let is_same = |other: &O| (other.namespace(), other.name()) == (object.namespace(), object.name());
        if told.iter().any(is_same) {
            return false;
        }
        told.push(object.clone());
        true
    }

    /// Moves the position, unless `version` is known not to be later. Versions that don't compare are taken in turn.
    fn advance(&mut self, now: Instant, version: &str) -> bool {
        let is_later = self.position.compare(version).is_none_or(std::cmp::Ordering::is_lt);
        if is_later {
            self.position.set(version);
            self.health.current_at = Some(now);
            if let State::Open(open) = &mut self.state {
                open.progress = true;
            }
            self.health.failures = 0;
        }
        is_later
    }

    fn begin(&mut self, changes: &mut Vec<Change<O>>) {
        if let Goal::State(listing) = &mut self.goal
            && !listing.begun
        {
            listing.begun = true;
            changes.push(Change::Begin { cause: listing.cause });
        }
    }

    /// The complete state was told; what follows are events after `version`.
    fn complete(&mut self, now: Instant, version: ResourceVersion, changes: &mut Vec<Change<O>>) {
        self.position.clone_from(&version);
        self.at_position = None;
        self.goal = Goal::Watch;
        self.health.current_at = Some(now);
        self.health.failures = 0;
        self.health.synced = true;
        changes.push(Change::End { resource_version: version });
    }

    fn emit(&mut self, changes: Vec<Change<O>>) {
        let bad = changes.iter().filter(|change| matches!(change, Change::Quarantined(_))).count();
        self.health.quarantined += u64::try_from(bad).unwrap_or_default();
        if changes.is_empty() {
            return;
        }
        // What came together is told together.
        match self.actions.back_mut() {
            Some(Action::Emit(before)) => before.extend(changes),
            _ => self.actions.push_back(Action::Emit(changes)),
        }
    }

    fn ended(&mut self, now: Instant, call: CallId) {
        let Some(open) = self.open(call) else { return };
        match open.kind {
            Kind::List => self.over(now, open, Over::Failed(Failure::local("the list broke off"))),
            Kind::Stream if open.alive => self.over(now, open, Over::NoStream),
            // That is how a watch ends every few minutes.
            Kind::Watch if open.progress || self.was_healthy(now, &open) => {
                self.credit(now, &open);
                self.start(now);
            }
            Kind::Stream | Kind::Watch => {
                let failure = Failure::local("the watch ended before anything came");
                self.over(now, open, Over::Failed(failure));
            }
        }
    }

    fn was_healthy(&self, now: Instant, open: &Open) -> bool {
        open.alive && now.saturating_duration_since(open.started) >= self.config.healthy_after
    }

    /// A healthy watch wipes out the failures before it.
    fn credit(&mut self, now: Instant, open: &Open) -> bool {
        let healthy = open.kind == Kind::Watch && self.was_healthy(now, open);
        if healthy {
            (self.health.failures, self.restarts) = (0, 0);
        }
        healthy
    }

    /// The open call is over: decides what comes next, and when.
    fn over(&mut self, now: Instant, open: Open, over: Over) {
        let healthy = self.credit(now, &open);
        match over {
            Over::NoStream => {
                self.streams = false;
                self.start(now);
            }
            Over::Unreadable => {
                let failure = Failure::local("an event could not be read, and may have been a deletion");
                self.restart(now, Cause::Unreadable, false, failure);
            }
            Over::Failed(failure) => match &mut self.goal {
                Goal::State(_) => self.state_failed(now, open.kind, failure),
                Goal::Watch if failure.is_gone() => self.restart(now, Cause::Expired, healthy, failure),
                Goal::Watch if failure.is_invalid() => self.restart(now, Cause::Rejected, false, failure),
                Goal::Watch => self.start_later(now, failure),
            },
        }
    }

    fn state_failed(&mut self, now: Instant, kind: Kind, failure: Failure) {
        let Goal::State(listing) = &mut self.goal else { return };
        if kind == Kind::Stream && failure.is_invalid() {
            self.streams = false;
            return self.start(now);
        }
        if failure.is_gone() || failure.is_invalid() {
            listing.freshness = Freshness::Latest;
            if listing.page.take().is_some() {
                // The list takes longer than the server keeps history: ask for all at once.
                listing.paged = false;
                return self.start(now);
            }
        }
        self.start_later(now, failure);
    }

    /// The watch can't go on: everything has to be told anew, always from the latest state, so that it never goes back.
    fn restart(&mut self, now: Instant, cause: Cause, at_once: bool, failure: Failure) {
        self.goal = Goal::State(Listing::new(cause, Freshness::Latest));
        if at_once {
            self.start(now);
        } else {
            self.start_later(now, failure);
        }
        self.restarts = self.restarts.saturating_add(1);
    }
}

impl Listing {
    fn new(cause: Cause, freshness: Freshness) -> Self {
        Self { cause, freshness, paged: true, page: None, begun: false }
    }
}

/// Reports an object that can't be read. What may have been a deletion has to be told as one, or found out by a list.
/// Says whether nothing less will do.
fn quarantine<O>(unreadable: Box<Unreadable>, changes: &mut Vec<Change<O>>) -> bool {
    let deleted = unreadable.key.clone().filter(|_| unreadable.event == UnreadableType::Deleted);
    let is_lost = unreadable.event != UnreadableType::Present && deleted.is_none();
    changes.push(Change::Quarantined(unreadable));
    changes.extend(deleted.map(|key| Change::Deleted(Gone::Key(key))));
    is_lost
}

#[cfg(test)]
pub(crate) mod simulation;
#[cfg(test)]
mod tests;
