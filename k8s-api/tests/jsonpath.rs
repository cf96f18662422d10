//! JSONPath against Go's own, and typed objects against raw JSON.
//!
//! `jsonpath/expected.json` is what `k8s.io/client-go/util/jsonpath` v0.37.1 makes of `jsonpath/corpus.json`; it is made
//! anew, in `tests/peers/go-jsonpath`, with `go run . < ../../../k8s-api/tests/jsonpath/corpus.json`.

use std::collections::BTreeMap;

use k8s_api::apiextensions::v1::CustomResourceDefinition;
use k8s_api::codec::json;
use k8s_api::core::v1::{Pod, Secret};
use k8s_api::jsonpath::{Found, JsonPath};
use k8s_api::raw::RawJson;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Corpus {
    objects: BTreeMap<String, Value>,
    expressions: Vec<String>,
}

fn corpus() -> Corpus {
    serde_json::from_str(include_str!("jsonpath/corpus.json")).unwrap()
}

fn raw(value: &Value) -> RawJson {
    RawJson::parse(value.to_string().as_bytes()).unwrap()
}

fn pod() -> Pod {
    serde_json::from_value(corpus().objects["pod"].clone()).unwrap()
}

/// In the form of the expected answers: a text, a sorted list where Go has no order, null for an error.
fn answer<'a>(path: &'a JsonPath, object: impl Into<Found<'a>>) -> Value {
    let object = object.into();
    if path.as_str().contains("..") || path.as_str().contains(".*") {
        let found = path.find(object).map(|found| {
            let mut texts: Vec<String> = found.iter().map(Found::text).collect();
            texts.sort();
            json!(texts)
        });
        return found.unwrap_or_default();
    }
    path.text(object).map(Value::from).unwrap_or_default()
}

/// Where this differs from Go on purpose: the expression, the object, the answer here.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    // Go has neither.
    (r#"{.spec.containers[?(@.name=="a" && @.image=="a:1")].name}"#, "pod", r#""a""#),
    (r#"{.spec.containers[?(@.name=="a" && @.image=="a:1")].name}"#, "any", r#""""#),
    (r#"{.spec.containers[?(@.name=="a" || @.name=="c")].name}"#, "pod", r#""a c""#),
    (r#"{.spec.containers[?(@.name=="a" || @.name=="c")].name}"#, "any", r#""""#),
    // Go forgets the lists behind one that is empty.
    ("{.store.book[*].tags[*]}", "any", r#""x y z q]""#),
    // To Go an index outside of a list is there.
    ("{.spec.containers[?(@.ports[5])].name}", "pod", r#""""#),
    // Go gives the bytes of a text.
    ("{.text.*}", "any", "[]"),
    // Go fails over the null that it gives to the body of a range without results.
    ("{range .spec.containers}{[*].name}{end}", "any", r#""""#),
    // Refused here. Go says so only once there is an element, or never.
    ("{.metadata.finalizers[::0]}", "any", "null"),
    ("{.metadata.finalizers[::-1]}", "any", "null"),
    ("{.metadata.finalizers[]}", "pod", "null"),
    ("{.metadata.finalizers[]}", "any", "null"),
    ("{.spec.containers[?(@.name=1)].name}", "any", "null"),
    (r#"{.spec.containers[?(@.name==="a")].name}"#, "any", "null"),
    ("{.spec.containers[?(@.name==b)].name}", "any", "null"),
    ("{.spec.containers[?()].name}", "pod", "null"),
    ("{.spec.containers[?()].name}", "any", "null"),
    ("{range .spec.containers[*]}{.name}", "pod", "null"),
    ("{range .spec.containers[*]}{.name}", "any", "null"),
];

#[test]
fn the_corpus_gives_what_go_gives() {
    let corpus = corpus();
    let mut expected: BTreeMap<String, BTreeMap<String, Value>> =
        serde_json::from_str(include_str!("jsonpath/expected.json")).unwrap();
    assert_eq!(expected.len(), corpus.expressions.len());
    for (expression, object, answer) in DIFFERENCES {
        let answer = serde_json::from_str(answer).unwrap();
        let go = expected.get_mut(*expression).unwrap().insert((*object).to_owned(), answer);
        assert_ne!(go.as_ref(), expected[*expression].get(*object), "no difference: {expression}");
    }
    let mut wrong = Vec::new();
    for expression in &corpus.expressions {
        let path = JsonPath::parse(expression);
        for (name, object) in &corpus.objects {
            let object = raw(object);
            let found = path.as_ref().map(|path| answer(path, &object)).unwrap_or_default();
            let go = &expected[expression][name];
            if found != *go {
                wrong.push(format!("{expression:?} on {name}: {found}, not {go}, {:?}", path.as_ref().err()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_typed_object_gives_what_its_json_gives() {
    let (corpus, pod) = (corpus(), pod());
    let json = RawJson::parse(&json::encode(&pod).unwrap()).unwrap();
    let mut found = 0;
    for expression in &corpus.expressions {
        let Ok(path) = JsonPath::parse(expression) else { continue };
        assert_eq!(answer(&path, &pod), answer(&path, &json), "{expression}");
        found += usize::from(path.text(&pod).is_ok_and(|text| !text.is_empty()));
    }
    assert!(found > 100, "{found}");
    // What raw JSON holds inside of a typed object is followed as well.
    let path = JsonPath::parse("{.metadata.managedFields[0].fieldsV1..f:nodeName}").unwrap();
    assert_eq!(path.text(&pod).unwrap(), "{}");
    assert!(path.find(&pod).unwrap()[0].view().is_none());
}

#[test]
fn a_schema_that_is_a_boolean_or_a_list_is_what_json_holds() {
    let json = json!({"metadata": {}, "spec": {"names": {"plural": "", "kind": ""}, "group": "", "scope": "", "versions": [
    {"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
        "additionalProperties": false, "items": [{"type": "a"}], "not": {"items": {"type": "b"}},
        "dependencies": {"x": ["y"]}, "default": {"z": [1]},
    }}}]}});
    let definition: CustomResourceDefinition = serde_json::from_value(json).unwrap();
    let text = |path: &str| {
        let path = JsonPath::parse(&format!("{{.spec.versions[0].schema.openAPIV3Schema.{path}}}")).unwrap();
        path.check::<CustomResourceDefinition>().unwrap();
        path.text(&definition).unwrap()
    };
    assert_eq!(text("additionalProperties"), "false");
    assert_eq!(text("items[0].type"), "a");
    assert_eq!(text("not.items.type"), "b");
    assert_eq!(text("dependencies.x[0]"), "y");
    assert_eq!(text("default.z[0]"), "1");
}

#[test]
fn what_a_type_can_not_have_is_refused_with_what_it_has() {
    for (path, at, expected) in [
        (
            "{.spec.containers[*].img}",
            20,
            "io.k8s.api.core.v1.Container has no field `img`; it has name, image, ",
        ),
        ("{.spec.containers.name}", 17, "in a list"),
        ("{.spec.nodeName.x}", 15, "where there is nothing inside"),
        ("{.spec.nodeName[0]}", 16, "in what is no list"),
        ("{.metadata.labels.app.kubernetes.io/name}", 21, "where there is nothing inside"),
        ("{.spec.containers[?(@.nam==\"a\")].image}", 21, "has no field `nam`"),
        ("{.spec.containers[?(\"a\"==@.nam)].image}", 26, "has no field `nam`"),
        ("{.spec.containers[?(@.name && @.nam)].image}", 31, "has no field `nam`"),
        ("{.spec['nodeName','node']}", 19, "has no field `node`"),
        ("{range .spec.containers[*]}{.img}{end}", 28, "has no field `img`"),
        (
            "x{.kind}{.spec}{.stats}",
            16,
            "io.k8s.api.core.v1.Pod has no field `stats`; it has metadata, spec, status",
        ),
        ("{.spec.containers[0].ports[0].*.x}", 31, "where there is nothing inside"),
    ] {
        let error = JsonPath::parse(path).unwrap().check::<Pod>().unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.at(), at, "{error}");
    }
    for path in [
        "{.kind} {.apiVersion} {.metadata.labels['a']} {..anything} {.status.*.ip} {.spec.containers[0,1].name}",
        "{.metadata.managedFields[*].fieldsV1.f:spec} {.spec.containers[?(@.resources.limits.cpu)]['name','image']}",
        "{range .spec.containers[*]}{.name}{range .ports[*]}{.containerPort}{end}{end}{.spec.priority}",
        "{.metadata.labels.app\\.kubernetes\\.io/name}",
    ] {
        JsonPath::parse(path).unwrap().check::<Pod>().unwrap();
    }
}

#[test]
fn an_index_needs_named_fields() {
    for path in [
        "spec.nodeName",
        ".spec.nodeName",
        "{.spec.nodeName}",
        "$.metadata.labels['app']",
        "spec.volumes[*].name",
    ] {
        JsonPath::expression(path).unwrap().check_fields::<Pod>().unwrap();
    }
    for (path, expected) in [
        (
            "metadata..x",
            "JSONPath `{.metadata..x}`: `..` leads to whatever happens to be below: name the fields (at byte 10)",
        ),
        ("status.*", "`.*` leads to whatever fields there are: name them"),
        ("spec.node", "has no field `node`"),
        ("range .spec.containers[*]", "has no field `range`"),
        ("\"a\"", "a constant leads to no field"),
        ("spec.containers", "leads to a list: name one of its elements, or all with `[*]` (at byte 6)"),
        ("metadata.labels", "leads to a map: name one of its keys"),
        ("spec.securityContext", "leads to what has fields: name one of them"),
    ] {
        let path = JsonPath::expression(path);
        let error = path.and_then(|path| path.check_fields::<Pod>()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    assert!(JsonPath::parse("{.kind}x").unwrap().check_fields::<Pod>().is_err());
    assert!(JsonPath::expression("{.a}{.b}").is_err());
}

#[test]
fn what_is_no_expression_is_refused_with_its_place() {
    for (text, at, expected) in [
        ("{.a", 3, "the `{` is never closed"),
        ("x{.a[0}", 4, "the `[` is never closed"),
        ("{.a[x]}", 4, "`[x]` is none of `[0]`"),
        ("{.a[?(@.b==1]}", 3, "never closed by `)]`"),
        ("{.a[?(@.b=~1)]}", 9, "`=` is none of ==, !="),
        ("{.a[?(@.b==)]}", 11, "nothing to compare"),
        ("{.a b}", 4, "`b` is no word here: a field is written `.b`"),
        ("{\"a}", 1, "the quote is never closed"),
        ("{\"\\q\"}", 2, "begins no escape"),
        ("{.a|b}", 3, "`a|b` is no"),
        ("{*}", 1, "`*` has no meaning here"),
        ("{range .a}", 0, "a `range` without `{end}`"),
        ("{.a}{end}", 4, "`end` without a `range`"),
        ("{....}", 3, "`..` twice"),
        ("{1.2.3}", 1, "`1.2.3` is no number"),
        ("{.a[::0]}", 4, "is 1 or more"),
        ("{.a[0,x]}", 6, "`[x]` is none of"),
    ] {
        match JsonPath::parse(text) {
            Err(error) => assert!(error.at() == at && error.to_string().contains(expected), "{error}"),
            Ok(path) => assert_eq!(text, "{.a|b}", "{path:?}"),
        }
    }
}

#[test]
fn errors_and_debug_show_no_values() {
    let secret: Secret =
        serde_json::from_value(json!({"data": {"k": "aHVudGVyMg=="}, "stringData": {"k": "hunter2"}}))
            .unwrap();
    let path = JsonPath::parse("{.stringData.k}").unwrap();
    assert_eq!(path.text(&secret).unwrap(), "hunter2");
    assert_eq!(format!("{:?}", path.find(&secret).unwrap()), "[a text]");
    for path in ["{.stringData.k[0]}", "{.stringData[?(@.k)]}", "{.data.k[?(@==1)]}"] {
        let error = JsonPath::parse(path).unwrap().text(&secret).unwrap_err().to_string();
        assert!(!error.contains("hunter2") && !error.contains("aHVudGVyMg"), "{error}");
    }
}

#[test]
fn the_work_is_bounded() {
    let object = raw(&(0..60).fold(json!({}), |inner, _| json!({"a": inner})));
    for path in ["{..a..a..a..a..a}", "{range ..}{range ..}{range ..}{range ..}{..}{end}{end}{end}{end}"] {
        let error = JsonPath::parse(path).unwrap().find(&object).unwrap_err().to_string();
        assert!(error.contains("more than 1000000 values"), "{error}");
    }
    let deep = format!("{}{}", "{range .a}".repeat(200), "{end}".repeat(200));
    assert!(JsonPath::parse(&deep).unwrap_err().to_string().contains("nested too deep"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_an_expression_or_an_error(text in "[{}.\\[\\]'\"@$*?()=!<>&|:, 0-9a-c\\\\\n-]{0,24}") {
        let object = raw(&json!({"a": [{"a": 1, "b": "c"}, {"b": [1.5, null]}], "b": {"a": {"c": true}}}));
        if let Ok(path) = JsonPath::parse(&text) {
            let _ = path.text(&object);
            let _ = path.check::<Pod>();
        }
    }

    #[test]
    fn typed_and_raw_agree(steps in prop::collection::vec(prop::sample::select(vec![
        ".metadata", ".spec", ".containers", ".name", ".*", "..", "[*]", "[0]", "[-1]", "[0:2]", "['name','image']", ".ports",
        "[?(@.name==\"a\")]", "[?(@.ports)]", ".labels", ".status", ".conditions", ".fieldsV1", ".managedFields", ".x", "}x{",
        "[?(@.restartCount>0)]", ".resources.limits", ".newer.deep", " 1", "}{range .spec.containers[*]}{.name}{end}{",
    ]), 1..6)) {
        let pod = pod();
        let json = RawJson::parse(&json::encode(&pod).unwrap()).unwrap();
        if let Ok(path) = JsonPath::parse(&format!("{{{}}}", steps.concat())) {
            prop_assert_eq!(answer(&path, &pod), answer(&path, &json), "{}", path.as_str());
        }
    }
}
