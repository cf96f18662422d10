use k8s_api::batch::v1::Job;
use k8s_api::core::v1::{Container, Event, Pod};
use k8s_api::dynamic::DynamicObject;
use k8s_api::meta::v1::{LabelSelector, LabelSelectorRequirement};
use proptest::prelude::*;

use super::{Fields, Labels, Selector as _};

fn labelled(labels: &[(&str, &str)]) -> Pod {
    let mut pod = Pod::default();
    for (key, value) in labels {
        pod.metadata.labels.insert((*key).into(), (*value).into());
    }
    pod
}

#[test]
fn labels_mean_what_the_server_means() {
    let pod = labelled(&[("app", "api"), ("example.com/tier", ""), ("age", "7"), ("in", "x")]);
    for (text, expected) in [
        ("", true),
        (" ", true),
        ("app", true),
        ("!app", false),
        ("! other", true),
        ("app=api", true),
        (" app == api ", true),
        ("app!=api", false),
        ("other!=api", true),
        ("app in (web,api)", true),
        ("app in(web)", false),
        ("app notin (web)", true),
        ("other notin (web)", true),
        ("other in ()", false),
        ("example.com/tier in ()", true),
        ("example.com/tier=", true),
        ("example.com/tier=,app", true),
        ("app in (,api)", true),
        ("app in (web,)", false),
        ("age>6", true),
        ("age>7", false),
        ("age<8", true),
        ("app>1", false),
        ("other<1", false),
        ("in", true),
        ("in=x", true),
        ("in in (x)", true),
        ("app=in", false),
        ("app,age,!other", true),
        ("app\t,\nage", true),
    ] {
        let labels = Labels::parse(text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(labels.matches(&pod), expected, "{text}");
        assert_eq!(Labels::parse(&labels.to_string()).unwrap(), labels, "{text}");
    }
}

#[test]
fn what_is_no_label_selector_is_refused_with_its_place() {
    let long = "x".repeat(64);
    for (text, expected) in [
        ("app,", "expected the key of a label, or `!` at byte 4, found the end"),
        (",app", "expected the key of a label, or `!` at byte 0, found `,`"),
        ("a,,b", "at byte 2, found `,`"),
        ("app in api", "expected `(` at byte 7, found `api`"),
        ("app in (a", "expected `,` or `)` at byte 9, found the end"),
        ("app in (a b)", "expected `,` or `)` at byte 10, found `b`"),
        ("app in (a=b)", "expected `,` or `)` at byte 9, found `=`"),
        ("app b", "one of `=`, `==`, `!=`, `in`, `notin`, `<` and `>` at byte 4, found `b`"),
        ("!app=b", "expected `,` or the end at byte 4, found `=`"),
        ("!!app", "expected the key of a label at byte 1, found `!`"),
        ("app===b", "expected a value at byte 5, found `=`"),
        ("app=b c", "expected `,` or the end at byte 6, found `c`"),
        ("app>x", "`x`, which `app` is compared with, is no whole number"),
        ("app>", "is no whole number"),
        ("-a=b", "`-a` is no key of a label"),
        ("Ä=b", "`Ä` is no key of a label"),
        ("A.b/c/d=e", "is no key of a label"),
        ("/a", "before the `/` stands a DNS name"),
        ("a/", "is no key of a label"),
        ("a=-b", "`-b` is no value of a label"),
        (&format!("a={long}"), "at most 63"),
        (&format!("{long}=a"), "1 to 63"),
    ] {
        let error = Labels::parse(text).unwrap_err().to_string();
        assert!(error.starts_with("label selector `") && error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn the_type_of_the_api_is_a_label_selector() {
    let requirement = |operator: &str, values: &[&str]| LabelSelectorRequirement {
        key: "tier".into(),
        operator: operator.into(),
        values: values.iter().map(|value| (*value).into()).collect(),
        ..Default::default()
    };
    let selector = |requirement| LabelSelector {
        match_labels: [("app".into(), "api".into())].into_iter().collect(),
        match_expressions: vec![requirement],
        ..Default::default()
    };
    for (requirement, expected) in [
        (requirement("In", &["b", "a"]), Ok("app=api,tier in (a,b)")),
        (requirement("NotIn", &["a"]), Ok("app=api,tier notin (a)")),
        (requirement("Exists", &[]), Ok("app=api,tier")),
        (requirement("DoesNotExist", &[]), Ok("app=api,!tier")),
        (requirement("In", &[]), Err("matchExpressions[0].values: the operator In needs at least one value")),
        (requirement("Exists", &["a"]), Err("the operator Exists takes no values")),
        (requirement("in", &["a"]), Err("matchExpressions[0].operator: `in` is none")),
        (requirement("In", &["-"]), Err("matchExpressions[0]: `-` is no value of a label")),
    ] {
        match (Labels::try_from(&selector(requirement)), expected) {
            (Ok(labels), Ok(expected)) => assert_eq!(labels.to_string(), expected),
            (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{error}"),
            (got, expected) => panic!("{got:?}, not {expected:?}"),
        }
    }
    assert!(Labels::try_from(&LabelSelector::default()).unwrap().is_empty());
}

#[test]
fn fields_mean_what_the_server_means() {
    let mut pod = labelled(&[("a.b/c", "d=e,f\\")]);
    pod.metadata.name = "p".into();
    pod.spec.node_name = "n1".into();
    let container =
        |name: &str, image: &str| Container { name: name.into(), image: image.into(), ..Default::default() };
    pod.spec.containers = vec![container("a", "x:1"), container("b", "y:2")];
    for (text, expected) in [
        ("", true),
        (",", true),
        ("metadata.name=p", true),
        ("metadata.name==p,spec.nodeName!=n2", true),
        ("metadata.name=q", false),
        ("spec.nodeName=", false),
        ("spec.nodeName!=", true),
        ("spec.hostNetwork=false", true),
        ("spec.hostNetwork!=false", false),
        ("spec.hostNetwork=", false),
        ("status.phase=", true),
        ("status.phase!=Failed", true),
        ("spec.host=n1", true),
        ("spec.containers[*].image=y:2", true),
        ("spec.containers[*].image!=z:3", true),
        ("spec.containers[?(@.name==\"a\")].image=x:1", true),
        ("spec.containers[0,1].image=y:2", true),
        ("metadata.labels.a\\.b/c=d\\=e\\,f\\\\", true),
        ("metadata.labels['a\\.b/c']=d\\=e\\,f\\\\", true),
        ("kind=Pod", true),
    ] {
        let fields = Fields::<Pod>::parse(text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(fields.matches(&pod), expected, "{text}");
        assert_eq!(Fields::<Pod>::parse(&fields.to_string()).unwrap(), fields, "{text}");
    }
    let both = (Labels::parse("a.b/c").unwrap(), Fields::<Pod>::parse("metadata.name=q").unwrap());
    assert!(!both.matches(&pod) && both.0.matches(&pod));
}

#[test]
fn what_the_server_calls_otherwise_is_found() {
    let mut event = Event { reporting_component: "later".into(), ..Default::default() };
    assert!(Fields::parse("source=later").unwrap().matches(&event));
    event.source.component = "first".into();
    assert!(Fields::parse("source=first,source!=later").unwrap().matches(&event));
    let mut job = Job::default();
    assert!(Fields::parse("status.successful=0").unwrap().matches(&job));
    job.status.succeeded = 2;
    assert!(Fields::parse("status.successful=2").unwrap().matches(&job));
}

#[test]
fn what_is_no_field_selector_is_refused_with_the_reason() {
    for (text, expected) in [
        ("metadata.name", "expected `=`, `==` or `!=` behind the field at byte 0"),
        ("metadata.name=a,x", "behind the field at byte 16"),
        ("=a", "expected a field at byte 0, without blanks around it, found ``"),
        (" metadata.name=a", "found ` metadata.name`"),
        ("metadata.name=a=b", "a `=` in a value is written `\\=`, at byte 15"),
        ("metadata.name=a\\b", "behind a `\\` stands `,`, `=` or `\\`, at byte 15"),
        ("metadata.name=a\\", "behind a `\\` stands"),
        ("metadata..x=a", "`..` leads to whatever happens to be below"),
        ("metadata.*=a", "name them"),
        ("spec.nodename=a", "PodSpec has no field `nodename`"),
        ("spec.containers=a", "leads to a list"),
        ("metadata.labels=a", "leads to a map"),
        ("spec.securityContext=a", "leads to what has fields"),
    ] {
        let error = Fields::<Pod>::parse(text).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("field selector `{text}`: ")) && error.contains(expected),
            "{error}"
        );
    }
}

#[test]
fn of_a_kind_that_is_not_known_every_field_may_be() {
    let object =
        DynamicObject::parse(br#"{"metadata":{"name":"a"},"spec":{"mode":"x","n":3,"on":true}}"#).unwrap();
    let fields = |text: &str| Fields::<DynamicObject>::parse(text).unwrap();
    assert!(fields("spec.mode=x,spec.n=3,spec.on=true,spec.other=,metadata.name=a").matches(&object));
    assert!(!fields("spec.mode=y").matches(&object));
    assert!(Fields::<DynamicObject>::parse("metadata.nam=a").is_err());
    assert!(Fields::<DynamicObject>::parse("spec..mode=x").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_label_selector_prints_as_it_is_read(
        terms in prop::collection::vec((
            "([a-z]{1,4}(\\.[a-z0-9]{1,3})?/)?[A-Za-z0-9]([-_.A-Za-z0-9]{0,4}[a-z0-9])?|in|notin",
            0..8_u8,
            prop::collection::vec("([a-z0-9]([-_.]{0,2}[A-Z])?)?|in|notin", 1..4),
            any::<i32>(),
        ), 0..4),
        blank in prop::sample::select(vec!["", " ", "\t"]),
    ) {
        let text = |(key, operator, values, number): &(String, u8, Vec<String>, i32)| match operator {
            0 => key.clone(),
            1 => format!("!{blank}{key}"),
            2 => format!("{key}{blank}={blank}{}", values[0]),
            3 => format!("{key}{blank}!={blank}{}", values[0]),
            4 => format!("{key} in{blank}({blank}{}{blank})", values.join(",")),
            5 => format!("{key} notin{blank}({})", values.join(&format!("{blank},{blank}"))),
            6 => format!("{key}>{blank}{}", number.unsigned_abs()),
            _ => format!("{key}{blank}<{}", number.unsigned_abs()),
        };
        let text = terms.iter().map(text).collect::<Vec<_>>().join(&format!("{blank},{blank}"));
        let labels = Labels::parse(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(Labels::parse(&labels.to_string()).unwrap(), labels);
    }

    #[test]
    fn a_field_selector_prints_as_it_is_read(
        terms in prop::collection::vec((
            prop::sample::select(vec!["metadata.name", "spec.nodeName", "metadata.labels.a\\.b"]),
            prop::sample::select(vec!["=", "==", "!="]),
            "[a-z,=\\\\ é\\[\\]']{0,6}",
        ), 0..4),
    ) {
        let escaped = |value: &str| value.replace('\\', "\\\\").replace(',', "\\,").replace('=', "\\=");
        let text = terms.iter().map(|(name, operator, value)| format!("{name}{operator}{}", escaped(value)));
        let text = text.collect::<Vec<_>>().join(",");
        let fields = Fields::<Pod>::parse(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(Fields::<Pod>::parse(&fields.to_string()).unwrap(), fields.clone());
        let mut pod = Pod::default();
        if let [(_, operator, value)] = &terms[..] {
            pod.metadata.name = value.as_str().into();
            pod.spec.node_name = value.as_str().into();
            pod.metadata.labels.insert("a.b".into(), value.as_str().into());
            prop_assert_eq!(fields.matches(&pod), *operator != "!=");
        }
    }

    #[test]
    fn any_text_is_a_selector_or_an_error(text in "[a-z!=<>(),./\\\\ \\[\\]'é]{0,16}") {
        let _ = (Labels::parse(&text), Fields::<Pod>::parse(&text));
    }
}
