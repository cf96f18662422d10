//! A certificate from files, and something else that goes into a header.

use std::sync::Arc;

use super::{Answer, Credential, Proof};

pub(super) struct Both {
    pub(super) header: Arc<dyn Credential>,
    pub(super) identity: Arc<dyn Credential>,
}

impl Credential for Both {
    fn proof(&self) -> Answer<Proof> {
        let (header, identity) = (self.header.proof(), self.identity.proof());
        Box::pin(
            async move { Ok(Proof { header: header.await?.header, identity: identity.await?.identity }) },
        )
    }

    fn renew(&self, rejected: &Proof) -> Answer<Option<Proof>> {
        let rejected = rejected.clone();
        let header = Proof { header: rejected.header.clone(), identity: None };
        let identity = Proof { header: None, identity: rejected.identity.clone() };
        let (header, identity) = (self.header.renew(&header), self.identity.renew(&identity));
        Box::pin(async move {
            // Nobody knows which of the two was refused, and one that can't be renewed must not keep the other from it.
            let (header, identity) = match (header.await, identity.await) {
                (Ok(None), Ok(None)) => return Ok(None),
                (Err(error), Ok(None) | Err(_)) | (Ok(None), Err(error)) => return Err(error),
                (header, identity) => (header.ok().flatten(), identity.ok().flatten()),
            };
            Ok(Some(Proof {
                header: header.map_or(rejected.header, |new| new.header),
                identity: identity.map_or(rejected.identity, |new| new.identity),
            }))
        })
    }
}
