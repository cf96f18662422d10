use std::time::Duration;

use futures_util::future::{join, join_all};
use k8s_api::transport::{Body, Fault, Lane, Sent};

use crate::config::Rate;
use crate::middleware::observe::Listener;
use crate::middleware::stack::Policies;
use crate::middleware::testing::{Diary, GET, Rig, Step, WATCH, answer, call};
use crate::middleware::{Preset, Waited};
use crate::outside::Outside as _;
use crate::outside::testing::Handle;

fn rig(qps: f64, burst: u32, steps: impl IntoIterator<Item = Step>) -> (Rig, Diary) {
    let diary = Diary::default();
    let listener = Listener::new(diary.clone());
    let policies = Policies { rate: Rate::new(qps, burst), listener, ..Policies::default() };
    (Rig::new(policies, steps), diary)
}

fn held(diary: &Diary) -> Vec<String> {
    diary.take().into_iter().filter(|line| line.starts_with("held")).collect()
}

#[test]
fn calls_go_at_the_rate_after_the_burst() {
    let (it, diary) = rig(10.0, 2, [answer(200)]);
    it.gets(5);
    assert_eq!(it.script.times(), [0, 0, 100, 200, 300]);
    let total = Duration::from_millis(600);
    assert_eq!(it.gauges.load().rate, Waited { waiting: 0, calls: 3, total });
    assert_eq!(held(&diary), ["held rate 100ms", "held rate 200ms", "held rate 300ms"]);

    // A pause fills it again, and not more than that.
    let clock = Handle(it.clock.clone());
    it.clock.run(clock.wait(it.clock.after(Duration::from_secs(100))));
    it.gets(3);
    assert_eq!(it.script.times()[5..], [100_000, 100_000, 100_100]);
}

#[test]
fn each_attempt_counts() {
    let (it, _) = rig(1.0, 1, [answer(503), answer(200)]);
    assert_eq!(it.get().unwrap(), 200);
    assert_eq!(it.script.times(), [0, 1000], "without the rate it would be 100");
}

#[test]
fn a_watch_counts_once_and_a_lease_never_waits() {
    let (it, _) = rig(1.0, 1, [answer(200)]);
    it.gets(1);
    let mut renewal = call(&GET, Body::Empty);
    renewal.meta.lane = Lane::Lease;
    let (watch, renewal) = (it.stack.send(call(&WATCH, Body::Empty)), it.stack.send(renewal));
    let after = it.stack.send(call(&GET, Body::Empty));
    let _ = it.clock.run(join_all([watch, renewal, after]));
    assert_eq!(it.script.times(), [0, 0, 1000, 2000]);
}

#[test]
fn a_wait_past_the_deadline_is_not_begun() {
    let (it, diary) = rig(10.0, 1, [answer(200)]);
    it.gets(1);
    let waits = it.begin(call(&GET, Body::Empty));
    let error = it.send(it.by(&GET, Duration::from_millis(200))).unwrap_err();
    assert_eq!((error.fault(), error.sent()), (Fault::Held, Sent::No));
    assert_eq!(
        error.to_string(),
        "it would wait 200ms, until after its deadline: this client sends 10 calls a second, 1 at once"
    );
    assert_eq!(
        (it.clock.passed(), it.script.times().len()),
        (Duration::ZERO, 1),
        "at once, and not tried again"
    );
    assert_eq!(held(&diary), ["held rate 0ns"]);
    it.clock.run(waits).unwrap();
    assert_eq!(it.script.times(), [0, 100]);
    assert_eq!(it.send(it.by(&GET, Duration::from_millis(201))).unwrap(), 200, "what fits goes");
}

#[test]
fn who_gives_up_lets_the_next_one_go() {
    let (it, _) = rig(10.0, 1, [answer(200)]);
    it.gets(1);
    let first = it.begin(call(&GET, Body::Empty));
    let second = it.begin(call(&GET, Body::Empty));
    let third = it.begin(call(&GET, Body::Empty));
    assert_eq!(it.gauges.load().rate.waiting, 3);
    drop(first);
    assert_eq!(it.gauges.load().rate.waiting, 2);
    let _ = it.clock.run(join(third, second));
    assert_eq!(it.script.times(), [0, 100, 200]);
}

#[test]
fn a_long_wait_is_logged_now_and_then() {
    let log = crate::test_log::capture();
    let (it, _) = rig(0.5, 1, [answer(200)]);
    it.gets(4);
    let text = log.take();
    assert_eq!(text.matches("WARN").count(), 1, "{text}");
    assert!(text.contains("this client sends 0.5 calls a second, 1 at once"), "{text}");
    assert!(text.contains("operation=get pods limit=\"rate\" waited=2s"), "{text}");
}

#[test]
fn a_rate_that_is_none_lets_nothing_through_and_does_not_panic() {
    for qps in [0.0, -1.0, f64::NAN, 1e-300] {
        let rate = Some(Rate { qps, burst: 0 });
        let it = Rig::new(Policies { rate, preset: Preset::DEFAULT, ..Policies::default() }, [answer(200)]);
        it.gets(1);
        let error = it.send(it.by(&GET, Duration::from_secs(60))).unwrap_err();
        assert!(error.to_string().starts_with("it would wait"), "{error}");
    }
}
