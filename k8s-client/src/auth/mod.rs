//! Where credentials come from. `middleware::auth` puts them into calls.

pub(crate) mod token;
pub(crate) mod token_file;

use std::pin::Pin;

use k8s_api::transport::TransportError;

use crate::secret::Secret;

/// What a credential answers later.
pub(crate) type Answer<T> = Pin<Box<dyn Future<Output = Result<T, TransportError>> + Send>>;

/// Gives bearer tokens; shared by all calls of a client.
pub(crate) trait Credential: Send + Sync + 'static {
    /// The token to send now.
    fn token(&self) -> Answer<Secret>;

    /// Another token than `rejected`, which the server refused; `None` if there is no other.
    ///
    /// Many calls may ask at the same time: the work is done once.
    fn renew(&self, rejected: &Secret) -> Answer<Option<Secret>>;
}
