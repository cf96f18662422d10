//! The server's own documents, and whether an object is as they say.

mod check;
mod schema;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use k8s_api::dynamic::DynamicObject;
use k8s_api::request::{Request as _, server};
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::api::Pending;
use crate::client::Client;
use crate::discovery::whole;
use crate::error::{Error, Result};

pub use check::Mistake;
pub use schema::Schemas;

impl Client {
    /// The release of the server.
    ///
    /// ```no_run
    /// # async fn f(client: k8s_client::Client) -> k8s_client::Result<()> {
    /// println!("{}", client.version().await?.git_version);
    /// # Ok(())
    /// # }
    /// ```
    pub fn version(&self) -> Pending<server::Fetch<k8s_api::meta::v1::VersionInfo>> {
        self.request(server::version())
    }
}

/// The OpenAPI v3 documents of a server, one for each group and version, each read once for as long as its hash stays. Clones share
/// what was read.
///
/// ```no_run
/// # async fn f(client: k8s_client::Client, web: k8s_client::dynamic::DynamicObject) -> k8s_client::Result<()> {
/// use k8s_client::openapi::OpenApi;
///
/// for mistake in OpenApi::new(&client).check(&web).await? {
///     // spec.template.spec.containers[0].imagee: unknown field, did you mean `image`?
///     println!("{mistake}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct OpenApi(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: Client,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The address of each document; it holds the hash.
    index: Option<BTreeMap<String, String>>,
    /// With the address that each was read from.
    documents: HashMap<String, (String, Arc<Schemas>)>,
}

impl OpenApi {
    /// Of the server of this client.
    pub fn new(client: &Client) -> OpenApi {
        OpenApi(Arc::new(Inner { client: client.clone(), state: Mutex::default() }))
    }

    /// The documents of the server by their paths, such as `apis/apps/v1`, each with its address, which holds its hash.
    pub async fn index(&self) -> Result<BTreeMap<String, String>> {
        let mut state = self.0.state.lock().await;
        self.read_index(&mut state).await
    }

    /// The schemas of a group and version, as they are now: it asks for the list of documents, and for the document if that has
    /// changed.
    pub async fn schemas(&self, group: &str, version: &str) -> Result<Arc<Schemas>> {
        let mut state = self.0.state.lock().await;
        self.read_index(&mut state).await?;
        self.read(&mut state, group, version).await
    }

    /// Where an object is not as its schema says: unknown and missing fields, wrong types and values. It compares with the schemas
    /// as they were first read, and reads them again for a kind that they do not have.
    ///
    /// Only the server can find out the rest: rules between fields, names that exist, expressions of definitions.
    pub async fn check(&self, object: &DynamicObject) -> Result<Vec<Mistake>> {
        let (group, version, kind) = (object.group(), object.version(), object.kind.as_str());
        let tree = object.to_json().map_err(|error| Error::request(error.to_string()))?;
        let known = {
            let mut state = self.0.state.lock().await;
            match state.index {
                Some(_) => self.read(&mut state, group, version).await.ok(),
                None => None,
            }
        };
        let known = known.filter(|known| known.of(group, version, kind).is_some());
        let schemas = match known {
            Some(known) => known,
            None => self.schemas(group, version).await?,
        };
        match schemas.of(group, version, kind) {
            Some((name, schema)) => Ok(check::check(&schemas, name, schema, &tree)),
            None => Err(Error::unsupported(format!(
                "the server has no schema of {kind} in {}",
                object.api_version
            ))),
        }
    }

    async fn read_index(&self, state: &mut State) -> Result<BTreeMap<String, String>> {
        #[derive(Deserialize)]
        struct Index {
            paths: BTreeMap<String, Address>,
        }
        #[derive(Deserialize)]
        struct Address {
            #[serde(rename = "serverRelativeURL")]
            url: String,
        }
        let raw = self.0.client.request(server::openapi()).await?;
        // From bytes, as everything here: to read from texts would be the same code once more.
        let index: Index = serde_json::from_slice(raw.as_str().as_bytes())
            .map_err(|error| unreadable("list of documents", &error))?;
        let index: BTreeMap<_, _> =
            index.paths.into_iter().map(|(path, address)| (path, address.url)).collect();
        state.index = Some(index.clone());
        Ok(index)
    }

    async fn read(&self, state: &mut State, group: &str, version: &str) -> Result<Arc<Schemas>> {
        let path =
            if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") };
        let Some(address) = state.index.as_ref().and_then(|index| index.get(&path)).cloned() else {
            return Err(Error::unsupported(format!("the server has no OpenAPI v3 document of {path}")));
        };
        if let Some((read_from, known)) = state.documents.get(&path)
            && *read_from == address
        {
            return Ok(known.clone());
        }
        let mut call = server::openapi_document(&path).call()?;
        // Only the hash is the server's to say: an address of another place is not followed.
        if let Some(hash) = address.split_once("?hash=").map(|(_, hash)| hash)
            && let Ok(uri) = format!("{}?hash={hash}", call.head.uri.path()).parse()
        {
            call.head.uri = uri;
        }
        let (body, _) = whole(&self.0.client, call).await?;
        let schemas = Arc::new(Schemas::read(&body).map_err(|error| unreadable(&path, &error))?);
        state.documents.insert(path, (address, schemas.clone()));
        Ok(schemas)
    }
}

fn unreadable(what: &str, error: &serde_json::Error) -> Error {
    Error::unreadable(format!("the server's OpenAPI v3 {what} can't be read: {error}"))
}

#[cfg(test)]
mod tests;
