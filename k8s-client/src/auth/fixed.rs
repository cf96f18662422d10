//! What never changes: a token or a password that a configuration holds.

use super::{Answer, Credential, Proof};

pub(super) struct Fixed(pub(super) Proof);

impl Credential for Fixed {
    fn proof(&self) -> Answer<Proof> {
        Box::pin(std::future::ready(Ok(self.0.clone())))
    }

    fn renew(&self, _rejected: &Proof) -> Answer<Option<Proof>> {
        Box::pin(std::future::ready(Ok(None)))
    }
}
