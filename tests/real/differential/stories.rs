//! Stories of several calls, in which each server is asked with what it has said before: pages across changes, watches, histories that end.

use serde_json::json;

use super::{Ask, Both, HERE, MERGE};
use k8s_tests::blocking;

/// What is known to differ, and why.
const KNOWN: &[(&str, &str)] = &[(
    "a watch of a forgotten version",
    "the sentence is the one of kinds that are kept ready, as all are here",
)];

/// Asks both, and writes down how they differ.
struct Story<'a> {
    both: &'a Both,
    told: usize,
    wrong: Vec<String>,
}

impl Story<'_> {
    async fn ask(&mut self, title: &str, ask: Ask) {
        self.told += 1;
        let known = KNOWN.iter().any(|(known, _)| *known == title);
        let how = self.both.agree(&ask).await;
        assert!(!known || how.is_some(), "no longer different: {title}");
        if let Some(how) = how.filter(|_| !known) {
            self.wrong.push(format!("{title}: {how}"));
        }
    }

    async fn make(&mut self, all: &str, names: &[&str]) {
        for name in names {
            let object = json!({"metadata": {"name": name, "labels": {"story": "1"}}});
            self.ask(&format!("create {name}"), Ask::with("POST", all, &object)).await;
        }
    }
}

#[tokio::test]
async fn stories_are_told_the_same() {
    let both = Both::start(&["limitranges"]).await;
    let mut story = Story { both: &both, told: 0, wrong: Vec::new() };
    // One that the real server keeps a cache of, and one that it does not.
    for plural in ["configmaps", "limitranges"] {
        let all = format!("/api/v1/namespaces/{HERE}/{plural}");
        let list = |query: &str| Ask::new("GET", format!("{all}?labelSelector=story&{query}"));
        let watch = |query: &str| list(&format!("watch=true&timeoutSeconds=1&{query}"));
        let label = |name: &str, value: &str| {
            Ask::patch(format!("{all}/{name}"), MERGE, &json!({"metadata": {"labels": {"now": value}}}))
        };
        let initial = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
        story.make(&all, &["a", "b", "c", "d", "e"]).await;

        story.ask("a page", list("limit=2")).await;
        story.make(&all, &["aa", "cc"]).await;
        story.ask("a delete between pages", Ask::new("DELETE", format!("{all}/d"))).await;
        story.ask("the page before again", list("limit=2")).await;
        story.ask("the page after changes", list("limit=2&continue=$continue")).await;
        story.ask("a page with a version", list("limit=2&continue=$continue&resourceVersion=5")).await;
        story
            .ask(
                "a page with another selector",
                list("limit=2&continue=$continue&fieldSelector=metadata.name%3Dcc"),
            )
            .await;
        story.ask("pages without labels", Ask::new("GET", format!("{all}?limit=3"))).await;
        story.ask("the last page", Ask::new("GET", format!("{all}?continue=$continue"))).await;

        story.ask("a list", list("")).await;
        let at_list = story.both.versions();
        story.ask("a change", label("a", "1")).await;
        story.ask("a delete", Ask::new("DELETE", format!("{all}/b"))).await;
        for (title, ask) in [
            ("a watch from a list", watch("resourceVersion=$old")),
            ("a watch of what is left", watch("resourceVersion=$old&fieldSelector=metadata.name%3Da")),
            ("a watch of a label", watch("resourceVersion=$old&labelSelector=now%3D1")),
            ("an exact list", list("resourceVersion=$old&resourceVersionMatch=Exact")),
            ("an exact page", list("resourceVersion=$old&resourceVersionMatch=Exact&limit=2")),
            ("a page of a version", list("resourceVersion=$old&limit=2")),
            ("a newer list", list("resourceVersion=$old&resourceVersionMatch=NotOlderThan")),
            ("a newer page", list("resourceVersion=$old&resourceVersionMatch=NotOlderThan&limit=2")),
        ] {
            story.both.recall(&at_list);
            story.ask(title, ask).await;
        }
        // What the real server has ready is to be as new as this, for those that take whatever is ready.
        story.ask("a list of the present", list("")).await;
        story
            .ask("the same, ready", list("resourceVersion=$version&resourceVersionMatch=NotOlderThan"))
            .await;
        story.ask("a watch from now", watch("")).await;
        story.ask("a watch from 0", watch("resourceVersion=0")).await;
        story
            .ask(
                "a watch of metadata",
                watch("resourceVersion=0")
                    .accepting("application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"),
            )
            .await;
        story.ask("a watch as a table", watch("resourceVersion=0").accepting(super::TABLE)).await;
        story.ask("a list by watch", watch(&format!("{initial}&allowWatchBookmarks=true"))).await;
        story.ask("a list by watch without bookmarks", watch(initial)).await;
        story
            .ask(
                "a list by watch from 0",
                watch(&format!("{initial}&allowWatchBookmarks=true&resourceVersion=0")),
            )
            .await;
        story
            .ask(
                "no list by watch",
                watch("sendInitialEvents=false&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"),
            )
            .await;
        story
            .ask("initial with match exact", watch("sendInitialEvents=true&resourceVersionMatch=Exact"))
            .await;
        story.ask("initial and continue", watch(&format!("{initial}&continue=x"))).await;
        story.ask("watch and limit", watch("limit=1")).await;
        story.ask("watch and continue", watch("continue=x")).await;
        story
            .ask(
                "the old way to watch all",
                Ask::new(
                    "GET",
                    format!("/api/v1/watch/namespaces/{HERE}/{plural}?timeoutSeconds=1&labelSelector=story"),
                ),
            )
            .await;
        story
            .ask(
                "the old way to watch one",
                Ask::new("GET", format!("/api/v1/watch/namespaces/{HERE}/{plural}/a?timeoutSeconds=1")),
            )
            .await;
        for (title, ask) in [
            ("a list of the future", list("resourceVersion=900000000")),
            ("an object of the future", Ask::new("GET", format!("{all}/a?resourceVersion=900000000"))),
            ("an exact list of the future", list("resourceVersion=900000000&resourceVersionMatch=Exact")),
            ("a watch from the future", watch("resourceVersion=900000000")),
        ] {
            story.ask(title, ask).await;
        }
    }

    // What is forgotten: of what is not kept ready, a compaction is enough.
    let all = format!("/api/v1/namespaces/{HERE}/limitranges");
    story.ask("a page that will expire", Ask::new("GET", format!("{all}?limit=1"))).await;
    let old = both.versions();
    story
        .ask(
            "one more change",
            Ask::patch(format!("{all}/a"), MERGE, &json!({"metadata": {"labels": {"now": "3"}}})),
        )
        .await;
    both.server.forget_history();
    let cluster = both.cluster;
    blocking(move || cluster.compact()).await;
    story
        .ask(
            "a change after all",
            Ask::patch(format!("{all}/a"), MERGE, &json!({"metadata": {"labels": {"now": "2"}}})),
        )
        .await;
    story.ask("an expired page", Ask::new("GET", format!("{all}?limit=1&continue=$continue"))).await;
    for (title, query) in [
        ("a watch of a forgotten version", "watch=true&timeoutSeconds=1&resourceVersion=$old"),
        ("an exact list of a forgotten version", "resourceVersion=$old&resourceVersionMatch=Exact"),
        ("a page of a forgotten version", "resourceVersion=$old&limit=1"),
        ("a newer list than a forgotten version", "resourceVersion=$old&resourceVersionMatch=NotOlderThan"),
    ] {
        both.recall(&old);
        story.ask(title, Ask::new("GET", format!("{all}?{query}"))).await;
    }
    println!("{} of {} calls of stories differ", story.wrong.len(), story.told);
    if let Ok(file) = std::env::var("K8S_TEST_DIFFERENCES") {
        std::fs::write(format!("{file}.stories"), story.wrong.join("\n") + "\n").unwrap();
    }
    assert!(story.wrong.is_empty(), "{}", story.wrong.join("\n"));
}
