//! A watch as the real control plane sends it, in both formats: pods are replaced while the deployments roll out.

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Read};
use std::sync::mpsc;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cluster::Api;

const JSON: &str = "application/json";
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf;stream=watch";

/// The same events twice: as lines of JSON, and each behind its length as protobuf.
pub(super) struct Captured {
    pub(super) json: Vec<u8>,
    pub(super) protobuf: Vec<u8>,
}

/// At least so many events of all pods after a version, which rolling out the deployments causes.
pub(super) fn watch(api: &Api, version: &str, deployments: &[Value], events: usize) -> Result<Captured> {
    // Both are open before anything happens, so that the server has all of it for them.
    let path = format!("/api/v1/pods?watch=true&resourceVersion={version}");
    let (json, mut protobuf) = (api.stream(&path, JSON)?, api.stream(&path, PROTOBUF)?);
    // Read while they come, since the server gives up on a watch that nobody reads; how many are wanted the lines decide.
    // The thread ends when nobody listens any more, or with the cluster.
    let (send, frames) = mpsc::channel();
    std::thread::spawn(move || while send.send(frame(&mut protobuf)).is_ok() {});
    let lines = std::thread::spawn(move || lines(json, events));
    deployments.iter().enumerate().try_for_each(|(number, deployment)| roll_out(api, number, deployment))?;
    let Ok(lines) = lines.join() else { bail!("the thread that reads the watch panicked") };
    let (json, count) = lines?;
    let protobuf: Vec<_> = frames.iter().take(count).collect::<Result<_>>()?;
    Ok(Captured { json, protobuf: protobuf.concat() })
}

/// A new image for every pod, a few at a time, so that creations, updates and deletions alternate.
fn roll_out(api: &Api, number: usize, deployment: &Value) -> Result<()> {
    let metadata = &deployment["metadata"];
    let (namespace, name) = (metadata["namespace"].as_str(), metadata["name"].as_str());
    let (namespace, name) = namespace.zip(name).context("a deployment has no name")?;
    let replicas = deployment["spec"]["replicas"].as_u64().unwrap_or(1);
    // The first shrinks, the second grows: there are pods that only come or only go.
    let replicas = match number {
        0 => replicas - replicas / 20,
        1 => replicas + replicas / 20,
        _ => replicas,
    };
    let change = json!({"spec": {
        "replicas": replicas,
        "strategy": {"rollingUpdate": {"maxSurge": "1%", "maxUnavailable": "1%"}},
        "template": {"spec": {"containers": [{"name": "main", "image": format!("registry.example/shop/{name}:1.5.0")}]}},
    }});
    let path = format!("/apis/apps/v1/namespaces/{namespace}/deployments/{name}");
    api.patch(&path, "application/strategic-merge-patch+json", change.to_string().as_bytes()).map(|_| ())
}

/// As much of an event as decides where a capture may end.
#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    uid: String,
}

/// The lines of so many events or a few more, and how many. Whoever replays them again and again needs every deletion to be of
/// something that an earlier event of the same round has told, and the last event to be of something that stays.
fn lines(stream: impl Read, events: usize) -> Result<(Vec<u8>, usize)> {
    let (mut told, mut kept) = (HashSet::new(), Vec::new());
    for (number, line) in BufReader::new(stream).lines().enumerate() {
        let line = line.context("reading the watch")?;
        let event: Event =
            serde_json::from_str(&line).with_context(|| format!("no event of a pod: {line}"))?;
        let deleted = event.kind == "DELETED";
        let known = !told.insert(event.object.metadata.uid);
        ensure!(known || !deleted, "a pod was deleted that no event had told: {line}");
        kept.extend_from_slice(line.as_bytes());
        kept.push(b'\n');
        if number + 1 >= events && !deleted {
            return Ok((kept, number + 1));
        }
    }
    bail!("the watch ended before there were {events} events")
}

/// The next event, behind its length in four bytes.
fn frame(stream: &mut impl Read) -> Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).context("reading the watch in protobuf")?;
    let mut frame = length.to_vec();
    let size = u64::from(u32::from_be_bytes(length));
    let read = stream.take(size).read_to_end(&mut frame)?;
    ensure!(read as u64 == size, "the watch in protobuf ended within an event");
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(kind: &str, uid: &str) -> String {
        format!("{{\"type\":\"{kind}\",\"object\":{{\"metadata\":{{\"uid\":\"{uid}\"}}}}}}\n")
    }

    #[test]
    fn a_capture_ends_with_something_that_stays() {
        let told = [line("ADDED", "a"), line("MODIFIED", "b"), line("DELETED", "b"), line("MODIFIED", "a")];
        let (kept, count) = lines(told.concat().as_bytes(), 3).unwrap();
        assert_eq!((kept, count), (told.concat().into_bytes(), 4));
    }

    #[test]
    fn a_deletion_of_something_untold_is_refused() {
        let told = [line("DELETED", "b"), line("MODIFIED", "a")].concat();
        assert!(lines(told.as_bytes(), 2).unwrap_err().to_string().contains("no event had told"));
    }

    #[test]
    fn a_frame_keeps_its_length() {
        let bytes = [0, 0, 0, 2, 7, 8, 0, 0, 0, 0];
        let mut stream = &bytes[..];
        assert_eq!(frame(&mut stream).unwrap(), bytes[..6]);
        assert_eq!(frame(&mut stream).unwrap(), bytes[6..]);
        assert!(frame(&mut &bytes[..5]).is_err());
    }
}
