//! Where credentials come from. `middleware::auth` puts them into calls.

mod both;
mod exec;
mod files;
mod fixed;
mod flight;
mod oidc;

use std::pin::Pin;
use std::sync::Arc;

use base64::Engine as _;
use k8s_api::transport::{Fault, Sent, TransportError};

use crate::config::{Config, Identity, Login};
use crate::error::Result;
use crate::outside::Outside;
use crate::secret::Secret;

/// What a credential answers later.
pub(crate) type Answer<T> = Pin<Box<dyn Future<Output = std::result::Result<T, TransportError>> + Send>>;

/// Says who asks; shared by all calls of a client.
pub(crate) trait Credential: Send + Sync + 'static {
    /// What to show now.
    fn proof(&self) -> Answer<Proof>;

    /// Something else than `rejected`, which the server refused; `None` if there is nothing else.
    ///
    /// Many calls may ask at the same time: the work is done once.
    fn renew(&self, rejected: &Proof) -> Answer<Option<Proof>>;
}

/// What a call shows of who asks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proof {
    /// The value of the header `Authorization`.
    pub(crate) header: Option<Secret>,
    /// The certificate that the connection has to be made with.
    pub(crate) identity: Option<Arc<Identity>>,
}

impl Proof {
    pub(crate) fn bearer(token: &Secret) -> Proof {
        Proof { header: Some(Secret::new(format!("Bearer {}", token.expose()))), identity: None }
    }

    fn basic(user: &str, password: &Secret) -> Proof {
        let pair = Secret::new(format!("{user}:{}", password.expose()));
        let pair = Secret::new(base64::engine::general_purpose::STANDARD.encode(pair.expose()));
        Proof { header: Some(Secret::new(format!("Basic {}", pair.expose()))), identity: None }
    }
}

/// Two are the same if the server can't tell them apart.
impl PartialEq for Proof {
    fn eq(&self, other: &Proof) -> bool {
        let same = |a: &Identity, b: &Identity| {
            a.number == b.number || (a.certificate.text == b.certificate.text && a.key.text == b.key.text)
        };
        self.header == other.header
            && match (&self.identity, &other.identity) {
                (None, None) => true,
                (Some(a), Some(b)) => same(a, b),
                _ => false,
            }
    }
}

/// What a configuration says; `None` where no call needs anything.
pub(crate) fn credential(config: &Config, outside: &Arc<dyn Outside>) -> Result<Option<Arc<dyn Credential>>> {
    let header: Option<Arc<dyn Credential>> = match &config.login {
        Login::None => None,
        Login::Token(token) => Some(Arc::new(fixed::Fixed(Proof::bearer(token)))),
        Login::Basic(user, password) => Some(Arc::new(fixed::Fixed(Proof::basic(user, password)))),
        Login::TokenFile(path) => Some(Arc::new(files::token(path.clone(), outside.clone()))),
        Login::Exec(spec) => Some(Arc::new(exec::Exec::new(spec, config, outside.clone())?)),
        Login::Oidc(spec) => Some(Arc::new(oidc::Oidc::new(spec, config, outside.clone())?)),
    };
    let identity = config.server.tls.identity.as_ref().filter(|identity| identity.rotates());
    let identity = identity.filter(|_| config.server.is_tls());
    let identity: Option<Arc<dyn Credential>> = match identity {
        None => None,
        Some(identity) => Some(Arc::new(files::certificate(identity.clone(), outside.clone()))),
    };
    Ok(match (header, identity) {
        (Some(header), Some(identity)) => Some(Arc::new(both::Both { header, identity })),
        (header, identity) => header.or(identity),
    })
}

/// A call that can't be sent, since there is nothing to show. The same again would fail in the same way.
fn failed(message: impl Into<String>) -> TransportError {
    TransportError::new(Sent::No, Fault::Credential, message)
}
