//! The machine step by step, where the simulation only sees the outcome.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::simulation::Thing;
use super::{Action, CallId, Incoming, Input, Machine};
use crate::watch::{
    Cause, Change, Config, Failure, Freshness, Gone, Key, Strategy, Unreadable, UnreadableType, WatchFrom,
};

type Shared = Arc<Thing>;

struct Run {
    machine: Machine<Shared>,
    now: Instant,
}

fn thing(name: &str, version: &str) -> Shared {
    Arc::new(Thing { name: name.to_owned(), uid: String::new(), version: version.to_owned() })
}

fn failure(code: u16) -> Failure {
    Failure { code: Some(code), ..Failure::default() }
}

fn end(version: &str) -> Incoming<Shared> {
    Incoming::Bookmark { resource_version: version.into(), initial_events_end: true }
}

fn bookmark(version: &str) -> Incoming<Shared> {
    Incoming::Bookmark { resource_version: version.into(), initial_events_end: false }
}

impl Run {
    fn new(strategy: Strategy) -> Self {
        Self::with(Config { strategy, ..Config::default() })
    }

    fn with(config: Config) -> Self {
        let now = Instant::now();
        Self { machine: Machine::new(config, 1, now), now }
    }

    /// A machine that watches from version 10.
    fn watching() -> (Self, CallId) {
        let mut run = Self::new(Strategy::Stream);
        let (call, _) = run.watch();
        run.input(Input::Events(call, vec![end("10")]));
        run.changes();
        (run, call)
    }

    fn input(&mut self, input: Input<Shared>) {
        self.machine.input(self.now, input);
    }

    /// Lets time go on to the deadline, and says how long that was.
    fn wait(&mut self) -> Duration {
        let deadline = self.machine.deadline().expect("a deadline");
        let time = deadline - self.now;
        self.now = deadline;
        self.input(Input::Tick);
        time
    }

    fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        self.input(Input::Tick);
    }

    fn watch(&mut self) -> (CallId, WatchFrom) {
        match self.machine.poll() {
            Some(Action::StartWatch { call, query }) => (call, query.from),
            other => panic!("{other:?}"),
        }
    }

    /// A list's limit and token.
    fn list(&mut self) -> (CallId, Option<u32>, Option<String>) {
        match self.machine.poll() {
            Some(Action::StartList { call, query }) => (call, query.limit, query.continue_token),
            other => panic!("{other:?}"),
        }
    }

    fn cancelled(&mut self, expected: CallId) {
        assert_eq!(self.machine.poll(), Some(Action::Cancel { call: expected }));
    }

    fn changes(&mut self) -> Vec<Change<Shared>> {
        match self.machine.poll() {
            Some(Action::Emit(changes)) => changes,
            other => panic!("{other:?}"),
        }
    }

    fn nothing(&mut self) {
        assert_eq!(self.machine.poll(), None);
    }

    fn page(&mut self, call: CallId, version: &str, token: &str) {
        self.input(Input::Page {
            call,
            resource_version: version.into(),
            continue_token: Some(token.into()),
        });
    }
}

#[test]
fn a_streamed_state_becomes_the_watch() {
    let mut run = Run::new(Strategy::Stream);
    let (call, from) = run.watch();
    assert_eq!(from, WatchFrom::Everything(Freshness::Latest));
    run.input(Input::Events(
        call,
        vec![Incoming::Added(thing("a", "3")), end("10"), Incoming::Modified(thing("a", "11"))],
    ));
    let (a, b) = (Change::Applied(thing("a", "3")), Change::Applied(thing("a", "11")));
    assert_eq!(
        run.changes(),
        [Change::Begin { cause: Cause::Start }, a, Change::End { resource_version: "10".into() }, b]
    );
    assert!(run.machine.health().synced);
    run.input(Input::Ended(call));
    assert_eq!(run.watch().1, WatchFrom::Version("11".into()), "at once, and from where it was");
}

#[test]
fn a_list_comes_in_pages() {
    let mut run = Run::with(Config { strategy: Strategy::List, page: Some(2), ..Config::default() });
    let (call, limit, token) = run.list();
    assert_eq!((limit, token), (Some(2), None));
    run.input(Input::Items(call, vec![Ok(thing("a", "3"))]));
    assert_eq!(run.changes(), [Change::Begin { cause: Cause::Start }, Change::Applied(thing("a", "3"))]);
    run.page(call, "10", "next");
    let (call, _, token) = run.list();
    assert_eq!(token.as_deref(), Some("next"));
    run.input(Input::Failed(call, failure(500)));
    run.wait();
    let (call, _, token) = run.list();
    assert_eq!(token.as_deref(), Some("next"), "what came stays good");
    run.page(call, "99", "");
    assert_eq!(run.changes(), [Change::End { resource_version: "10".into() }]);
    assert_eq!(run.watch().1, WatchFrom::Version("10".into()));
}

#[test]
fn an_expired_token_lists_all_at_once() {
    let mut run = Run::new(Strategy::List);
    let (call, ..) = run.list();
    run.page(call, "10", "next");
    run.changes();
    let (call, ..) = run.list();
    run.input(Input::Failed(call, failure(410)));
    let (call, limit, token) = run.list();
    assert_eq!((limit, token), (None, None));
    run.page(call, "20", "");
    let begin = Change::Begin { cause: Cause::Start };
    assert_eq!(run.changes(), [begin], "what came is void");
}

#[test]
fn a_list_that_can_not_be_right_is_tried_again_later() {
    let mut run = Run::new(Strategy::List);
    let (call, ..) = run.list();
    run.page(call, "", "");
    run.changes();
    run.nothing();
    assert!(run.machine.health().failure.is_some());
    run.wait();
    let (call, ..) = run.list();
    run.page(call, "10", "again");
    run.changes();
    let (call, ..) = run.list();
    run.page(call, "10", "again");
    run.nothing();
    run.wait();
    assert_eq!(run.list().2, None);
}

#[test]
fn a_server_that_can_not_stream_is_asked_for_lists() {
    for code in [400, 422] {
        let mut run = Run::new(Strategy::Stream);
        let (call, _) = run.watch();
        run.input(Input::Failed(call, failure(code)));
        run.list();
    }
    // An old one ignores the parameters, and sends everything but the bookmark.
    let mut run = Run::new(Strategy::Stream);
    let (call, _) = run.watch();
    run.input(Input::Events(call, vec![Incoming::Added(thing("a", "3"))]));
    run.changes();
    assert_eq!(run.wait(), Config::default().initial_events);
    run.cancelled(call);
    run.list();
    // One that ends the stream before.
    let mut run = Run::new(Strategy::Stream);
    let (call, _) = run.watch();
    run.input(Input::Alive(call));
    run.input(Input::Ended(call));
    run.list();
}

#[test]
fn a_server_that_says_nothing_is_asked_to_stream_again() {
    let mut run = Run::new(Strategy::Stream);
    let (call, _) = run.watch();
    run.wait();
    run.cancelled(call);
    run.nothing();
    run.wait();
    assert_eq!(run.watch().1, WatchFrom::Everything(Freshness::Latest));
}

#[test]
fn silence_is_noticed_and_signs_of_life_count() {
    let (mut run, call) = Run::watching();
    let idle = Config::default().idle;
    for input in [
        Input::Alive(call),
        Input::Events(call, vec![bookmark("10")]),
        Input::Events(call, vec![Incoming::Added(thing("a", "9"))]),
    ] {
        run.pass(80);
        run.input(input);
        assert_eq!(run.machine.deadline(), Some(run.now + idle));
        run.nothing();
    }
    assert_eq!(run.wait(), idle);
    run.cancelled(call);
    assert!(run.wait() <= Config::default().backoff.first, "it was healthy");
    assert_eq!(run.watch().1, WatchFrom::Version("10".into()));
}

#[test]
fn expired_history_means_a_new_state() {
    let error = Incoming::Error(failure(410));
    let (mut run, call) = Run::watching();
    run.pass(20);
    run.input(Input::Events(
        call,
        vec![Incoming::Added(thing("a", "11")), error, Incoming::Added(thing("b", "12"))],
    ));
    assert_eq!(run.changes(), [Change::Applied(thing("a", "11"))], "nothing behind an error counts");
    run.cancelled(call);
    let (call, from) = run.watch();
    assert_eq!(from, WatchFrom::Everything(Freshness::Latest), "at once after a healthy watch");
    run.input(Input::Events(call, vec![end("20")]));
    assert_eq!(run.changes()[0], Change::Begin { cause: Cause::Expired });
    // Again and again: complete states are expensive, so the delays grow even though each brings news.
    let mut version = 20;
    let mut call = call;
    let mut delays = Vec::new();
    for _ in 0..4 {
        version += 1;
        run.input(Input::Events(call, vec![bookmark(&version.to_string())]));
        run.changes();
        run.input(Input::Failed(call, failure(410)));
        delays.push(run.wait());
        call = run.watch().0;
        version += 1;
        run.input(Input::Events(call, vec![end(&version.to_string())]));
        run.changes();
    }
    assert!(delays.windows(2).all(|pair| pair[0] < pair[1]), "{delays:?}");
    assert!(delays[0] >= Config::default().backoff.first / 2);
}

#[test]
fn a_refused_watch_waits_reports_and_recovers() {
    let mut run = Run::new(Strategy::Stream);
    for code in [401, 403, 404] {
        let (call, _) = run.watch();
        run.input(Input::Failed(call, failure(code)));
        run.nothing();
        assert!(run.machine.health().failure.as_ref().is_some_and(Failure::is_refused));
        run.wait();
    }
    assert_eq!(run.machine.health().failures, 3);
    let (call, _) = run.watch();
    run.input(Input::Events(call, vec![end("10")]));
    assert!(run.machine.health().synced);
    assert_eq!((run.machine.health().failures, &run.machine.health().failure), (0, &None));
}

#[test]
fn the_servers_wish_to_be_left_alone_is_obeyed() {
    for (asked, expected) in [(50, 50), (u64::MAX, 3600)] {
        let (mut run, call) = Run::watching();
        let retry_after = Some(Duration::from_secs(asked));
        run.input(Input::Failed(call, Failure { retry_after, ..failure(429) }));
        assert_eq!(run.wait(), Duration::from_secs(expected));
    }
}

#[test]
fn delays_grow_without_progress_and_shrink_with_it() {
    let (mut run, mut call) = Run::watching();
    let mut delays = Vec::new();
    for _ in 0..12 {
        run.input(Input::Alive(call));
        run.input(Input::Ended(call));
        run.nothing();
        delays.push(run.wait());
        call = run.watch().0;
    }
    let cap = Config::default().backoff.cap;
    assert!(delays[3] > delays[0] && delays[11] >= cap / 2 && delays[11] <= cap, "{delays:?}");
    run.input(Input::Events(call, vec![bookmark("11")]));
    run.changes();
    run.input(Input::Failed(call, Failure::default()));
    assert!(run.wait() <= Config::default().backoff.first);
}

#[test]
fn pause_resume_stop() {
    let (mut run, call) = Run::watching();
    run.input(Input::Pause);
    run.cancelled(call);
    assert_eq!(run.machine.deadline(), None);
    run.input(Input::Events(call, vec![Incoming::Added(thing("a", "11"))]));
    run.input(Input::Tick);
    run.nothing();
    run.input(Input::Resume);
    let (call, from) = run.watch();
    assert_eq!(from, WatchFrom::Version("10".into()));
    run.input(Input::Resume);
    run.nothing();
    run.input(Input::Stop);
    run.cancelled(call);
    run.input(Input::Pause);
    run.input(Input::Resume);
    run.nothing();
    assert_eq!(run.machine.deadline(), None);
}

#[test]
fn one_version_may_belong_to_several_objects() {
    let (mut run, call) = Run::watching();
    let both = vec![
        Incoming::Added(thing("a", "11")),
        Incoming::Added(thing("b", "11")),
        Incoming::Added(thing("a", "11")),
    ];
    run.input(Input::Events(call, both.clone()));
    assert_eq!(run.changes(), [Change::Applied(thing("a", "11")), Change::Applied(thing("b", "11"))]);
    run.input(Input::Ended(call));
    let (call, _) = run.watch();
    run.input(Input::Events(call, both));
    run.nothing();
}

#[test]
fn versions_that_are_no_numbers_are_taken_in_turn() {
    let mut run = Run::new(Strategy::Stream);
    let (call, _) = run.watch();
    run.input(Input::Events(call, vec![end("x")]));
    run.changes();
    let events = vec![
        Incoming::Added(thing("a", "b")),
        Incoming::Added(thing("a", "b")),
        Incoming::Added(thing("a", "a")),
    ];
    run.input(Input::Events(call, events));
    assert_eq!(run.changes(), [Change::Applied(thing("a", "b")), Change::Applied(thing("a", "a"))]);
    run.input(Input::Events(call, vec![Incoming::Added(thing("a", "")), bookmark("")]));
    assert_eq!(run.changes(), [Change::Applied(thing("a", ""))]);
    run.input(Input::Ended(call));
    assert_eq!(run.watch().1, WatchFrom::Version("a".into()));
}

#[test]
fn what_can_not_be_read_costs_only_itself() {
    let bad = |event, name: Option<&str>| {
        Box::new(Unreadable {
            event,
            key: name.map(|name| Key { namespace: "ns".into(), name: name.into() }),
            resource_version: name.map(|_| "11".into()),
            beginning: Bytes::from_static(b"{"),
            error: "bad".into(),
        })
    };
    let (mut run, call) = Run::watching();
    let deleted = bad(UnreadableType::Deleted, Some("a"));
    run.input(Input::Events(
        call,
        vec![Incoming::Unreadable(deleted.clone()), Incoming::Added(thing("b", "12"))],
    ));
    let gone = Change::Deleted(Gone::Key(Key { namespace: "ns".into(), name: "a".into() }));
    assert_eq!(run.changes(), [Change::Quarantined(deleted), gone, Change::Applied(thing("b", "12"))]);
    let present = bad(UnreadableType::Present, None);
    run.input(Input::Events(call, vec![Incoming::Unreadable(present.clone())]));
    assert_eq!(run.changes(), [Change::Quarantined(present)]);
    run.nothing();
    // Nobody knows what was deleted here, and a deleted object must not stay.
    run.input(Input::Events(call, vec![Incoming::Unreadable(bad(UnreadableType::Deleted, None))]));
    run.changes();
    run.cancelled(call);
    run.wait();
    let (call, _) = run.watch();
    run.input(Input::Events(call, vec![end("13")]));
    assert_eq!(run.changes()[0], Change::Begin { cause: Cause::Unreadable });
}
