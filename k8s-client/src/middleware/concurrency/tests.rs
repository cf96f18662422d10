use std::time::Duration;

use futures_util::future::join;
use k8s_api::transport::{Body, Fault, Lane, ReplyBody, Sent};

use crate::middleware::Waited;
use crate::middleware::stack::Policies;
use crate::middleware::testing::{End, GET, Piece, Rig, Step, WATCH, answer, call, slow};

const SECOND: Duration = Duration::from_secs(1);

fn rig(most: u32, steps: impl IntoIterator<Item = Step>) -> Rig {
    Rig::new(Policies { concurrency: Some(most), ..Policies::default() }, steps)
}

#[test]
fn so_many_at_a_time_in_order() {
    let it = rig(2, [slow(SECOND)]);
    it.gets(5);
    assert_eq!(it.script.times(), [0, 0, 1000, 1000, 2000]);
    assert_eq!(it.gauges.load().concurrency, Waited { waiting: 0, calls: 3, total: 4 * SECOND });
}

#[test]
fn a_slot_is_held_until_the_body_is_read() {
    let body = vec![(SECOND, Piece::Bytes("a")), (SECOND, Piece::Bytes("b"))];
    let it = rig(1, [Step { after: SECOND, end: End::Answer(200, vec![], body) }]);
    it.gets(2);
    assert_eq!(it.script.times(), [0, 3000]);

    // Also by whoever reads it as it comes.
    let it = rig(1, [answer(200)]);
    let mut log = call(&GET, Body::Empty);
    log.meta.whole = false;
    let reply = it.clock.run(it.stack.send(log)).unwrap();
    assert!(matches!(reply.body, ReplyBody::Stream(_)));
    let waits = it.begin(call(&GET, Body::Empty));
    assert_eq!(it.gauges.load().concurrency.waiting, 1);
    drop(reply);
    it.clock.run(waits).unwrap();
}

#[test]
fn watches_and_leases_leave_the_slots_to_others() {
    let endless = vec![(1000 * SECOND, Piece::Bytes("never"))];
    let it = rig(1, [Step { after: SECOND, end: End::Answer(200, vec![], endless) }, slow(SECOND)]);
    let watch = it.stack.send(call(&WATCH, Body::Empty));
    let get = it.stack.send(call(&GET, Body::Empty));
    let (watch, _) = it.clock.run(join(watch, get));
    assert_eq!(it.script.times(), [0, 1000], "once the head had come");
    drop(watch);

    let busy = it.begin(call(&GET, Body::Empty));
    let mut renewal = call(&GET, Body::Empty);
    renewal.meta.lane = Lane::Lease;
    let _ = it.clock.run(it.stack.send(renewal));
    drop(busy);
    assert_eq!(it.gauges.load().concurrency.calls, 1, "only the first read waited");
}

#[test]
fn what_is_dropped_frees_its_slot_or_its_place() {
    let it = rig(1, [slow(SECOND)]);
    let busy = it.begin(call(&GET, Body::Empty));
    let gives_up = it.begin(call(&GET, Body::Empty));
    let waits = it.begin(call(&GET, Body::Empty));
    drop(gives_up);
    drop(busy);
    it.clock.run(waits).unwrap();
    assert_eq!((it.script.times(), it.clock.passed()), (vec![0, 0], SECOND));
}

#[test]
fn who_waits_until_the_deadline_hears_for_what() {
    let it = rig(1, [slow(5 * SECOND)]);
    let _busy = it.begin(call(&GET, Body::Empty));
    let error = it.send(it.by(&GET, 2 * SECOND)).unwrap_err();
    assert_eq!((error.fault(), error.sent()), (Fault::Held, Sent::No));
    assert_eq!(
        error.to_string(),
        "it waited 2s, until its deadline: this client has 1 calls at a time, and all of them are on their way"
    );
}
