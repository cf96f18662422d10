//! A list that is read while it arrives is the list that is read at once, however it is cut up.

use k8s_api::codec::error::DecodeError;
use k8s_api::codec::{BadItem, Decoder, ListReader, Step};
use k8s_api::core::v1::{ConfigMap, Pod};
use k8s_api::dynamic::DynamicObject;
use k8s_api::meta::v1::ListMeta;
use k8s_api::{Object as _, Resource};
use proptest::prelude::*;

struct Read<K> {
    items: Vec<K>,
    bad: Vec<BadItem>,
    end: Result<ListMeta, DecodeError>,
}

fn read<K: Resource>(mut reader: ListReader, text: &[u8], sizes: &[usize]) -> Read<K> {
    let mut decoder = Decoder::<K>::new().erase();
    let (mut items, mut bad) = (Vec::new(), Vec::new());
    let (mut rest, mut sizes) = (text, sizes.iter().cycle());
    let end = 'read: loop {
        if rest.is_empty() {
            reader.end();
        } else {
            let (piece, left) =
                rest.split_at(sizes.next().map_or(rest.len(), |size| (*size).min(rest.len())));
            reader.push(piece);
            rest = left;
        }
        loop {
            let mut object = K::default();
            match reader.next(&mut decoder, &mut object) {
                Ok(Step::Item) => items.push(object),
                Ok(Step::Bad(item)) => bad.push(*item),
                Ok(Step::Wait) => break,
                Ok(Step::Done) => break 'read Ok(reader.metadata().clone()),
                Err(error) => break 'read Err(error),
            }
        }
    };
    Read { items, bad, end }
}

/// Holds both ways of reading to each other.
fn agree<K: Resource + PartialEq + std::fmt::Debug>(text: &[u8], sizes: &[usize]) {
    let shown = String::from_utf8_lossy(text);
    let whole = Decoder::<K>::new().json_list(text);
    for reader in [ListReader::new::<K>(), ListReader::new::<K>().eager()] {
        let pieces = read::<K>(reader, text, sizes);
        match (&whole, &pieces.end) {
            (Ok(list), Ok(metadata)) => {
                assert!(pieces.bad.is_empty(), "{shown}: {:?}", pieces.bad);
                assert_eq!(list.items, pieces.items, "{shown}");
                assert_eq!(&list.metadata, metadata, "{shown}");
            }
            (Ok(_), Err(error)) => assert!(error.to_string().contains("come twice"), "{shown}: {error}"),
            (Err(error), end) => {
                assert!(!pieces.bad.is_empty() || end.is_err(), "{shown}: only at once it is {error}");
                // What is said of an object is the same; of what stands in the place of one, other words will do.
                let is_utf8 = |error: &DecodeError| error.to_string().contains("not UTF-8");
                if let Some(bad) = pieces.bad.first().filter(|bad| bad.json.starts_with(b"{"))
                    && !is_utf8(error)
                {
                    assert_eq!(&bad.error, error, "{shown}");
                }
            }
        }
    }
}

const PODS: &str = r#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"7","continue":"c","remainingItemCount":2},
 "items":[{"metadata":{"name":"\u00e9é}{","labels":{"a":"\"]"}},"spec":{"containers":[{"name":"c","ports":[{"containerPort":80}]}]}},
 {"metadata":{"name":"b"},"newer":[1,{"a":[]}]} ,null,{}],"other":[{"items":[1]}],"more":12}"#;

#[test]
fn pieces_of_any_size_make_the_same_list() {
    for size in 1..=PODS.len() {
        agree::<Pod>(PODS.as_bytes(), &[size]);
    }
    let pods = read::<Pod>(ListReader::new::<Pod>(), PODS.as_bytes(), &[5]);
    assert_eq!(pods.items.len(), 4);
    assert_eq!(pods.end.unwrap().continue_, "c");
}

#[test]
fn the_fields_of_a_list_may_stand_in_any_order() {
    for text in [
        r#"{"items":[{"metadata":{"name":"a"}}],"metadata":{"resourceVersion":"9"},"apiVersion":"v1","kind":"PodList"}"#,
        r#"{"items":null,"metadata":{"resourceVersion":"9"}}"#,
        r#"{"metadata":null}"#,
        "{}",
        " {\"items\" : [ ] } \n",
        r#"{"it\u0065ms":[{}]}"#,
    ] {
        assert!(Decoder::<Pod>::new().json_list(text.as_bytes()).is_ok(), "{text}");
        for size in [1, 2, 7, 1000] {
            agree::<Pod>(text.as_bytes(), &[size]);
        }
    }
}

#[test]
fn what_is_no_list_is_refused_as_soon_as_that_is_known() {
    for text in [
        "",
        "<html>",
        "[]",
        "null",
        r#"{"kind":"Status","apiVersion":"v1","code":500}"#,
        r#"{"kind":"PodList","items":{}}"#,
        r#"{"items":[{}"#,
        r#"{"items":[{}]"#,
        r#"{"items":[{}]}}"#,
        r#"{"items":[{},]}"#,
        r#"{"items":[{}],"metadata":7}"#,
        r#"{"items":[{}],"metadata":tru}"#,
    ] {
        assert!(Decoder::<Pod>::new().json_list(text.as_bytes()).is_err(), "{text}");
        for size in [1, 3, 1000] {
            agree::<Pod>(text.as_bytes(), &[size]);
        }
    }
    let mut reader = ListReader::new::<Pod>().eager();
    reader.push(format!(r#"{{"kind":"Status",{}"#, " ".repeat(2000)).as_bytes());
    let error = reader.next(&mut Decoder::<Pod>::new().erase(), &mut Pod::default()).unwrap_err();
    assert!(error.to_string().contains("expected PodList, not Status"), "{error}");
}

#[test]
fn a_bad_object_costs_itself() {
    let text = br#"{"items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"},"spec":7},[1],{"metadata":{"name":"c}]"}},{"metadata":{"name":"\xff"}},{"metadata":{"name":"d"}}],"metadata":{"resourceVersion":"9"}}"#;
    let text = String::from_utf8_lossy(text).replace("\\xff", "?").into_bytes();
    let text: Vec<u8> = text.iter().map(|byte| if *byte == b'?' { 0xff } else { *byte }).collect();
    for size in 1..=text.len() {
        let pods = read::<Pod>(ListReader::new::<Pod>().eager(), &text, &[size]);
        let names: Vec<_> = pods.items.iter().map(|pod| pod.name()).collect();
        assert_eq!(names, ["a", "c}]", "d"], "{size}");
        let errors: Vec<_> = pods.bad.iter().map(|bad| bad.error.path()).collect();
        assert_eq!(errors, ["items[1].spec", "items[2]", "items[4]"], "{:?}", pods.bad);
        assert_eq!(pods.bad[0].json, br#"{"metadata":{"name":"b"},"spec":7}"#);
        assert_eq!(pods.bad[0].error.offset(), 68);
        assert_eq!(pods.end.unwrap().resource_version, "9");
    }
}

#[test]
fn objects_of_a_kind_not_known_are_named_by_the_list() {
    let text = br#"{"kind":"ThingList","apiVersion":"x/v1","items":[{"metadata":{"name":"a"}},{"kind":"Other","apiVersion":"y/v1"},null]}"#;
    for size in 1..=text.len() {
        agree::<DynamicObject>(text, &[size]);
    }
    let things = read::<DynamicObject>(ListReader::new::<DynamicObject>(), text, &[9]);
    assert_eq!(
        things.items.iter().map(|thing| thing.kind.as_str()).collect::<Vec<_>>(),
        ["Thing", "Other", "Thing"]
    );
}

#[test]
fn memory_is_that_of_a_piece_and_an_object() {
    // What a reader holds can't be seen from outside but in what it says of itself.
    let pod = r#"{"metadata":{"name":"a","annotations":{"a":"0123456789012345678901234567890123456789"}}}"#;
    let mut reader = ListReader::new::<Pod>();
    let mut decoder = Decoder::<Pod>::new().erase();
    reader.push(br#"{"items":["#);
    let mut count = 0;
    for at in 0..20_000 {
        reader.push(if at == 0 { "" } else { "," }.as_bytes());
        reader.push(pod.as_bytes());
        while let Step::Item = reader.next(&mut decoder, &mut Pod::default()).unwrap() {
            count += 1;
        }
    }
    assert!(reader.held() < 256 << 10, "{}", reader.held());
    assert!(count > 19_000);
}

fn text() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "}", "]", "{", "[", ",", "\\\"", "\\\\", "\\n", "\\u00e9", "é", "items"])
        .prop_map(str::to_owned)
}

/// Objects, most of which are fine.
fn item() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => (text(), text()).prop_map(|(name, value)| {
            format!(r#"{{"metadata":{{"name":"{name}"}},"data":{{"k":"{value}"}},"new":[{{}},[1.5]]}}"#)
        }),
        1 => Just("null".to_owned()),
        1 => Just("{ }".to_owned()),
        1 => Just(r#"{"data":{"k":12}}"#.to_owned()),
        1 => prop::sample::select(vec!["7", "[{}]", "\"}\"", "tru", "{\"a\":1]}", "-", ""]).prop_map(str::to_owned),
    ]
}

proptest! {
    #[test]
    fn both_ways_agree(
        items in proptest::collection::vec(item(), 0..8),
        before in prop::sample::select(vec!["", r#""kind":"ConfigMapList","apiVersion":"v1","#, r#""metadata":{"resourceVersion":"5"},"#, r#""a":[1,"x"], "#, r#""kind":"Status","#]),
        after in prop::sample::select(vec!["", r#","metadata":{"continue":"x","resourceVersion":"5"}"#, r#","kind":"PodList""#, r#","z":1"#, r#","items":[]"#, ",", "}"]),
        gap in prop::sample::select(vec!["", " ", "\n"]),
        sizes in proptest::collection::vec(1..60_usize, 0..6),
        cut in proptest::option::weighted(0.2, 0..400_usize),
        noise in proptest::option::weighted(0.1, (0..400_usize, any::<u8>())),
    ) {
        let items = items.join(&format!(",{gap}"));
        let mut text = format!("{gap}{{{before}\"items\":{gap}[{items}]{after}}}{gap}").into_bytes();
        if let Some(cut) = cut {
            text.truncate(cut);
        }
        if let Some((at, byte)) = noise && let Some(there) = text.get_mut(at) {
            *there = byte;
        }
        agree::<ConfigMap>(&text, &sizes);
    }
}
