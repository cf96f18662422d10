//! Pods in each of the two formats: what a list, a watch and one alone put around them.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::wire::{self, field, fields, put, put_number, replaced, unknown};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Protobuf,
}

impl Format {
    pub(crate) fn media(self) -> &'static str {
        match self {
            Format::Json => "application/json",
            Format::Protobuf => "application/vnd.kubernetes.protobuf",
        }
    }

    pub(crate) fn stream_media(self) -> &'static str {
        match self {
            Format::Json => "application/json",
            Format::Protobuf => "application/vnd.kubernetes.protobuf;stream=watch",
        }
    }

    /// The version of a list, and its items, each as its own bytes.
    pub(crate) fn items(self, list: &[u8]) -> (String, Vec<Vec<u8>>) {
        match self {
            Format::Json => {
                let list: List<'_> = serde_json::from_slice(list).expect("a list in JSON");
                let items = list.items.into_iter().map(|item| item.get().as_bytes().to_vec()).collect();
                (list.metadata.resource_version, items)
            }
            Format::Protobuf => {
                let list = field(list.strip_prefix(wire::MAGIC).expect("a list in protobuf"), 2);
                let version = String::from_utf8_lossy(field(field(list, 1), 2)).into_owned();
                let items = fields(list).filter(|(number, ..)| *number == 2);
                (version, items.map(|(.., item)| item.to_vec()).collect())
            }
        }
    }

    /// An item as the server sends one that is asked for alone.
    pub(crate) fn alone(self, item: &[u8]) -> Vec<u8> {
        match self {
            Format::Json => {
                let rest = item.strip_prefix(b"{").expect("an object");
                [br#"{"kind":"Pod","apiVersion":"v1","#, rest].concat()
            }
            Format::Protobuf => unknown("Pod", item),
        }
    }

    /// The same pod under another name.
    pub(crate) fn copy(self, item: &[u8], number: usize) -> Vec<u8> {
        let renamed = |name: &[u8]| [name, format!("-{number}").as_bytes()].concat();
        let uid = |uid: &[u8]| [format!("{number:08x}").as_bytes(), &uid[8..]].concat();
        match self {
            Format::Json => {
                let (name, id) = (value_of(item, b"\"name\":\""), value_of(item, b"\"uid\":\""));
                [
                    &item[..name.start],
                    &renamed(&item[name.clone()]),
                    &item[name.end..id.start],
                    &uid(&item[id.clone()]),
                    &item[id.end..],
                ]
                .concat()
            }
            Format::Protobuf => {
                let metadata = field(item, 1);
                let named = replaced(item, &[1, 1], &renamed(field(metadata, 1)));
                replaced(&named, &[1, 5], &uid(field(metadata, 5)))
            }
        }
    }

    /// An event of a watch, as one frame.
    pub(crate) fn event(self, kind: &str, item: &[u8]) -> Vec<u8> {
        match self {
            Format::Json => {
                let head = format!(r#"{{"type":"{kind}","object":"#);
                [head.as_bytes(), &self.alone(item), b"}\n"].concat()
            }
            Format::Protobuf => {
                let (mut object, mut event) = (Vec::new(), Vec::new());
                put(&mut object, 1, &self.alone(item));
                put(&mut event, 1, kind.as_bytes());
                put(&mut event, 2, &object);
                [&(event.len() as u32).to_be_bytes(), event.as_slice()].concat()
            }
        }
    }

    /// A bookmark, perhaps the one that ends the initial events.
    pub(crate) fn bookmark(self, version: &str, initial_end: bool) -> Vec<u8> {
        const END: &str = "k8s.io/initial-events-end";
        match self {
            Format::Json => {
                let end = format!(r#","annotations":{{"{END}":"true"}}"#);
                let end = if initial_end { end.as_str() } else { "" };
                let item = format!(
                    r#"{{"metadata":{{"resourceVersion":"{version}"{end}}},"spec":{{"containers":null}},"status":{{}}}}"#
                );
                self.event("BOOKMARK", item.as_bytes())
            }
            Format::Protobuf => {
                let (mut metadata, mut pod) = (Vec::new(), Vec::new());
                put(&mut metadata, 6, version.as_bytes());
                if initial_end {
                    let mut entry = Vec::new();
                    put(&mut entry, 1, END.as_bytes());
                    put(&mut entry, 2, b"true");
                    put(&mut metadata, 12, &entry);
                }
                put(&mut pod, 1, &metadata);
                put(&mut pod, 2, b"");
                put(&mut pod, 3, b"");
                self.event("BOOKMARK", &pod)
            }
        }
    }

    /// What stands before the items of a page, of which `next` begins another one with so many left; `items` is what those
    /// of this page take.
    pub(crate) fn head(self, version: &str, next: Option<(usize, usize)>, items: usize) -> Vec<u8> {
        match self {
            Format::Json => {
                let next =
                    next.map(|(token, left)| format!(r#","continue":"{token}","remainingItemCount":{left}"#));
                let next = next.unwrap_or_default();
                format!(r#"{{"kind":"PodList","apiVersion":"v1","metadata":{{"resourceVersion":"{version}"{next}}},"items":["#)
                    .into_bytes()
            }
            Format::Protobuf => {
                let (mut metadata, mut list) = (Vec::new(), Vec::new());
                put(&mut metadata, 1, b"");
                put(&mut metadata, 2, version.as_bytes());
                match next {
                    Some((token, left)) => {
                        put(&mut metadata, 3, token.to_string().as_bytes());
                        put_number(&mut metadata, 4, left as u64);
                    }
                    None => put(&mut metadata, 3, b""),
                }
                put(&mut list, 1, &metadata);
                // The envelope of a list that has no items, and its length made that of what follows.
                let mut kind = Vec::new();
                put(&mut kind, 1, b"v1");
                put(&mut kind, 2, b"PodList");
                let mut out = wire::MAGIC.to_vec();
                put(&mut out, 1, &kind);
                wire::put_length(&mut out, 2, list.len() + items);
                [out, list].concat()
            }
        }
    }

    /// An item as it stands in a list, behind others or first.
    pub(crate) fn listed(self, item: &[u8], first: bool, out: &mut Vec<u8>) {
        match self {
            Format::Json => {
                if !first {
                    out.push(b',');
                }
                out.extend_from_slice(item);
            }
            Format::Protobuf => put(out, 2, item),
        }
    }

    /// What stands behind the items.
    pub(crate) fn tail(self) -> &'static [u8] {
        match self {
            Format::Json => b"]}\n",
            // An envelope's encoding and media type, which Go writes though they are empty.
            Format::Protobuf => b"\x1a\0\"\0",
        }
    }

    /// The events of a captured watch without its bookmarks, each with its kind and its object's own bytes.
    pub(crate) fn captured(self, watch: &[u8]) -> Vec<(String, Vec<u8>)> {
        let mut events = match self {
            Format::Json => {
                let lines = watch.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
                let event = |line| {
                    let event: Event<'_> = serde_json::from_slice(line).expect("an event in JSON");
                    let object = event.object.get().as_bytes();
                    let rest = object.strip_prefix(br#"{"kind":"Pod","apiVersion":"v1","#.as_slice());
                    (event.kind, [b"{", rest.expect("a pod")].concat())
                };
                lines.map(event).collect::<Vec<_>>()
            }
            Format::Protobuf => {
                let mut rest = watch;
                let mut events = Vec::new();
                while let Some((length, behind)) = rest.split_first_chunk() {
                    let (event, behind) = behind.split_at(u32::from_be_bytes(*length) as usize);
                    let kind = String::from_utf8_lossy(field(event, 1)).into_owned();
                    let unknown = field(field(event, 2), 1).strip_prefix(wire::MAGIC).expect("an object");
                    events.push((kind, field(unknown, 2).to_vec()));
                    rest = behind;
                }
                events
            }
        };
        events.retain(|(kind, _)| kind != "BOOKMARK");
        events
    }

    /// The object with another version.
    pub(crate) fn with_version(self, item: &[u8], version: &[u8]) -> Vec<u8> {
        match self {
            Format::Json => {
                let at = value_of(item, b"\"resourceVersion\":\"");
                [&item[..at.start], version, &item[at.end..]].concat()
            }
            Format::Protobuf => replaced(item, &[1, 6], version),
        }
    }

    /// The namespace and name of an object.
    pub(crate) fn name(self, item: &[u8]) -> (String, String) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match self {
            Format::Json => {
                let value = |key| text(&item[value_of(item, key)]);
                (value(b"\"namespace\":\""), value(b"\"name\":\""))
            }
            Format::Protobuf => {
                let metadata = field(item, 1);
                (text(field(metadata, 3)), text(field(metadata, 1)))
            }
        }
    }
}

/// Where the text behind a key lies that is the first of its name: metadata comes first in what the server writes, and its own
/// fields come before what refers to others.
fn value_of(item: &[u8], key: &[u8]) -> std::ops::Range<usize> {
    let start = find(item, key).expect("a field") + key.len();
    let length = item[start..].iter().position(|byte| *byte == b'"').expect("a text");
    start..start + length
}

pub(crate) fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[derive(Deserialize)]
struct List<'a> {
    metadata: Metadata,
    #[serde(borrow)]
    items: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    resource_version: String,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: String,
    #[serde(borrow)]
    object: &'a RawValue,
}
