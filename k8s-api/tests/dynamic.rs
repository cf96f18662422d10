//! Objects and requests of kinds that have no compiled type.

use k8s_api::apps::v1::Deployment;
use k8s_api::codec::{Decoder, json};
use k8s_api::core::v1::Secret;
use k8s_api::dynamic::{ApiResource, ApiSubresource, DynamicObject, Json};
use k8s_api::jsonpath::JsonPath;
use k8s_api::list::List;
use k8s_api::raw::RawJson;
use k8s_api::request::subresource::{Scale, Status};
use k8s_api::request::{
    Answer as _, Apply, Create, Delete, DeleteCollection, Deleted, Everywhere, Get, Patch, PatchDocument,
    Place, Places, Replace, Request, Watch,
};
use k8s_api::transport::Body;

const WIDGET: &str = r#"{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w","labels":{"a":"b"},"newer":[1.50]},"zeta":{"b":1.50,"a":-0,"big":123456789012345678901234567890},"spec":{"list":[{"name":"x","on":null},{"name":"y"}]},"alpha":"é\u0000"}"#;

fn widget() -> DynamicObject {
    DynamicObject::parse(WIDGET.as_bytes()).unwrap()
}

fn text(object: &DynamicObject) -> String {
    String::from_utf8(json::encode(object).unwrap()).unwrap()
}

#[test]
fn everything_is_kept_in_its_order_and_with_its_digits() {
    let mut widget = widget();
    assert_eq!(text(&widget), WIDGET);
    assert_eq!((widget.group(), widget.version()), ("example.com", "v1"));
    assert_eq!(widget.names().collect::<Vec<_>>(), ["zeta", "spec", "alpha"]);
    widget.metadata.labels.insert("c".into(), "d".into());
    assert_eq!(text(&widget), WIDGET.replace(r#""a":"b""#, r#""a":"b","c":"d""#));
    let serde: DynamicObject = serde_json::from_str(WIDGET).unwrap();
    assert_eq!(serde.metadata.labels, self::widget().metadata.labels);
    assert_eq!(serde_json::to_value(&serde).unwrap()["spec"]["list"][0]["name"], "x");
}

#[test]
fn fields_are_reached_by_path_and_by_jsonpath() {
    let mut widget = widget();
    let get = |widget: &DynamicObject, path: &str| widget.get(path).unwrap().map(|json| json.to_string());
    assert_eq!(get(&widget, "zeta.b").as_deref(), Some("1.50"));
    assert_eq!(get(&widget, "spec.list[name=y]").as_deref(), Some(r#"{"name":"y"}"#));
    assert_eq!(get(&widget, "metadata.labels.a").as_deref(), Some(r#""b""#));
    assert_eq!(get(&widget, "kind").as_deref(), Some(r#""Widget""#));
    assert_eq!(get(&widget, "spec.list[2]"), None);
    let path = JsonPath::parse("{.kind} {.metadata.name}{range .spec.list[*]} {.name}{end}").unwrap();
    assert_eq!(path.text(&widget).unwrap(), "Widget w x y");

    widget.set("spec.list[name=y].on", true).unwrap();
    widget.set("spec.list[2]", "z").unwrap();
    widget.set("status.deep.count", 3).unwrap();
    widget.set("metadata.annotations['a.b/c']", "1").unwrap();
    assert_eq!(
        get(&widget, "spec.list").as_deref(),
        Some(r#"[{"name":"x","on":null},{"name":"y","on":true},"z"]"#)
    );
    assert_eq!(widget.metadata.annotations.get("a.b/c").map(|value| value.as_str()), Some("1"));
    assert_eq!(widget.names().collect::<Vec<_>>(), ["zeta", "spec", "alpha", "status"]);
    assert_eq!(widget.remove("spec.list[0].name").unwrap(), Some(Json::from("x")));
    assert!(widget.remove("zeta").unwrap().is_some());
    assert_eq!(widget.remove("nothing.here").unwrap(), None);
    assert!(widget.remove("metadata.labels").unwrap().is_some());
    assert!(widget.metadata.labels.is_empty());

    for (path, value) in [
        ("metadata.labels.x", Json::from(5)),
        ("kind", Json::Null),
        ("alpha.b", Json::Null),
        ("[0]", Json::Null),
        ("spec.list[*].on", Json::Null),
    ] {
        let error = widget.set(path, value).unwrap_err().to_string();
        assert!(error.contains(path), "{error}");
    }
}

#[test]
fn it_becomes_a_compiled_type_and_comes_back() {
    let mut object = DynamicObject::new(&ApiResource::of::<Deployment>(), "web");
    object.set("spec.replicas", 3).unwrap();
    let typed: Deployment = object.clone().try_into().unwrap();
    assert_eq!((typed.spec.replicas, typed.metadata.name.as_str()), (Some(3), "web"));
    let back = DynamicObject::from_typed(&typed).unwrap();
    assert_eq!(back.try_into::<Deployment>().unwrap(), typed);
    let error = object.clone().try_into::<Secret>().unwrap_err().to_string();
    assert_eq!(error, "a Deployment of apps/v1 is no Secret of v1");
    object.set("spec.replicas", "three").unwrap();
    let error = object.try_into::<Deployment>().unwrap_err().to_string();
    assert!(error.starts_with("spec.replicas: expected a number"), "{error}");
}

#[test]
fn what_may_be_a_secret_is_never_shown() {
    let secret =
        br#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"data":{"k":"aHVudGVyMg=="}}"#;
    let secret = DynamicObject::parse(secret).unwrap();
    let shown = format!("{secret:?} {:?}", secret.to_json().unwrap());
    assert!(shown.contains("\"data\"") && !shown.contains("aHVudGVyMg"), "{shown}");
}

#[test]
fn the_objects_of_a_list_know_their_kind() {
    let text = br#"{"kind":"WidgetList","apiVersion":"example.com/v1","metadata":{"resourceVersion":"7"},
        "items":[{"metadata":{"name":"a"},"spec":{}},{"kind":"Other","apiVersion":"v2","metadata":{"name":"b"}}]}"#;
    for list in [List::<DynamicObject>::read(text).unwrap(), Decoder::new().json_list(text).unwrap()] {
        let kinds: Vec<_> =
            list.items.iter().map(|item| (item.kind.as_str(), item.api_version.as_str())).collect();
        assert_eq!(kinds, [("Widget", "example.com/v1"), ("Other", "v2")]);
        assert_eq!(list.metadata.resource_version, "7");
    }
    assert!(matches!(
        Deleted::<DynamicObject>::read(br#"{"kind":"Status","apiVersion":"v1","status":"Success"}"#).unwrap(),
        Deleted::Gone
    ));
}

fn widgets() -> ApiResource {
    ApiResource::namespaced("example.com", "v1", "Widget", "widgets")
}

fn here() -> Place<k8s_api::AtRunTime> {
    Place::of(Some("web")).resource(widgets())
}

fn built(request: impl Request) -> String {
    let operation = request.operation().to_string();
    let call = request.call().unwrap();
    assert_eq!(call.meta.op.to_string(), operation);
    format!("{operation}: {} {}", call.head.method, call.head.uri)
}

#[test]
fn requests_are_those_of_compiled_kinds_in_the_names_of_the_resource() {
    let widget = widget();
    let base = "/apis/example.com/v1/namespaces/web/widgets";
    let merge = PatchDocument::Merge(RawJson::parse(b"{}").unwrap());
    type W = DynamicObject;
    for (found, expected) in [
        (built(Get::<W>::new(here(), "w")), format!("get widgets.example.com: GET {base}/w")),
        (
            built(Get::<W, Scale>::new(here(), "w")),
            format!("get widgets.example.com/scale: GET {base}/w/scale"),
        ),
        (
            built(k8s_api::request::List::<W>::new(here()).limit(5)),
            format!("list widgets.example.com: GET {base}?limit=5"),
        ),
        (
            built(Watch::<W>::new(Places::from(Everywhere).resource(widgets()))),
            "watch widgets.example.com: GET /apis/example.com/v1/widgets?watch=true".to_owned(),
        ),
        (built(Create::new(here(), &widget)), format!("create widgets.example.com: POST {base}")),
        (
            built(Replace::new(here(), &widget).dry_run()),
            format!("update widgets.example.com: PUT {base}/w?dryRun=All"),
        ),
        (built(Patch::<W>::new(here(), "w", &merge)), format!("patch widgets.example.com: PATCH {base}/w")),
        (
            built(Apply::<W, Status>::on(here(), "w", &widget, "me")),
            format!("patch widgets.example.com/status: PATCH {base}/w/status?fieldManager=me&force=false"),
        ),
        (built(Delete::<W>::new(here(), "w")), format!("delete widgets.example.com: DELETE {base}/w")),
        (
            built(DeleteCollection::<W>::new(here()).labels("a=b")),
            format!("deletecollection widgets.example.com: DELETE {base}?labelSelector=a%3Db"),
        ),
    ] {
        assert_eq!(found, expected);
    }
}

#[test]
fn an_apply_sends_all_that_is_there_but_managed_fields() {
    let mut widget = widget();
    widget.set("metadata.managedFields", Json::parse(br#"[{"manager":"m"}]"#).unwrap()).unwrap();
    let request = Apply::new(here(), &widget, "me").build().unwrap();
    let Body::Bytes(body) = request.body() else { panic!("it has no body") };
    assert_eq!(std::str::from_utf8(body).unwrap(), WIDGET);
}

#[test]
fn what_is_not_offered_is_refused_by_name() {
    type W = DynamicObject;
    let mut widgets = widgets();
    widgets.verbs = Some(vec!["get".into(), "list".into()]);
    widgets.subresources = vec![ApiSubresource::new("status", "", "", &["get"])];
    let place = || Place::of(Some("web")).resource(&widgets);
    assert!(Get::<W, Status>::new(place(), "w").build().is_ok());
    let merge = PatchDocument::Merge(RawJson::parse(b"{}").unwrap());
    for (error, expected) in [
        (
            Delete::<W>::new(place(), "w").build().map(drop),
            "the server offers no `delete` of widgets.example.com (v1); it offers get, list",
        ),
        (
            Patch::<W, Status>::new(place(), "w", &merge).build().map(drop),
            "the server offers no `patch` of widgets.example.com/status (v1); it offers get",
        ),
        (
            Get::<W, Scale>::new(place(), "w").build().map(drop),
            "the server has no `scale` of widgets.example.com (v1); it has status",
        ),
        (
            Get::<W>::new(Place::of(None).resource(&widgets), "w").build().map(drop),
            "a Widget lives in a namespace, and none is given",
        ),
        (
            Get::<W>::new(Place::of(None), "w").build().map(drop),
            "an object without a compiled type needs an ApiResource that says what it is of",
        ),
    ] {
        assert_eq!(error.unwrap_err().to_string(), expected);
    }
}
