use std::sync::Arc;
use std::time::Duration;

use k8s_api::operation::Operation;
use k8s_api::transport::{Body, Lane, Limits};

use super::Client;
use crate::error::ErrorKind;
use crate::middleware::testing::{
    CREATE, End, GET, Piece, Script, Step, WATCH, answer, answer_with, call, fail,
};
use crate::outside::testing::{Handle, Virtual};

fn client(steps: impl IntoIterator<Item = Step>) -> (Client, Arc<Script>, Arc<Virtual>) {
    let clock = Virtual::new();
    let script = Script::new(&clock, steps);
    let client = Client::with_transport(script.clone(), "web").outside(Arc::new(Handle(clock.clone())));
    (client.build().unwrap(), script, clock)
}

/// The limits with which a call on a lane arrives: seconds to the deadline, to the head, and of silence.
fn limits(op: &'static Operation, lane: Lane) -> [Option<u64>; 3] {
    let (client, script, clock) = client([answer(200)]);
    let mut call = call(op, Body::Empty);
    call.meta.lane = lane;
    clock.run(client.send(call)).unwrap();
    let Limits { deadline, head, idle, .. } = script.seen.lock().unwrap()[0].limits;
    let deadline = deadline.map(|at| at - clock.after(Duration::ZERO));
    [deadline, head, idle].map(|limit| limit.map(|limit| limit.as_secs()))
}

#[test]
fn no_call_is_without_limits() {
    assert_eq!(limits(&GET, Lane::Read), [Some(60), Some(30), Some(30)]);
    assert_eq!(limits(&CREATE, Lane::Write), [Some(60), None, None]);
    assert_eq!(limits(&CREATE, Lane::Lease), [Some(60), Some(30), Some(30)]);
    assert_eq!(limits(&WATCH, Lane::Watch), [None, Some(30), Some(90)]);
    // A followed log.
    assert_eq!(limits(&GET, Lane::Watch), [None, Some(30), None]);
    assert_eq!(limits(&GET, Lane::Upgrade), [None, Some(30), None]);
}

#[test]
fn a_calls_own_limits_stay() {
    let (client, _, clock) = client([Step { after: Duration::ZERO, end: End::Silence }]);
    let mut get = call(&GET, Body::Empty);
    get.meta.limits.deadline = Some(clock.after(Duration::from_secs(2)));
    let error = clock.run(client.bytes(get)).unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!(clock.passed(), Duration::from_secs(2));
}

#[test]
fn bytes_are_the_whole_answer_of_any_call() {
    let pieces = vec![(Duration::ZERO, Piece::Bytes("a")), (Duration::from_secs(1), Piece::Bytes("b"))];
    for op in [&GET, &WATCH] {
        let (client, _, clock) =
            client([Step { after: Duration::ZERO, end: End::Answer(200, vec![], pieces.clone()) }]);
        assert_eq!(clock.run(client.bytes(call(op, Body::Empty))).unwrap(), "ab");
    }
}

#[test]
fn only_success_is_success() {
    for status in [302, 304, 404, 500] {
        let (client, _, clock) = client([answer(status)]);
        let error = clock.run(client.send(call(&CREATE, Body::Empty))).unwrap_err();
        assert_eq!((error.kind(), error.code().unwrap().as_u16()), (ErrorKind::Refused, status));
    }
    let (client, _, clock) = client([answer_with(429, ("retry-after", "99"))]);
    let error = clock.run(client.send(call(&GET, Body::Empty))).unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(99)));
    assert_eq!(
        error.to_string(),
        "get pods (GET /api/v1/pods): 429 Too Many Requests; the server asks to wait 99s"
    );
}

#[test]
fn the_policies_run_above_any_transport() {
    let (client, script, clock) = client([fail(k8s_api::transport::Sent::Unknown), answer(200)]);
    assert_eq!(clock.run(client.bytes(call(&GET, Body::Empty))).unwrap(), "ok");
    assert_eq!(script.times(), [0, 100]);
    assert_eq!(
        (client.namespace(), format!("{client:?}").as_str()),
        ("web", "Client { namespace: \"web\", .. }")
    );
}
