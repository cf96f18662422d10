use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::StatusCode;
use k8s_api::operation::{Operation, Retry, Verb};
use k8s_api::time::Time;
use k8s_api::transport::{
    Body, Call, Fault, Lane, Reply, ReplyBody, Sending, Sent, Transport, TransportError,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::middleware::Preset;
use crate::middleware::observe::Listener;
use crate::middleware::stack::{Policies, stack};
use crate::middleware::testing::{CREATE, Diary, EVICT};
use crate::outside::Outside as _;
use crate::outside::testing::{Handle, Virtual};

const SECOND: Duration = Duration::from_secs(1);

/// What happens to one create.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    /// It is stored and answered.
    Done,
    /// It is stored, and the answer is lost: a 503 instead, or no connection any more.
    DoneThen(u16),
    DoneAndBroken,
    /// It is not stored.
    Lost(u16),
    Broken,
    /// The caller has a 504, and so many milliseconds later it is stored all the same.
    Later(u64),
}

/// As much of an API server as keeps one object.
struct Server {
    clock: Arc<Virtual>,
    state: Mutex<State>,
}

struct State {
    fates: VecDeque<Fate>,
    stored: Option<Value>,
    /// When, since the start, which object comes.
    coming: Vec<(Duration, Value)>,
    creates: u32,
    reads: Vec<String>,
    lanes: Vec<Lane>,
    /// What a read answers instead, after so many.
    read: Option<(usize, u16, Value)>,
    /// How far its clock is from ours, in seconds; `None` if it does not say.
    ahead: Option<i64>,
}

impl Server {
    fn time(&self, ahead: i64) -> SystemTime {
        let ours = Handle(self.clock.clone()).date();
        let by = Duration::from_secs(ahead.unsigned_abs());
        if ahead < 0 { ours - by } else { ours + by }
    }

    /// With what a server adds.
    fn stored(&self, mut object: Value, ahead: i64) -> Value {
        let now = Time::try_from(self.time(ahead)).unwrap();
        object["metadata"]["creationTimestamp"] =
            json!(Time::from_unix(now.unix_seconds(), 0).unwrap().to_string());
        object["metadata"]["uid"] = json!("u");
        object["spec"]["added"] = json!("by default");
        object
    }

    fn answer(&self, call: &Call) -> Result<Reply, TransportError> {
        let mut state = self.state.lock().unwrap();
        let ahead = state.ahead.unwrap_or_default();
        let passed = self.clock.passed();
        let come = state.coming.extract_if(.., |(at, _)| *at <= passed).map(|(_, object)| object).next();
        state.stored = state.stored.take().or(come);
        let reply = |code: u16, body: Value| {
            let (mut head, ()) = http::Response::new(()).into_parts();
            head.status = StatusCode::from_u16(code).unwrap();
            if state.ahead.is_some() {
                let date = httpdate::fmt_http_date(self.time(ahead));
                head.headers.insert("date", date.parse().unwrap());
            }
            Ok(Reply::new(head, ReplyBody::Whole(Bytes::from(body.to_string()))))
        };
        let broken = || Err(TransportError::new(Sent::Unknown, Fault::Broken, "it broke"));
        if call.head.method == "GET" {
            assert!(call.meta.limits.head.is_some() && matches!(call.body, Body::Empty));
            assert!(call.head.headers.get("content-type").is_none());
            let result = match (&state.read, &state.stored) {
                (Some((after, code, body)), _) if state.reads.len() >= *after => reply(*code, body.clone()),
                (_, Some(object)) => reply(200, object.clone()),
                (_, None) => {
                    let details = json!({ "name": "a", "kind": "pods" });
                    reply(404, json!({ "kind": "Status", "reason": "NotFound", "details": details }))
                }
            };
            state.reads.push(format!("{} {}", call.meta.op, call.head.uri));
            state.lanes.push(call.meta.lane);
            return result;
        }
        let Body::Bytes(body) = &call.body else { panic!("no body") };
        let object = self.stored(serde_json::from_slice(body).unwrap(), ahead);
        let exists = json!({ "kind": "Status", "reason": "AlreadyExists", "code": 409, "message": "the server's own" });
        let (taken, fate) = (state.stored.is_some(), state.fates.front().copied().unwrap_or(Fate::Done));
        let result = match fate {
            Fate::Lost(code) => reply(code, json!({ "kind": "Status" })),
            Fate::Broken | Fate::DoneAndBroken => broken(),
            Fate::Later(_) => reply(504, json!({ "kind": "Status" })),
            Fate::DoneThen(code) => reply(code, json!("a proxy's page")),
            Fate::Done if taken => reply(409, exists),
            Fate::Done => reply(201, object.clone()),
        };
        state.creates += 1;
        state.fates.pop_front();
        match fate {
            Fate::Later(after) => state.coming.push((passed + Duration::from_millis(after), object)),
            Fate::Done | Fate::DoneThen(_) | Fate::DoneAndBroken if !taken => state.stored = Some(object),
            _ => {}
        }
        result
    }
}

struct Rig {
    clock: Arc<Virtual>,
    server: Arc<Server>,
    stack: Arc<dyn Transport>,
    diary: Diary,
}

impl Transport for Server {
    fn send(&self, call: Call) -> Sending {
        Box::pin(std::future::ready(self.answer(&call)))
    }
}

fn rig_with(policies: Policies, fates: &[Fate]) -> Rig {
    let clock = Virtual::new();
    let state = State {
        fates: fates.iter().copied().collect(),
        stored: None,
        coming: vec![],
        creates: 0,
        reads: vec![],
        lanes: vec![],
        read: None,
        ahead: Some(0),
    };
    let server = Arc::new(Server { clock: clock.clone(), state: Mutex::new(state) });
    let diary = Diary::default();
    let policies = Policies { answer: Some(30 * SECOND), listener: Listener::new(diary.clone()), ..policies };
    let (stack, _) = stack(server.clone(), None, policies, Arc::new(Handle(clock.clone())));
    Rig { clock, server, stack, diary }
}

fn rig(fates: &[Fate]) -> Rig {
    rig_with(Policies::default(), fates)
}

fn create_of(op: &'static Operation, uri: &str, body: Value) -> Call {
    let request = http::Request::post(uri).header("content-type", "application/json");
    Call::new(op, request.body(Body::Bytes(Bytes::from(body.to_string()))).unwrap())
}

fn create() -> Call {
    create_of(&CREATE, "/api/v1/namespaces/web/pods?fieldManager=me", sent())
}

fn sent() -> Value {
    json!({ "kind": "Pod", "metadata": { "name": "a" }, "spec": { "x": 1 } })
}

type Answered = Result<(u16, Value), TransportError>;

impl Rig {
    fn send(&self, call: Call) -> Answered {
        let reply = self.clock.run(self.stack.send(call))?;
        let ReplyBody::Whole(body) = reply.body else { panic!("not whole") };
        Ok((reply.head.status.as_u16(), serde_json::from_slice(&body).unwrap()))
    }

    fn counts(&self) -> (u32, usize) {
        let state = self.server.state.lock().unwrap();
        (state.creates, state.reads.len())
    }

    /// Somebody else's object was there so long ago.
    fn occupied(&self, ago: i64, change: impl Fn(&mut Value)) {
        let mut state = self.server.state.lock().unwrap();
        let ahead = state.ahead.unwrap_or_default();
        let mut object = self.server.stored(sent(), ahead - ago);
        change(&mut object);
        state.stored = Some(object);
    }
}

#[test]
fn what_is_there_after_a_lost_answer_is_the_answer() {
    for fate in [
        Fate::DoneThen(503),
        Fate::DoneThen(504),
        Fate::DoneThen(500),
        Fate::DoneThen(502),
        Fate::DoneAndBroken,
    ] {
        let it = rig(&[fate]);
        let (code, object) = it.send(create()).unwrap();
        assert_eq!((code, &object["metadata"]["uid"]), (200, &json!("u")), "{fate:?}");
        assert_eq!(it.counts(), (1, 1), "one create, one read");
        assert_eq!(it.clock.passed().as_millis(), 100, "whatever held the answer up may still be at work");
        let reads = it.server.state.lock().unwrap().reads.clone();
        assert_eq!(reads, ["get pods /api/v1/namespaces/web/pods/a"]);
    }
}

#[test]
fn what_is_not_there_is_created_again() {
    for fate in [Fate::Lost(503), Fate::Lost(500), Fate::Broken] {
        let it = rig(&[fate, fate]);
        assert_eq!(it.send(create()).unwrap().0, 201, "{fate:?}");
        assert_eq!((it.counts(), it.clock.passed().as_millis()), ((3, 2), 300));
        assert!(it.diary.take().iter().any(|line| line.starts_with("retrying create pods after")));
    }
}

#[test]
fn as_often_as_the_preset_allows_and_then_it_is_looked_up_once_more() {
    let it = rig(&[Fate::Lost(503); 9]);
    assert_eq!((it.send(create()).unwrap().0, it.counts()), (503, (3, 3)));
    let it = rig(&[Fate::Lost(503), Fate::Lost(503), Fate::DoneThen(503)]);
    assert_eq!((it.send(create()).unwrap().0, it.counts()), (200, (3, 3)));
    let preset = Preset { attempts: 1, ..Preset::DEFAULT };
    let it = rig_with(Policies { preset, ..Policies::default() }, &[Fate::DoneAndBroken]);
    assert_eq!((it.send(create()).unwrap().0, it.counts()), (200, (1, 1)), "reading is no second create");
}

#[test]
fn a_create_that_lands_late_refuses_the_second_one() {
    let it = rig(&[Fate::Later(150), Fate::Lost(429)]);
    let (code, object) = it.send(create()).unwrap();
    assert_eq!((code, &object["metadata"]["uid"]), (200, &json!("u")));
    assert_eq!(
        it.counts(),
        (3, 2),
        "read at 100 ms: not there; created at 100 and 200 ms: there already; read"
    );
}

#[test]
fn a_refusal_that_can_not_be_looked_into_says_that_the_outcome_is_not_known() {
    for (read, reason) in [(403, "it can't be read"), (404, "it is gone again")] {
        let it = rig(&[Fate::Broken, Fate::Lost(409)]);
        let status = json!({ "kind": "Status", "reason": "NotFound", "details": { "name": "a" } });
        it.server.state.lock().unwrap().read = Some((1, read, status));
        let (code, status) = it.send(create()).unwrap();
        let message = status["message"].as_str().unwrap();
        assert!(code == 409 && message.contains(reason) && message.contains("it broke"), "{message}");
    }
}

#[test]
fn what_is_there_otherwise_is_a_conflict_that_says_that_the_outcome_is_not_known() {
    let it = rig(&[Fate::Lost(503)]);
    it.occupied(0, |object| object["spec"]["x"] = json!(2));
    let (code, status) = it.send(create()).unwrap();
    assert_eq!((code, &status["reason"], it.counts()), (409, &json!("AlreadyExists"), (1, 1)));
    assert_eq!(
        status["message"],
        "pods \"a\" already exists, and is not known to be what this call created: its `spec.x` is not what was \
         sent. Whether the server created anything for this call is not known either: 503 Service Unavailable"
    );
    assert_eq!(status["details"]["causes"][0]["reason"], "CreateOutcomeUnknown");
}

#[test]
fn an_equal_object_that_is_older_is_somebody_elses() {
    for (ahead, ago, own) in [
        // By the server's own clock, however wrong it is.
        (Some(0), 4, true),
        (Some(0), 7, false),
        (Some(-86_400), 4, true),
        (Some(-86_400), 7, false),
        (Some(86_400), 4, true),
        (Some(86_400), 7, false),
        // By ours, where the server does not say.
        (None, 50, true),
        (None, 70, false),
    ] {
        let it = rig(&[Fate::Broken]);
        it.server.state.lock().unwrap().ahead = ahead;
        it.occupied(ago, |_| ());
        let (code, body) = it.send(create()).unwrap();
        assert_eq!(code, if own { 200 } else { 409 }, "{ahead:?} {ago}: {body}");
        assert!(own || body["message"].as_str().unwrap().contains("was there before"), "{body}");
    }
}

#[test]
fn what_can_not_be_read_leaves_the_call_as_it_was() {
    let not_found =
        json!({ "kind": "Status", "reason": "NotFound", "message": "the server has no such resource" });
    for read in [
        (403, json!({ "kind": "Status" })),
        (404, not_found),
        (200, json!({ "kind": "Other" })),
        (200, json!(1)),
    ] {
        let it = rig(&[Fate::Broken]);
        it.server.state.lock().unwrap().read = Some((0, read.0, read.1.clone()));
        let error = it.send(create()).unwrap_err();
        assert_eq!((error.to_string().as_str(), it.counts().0), ("it broke", 1), "{read:?}");
    }
}

#[test]
fn an_answer_that_is_certain_is_the_callers() {
    for code in [400, 403, 409, 422] {
        let it = rig(&[Fate::Lost(code)]);
        assert_eq!((it.send(create()).unwrap().0, it.counts()), (code, (1, 0)));
    }
    // Also of the second create, and of a first one that somebody else was faster than.
    let it = rig(&[Fate::Broken, Fate::Lost(422)]);
    assert_eq!((it.send(create()).unwrap().0, it.counts()), (422, (2, 1)));
    let it = rig(&[]);
    it.occupied(0, |_| ());
    let (code, status) = it.send(create()).unwrap();
    assert_eq!((code, &status["message"]), (409, &json!("the server's own")));
}

#[test]
fn only_named_objects_are_looked_for() {
    use std::borrow::Cow::Borrowed;
    static PART: Operation = Operation {
        verb: Verb::Create,
        group: Borrowed(""),
        version: Borrowed("v1"),
        resource: Borrowed("pods"),
        subresource: Borrowed("token"),
        retry: Retry::Write,
    };
    let pods = "/api/v1/namespaces/web/pods";
    let generated = json!({ "kind": "Pod", "metadata": { "generateName": "a-" } });
    for call in [
        create_of(&CREATE, pods, generated),
        create_of(&CREATE, pods, json!({ "kind": "Pod", "metadata": { "name": "" } })),
        create_of(&CREATE, "/api/v1/namespaces/web/pods?dryRun=All", sent()),
        create_of(&EVICT, pods, sent()),
        create_of(&PART, "/api/v1/namespaces/web/pods/a/token", sent()),
    ] {
        let shown = format!("{call:?}");
        let it = rig(&[Fate::DoneAndBroken, Fate::Done]);
        assert!(it.send(call).is_err(), "{shown}");
        assert_eq!(it.counts(), (1, 0), "{shown}");
    }
    let it = rig_with(Policies { unconfirmed_creates: true, ..Policies::default() }, &[Fate::DoneAndBroken]);
    assert!(it.send(create()).is_err());
    assert_eq!(it.counts(), (1, 0), "a program may not want it");
}

#[test]
fn a_name_is_one_part_of_the_path() {
    let it = rig(&[Fate::Broken]);
    let mut object = sent();
    object["metadata"]["name"] = json!("system:a/../b");
    let _ = it.send(create_of(&CREATE, "/api/v1/pods", object));
    assert_eq!(it.server.state.lock().unwrap().reads, ["get pods /api/v1/pods/system%3Aa%2F..%2Fb"]);
}

#[test]
fn a_lease_is_looked_up_where_leases_are() {
    let it = rig(&[Fate::Broken, Fate::Done]);
    let mut lease = create();
    lease.meta.lane = Lane::Lease;
    assert_eq!(it.send(lease).unwrap().0, 201);
    assert_eq!(it.send(create_of(&CREATE, "/api/v1/pods", sent())).unwrap().0, 409);
    assert_eq!(it.server.state.lock().unwrap().lanes, [Lane::Lease]);
}

#[test]
fn deadline_and_budget_hold() {
    let it = rig(&[Fate::Broken; 9]);
    let mut call = create();
    call.meta.limits.deadline = Some(it.clock.after(SECOND / 5));
    assert!(it.send(call).is_err());
    assert_eq!(
        (it.counts(), it.clock.passed().as_millis()),
        ((2, 1), 100),
        "the next wait would be too long"
    );

    let it = rig(&[Fate::Lost(503); 2000]);
    for _ in 0..200 {
        assert_eq!(it.send(create()).unwrap().0, 503);
    }
    assert_eq!(
        it.counts().0,
        333,
        "two hundred calls, the budget, and what successful reads give back to it"
    );
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let unknown = vec![408u16, 500, 502, 503, 504];
    // A server that says 429 has done nothing.
    let any = [&unknown[..], &[429]].concat();
    let fate = prop_oneof![
        2 => proptest::sample::select(unknown).prop_map(Fate::DoneThen),
        2 => Just(Fate::DoneAndBroken),
        2 => proptest::sample::select(any).prop_map(Fate::Lost),
        2 => Just(Fate::Broken),
        2 => (1u64..2000).prop_map(Fate::Later),
        1 => Just(Fate::Done),
    ];
    proptest::collection::vec(fate, 1..6)
}

/// Who is there before.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Before {
    Nobody,
    Old,
    Different,
}

proptest! {
    #![proptest_config(ProptestConfig {
        rng_seed: proptest::test_runner::RngSeed::Fixed(6),
        failure_persistence: None,
        ..ProptestConfig::with_cases(2000)
    })]

    #[test]
    fn promises(
        fates in fates(),
        before in proptest::sample::select(vec![Before::Nobody, Before::Old, Before::Different]),
        preset in proptest::sample::select(vec![Preset::DEFAULT, Preset::AGGRESSIVE, Preset::CONSERVATIVE]),
        deadline in 1u64..5_000,
        ahead in -3i64..3,
    ) {
        let it = rig_with(Policies { preset, ..Policies::default() }, &fates);
        it.server.state.lock().unwrap().ahead = Some(ahead * 1000);
        match before {
            Before::Nobody => {}
            Before::Old => it.occupied(100, |_| ()),
            Before::Different => it.occupied(0, |object| object["spec"]["x"] = json!(2)),
        }
        let mut call = create();
        let deadline = Duration::from_millis(deadline);
        call.meta.limits.deadline = Some(it.clock.after(deadline));
        let result = it.send(call);
        prop_assert!(it.clock.passed() <= deadline);
        prop_assert!(it.counts().0 <= preset.attempts);
        let code = result.as_ref().map_or(0, |(code, _)| *code);
        match before {
            // What it made is never taken for somebody else's.
            Before::Nobody => prop_assert_ne!(code, 409, "{:?}", result),
            // What somebody else made is never taken for its own.
            _ => prop_assert!(code >= 400 || code == 0, "{result:?}"),
        }
        if code < 300 && code > 0 {
            prop_assert!(it.server.state.lock().unwrap().stored.is_some());
        }
    }
}
