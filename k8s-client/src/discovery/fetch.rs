//! Asking a server what it offers.

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::StatusCode;
use http::header::{ACCEPT, ETAG, HeaderValue, IF_NONE_MATCH};
use k8s_api::meta::v1::{APIGroupList, APIVersions};
use k8s_api::request::{Answer, Request, server};
use k8s_api::transport::{Call, ReplyBody};
use serde::{Deserialize, Serialize};

use super::wire::{Group, Groups, Named, Version};
use crate::client::Client;
use crate::error::{Error, Result};

/// Everything at once where the server can, the older form of it, or the plain documents.
const AGGREGATED: HeaderValue = HeaderValue::from_static(
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
     application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json",
);

/// How many plain documents are asked for at the same time.
const AT_ONCE: usize = 8;

/// What stands below `/api`, or below `/apis`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Part {
    etag: Option<String>,
    pub(super) groups: Vec<Group>,
}

/// Both parts, asking only for what has changed since `known`.
pub(super) async fn fetch(client: &Client, known: Option<&[Part; 2]>) -> Result<[Part; 2]> {
    let [core, groups] = known.map_or([None, None], |[core, groups]| [Some(core), Some(groups)]);
    let (core, groups) = futures_util::future::join(
        part(client, server::core_versions(), core, plain_core),
        part(client, server::groups(), groups, plain_groups),
    )
    .await;
    // A server of a single group has no `/api`.
    let core = match core {
        Err(error) if error.is_not_found() => Part::default(),
        other => other?,
    };
    Ok([core, groups?])
}

async fn part<'a, R: Request, F: Future<Output = Result<Vec<Group>>>>(
    client: &'a Client,
    request: R,
    known: Option<&Part>,
    plain: impl FnOnce(&'a Client, Bytes) -> F,
) -> Result<Part> {
    let mut call = request.call()?;
    call.head.headers.insert(ACCEPT, AGGREGATED);
    // With a slash at its end a real server gives the plain documents, whatever is accepted.
    if let Ok(uri) = call.head.uri.path().trim_end_matches('/').parse() {
        call.head.uri = uri;
    }
    let etag = known.and_then(|known| HeaderValue::from_str(known.etag.as_deref()?).ok());
    if let Some(etag) = etag {
        call.head.headers.insert(IF_NONE_MATCH, etag);
    }
    let (body, etag) = match (whole(client, call).await, known) {
        (Err(error), Some(known)) if error.code() == Some(StatusCode::NOT_MODIFIED) => {
            return Ok(known.clone());
        }
        (other, _) => other?,
    };
    #[derive(Deserialize)]
    struct Kind {
        kind: String,
    }
    let kind: Kind = serde_json::from_slice(&body).map_err(|error| unreadable(&error))?;
    if kind.kind == "APIGroupDiscoveryList" {
        let groups: Groups = serde_json::from_slice(&body).map_err(|error| unreadable(&error))?;
        return Ok(Part { etag, groups: groups.items });
    }
    Ok(Part { etag: None, groups: plain(client, body).await? })
}

/// The whole answer, and its tag.
pub(crate) async fn whole(client: &Client, call: Call) -> Result<(Bytes, Option<String>)> {
    let reply = client.send(call).await?;
    let etag = reply.head.headers.get(ETAG).and_then(|etag| etag.to_str().ok()).map(str::to_owned);
    match reply.body {
        ReplyBody::Whole(body) => Ok((body, etag)),
        other => Err(Error::unreadable(format!("the answer is {other:?}, not one document"))),
    }
}

fn unreadable(error: &serde_json::Error) -> Error {
    Error::unreadable(format!("what the server says that it offers can't be read: {error}"))
}

fn read<A: Answer>(body: &[u8]) -> Result<A> {
    A::read(body).map_err(|error| Error::unreadable(error.to_string()))
}

async fn plain_core(client: &Client, body: Bytes) -> Result<Vec<Group>> {
    let versions: APIVersions = read(&body)?;
    let wanted = versions.versions.iter().map(|version| (String::new(), version.as_str().to_owned()));
    Ok(plain(client, wanted.collect()).await)
}

async fn plain_groups(client: &Client, body: Bytes) -> Result<Vec<Group>> {
    let groups: APIGroupList = read(&body)?;
    let mut wanted = Vec::new();
    for group in &groups.groups {
        let preferred = &group.preferred_version.version;
        let mut versions: Vec<_> = group.versions.iter().map(|version| version.version.clone()).collect();
        versions.sort_by_key(|version| version != preferred);
        wanted.extend(
            versions.iter().map(|version| (group.name.as_str().to_owned(), version.as_str().to_owned())),
        );
    }
    Ok(plain(client, wanted).await)
}

/// Reads each group and version; one that can't be read is told, and costs only itself.
async fn plain(client: &Client, wanted: Vec<(String, String)>) -> Vec<Group> {
    let versions = futures_util::stream::iter(wanted).map(|(group, version)| async move {
        let read = match client.request(server::resources(&group, &version)).await {
            Ok(list) => Version::plain(&version, &list),
            Err(error) => Version::failed(&version, &error.to_string()),
        };
        (group, read)
    });
    let mut groups: Vec<Group> = Vec::new();
    for (name, version) in versions.buffered(AT_ONCE).collect::<Vec<_>>().await {
        match groups.last_mut() {
            Some(group) if group.metadata.name == name => group.versions.push(version),
            _ => groups.push(Group { metadata: Named { name }, versions: vec![version] }),
        }
    }
    groups
}
