//! Reading one's own writes from a cache.

use std::time::Duration;

use k8s_api::{Object as _, Resource};

use super::handle::{Cache, not_in_time};
use crate::api::Api;
use crate::client::Server;
use crate::error::{Error, Result};
use crate::watch::ResourceVersion;

/// A write that a cache may not know of yet: [`Cache::at_least`] waits until it does.
///
/// It is the version that the server gave the write, together with what that is a version of. Versions compare only within a resource of one
/// server, and only where they are decimal numbers, as Kubernetes' are; anything else is an error and no guess.
///
/// What a delete answers has no version that would do: most kinds answer with a status, and an object with finalizers or a grace period is
/// still there after it. So a deletion's token is made from a state that was known before ([`Api::deletion_token`]): once a
/// cache is at least that new and does not have the object, it has seen the deletion.
#[derive(Clone, Debug)]
pub struct Token {
    resource: Identity,
    namespace: String,
    name: String,
    version: ResourceVersion,
    /// Which object has to be gone.
    gone: Option<String>,
}

/// What a version is a version of.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Identity {
    server: Server,
    group: String,
    plural: String,
}

impl Identity {
    pub(super) fn of<K: Resource, P>(api: &Api<K, P>) -> Identity {
        let (group, plural) = api.group_and_plural();
        Identity { server: api.client().server().clone(), group: group.to_owned(), plural: plural.to_owned() }
    }

    /// In the words of an error: `deployments.apps`.
    pub(super) fn name(&self) -> String {
        let dot = if self.group.is_empty() { "" } else { "." };
        format!("{}{dot}{}", self.plural, self.group)
    }
}

impl<K: Resource, P> Api<K, P> {
    /// A token for the write that answered with `object`: any create, replace, patch or apply.
    ///
    /// ```no_run
    /// # use k8s_api::core::v1::ConfigMap;
    /// # async fn f(configs: k8s_client::Api<ConfigMap>, cache: k8s_client::Cache<ConfigMap>, config: ConfigMap) -> k8s_client::Result<()> {
    /// use std::time::Duration;
    ///
    /// let created = configs.create(&config).await?;
    /// cache.at_least(&configs.token(&created)?, Duration::from_secs(10)).await?;
    /// // What is made of the cache from here on knows of it.
    /// # Ok(())
    /// # }
    /// ```
    pub fn token(&self, object: &K) -> Result<Token> {
        let version = ResourceVersion::from(object.resource_version());
        let resource = Identity::of(self);
        if version.partial_cmp(&ResourceVersion::from("1")).is_none() {
            return Err(Error::request(format!(
                "no token for {} {}: its resourceVersion {:?} is no decimal number, and others can't be compared",
                resource.name(),
                object.name(),
                version.as_str()
            )));
        }
        let (namespace, name) = (object.namespace().to_owned(), object.name().to_owned());
        Ok(Token { resource, namespace, name, version, gone: None })
    }

    /// A token for the deletion of an object, of which `known` is any state that the server had before: the one that was to be deleted.
    /// What is there under its name afterwards is another object.
    ///
    /// ```no_run
    /// # use k8s_api::core::v1::ConfigMap;
    /// # async fn f(configs: k8s_client::Api<ConfigMap>, cache: k8s_client::Cache<ConfigMap>) -> k8s_client::Result<()> {
    /// use std::time::Duration;
    ///
    /// let config = configs.get("settings").await?;
    /// configs.delete("settings").if_uid(&config.metadata.uid).await?;
    /// cache.at_least(&configs.deletion_token(&config)?, Duration::from_secs(10)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn deletion_token(&self, known: &K) -> Result<Token> {
        let token = self.token(known)?;
        if known.uid().is_empty() {
            return Err(Error::request(format!(
                "no token for the deletion of {} {}: without a uid it can't be told from a later one of its name",
                token.resource.name(),
                token.name
            )));
        }
        Ok(Token { gone: Some(known.uid().to_owned()), ..token })
    }
}

impl<K: Resource> Cache<K> {
    /// Waits until the cache knows of a write, for so long at most.
    ///
    /// A cache knows how far it is from what it is told: a cache with selectors that the object does not match may have to wait for the
    /// next bookmark, which the server sends about once a minute.
    pub async fn at_least(&self, token: &Token, limit: Duration) -> Result<()> {
        let hub = &self.core.hub;
        let wrong = |reason: String| {
            let (what, version) = (&hub.what, token.version.as_str());
            Err(Error::request(format!("the cache of {what} can't wait for version {version}: {reason}")))
        };
        if hub.resource.server != token.resource.server {
            return wrong("it is of another server".into());
        }
        if hub.resource != token.resource {
            return wrong(format!("it is one of {}", token.resource.name()));
        }
        let covers = |namespace: &Option<String>| namespace.as_ref().is_none_or(|it| *it == token.namespace);
        let part = hub.status.borrow().parts.iter().position(|part| covers(&part.namespace));
        let Some(part) = part else {
            return wrong(format!("the namespace {} is not followed", token.namespace));
        };
        let mut position = ResourceVersion::default();
        let waiting = self.core.wait(|status| {
            let Some(part) = status.parts.get(part) else { return false };
            position.clone_from(&part.position);
            match position.partial_cmp(&token.version) {
                Some(order) => order.is_ge() && self.is_gone(token),
                // Nothing else will ever compare; before the first state there is no version.
                None => !position.as_str().is_empty(),
            }
        });
        let waited = self.core.within(limit, waiting).await;
        match waited {
            Some(Ok(())) if position.partial_cmp(&token.version).is_none() => {
                wrong(format!("it is at {position}, which is no number"))
            }
            Some(result) => result,
            None => {
                let at = if position.as_str().is_empty() {
                    "nowhere yet".into()
                } else {
                    format!("at {position}")
                };
                let expected = format!("at version {}, but {at},", token.version);
                Err(not_in_time(&hub.what, &expected, limit, self.health().failure.as_ref()))
            }
        }
    }

    /// Whether the object that was to be gone is.
    fn is_gone(&self, token: &Token) -> bool {
        token.gone.as_ref().is_none_or(|uid| {
            let snapshot = self.snapshot();
            snapshot.get(&token.namespace, &token.name).is_none_or(|object| object.uid() != uid)
        })
    }
}
