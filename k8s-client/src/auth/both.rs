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
            // Nobody knows which of the two was refused.
            let (header, identity) = (header.await?, identity.await?);
            if header.is_none() && identity.is_none() {
                return Ok(None);
            }
            Ok(Some(Proof {
                header: header.unwrap_or_else(|| rejected.clone()).header,
                identity: identity.unwrap_or(rejected).identity,
            }))
        })
    }
}
