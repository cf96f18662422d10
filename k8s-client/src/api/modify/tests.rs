use std::error::Error as _;
use std::time::Duration;

use k8s_api::apps::v1::Deployment;
use k8s_api::certificates::v1::CertificateSigningRequest;
use k8s_api::core::v1::ConfigMap;

use crate::Client;
use crate::api::testing::{Answer, client, ok, refused};

fn config(version: &str, value: &str) -> Answer {
    ok(format!(
        r#"{{"kind":"ConfigMap","apiVersion":"v1","metadata":{{"name":"c","resourceVersion":"{version}"}},"data":{{"k":"{value}"}},"newer":1}}"#
    ))
}

fn conflict() -> Answer {
    refused(409, "Conflict", "")
}

fn configs(client: &Client) -> crate::Api<ConfigMap> {
    client.namespaced("web")
}

#[test]
fn a_conflict_is_read_and_changed_again() {
    let (client, server, clock) = client([
        config("1", "a"),
        conflict(),
        config("2", "b"),
        conflict(),
        config("3", "c"),
        config("4", "c!"),
    ]);
    let mut seen = Vec::new();
    let modify = configs(&client).modify("c", |config| {
        let value = config.data.get("k").unwrap().clone();
        config.data.insert("k".into(), format!("{value}!").into());
        // Nobody gets around the comparison by chance.
        config.metadata.resource_version = "".into();
        seen.push(value.to_string());
    });
    let changed = clock.run(modify.field_manager("me").into_future()).unwrap();
    assert_eq!(changed.metadata.resource_version, "4");
    assert_eq!(seen, ["a", "b", "c"]);
    let lines = server.lines();
    let put = |version: &str, value: &str| {
        format!(
            r#"PUT /api/v1/namespaces/web/configmaps/c?fieldManager=me {{"kind":"ConfigMap","apiVersion":"v1","metadata":{{"name":"c","resourceVersion":"{version}"}},"data":{{"k":"{value}"}},"newer":1}}"#
        )
    };
    assert_eq!([&lines[1], &lines[3], &lines[5]], [&put("1", "a!"), &put("2", "b!"), &put("3", "c!")]);
    // With a growing wait after each conflict.
    assert_eq!(server.times(), [0, 0, 10, 10, 30, 30]);
}

#[test]
fn nothing_is_written_where_nothing_changes() {
    let (client, server, clock) = client([config("1", "a")]);
    let same = configs(&client).modify("c", |config| {
        config.data.insert("k".into(), "a".into());
    });
    assert_eq!(clock.run(same.into_future()).unwrap().metadata.resource_version, "1");
    assert_eq!(server.lines().len(), 1);
}

#[test]
fn the_closure_may_call_it_off() {
    let (client, server, clock) = client([config("1", "a")]);
    let off = configs(&client).modify("c", |config| {
        config.data.clear();
        Err::<(), _>(std::io::Error::other("not today"))
    });
    let error = clock.run(off.into_future()).unwrap_err();
    assert_eq!(error.to_string(), "the change to the ConfigMap c was called off: not today");
    assert_eq!(error.kind(), crate::ErrorKind::CalledOff);
    assert!(error.source().unwrap().downcast_ref::<std::io::Error>().is_some());
    assert_eq!(server.lines().len(), 1);
}

#[test]
fn it_ends_before_its_time_is_over() {
    let answers = (0..2000).map(|number| if number % 2 == 0 { config("1", "a") } else { conflict() });
    let (client, server, clock) = client(answers);
    let mut number = 0;
    let modify = configs(&client).modify("c", |config| {
        number += 1;
        config.data.insert("n".into(), number.to_string().into());
    });
    let error = clock.run(modify.within(Duration::from_secs(5)).into_future()).unwrap_err();
    assert!(error.is_conflict(), "{error}");
    assert!(clock.passed() < Duration::from_secs(5));
    let tries = server.lines().len() / 2;
    assert!(error.to_string().contains(&format!("somebody else was faster {tries} times")), "{error}");
    // One second is the longest wait.
    assert_eq!(tries, 11);
    let left: Vec<_> = server.seen().iter().map(|seen| seen.at + seen.limits.0.unwrap()).collect();
    assert!(left.iter().all(|end| *end == 5000), "each call ends when the whole does: {left:?}");
}

#[test]
fn only_a_conflict_is_repeated() {
    for (answer, says) in [
        (refused(422, "Invalid", ""), "422"),
        (refused(503, "ServiceUnavailable", ""), "503"),
        // Whether it is stored is not known: to do it again could do it twice.
        (Answer::Lost, "the server may have processed it"),
    ] {
        let (client, server, clock) = client([config("1", "a"), answer]);
        let error =
            clock.run(configs(&client).modify("c", |config| config.data.clear()).into_future()).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(server.lines().len(), 2);
    }
}

#[test]
fn it_stays_the_same_object() {
    let (client, _, clock) = client([config("1", "a"), config("", "a")]);
    let renames = configs(&client).modify("c", |config| config.metadata.name = "d".into());
    let error = clock.run(renames.into_future()).unwrap_err();
    assert!(error.to_string().contains("gives it another name"), "{error}");
    let error =
        clock.run(configs(&client).modify("c", |config| config.data.clear()).into_future()).unwrap_err();
    assert!(error.to_string().contains("no resourceVersion"), "{error}");
}

#[test]
fn parts_are_changed_at_their_own_paths() {
    let answer = || ok(r#"{"metadata":{"name":"web","resourceVersion":"1"},"spec":{"replicas":1}}"#);
    let (client, server, clock) = client([answer(), answer(), answer(), answer(), answer(), answer()]);
    let deployments = client.namespaced::<Deployment>("web");
    let status = deployments.status().modify("web", |web| web.status.collision_count = Some(1));
    clock.run(status.into_future()).unwrap();
    let scale = deployments.subresource::<k8s_api::request::subresource::Scale>();
    // It is no kind of its own, and has metadata all the same.
    clock.run(scale.modify("web", |scale| scale.spec.replicas += 1).dry_run().into_future()).unwrap();
    let requests = client.cluster::<CertificateSigningRequest>();
    clock.run(requests.approve("csr", "Known", "m").into_future()).unwrap();
    let lines = server.lines();
    let path = "/apis/apps/v1/namespaces/web/deployments/web";
    assert_eq!(lines[0], format!("GET {path}/status"));
    assert!(lines[1].starts_with(&format!("PUT {path}/status {{")), "{}", lines[1]);
    assert_eq!(
        lines[3],
        format!(
            r#"PUT {path}/scale?dryRun=All {{"kind":"Scale","apiVersion":"autoscaling/v1","metadata":{{"name":"web","resourceVersion":"1"}},"spec":{{"replicas":2}},"status":{{"replicas":0}}}}"#
        )
    );
    assert!(
        lines[5].starts_with("PUT /apis/certificates.k8s.io/v1/certificatesigningrequests/csr/approval {")
    );
    assert!(
        lines[5].contains(r#"{"type":"Approved","status":"True","reason":"Known","message":"m"#),
        "{}",
        lines[5]
    );
}
