use std::time::Duration;

use k8s_api::transport::{Body, Fault, Lane, Sent};

use crate::middleware::observe::Listener;
use crate::middleware::stack::Policies;
use crate::middleware::testing::{Diary, End, GET, Piece, Rig, Step, WATCH, answer, call, fail, slow};
use crate::middleware::{Breaker, Circuit, Preset};
use crate::outside::Outside as _;
use crate::outside::testing::Handle;

const SECOND: Duration = Duration::from_secs(1);

/// Opens after three failures for ten seconds; nothing is tried again.
fn rig(steps: impl IntoIterator<Item = Step>) -> (Rig, Diary) {
    let diary = Diary::default();
    let policies = Policies {
        preset: Preset { attempts: 1, ..Preset::DEFAULT },
        breaker: Some(Breaker { failures: 3, pause: 10 * SECOND }),
        listener: Listener::new(diary.clone()),
        ..Policies::default()
    };
    (Rig::new(policies, steps), diary)
}

fn wait(it: &Rig, until: u32) {
    it.clock.run(Handle(it.clock.clone()).wait(it.clock.after(until * SECOND)));
}

fn circuits(diary: &Diary) -> Vec<String> {
    diary
        .take()
        .into_iter()
        .filter(|line| ["Open", "Try", "Clos"].iter().any(|it| line.starts_with(it)))
        .collect()
}

fn refusal(status: u16, body: &'static str) -> Step {
    Step {
        after: Duration::ZERO,
        end: End::Answer(status, vec![], vec![(Duration::ZERO, Piece::Bytes(body))]),
    }
}

const STATUS: &str = r#"{"kind":"Status","code":503}"#;

#[test]
fn it_opens_lets_one_try_and_closes() {
    let (it, diary) = rig([fail(Sent::No), fail(Sent::Unknown), fail(Sent::No), fail(Sent::No), answer(200)]);
    (0..3).for_each(|_| assert_eq!(it.get().unwrap_err().fault(), Fault::Broken));
    assert_eq!(it.gauges.load().circuit, Circuit::Open { last: "scripted".into() });

    wait(&it, 4);
    let error = it.get().unwrap_err();
    assert_eq!((error.fault(), error.sent()), (Fault::Held, Sent::No));
    assert_eq!(
        error.to_string(),
        "the server has not been there for 4s, so nothing is sent (one will try in 6s); at last: scripted"
    );
    assert_eq!(it.script.times().len(), 3);

    wait(&it, 10);
    assert_eq!(it.get().unwrap_err().fault(), Fault::Broken, "the one that tries");
    let error = it.get().unwrap_err().to_string();
    assert!(
        error.contains("for 10s") && error.contains("in 10s"),
        "open again, since the first time: {error}"
    );

    wait(&it, 20);
    assert_eq!((it.get().unwrap(), it.get().unwrap()), (200, 200));
    let open = "Open { last: \"scripted\" }";
    assert_eq!(circuits(&diary), [open, "Trying", open, "Trying", "Closed"]);
    assert_eq!(it.script.times(), [0, 0, 0, 10_000, 20_000, 20_000]);
}

#[test]
fn only_one_tries_and_one_that_gives_up_lets_another() {
    let (it, _) = rig([fail(Sent::No), fail(Sent::No), fail(Sent::No), slow(SECOND)]);
    (0..3).for_each(|_| assert!(it.get().is_err()));
    wait(&it, 10);
    let tries = it.begin(call(&GET, Body::Empty));
    let error = it.get().unwrap_err().to_string();
    assert!(error.contains("(one is trying now)"), "{error}");
    drop(tries);
    assert_eq!(it.get().unwrap(), 200);
    assert_eq!(it.gauges.load().circuit, Circuit::Closed);
}

#[test]
fn an_answer_of_the_server_is_no_failure() {
    let own = [400, 401, 403, 404, 409, 429, 500, 503].map(|status| refusal(status, STATUS));
    for there in own.into_iter().chain([refusal(404, "no status"), refusal(429, "")]) {
        let (it, _) = rig([fail(Sent::No), fail(Sent::No), there.clone(), fail(Sent::No)]);
        (0..4).for_each(|_| drop(it.get()));
        assert_eq!(it.gauges.load().circuit, Circuit::Closed, "{there:?}");
    }
}

#[test]
fn what_shows_that_nobody_is_there_is_one() {
    let hangs = Step { after: Duration::ZERO, end: End::Silence };
    for gone in [refusal(502, "<html>"), refusal(503, ""), fail(Sent::Unknown), hangs] {
        let (it, _) = rig([gone.clone()]);
        for _ in 0..3 {
            let mut get = call(&GET, Body::Empty);
            get.meta.limits.head = Some(SECOND);
            let _ = it.send(get);
        }
        assert_ne!(it.gauges.load().circuit, Circuit::Closed, "{gone:?}");
    }
    // What could not be sent says nothing about the server.
    let (it, _) = rig([Step { after: Duration::ZERO, end: End::Fail(Sent::No, Fault::Setup) }]);
    (0..9).for_each(|_| drop(it.get()));
    assert_eq!(it.gauges.load().circuit, Circuit::Closed);
}

#[test]
fn renewals_always_go_and_a_watch_counts_with_its_head() {
    let (it, _) = rig([fail(Sent::No), fail(Sent::No), fail(Sent::No), answer(200)]);
    (0..3).for_each(|_| drop(it.send(call(&WATCH, Body::Empty))));
    assert_eq!(it.get().unwrap_err().fault(), Fault::Held);
    let mut renewal = call(&GET, Body::Empty);
    renewal.meta.lane = Lane::Lease;
    assert_eq!(it.send(renewal).unwrap(), 200);
    assert_eq!(it.gauges.load().circuit, Circuit::Closed, "the server is there");

    let broken = vec![(Duration::ZERO, Piece::Broken)];
    let (it, _) = rig([Step { after: Duration::ZERO, end: End::Answer(200, vec![], broken) }]);
    (0..9).for_each(|_| drop(it.clock.run(it.stack.send(call(&WATCH, Body::Empty)))));
    assert_eq!(it.gauges.load().circuit, Circuit::Closed);
}

#[test]
fn an_open_circuit_is_not_tried_again() {
    let policies =
        Policies { breaker: Some(Breaker { failures: 1, ..Breaker::default() }), ..Policies::default() };
    let it = Rig::new(policies, [fail(Sent::No)]);
    assert_eq!(it.get().unwrap_err().fault(), Fault::Held, "the retry of the first call");
    assert_eq!((it.script.times(), it.clock.passed().as_millis()), (vec![0], 100));
}

#[test]
fn it_is_logged_when_it_opens_and_closes() {
    let log = crate::test_log::capture();
    let (it, _) = rig([fail(Sent::No), fail(Sent::No), fail(Sent::No), fail(Sent::No), answer(200)]);
    (0..3).for_each(|_| drop(it.get()));
    wait(&it, 10);
    drop(it.get());
    wait(&it, 20);
    drop(it.get());
    let text = log.take();
    assert_eq!((text.matches("WARN").count(), text.matches("INFO").count()), (1, 1), "{text}");
}
