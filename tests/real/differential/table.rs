//! Verb by kind by condition: an object's life with everything that can go wrong in it, of every kind.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Ask, Both, HERE, JSON_PATCH, MERGE, STRATEGIC, TABLE, more};

/// What is known: cells of the table, whole kinds (`KIND *`) or conditions (`* CONDITION`), each with why or `open`.
const KNOWN: &str = include_str!("../differential.txt");

/// A kind with an object of it.
pub(super) struct Kind {
    resource: String,
    pub(super) collection: String,
    pub(super) sample: Value,
    namespaced: bool,
    pub(super) has_status: bool,
    pub(super) has_scale: bool,
}

async fn kinds(both: &Both) -> Vec<Kind> {
    let text = include_str!("../samples.yaml").replace("namespace: default", &format!("namespace: {HERE}"));
    let mut samples: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    samples.extend(serde_saphyr::from_multiple::<Value>(include_str!("../operations.yaml")).unwrap());
    let mut kinds = Vec::new();
    for mut sample in samples {
        let version = sample["apiVersion"].as_str().unwrap().to_owned();
        let root = if version.contains('/') { format!("/apis/{version}") } else { format!("/api/{version}") };
        let list = both.real.get(&root).await;
        let Some(all) = list["resources"].as_array() else { continue };
        let of_kind =
            |it: &&Value| it["kind"] == sample["kind"] && !it["name"].as_str().unwrap().contains('/');
        let Some(resource) = all.iter().find(of_kind) else { continue };
        let plural = resource["name"].as_str().unwrap().to_owned();
        let has_status = all.iter().any(|it| it["name"] == format!("{plural}/status"));
        let has_scale = all.iter().any(|it| it["name"] == format!("{plural}/scale"));
        let namespaced = resource["namespaced"] == true;
        let keeps = resource["verbs"].as_array().unwrap().iter().any(|verb| verb == "get" || verb == "list");
        if !keeps || plural == "componentstatuses" {
            continue;
        }
        sample["metadata"]["labels"] = json!({"suite": HERE});
        let collection = if namespaced {
            format!("{root}/namespaces/{HERE}/{plural}")
        } else {
            format!("{root}/{plural}")
        };
        kinds.push(Kind {
            resource: format!("{version}/{plural}"),
            collection,
            sample,
            namespaced,
            has_status,
            has_scale,
        });
    }
    kinds
}

/// What is asked of every kind, in this order: an object's life with everything that can go wrong in it.
fn cells(kind: &Kind) -> Vec<(&'static str, Ask)> {
    let (all, sample) = (kind.collection.as_str(), &kind.sample);
    let name = sample["metadata"]["name"].as_str().unwrap();
    let one = format!("{all}/{name}");
    let changed = |path: &str, value: Value| {
        let mut object = sample.clone();
        *object.pointer_mut(path).unwrap() = value;
        object
    };
    let with = |field: &str, value: Value| {
        let mut object = sample.clone();
        object["metadata"][field] = value;
        object
    };
    let mut extra = sample.clone();
    extra["noSuchField"] = json!(1);
    let labels = json!({"metadata": {"labels": {"more": "1"}}});
    let list = |query: &str| Ask::new("GET", format!("{all}?labelSelector=suite%3D{HERE}&{query}"));
    let mut cells = vec![
        ("get missing", Ask::new("GET", &one)),
        ("create dry", Ask::with("POST", format!("{all}?dryRun=All"), sample)),
        ("create dry wrong", Ask::with("POST", format!("{all}?dryRun=Some"), sample)),
        ("create no json", Ask { body: Some("{".into()), ..Ask::new("POST", all) }),
        ("create list", Ask::with("POST", all, &json!([]))),
        ("create empty", Ask::with("POST", all, &json!({}))),
        ("create other version", Ask::with("POST", all, &changed("/apiVersion", json!("example.com/v9")))),
        ("create other kind", Ask::with("POST", all, &changed("/kind", json!("Nope")))),
        ("create strict unknown", Ask::with("POST", format!("{all}?fieldValidation=Strict"), &extra)),
        ("create bad name", Ask::with("POST", all, &with("name", json!("Not_A/Name")))),
        ("create bad label", Ask::with("POST", all, &with("labels", json!({"a b": "-"})))),
        ("create bad finalizer", Ask::with("POST", all, &with("finalizers", json!(["nope"])))),
        ("create wrong type", Ask::with("POST", all, &with("labels", json!([1])))),
        ("create with version", Ask::with("POST", all, &with("resourceVersion", json!("5")))),
        ("create media type", Ask { content_type: "text/plain", ..Ask::with("POST", all, sample) }),
        ("create", Ask::with("POST", all, sample)),
        ("create existing", Ask::with("POST", all, sample)),
        ("get", Ask::new("GET", &one)),
        // After it what the real server has ready is as new as the object.
        ("get not older", Ask::new("GET", format!("{one}?resourceVersion=$version"))),
        ("get version 0", Ask::new("GET", format!("{one}?resourceVersion=0"))),
        ("get bad version", Ask::new("GET", format!("{one}?resourceVersion=x"))),
        ("get no such part", Ask::new("GET", format!("{one}/nope"))),
        ("list", list("")),
        ("list by name", list(&format!("fieldSelector=metadata.name%3D{name}"))),
        ("list by other name", list("fieldSelector=metadata.name!%3Dx,metadata.name!%3Dy")),
        ("list by bad field", list("fieldSelector=spec.nope%3D1")),
        ("list by no field", list("fieldSelector=nope")),
        ("list by bad label", Ask::new("GET", format!("{all}?labelSelector=a%20in%20b"))),
        ("list by bad key", Ask::new("GET", format!("{all}?labelSelector=-a"))),
        ("list by set", list("labelSelector=suite")),
        ("list table", Ask { accept: TABLE, ..list("") }),
        ("list limit", list("limit=1")),
        ("list bad continue", list("continue=nope")),
        ("list bad version", list("resourceVersion=x")),
        ("list match alone", list("resourceVersionMatch=Exact")),
        ("list bad match", list("resourceVersion=1&resourceVersionMatch=Nope")),
        ("list exact 0", list("resourceVersion=0&resourceVersionMatch=Exact")),
        ("list initial", list("sendInitialEvents=true")),
        ("replace unchanged", Ask::with("PUT", &one, sample)),
        ("replace changed", Ask::with("PUT", &one, &with("annotations", json!({"a": "b"})))),
        ("replace old version", Ask::with("PUT", &one, &with("resourceVersion", json!("1")))),
        ("replace other uid", Ask::with("PUT", &one, &with("uid", json!("nope")))),
        ("replace other name", Ask::with("PUT", &one, &with("name", json!("other")))),
        (
            "replace dry",
            Ask::with("PUT", format!("{one}?dryRun=All"), &with("annotations", json!({"c": "d"}))),
        ),
        (
            "replace missing",
            Ask::with(
                "PUT",
                format!("{all}/missing"),
                &changed("/metadata", json!({"name": "missing", "labels": {"suite": HERE}})),
            ),
        ),
        ("patch merge", Ask::patch(&one, MERGE, &labels)),
        ("patch merge again", Ask::patch(&one, MERGE, &labels)),
        (
            "patch merge unknown",
            Ask::patch(format!("{one}?fieldValidation=Strict"), MERGE, &json!({"nope": 1})),
        ),
        ("patch merge list", Ask::patch(&one, MERGE, &json!([]))),
        ("patch merge name", Ask::patch(&one, MERGE, &json!({"metadata": {"name": "other"}}))),
        ("patch merge version", Ask::patch(&one, MERGE, &json!({"metadata": {"resourceVersion": "1"}}))),
        (
            "patch strategic",
            Ask::patch(&one, STRATEGIC, &json!({"metadata": {"labels": {"more": null, "other": "2"}}})),
        ),
        (
            "patch strategic directive",
            Ask::patch(&one, STRATEGIC, &json!({"metadata": {"labels": {"$patch": "nope"}}})),
        ),
        (
            "patch json",
            Ask::patch(&one, JSON_PATCH, &json!([{"op": "add", "path": "/metadata/labels/j", "value": "3"}])),
        ),
        (
            "patch json test",
            Ask::patch(&one, JSON_PATCH, &json!([{"op": "test", "path": "/metadata/name", "value": "nope"}])),
        ),
        ("patch json nowhere", Ask::patch(&one, JSON_PATCH, &json!([{"op": "remove", "path": "/nope"}]))),
        ("patch json bad op", Ask::patch(&one, JSON_PATCH, &json!([{"op": "nope", "path": "/metadata"}]))),
        ("patch json object", Ask::patch(&one, JSON_PATCH, &json!({}))),
        ("patch media type", Ask::patch(&one, "text/plain", &json!({}))),
        ("patch missing", Ask::patch(format!("{all}/none"), MERGE, &labels)),
        ("post to one", Ask::with("POST", &one, sample)),
        ("put to all", Ask::with("PUT", all, sample)),
        ("delete missing", Ask::new("DELETE", format!("{all}/none"))),
        ("delete bad propagation", Ask::new("DELETE", format!("{one}?propagationPolicy=Nope"))),
        ("delete other uid", Ask::with("DELETE", &one, &json!({"preconditions": {"uid": "nope"}}))),
        (
            "delete old version",
            Ask::with("DELETE", &one, &json!({"preconditions": {"resourceVersion": "1"}})),
        ),
        ("delete dry", Ask::new("DELETE", format!("{one}?dryRun=All"))),
        ("finalize", Ask::patch(&one, MERGE, &json!({"metadata": {"finalizers": ["example.com/a"]}}))),
        ("delete held", Ask::new("DELETE", format!("{one}?propagationPolicy=Foreground"))),
        ("delete held again", Ask::new("DELETE", &one)),
        (
            "hold more",
            Ask::patch(&one, MERGE, &json!({"metadata": {"finalizers": ["example.com/a", "example.com/b"]}})),
        ),
        ("let go", Ask::patch(&one, MERGE, &json!({"metadata": {"finalizers": null}}))),
        ("get gone", Ask::new("GET", &one)),
        ("create again", Ask::with("POST", all, sample)),
        ("delete orphan", Ask::with("DELETE", &one, &json!({"propagationPolicy": "Orphan"}))),
        ("let go again", Ask::patch(&one, MERGE, &json!({"metadata": {"finalizers": null}}))),
        ("create third", Ask::with("POST", all, sample)),
        ("delete", Ask::new("DELETE", &one)),
        ("delete all", Ask::new("DELETE", format!("{all}?labelSelector=suite%3D{HERE}"))),
        ("list none", list("")),
    ];
    for (before, added) in [("create", more::absent(kind)), ("delete missing", more::present(kind))] {
        let at = cells.iter().position(|(title, _)| *title == before).unwrap();
        cells.splice(at..at, added);
    }
    if kind.namespaced {
        let elsewhere = all.replace(&format!("/{HERE}/"), "/nowhere/");
        cells.insert(8, ("create nowhere", Ask::with("POST", &elsewhere, sample)));
        cells.insert(
            9,
            ("create other namespace", Ask::with("POST", all, &with("namespace", json!("other")))),
        );
    }
    if kind.has_status {
        let at = cells.iter().position(|(title, _)| *title == "patch json").unwrap();
        let status = format!("{one}/status");
        cells.insert(at, ("status get", Ask::new("GET", &status)));
        cells.insert(at, ("status patch nothing", Ask::patch(&status, MERGE, &json!({}))));
        cells.insert(
            at,
            (
                "status patch label",
                Ask::patch(&status, MERGE, &json!({"metadata": {"annotations": {"by": "status"}}})),
            ),
        );
    }
    cells
}

#[tokio::test]
async fn every_cell_is_the_same_or_known() {
    let both = Both::start(&[]).await;
    let gates = std::env::var("K8S_TEST_GATES").is_ok_and(|gates| gates == "all");
    let known: BTreeMap<&str, &str> = KNOWN
        .lines()
        .filter_map(|line| line.split_once(" | "))
        .filter(|(cell, _)| !cell.starts_with('#'))
        .collect();
    let (mut same, mut explained, mut open) = (0, 0, 0);
    let (mut all, mut wrong, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for kind in kinds(&both).await {
        for (title, ask) in cells(&kind) {
            let cell = format!("{} {title}", kind.resource);
            let [of_kind, of_all] = [format!("{} *", kind.resource), format!("* {title}")];
            let listed =
                [&cell, &of_kind, &of_all].into_iter().find_map(|it| known.get_key_value(it.as_str()));
            let found = both.agree(&ask).await;
            all.extend(found.iter().map(|how| format!("{cell} | {how}")));
            match (found, listed) {
                (None, _) => same += 1,
                (Some(_), Some((line, why))) => {
                    seen.insert(*line);
                    if why.starts_with("open") { open += 1 } else { explained += 1 }
                }
                (Some(how), None) => wrong.push(format!("{cell} | {how}")),
            }
        }
    }
    println!(
        "{same} cells are the same, {explained} differ for a reason, {open} are open, {} are not known",
        wrong.len()
    );
    if let Ok(file) = std::env::var("K8S_TEST_DIFFERENCES") {
        std::fs::write(file, all.join("\n") + "\n").unwrap();
    }
    // A line may be about what differs with default gates only, or with all of them.
    let of_other = if gates { "default gates" } else { "all gates" };
    let here = known.iter().filter(|(_, why)| !why.contains(of_other)).map(|(line, _)| line);
    let stale: Vec<_> = here.filter(|line| !seen.contains(**line)).collect();
    assert!(wrong.is_empty(), "{} cells differ and are not known:\n{}", wrong.len(), wrong.join("\n"));
    assert!(stale.is_empty(), "no longer different, remove from differential.txt: {stale:?}");
}
