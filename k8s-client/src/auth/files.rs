//! A token or a certificate in files that somebody else keeps fresh, as the kubelet does for service accounts.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use k8s_api::transport::TransportError;

use super::{Answer, Credential, Proof, failed};
use crate::config::Identity;
use crate::outside::Outside;
use crate::secret::Secret;

/// How long what was read is used before the files are read again. What rotates overlaps by minutes at least.
const FRESH: Duration = Duration::from_secs(10);

type Read = Box<dyn Fn(Option<&Proof>) -> Result<Proof, String> + Send + Sync>;

pub(super) struct Files(Arc<Shared>);

struct Shared {
    /// Given what was read last.
    read: Read,
    outside: Arc<dyn Outside>,
    last: Mutex<Option<(Instant, Proof)>>,
}

pub(super) fn token(path: PathBuf, outside: Arc<dyn Outside>) -> Files {
    let read = move |_: Option<&Proof>| {
        let failed = |reason: &dyn std::fmt::Display| {
            format!("can't read the token file {}: {reason}", path.display())
        };
        let text = Secret::new(std::fs::read_to_string(&path).map_err(|error| failed(&error))?);
        let token = Secret::new(text.expose().trim());
        if token.expose().is_empty() {
            return Err(failed(&"it is empty"));
        }
        Ok(Proof::bearer(&token))
    };
    Files(Arc::new(Shared { read: Box::new(read), outside, last: Mutex::new(None) }))
}

pub(super) fn certificate(identity: Arc<Identity>, outside: Arc<dyn Outside>) -> Files {
    let first = Proof { header: None, identity: Some(identity.clone()) };
    let last = Mutex::new(Some((outside.now(), first)));
    let read = move |last: Option<&Proof>| {
        let again = |what: &str, pem: &crate::config::Pem| {
            let place = pem.file.clone().unwrap_or_default();
            pem.again().map_err(|error| format!("can't read the {what} {}: {error}", place.display()))
        };
        let certificate = again("client certificate", &identity.certificate)?;
        let key = again("client key", &identity.key)?;
        let last = last.and_then(|last| last.identity.clone());
        let same = last.filter(|last| last.certificate.text == certificate.text && last.key.text == key.text);
        if let Some(last) = same {
            return Ok(Proof { header: None, identity: Some(last) });
        }
        // Between the writing of one file and of the other, the two don't belong together.
        let new = Identity::new(certificate, key);
        crate::transport::check_identity(&new).map_err(|error| error.to_string())?;
        Ok(Proof { header: None, identity: Some(Arc::new(new)) })
    };
    Files(Arc::new(Shared { read: Box::new(read), outside, last }))
}

impl Credential for Files {
    fn proof(&self) -> Answer<Proof> {
        let shared = self.0.clone();
        Box::pin(async move {
            let fresh = {
                let now = shared.outside.now();
                move |(read, _): &(Instant, Proof)| now.saturating_duration_since(*read) < FRESH
            };
            match shared.last() {
                Some(last) if fresh(&last) => Ok(last.1),
                None => shared.read(fresh).await,
                // Between two versions a file may be missing, and the old one is still good.
                Some((_, old)) => Ok(shared.read(fresh).await.unwrap_or_else(|error| {
                    tracing::warn!(%error, "what was read last is used on");
                    old
                })),
            }
        })
    }

    fn renew(&self, rejected: &Proof) -> Answer<Option<Proof>> {
        let (shared, rejected) = (self.0.clone(), rejected.clone());
        Box::pin(async move {
            let other = {
                let rejected = rejected.clone();
                move |(_, proof): &(Instant, Proof)| *proof != rejected
            };
            if let Some((_, proof)) = shared.last().filter(&other) {
                return Ok(Some(proof));
            }
            Ok(Some(shared.read(other).await?).filter(|proof| *proof != rejected))
        })
    }
}

impl Shared {
    fn last(&self) -> Option<(Instant, Proof)> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads, unless another call has read what `will_do` while this one waited for its turn.
    async fn read(
        self: &Arc<Self>,
        will_do: impl Fn(&(Instant, Proof)) -> bool + Send + 'static,
    ) -> Result<Proof, TransportError> {
        let shared = self.clone();
        // A file system may be slow, and the runtime's threads are for what doesn't block.
        let read = tokio::task::spawn_blocking(move || {
            let mut last = shared.last.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((_, proof)) = last.as_ref().filter(|last| will_do(last)) {
                return Ok(proof.clone());
            }
            let proof = (shared.read)(last.as_ref().map(|(_, proof)| proof))?;
            *last = Some((shared.outside.now(), proof.clone()));
            Ok(proof)
        });
        match read.await {
            Ok(read) => read.map_err(|error: String| failed(error)),
            Err(error) => Err(failed(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::{FRESH, Files, certificate, token};
    use crate::auth::{Credential as _, Proof};
    use crate::config::{Identity, Pem};
    use crate::outside::Outside as _;
    use crate::outside::testing::{Handle, Virtual};
    use crate::secret::Secret;
    use crate::transport::testing::Authority;

    struct Fixture {
        dir: tempfile::TempDir,
        clock: Arc<Virtual>,
        file: Files,
    }

    fn fixture() -> Fixture {
        let dir = tempfile::tempdir().unwrap();
        let clock = Virtual::new();
        let file = token(dir.path().join("token"), Arc::new(Handle(clock.clone())));
        Fixture { dir, clock, file }
    }

    impl Fixture {
        fn write(&self, token: &str) {
            std::fs::write(self.dir.path().join("token"), token).unwrap();
        }

        async fn token(&self) -> String {
            self.file.proof().await.unwrap().header.unwrap().expose().to_owned()
        }

        fn pass(&self, time: Duration) {
            let until = self.clock.after(self.clock.passed() + time);
            self.clock.run(Handle(self.clock.clone()).wait(until));
        }
    }

    #[tokio::test]
    async fn a_certificate_is_read_again_once_both_files_are_there() {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::new();
        let put = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        let pem =
            |name: &str, text: String| Pem { text: Secret::new(text), file: Some(dir.path().join(name)) };
        let ((cert, key, _), (cert_2, key_2, _)) = (authority.client("one"), authority.client("two"));
        put("cert", &cert);
        put("key", &key);
        let first = Arc::new(Identity::new(pem("cert", cert.clone()), pem("key", key)));
        let clock = Virtual::new();
        let files = certificate(first, Arc::new(Handle(clock.clone())));
        let shown = async || files.proof().await.unwrap().identity.unwrap();
        let number = shown().await.number;
        let pass = || {
            let until = clock.after(clock.passed() + FRESH);
            clock.run(Handle(clock.clone()).wait(until));
        };
        pass();
        assert_eq!(shown().await.number, number, "nothing has changed");
        put("cert", &cert_2);
        pass();
        assert_eq!(shown().await.certificate.text.expose(), cert, "the key does not go with it yet");
        put("key", &key_2);
        pass();
        assert_eq!(shown().await.certificate.text.expose(), cert_2);
    }

    fn bearer(token: &str) -> Proof {
        Proof::bearer(&Secret::new(token))
    }

    #[tokio::test]
    async fn it_is_read_again_when_it_is_no_longer_fresh() {
        let it = fixture();
        it.write("one\n");
        assert_eq!(it.token().await, "Bearer one");
        it.write("two");
        assert_eq!(it.token().await, "Bearer one", "the file is not read for every call");
        it.pass(FRESH);
        assert_eq!(it.token().await, "Bearer two");
    }

    #[tokio::test]
    async fn a_rejected_token_is_replaced_at_once() {
        let it = fixture();
        it.write("one");
        assert_eq!(it.token().await, "Bearer one");
        assert_eq!(it.file.renew(&bearer("one")).await.unwrap(), None, "the file has no other");
        it.write("two");
        let two = it.file.renew(&bearer("one")).await.unwrap();
        assert_eq!(two, Some(bearer("two")));
        it.write("three");
        assert_eq!(it.file.renew(&bearer("one")).await.unwrap(), two, "it had been replaced already");
    }

    #[tokio::test]
    async fn a_file_that_is_missing_for_a_moment_costs_nothing() {
        let it = fixture();
        let error = it.file.proof().await.unwrap_err().to_string();
        assert!(error.starts_with("can't read the token file ") && error.contains("token: "), "{error}");
        it.write("one");
        assert_eq!(it.token().await, "Bearer one");
        it.write(" \n");
        it.pass(FRESH);
        assert_eq!(it.token().await, "Bearer one");
    }
}
