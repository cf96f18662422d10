use std::time::Duration;

use futures_util::StreamExt as _;
use k8s_api::core::v1::{ConfigMap, Node};
use k8s_api::dynamic::DynamicObject;

use super::*;
use crate::api::testing::Answer::{Hanging, Pieces};
use crate::api::testing::{client, ok, refused};
use crate::outside::Outside as _;
use crate::outside::testing::{Handle, Virtual};
use crate::watch::Object as _;

/// What an event says, in a few letters: `+a@1` and `-a`.
fn short<K: Resource>(event: &Event<K>) -> String {
    match event {
        Event::Applied(object) => format!("+{}@{}", object.name(), object.resource_version()),
        Event::Deleted(gone) => format!("-{}", gone.name()),
        Event::Synced => "synced".to_owned(),
        Event::Resynced { cause } => format!("{cause:?}"),
        Event::Bookmark { resource_version } => format!("bookmark {resource_version}"),
        Event::Quarantined(bad) => {
            format!("bad {}", bad.key.as_ref().map_or("?", |key| &key.name))
        }
    }
}

/// So many events.
fn take<K: Resource>(clock: &Virtual, events: &mut Events<K>, count: usize) -> Vec<String> {
    clock.run(events.by_ref().take(count).map(|event| short(&event)).collect())
}

const STATE: &str = r#"{"type":"ADDED","object":{"metadata":{"namespace":"web","name":"a","uid":"1","resourceVersion":"3"}}}
{"type":"ADDED","object":{"metadata":{"namespace":"web","name":"b","uid":"2","resourceVersion":"4"}}}
{"type":"ADDED","object":{"metadata":{"namespace":"web","name":"c","uid":"3","resourceVersion":"5"}}}
{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"10","annotations":{"k8s.io/initial-events-end":"true"}}}}
"#;

const GONE: &str = r#"{"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old"}}"#;

#[test]
fn a_stream_alone_is_a_true_account() {
    let (client, server, clock) = client([
        Pieces(
            vec![
                STATE,
                r#"{"type":"MODIFIED","object":{"metadata":{"namespace":"web","name":"a","uid":"1","resourceVersion":"11"}}}"#,
            ],
            true,
        ),
        Hanging(vec![
            r#"{"type":"MODIFIED","object":{"metadata":{"namespace":"web","name":"a","uid":"1","resourceVersion":"11"}}}
{"type":"DELETED","object":{"metadata":{"namespace":"web","name":"b","uid":"2","resourceVersion":"12"}}}
{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"13"}}}
{"type":"ADDED","object":{"metadata":{"namespace":"web","name":"d","uid":"4","resourceVersion":"14"}}}
"#,
            GONE,
        ]),
        // `a` is as it was, `c` has been made anew, `d` is gone, `e` is new.
        Hanging(vec![
            r#"{"type":"ADDED","object":{"metadata":{"namespace":"web","name":"a","uid":"1","resourceVersion":"11"}}}
{"type":"ADDED","object":{"metadata":{"namespace":"web","name":"c","uid":"9","resourceVersion":"20"}}}
{"type":"ADDED","object":{"metadata":{"namespace":"web","name":"e","uid":"5","resourceVersion":"21"}}}
{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"30","annotations":{"k8s.io/initial-events-end":"true"}}}}
"#,
        ]),
    ]);
    let mut events = client.namespaced::<ConfigMap>("web").watch().labels("app=api").events();
    let monitor = events.monitor();
    assert!(!monitor.health().synced && server.lines().is_empty());
    let told = take(&clock, &mut events, 12);
    let expected =
        ["+a@3", "+b@4", "+c@5", "synced", "+a@11", "-b", "+d@14", "-c", "+c@20", "+e@21", "-d", "Expired"];
    assert_eq!(told, expected);
    let path = "GET /api/v1/namespaces/web/configmaps?";
    assert!(
        server.lines().iter().all(|line| line.starts_with(path) && line.contains("labelSelector=app%3Dapi"))
    );
    assert!(server.lines()[1].ends_with("&resourceVersion=11"), "{:?}", server.lines());
    let health = monitor.health();
    assert!(health.synced && health.bookmark_at.is_some() && health.event_at.is_some());
    assert!(monitor.fresh_within(Duration::from_secs(1)));
}

#[test]
fn a_list_and_its_selectors_when_the_server_can_not_stream() {
    let (client, server, clock) = client([
        refused(422, "Invalid", ""),
        ok(
            r#"{"kind":"NodeList","apiVersion":"v1","metadata":{"resourceVersion":"7"},"items":[{"metadata":{"name":"n","uid":"1","resourceVersion":"6"}}]}"#,
        ),
        Hanging(vec![]),
    ]);
    let mut events =
        client.cluster::<Node>().watch().fields("spec.unschedulable=false").shards("x").bookmarks().events();
    assert_eq!(take(&clock, &mut events, 2), ["+n@6", "synced"]);
    let _ = clock.run(futures_util::future::select(
        events.next(),
        Handle(clock.clone()).wait(clock.after(Duration::ZERO)),
    ));
    let select = "fieldSelector=spec.unschedulable%3Dfalse&shardSelector=x";
    assert_eq!(
        server.lines()[1..],
        [
            format!("GET /api/v1/nodes?{select}&limit=500"),
            format!("GET /api/v1/nodes?{select}&watch=true&allowWatchBookmarks=true&timeoutSeconds=412&resourceVersion=7")
        ]
        .map(|line| match server.lines()[2].split_once("timeoutSeconds=") {
            Some((_, rest)) => line.replace("412", &rest[..3]),
            None => line,
        })
    );
}

#[test]
fn it_goes_on_after_a_version_and_tells_bookmarks_if_asked() {
    let (client, server, clock) = client([
        Hanging(vec![
            r#"{"type":"DELETED","object":{"metadata":{"namespace":"web","name":"b","uid":"2","resourceVersion":"12"}}}
{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"13"}}}
"#,
            GONE,
        ]),
        Hanging(vec![STATE]),
    ]);
    let mut events = client.namespaced::<ConfigMap>("web").watch().version("11").bookmarks().events();
    let expected = ["-b", "bookmark 13", "+a@3", "+b@4", "+c@5", "Expired"];
    assert_eq!(take(&clock, &mut events, 6), expected);
    assert!(server.lines()[0].contains("&resourceVersion=11"), "{:?}", server.lines());
}

#[test]
fn a_refused_watch_says_so_and_recovers() {
    let (client, server, clock) = client([refused(403, "Forbidden", ""), Hanging(vec![STATE])]);
    let mut events = client.namespaced::<ConfigMap>("web").watch().events();
    let monitor = events.monitor();
    let refused = monitor.until(|health| health.failure.as_ref().is_some_and(|failure| failure.is_refused()));
    clock.run(async {
        let refused = std::pin::pin!(refused);
        assert!(matches!(
            futures_util::future::select(refused, events.next()).await,
            futures_util::future::Either::Left((true, _))
        ));
    });
    assert_eq!(take(&clock, &mut events, 4), ["+a@3", "+b@4", "+c@5", "synced"]);
    assert!(monitor.health().failure.is_none());
    assert!(server.times()[1] <= 500, "{:?}", server.times());
    drop(events);
    assert!(!clock.run(monitor.until(|_| false)), "it says when the watch is over");
}

#[test]
fn what_can_not_be_read_is_told_and_stays() {
    let bad = r#"{"type":"MODIFIED","object":{"metadata":{"namespace":"web","name":"a","resourceVersion":"11"},"data":7}}"#;
    let list = r#"{"metadata":{"resourceVersion":"20"},"items":[{"metadata":{"namespace":"web","name":"a","resourceVersion":"11"},"data":7}]}"#;
    let (client, _, clock) =
        client([Hanging(vec![STATE, bad, GONE]), refused(400, "BadRequest", ""), ok(list), Hanging(vec![])]);
    let mut events = client.namespaced::<ConfigMap>("web").watch().events();
    let expected = ["+a@3", "+b@4", "+c@5", "synced", "bad a", "bad a", "-b", "-c", "Expired"];
    assert_eq!(take(&clock, &mut events, 9), expected);
    assert_eq!(events.monitor().health().quarantined, 2);
}

#[test]
fn a_slow_consumer_makes_no_server_silent() {
    let (client, server, clock) = client([Hanging(vec![
        STATE,
        r#"{"type":"ADDED","object":{"metadata":{"namespace":"web","name":"d","uid":"4","resourceVersion":"14"}}}"#,
    ])]);
    let mut events = client.namespaced::<ConfigMap>("web").watch().events();
    take(&clock, &mut events, 4);
    clock.run(Handle(clock.clone()).wait(clock.after(Duration::from_secs(1000))));
    assert_eq!(take(&clock, &mut events, 1), ["+d@14"]);
    assert_eq!(server.lines().len(), 1);
}

#[test]
fn a_server_that_is_silent_is_left() {
    let (client, server, clock) = client([Hanging(vec![STATE]), Hanging(vec![GONE]), Hanging(vec![STATE])]);
    let mut events = client.namespaced::<ConfigMap>("web").watch().events();
    take(&clock, &mut events, 4);
    assert_eq!(take(&clock, &mut events, 1), ["Expired"]);
    assert!(server.times()[1] >= 90_000, "{:?}", server.times());
    assert!(!events.monitor().fresh_within(Duration::ZERO) || server.lines().len() == 3);
}

#[test]
fn one_object_is_told_state_by_state() {
    let (client, server, clock) = client([
        Hanging(vec![
            r#"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"10","annotations":{"k8s.io/initial-events-end":"true"}}}}
{"type":"ADDED","object":{"metadata":{"namespace":"web","name":"a","uid":"1","resourceVersion":"11"}}}
{"type":"MODIFIED","object":{"metadata":{"namespace":"web","name":"a","uid":"1","resourceVersion":"12"}}}
{"type":"DELETED","object":{"metadata":{"namespace":"web","name":"a","uid":"1","resourceVersion":"13"}}}
{"type":"ADDED","object":{"metadata":{"namespace":"web","name":"a","uid":"2","resourceVersion":"14"}}}
"#,
            GONE,
        ]),
        Hanging(vec![
            r#"{"type":"ADDED","object":{"metadata":{"namespace":"web","name":"a","uid":"3","resourceVersion":"20"}}}
{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"30","annotations":{"k8s.io/initial-events-end":"true"}}}}
{"type":"MODIFIED","object":{"metadata":{"namespace":"web","name":"a","uid":"3","resourceVersion":"31"}}}
"#,
        ]),
    ]);
    let one = client.namespaced::<ConfigMap>("web").watch_one("a");
    let version = |state: Option<Arc<ConfigMap>>| state.map(|config| config.resource_version().to_owned());
    let told: Vec<_> = clock.run(one.take(8).map(version).collect());
    let told: Vec<_> = told.iter().map(|version| version.as_deref().unwrap_or("-")).collect();
    assert_eq!(told, ["-", "11", "12", "-", "14", "-", "20", "31"]);
    assert!(server.lines()[0].contains("fieldSelector=metadata.name%3Da"), "{:?}", server.lines());
}

#[test]
fn objects_without_a_type_and_metadata_alone() {
    let (client, server, clock) = client([Hanging(vec![STATE])]);
    let mut names = client.namespaced::<ConfigMap>("web").metadata().watch().events();
    assert_eq!(take(&clock, &mut names, 1), ["+a@3"]);
    assert!(server.seen()[0].accept.contains("PartialObjectMetadata"), "{}", server.seen()[0].accept);
    let _: fn(Events<DynamicObject>) -> Monitor = |events| events.monitor();
}
