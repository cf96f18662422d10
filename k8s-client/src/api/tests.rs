use futures_util::StreamExt as _;
use http::Method;
use k8s_api::apps::v1::Deployment;
use k8s_api::authentication::v1::TokenRequest;
use k8s_api::autoscaling::v1::Scale;
use k8s_api::batch::v1::{CronJob, Job};
use k8s_api::core::v1::{ConfigMap, Node, Pod, Secret, Service, ServiceAccount};
use k8s_api::transport::Lane;
use serde_json::json;

use super::testing::{Answer, client, ok, refused};
use super::{Evicted, Patch};
use std::time::Duration;

#[test]
fn only_a_missing_object_is_nothing() {
    let missing = |kind: &str, name: &str| {
        refused(404, "NotFound", &format!(r#","details":{{"kind":"{kind}","name":"{name}"}}"#))
    };
    let (client, server, clock) = client([
        ok(r#"{"metadata":{"name":"x"}}"#),
        missing("configmaps", "x"),
        missing("namespaces", "x"),
        refused(404, "NotFound", r#","details":{}"#),
        Answer::Whole(404, "404 page not found".to_owned()),
        refused(403, "Forbidden", ""),
    ]);
    let configs = client.namespaced::<ConfigMap>("web");
    assert!(clock.run(configs.get_opt("x").version("7").into_future()).unwrap().is_some());
    assert!(clock.run(configs.get_opt("x").into_future()).unwrap().is_none());
    for code in [404, 404, 404, 403] {
        let error = clock.run(configs.get_opt("x").into_future()).unwrap_err();
        assert_eq!(error.code().unwrap(), code, "{error}");
    }
    assert_eq!(server.lines()[0], "GET /api/v1/namespaces/web/configmaps/x?resourceVersion=7");
}

#[test]
fn the_short_forms_send_what_they_say() {
    let deployment = || ok(r#"{"kind":"Scale","apiVersion":"autoscaling/v1","spec":{"replicas":3}}"#);
    let status = || ok(r#"{"kind":"Status","apiVersion":"v1","status":"Success"}"#);
    let (client, server, clock) = client([
        deployment(),
        deployment(),
        ok("{}"),
        ok("{}"),
        status(),
        ok(r#"{"status":{"token":"t"}}"#),
        ok("pong"),
        ok("{}"),
    ]);
    let deployments = client.namespaced::<Deployment>("web");
    let scale: Scale = clock.run(deployments.scale("api").into_future()).unwrap();
    assert_eq!(scale.spec.replicas, 3);
    clock.run(deployments.scale_to("api", 3).dry_run().field_manager("me").into_future()).unwrap();
    clock.run(client.namespaced::<CronJob>("web").suspend("report").into_future()).unwrap();
    clock.run(client.namespaced::<Job>("web").resume("report").into_future()).unwrap();
    clock.run(client.namespaced::<Pod>("web").bind("api-0", "n1").dry_run().into_future()).unwrap();
    let mut pod = Pod::default();
    (pod.metadata.name, pod.metadata.uid) = ("api-0".into(), "u".into());
    let accounts = client.namespaced::<ServiceAccount>("web");
    let token = accounts.create_token("api").audience("a").audience("b");
    let token = token.expires_after(Duration::from_secs(600)).bound_to(&pod).dry_run();
    assert!(!format!("{token:?}").contains("u"), "{token:?}");
    let token: TokenRequest = clock.run(token.into_future()).unwrap();
    assert_eq!(token.status.token, "t");
    let through = client.namespaced::<Service>("web").proxy("api:http");
    let body = "{}".as_bytes();
    let post = through.post("/a/b").query("q", "1&2").body("application/json".parse().unwrap(), body);
    assert_eq!(clock.run(post.into_future()).unwrap(), "pong");
    let node = client.cluster::<Node>().proxy("n1:10250");
    clock.run(node.request(Method::HEAD, "healthz").into_future()).unwrap();
    assert_eq!(
        server.lines(),
        [
            "GET /apis/apps/v1/namespaces/web/deployments/api/scale",
            r#"PATCH /apis/apps/v1/namespaces/web/deployments/api/scale?dryRun=All&fieldManager=me {"spec":{"replicas":3}}"#,
            r#"PATCH /apis/batch/v1/namespaces/web/cronjobs/report {"spec":{"suspend":true}}"#,
            r#"PATCH /apis/batch/v1/namespaces/web/jobs/report {"spec":{"suspend":false}}"#,
            r#"POST /api/v1/namespaces/web/pods/api-0/binding?dryRun=All {"kind":"Binding","apiVersion":"v1","metadata":{"name":"api-0"},"target":{"kind":"Node","name":"n1"}}"#,
            r#"POST /api/v1/namespaces/web/serviceaccounts/api/token?dryRun=All {"kind":"TokenRequest","apiVersion":"authentication.k8s.io/v1","metadata":{},"spec":{"audiences":["a","b"],"expirationSeconds":600,"boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"api-0","uid":"u"}},"status":{"token":"","expirationTimestamp":null}}"#,
            "POST /api/v1/namespaces/web/services/api%3Ahttp/proxy/a/b?q=1%262 {}",
            "HEAD /api/v1/nodes/n1%3A10250/proxy/healthz",
        ]
    );
    assert_eq!(server.seen()[1].content_type.as_deref(), Some("application/merge-patch+json"));
    assert!(server.is_done());
}

#[test]
fn a_call_may_have_less_time() {
    let (client, server, clock) = client([ok("{}"), ok("{}"), Answer::Pieces(vec!["a"], false)]);
    let configs = client.namespaced::<ConfigMap>("web");
    let soon = Duration::from_secs(2);
    clock.run(configs.get("x").within(soon).into_future()).unwrap();
    clock.run(configs.list().within(soon).items().collect::<Vec<_>>());
    let pods = client.namespaced::<Pod>("web");
    clock.run(pods.logs("x").within(soon).follow().lines().collect::<Vec<_>>());
    let limits: Vec<_> = server.seen().into_iter().map(|seen| seen.limits.0).collect();
    assert_eq!(limits, [Some(2000); 3]);
}

#[test]
fn a_patch_is_any_json() {
    let (client, server, clock) = client([ok("{}"), ok("{}"), ok("{}")]);
    let configs = client.namespaced::<ConfigMap>("web");
    let patches = [
        Patch::merge(json!({"data": {"a": null}})),
        Patch::strategic(json!({"data": {"b": "1"}})),
        Patch::json(json!([{"op": "remove", "path": "/data"}])),
    ];
    for patch in &patches {
        clock.run(configs.patch("x", patch).into_future()).unwrap();
    }
    let sent: Vec<_> = server
        .seen()
        .into_iter()
        .map(|seen| (seen.content_type.unwrap(), seen.line.split_once(' ').unwrap().1.to_owned()))
        .map(|(of, line)| format!("{of} {}", line.split_once(' ').unwrap().1))
        .collect();
    assert_eq!(
        sent,
        [
            r#"application/merge-patch+json {"data":{"a":null}}"#,
            r#"application/strategic-merge-patch+json {"data":{"b":"1"}}"#,
            r#"application/json-patch+json [{"op":"remove","path":"/data"}]"#,
        ]
    );
    let wrong = Patch::merge(serde_json::from_str::<serde_json::Value>("1").unwrap());
    assert!(matches!(wrong, Patch::Merge(_)), "the server says what is wrong with it");
}

#[test]
fn an_eviction_is_answered_by_the_budget_and_repeated_only_when_asked() {
    let blocked = || {
        let cause = r#","details":{"causes":[{"reason":"DisruptionBudget","message":"needs 2"}],"retryAfterSeconds":10}"#;
        refused(429, "TooManyRequests", cause)
    };
    let evicted = || ok(r#"{"kind":"Status","apiVersion":"v1","status":"Success"}"#);
    let pods = |client: &crate::Client| client.namespaced::<Pod>("web");

    let (client, server, clock) = self::client([blocked()]);
    let answer = clock.run(pods(&client).evict("a").grace_period(5).dry_run().into_future()).unwrap();
    let wait = Some(Duration::from_secs(10));
    assert_eq!(answer, Evicted::Blocked { message: "no: TooManyRequests".to_owned(), retry_after: wait });
    assert_eq!(
        server.lines(),
        [
            r#"POST /api/v1/namespaces/web/pods/a/eviction {"kind":"Eviction","apiVersion":"policy/v1","metadata":{"name":"a"},"deleteOptions":{"gracePeriodSeconds":5,"dryRun":["All"]}}"#
        ]
    );

    let (client, server, clock) = self::client([blocked(), blocked(), evicted()]);
    let asked = pods(&client).evict("a").until_allowed(Duration::from_secs(600));
    assert_eq!(clock.run(asked.into_future()).unwrap(), Evicted::Yes);
    let times = server.times();
    assert!(times[1] >= 10_000 && times[2] >= times[1] + 10_000, "{times:?}");

    // The next one would come after the end.
    let (client, server, clock) = self::client([blocked(), blocked(), blocked()]);
    let asked = pods(&client).evict("a").until_allowed(Duration::from_secs(25));
    assert!(matches!(clock.run(asked.into_future()).unwrap(), Evicted::Blocked { .. }));
    assert!(server.is_done());

    // Busy is not blocked.
    let (client, server, clock) = self::client([refused(429, "TooManyRequests", ""), evicted()]);
    assert_eq!(clock.run(pods(&client).evict("a").into_future()).unwrap(), Evicted::Yes);
    assert!(server.is_done());
    let busy = || refused(429, "TooManyRequests", "");
    let (client, _, clock) = self::client([busy(), busy(), busy()]);
    assert_eq!(clock.run(pods(&client).evict("a").into_future()).unwrap_err().code().unwrap(), 429);
}

#[test]
fn metadata_and_tables_are_asked_for_by_their_names() {
    let (client, server, clock) = client([
        ok(r#"{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"s"}}"#),
        ok(r#"{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":{},
            "items":[{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"s"}}]}"#),
        ok(
            r#"{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{},"columnDefinitions":[],"rows":[]}"#,
        ),
        ok(r#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"s"}}"#),
    ]);
    let secrets = client.namespaced::<Secret>("web");
    assert_eq!(clock.run(secrets.metadata().get("s").into_future()).unwrap().metadata.name, "s");
    let items = secrets.metadata().list().items().collect::<Vec<_>>();
    assert_eq!(clock.run(items)[0].as_ref().unwrap().metadata.name, "s");
    clock.run(secrets.get("s").table().with_objects().into_future()).unwrap();
    // A server that takes no notice.
    let error = clock.run(secrets.metadata().get("s").into_future()).unwrap_err();
    assert!(error.to_string().contains("PartialObjectMetadata"), "{error}");
    let accepts: Vec<_> = server.seen().into_iter().map(|seen| seen.accept).collect();
    assert_eq!(
        accepts[..3],
        [
            "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
            "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
            "application/json;as=Table;g=meta.k8s.io;v=v1",
        ]
    );
    assert_eq!(server.lines()[2], "GET /api/v1/namespaces/web/secrets/s?includeObject=Object");
}

#[test]
fn a_watch_gives_the_events_as_they_came() {
    let (client, server, clock) = client([
        Answer::Pieces(vec![r#"{"type":"ADDED","#, "\"object\":{}}\n{\"type\":", "\"ERROR\"}\n"], false),
        Answer::Pieces(vec![r#"{"a":1}{"b""#], true),
        Answer::Pieces(vec![r#"{"a":"#], false),
        refused(410, "Expired", ""),
    ]);
    let configs = client.all::<ConfigMap>();
    let events = || {
        let frames = configs.watch().bookmarks().version("7").frames();
        let events = clock.run(frames.collect::<Vec<_>>()).into_iter();
        events
            .map(|event| {
                event.map_or_else(
                    |error| error.to_string(),
                    |frame| String::from_utf8_lossy(&frame).into_owned(),
                )
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(events(), [r#"{"type":"ADDED","object":{}}"#, r#"{"type":"ERROR"}"#]);
    let broken = events();
    assert_eq!(broken[0], r#"{"a":1}"#);
    assert!(broken[1].contains("broke off") && broken.len() == 2, "{broken:?}");
    assert_eq!(events(), ["the watch can't be read: the stream ended within an event"]);
    assert!(events()[0].contains("410 Gone"));
    let seen = &server.seen()[0];
    assert_eq!(seen.line, "GET /api/v1/configmaps?watch=true&allowWatchBookmarks=true&resourceVersion=7");
    assert_eq!((seen.lane, seen.limits), (Lane::Watch, (None, Some(90_000))));
}
