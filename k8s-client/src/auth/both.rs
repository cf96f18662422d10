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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Both;
    use crate::auth::{Answer, Credential, Proof, failed};
    use crate::config::{Identity, Pem};
    use crate::secret::Secret;

    /// The proof of now, and what comes of renewing it: `None` for an error.
    struct Given(Proof, Option<Option<Proof>>);

    impl Credential for Given {
        fn proof(&self) -> Answer<Proof> {
            let proof = self.0.clone();
            Box::pin(async { Ok(proof) })
        }

        fn renew(&self, rejected: &Proof) -> Answer<Option<Proof>> {
            assert!(*rejected == self.0, "each sees its own part");
            let next = self.1.clone();
            Box::pin(async { next.ok_or_else(|| failed("broken")) })
        }
    }

    fn header(token: &str) -> Proof {
        Proof::bearer(&Secret::new(token))
    }

    fn identity(text: &str) -> Proof {
        let identity = Identity::new(Pem::fixed(text), Pem::fixed(text));
        Proof { header: None, identity: Some(Arc::new(identity)) }
    }

    fn join(header: &Proof, identity: &Proof) -> Proof {
        Proof { header: header.header.clone(), identity: identity.identity.clone() }
    }

    #[tokio::test]
    async fn what_can_be_renewed_is() {
        let (one, two, a, b) = (header("1"), header("2"), identity("a"), identity("b"));
        for (new_header, new_identity, expected) in [
            (Some(Some(two.clone())), Some(None), Ok(Some(join(&two, &a)))),
            (Some(None), Some(Some(b.clone())), Ok(Some(join(&one, &b)))),
            (Some(Some(two.clone())), Some(Some(b.clone())), Ok(Some(join(&two, &b)))),
            (None, Some(Some(b.clone())), Ok(Some(join(&one, &b)))),
            (Some(Some(two.clone())), None, Ok(Some(join(&two, &a)))),
            (Some(None), Some(None), Ok(None)),
            (None, Some(None), Err(())),
            (Some(None), None, Err(())),
            (None, None, Err(())),
        ] {
            let both = Both {
                header: Arc::new(Given(one.clone(), new_header)),
                identity: Arc::new(Given(a.clone(), new_identity)),
            };
            let proof = both.proof().await.unwrap();
            assert_eq!(proof, join(&one, &a));
            assert_eq!(both.renew(&proof).await.map_err(|_| ()), expected);
        }
    }
}
