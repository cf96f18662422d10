//! The policies together, in virtual time.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::StreamExt as _;
use k8s_api::transport::{Body, Fault, ReplyBody, Sent};
use proptest::prelude::*;

use super::observe::Listener;
use super::preset::Preset;
use super::stack::{Policies, stack};
use super::testing::*;
use crate::auth::{Answer, Credential, Proof};
use crate::outside::testing::{Handle, Virtual};
use crate::secret::Secret;

fn rig(steps: impl IntoIterator<Item = Step>) -> Rig {
    Rig::new(Policies::default(), steps)
}

fn rig_with(
    preset: Preset,
    credential: Option<Arc<dyn Credential>>,
    steps: impl IntoIterator<Item = Step>,
) -> Rig {
    Rig::with(Policies { preset, ..Policies::default() }, credential, steps)
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_read_is_repeated_until_it_succeeds() {
    for bad in [fail(Sent::Unknown), fail(Sent::No), answer(503), answer(500), answer(429), answer(408)] {
        let it = rig([bad.clone(), bad, answer(200)]);
        assert_eq!(it.get().unwrap(), 200);
        assert_eq!(it.script.times(), [0, 100, 300]);
        let attempts: Vec<u32> = it.script.seen.lock().unwrap().iter().map(|seen| seen.attempt).collect();
        assert_eq!(attempts, [0, 1, 2]);
    }
}

#[test]
fn the_last_answer_is_the_callers() {
    let it = rig([answer(503), answer(500), answer(502), answer(200)]);
    assert_eq!(it.get().unwrap(), 502);
    assert_eq!(it.script.times().len(), 3);
}

#[test]
fn each_preset_has_its_attempts() {
    for (preset, times) in [
        (Preset::DEFAULT, vec![0, 100, 300]),
        (Preset::AGGRESSIVE, vec![0, 50, 125, 237, 406]),
        (Preset::CONSERVATIVE, vec![0, 200]),
    ] {
        let it = rig_with(preset, None, [fail(Sent::No)]);
        assert_eq!(it.get().unwrap_err().sent(), Sent::No);
        assert_eq!(it.script.times(), times);
    }
}

#[test]
fn a_write_is_repeated_only_when_it_was_not_processed() {
    for (bad, sends) in [
        (fail(Sent::No), 2),
        (fail(Sent::Refused), 2),
        (answer(429), 2),
        (fail(Sent::Unknown), 1),
        (answer(500), 1),
        (answer(503), 1),
        (answer(504), 1),
    ] {
        let it = rig([bad.clone(), answer(201)]);
        let _ = it.send(call(&CREATE, Body::Bytes("{}".into())));
        assert_eq!(it.script.times().len(), sends, "{bad:?}");
    }
}

#[test]
fn the_answer_to_an_eviction_is_the_callers() {
    let it = rig([answer(429), answer(201)]);
    assert_eq!(it.send(call(&EVICT, Body::Empty)).unwrap(), 429);
    let it = rig([fail(Sent::No), answer(201)]);
    assert_eq!(it.send(call(&EVICT, Body::Empty)).unwrap(), 201);
}

#[test]
fn a_stream_is_sent_once() {
    let it = rig([fail(Sent::No), answer(200)]);
    assert!(it.send(call(&GET, stream_body())).is_err());
    assert_eq!(it.script.times(), [0]);
}

#[test]
fn retry_after_is_obeyed_and_kept_within_the_deadline() {
    let it = rig([answer_with(429, ("retry-after", "7")), answer(200)]);
    assert_eq!(it.send(it.by(&GET, 60 * SECOND)).unwrap(), 200);
    assert_eq!(it.script.times(), [0, 7005], "a little later, never earlier");

    let it = rig([answer_with(503, ("retry-after", "Fri, 15 Jan 2027 08:00:03 GMT")), answer(200)]);
    assert_eq!(it.send(it.by(&GET, 60 * SECOND)).unwrap(), 200);
    assert_eq!(it.script.times(), [0, 3005], "the virtual date is 2027-01-15 08:00:00");

    let it = rig([answer_with(429, ("retry-after", "60")), answer(200)]);
    assert_eq!(it.send(it.by(&GET, 30 * SECOND)).unwrap(), 429);
    assert_eq!((it.script.times(), it.clock.passed()), (vec![0], Duration::ZERO), "known at once");

    let it = rig([answer_with(429, ("retry-after", "99999999999999999999")), answer(200)]);
    assert_eq!(it.get().unwrap(), 429, "without a deadline nobody waits for ever");
}

#[test]
fn the_deadline_ends_everything() {
    // While the server says nothing.
    let it = rig([Step { after: Duration::ZERO, end: End::Silence }]);
    let error = it.send(it.by(&GET, 5 * SECOND)).unwrap_err();
    assert_eq!((error.fault(), error.sent(), it.clock.passed()), (Fault::Timeout, Sent::Unknown, 5 * SECOND));

    // In the middle of a body, for a call that reads it itself.
    let slow = vec![(SECOND, Piece::Bytes("a")); 10];
    let it = rig([Step { after: Duration::ZERO, end: End::Answer(200, vec![], slow) }]);
    let mut watch = it.by(&WATCH, 5 * SECOND + SECOND / 2);
    watch.meta.limits.idle = Some(2 * SECOND);
    let items = it.clock.run(async {
        match it.stack.send(watch).await.unwrap().body {
            ReplyBody::Stream(stream) => stream.collect::<Vec<_>>().await,
            other => panic!("{other:?}"),
        }
    });
    assert_eq!(items.len(), 6);
    assert_eq!(items[5].as_ref().unwrap_err().fault(), Fault::Timeout);
    assert_eq!(it.clock.passed().as_millis(), 5500);

    // Before it begins.
    let it = rig([answer(200)]);
    let call = it.by(&GET, Duration::ZERO);
    let error = it.send(call).unwrap_err();
    assert_eq!((error.fault(), error.sent(), it.script.times().len()), (Fault::Timeout, Sent::No, 0));
}

#[test]
fn an_attempt_that_hangs_leaves_time_for_another() {
    let it = rig([Step { after: Duration::ZERO, end: End::Silence }, answer(200)]);
    let mut get = it.by(&GET, 60 * SECOND);
    get.meta.limits.head = Some(10 * SECOND);
    assert_eq!(it.send(get).unwrap(), 200);
    assert_eq!(it.script.times(), [0, 10_100]);

    let it = rig([Step { after: Duration::ZERO, end: End::Silence }, answer(200)]);
    let mut create = it.by(&CREATE, 60 * SECOND);
    create.meta.limits.head = Some(10 * SECOND);
    let error = it.send(create).unwrap_err();
    assert_eq!((error.to_string().as_str(), it.script.times().len()), ("no answer came within 10s", 1));
}

#[test]
fn silence_in_the_middle_of_a_body_ends_it() {
    let pieces =
        vec![(SECOND, Piece::Bytes("a")), (SECOND, Piece::Bytes("b")), (9 * SECOND, Piece::Bytes("c"))];
    let it = rig([Step { after: Duration::ZERO, end: End::Answer(200, vec![], pieces) }]);
    let mut watch = call(&WATCH, Body::Empty);
    watch.meta.limits.idle = Some(3 * SECOND);
    let items = it.clock.run(async {
        match it.stack.send(watch).await.unwrap().body {
            ReplyBody::Stream(stream) => stream.collect::<Vec<_>>().await,
            other => panic!("{other:?}"),
        }
    });
    let error = items[2].as_ref().unwrap_err();
    assert_eq!(error.to_string(), "nothing came for 3s in the middle of the answer");
    assert_eq!((items.len(), it.clock.passed()), (3, 5 * SECOND), "and nothing after it");
}

#[test]
fn a_body_that_breaks_off_is_a_failed_attempt() {
    let broken = vec![(Duration::ZERO, Piece::Bytes("{\"a\"")), (Duration::ZERO, Piece::Broken)];
    let broken = |status| Step { after: Duration::ZERO, end: End::Answer(status, vec![], broken.clone()) };
    let it = rig([broken(200), answer(200)]);
    let reply = it.clock.run(it.stack.send(call(&GET, Body::Empty))).unwrap();
    assert!(matches!(reply.body, ReplyBody::Whole(bytes) if bytes == "ok"));
    assert_eq!(it.script.times(), [0, 100]);

    let it = rig([broken(201), answer(201)]);
    let error = it.send(call(&CREATE, Body::Empty)).unwrap_err();
    assert_eq!(error.to_string(), "after 201 Created: broke off");
    assert_eq!((error.sent(), it.script.times().len()), (Sent::Unknown, 1));

    // Of a refusal, what came is enough.
    let it = rig([broken(403), answer(200)]);
    assert_eq!(it.get().unwrap(), 403);
}

#[test]
fn an_outage_ends_in_few_retries() {
    let it = rig([fail(Sent::No)]);
    for _ in 0..1000 {
        it.get().unwrap_err();
    }
    assert_eq!(it.script.times().len(), 1100, "a thousand calls and the budget");
}

/// Tokens `1`, `2`, ...: the next one each time it is renewed, up to `last`.
struct Numbered {
    current: Mutex<u32>,
    last: u32,
}

fn numbered(number: u32) -> Proof {
    Proof::bearer(&Secret::new(number.to_string()))
}

impl Credential for Numbered {
    fn proof(&self) -> Answer<Proof> {
        let proof = numbered(*self.current.lock().unwrap());
        Box::pin(async { Ok(proof) })
    }

    fn renew(&self, rejected: &Proof) -> Answer<Option<Proof>> {
        let mut current = self.current.lock().unwrap();
        assert_eq!(*rejected, numbered(*current));
        let next = (*current < self.last).then(|| *current + 1);
        *current = next.unwrap_or(*current);
        Box::pin(async move { Ok(next.map(numbered)) })
    }
}

#[test]
fn an_observer_hears_of_a_refused_credential() {
    let diary = Diary::default();
    let policies = Policies { listener: Listener::new(diary.clone()), ..Policies::default() };
    let credential = Arc::new(Numbered { current: Mutex::new(1), last: 2 });
    let it = Rig::with(policies, Some(credential), [answer(401)]);
    assert_eq!((it.get().unwrap(), it.get().unwrap()), (401, 401));
    let told: Vec<_> = diary.take().into_iter().filter(|line| line.starts_with("credential")).collect();
    assert_eq!(told, ["credential renewed=true", "credential renewed=false"]);
}

fn with_tokens(last: u32, steps: impl IntoIterator<Item = Step>) -> Rig {
    rig_with(Preset::DEFAULT, Some(Arc::new(Numbered { current: Mutex::new(1), last })), steps)
}

fn tokens(rig: &Rig) -> Vec<String> {
    let seen = rig.script.seen.lock().unwrap();
    seen.iter().map(|seen| seen.authorization.clone().unwrap_or_default()).collect()
}

#[test]
fn a_401_renews_once_and_replays_once() {
    let it = with_tokens(9, [answer(401), answer(201)]);
    assert_eq!(it.send(call(&CREATE, Body::Bytes("{}".into()))).unwrap(), 201);
    assert_eq!(tokens(&it), ["Bearer 1", "Bearer 2"]);
    assert_eq!(it.script.times(), [0, 0]);

    let it = with_tokens(9, [answer(401)]);
    assert_eq!(it.get().unwrap(), 401);
    assert_eq!(tokens(&it), ["Bearer 1", "Bearer 2"], "once");

    let it = with_tokens(1, [answer(401), answer(200)]);
    assert_eq!(it.get().unwrap(), 401, "there is no other token to try");
    assert_eq!(tokens(&it), ["Bearer 1"]);

    let it = with_tokens(9, [answer(401), answer(200)]);
    assert_eq!(it.send(call(&GET, stream_body())).unwrap(), 401, "a stream can't be sent again");
}

#[test]
fn a_retry_sends_the_newest_token() {
    let it = with_tokens(9, [answer(401), answer(503), answer(200)]);
    assert_eq!(it.get().unwrap(), 200);
    assert_eq!(tokens(&it), ["Bearer 1", "Bearer 2", "Bearer 2"]);
}

#[test]
fn a_token_that_no_header_can_carry_is_not_shown() {
    struct Bad;
    impl Credential for Bad {
        fn proof(&self) -> Answer<Proof> {
            Box::pin(async { Ok(Proof::bearer(&Secret::new("hunter2\nx"))) })
        }
        fn renew(&self, _: &Proof) -> Answer<Option<Proof>> {
            Box::pin(async { Ok(None) })
        }
    }
    let it = rig_with(Preset::DEFAULT, Some(Arc::new(Bad)), [answer(200)]);
    let error = it.get().unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"));
    assert_eq!((error.fault(), it.script.times().len()), (Fault::Credential, 0), "and not tried again");
}

#[test]
fn whoever_asks_as_somebody_says_so_in_each_attempt() {
    let clock = Virtual::new();
    let script = Script::new(&clock, [answer(401), answer(503), answer(200)]);
    let mut ann = crate::config::Impersonation::user("ann");
    ann.groups = vec!["a".to_owned(), "b".to_owned()];
    let below = super::impersonate::layer(script.clone(), ann.headers().unwrap());
    let credential = Arc::new(Numbered { current: Mutex::new(1), last: 9 });
    let (stack, _) = stack(below, Some(credential), Policies::default(), Arc::new(Handle(clock.clone())));
    assert_eq!(clock.run(stack.send(call(&GET, Body::Empty))).unwrap().head.status, 200);
    let seen = script.seen.lock().unwrap();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|seen| seen.impersonated == ["ann", "a", "b"]), "{seen:?}");
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let sent = prop_oneof![Just(Sent::No), Just(Sent::Refused), Just(Sent::Unknown)];
    let fault =
        prop_oneof![Just(Fault::Broken), Just(Fault::Timeout), Just(Fault::Setup), Just(Fault::Credential)];
    let status = proptest::sample::select(vec![200u16, 201, 400, 404, 409, 408, 429, 500, 502, 503, 504]);
    let headers = proptest::option::of(0u64..20)
        .prop_map(|wish| wish.map(|wish| ("retry-after", wish.to_string())).into_iter().collect());
    let piece = (0u64..5000, prop_oneof![4 => Just(Piece::Bytes("x")), 1 => Just(Piece::Broken)])
        .prop_map(|(after, piece)| (Duration::from_millis(after), piece));
    let end = prop_oneof![
        6 => (status, headers, proptest::collection::vec(piece, 0..3)).prop_map(|(s, h, p)| End::Answer(s, h, p)),
        6 => (sent, fault).prop_map(|(sent, fault)| End::Fail(sent, fault)),
        1 => Just(End::Silence),
    ];
    let step = (0u64..20_000, end).prop_map(|(after, end)| Step { after: Duration::from_millis(after), end });
    proptest::collection::vec(step, 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig {
        // The same cases every time.
        rng_seed: proptest::test_runner::RngSeed::Fixed(4),
        failure_persistence: None,
        ..ProptestConfig::with_cases(2000)
    })]

    /// Whatever the server does, the promises of the policies hold.
    #[test]
    fn promises(
        steps in steps(),
        op in proptest::sample::select(vec![&GET, &CREATE, &EVICT, &NEVER]),
        preset in proptest::sample::select(vec![Preset::DEFAULT, Preset::AGGRESSIVE, Preset::CONSERVATIVE]),
        deadline in 1u64..40_000,
        head in proptest::option::of(1u64..10_000),
        streamed in any::<bool>(),
        chances in proptest::collection::vec(0.0f64..1.0, 0..8),
    ) {
        let it = rig_with(preset, None, steps.clone());
        it.clock.chances(&chances);
        let deadline = Duration::from_millis(deadline);
        let mut sent = it.by(op, deadline);
        if streamed {
            sent.body = stream_body();
        }
        sent.meta.whole = true;
        sent.meta.limits.head = head.map(Duration::from_millis);
        let result = it.clock.run(it.stack.send(sent));
        prop_assert!(it.clock.passed() <= deadline, "it ended after {:?}", it.clock.passed());
        drop(result);

        let seen = it.script.seen.lock().unwrap().clone();
        prop_assert!(seen.len() <= preset.attempts as usize);
        prop_assert!(seen.iter().all(|seen| seen.at < deadline));
        if streamed {
            prop_assert_eq!(seen.len(), 1);
        }
        // What each attempt but the last one ended with: it was repeated, so it had to be allowed.
        let step = |index: usize| steps.get(index).or(steps.last()).expect("a step");
        for (index, pair) in seen.windows(2).enumerate() {
            let Step { after, end } = step(index);
            let hung = head.is_some_and(|head| *after >= Duration::from_millis(head));
            let unprocessed = !hung
                && match end {
                    End::Fail(sent, fault) => *sent != Sent::Unknown && !fault.lasts(),
                    End::Answer(status, ..) => *status == 429 && op.retry == k8s_api::operation::Retry::Write,
                    End::Silence => false,
                };
            let allowed = match op.retry {
                k8s_api::operation::Retry::Never => false,
                k8s_api::operation::Retry::Read => true,
                _ => unprocessed,
            };
            prop_assert!(allowed, "{:?} was sent again after {:?}", op.verb, end);
            // A 200 whose body broke off says nothing about when to come back.
            if let (End::Answer(400.., headers, _), false) = (end, hung) {
                let wish = headers.first().map_or(0, |(_, wish)| wish.parse().unwrap());
                prop_assert!(pair[1].at >= pair[0].at + *after + Duration::from_secs(wish));
            }
        }
    }
}
