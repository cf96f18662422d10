//! The targets.

use std::collections::hash_map::DefaultHasher;
use std::fmt::{Debug, Display};
use std::hash::{Hash as _, Hasher as _};
use std::io::{Seek as _, Write as _};

use bytes::Bytes;
use k8s_api::apiextensions::v1::CustomResourceDefinition;
use k8s_api::apps::v1::Deployment;
use k8s_api::codec::{Decoder, ListReader, Step, json, protobuf};
use k8s_api::core::v1::{ConfigMap, Pod, Secret};
use k8s_api::diff::diff;
use k8s_api::dynamic::{DynamicObject, Json};
use k8s_api::int_or_string::IntOrString;
use k8s_api::jsonpath::JsonPath;
use k8s_api::list::List;
use k8s_api::meta::v1::ListMeta;
use k8s_api::path::FieldPath;
use k8s_api::quantity::Quantity;
use k8s_api::raw::RawJson;
use k8s_api::time::{MicroTime, Time};
use k8s_api::view::Message;
use k8s_client::select::{Fields, Labels, Selector as _};
use k8s_client::watch::frames::Frames;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::mutate::LONGEST;
use crate::{seeds, server};

/// One of them.
#[derive(Debug)]
#[non_exhaustive]
pub struct Target {
    /// What it is called.
    pub name: &'static str,
    /// Takes any bytes. Panics if something is wrong, and says in a number what kind of thing happened: an input that
    /// makes a new thing happen is worth changing further.
    pub run: fn(&[u8]) -> u64,
    /// What to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// What its inputs are made of.
    pub tokens: &'static [&'static str],
}

/// All of them.
pub const ALL: &[Target] = &[
    Target { name: "json", run: json_again, seeds: objects, tokens: seeds::NAMES },
    Target { name: "serde", run: serde_agrees, seeds: objects, tokens: seeds::NAMES },
    Target { name: "protobuf", run: protobuf_again, seeds: messages, tokens: seeds::NAMES },
    Target { name: "formats", run: formats, seeds: objects, tokens: seeds::NAMES },
    Target { name: "raw", run: raw, seeds: objects, tokens: seeds::NAMES },
    Target { name: "dynamic", run: dynamic, seeds: objects, tokens: seeds::NAMES },
    Target { name: "diff", run: differences, seeds: objects, tokens: seeds::NAMES },
    Target { name: "quantity", run: quantity, seeds: || texts(seeds::QUANTITIES), tokens: seeds::QUANTITIES },
    Target {
        name: "int-or-string",
        run: int_or_string,
        seeds: || texts(&["80", "\"http\"", "\"25%\"", "-1"]),
        tokens: seeds::QUANTITIES,
    },
    Target { name: "time", run: time, seeds: || texts(seeds::TIMES), tokens: seeds::TIMES },
    Target { name: "jsonpath", run: jsonpath, seeds: || texts(seeds::PATHS), tokens: seeds::PATHS },
    Target { name: "labels", run: labels, seeds: || texts(seeds::LABELS), tokens: seeds::LABELS },
    Target { name: "fields", run: fields, seeds: || texts(seeds::FIELDS), tokens: seeds::FIELDS },
    Target { name: "path", run: path, seeds: || texts(seeds::FIELD_PATHS), tokens: seeds::FIELD_PATHS },
    Target {
        name: "kubeconfig",
        run: kubeconfig,
        seeds: || texts(&[seeds::KUBECONFIG]),
        tokens: &[
            "name:",
            "user",
            "- ",
            "context: ",
            "{}",
            "null",
            "https://",
            "token",
            "certificate-authority",
        ],
    },
    Target {
        name: "frames",
        run: frames,
        seeds: || vec![seeds::STREAM.into(), b"\0\0\0\x03abc\0\0\0\0\0\0\0\x01x".to_vec()],
        tokens: &["{\"type\":", "}\n", "\\\""],
    },
    Target {
        name: "event",
        run: event,
        seeds: || {
            let pod = format!(r#"{{"type":"MODIFIED","object":{}}}"#, seeds::POD);
            texts(&[r#"{"type":"ADDED","object":{"a":[1]}}"#, r#"{"object":null,"type":"\u0041"}"#, &pod])
        },
        tokens: &["\"type\":", "\"object\":", "{}"],
    },
    Target {
        name: "list",
        run: list,
        seeds: || texts(&[seeds::LIST, r#" {"items":[{"a":[1]},null],"metadata":{}}"#]),
        tokens: &[
            "\"items\":",
            "[{",
            "},{",
            "}]",
            "\"metadata\":",
            "\\",
            "\"",
            "\"kind\":\"PodList\"",
            "null",
        ],
    },
    Target {
        name: "server",
        run: server::requests,
        seeds: || texts(seeds::REQUESTS),
        tokens: seeds::REQUEST_PARTS,
    },
    Target { name: "server-body", run: server::body, seeds: server::bodies, tokens: seeds::NAMES },
    Target { name: "server-patch", run: server::patch, seeds: server::patches, tokens: seeds::NAMES },
    Target {
        name: "server-selector",
        run: server::selectors,
        seeds: || texts(&[seeds::LABELS, seeds::FIELDS].concat()),
        tokens: seeds::LABELS,
    },
    Target { name: "server-load", run: server::load, seeds: || texts(seeds::YAML), tokens: seeds::NAMES },
    Target { name: "replay", run: server::replay, seeds: || texts(&[seeds::RUN]), tokens: seeds::RUN_PARTS },
];

pub(crate) fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// With a first byte that says what it is read as.
fn objects() -> Vec<Vec<u8>> {
    let with =
        |(at, text): (usize, &&str)| [&[u8::try_from(at).unwrap_or_default()], text.as_bytes()].concat();
    seeds::OBJECTS.iter().enumerate().map(with).collect()
}

fn messages() -> Vec<Vec<u8>> {
    fn one<M: Message + Default>(at: u8, text: &str) -> Vec<u8> {
        // What is not known of JSON can't be written as protobuf.
        let text = text.replace(r#","newer":{"a":[1,2.5,null,"\u00e9"]}"#, "");
        let bytes = protobuf::encode(&json::decode::<M>(text.as_bytes()).expect("a seed")).expect("a seed");
        [&[at], &bytes[..]].concat()
    }
    vec![
        one::<Pod>(0, seeds::POD),
        one::<Deployment>(1, seeds::DEPLOYMENT),
        one::<ConfigMap>(2, seeds::CONFIG),
        one::<Secret>(3, seeds::SECRET),
        one::<CustomResourceDefinition>(4, seeds::DEFINITION),
        one::<List<Pod>>(5, seeds::LIST),
    ]
}

/// What happened: what an error says last, without what it repeats of the input.
pub(crate) fn refused(error: &dyn Display) -> u64 {
    let text = error.to_string();
    let text = text.rsplit_once(" (at byte").map_or(&*text, |(text, _)| text);
    let said = text.rsplit(": ").next().unwrap_or_default();
    let (mut hasher, mut quoted) = (DefaultHasher::new(), false);
    for c in said.chars().take(60) {
        quoted ^= c == '`';
        if !quoted && c.is_ascii_lowercase() {
            c.hash(&mut hasher);
        }
    }
    hasher.finish() | 64
}

/// Whether an outcome is that of an input without a mistake.
pub fn is_accepted(what: u64) -> bool {
    what < 64
}

pub(crate) fn accepted(length: usize) -> u64 {
    u64::from(length.next_power_of_two().trailing_zeros())
}

trait Kind: Message + Default + Serialize + DeserializeOwned + PartialEq + Clone + Debug {}

impl<M: Message + Default + Serialize + DeserializeOwned + PartialEq + Clone + Debug> Kind for M {}

/// Calls a function for the kind that the first byte says, with the rest.
macro_rules! by_kind {
    ($data:expr, $function:ident) => {{
        let Some((first, rest)) = $data.split_first() else { return 0 };
        match first % 6 {
            0 => $function::<Pod>(rest),
            1 => $function::<Deployment>(rest),
            2 => $function::<ConfigMap>(rest),
            3 => $function::<Secret>(rest),
            4 => $function::<CustomResourceDefinition>(rest),
            _ => $function::<List<Pod>>(rest),
        }
    }};
}

/// What was read and written is read as the same.
fn json_again(data: &[u8]) -> u64 {
    fn one<M: Kind>(text: &[u8]) -> u64 {
        let value = match json::decode::<M>(text) {
            Ok(value) => value,
            Err(error) => return refused(&error),
        };
        let written = json::encode(&value).expect("what came as JSON goes as JSON");
        let again: M = json::decode(&written).expect("what was written is read");
        assert_eq!(again, value);
        accepted(written.len())
    }
    by_kind!(data, one)
}

/// Whether two documents are the same; serde_json reads the last digit of a number as it likes.
fn alike(one: &serde_json::Value, other: &serde_json::Value) -> bool {
    use serde_json::Value;
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| alike(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, one)| other.get(key).is_some_and(|other| alike(one, other)))
        }
        (Value::Number(one), Value::Number(other)) if one.is_f64() || other.is_f64() => {
            let (one, other) = (one.as_f64().unwrap_or_default(), other.as_f64().unwrap_or_default());
            (one - other).abs() <= one.abs() * 1e-12
        }
        (one, other) => one == other,
    }
}

/// serde_json over our `Deserialize` and `Serialize` gives what the direct path gives.
fn serde_agrees(data: &[u8]) -> u64 {
    fn one<M: Kind>(text: &[u8]) -> u64 {
        let (direct, through) = (json::decode::<M>(text), serde_json::from_slice::<M>(text));
        match (direct, through) {
            (Ok(direct), Ok(through)) => {
                // What is not known is kept as its text, in which serde writes numbers anew.
                let tree = |value: &M| {
                    let text = json::encode(value).expect("what came as JSON goes as JSON");
                    serde_json::from_slice::<serde_json::Value>(&text).expect("what was written")
                };
                let other = tree(&through);
                assert!(direct == through || alike(&tree(&direct), &other), "{direct:?} {through:?}");
                let written = serde_json::to_vec(&through).expect("what came as JSON goes as JSON");
                let again: M = json::decode(&written).expect("what serde wrote");
                assert!(alike(&tree(&again), &other), "{again:?} {through:?}");
                accepted(written.len())
            }
            (Err(error), Err(_)) => refused(&error),
            // serde_json reads less than JSON: no lone halves of surrogate pairs, no numbers beyond f64.
            (Ok(_), Err(error)) => {
                let any = serde_json::from_slice::<serde_json::Value>(text);
                assert!(any.is_err(), "only the direct path reads it; serde: {error}");
                1
            }
            (Err(error), Ok(_)) => panic!("only serde reads it; the direct path: {error}"),
        }
    }
    by_kind!(data, one)
}

/// What was read and written is read as the same.
fn protobuf_again(data: &[u8]) -> u64 {
    fn one<M: Kind>(bytes: &[u8]) -> u64 {
        let value = match protobuf::decode::<M>(bytes) {
            Ok(value) => value,
            Err(error) => return refused(&error),
        };
        // A union without anything set, from nonsense, is null, which protobuf has not.
        let Ok(written) = protobuf::encode(&value) else { return 1 };
        let again: M = protobuf::decode(&written).expect("what was written is read");
        assert_eq!(protobuf::encode(&again).expect("again"), written);
        accepted(written.len())
    }
    by_kind!(data, one)
}

/// From JSON to protobuf and back, and to JSON again.
fn formats(data: &[u8]) -> u64 {
    fn one<M: Kind>(text: &[u8]) -> u64 {
        let value = match json::decode::<M>(text) {
            Ok(value) => value,
            Err(error) => return refused(&error),
        };
        let bytes = match protobuf::encode(&value) {
            Ok(bytes) => bytes,
            Err(error) => return refused(&error),
        };
        let back: M = protobuf::decode(&bytes).expect("what was written is read");
        // What protobuf can't tell apart, an empty list of an optional union say, is the same after one more round.
        assert_eq!(protobuf::encode(&back).expect("again"), bytes);
        let text = json::encode(&back).expect("nothing is unknown");
        let third: M = json::decode(&text).expect("what was written is read");
        assert_eq!(third, back);
        accepted(bytes.len())
    }
    by_kind!(data, one)
}

/// Raw JSON is what any other reader takes for JSON.
fn raw(data: &[u8]) -> u64 {
    let text = data.get(1..).unwrap_or_default();
    match (RawJson::parse(text), serde_json::from_slice::<serde_json::Value>(text)) {
        (Ok(raw), Ok(value)) => {
            let again: serde_json::Value = serde_json::from_str(raw.as_str()).expect("what was kept");
            assert_eq!(again, value);
            let through: RawJson = serde_json::from_value(value).expect("any value");
            assert!(RawJson::parse(through.as_str().as_bytes()).is_ok());
            accepted(raw.as_str().len())
        }
        (Err(error), Err(_)) => refused(&error),
        (Ok(_), Err(_)) => 1,
        (Err(error), Ok(_)) => panic!("only serde_json takes it for JSON: {error}"),
    }
}

/// A tree reads what raw JSON takes, and says the same; so does an object without a type.
fn dynamic(data: &[u8]) -> u64 {
    let tree = Json::parse(data);
    assert_eq!(tree.is_ok(), RawJson::parse(data).is_ok());
    let tree = match tree {
        Ok(tree) => tree,
        Err(error) => return refused(&error),
    };
    let text = tree.to_string();
    assert_eq!(Json::parse(text.as_bytes()).unwrap(), tree);
    let Ok(object) = DynamicObject::parse(data) else { return accepted(text.len()) };
    let again = DynamicObject::parse(&json::encode(&object).unwrap()).unwrap();
    assert_eq!(json::encode(&again).unwrap(), json::encode(&object).unwrap());
    accepted(object.names().count())
}

/// Two halves of the input, compared.
fn differences(data: &[u8]) -> u64 {
    fn one<M: Kind>(text: &[u8]) -> u64 {
        // One object is compared with what it becomes without its last parts.
        let Ok(after) = json::decode::<M>(text) else { return 0 };
        let at = text.iter().rposition(|byte| *byte == b',').unwrap_or_default();
        let mut cut = text.get(..at).unwrap_or_default().to_vec();
        let open: Vec<u8> = cut.iter().copied().filter(|byte| b"{}[]".contains(byte)).collect();
        let mut closing = Vec::new();
        for byte in open {
            match byte {
                b'{' => closing.push(b'}'),
                b'[' => closing.push(b']'),
                _ => drop(closing.pop()),
            }
        }
        cut.extend(closing.iter().rev());
        let before = json::decode::<M>(&cut).unwrap_or_default();
        let diff = diff(&before, &after);
        assert_eq!(diff.is_empty(), before == after, "{diff}");
        for change in diff.changes() {
            let path: FieldPath = change.path().to_string().parse().unwrap_or_default();
            assert_eq!(&path, change.path());
        }
        let mut merged = before.clone();
        k8s_api::merge::merge(&mut merged, &after);
        let mut again = merged.clone();
        k8s_api::merge::merge(&mut again, &after);
        accepted(diff.to_string().len() + format!("{after:?}").len())
    }
    by_kind!(data, one)
}

fn quantity(data: &[u8]) -> u64 {
    let Ok(text) = std::str::from_utf8(data) else { return 0 };
    let (first, second) = text.split_once('\0').unwrap_or((text, "1"));
    let quantity: Quantity = match first.parse() {
        Ok(quantity) => quantity,
        Err(error) => return refused(&error),
    };
    let again: Quantity = quantity.to_string().parse().expect("what was written is read");
    assert_eq!(again, quantity);
    assert_eq!(again.cmp(&quantity), std::cmp::Ordering::Equal);
    if let Ok(second) = second.parse::<Quantity>() {
        assert_eq!(quantity.cmp(&second), second.cmp(&quantity).reverse());
        assert_eq!(quantity == second, quantity.cmp(&second).is_eq());
    }
    accepted(first.len())
}

fn int_or_string(data: &[u8]) -> u64 {
    let value: IntOrString = match serde_json::from_slice(data) {
        Ok(value) => value,
        Err(error) => return refused(&error),
    };
    let written = serde_json::to_vec(&value).expect("a number or a text");
    assert_eq!(serde_json::from_slice::<IntOrString>(&written).expect("what was written is read"), value);
    let _ = value.to_string();
    accepted(written.len())
}

fn time(data: &[u8]) -> u64 {
    let Ok(text) = std::str::from_utf8(data) else { return 0 };
    match text.parse::<MicroTime>() {
        Ok(time) => {
            assert_eq!(time.to_string().parse::<MicroTime>().expect("what was written is read"), time)
        }
        Err(error) => return refused(&error),
    }
    let time: Time = text.parse().expect("what is a time with microseconds is a time");
    assert_eq!(time.to_string().parse::<Time>().expect("what was written is read"), time);
    accepted(text.len())
}

/// What is a selector is printed as one that means the same.
fn labels(data: &[u8]) -> u64 {
    let Ok(text) = std::str::from_utf8(data) else { return 0 };
    let labels = match Labels::parse(text) {
        Ok(labels) => labels,
        Err(error) => return refused(&error),
    };
    assert_eq!(Labels::parse(&labels.to_string()).expect("what was written is read"), labels);
    let pod: Pod = json::decode(seeds::POD.as_bytes()).expect("a seed");
    accepted(text.len() + usize::from(labels.matches(&pod)) * 64)
}

fn fields(data: &[u8]) -> u64 {
    let Ok(text) = std::str::from_utf8(data) else { return 0 };
    if text.matches("..").count() > 3 {
        return 0;
    }
    let fields = match Fields::<Pod>::parse(text) {
        Ok(fields) => fields,
        Err(error) => return refused(&error),
    };
    assert_eq!(Fields::parse(&fields.to_string()).expect("what was written is read"), fields);
    let pod: Pod = json::decode(seeds::POD.as_bytes()).expect("a seed");
    accepted(text.len() + usize::from(fields.matches(&pod)) * 64)
}

fn jsonpath(data: &[u8]) -> u64 {
    thread_local! {
        static OBJECT: (Pod, RawJson) = {
            let pod: Pod = json::decode(seeds::POD.as_bytes()).expect("a seed");
            let raw = RawJson::parse(&json::encode(&pod).expect("a seed")).expect("a seed");
            (pod, raw)
        };
    }
    let Ok(text) = std::str::from_utf8(data) else { return 0 };
    // Each `..` multiplies the work, which is bounded, but far above what one of a million runs may take.
    if text.matches("..").count() > 3 {
        return 0;
    }
    let path = match JsonPath::parse(text) {
        Ok(path) => path,
        Err(error) => return refused(&error),
    };
    let _ = path.check::<Pod>();
    let _ = path.check_fields::<CustomResourceDefinition>();
    let _ = JsonPath::expression(text);
    OBJECT.with(|(pod, raw)| match (path.text(pod), path.text(raw)) {
        (Ok(typed), Ok(raw)) => {
            assert_eq!(typed.len(), raw.len());
            accepted(raw.len())
        }
        (Err(typed), Err(raw)) => {
            assert_eq!(typed, raw);
            refused(&raw)
        }
        (typed, raw) => panic!("only one of both fails: {typed:?} {raw:?}"),
    })
}

fn path(data: &[u8]) -> u64 {
    let Ok(text) = std::str::from_utf8(data) else { return 0 };
    let path: FieldPath = match text.parse() {
        Ok(path) => path,
        Err(error) => return refused(&error),
    };
    assert_eq!(path.to_string().parse::<FieldPath>().as_ref(), Ok(&path));
    let _ = path.check::<Pod>();
    let _ = path.get(&Pod::default());
    accepted(path.steps().len())
}

fn kubeconfig(data: &[u8]) -> u64 {
    thread_local! {
        static FILE: std::cell::RefCell<tempfile::NamedTempFile> =
            std::cell::RefCell::new(tempfile::NamedTempFile::new().expect("a temporary file"));
    }
    // Devices may be named in it, which never end.
    if data.windows(4).any(|four| four == b"/dev") {
        return 0;
    }
    FILE.with_borrow_mut(|file| {
        // Always as long, since a file that shrinks is written to the disk each time.
        let mut text = data.to_vec();
        text.resize(data.len().max(LONGEST), b'\n');
        file.rewind().expect("the temporary file");
        file.write_all(&text).expect("the temporary file");
        match k8s_client::Config::from_kubeconfig(file.path(), None) {
            Ok(config) => accepted(format!("{config}").len()),
            // Without the name of the file, which differs from run to run.
            Err(error) => refused(&error.to_string().replace(&*file.path().to_string_lossy(), "")),
        }
    })
}

/// However the bytes come, the frames are the same.
fn frames(data: &[u8]) -> u64 {
    fn cut(mut frames: Frames, data: &[u8], size: usize) -> (Vec<Bytes>, String) {
        let mut out = Vec::new();
        for chunk in data.chunks(size.max(1)) {
            frames.push(Bytes::copy_from_slice(chunk));
            while let Some(frame) = frames.next() {
                match frame {
                    Ok(frame) => out.push(frame),
                    Err(error) => return (out, error.to_string()),
                }
            }
        }
        let end = frames.finish();
        (out, end.err().map(|error| error.to_string()).unwrap_or_default())
    }
    fn lines(data: &[u8], size: usize) -> (Vec<Bytes>, String) {
        let (mut frames, mut out) = (Frames::json(512), Vec::new());
        for chunk in data.chunks(size.max(1)).map(Some).chain([None]) {
            match chunk {
                Some(chunk) => frames.push(Bytes::copy_from_slice(chunk)),
                None => frames.end(),
            }
            let read = |frame: &Bytes| (frame.clone(), RawJson::parse(frame).is_ok());
            while let Some(frame) = frames.next_as(read, |(_, whole)| *whole) {
                match frame {
                    Ok((frame, _)) => out.push(frame),
                    Err(error) => return (out, error.to_string()),
                }
            }
        }
        (out, frames.finish().err().map(|error| error.to_string()).unwrap_or_default())
    }
    let size = usize::from(data.first().copied().unwrap_or_default() % 16);
    let whole = cut(Frames::json(512), data, data.len());
    for size in [1, size, data.len()] {
        assert_eq!(lines(data, size), whole);
    }
    let mut seen = 0;
    for new in [Frames::json, Frames::length_delimited] {
        let whole = cut(new(512), data, data.len());
        assert_eq!(cut(new(512), data, size), whole);
        assert_eq!(cut(new(512), data, 1), whole);
        for frame in &whole.0 {
            let _ = json::event(frame);
        }
        seen = refused(&whole.1) ^ accepted(whole.0.len()) ^ (seen << 8);
    }
    seen
}

/// What is read in one go is what is read in two.
fn event(data: &[u8]) -> u64 {
    let mut decoder = Decoder::<Pod>::new().erase();
    let mut pod = Pod::default();
    if let Some(type_) = decoder.event_into(&mut pod, data) {
        let (known, object) = json::event(data).expect("an event");
        assert_eq!(known, type_);
        assert_eq!(json::decode::<Pod>(object.as_bytes()).expect("a pod"), pod);
    }
    match json::event(data) {
        Ok((type_, object)) => {
            assert!(RawJson::parse(object.as_bytes()).is_ok());
            accepted(type_.len() + object.len())
        }
        Err(error) => refused(&error),
    }
}

/// However the bytes come, a list is what it is at once, but for what can't be read.
fn list(data: &[u8]) -> u64 {
    fn read(mut reader: ListReader, data: &[u8], size: usize) -> (Vec<Pod>, usize, Result<ListMeta, String>) {
        let mut decoder = Decoder::<Pod>::new().erase();
        let (mut pods, mut bad) = (Vec::new(), 0);
        for chunk in data.chunks(size.max(1)).map(Some).chain([None]) {
            match chunk {
                Some(chunk) => reader.push(chunk),
                None => reader.end(),
            }
            loop {
                let mut pod = Pod::default();
                match reader.next(&mut decoder, &mut pod) {
                    Ok(Step::Item) => pods.push(pod),
                    Ok(Step::Bad(_)) => bad += 1,
                    Ok(_) => break,
                    Err(error) => return (pods, bad, Err(error.to_string())),
                }
            }
        }
        let metadata = reader.metadata().clone();
        (pods, bad, Ok(metadata))
    }
    let whole = Decoder::<Pod>::new().json_list(data);
    let size = usize::from(data.first().copied().unwrap_or_default() % 16);
    for (reader, size) in [
        (ListReader::new::<Pod>(), data.len()),
        (ListReader::new::<Pod>().eager(), size),
        (ListReader::new::<Pod>().eager(), 1),
    ] {
        let (pods, bad, end) = read(reader, data, size);
        match (&whole, end) {
            (Ok(list), Ok(metadata)) => {
                assert_eq!((&list.items, &list.metadata, 0), (&pods, &metadata, bad));
            }
            (Ok(_), Err(error)) => {
                assert!(error.contains("come twice"), "only at once it is a list: {error}")
            }
            (Err(error), end) => assert!(bad > 0 || end.is_err(), "only at once it is none: {error}"),
        }
    }
    match whole {
        Ok(list) => accepted(list.items.len()),
        Err(error) => refused(&error),
    }
}
