use std::sync::Arc;
use std::time::Duration;

use k8s_api::operation::Operation;
use k8s_api::transport::{Body, Lane, Limits};

use super::Client;
use crate::config::{Config, Rate};
use crate::error::ErrorKind;
use crate::middleware::testing::{
    CREATE, End, GET, Piece, Script, Step, WATCH, answer, answer_with, call, fail,
};
use crate::outside::testing::{Handle, Virtual};
use crate::transport::testing::{head, listen};

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

#[test]
fn a_concurrency_of_nothing_is_refused() {
    let (_, script, _) = client([answer(200)]);
    let error = Client::with_transport(script, "web").concurrency(0).build().unwrap_err().to_string();
    assert!(error.starts_with("a concurrency of 0 lets no call go"), "{error}");
}

#[tokio::test]
async fn a_configuration_says_the_rate_and_each_call_who_asks() {
    let (send, mut received) = tokio::sync::mpsc::unbounded_channel();
    let address = listen(move |mut connection| {
        let send = send.clone();
        async move {
            send.send(head(&mut connection).await).unwrap();
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
            tokio::io::AsyncWriteExt::write_all(&mut connection, answer).await.unwrap();
        }
    })
    .await;
    let slow = Rate::new(0.001, 1).unwrap();
    let config = Config::plain(&format!("http://{address}")).unwrap().with_rate(slow);
    let client = Client::new(config.clone()).unwrap();
    client.bytes(call(&GET, Body::Empty)).await.unwrap();
    let error = client.bytes(call(&GET, Body::Empty)).await.unwrap_err().to_string();
    assert!(error.contains("this client sends 0.001 calls a second, 1 at once"), "{error}");

    let faster = Client::builder(config).rate(Rate::new(1e6, 9).unwrap()).build().unwrap();
    for _ in 0..2 {
        faster.bytes(call(&GET, Body::Empty)).await.unwrap();
    }
    let request = received.recv().await.unwrap();
    let program = format!(") k8s-client/{}\r\n", env!("CARGO_PKG_VERSION"));
    assert!(request.contains("user-agent: k8s_client-") && request.contains(&program), "{request}");
}
