//! A token in a file that somebody else keeps fresh, as the kubelet does for service accounts.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use k8s_api::transport::{Fault, Sent, TransportError};

use super::{Answer, Credential};
use crate::outside::Outside;
use crate::secret::Secret;

/// How long a token is used before the file is read again. Rotated tokens overlap by minutes at least.
const FRESH: Duration = Duration::from_secs(10);

pub(crate) struct TokenFile(Arc<Shared>);

struct Shared {
    path: PathBuf,
    outside: Arc<dyn Outside>,
    last: Mutex<Option<(Instant, Secret)>>,
}

impl TokenFile {
    pub(crate) fn new(path: PathBuf, outside: Arc<dyn Outside>) -> TokenFile {
        TokenFile(Arc::new(Shared { path, outside, last: Mutex::new(None) }))
    }
}

impl Credential for TokenFile {
    fn token(&self) -> Answer<Secret> {
        let shared = self.0.clone();
        Box::pin(async move {
            let now = shared.outside.now();
            let last = shared.last();
            match last {
                Some((read, token)) if now.saturating_duration_since(read) < FRESH => Ok(token),
                None => shared.read().await,
                // Between two versions the file may be missing, and the old token is still good.
                Some((_, old)) => Ok(shared.read().await.unwrap_or_else(|error| {
                    tracing::warn!(%error, "the token of the last reading is used on");
                    old
                })),
            }
        })
    }

    fn renew(&self, rejected: &Secret) -> Answer<Option<Secret>> {
        let (shared, rejected) = (self.0.clone(), rejected.clone());
        Box::pin(async move {
            // Another call may have read it in the meantime.
            if let Some((_, token)) = shared.last().filter(|(_, token)| *token != rejected) {
                return Ok(Some(token));
            }
            Ok(Some(shared.read().await?).filter(|token| *token != rejected))
        })
    }
}

impl Shared {
    fn last(&self) -> Option<(Instant, Secret)> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn read(self: &Arc<Self>) -> Result<Secret, TransportError> {
        let shared = self.clone();
        // A file system may be slow, and the runtime's threads are for what doesn't block.
        let read = tokio::task::spawn_blocking(move || shared.read_now()).await;
        read.unwrap_or_else(|error| Err(self.failed(&error)))
    }

    fn read_now(&self) -> Result<Secret, TransportError> {
        let text = std::fs::read_to_string(&self.path).map_err(|error| self.failed(&error))?;
        let token = Secret::new(Secret::new(text).expose().trim());
        if token.expose().is_empty() {
            return Err(self.failed(&"it is empty"));
        }
        let last = Some((self.outside.now(), token.clone()));
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = last;
        Ok(token)
    }

    fn failed(&self, reason: &dyn std::fmt::Display) -> TransportError {
        let message = format!("can't read the token file {}: {reason}", self.path.display());
        TransportError::new(Sent::No, Fault::Setup, message)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::{FRESH, TokenFile};
    use crate::auth::Credential as _;
    use crate::outside::Outside as _;
    use crate::outside::testing::{Handle, Virtual};
    use crate::secret::Secret;

    struct Fixture {
        dir: tempfile::TempDir,
        clock: Arc<Virtual>,
        file: TokenFile,
    }

    fn fixture() -> Fixture {
        let dir = tempfile::tempdir().unwrap();
        let clock = Virtual::new();
        let file = TokenFile::new(dir.path().join("token"), Arc::new(Handle(clock.clone())));
        Fixture { dir, clock, file }
    }

    impl Fixture {
        fn write(&self, token: &str) {
            std::fs::write(self.dir.path().join("token"), token).unwrap();
        }

        async fn token(&self) -> String {
            self.file.token().await.unwrap().expose().to_owned()
        }

        fn pass(&self, time: Duration) {
            let until = self.clock.after(self.clock.passed() + time);
            self.clock.run(Handle(self.clock.clone()).wait(until));
        }
    }

    #[tokio::test]
    async fn it_is_read_again_when_it_is_no_longer_fresh() {
        let it = fixture();
        it.write("one\n");
        assert_eq!(it.token().await, "one");
        it.write("two");
        assert_eq!(it.token().await, "one", "the file is not read for every call");
        it.pass(FRESH);
        assert_eq!(it.token().await, "two");
    }

    #[tokio::test]
    async fn a_rejected_token_is_replaced_at_once() {
        let it = fixture();
        it.write("one");
        assert_eq!(it.token().await, "one");
        let one = Secret::new("one");
        assert_eq!(it.file.renew(&one).await.unwrap(), None, "the file has no other");
        it.write("two");
        let two = it.file.renew(&one).await.unwrap();
        assert_eq!(two, Some(Secret::new("two")));
        it.write("three");
        assert_eq!(it.file.renew(&one).await.unwrap(), two, "it had been replaced already");
    }

    #[tokio::test]
    async fn a_file_that_is_missing_for_a_moment_costs_nothing() {
        let it = fixture();
        let error = it.file.token().await.unwrap_err().to_string();
        assert!(error.starts_with("can't read the token file ") && error.contains("token: "), "{error}");
        it.write("one");
        assert_eq!(it.token().await, "one");
        it.write(" \n");
        it.pass(FRESH);
        assert_eq!(it.token().await, "one");
    }
}
