//! In which form an answer goes: JSON, YAML or protobuf; the object, its metadata alone, or a table.

use std::sync::Arc;

use bytes::Bytes;
use http::{StatusCode, header};
use k8s_api::codec::{json, protobuf};
use k8s_api::meta::v1::Status;
use k8s_api::view::Message;
use serde_json::{Value, json};

use super::ask::{Ask, Said};
use super::core::{Call, Core};
use super::failure::Failure;
use super::kinds::Known;
use super::store::Object;
use super::table;

const JSON: &str = "application/json";
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Json,
    Yaml,
    Protobuf,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum As {
    Itself,
    Partial,
    Table {
        /// `None`, `Metadata` or `Object`.
        include: String,
    },
}

/// What was agreed on.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    format: Format,
    as_: As,
    /// Whether a watch has said the columns of its tables.
    pub(crate) told: bool,
}

impl Shape {
    /// What nobody but the server itself looks at.
    pub(crate) fn json() -> Shape {
        Shape { format: Format::Json, as_: As::Itself, told: false }
    }

    /// The first that is accepted and can be had.
    pub(crate) fn of(ask: &Ask) -> Result<Shape, Failure> {
        let watch = ask.query.flag("watch") || ask.path.iter().any(|it| it == "watch");
        let accept = ask.header(header::ACCEPT).unwrap_or_default();
        if accept.trim().is_empty() {
            return Ok(Shape { format: Format::Json, as_: As::Itself, told: false });
        }
        let mut known = false;
        for wanted in accept.split(',') {
            let mut parts = wanted.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default();
            let mut as_ = ("", "", "");
            for (name, value) in parts.filter_map(|part| part.split_once('=')) {
                match name {
                    "as" => as_.0 = value,
                    "g" => as_.1 = value,
                    "v" => as_.2 = value,
                    _ => {}
                }
            }
            let format = match media {
                "application/json" | "*/*" | "application/*" => Format::Json,
                "application/yaml" if !watch => Format::Yaml,
                PROTOBUF => Format::Protobuf,
                _ => continue,
            };
            known = true;
            let as_ = match as_ {
                ("", ..) => As::Itself,
                ("Table", "meta.k8s.io", "v1") if format == Format::Json => {
                    let include = ask.query.text("includeObject");
                    if !matches!(include, "" | "None" | "Metadata" | "Object") {
                        return Err(Failure::bad_request(format!(
                            "Unable to convert to Table as requested: includeObject: Invalid value: {include:?}: must be \
                             'Metadata', 'Object', 'None', or empty"
                        )));
                    }
                    As::Table { include: include.to_owned() }
                }
                // There is none of it in protobuf, which is said only to who takes nothing else.
                ("PartialObjectMetadata" | "PartialObjectMetadataList", "meta.k8s.io", "v1")
                    if format != Format::Protobuf || !watch && !accept.contains(JSON) =>
                {
                    As::Partial
                }
                _ => continue,
            };
            return Ok(Shape { format, as_, told: false });
        }
        Err(if known || watch { Failure::not_acceptable() } else { Failure::no_representation() })
    }

    fn is_plain(&self, call: &Call<'_>) -> bool {
        self.format == Format::Json
            && self.as_ == As::Itself
            && call.kind.version == call.stored.version
            && call.kind.group == call.stored.group
    }

    /// One stored object.
    pub(crate) fn object(&self, call: &Call<'_>, object: &Object) -> Result<Said, Failure> {
        if self.is_plain(call) {
            return Ok(Said::bytes(StatusCode::OK, JSON, named(&call.kind, &object.json)));
        }
        self.value(call, object.value())
    }

    /// One object in its stored form, which may not be stored.
    pub(crate) fn value(&self, call: &Call<'_>, object: Value) -> Result<Said, Failure> {
        let object = call.out(object)?;
        self.written(call.core, call.kind.make, object)
    }

    /// An object of any kind as it is.
    pub(crate) fn written(
        &self,
        core: &Core,
        make: fn() -> Box<dyn Message>,
        object: Value,
    ) -> Result<Said, Failure> {
        let object = match &self.as_ {
            As::Itself => object,
            As::Partial => partial(&object),
            As::Table { include } => {
                let kind = core.kinds.named(text(&object["apiVersion"]), text(&object["kind"]));
                let metadata = json!({"resourceVersion": object["metadata"]["resourceVersion"]});
                table::table(core, kind, metadata, vec![object], include)
            }
        };
        match self.format {
            Format::Json => Ok(Said::json(&object)),
            Format::Yaml => yaml(&object),
            Format::Protobuf => {
                let mut message = make();
                if self.as_ == As::Partial {
                    return Err(Failure::gap("metadata alone as protobuf"));
                }
                json::decode_into(&mut *message, object.to_string().as_bytes())
                    .map_err(|error| Failure::internal(error.to_string()))?;
                let bytes = protobuf::encode(&*message).map_err(|_| Failure::not_acceptable())?;
                Ok(Said::bytes(StatusCode::OK, PROTOBUF, bytes))
            }
        }
    }

    /// A list of stored objects.
    pub(crate) fn list(
        &self,
        call: &Call<'_>,
        metadata: Value,
        objects: &[Arc<Object>],
    ) -> Result<Said, Failure> {
        let kind = &call.kind;
        if self.is_plain(call) {
            let mut out = Vec::with_capacity(objects.iter().map(|it| it.json.len() + 1).sum::<usize>() + 256);
            let head = json!({"kind": format!("{}List", kind.kind), "apiVersion": kind.api_version(), "metadata": metadata});
            out.extend_from_slice(head.to_string().trim_end_matches('}').as_bytes());
            // The head's last field is an object of its own.
            out.extend_from_slice(b"},\"items\":[");
            for (index, object) in objects.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(&object.json);
            }
            out.extend_from_slice(b"]}");
            return Ok(Said::bytes(StatusCode::OK, JSON, out));
        }
        let items: Result<Vec<Value>, Failure> =
            objects.iter().map(|object| call.out(object.value())).collect();
        let items = items?;
        let list = match &self.as_ {
            As::Table { include } => table::table(call.core, Some(kind), metadata, items, include),
            As::Partial => {
                let items: Vec<Value> = items.iter().map(partial).collect();
                json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "items": items})
            }
            As::Itself if self.format == Format::Protobuf => return protobuf_list(kind, &metadata, &items),
            As::Itself => {
                let items: Vec<Value> = items.into_iter().map(nameless).collect();
                let kind_ = format!("{}List", kind.kind);
                json!({"kind": kind_, "apiVersion": kind.api_version(), "metadata": metadata, "items": items})
            }
        };
        match self.format {
            Format::Json => Ok(Said::json(&list)),
            Format::Yaml => yaml(&list),
            Format::Protobuf => Err(Failure::gap("metadata alone as protobuf")),
        }
    }

    /// One line of a watch.
    pub(crate) fn event(
        &self,
        core: &Core,
        kind: &Known,
        stored: &Known,
        event: &str,
        object: &Object,
    ) -> Result<Bytes, Failure> {
        let json = self.format == Format::Json;
        if json && self.as_ == As::Itself && kind.version == stored.version && kind.group == stored.group {
            let object = named(kind, &object.json);
            let mut line = Vec::with_capacity(object.len() + 40);
            line.extend_from_slice(b"{\"type\":\"");
            line.extend_from_slice(event.as_bytes());
            line.extend_from_slice(b"\",\"object\":");
            line.extend_from_slice(&object);
            line.extend_from_slice(b"}\n");
            return Ok(line.into());
        }
        let mut value = core.kinds.convert(object.value(), stored, kind)?;
        value["apiVersion"] = kind.api_version().into();
        value["kind"] = kind.kind.into();
        let object = match &self.as_ {
            As::Itself if self.format == Format::Protobuf => return frame(event, (kind.make)(), &value),
            As::Itself => value,
            As::Partial => partial(&value),
            As::Table { include } => {
                let metadata = json!({"resourceVersion": value["metadata"]["resourceVersion"]});
                let mut table = table::table(core, Some(kind), metadata, vec![value], include);
                if self.told {
                    table["columnDefinitions"] = Value::Null;
                }
                table
            }
        };
        Ok(format!("{}\n", json!({"type": event, "object": object})).into())
    }

    pub(crate) fn bookmark(&self, kind: &Known, metadata: Value) -> Result<Bytes, Failure> {
        let mut metadata = metadata;
        metadata["creationTimestamp"] = Value::Null;
        let object = match &self.as_ {
            As::Partial => {
                json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata})
            }
            As::Itself if self.format == Format::Protobuf => {
                return frame("BOOKMARK", (kind.make)(), &json!({"metadata": metadata}));
            }
            _ => {
                // As the type writes what is empty and required.
                let mut message = (kind.make)();
                let bare = json!({"metadata": metadata});
                json::decode_into(&mut *message, bare.to_string().as_bytes())
                    .map_err(|error| Failure::internal(error.to_string()))?;
                let text = json::encode(&*message).map_err(|error| Failure::internal(error.to_string()))?;
                serde_json::from_slice(&text).unwrap_or_default()
            }
        };
        Ok(format!("{}\n", json!({"type": "BOOKMARK", "object": object})).into())
    }

    /// The last line of a watch that can't go on.
    pub(crate) fn error(&self, failure: &Failure) -> Bytes {
        let status = failure.object();
        match self.format {
            Format::Protobuf => frame("ERROR", Box::new(Status::default()), &status).unwrap_or_default(),
            _ => format!("{}\n", json!({"type": "ERROR", "object": status})).into(),
        }
    }

    pub(crate) fn watch_type(&self) -> &'static str {
        match self.format {
            Format::Protobuf => "application/vnd.kubernetes.protobuf;stream=watch",
            _ => JSON,
        }
    }
}

impl PartialEq for Shape {
    fn eq(&self, other: &Shape) -> bool {
        self.format == other.format && self.as_ == other.as_
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// With `kind` and `apiVersion` in front.
fn named(kind: &Known, json: &Bytes) -> Bytes {
    let mut out = Vec::with_capacity(json.len() + 60);
    out.extend_from_slice(b"{\"kind\":\"");
    out.extend_from_slice(kind.kind.as_bytes());
    out.extend_from_slice(b"\",\"apiVersion\":\"");
    out.extend_from_slice(kind.api_version().as_bytes());
    out.extend_from_slice(b"\",");
    out.extend_from_slice(json.strip_prefix(b"{").unwrap_or(json));
    out.into()
}

fn nameless(mut object: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.remove("kind");
        fields.remove("apiVersion");
    }
    object
}

pub(crate) fn partial(object: &Value) -> Value {
    let mut metadata = object["metadata"].clone();
    // Inside of the real server this is a field.
    if let Some(Value::Object(notes)) = metadata.get_mut("annotations") {
        notes.remove("deprecated.daemonset.template.generation");
        if notes.is_empty() {
            metadata.as_object_mut().map(|fields| fields.remove("annotations"));
        }
    }
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata})
}

fn yaml(object: &Value) -> Result<Said, Failure> {
    let text = serde_saphyr::to_string(object).map_err(|error| Failure::internal(error.to_string()))?;
    Ok(Said::bytes(StatusCode::OK, "application/yaml", text))
}

/// A list has no type of its own among the kinds: its metadata, its items.
fn protobuf_list(kind: &Known, metadata: &Value, items: &[Value]) -> Result<Said, Failure> {
    let wrong = |_| Failure::not_acceptable();
    let mut raw = Vec::new();
    let mut meta = Vec::new();
    let mut list = k8s_api::meta::v1::ListMeta::default();
    json::decode_into(&mut list, metadata.to_string().as_bytes())
        .map_err(|error| Failure::internal(error.to_string()))?;
    protobuf::encode_message(&list, &mut meta).map_err(wrong)?;
    field(1, &meta, &mut raw);
    for item in items {
        let (mut message, mut bytes) = ((kind.make)(), Vec::new());
        json::decode_into(&mut *message, item.to_string().as_bytes())
            .map_err(|error| Failure::internal(error.to_string()))?;
        protobuf::encode_message(&*message, &mut bytes).map_err(wrong)?;
        field(2, &bytes, &mut raw);
    }
    let mut types = Vec::new();
    field(1, kind.api_version().as_bytes(), &mut types);
    field(2, format!("{}List", kind.kind).as_bytes(), &mut types);
    let mut out = b"k8s\0".to_vec();
    field(1, &types, &mut out);
    field(2, &raw, &mut out);
    field(3, b"", &mut out);
    field(4, b"", &mut out);
    Ok(Said::bytes(StatusCode::OK, PROTOBUF, out))
}

/// An event in protobuf: its length, its type, and the object in an envelope as if it stood alone.
fn frame(event: &str, mut message: Box<dyn Message>, object: &Value) -> Result<Bytes, Failure> {
    json::decode_into(&mut *message, object.to_string().as_bytes())
        .map_err(|error| Failure::internal(error.to_string()))?;
    let object = protobuf::encode(&*message).map_err(|_| Failure::not_acceptable())?;
    let (mut raw, mut fields) = (Vec::new(), Vec::new());
    field(1, &object, &mut raw);
    field(1, event.as_bytes(), &mut fields);
    field(2, &raw, &mut fields);
    let length = u32::try_from(fields.len()).map_err(|error| Failure::internal(error.to_string()))?;
    Ok([&length.to_be_bytes()[..], &fields].concat().into())
}

/// A field of bytes with a number below 16.
fn field(number: u8, value: &[u8], out: &mut Vec<u8>) {
    out.push(number << 3 | 2);
    let mut length = value.len();
    while length >= 0x80 {
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;
    use k8s_api::core::v1::ConfigMap;
    use k8s_api::operation::{Operation, Retry, Verb};
    use k8s_api::transport::{Body, Call, ReplyBody};

    use super::*;
    use crate::testing::Server;
    use crate::watch::frames::Frames;

    /// The type of each event of a watch that takes nothing but protobuf, and its object in the envelope.
    async fn watched(server: &Server, query: &str) -> Vec<(String, Vec<u8>)> {
        let path = format!("/api/v1/namespaces/default/configmaps?watch=true&timeoutSeconds=1&{query}");
        let request = http::Request::get(path).header("accept", PROTOBUF).body(Body::Empty).unwrap();
        let [group, version, resource, subresource] = ["", "v1", "configmaps", ""].map(Into::into);
        let operation =
            Operation { verb: Verb::Watch, group, version, resource, subresource, retry: Retry::Never };
        let reply = server.transport().send(Call::new(operation, request)).await.unwrap();
        assert_eq!(reply.head.headers["content-type"], "application/vnd.kubernetes.protobuf;stream=watch");
        let ReplyBody::Stream(mut stream) = reply.body else { panic!("a watch is a stream") };
        let (mut frames, mut events) = (Frames::length_delimited(1 << 20), Vec::new());
        while let Some(chunk) = stream.next().await {
            frames.push(chunk.unwrap());
            while let Some(frame) = frames.next() {
                let frame = frame.unwrap();
                let at = frame.windows(4).position(|bytes| bytes == b"k8s\0").unwrap();
                let name = 2..2 + usize::from(frame[1]);
                events.push((String::from_utf8_lossy(&frame[name]).into_owned(), frame[at..].to_vec()));
            }
        }
        events
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_in_protobuf() {
        let server = Server::new();
        server.load("{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {k: v}}").unwrap();
        let state = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
        let events = watched(&server, state).await;
        let [added, synced, last] = &events[..] else { panic!("{events:?}") };
        let object: ConfigMap = protobuf::decode(&added.1).unwrap();
        assert_eq!((&*added.0, &*object.metadata.name, object.data.len()), ("ADDED", "c", 1));
        let object: ConfigMap = protobuf::decode(&synced.1).unwrap();
        assert_eq!(&*synced.0, "BOOKMARK");
        assert!(object.metadata.annotations.contains_key("k8s.io/initial-events-end"));
        assert_eq!(&*last.0, "BOOKMARK");

        server.forget_history();
        let events = watched(&server, "resourceVersion=1").await;
        let [(name, status)] = &events[..] else { panic!("{events:?}") };
        let status: Status = protobuf::decode(status).unwrap();
        assert_eq!((&**name, status.code, &*status.reason), ("ERROR", 410, "Expired"));
    }
}
