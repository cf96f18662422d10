//! What a server offers: which groups, versions and resources, and which of them a name means.
//!
//! Everything is read at once where the server can (aggregated discovery), and document by document otherwise. A group
//! whose own server is down is [named](Resources::unread) and costs only itself.

mod disk;
mod fetch;
mod resources;
mod wire;

use std::path::PathBuf;
use std::sync::Arc;

use k8s_api::dynamic::ApiResource;
use tokio::sync::Mutex;

use crate::client::Client;
use crate::error::Result;
use fetch::Part;

pub use disk::kubectl_folder;
pub use resources::{Resources, Unread};

pub(crate) use fetch::whole;
pub(crate) use resources::like;

/// Finds resources by their names. Clones share what was read.
///
/// It is read once, and again when something is not found: a definition may have been added since.
///
/// ```no_run
/// # async fn f(client: k8s_client::Client) -> k8s_client::Result<()> {
/// use k8s_client::Discovery;
///
/// let discovery = Discovery::new(&client);
/// assert_eq!(discovery.resolve("deploy").await?.to_string(), "deployments.apps (v1)");
/// for resource in discovery.resolve_many("all").await? {
///     println!("{resource}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Discovery(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: Client,
    /// Nothing is written unless this is asked for: a library has no business in somebody's home folder.
    folder: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    parts: Option<[Part; 2]>,
    resources: Option<Arc<Resources>>,
}

impl Discovery {
    /// Of the server of this client, kept in memory.
    pub fn new(client: &Client) -> Discovery {
        Discovery(Arc::new(Inner { client: client.clone(), folder: None, state: Mutex::default() }))
    }

    /// The same, kept for six hours in a file in `folder` too, which has to be one for this server alone:
    /// [`kubectl_folder`] is kubectl's. Several processes may share it.
    pub fn kept_in(client: &Client, folder: impl Into<PathBuf>) -> Discovery {
        let folder = Some(folder.into());
        Discovery(Arc::new(Inner { client: client.clone(), folder, state: Mutex::default() }))
    }

    pub(crate) fn client(&self) -> &Client {
        &self.0.client
    }

    /// Everything that the server offers, as far as it was read before.
    pub async fn resources(&self) -> Result<Arc<Resources>> {
        let mut state = self.0.state.lock().await;
        if let Some(resources) = &state.resources {
            return Ok(resources.clone());
        }
        if let Some(folder) = &self.0.folder
            && let Some((parts, young)) = disk::read(folder, self.0.client.outside().date())
        {
            let resources = assemble(&parts);
            state.parts = Some(parts);
            if young {
                state.resources = Some(resources.clone());
                return Ok(resources);
            }
        }
        self.read(&mut state).await
    }

    /// Asks the server again. If nothing has changed, it says just that.
    pub async fn refresh(&self) -> Result<Arc<Resources>> {
        self.read(&mut *self.0.state.lock().await).await
    }

    /// Asks again unless somebody else has done so since `known` was read.
    async fn newer(&self, known: &Arc<Resources>) -> Result<Arc<Resources>> {
        let mut state = self.0.state.lock().await;
        match &state.resources {
            Some(resources) if !Arc::ptr_eq(resources, known) => Ok(resources.clone()),
            _ => self.read(&mut state).await,
        }
    }

    async fn read(&self, state: &mut State) -> Result<Arc<Resources>> {
        let parts = fetch::fetch(&self.0.client, state.parts.as_ref()).await?;
        if let Some(folder) = &self.0.folder
            && let Err(error) = disk::write(folder, &parts, self.0.client.outside().date())
        {
            tracing::warn!("what was discovered can't be kept in {}: {error}", folder.display());
        }
        let resources = assemble(&parts);
        *state = State { parts: Some(parts), resources: Some(resources.clone()) };
        Ok(resources)
    }

    /// Looks, and asks the server once more if there is nothing.
    async fn search<T>(&self, find: impl Fn(&Resources) -> Option<T>) -> Result<Result<T, Arc<Resources>>> {
        let known = self.resources().await?;
        if let Some(found) = find(&known) {
            return Ok(Ok(found));
        }
        let newer = self.newer(&known).await?;
        Ok(find(&newer).ok_or(newer))
    }

    /// By what a person types, as kubectl understands it: `po`, `pods`, `Pod`, `deployments.apps`, `deployments.v1.apps`. Of
    /// several that have the name the one wins that the server ranks first.
    pub async fn resolve(&self, text: &str) -> Result<Arc<ApiResource>> {
        let found = self.search(|all| all.find(text).cloned()).await?;
        found.map_err(|all| all.unknown(text))
    }

    /// The same where several are allowed: `pods,svc`, or a category such as `all`.
    pub async fn resolve_many(&self, text: &str) -> Result<Vec<Arc<ApiResource>>> {
        let found = self.search(|all| all.find_many(text).ok()).await?;
        found.or_else(|all| all.find_many(text))
    }

    /// By kind, such as `apps`, `v1` and `Deployment`; without a version the preferred one.
    pub async fn by_kind(&self, group: &str, version: Option<&str>, kind: &str) -> Result<Arc<ApiResource>> {
        let found = self.search(|all| all.by_kind(group, version, kind).cloned()).await?;
        found.map_err(|all| all.unknown(&full(kind, version, group)))
    }

    /// By the name in paths, such as `apps`, `v1` and `deployments`; without a version the preferred one.
    pub async fn by_plural(
        &self,
        group: &str,
        version: Option<&str>,
        plural: &str,
    ) -> Result<Arc<ApiResource>> {
        let found = self.search(|all| all.by_plural(group, version, plural).cloned()).await?;
        found.map_err(|all| all.unknown(&full(plural, version, group)))
    }
}

fn full(name: &str, version: Option<&str>, group: &str) -> String {
    let parts = [Some(name), version, Some(group).filter(|group| !group.is_empty())];
    parts.into_iter().flatten().collect::<Vec<_>>().join(".")
}

fn assemble(parts: &[Part; 2]) -> Arc<Resources> {
    Arc::new(Resources::new(parts.iter().flat_map(|part| &part.groups)))
}

#[cfg(test)]
mod tests;
