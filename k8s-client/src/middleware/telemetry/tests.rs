use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt as _;
use k8s_api::transport::{Body, CallMeta, ReplyBody, Sent};

use super::place;
use crate::middleware::Propagate;
use crate::middleware::observe::Listener;
use crate::middleware::propagate::Trace;
use crate::middleware::stack::Policies;
use crate::middleware::testing::{
    Diary, End, GET, Piece, Rig, Step, WATCH, answer, answer_with, call, fail, slow,
};

const SECOND: Duration = Duration::from_secs(1);

fn listened(steps: impl IntoIterator<Item = Step>) -> (Rig, Diary) {
    let diary = Diary::default();
    let listener = Listener::new(diary.clone());
    (Rig::new(Policies { listener, ..Policies::default() }, steps), diary)
}

/// The lines of the spans, in the order in which they ended.
fn spans(log: &crate::test_log::Log) -> Vec<String> {
    let text = log.take();
    text.lines()
        .filter(|line| line.starts_with("DEBUG k8s."))
        .map(|line| line["DEBUG ".len()..].to_owned())
        .collect()
}

#[test]
fn paths_have_places() {
    for (path, resource, expected) in [
        ("/api/v1/namespaces/web/pods/api-0", "pods", (Some("web"), Some("api-0"))),
        ("/api/v1/namespaces/web/pods/api-0/log", "pods", (Some("web"), Some("api-0"))),
        ("/api/v1/namespaces/web/pods", "pods", (Some("web"), None)),
        ("/api/v1/pods", "pods", (None, None)),
        ("/api/v1/namespaces/web", "namespaces", (None, Some("web"))),
        ("/api/v1/namespaces/web/status", "namespaces", (None, Some("web"))),
        ("/apis/apps/v1/namespaces/web/deployments/a", "deployments", (Some("web"), Some("a"))),
        ("/apis/x.io/v1/things/a%3Ab", "things", (None, Some("a%3Ab"))),
        ("/version", "/version", (None, None)),
        ("/", "/", (None, None)),
        ("", "", (None, None)),
    ] {
        assert_eq!(place(path, resource), expected, "{path}");
    }
}

/// What the documentation of the module promises.
#[test]
fn spans_have_their_names_and_fields() {
    let log = crate::test_log::capture();
    let it = Rig::new(Policies::default(), [fail(Sent::No), answer_with(404, ("audit-id", "a-1"))]);
    let mut get = call(&GET, Body::Empty);
    get.head.uri = "/api/v1/namespaces/web/pods/api-0?token=hunter2".parse().unwrap();
    assert_eq!(it.send(get).unwrap(), 404);
    assert_eq!(
        spans(&log),
        [
            "k8s.attempt in k8s.call: verb=\"get\" attempt=0 failure=unreachable",
            "k8s.attempt in k8s.call: verb=\"get\" attempt=1 status=404",
            "k8s.call verb=\"get\" group=\"\" version=\"v1\" resource=\"pods\" subresource=\"\" namespace=\"web\" \
             name=\"api-0\" audit_id=\"a-1\" attempts=2 status=404",
        ]
    );
    let documented = include_str!("../mod.rs");
    for name in [
        "k8s.call",
        "k8s.attempt",
        "verb",
        "attempt",
        "attempts",
        "status",
        "failure",
        "audit_id",
        "namespace",
    ] {
        assert!(documented.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn nothing_secret_is_in_a_span() {
    let log = crate::test_log::capture();
    let body = vec![(Duration::ZERO, Piece::Bytes("hunter2"))];
    let policies = Policies { request_ids: true, trace: Some(Trace::New), ..Policies::default() };
    let it = Rig::new(policies, [Step { after: Duration::ZERO, end: End::Answer(500, vec![], body) }]);
    let mut get = call(&GET, Body::Bytes("hunter2".into()));
    get.head.uri = "/api/v1/pods?labelSelector=hunter2".parse().unwrap();
    get.head.headers.insert("x-mine", "hunter2".parse().unwrap());
    assert_eq!(it.send(get).unwrap(), 500);
    let text = log.take();
    assert!(text.contains("k8s.call") && !text.contains("hunter2"), "{text}");
}

#[test]
fn an_observer_hears_all_of_a_call() {
    let (it, diary) = listened([answer(503), slow(SECOND)]);
    it.get().unwrap();
    assert_eq!(
        diary.take(),
        [
            "started get pods",
            "attempt get 0 503 0ns",
            "retrying get pods after 503 in 100ms",
            "attempt get 1 200 1s",
            "ended get pods 200 1.1s attempts=2 bytes=2",
        ]
    );
}

#[test]
fn a_watch_ends_when_it_has_been_read() {
    let body = |last| vec![(SECOND, Piece::Bytes("abc")), (SECOND, last)];
    for (last, end) in [
        (Piece::Bytes("de"), "ended watch pods 200 2s attempts=1 bytes=5"),
        (Piece::Broken, "ended watch pods broken 2s attempts=1 bytes=3"),
    ] {
        let (it, diary) =
            listened([Step { after: Duration::ZERO, end: End::Answer(200, vec![], body(last)) }]);
        let log = crate::test_log::capture();
        let reply = it.clock.run(it.stack.send(call(&WATCH, Body::Empty))).unwrap();
        let ReplyBody::Stream(stream) = reply.body else { panic!("no stream") };
        assert_eq!((diary.take().len(), spans(&log).len()), (2, 1), "started, and the attempt");
        it.clock.run(stream.for_each(|_| std::future::ready(())));
        assert_eq!((diary.take(), spans(&log).len()), (vec![end.to_owned()], 1));
    }
}

#[test]
fn what_is_dropped_ends_too() {
    let (it, diary) = listened([slow(SECOND)]);
    let log = crate::test_log::capture();
    drop(it.begin(call(&GET, Body::Empty)));
    let ended = "ended get pods dropped 0ns attempts=1 bytes=0";
    assert_eq!(diary.take(), ["started get pods", "attempt get 0 dropped 0ns", ended]);
    assert!(spans(&log).iter().all(|span| span.ends_with("failure=dropped")));

    let error = it.send(it.by(&GET, SECOND / 2)).unwrap_err();
    assert!(error.to_string().contains("deadline"));
    assert_eq!(diary.take().last().unwrap(), "ended get pods timeout 500ms attempts=1 bytes=0");
}

#[test]
fn a_request_id_is_the_same_for_all_attempts_and_in_the_error() {
    let log = crate::test_log::capture();
    let it = Rig::new(Policies { request_ids: true, ..Policies::default() }, [fail(Sent::No)]);
    let error = it.get().unwrap_err().to_string();
    let ids = headers(&it, "audit-id");
    assert_eq!(ids.len(), 3);
    assert!(ids.iter().all(|id| *id == ids[0] && id.len() == 32), "{ids:?}");
    assert_eq!(error, format!("request {}: scripted", ids[0]));
    assert!(spans(&log).last().unwrap().contains(&format!("audit_id=\"{}\"", ids[0])));

    // One of the caller's own stays.
    let mut get = call(&GET, Body::Empty);
    get.head.headers.insert("audit-id", "mine".parse().unwrap());
    assert!(it.send(get).unwrap_err().to_string().starts_with("request mine: "));
    let other = it.get().unwrap_err().to_string();
    assert_ne!(other, error, "each call has its own");

    let it = Rig::new(Policies::default(), [fail(Sent::No)]);
    assert_eq!(it.get().unwrap_err().to_string(), "scripted");
    assert_eq!(headers(&it, "audit-id"), [""; 3], "off unless asked for");
}

fn headers(it: &Rig, name: &str) -> Vec<String> {
    let seen = it.script.seen.lock().unwrap();
    let text = |value: &http::HeaderValue| value.to_str().unwrap().to_owned();
    seen.iter().map(|seen| seen.headers.get(name).map(text).unwrap_or_default()).collect()
}

#[test]
fn a_new_trace_is_one_of_the_standards_form_for_all_attempts() {
    let it =
        Rig::new(Policies { trace: Some(Trace::New), ..Policies::default() }, [answer(503), answer(200)]);
    it.get().unwrap();
    it.get().unwrap();
    let traces = headers(&it, "traceparent");
    assert_eq!(traces[0], traces[1]);
    assert_ne!(traces[1], traces[2]);
    for trace in &traces {
        let parts: Vec<_> = trace.split('-').collect();
        assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [2, 32, 16, 2], "{trace}");
        assert!(
            parts[0] == "00"
                && parts[3] == "00"
                && parts.iter().all(|part| part.bytes().all(|b| b.is_ascii_hexdigit()))
        );
        assert!(!parts[1].bytes().all(|b| b == b'0') && !parts[2].bytes().all(|b| b == b'0'));
    }
}

#[test]
fn a_trace_of_the_programs_own_is_asked_for_inside_of_the_calls_span() {
    struct Mine<F>(F, Arc<Mutex<Vec<String>>>);
    impl<F: Fn() -> String + Send + Sync + 'static> Propagate for Mine<F> {
        fn headers(&self, call: &CallMeta, headers: &mut http::HeaderMap) {
            self.1.lock().unwrap().push(format!("{} in {}", call.op, (self.0)()));
            headers.insert("traceparent", "00-x".parse().unwrap());
            headers.insert("tracestate", "a=b".parse().unwrap());
        }
    }
    let log = crate::test_log::capture();
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let trace = Some(Trace::By(Arc::new(Mine(log.inside(), asked.clone()))));
    let it = Rig::new(Policies { trace, ..Policies::default() }, [answer(503), answer(200)]);
    it.get().unwrap();
    assert_eq!(*asked.lock().unwrap(), ["get pods in k8s.call"], "once");
    assert_eq!(
        (headers(&it, "traceparent"), headers(&it, "tracestate")),
        (vec!["00-x".into(); 2], vec!["a=b".into(); 2])
    );
}
