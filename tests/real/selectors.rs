//! Selectors mean here what they mean on the server, and what it refuses is refused here.

use std::collections::{BTreeMap, BTreeSet};

use k8s_api::Resource;
use k8s_api::core::v1::{ConfigMap, Container, Pod};
use k8s_api::request::verb;
use k8s_client::Api;
use k8s_client::select::{Fields, Labels, Selector};
use k8s_tests::server::server;

type Names = BTreeSet<String>;

fn names<'a, K: Resource>(objects: impl IntoIterator<Item = &'a K>) -> Names {
    objects.into_iter().map(|object| object.metadata().name.to_string()).collect()
}

fn config(name: &str, labels: &[(&str, &str)]) -> ConfigMap {
    let mut config = ConfigMap::default();
    config.metadata.name = name.into();
    config.metadata.labels = labels.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    config
}

/// What each says: the names, or that it is no selector.
struct Table {
    found: usize,
    refused: usize,
    different: Vec<String>,
}

impl Table {
    fn compare(&mut self, text: &str, server: Result<Names, String>, here: Result<Names, String>) {
        match (server, here) {
            (Ok(server), Ok(here)) if server == here => self.found += 1,
            (Err(server), Err(here)) => {
                self.refused += 1;
                println!("{text:?}\n    server: {server}\n    here:   {here}");
            }
            (server, here) => self.different.push(format!("{text:?}: server {server:?}, here {here:?}")),
        }
    }
}

/// What the server finds; only a selector that it does not take is no answer.
async fn found<K: Resource + verb::List>(
    objects: &Api<K>,
    labels: Option<&str>,
    fields: Option<&str>,
) -> Result<Names, String> {
    let mut list = objects.list();
    if let Some(labels) = labels {
        list = list.labels(labels);
    }
    if let Some(fields) = fields {
        list = list.fields(fields);
    }
    match list.await {
        Ok(list) => Ok(names(&list.items)),
        Err(error) if error.code().is_some_and(|code| code == 400) => Err(error.to_string()),
        Err(error) => panic!("{error}"),
    }
}

fn here<K: Resource>(objects: &[K], selector: k8s_client::Result<impl Selector<K>>) -> Result<Names, String> {
    let selector = selector.map_err(|error| error.to_string())?;
    Ok(names(objects.iter().filter(|object| selector.matches(object))))
}

#[tokio::test]
async fn labels_are_selected_as_on_the_server() {
    let server = server("select-labels").await;
    let configs = server.client().namespaced::<ConfigMap>(server.namespace());
    for config in [
        config("plain", &[]),
        config("api", &[("app", "api"), ("tier", "front"), ("age", "7")]),
        config("web", &[("app", "web"), ("tier", ""), ("age", "10")]),
        config("odd", &[("example.com/app", "api"), ("in", "notin"), ("age", "007")]),
        config("upper", &[("App", "API"), ("age", "old"), ("a.b-c_D", "x.y-z_W")]),
    ] {
        configs.create(&config).await.unwrap();
    }
    let all = configs.list().await.unwrap().items;
    let long = "x".repeat(64);
    let texts: Vec<String> = [
        "",
        " ",
        "app",
        "!app",
        "! app",
        "app=api",
        "app==api",
        "app!=api",
        "app = api",
        "app= api ,tier",
        "app=",
        "tier=",
        "tier!=",
        "app in (api)",
        "app in (api,web)",
        "app in(api,web)",
        "app in ( api , web )",
        "app in ()",
        "tier in ()",
        "tier in (,)",
        "tier in (,front)",
        "tier in (front,)",
        "tier in (a,,b)",
        "tier notin ()",
        "app notin (api)",
        "app notin (api,web)",
        "app,tier",
        "app,!tier",
        "!app,!in",
        "in",
        "in=notin",
        "in in (notin)",
        "in notin (in)",
        "notin",
        "!notin",
        "age>7",
        "age>6",
        "age<8",
        "age>9",
        "age<10",
        "age > 7",
        "age>7,age<11",
        "app>1",
        "age=007",
        "example.com/app",
        "example.com/app=api",
        "!example.com/app",
        "App=API",
        "app=API",
        "a.b-c_D=x.y-z_W",
        "app\t=\napi",
        "missing!=x",
        "missing=x",
        "missing notin (x)",
        // None of these are selectors.
        ",",
        "app,",
        ",app",
        "app,,tier",
        "=",
        "=a",
        "app=a=b",
        "app===b",
        "app in",
        "app in api",
        "app in (api",
        "app in api)",
        "app in (a b)",
        "app in (a=b)",
        "app in ((a))",
        "app b",
        "app !",
        "!",
        "!!app",
        "!app=b",
        "!app in (a)",
        "app>",
        "app>x",
        "app<1.5",
        "app>a,",
        "app<>1",
        "app=>1",
        "(app)",
        "app)",
        "-app",
        "app-",
        "app=-a",
        "app=a-",
        "app=a/b",
        "a/b/c",
        "/app",
        "app/",
        "Example.com/app",
        "exa_mple.com/app",
        "app=\u{e4}",
        "\u{e4}",
        "app@b",
        "app in (-a)",
        "app=a:b",
        "a b c",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain([
        format!("app={long}"),
        format!("{long}=a"),
        format!("app in ({long})"),
        format!("{}/a", "a.".repeat(127) + "a"),
    ])
    .collect();
    let mut table = Table { found: 0, refused: 0, different: Vec::new() };
    for text in &texts {
        let parsed = Labels::parse(text);
        if let Ok(parsed) = &parsed {
            let printed = found(&configs, Some(&parsed.to_string()), None).await;
            assert_eq!(printed, here(&all, Ok(parsed)), "{text:?} prints as {parsed}");
        }
        table.compare(text, found(&configs, Some(text), None).await, here(&all, parsed));
    }
    println!("{} label selectors found the same, {} were refused by both", table.found, table.refused);
    assert!(table.different.is_empty(), "{:#?}", table.different);
    assert!(table.found > 50 && table.refused > 40);
}

#[tokio::test]
async fn fields_are_selected_as_on_the_server() {
    let server = server("select-fields").await;
    let pods = server.client().namespaced::<Pod>(server.namespace());
    for (name, node, host_network) in [("a", "", false), ("b", "node-x", false), ("c", "node-y", true)] {
        let mut pod = Pod::default();
        pod.metadata.name = name.into();
        pod.spec.node_name = node.into();
        pod.spec.host_network = host_network;
        pod.spec.scheduler_name = "nobody".into();
        pod.spec.containers = vec![Container { name: "c".into(), image: "i".into(), ..Default::default() }];
        pods.create(&pod).await.unwrap();
    }
    // Taken anew for each, since controllers may act on them meanwhile.
    let mut table = Table { found: 0, refused: 0, different: Vec::new() };
    for text in [
        "",
        ",",
        "metadata.name=a",
        "metadata.name==a",
        "metadata.name!=a",
        "metadata.name=",
        "metadata.name!=",
        "metadata.name=a,",
        ",metadata.name=a",
        "metadata.name=a,metadata.name=b",
        "metadata.name!=a,metadata.name!=b",
        "metadata.namespace=select-fields",
        "metadata.namespace=other",
        "spec.nodeName=",
        "spec.nodeName!=",
        "spec.nodeName=node-x",
        "spec.host=node-y",
        "spec.hostNetwork=true",
        "spec.hostNetwork=false",
        "spec.hostNetwork!=true",
        "spec.hostNetwork=",
        "spec.restartPolicy=Always",
        "spec.schedulerName=nobody",
        "spec.serviceAccountName=default",
        "status.podIP=",
        "status.nominatedNodeName=",
        "metadata.name=a\\,b",
        "metadata.name=a\\=b",
        "metadata.name=a\\\\b",
        "metadata.name= a",
        "metadata.name=a ",
        // None of these are selectors of pods.
        "metadata.name",
        "metadata.name>a",
        "=a",
        "metadata.name=a=b",
        "metadata.name=a\\b",
        "metadata.name=a\\",
        " metadata.name=a",
        "metadata.name =a",
        "metadata.nam=a",
        "metadata..name=a",
        "spec=a",
        "spec.containers=a",
        "name=a",
        "metadata.labels=a",
    ] {
        let all = pods.list().await.unwrap().items;
        let parsed = Fields::<Pod>::parse(text);
        if let Ok(parsed) = &parsed {
            assert_eq!(Fields::<Pod>::parse(&parsed.to_string()).unwrap(), *parsed, "{text:?}");
        }
        table.compare(text, found(&pods, None, Some(text)).await, here(&all, parsed));
    }
    println!("{} field selectors found the same, {} were refused by both", table.found, table.refused);
    assert!(table.different.is_empty(), "{:#?}", table.different);
    assert!(table.found > 25 && table.refused > 12);
    let by_kind: BTreeMap<_, _> =
        [("spec.containers[*].image=i", 3), ("spec.nodeName!=,spec.hostNetwork=false", 1)].into();
    let all = pods.list().await.unwrap().items;
    for (text, count) in by_kind {
        assert_eq!(here(&all, Fields::<Pod>::parse(text)).unwrap().len(), count, "{text}");
    }
}
