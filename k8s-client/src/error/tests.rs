use std::error::Error as _;
use std::time::{Duration, SystemTime};

use http::StatusCode;
use k8s_api::transport::{Fault, Sent, TransportError};

use super::{Error, ErrorKind, Request};
use crate::middleware::testing::{CREATE, GET};

fn request(op: &'static k8s_api::operation::Operation, method: http::Method) -> Request {
    Request { op: op.into(), method, path: "/api/v1/namespaces/web/pods".to_owned() }
}

fn refused(code: u16, headers: &[(&'static str, &str)], body: &str) -> Error {
    let (mut head, ()) = http::Response::new(()).into_parts();
    head.status = StatusCode::from_u16(code).unwrap();
    for (name, value) in headers {
        head.headers.insert(*name, value.parse().unwrap());
    }
    Error::refused(request(&CREATE, http::Method::POST), &head, body.as_bytes(), SystemTime::UNIX_EPOCH)
}

#[test]
fn the_servers_status() {
    let error = refused(
        422,
        &[],
        r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","reason":"Invalid","code":422,
            "message":"Pod \"a\" is invalid: spec.containers: Required value",
            "details":{"name":"a","kind":"Pod","causes":[
            {"reason":"FieldValueRequired","message":"Required value","field":"spec.containers"}]}}"#,
    );
    assert_eq!(
        error.to_string(),
        "create pods (POST /api/v1/namespaces/web/pods): 422 Unprocessable Entity: Pod \"a\" is invalid: spec.containers: Required value"
    );
    let status = error.status().unwrap();
    assert_eq!((status.code, &*status.reason, &*status.causes[0].field), (422, "Invalid", "spec.containers"));
    assert_eq!((error.kind(), error.code().unwrap().as_u16()), (ErrorKind::Refused, 422));
    assert_eq!(error.operation(), Some(&CREATE));
    let (method, path) = error.method_and_path().unwrap();
    assert_eq!((method.as_str(), path), ("POST", "/api/v1/namespaces/web/pods"));
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
        ]
        .map(u8::from)
    };
    let exists = r#"{"kind":"Status","reason":"AlreadyExists"}"#;
    for (code, body, expected) in [
        (401, "", [1, 0, 0, 0, 0, 0, 0]),
        (403, "", [0, 1, 0, 0, 0, 0, 0]),
        (404, "", [0, 0, 1, 0, 0, 0, 0]),
        (409, "", [0, 0, 0, 1, 0, 0, 0]),
        (409, exists, [0, 0, 0, 0, 1, 0, 0]),
        (410, "", [0, 0, 0, 0, 0, 1, 0]),
        (504, "", [0, 0, 0, 0, 0, 0, 1]),
        (500, exists, [0, 0, 0, 0, 0, 0, 0]),
    ] {
        assert_eq!(all(&refused(code, &[], body)), expected, "{code}");
    }
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
        Error::failed(request(&GET, method), error)
    };
    let error = lost(Sent::Unknown, http::Method::POST);
    assert!(error.to_string().ends_with(": no answer; the server may have processed it"), "{error}");
    assert_eq!((error.sent(), error.is_timeout()), (Some(Sent::Unknown), true));
    let chain = error.source().unwrap();
    assert_eq!(
        (chain.to_string(), chain.source().unwrap().to_string()),
        ("no answer".into(), "below".into())
    );
    assert!(lost(Sent::No, http::Method::POST).to_string().ends_with(": no answer"));
    assert!(lost(Sent::Unknown, http::Method::GET).to_string().ends_with(": no answer"));
}
