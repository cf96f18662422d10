//! Conditions of the table that are no steps of an object's life: nothing of this changes anything but annotations.

use serde_json::{Value, json};

use super::table::Kind;
use super::{Ask, HERE, JSON_PATCH, MERGE, STRATEGIC, TABLE};

const PARTIAL: &str = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
const PARTIALS: &str = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
const YAML: &str = "application/yaml";
const JSON: &str = super::JSON;

type Cells = Vec<(&'static str, Ask)>;

/// The sample with other metadata.
fn with(kind: &Kind, field: &str, value: Value) -> Value {
    let mut object = kind.sample.clone();
    object["metadata"][field] = value;
    object
}

/// While there is no object of this name.
pub(super) fn absent(kind: &Kind) -> Cells {
    let (all, sample) = (kind.collection.as_str(), &kind.sample);
    let name = &sample["metadata"]["name"];
    let dry = format!("{all}?dryRun=All");
    let text = sample.to_string();
    let mut extra = sample.clone();
    extra["noSuchField"] = json!(1);
    let made = json!({"generateName": "made-", "labels": {"suite": HERE}});
    let long = "x".repeat(200);
    let post = |title, object: &Value| (title, Ask::with("POST", &dry, object));
    let raw = |title, content_type, body: &str| (title, Ask::raw("POST", &dry, content_type, body));
    vec![
        post("create bare", &json!({"metadata": {"name": name}})),
        post("create generated", &{
            let mut object = sample.clone();
            object["metadata"] = made;
            object
        }),
        post("create bad annotation", &with(kind, "annotations", json!({"a b/c/d": "-"}))),
        post("create long label", &with(kind, "labels", json!({"a": long}))),
        post("create bad owner", &with(kind, "ownerReferences", json!([{"name": "x"}]))),
        post("create long name", &with(kind, "name", json!("x".repeat(254)))),
        post("create number name", &with(kind, "name", json!(5))),
        post("create no name", &with(kind, "name", json!(""))),
        post("create own fields", &{
            let mut object = with(kind, "uid", json!("u"));
            object["metadata"]["generation"] = json!(7);
            object["metadata"]["creationTimestamp"] = json!("2020-01-01T00:00:00Z");
            object["metadata"]["deletionTimestamp"] = json!("2020-01-01T00:00:00Z");
            object["metadata"]["selfLink"] = json!("/x");
            object
        }),
        ("create warn unknown", Ask::with("POST", format!("{dry}&fieldValidation=Warn"), &extra)),
        ("create ignore unknown", Ask::with("POST", format!("{dry}&fieldValidation=Ignore"), &extra)),
        ("create unknown", Ask::with("POST", &dry, &extra)),
        ("create bad validation", Ask::with("POST", format!("{dry}&fieldValidation=Nope"), sample)),
        ("create long manager", Ask::with("POST", format!("{dry}&fieldManager={long}"), sample)),
        (
            "create strict twice",
            Ask::raw(
                "POST",
                format!("{dry}&fieldValidation=Strict"),
                JSON,
                &text.replacen('{', "{\"metadata\":{},", 1),
            ),
        ),
        raw("create twice", JSON, &text.replacen('{', "{\"metadata\":{},", 1)),
        raw("create yaml", YAML, &text),
        raw("create bad yaml", YAML, "a: b: c"),
        raw("create null", JSON, "null"),
        raw("create number", JSON, "5"),
        raw("create text", JSON, "\"a\""),
        raw("create trailing", JSON, &format!("{text} {{}}")),
        ("create nothing", Ask::new("POST", &dry)),
        ("create as table", Ask::with("POST", &dry, sample).accepting(TABLE)),
        ("create as metadata", Ask::with("POST", &dry, sample).accepting(PARTIAL)),
        ("delete all of none", Ask::new("DELETE", format!("{all}?labelSelector=suite%3Dnone"))),
    ]
}

/// While the object is there and nobody holds it.
pub(super) fn present(kind: &Kind) -> Cells {
    let mut cells = reads(kind);
    cells.extend(patches(kind));
    cells.extend(replacements(kind));
    cells.extend(deletes(kind));
    if kind.has_status {
        cells.extend(status(kind));
    }
    if kind.has_scale {
        cells.extend(scale(kind));
    }
    cells
}

fn one(kind: &Kind) -> String {
    format!("{}/{}", kind.collection, kind.sample["metadata"]["name"].as_str().unwrap())
}

fn reads(kind: &Kind) -> Cells {
    let (all, one) = (&kind.collection, one(kind));
    let name = kind.sample["metadata"]["name"].as_str().unwrap();
    let list = |query: &str| Ask::new("GET", format!("{all}?labelSelector=suite%3D{HERE}&{query}"));
    let labels = |selector: &str| Ask::new("GET", format!("{all}?labelSelector={selector}"));
    let fields = |selector: &str| list(&format!("fieldSelector={selector}"));
    let get = || Ask::new("GET", &one);
    vec![
        ("get metadata", get().accepting(PARTIAL)),
        ("get yaml", get().accepting(YAML)),
        ("get table", get().accepting(TABLE)),
        ("get text", get().accepting("text/plain")),
        ("get several", get().accepting("text/plain, application/json")),
        ("get as nope", get().accepting("application/json;as=Nope;v=v1;g=meta.k8s.io")),
        ("get pretty", Ask::new("GET", format!("{one}?pretty=true"))),
        ("table objects", list("includeObject=Object").accepting(TABLE)),
        ("table none", list("includeObject=None").accepting(TABLE)),
        ("table bad include", list("includeObject=Nope").accepting(TABLE)),
        ("list metadata", list("").accepting(PARTIALS)),
        ("list yaml", list("").accepting(YAML)),
        ("list not older", list("resourceVersion=$version&resourceVersionMatch=NotOlderThan")),
        ("list not older 0", list("resourceVersion=0&resourceVersionMatch=NotOlderThan")),
        ("list exact", list("resourceVersion=$version&resourceVersionMatch=Exact")),
        ("list exact limit", list("resourceVersion=$version&resourceVersionMatch=Exact&limit=1")),
        ("list version", list("resourceVersion=$version")),
        ("list bad limit", list("limit=x")),
        ("list negative limit", list("limit=-1")),
        ("list bad timeout", list("timeoutSeconds=x")),
        ("list continue match", list("continue=x&resourceVersion=1&resourceVersionMatch=Exact")),
        ("list bad watch", list("watch=x&timeoutSeconds=1")),
        ("watch match alone", list("watch=true&timeoutSeconds=1&resourceVersionMatch=NotOlderThan")),
        ("watch initial alone", list("watch=true&timeoutSeconds=1&sendInitialEvents=true")),
        ("watch bad version", list("watch=true&timeoutSeconds=1&resourceVersion=x")),
        ("labels in", labels(&format!("suite+in+({HERE},b)"))),
        ("labels notin", labels(&format!("suite,suite+notin+({HERE})"))),
        ("labels missing", labels("suite,!suite")),
        ("labels greater", labels("suite%3E1")),
        ("labels greater text", labels("suite%3Ex")),
        ("labels no values", labels("suite+in+()")),
        ("labels open", labels("suite+in+(a")),
        ("labels comma", labels("suite,")),
        ("labels two", labels("a=b=c")),
        ("labels two words", labels("a+b")),
        ("labels no key", labels("=b")),
        ("labels not value", labels("a=!b")),
        ("labels bad value", labels("a=-b-")),
        ("labels bad prefix", labels("A_b/c=d")),
        ("labels slashes", labels("a/b/c")),
        ("labels in bad value", labels("suite+in+(-,b)")),
        ("labels long", labels(&"x".repeat(64))),
        ("fields equal", fields(&format!("metadata.name%3D%3D{name}"))),
        ("fields never", fields(&format!("metadata.name%3D{name},metadata.name%3Dx"))),
        ("fields empty", fields("metadata.name%3D")),
        ("fields bad escape", fields("metadata.name%3Da%5Cb")),
        ("fields comma", fields(",")),
        ("fields namespace", fields(&format!("metadata.namespace%3D{HERE}"))),
    ]
}

fn patches(kind: &Kind) -> Cells {
    let one = one(kind);
    let dry = format!("{one}?dryRun=All");
    let annotation = json!({"metadata": {"annotations": {"p": "1"}}});
    let merge = |title, patch: Value| (title, Ask::patch(&dry, MERGE, &patch));
    let metadata = |title, field: &str, value: Value| merge(title, json!({"metadata": {field: value}}));
    let strategic = |title, patch: Value| (title, Ask::patch(&dry, STRATEGIC, &patch));
    let json_ = |title, patch: Value| (title, Ask::patch(&dry, JSON_PATCH, &patch));
    let with =
        |title, query: &str, kind, patch: &Value| (title, Ask::patch(format!("{dry}&{query}"), kind, patch));
    let raw = |title, kind, body: &str| (title, Ask::raw("PATCH", &dry, kind, body));
    vec![
        merge("patch dry", annotation.clone()),
        strategic("patch strategic dry", annotation),
        with("patch dry wrong", "dryRun=Some", MERGE, &json!({})),
        with("patch force", "force=true", MERGE, &json!({})),
        with("patch warn unknown", "fieldValidation=Warn", MERGE, &json!({"nope": 1})),
        with("patch ignore unknown", "fieldValidation=Ignore", MERGE, &json!({"nope": 1})),
        with("patch strategic unknown", "fieldValidation=Strict", STRATEGIC, &json!({"nope": 1})),
        with(
            "patch json unknown",
            "fieldValidation=Strict",
            JSON_PATCH,
            &json!([{"op": "add", "path": "/nope", "value": 1}]),
        ),
        with("patch bad validation", "fieldValidation=Nope", MERGE, &json!({})),
        raw("patch no json", MERGE, "{"),
        raw("patch strategic no json", STRATEGIC, "{"),
        raw("patch json no json", JSON_PATCH, "{"),
        raw("patch nothing", MERGE, ""),
        raw("patch strategic nothing", STRATEGIC, ""),
        raw("patch json nothing", JSON_PATCH, ""),
        raw("patch text", MERGE, "\"a\""),
        raw("patch null", MERGE, "null"),
        raw("patch strategic list", STRATEGIC, "[]"),
        raw("patch strategic null", STRATEGIC, "null"),
        metadata("patch uid", "uid", json!("nope")),
        metadata("patch own uid", "uid", json!("$uid")),
        metadata("patch own version", "resourceVersion", json!("$version")),
        metadata("patch bad version", "resourceVersion", json!("x")),
        metadata("patch no name", "name", Value::Null),
        metadata("patch namespace", "namespace", json!("other")),
        metadata("patch labels type", "labels", json!([1])),
        metadata("patch bad label", "labels", json!({"a b": "-"})),
        metadata("patch bad finalizer", "finalizers", json!(["nope"])),
        metadata("patch bad owner", "ownerReferences", json!([{"name": "x"}])),
        metadata("patch generate name", "generateName", json!("g-")),
        metadata("patch created", "creationTimestamp", json!("2020-01-01T00:00:00Z")),
        metadata("patch not created", "creationTimestamp", Value::Null),
        metadata("patch deleted", "deletionTimestamp", json!("2020-01-01T00:00:00Z")),
        metadata("patch generation", "generation", json!(9)),
        merge("patch no metadata", json!({"metadata": null})),
        merge("patch kind", json!({"kind": "Nope"})),
        merge("patch version", json!({"apiVersion": "example.com/v9"})),
        strategic(
            "patch strategic replace",
            json!({"metadata": {"annotations": {"$patch": "replace", "q": "1"}}}),
        ),
        strategic("patch strategic delete", json!({"metadata": {"annotations": {"$patch": "delete"}}})),
        strategic("patch strategic retain", json!({"metadata": {"$retainKeys": ["name", "labels"]}})),
        strategic(
            "patch strategic order",
            json!({"metadata": {"$setElementOrder/finalizers": ["a.b/c", "d.e/f"], "finalizers": ["d.e/f", "a.b/c"]}}),
        ),
        strategic(
            "patch strategic remove",
            json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["a.b/c"]}}),
        ),
        strategic(
            "patch strategic owners",
            json!({"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "Secret", "name": "o", "uid": "1"}, {"$patch": "delete", "uid": "2"}]}}),
        ),
        strategic("patch strategic owner key", json!({"metadata": {"ownerReferences": [{"name": "o"}]}})),
        strategic("patch strategic type", json!({"metadata": {"labels": "x"}})),
        json_(
            "patch json test good",
            json!([{"op": "test", "path": "/metadata/labels/suite", "value": HERE}]),
        ),
        json_(
            "patch json copy",
            json!([{"op": "add", "path": "/metadata/annotations", "value": {}}, {"op": "copy", "from": "/metadata/name", "path": "/metadata/annotations/n"}]),
        ),
        json_(
            "patch json move",
            json!([{"op": "move", "from": "/metadata/labels/suite", "path": "/metadata/labels/moved"}]),
        ),
        json_("patch json escape", json!([{"op": "add", "path": "/metadata/labels/a~1b~0c", "value": "x"}])),
        json_("patch json slash", json!([{"op": "add", "path": "/metadata/labels/a.b~1c", "value": "x"}])),
        json_("patch json deep", json!([{"op": "add", "path": "/metadata/a/b", "value": "x"}])),
        json_("patch json index", json!([{"op": "add", "path": "/metadata/finalizers/5", "value": "x"}])),
        json_("patch json no slash", json!([{"op": "add", "path": "metadata", "value": "x"}])),
        json_("patch json no path", json!([{"op": "add", "value": "x"}])),
        json_("patch json no value", json!([{"op": "add", "path": "/metadata/labels/a"}])),
        json_("patch json no op", json!([{"path": "/metadata/labels/a"}])),
        json_(
            "patch json from nowhere",
            json!([{"op": "copy", "from": "/nope", "path": "/metadata/labels/a"}]),
        ),
        json_(
            "patch json replace nowhere",
            json!([{"op": "replace", "path": "/metadata/labels/no", "value": "x"}]),
        ),
        json_("patch json whole", json!([{"op": "replace", "path": "", "value": {}}])),
        json_("patch json wrong type", json!([{"op": "add", "path": "/metadata/labels", "value": 5}])),
        json_("patch json empty", json!([])),
        json_("patch json numbers", json!([1])),
        ("patch as table", Ask::patch(&dry, MERGE, &json!({})).accepting(TABLE)),
        ("patch collection", Ask::patch(&kind.collection, MERGE, &json!({}))),
    ]
}

fn replacements(kind: &Kind) -> Cells {
    let one = one(kind);
    let dry = format!("{one}?dryRun=All");
    let put = |title, object: &Value| (title, Ask::with("PUT", &dry, object));
    let mut extra = kind.sample.clone();
    extra["noSuchField"] = json!(1);
    let mut other = kind.sample.clone();
    other["kind"] = json!("Nope");
    let mut none = kind.sample.clone();
    none["metadata"] = json!({});
    vec![
        put("replace own version", &with(kind, "resourceVersion", json!("$version"))),
        put("replace own uid", &with(kind, "uid", json!("$uid"))),
        put("replace bad version", &with(kind, "resourceVersion", json!("x"))),
        put("replace kind", &other),
        put("replace no metadata", &none),
        put("replace namespace", &with(kind, "namespace", json!("other"))),
        put("replace bad label", &with(kind, "labels", json!({"a b": "-"}))),
        put("replace wrong type", &with(kind, "labels", json!([1]))),
        put("replace empty", &json!({})),
        ("replace strict unknown", Ask::with("PUT", format!("{dry}&fieldValidation=Strict"), &extra)),
        ("replace warn unknown", Ask::with("PUT", format!("{dry}&fieldValidation=Warn"), &extra)),
        ("replace nothing", Ask::new("PUT", &dry)),
        ("replace no json", Ask::raw("PUT", &dry, JSON, "{")),
        ("replace media type", Ask::raw("PUT", &dry, "text/plain", "{}")),
        ("replace dry wrong", Ask::with("PUT", format!("{one}?dryRun=Some"), &kind.sample)),
        ("replace as metadata", Ask::with("PUT", &dry, &kind.sample).accepting(PARTIAL)),
    ]
}

fn deletes(kind: &Kind) -> Cells {
    let (one, all) = (one(kind), &kind.collection);
    let dry = format!("{one}?dryRun=All");
    // Where there is a body, nobody looks at the query.
    let delete = |title, mut options: Value| {
        if options["dryRun"].is_null() {
            options["dryRun"] = json!(["All"]);
        }
        (title, Ask::with("DELETE", &one, &options))
    };
    let many = |title, query: &str| (title, Ask::new("DELETE", format!("{all}?dryRun=All&{query}")));
    let mine = format!("labelSelector=suite%3D{HERE}");
    vec![
        ("delete no json", Ask::raw("DELETE", &dry, JSON, "{")),
        ("delete media type", Ask::raw("DELETE", &dry, "text/plain", "{}")),
        delete("delete dry options", json!({})),
        delete("delete other options", json!({"kind": "Nope", "apiVersion": "v1"})),
        delete("delete own uid", json!({"preconditions": {"uid": "$uid"}})),
        delete("delete own version", json!({"preconditions": {"resourceVersion": "$version"}})),
        delete("delete both wrong", json!({"preconditions": {"uid": "x", "resourceVersion": "1"}})),
        delete("delete wrong dry run", json!({"dryRun": ["Nope"]})),
        delete(
            "delete orphan and policy",
            json!({"orphanDependents": true, "propagationPolicy": "Background"}),
        ),
        delete("delete orphan alone", json!({"orphanDependents": true})),
        delete("delete not orphan", json!({"orphanDependents": false})),
        delete("delete body propagation", json!({"propagationPolicy": "Nope"})),
        delete("delete foreground", json!({"propagationPolicy": "Foreground"})),
        delete("delete negative grace", json!({"gracePeriodSeconds": -1})),
        delete("delete grace", json!({"gracePeriodSeconds": 5})),
        ("delete bad grace", Ask::new("DELETE", format!("{dry}&gracePeriodSeconds=x"))),
        ("delete dry wrong", Ask::new("DELETE", format!("{one}?dryRun=Some"))),
        ("delete as metadata", Ask::new("DELETE", &dry).accepting(PARTIAL)),
        many("delete all dry", &mine),
        many("delete all by name", &format!("{mine}&fieldSelector=metadata.name%3Dnone")),
        many("delete all by bad label", "labelSelector=a+b"),
        many("delete all by bad field", &format!("{mine}&fieldSelector=spec.nope%3D1")),
        many("delete all bad propagation", &format!("{mine}&propagationPolicy=Nope")),
        (
            "delete all wrong uid",
            Ask::with(
                "DELETE",
                format!("{all}?{mine}"),
                &json!({"preconditions": {"uid": "x"}, "dryRun": ["All"]}),
            ),
        ),
    ]
}

fn status(kind: &Kind) -> Cells {
    let status = format!("{}/status", one(kind));
    let dry = format!("{status}?dryRun=All");
    let mut other = kind.sample.clone();
    other["metadata"]["name"] = json!("other");
    vec![
        ("status put", Ask::with("PUT", &dry, &kind.sample)),
        ("status put old", Ask::with("PUT", &dry, &with(kind, "resourceVersion", json!("1")))),
        ("status put label", Ask::with("PUT", &dry, &with(kind, "labels", json!({"s": "1"})))),
        ("status put other", Ask::with("PUT", &dry, &other)),
        ("status put empty", Ask::with("PUT", &dry, &json!({}))),
        ("status strategic", Ask::patch(&dry, STRATEGIC, &json!({"metadata": {"annotations": {"s": "1"}}}))),
        ("status finalizer", Ask::patch(&dry, MERGE, &json!({"metadata": {"finalizers": ["a.b/c"]}}))),
        ("status wrong type", Ask::patch(&dry, MERGE, &json!({"status": 5}))),
        ("status missing", Ask::new("GET", format!("{}/none/status", kind.collection))),
        ("status delete", Ask::new("DELETE", &dry)),
        ("status post", Ask::with("POST", &dry, &kind.sample)),
        ("status table", Ask::new("GET", &status).accepting(TABLE)),
    ]
}

fn scale(kind: &Kind) -> Cells {
    let scale = format!("{}/scale", one(kind));
    let dry = format!("{scale}?dryRun=All");
    let name = &kind.sample["metadata"]["name"];
    let to = |replicas: Value| json!({"metadata": {"name": name, "namespace": HERE}, "spec": {"replicas": replicas}});
    let patch = |title, kind, patch: Value| (title, Ask::patch(&dry, kind, &patch));
    vec![
        ("scale get", Ask::new("GET", &scale)),
        ("scale table", Ask::new("GET", &scale).accepting(TABLE)),
        ("scale put", Ask::with("PUT", &dry, &to(json!(2)))),
        ("scale put negative", Ask::with("PUT", &dry, &to(json!(-1)))),
        ("scale put text", Ask::with("PUT", &dry, &to(json!("2")))),
        ("scale put empty", Ask::with("PUT", &dry, &json!({}))),
        (
            "scale put old",
            Ask::with(
                "PUT",
                &dry,
                &json!({"metadata": {"name": name, "resourceVersion": "1"}, "spec": {"replicas": 1}}),
            ),
        ),
        (
            "scale put other",
            Ask::with("PUT", &dry, &json!({"metadata": {"name": "other"}, "spec": {"replicas": 1}})),
        ),
        patch("scale merge", MERGE, json!({"spec": {"replicas": 3}})),
        patch("scale strategic", STRATEGIC, json!({"spec": {"replicas": 3}})),
        patch("scale json", JSON_PATCH, json!([{"op": "replace", "path": "/spec/replicas", "value": 3}])),
        patch("scale unknown", MERGE, json!({"spec": {"nope": 3}})),
        patch("scale wrong type", MERGE, json!({"spec": 5})),
        patch(
            "scale old version",
            MERGE,
            json!({"metadata": {"resourceVersion": "1"}, "spec": {"replicas": 3}}),
        ),
        ("scale missing", Ask::new("GET", format!("{}/none/scale", kind.collection))),
        ("scale delete", Ask::new("DELETE", &dry)),
    ]
}
