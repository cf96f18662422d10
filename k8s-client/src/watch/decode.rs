//! From the bytes of a server to what the machine takes in.

use bytes::Bytes;
use k8s_api::codec::{AnyDecoder, BadItem, json};
use k8s_api::meta::v1::{ObjectMeta, Status};

use super::event::{Failure, Incoming, Unreadable, UnreadableType};
use super::object::{Held, Key};
use super::source::{Kind, Source};

/// How much of what can't be read is kept to be shown.
const BEGINNING: usize = 256;

const INITIAL_EVENTS_END: &str = "k8s.io/initial-events-end";

/// One frame of a watch.
pub(super) fn event(frame: &Bytes, source: &mut Source) -> Incoming<Held> {
    let Source { kind, decoder, .. } = source;
    // Once over the bytes does for all that is as it should be. What is not is looked at again.
    let mut type_ = None;
    let object = kind.make(&mut |object| {
        type_ = decoder.event_into(object, frame).filter(|_| decoder.finish(object).is_ok());
    });
    type_.and_then(|type_| known(type_, object)).unwrap_or_else(|| unusual(frame, &**kind, decoder))
}

fn known(type_: &str, object: Held) -> Option<Incoming<Held>> {
    Some(match type_ {
        "ADDED" => Incoming::Added(object),
        "MODIFIED" => Incoming::Modified(object),
        "DELETED" => Incoming::Deleted(object),
        "BOOKMARK" => {
            let end = object.metadata().annotations.get(INITIAL_EVENTS_END);
            Incoming::Bookmark {
                resource_version: object.resource_version().into(),
                initial_events_end: end.is_some_and(|value| *value == "true"),
            }
        }
        _ => return None,
    })
}

/// A frame that is not simply an event with an object of the kind in it.
#[cold]
fn unusual(frame: &Bytes, kind: &dyn Kind, decoder: &mut AnyDecoder) -> Incoming<Held> {
    let bad = |event, object: &[u8], error: &str| {
        Incoming::Unreadable(unreadable(event, object, frame, error, kind))
    };
    let (type_, json) = match json::event(frame) {
        Ok(event) => event,
        Err(error) => return bad(UnreadableType::Unknown, frame, &error.to_string()),
    };
    let event = match &*type_ {
        "ADDED" | "MODIFIED" => UnreadableType::Present,
        "DELETED" => UnreadableType::Deleted,
        "ERROR" => return Incoming::Error(failure(json)),
        _ => UnreadableType::Unknown,
    };
    let mut read = Ok(());
    let object = kind.make(&mut |object| {
        read = decoder.json_into(object, json.as_bytes()).and_then(|()| decoder.finish(object));
    });
    match read {
        Err(error) => bad(event, json.as_bytes(), &error.to_string()),
        Ok(()) => known(&type_, object)
            .unwrap_or_else(|| bad(event, frame, &format!("an event of the type {type_}"))),
    }
}

/// An object of a list that can't be read.
pub(super) fn bad_item(bad: &BadItem, kind: &dyn Kind) -> Box<Unreadable> {
    unreadable(UnreadableType::Present, &bad.json, &bad.json, &bad.error.to_string(), kind)
}

/// What is still known of an object that can't be read: its metadata may be fine.
fn unreadable(
    event: UnreadableType,
    object: &[u8],
    all: &[u8],
    error: &str,
    kind: &dyn Kind,
) -> Box<Unreadable> {
    /// The metadata of any kind.
    #[derive(Clone, Default, PartialEq)]
    struct Any {
        metadata: ObjectMeta,
        __unknown: k8s_api::unknown::Unknown,
    }
    k8s_api::table! { Any, "object", None;
        0 metadata: field("metadata", 1),
    }
    let metadata = json::decode::<Any>(object).map(|any| any.metadata).unwrap_or_default();
    let key =
        Key { namespace: metadata.namespace.as_str().to_owned(), name: metadata.name.as_str().to_owned() };
    let version = metadata.resource_version.as_str();
    let shown = all.get(..BEGINNING).unwrap_or(all);
    Box::new(Unreadable {
        event,
        key: (!key.name.is_empty()).then_some(key),
        resource_version: (!version.is_empty()).then(|| version.into()),
        // What is reported ends in logs: of a kind with secrets in it nothing is shown. A copy, since a slice would keep all of its chunk.
        beginning: if has_secrets(kind) { Bytes::new() } else { Bytes::copy_from_slice(shown) },
        error: error.to_owned(),
    })
}

fn has_secrets(kind: &dyn Kind) -> bool {
    let table = kind.make(&mut |_| {}).table();
    table.at_run_time || table.fields().any(|field| field.sensitive)
}

fn failure(status: &str) -> Failure {
    match json::decode::<Status>(status.as_bytes()) {
        Ok(status) => Failure {
            code: u16::try_from(status.code).ok().filter(|code| *code != 0),
            message: status.message.as_str().to_owned(),
            retry_after: status
                .details
                .and_then(|details| u64::try_from(details.retry_after_seconds).ok())
                .filter(|seconds| *seconds > 0)
                .map(std::time::Duration::from_secs),
        },
        Err(error) => {
            Failure { message: format!("an ERROR event without a Status: {error}"), ..Failure::default() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::source::testing::source;
    use k8s_api::core::v1::{ConfigMap, Secret};

    fn read(text: &'static str) -> Incoming<Held> {
        event(&Bytes::from_static(text.as_bytes()), &mut source::<ConfigMap>())
    }

    #[test]
    fn each_type_is_understood() {
        let Incoming::Added(config) =
            read(r#"{"type":"ADDED","object":{"kind":"ConfigMap","metadata":{"name":"a"}}}"#)
        else {
            panic!()
        };
        assert_eq!(config.name(), "a");
        let text = r#"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"7","annotations":{"k8s.io/initial-events-end":"true"}}}}"#;
        let Incoming::Bookmark { resource_version, initial_events_end: true } = read(text) else { panic!() };
        assert_eq!(resource_version, "7".into());
        let text = r#"{"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old","details":{"retryAfterSeconds":3}}}"#;
        let Incoming::Error(failure) = read(text) else { panic!() };
        assert!(failure.is_gone() && failure.message == "too old" && failure.retry_after.is_some());
    }

    #[test]
    fn a_bad_secret_is_told_without_what_it_holds() {
        let text =
            br#"{"type":"ADDED","object":{"data":{"k":"aHVudGVyMg=="},"metadata":{"name":"s"},"type":7}}"#;
        let bad = event(&Bytes::from_static(text), &mut source::<Secret>());
        assert!(matches!(&bad, Incoming::Unreadable(bad) if bad.key.is_some()));
        assert!(!format!("{bad:?}").contains("aHVudGVyMg"), "{bad:?}");
    }

    #[test]
    fn a_bad_object_is_told_by_its_name() {
        let text = r#"{"type":"MODIFIED","object":{"metadata":{"name":"a","namespace":"n","resourceVersion":"5"},"data":7}}"#;
        let Incoming::Unreadable(bad) = read(text) else { panic!() };
        assert_eq!(bad.key, Some(Key { namespace: "n".to_owned(), name: "a".to_owned() }));
        assert_eq!((bad.event, bad.resource_version), (UnreadableType::Present, Some("5".into())));
        assert!(bad.error.contains("data"), "{}", bad.error);
        assert!(matches!(read("{"), Incoming::Unreadable(bad) if bad.key.is_none()));
    }
}
