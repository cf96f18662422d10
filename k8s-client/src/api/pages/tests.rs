use futures_util::StreamExt as _;
use k8s_api::core::v1::ConfigMap;
use k8s_api::request::VersionMatch;

use crate::api::testing::{Answer, client, ok, refused};

/// A page with these names, and where the next one begins.
fn page(version: &str, names: &[&str], token: &str) -> Answer {
    let items: Vec<_> = names.iter().map(|name| format!(r#"{{"metadata":{{"name":"{name}"}}}}"#)).collect();
    let metadata = format!(r#"{{"resourceVersion":"{version}","continue":"{token}"}}"#);
    ok(format!(
        r#"{{"kind":"ConfigMapList","apiVersion":"v1","metadata":{metadata},"items":[{}]}}"#,
        items.join(",")
    ))
}

fn expired(token: &str) -> Answer {
    refused(410, "Expired", &format!(r#","metadata":{{"continue":"{token}"}}"#))
}

#[test]
fn items_come_from_all_pages_in_order() {
    let (client, server, clock) =
        client([page("7", &["a", "b"], "t1"), page("7", &[], "t2"), page("7", &["c"], "")]);
    let list = client.all::<ConfigMap>().list().labels("x").version("5").version_match(VersionMatch::Exact);
    let mut items = list.items();
    let mut names = Vec::new();
    clock.run(async {
        while let Some(item) = items.next().await {
            names.push(item.unwrap().metadata.name.to_string());
        }
    });
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!((items.is_snapshot(), items.version()), (true, Some("7")));
    // With a token, the server refuses a version.
    let path = "GET /api/v1/configmaps?labelSelector=x";
    assert_eq!(
        server.lines(),
        [
            format!("{path}&resourceVersion=5&resourceVersionMatch=Exact&limit=500"),
            format!("{path}&limit=500&continue=t1"),
            format!("{path}&limit=500&continue=t2"),
        ]
    );
    assert!(clock.run(items.next()).is_none());
}

#[test]
fn a_page_is_asked_for_when_it_is_wanted() {
    let (client, server, clock) = client([page("7", &["a"], "t"), page("7", &["b"], "")]);
    let mut items = client.namespaced::<ConfigMap>("web").list().limit(1).items();
    assert_eq!(server.lines().len(), 0);
    clock.run(items.next()).unwrap().unwrap();
    assert_eq!(server.lines().len(), 1);
    clock.run(items.next()).unwrap().unwrap();
    assert_eq!(server.lines().last().unwrap(), "GET /api/v1/namespaces/web/configmaps?limit=1&continue=t");
}

#[test]
fn a_list_that_outlives_its_state_goes_on_and_says_so() {
    let (client, server, clock) =
        client([page("7", &["a"], "old"), expired("new"), page("9", &["b"], "t"), page("9", &["c"], "")]);
    let mut items = client.all::<ConfigMap>().list().items();
    let mut told = Vec::new();
    clock.run(async {
        while let Some(item) = items.next().await {
            let name = item.unwrap().metadata.name.to_string();
            told.push((name, items.is_snapshot(), items.version().unwrap().to_owned()));
        }
    });
    let expected = [("a", true, "7"), ("b", false, "9"), ("c", false, "9")];
    assert_eq!(
        told,
        expected.map(|(name, snapshot, version)| (name.to_owned(), snapshot, version.to_owned()))
    );
    assert!(server.lines()[2].ends_with("continue=new"), "{:?}", server.lines());
}

#[test]
fn a_snapshot_is_one_or_fails() {
    let (client, server, clock) = client([page("7", &["a"], "old"), expired("new")]);
    let items = client.all::<ConfigMap>().list().items().snapshot();
    let items = clock.run(items.collect::<Vec<_>>());
    assert_eq!(items.len(), 2);
    assert!(items[1].as_ref().unwrap_err().is_gone());
    assert_eq!(server.lines().len(), 2);
}

#[test]
fn there_is_an_end_to_going_on() {
    for last in [expired("newer"), expired(""), refused(410, "Expired", ""), refused(403, "Forbidden", "")] {
        let (client, server, clock) = client([page("7", &["a"], "old"), expired("new"), last]);
        let pages = clock.run(client.all::<ConfigMap>().list().pages().collect::<Vec<_>>());
        assert_eq!((pages.len(), pages[1].is_err()), (2, true));
        assert!(server.is_done());
    }
    // An old version, and no token at all.
    let (client, _, clock) = client([expired("")]);
    let pages = clock.run(client.all::<ConfigMap>().list().version("1").pages().collect::<Vec<_>>());
    assert!(pages[0].as_ref().unwrap_err().is_gone() && pages.len() == 1);
}
