use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::{Manifest, What};
use crate::discovery::Discovery;
use crate::outside::testing::Virtual;
use crate::scripted::{Answer, Asked, Scripted, ok, status};

fn parse(text: &str) -> crate::Result<Manifest> {
    Manifest::parse("m.yaml", text)
}

#[test]
fn documents_are_parted_and_lists_taken_apart() {
    let text = "# nothing but a word\n%YAML 1.2\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: web}\n\
                --- # the settings\n# more\n\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  k: |\n    ---\n    x\n\
                ---\n\n--- {apiVersion: v1, kind: ConfigMapList, items: [{metadata: {name: b}}, {metadata: {name: c}}]}\n...\n";
    let manifest = parse(text).unwrap();
    let found: Vec<_> = manifest.documents().iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "m.yaml, document 1 (line 4), Namespace web",
            "m.yaml, document 2 (line 10), ConfigMap a",
            "m.yaml, document 3 (line 19), item 1, ConfigMap b",
            "m.yaml, document 3 (line 19), item 2, ConfigMap c",
        ]
    );
    let text = manifest.documents()[1].object.get("data.k").unwrap();
    assert_eq!(text, Some("---\nx\n".into()));
    let list = parse(
        r#"{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"}}]}"#,
    );
    assert_eq!(list.unwrap().documents()[0].object.kind, "Pod");
    assert!(parse("\n---\n# only this\n").unwrap().documents().is_empty());
}

#[test]
fn every_mistake_is_told_with_its_place_and_without_what_stands_there() {
    let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {k: [hunter2}\n---\n\
                kind: Pod\n---\n- hunter2\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: p, labels: {a: [hunter2]}}\n---\n\
                apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {}\nspec: {}\n";
    let error = parse(text).unwrap_err().to_string();
    assert!(!error.contains("hunter2"), "{error}");
    for part in [
        "5 mistakes: m.yaml, line 4, column",
        "m.yaml, document 2 (line 6), Pod: has no apiVersion and no metadata.name",
        "m.yaml, document 3 (line 8): is a list, not an object",
        "m.yaml, document 4 (line 10): metadata.labels.a: expected",
        "m.yaml, line 18, column 1: is no YAML: the field `spec` comes twice",
    ] {
        assert!(error.contains(part), "{part} is not in {error}");
    }
}

fn resource(plural: &str, kind: &str, scope: &str) -> Value {
    json!({"resource": plural, "responseKind": {"kind": kind}, "scope": scope, "verbs": ["get", "patch"]})
}

fn discovered(asked: &Asked) -> Option<Answer> {
    let groups = |items: Value| ok(json!({"kind": "APIGroupDiscoveryList", "items": items}).to_string());
    let version =
        |resources: Value| json!([{"version": "v1", "freshness": "Current", "resources": resources}]);
    match asked.line.as_str() {
        "GET /api" => Some(groups(json!([{"metadata": {"name": ""}, "versions": version(json!([
            resource("namespaces", "Namespace", "Cluster"),
            resource("configmaps", "ConfigMap", "Namespaced"),
            {"resource": "bindings", "responseKind": {"kind": "Binding"}, "scope": "Namespaced", "verbs": ["create"]},
        ]))}]))),
        "GET /apis" => {
            Some(groups(json!([{"metadata": {"name": "apiextensions.k8s.io"}, "versions": version(json!([
                resource("customresourcedefinitions", "CustomResourceDefinition", "Cluster"),
            ]))}])))
        }
        _ => None,
    }
}

const MIXED: &str = "
apiVersion: example.com/v1
kind: Widget
metadata: {name: w}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c, namespace: web}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets}
  versions: [{name: v1, served: true, storage: true}]
---
apiVersion: v1
kind: Namespace
metadata: {name: web}
";

const DEFINITION: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com";

/// Serves everything; the definition is established when it is looked at for the third time, the kind served one look
/// later, and the first apply of it comes too early all the same.
fn serve(asked: &Asked, looks: &AtomicUsize, applies: &AtomicUsize) -> Answer {
    if let Some(answer) = discovered(asked) {
        return answer;
    }
    let (method, path) = asked.line.split_once(' ').unwrap();
    match (method, path.split('?').next().unwrap()) {
        ("GET", DEFINITION) => {
            let established = if looks.fetch_add(1, Ordering::SeqCst) < 2 { "False" } else { "True" };
            ok(json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "x"},
                "status": {"conditions": [{"type": "Established", "status": established}]}}).to_string())
        }
        ("GET", "/apis/example.com/v1/") if looks.load(Ordering::SeqCst) < 4 => status(404, "no"),
        ("GET", "/apis/example.com/v1/") => {
            ok(r#"{"kind":"APIResourceList","groupVersion":"example.com/v1","resources":[
            {"name":"widgets","singularName":"","namespaced":true,"kind":"Widget","verbs":[]}]}"#)
        }
        ("PATCH", path) if path.contains("widgets/w") && applies.fetch_add(1, Ordering::SeqCst) == 0 => {
            status(404, "the server could not find the requested resource")
        }
        ("PATCH", _) => ok(asked.body.clone()),
        _ => status(500, "what?"),
    }
}

fn server() -> std::sync::Arc<Scripted> {
    let (looks, applies) = (AtomicUsize::new(0), AtomicUsize::new(0));
    Scripted::new(move |asked: &Asked| serve(asked, &looks, &applies))
}

#[test]
fn what_others_need_comes_first_and_is_waited_for() {
    let (clock, server) = (Virtual::new(), server());
    let discovery = Discovery::new(&server.client(&clock));
    let manifest = parse(MIXED).unwrap();
    let report = clock.run(manifest.apply(&discovery, "me").namespace("web").force().into_future_()).unwrap();
    assert!(report.is_complete());
    let names: Vec<_> = report.into_result().unwrap().iter().map(|object| object.kind.to_string()).collect();
    assert_eq!(names, ["Namespace", "CustomResourceDefinition", "ConfigMap", "Widget"]);
    let options = "fieldManager=me&force=true&fieldValidation=Strict";
    let writes: Vec<String> = server.lines().into_iter().filter(|line| line.starts_with("PATCH")).collect();
    assert_eq!(
        writes,
        [
            format!("PATCH /api/v1/namespaces/web?{options}"),
            format!("PATCH {DEFINITION}?{options}"),
            format!("PATCH /api/v1/namespaces/web/configmaps/c?{options}"),
            format!("PATCH /apis/example.com/v1/namespaces/web/widgets/w?{options}"),
            format!("PATCH /apis/example.com/v1/namespaces/web/widgets/w?{options}"),
        ]
    );
    assert_eq!(clock.passed(), Duration::from_millis(50 + 100 + 200 + 50));
}

trait IntoFuture_: std::future::IntoFuture + Sized {
    fn into_future_(self) -> Self::IntoFuture {
        self.into_future()
    }
}

impl<T: std::future::IntoFuture> IntoFuture_ for T {}

#[test]
fn a_dry_run_stores_nothing_and_waits_for_nothing() {
    let (clock, server) = (Virtual::new(), server());
    let discovery = Discovery::new(&server.client(&clock));
    let manifest = parse(MIXED).unwrap();
    let report = clock.run(manifest.apply(&discovery, "me").dry_run().into_future_()).unwrap();
    let lines = server.lines();
    assert!(
        lines.iter().filter(|line| line.starts_with("PATCH")).all(|line| line.contains("dryRun=All")),
        "{lines:?}"
    );
    assert_eq!(lines.len(), 2 + 3);
    assert!(matches!(&report.outcomes()[3].what, What::Skipped(why) if why.contains("dry run")));
    assert_eq!(clock.passed(), Duration::ZERO);
}

#[test]
fn nothing_is_written_before_everything_is_known() {
    let (clock, server) = (Virtual::new(), server());
    let discovery = Discovery::new(&server.client(&clock));
    let text = "
apiVersion: v1
kind: Namespace
metadata: {name: web, namespace: x}
---
apiVersion: v1
kind: ConfigMop
metadata: {name: c}
---
apiVersion: v1
kind: Binding
metadata: {name: b}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c, namespace: default}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
";
    let manifest = parse(text).unwrap();
    let error = clock.run(manifest.apply(&discovery, "me").into_future_()).unwrap_err().to_string();
    for part in [
        "nothing was applied: 4 mistakes: ",
        "m.yaml, document 1 (line 2), Namespace x/web: a Namespace lives in no namespace, and `x` is given",
        "document 2 (line 6), ConfigMop c: the server has no resource or kind `ConfigMop.v1`; did you mean `configmaps`?",
        "document 3 (line 10), Binding b: the server offers no `patch` of bindings (v1)",
        "document 5 (line 18), ConfigMap default/c: the same object stands in m.yaml, document 4 (line 14)",
    ] {
        assert!(error.contains(part), "{part} is not in {error}");
    }
    assert!(server.lines().iter().all(|line| line.starts_with("GET")));
}

#[test]
fn what_failed_says_what_was_applied_before() {
    let clock = Virtual::new();
    let server = Scripted::new(|asked: &Asked| {
        discovered(asked).unwrap_or_else(|| {
            if asked.line.contains("/configmaps/b") { status(403, "quota") } else { ok(asked.body.clone()) }
        })
    });
    let discovery = Discovery::new(&server.client(&clock));
    let one = |name: &str| format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n");
    let manifest = parse(&(one("a") + &one("b") + &one("c"))).unwrap();
    let report = clock.run(manifest.apply(&discovery, "me").into_future_()).unwrap();
    assert!(!report.is_complete());
    let error = report.into_result().unwrap_err();
    assert!(error.is_forbidden());
    let text = error.to_string();
    for part in [
        "patch configmaps (PATCH /api/v1/namespaces/default/configmaps/b",
        "applied: ConfigMap default/a; not tried: ConfigMap default/c; failed: m.yaml, document 2 (line 6), ConfigMap default/b: 403",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let report = clock.run(manifest.apply(&discovery, "me").dry_run().into_future_()).unwrap();
    assert!(matches!(report.outcomes()[2].what, What::Applied(_)), "a dry run goes on");
}

#[test]
fn a_definition_that_is_never_established_ends_the_wait() {
    let clock = Virtual::new();
    let server = Scripted::new(|asked: &Asked| {
        discovered(asked).unwrap_or_else(|| match asked.line.starts_with("GET") {
            true => ok(r#"{"kind":"CustomResourceDefinition","metadata":{"name":"x"}}"#),
            false => ok(asked.body.clone()),
        })
    });
    let discovery = Discovery::new(&server.client(&clock));
    let manifest = parse(MIXED).unwrap();
    let patience = Duration::from_secs(7);
    let report = clock.run(manifest.apply(&discovery, "me").patience(patience).into_future_()).unwrap();
    let error = report.into_result().unwrap_err().to_string();
    assert!(
        error.contains("waited for widgets.example.com (v1) in vain: its definition is not established"),
        "{error}"
    );
    assert!(clock.passed() <= patience && clock.passed() > patience - Duration::from_secs(2));
}
