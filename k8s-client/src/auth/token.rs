//! A token that never changes.

use super::{Answer, Credential};
use crate::secret::Secret;

pub(crate) struct Token(pub(crate) Secret);

impl Credential for Token {
    fn token(&self) -> Answer<Secret> {
        Box::pin(std::future::ready(Ok(self.0.clone())))
    }

    fn renew(&self, _rejected: &Secret) -> Answer<Option<Secret>> {
        Box::pin(std::future::ready(Ok(None)))
    }
}
