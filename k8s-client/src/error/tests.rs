use std::borrow::Cow;
use std::error::Error as _;
use std::time::{Duration, SystemTime};

use http::{Method, StatusCode};
use k8s_api::operation::{Operation, Retry, Verb};
use k8s_api::transport::{Body, Call, Fault, Sent, TransportError};

use super::{Error, ErrorKind, Missing, Request};
use crate::config::Origin;
use crate::middleware::testing::{CREATE, GET, WATCH};

fn request(op: &'static Operation, method: Method, path: &str, body: &'static str) -> Request {
    let request = http::Request::builder().method(method).uri(path).body(Body::Bytes(body.into())).unwrap();
    Request::of(&Call::new(op, request))
}

fn pods(op: &'static Operation, method: Method) -> Request {
    request(op, method, "/api/v1/namespaces/web/pods", "")
}

fn origin() -> Origin {
    Origin { cluster: "FILE: cluster `c`".to_owned(), credential: "it was shown X, from FILE".to_owned() }
}

fn refusal(request: Request, code: u16, headers: &[(&'static str, &str)], body: &str) -> Error {
    let (mut head, ()) = http::Response::new(()).into_parts();
    head.status = StatusCode::from_u16(code).unwrap();
    for (name, value) in headers {
        head.headers.insert(*name, value.parse().unwrap());
    }
    Error::refused(request, &head, body.as_bytes(), SystemTime::UNIX_EPOCH, &origin())
}

fn refused(code: u16, headers: &[(&'static str, &str)], body: &str) -> Error {
    refusal(pods(&CREATE, Method::POST), code, headers, body)
}

const INVALID: &str = r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","reason":"Invalid","code":422,
    "message":"Pod \"a\" is invalid: spec.containers: Required value",
    "details":{"name":"a","kind":"Pod","group":"g","uid":"u","causes":[
    {"reason":"FieldValueRequired","message":"Required value","field":"spec.containers"}]}}"#;

#[test]
fn the_servers_status() {
    let error = refused(422, &[], INVALID);
    assert_eq!(
        error.to_string(),
        "create pods (POST /api/v1/namespaces/web/pods): 422 Unprocessable Entity: Pod \"a\" is invalid: spec.containers: Required value"
    );
    let status = error.status().unwrap();
    assert_eq!((status.code, &*status.reason, &*status.causes[0].field), (422, "Invalid", "spec.containers"));
    assert_eq!([&status.name, &status.kind, &status.group, &status.uid], ["a", "Pod", "g", "u"]);
    assert_eq!((error.kind(), error.code().unwrap().as_u16()), (ErrorKind::Refused, 422));
    assert_eq!(error.operation(), Some(&CREATE));
    let (method, path) = error.method_and_path().unwrap();
    assert_eq!((method.as_str(), path), ("POST", "/api/v1/namespaces/web/pods"));
    assert!(error.has_cause("FieldValueRequired") && !error.has_cause("Other"));
}

#[test]
fn predicates() {
    let all = |error: &Error| {
        [
            error.is_unauthorized(),
            error.is_forbidden(),
            error.is_not_found(),
            error.is_conflict(),
            error.is_already_exists(),
            error.is_gone(),
            error.is_timeout(),
            error.is_invalid(),
            error.is_too_many_requests(),
            error.is_temporary(),
        ]
        .map(u8::from)
    };
    let exists = r#"{"kind":"Status","reason":"AlreadyExists"}"#;
    let timeout = r#"{"kind":"Status","reason":"ServerTimeout"}"#;
    for (code, body, expected) in [
        (401, "", [1, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        (403, "", [0, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
        (404, "", [0, 0, 1, 0, 0, 0, 0, 0, 0, 0]),
        (409, "", [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
        (409, exists, [0, 0, 0, 0, 1, 0, 0, 0, 0, 0]),
        (410, "", [0, 0, 0, 0, 0, 1, 0, 0, 0, 0]),
        (504, "", [0, 0, 0, 0, 0, 0, 1, 0, 0, 1]),
        (500, timeout, [0, 0, 0, 0, 0, 0, 1, 0, 0, 1]),
        (500, exists, [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        (422, "", [0, 0, 0, 0, 0, 0, 0, 1, 0, 0]),
        (429, "", [0, 0, 0, 0, 0, 0, 0, 0, 1, 1]),
    ] {
        assert_eq!(all(&refused(code, &[], body)), expected, "{code}");
    }
}

#[test]
fn kinds_of_what_got_no_answer() {
    for (fault, kind, temporary) in [
        (Fault::Setup, ErrorKind::Request, false),
        (Fault::Untrusted, ErrorKind::Untrusted, false),
        (Fault::Credential, ErrorKind::Credential, false),
        (Fault::Timeout, ErrorKind::Timeout, true),
        (Fault::Broken, ErrorKind::Transport, true),
    ] {
        let error = TransportError::new(Sent::No, fault, "no");
        let error = Error::failed(pods(&GET, Method::GET), error, &origin());
        assert_eq!((error.kind(), error.is_temporary()), (kind, temporary));
        assert_eq!(
            error.to_string().contains("FILE"),
            kind != ErrorKind::Request && kind != ErrorKind::Credential
        );
    }
    let error = Error::decode(pods(&GET, Method::GET), "no Pod");
    assert_eq!((error.kind(), error.source().unwrap().to_string()), (ErrorKind::Decode, "no Pod".into()));
    assert_eq!(error.to_string(), "get pods (GET /api/v1/namespaces/web/pods): no Pod");
}

#[test]
fn a_proxys_page_is_one_line() {
    let error = refused(502, &[], "\r\n  <html>\n<head>\x1b[31m</head>");
    assert_eq!(error.status(), None);
    assert!(error.to_string().ends_with(": 502 Bad Gateway: <html>"), "{error}");
    assert!(refused(502, &[], "").to_string().ends_with(": 502 Bad Gateway"));
    assert!(refused(502, &[], &"x".repeat(9999)).to_string().len() < 300);
}

#[test]
fn the_wish_to_wait_comes_from_the_header_or_the_status() {
    let status = r#"{"kind":"Status","details":{"retryAfterSeconds":3}}"#;
    assert_eq!(refused(429, &[("retry-after", "7")], status).retry_after(), Some(Duration::from_secs(7)));
    assert_eq!(refused(429, &[], status).retry_after(), Some(Duration::from_secs(3)));
    assert_eq!(refused(429, &[], "").retry_after(), None);
}

#[test]
fn a_lost_write_says_that_it_may_be_done() {
    let lost = |sent, method| {
        let error = TransportError::new(sent, Fault::Timeout, "no answer").with_source("below");
        Error::failed(pods(&GET, method), error, &Origin::default())
    };
    let error = lost(Sent::Unknown, Method::POST);
    assert!(error.to_string().ends_with(": no answer; the server may have processed it"), "{error}");
    assert_eq!((error.sent(), error.is_timeout()), (Some(Sent::Unknown), true));
    let chain = error.source().unwrap();
    assert_eq!(
        (chain.to_string(), chain.source().unwrap().to_string()),
        ("no answer".into(), "below".into())
    );
    assert!(lost(Sent::No, Method::POST).to_string().ends_with(": no answer"));
    assert!(lost(Sent::Unknown, Method::GET).to_string().ends_with(": no answer"));
}

static WIDGETS: Operation = Operation {
    verb: Verb::Connect,
    group: Cow::Borrowed("example.com"),
    version: Cow::Borrowed("v1"),
    resource: Cow::Borrowed("widgets"),
    subresource: Cow::Borrowed("exec"),
    retry: Retry::Never,
};
static PATH: Operation = Operation {
    verb: Verb::Get,
    group: Cow::Borrowed(""),
    version: Cow::Borrowed(""),
    resource: Cow::Borrowed("/nope"),
    subresource: Cow::Borrowed(""),
    retry: Retry::Read,
};
static PROXY: Operation = Operation {
    verb: Verb::Get,
    group: Cow::Borrowed(""),
    version: Cow::Borrowed("v1"),
    resource: Cow::Borrowed("pods"),
    subresource: Cow::Borrowed("proxy"),
    retry: Retry::Read,
};

#[test]
fn what_is_missing() {
    let missing = |op, body: &str| {
        let error = refusal(request(op, Method::GET, "/some/path?x=y", ""), 404, &[], body);
        assert!(error.is_not_found());
        let line = error.to_string();
        (error.missing(), line.split_once("404 Not Found").unwrap().1.to_owned())
    };
    let status = |details: &str| format!(r#"{{"kind":"Status","message":"words","details":{details}}}"#);
    let page = "404 page not found\n";
    for (op, body, expected, line) in [
        (&GET, &*status(r#"{"name":"a","kind":"pods"}"#), Some(Missing::Object), ": words"),
        (&GET, &status(r#"{"name":"a","kind":"namespaces"}"#), Some(Missing::Namespace), ": words"),
        (
            &GET,
            &status("{}"),
            Some(Missing::Resource),
            ": words; the server has no pods in v1: this API or its CustomResourceDefinition is not installed, or not in this version",
        ),
        (
            &WIDGETS,
            page,
            Some(Missing::Resource),
            ": 404 page not found; the server has no widgets/exec in example.com/v1: this API or its CustomResourceDefinition is not installed, or not in this version",
        ),
        (
            &PATH,
            page,
            Some(Missing::Resource),
            ": 404 page not found; the server has no such path as /some/path",
        ),
        (
            &GET,
            "<html>",
            None,
            ": <html>; no API server answers like this; its address is from FILE: cluster `c`",
        ),
        // What is reached through the server has words of its own.
        (&PROXY, page, None, ": 404 page not found"),
        (&PROXY, "<html>", None, ": <html>"),
    ] {
        assert_eq!(missing(op, body), (expected, line.to_owned()));
    }
}

#[test]
fn one_line_with_what_is_left_open() {
    let line = |error: Error| {
        let line = error.to_string();
        line.split_once("): ").unwrap().1.to_owned()
    };
    let status = |code, reason: &str, message: &str, causes: &str| {
        let body = serde_json::json!({"kind": "Status", "reason": reason, "message": message,
            "details": {"causes": serde_json::from_str::<serde_json::Value>(causes).unwrap(), "name": "a"}});
        line(refused(code, &[], &body.to_string()))
    };
    assert_eq!(
        status(401, "Unauthorized", "Unauthorized", "[]"),
        "401 Unauthorized; it was shown X, from FILE"
    );
    assert_eq!(
        status(
            403,
            "Forbidden",
            "User \"ann\" cannot get resource \"pods\" in API group \"\" in the namespace \"web\"",
            "[]"
        ),
        "403 Forbidden: User \"ann\" cannot get resource \"pods\" in API group \"\" in the namespace \"web\"; \
         a rule that allows it, for a Role in namespace web: {apiGroups: [\"\"], resources: [\"pods\"], resourceNames: [\"a\"], verbs: [\"get\"]}"
    );
    assert_eq!(
        status(
            409,
            "Conflict",
            "Apply failed with 3 conflicts:\n- .a",
            r#"[
            {"reason": "FieldManagerConflict", "message": "conflict with \"kubectl\" using v1", "field": ".data.a"},
            {"reason": "FieldManagerConflict", "message": "conflict with \"hpa\" using v1", "field": ".data.b"},
            {"reason": "FieldManagerConflict", "message": "conflict with \"kubectl\" using v1", "field": ".data.c"}]"#
        ),
        "409 Conflict: other managers own fields that were to be applied: hpa has .data.b; kubectl has .data.a, .data.c; leave them out, or take them over with `force`"
    );
    assert_eq!(
        status(
            422,
            "Invalid",
            "a is invalid:\n\x1b[31mspec.x",
            r#"[{"message": "m1", "field": "spec.x"}, {"message": "m2"}, {"field": "spec.x"}]"#
        ),
        "422 Unprocessable Entity: a is invalid: [31mspec.x; spec.x: m1; m2"
    );
    let many: Vec<_> =
        (0..25).map(|n| serde_json::json!({"field": format!("f{n}."), "message": "m"})).collect();
    let many = status(422, "Invalid", "invalid", &serde_json::Value::from(many).to_string());
    assert!(many.contains("; f19.: m; and 5 more") && !many.contains("f20."), "{many}");
    assert_eq!(
        line(refused(302, &[("location", "https://login")], "")),
        "302 Found; a redirect is not followed, since it leads to another server; its address is from FILE: cluster `c`"
    );
    assert_eq!(
        line(refused(429, &[("retry-after", "7")], "")),
        "429 Too Many Requests; the server asks to wait 7s"
    );
    assert_eq!(
        line(refusal(pods(&WATCH, Method::GET), 410, &[], r#"{"kind":"Status","message":"too old"}"#)),
        "410 Gone: too old"
    );
}

#[test]
fn what_opens_a_stream_is_named_as_a_role_names_it() {
    let error = refusal(request(&WIDGETS, Method::GET, "/p", ""), 500, &[], "");
    assert_eq!(error.to_string(), "get,create widgets.example.com/exec (GET /p): 500 Internal Server Error");
}

static SECRETS: Operation = Operation {
    verb: Verb::Patch,
    group: Cow::Borrowed(""),
    version: Cow::Borrowed("v1"),
    resource: Cow::Borrowed("secrets"),
    subresource: Cow::Borrowed(""),
    retry: Retry::Write,
};

#[test]
fn what_was_sent_in_a_secret_does_not_come_back() {
    let shown = |body: &'static str, said: &str| {
        let status = serde_json::json!({"kind": "Status", "reason": "Invalid", "message": said,
            "details": {"causes": [{"message": said, "field": "data"}]}});
        let request = request(&SECRETS, Method::PATCH, "/api/v1/namespaces/web/secrets/a", body);
        let error = refusal(request, 422, &[], &status.to_string());
        format!("{error} {error:?}")
    };
    for (body, said) in [
        (r#"{"kind":"Secret","data":"hunter2"}"#, "expected map, got hunter2"),
        (r#"{"kind":"Secret","data":{"k":"aHVudGVyMg=="}}"#, "aHVudGVyMg== is hunter2"),
        (r#"{"stringData":{"k":"hunter2\nhunter2-more"}}"#, r#"bad: "hunter2\nhunter2-more""#),
        (r#"[{"op":"replace","path":"/data/k","value":"hunter2"}]"#, "hunter2 is no map"),
        (r#"{"data":{"k":hunter2}}"#, "invalid character: hunter2"),
    ] {
        let shown = shown(body, said);
        assert!(!shown.contains("hunter2") && !shown.contains("aHVud"), "{shown}");
    }
    // Of the object as it would have become, what was there before was never sent.
    let said = r#"patch: Invalid value: "{\"data\":{\"k\":\"aHVudGVyMg==\",\"l\":\"\\\"\"}}": json: no, and "{\"cut"#;
    let echo = shown("{}", said);
    assert!(
        echo.contains(r#"patch: Invalid value: "{..}": json: no, and "{..}""#) && !echo.contains("aHVud"),
        "{echo}"
    );
    let shown = shown(r#"{"data":{"k":"aGk="},"metadata":{"name":"name"}}"#, "name: the data hi");
    assert!(shown.contains("name: the data hi"), "{shown}");
}
