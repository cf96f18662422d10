//! Tokens of an OpenID Connect issuer: `auth-provider` in a kubeconfig.
//!
//! An issuer may give a new refresh token with each use of the old one and take the use of an old one for a theft. So one
//! process at a time refreshes: it holds the kubeconfig's lock file, looks first whether another one has written a
//! new token, and writes what it got before it lets go.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use k8s_api::transport::TransportError;
use serde::Deserialize;

use super::flight::Flight;
use super::{Answer, Credential, Proof, failed};
use crate::config::{Config, Lock, OidcSpec, PAUSE, check_issuer, held, real, tokens_of, write_tokens};
use crate::error::Result;
use crate::outside::Outside;
use crate::secret::Secret;
use crate::transport::Fetch;

/// A token that ends so soon is made new first.
const LEEWAY: Duration = Duration::from_secs(10);
/// How long another process may hold the lock: it may be talking to the issuer.
const PATIENCE: Duration = Duration::from_secs(40);

pub(super) struct Oidc {
    shared: Arc<Shared>,
    flight: Arc<Flight<Arc<Tokens>>>,
}

struct Shared {
    spec: Arc<OidcSpec>,
    fetch: Fetch,
    tokens: Mutex<Arc<Tokens>>,
    place: Arc<str>,
    outside: Arc<dyn Outside>,
}

struct Tokens {
    id: Option<Secret>,
    refresh: Option<Secret>,
}

/// The part of the issuer's document that is of use here.
#[derive(Deserialize)]
struct Discovery {
    token_endpoint: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Granted {
    id_token: Option<Secret>,
    refresh_token: Option<Secret>,
}

#[derive(Deserialize)]
struct Refused {
    #[serde(default)]
    error: String,
}

impl Oidc {
    pub(super) fn new(spec: &Arc<OidcSpec>, config: &Config, outside: Arc<dyn Outside>) -> Result<Oidc> {
        let fetch = Fetch::new(spec.authority.as_ref()).map_err(|error| error.within(&config.user_place))?;
        let tokens = Tokens { id: spec.id_token.clone(), refresh: spec.refresh_token.clone() };
        let tokens = Mutex::new(Arc::new(tokens));
        let place = config.user_place.as_str().into();
        let shared = Shared { spec: spec.clone(), fetch, tokens, place, outside };
        Ok(Oidc { shared: Arc::new(shared), flight: Arc::new(Flight::new()) })
    }

    fn answer(&self, rejected: Option<Proof>) -> Answer<Proof> {
        let (shared, flight) = (self.shared.clone(), self.flight.clone());
        Box::pin(async move {
            let tokens = shared.tokens();
            if let Some(proof) = shared.usable(&tokens, rejected.as_ref()) {
                return Ok(proof);
            }
            let start = || {
                let (shared, rejected) = (shared.clone(), rejected.clone());
                async move { shared.refresh(rejected.as_ref()).await }
            };
            let refreshed = flight.join(start).await;
            let failed = |why: &str| -> TransportError {
                let issuer = &shared.spec.issuer;
                failed(format!("{}: {issuer}: {why}", shared.place))
            };
            let tokens = refreshed.map_err(|why| failed(&why))?;
            let id = tokens.id.as_ref().ok_or_else(|| failed("it gave no id-token"))?;
            Ok(Proof::bearer(id))
        })
    }
}

impl Credential for Oidc {
    fn proof(&self) -> Answer<Proof> {
        self.answer(None)
    }

    fn renew(&self, rejected: &Proof) -> Answer<Option<Proof>> {
        let rejected = rejected.clone();
        let answer = self.answer(Some(rejected.clone()));
        Box::pin(async move { Ok(Some(answer.await?).filter(|proof| *proof != rejected)) })
    }
}

impl Shared {
    fn tokens(&self) -> Arc<Tokens> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn usable(&self, tokens: &Tokens, rejected: Option<&Proof>) -> Option<Proof> {
        let id = tokens.id.as_ref()?;
        let soon = self.outside.date().checked_add(LEEWAY)?;
        let proof = Proof::bearer(id);
        (end(id)? > soon && rejected != Some(&proof)).then_some(proof)
    }

    async fn refresh(self: Arc<Self>, rejected: Option<&Proof>) -> std::result::Result<Arc<Tokens>, String> {
        let file = self.spec.file.as_deref().map(real);
        let mut tokens = self.tokens();
        let mut lock = None;
        if let Some(file) = &file {
            lock = self.lock(file).await;
            if lock.is_some() {
                let (path, user) = (file.clone(), self.spec.user.clone());
                match blocking(move || tokens_of(&path, &user)).await {
                    Ok((id, refresh)) => {
                        let found = Arc::new(Tokens { id, refresh: refresh.or(tokens.refresh.clone()) });
                        if self.usable(&found, rejected).is_some() {
                            return Ok(self.keep(found));
                        }
                        tokens = found;
                    }
                    Err(error) => tracing::warn!(%error, "the tokens in the kubeconfig can't be read again"),
                }
            }
        }
        let Some(refresh) = &tokens.refresh else {
            return Err("there is neither a valid id-token nor a refresh-token: log in again".to_owned());
        };
        let granted = self.ask(refresh).await?;
        let id = granted.id_token.ok_or("it answered without an id_token")?;
        let new = granted.refresh_token.filter(|token| !token.expose().is_empty());
        let written = new.clone();
        let kept = self.keep(Arc::new(Tokens {
            id: Some(id.clone()),
            refresh: Some(new.unwrap_or_else(|| refresh.clone())),
        }));
        if let (Some(file), Some(lock)) = (file, lock) {
            let user = self.spec.user.clone();
            let write = blocking(move || {
                let result = write_tokens(&file, &user, &id, written.as_ref());
                drop(lock);
                result
            });
            if let Err(error) = write.await {
                tracing::warn!(%error, "new tokens were not written back: other programs will have to log in again");
            }
        }
        Ok(kept)
    }

    fn keep(&self, tokens: Arc<Tokens>) -> Arc<Tokens> {
        *self.tokens.lock().unwrap_or_else(PoisonError::into_inner) = tokens.clone();
        tokens
    }

    /// `None`, with a warning, if there is none to be had: then the tokens are not written back.
    async fn lock(&self, file: &std::path::Path) -> Option<Lock> {
        let until = self.outside.now().checked_add(PATIENCE)?;
        loop {
            let path = file.to_owned();
            match blocking(move || Lock::try_take(&path)).await {
                Ok(Some(lock)) => return Some(lock),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "new tokens will not be written back");
                    return None;
                }
            }
            let now = self.outside.now();
            if now >= until {
                tracing::warn!("new tokens will not be written back: {}", held(file));
                return None;
            }
            self.outside.wait(now.checked_add(PAUSE)?).await;
        }
    }

    async fn ask(&self, refresh: &Secret) -> std::result::Result<Granted, String> {
        let spec = &self.spec;
        let url = format!("{}/.well-known/openid-configuration", spec.issuer.trim_end_matches('/'));
        let (status, body) = self.fetch.get(&url).await?;
        if status != 200 {
            return Err(format!("it answered {status} to {url}"));
        }
        let found: Discovery = serde_json::from_slice(body.expose().as_bytes())
            .map_err(|_| format!("it has no token_endpoint in {url}"))?;
        check_issuer(&found.token_endpoint, "token_endpoint").map_err(|error| error.to_string())?;

        let mut form = vec![
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh.expose()),
            ("client_id", &spec.client_id),
        ];
        // A header unless the issuer wants it otherwise, as the standard has it.
        let in_form = found.token_endpoint_auth_methods_supported.is_some_and(|methods| {
            let has = |method: &str| methods.iter().any(|known| known == method);
            has("client_secret_post") && !has("client_secret_basic")
        });
        let mut basic = None;
        match &spec.client_secret {
            Some(secret) if in_form => form.push(("client_secret", secret.expose())),
            Some(secret) => basic = Some((spec.client_id.as_str(), secret)),
            None => {}
        }
        let (status, body) = self.fetch.post(&found.token_endpoint, basic, &form).await?;
        if status != 200 {
            // One word of a fixed list, or what a stranger wrote: then nothing of it is shown.
            let refused = serde_json::from_slice::<Refused>(body.expose().as_bytes()).ok();
            let why = refused.map(|refused| refused.error).filter(|word| {
                !word.is_empty()
                    && word.len() < 40
                    && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
            });
            let why = why.map(|word| format!(" ({word})")).unwrap_or_default();
            return Err(format!("it refused to give a new token: {status}{why}; log in again"));
        }
        serde_json::from_slice(body.expose().as_bytes())
            .map_err(|_| "it answered something else than tokens in JSON".to_owned())
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(crate::error::Error::config("a file could not be worked with").caused(error)),
    }
}

/// When a token ends, as it says itself. The server checks the signature; here it only matters when to ask for another.
fn end(token: &Secret) -> Option<SystemTime> {
    #[derive(Deserialize)]
    struct Claims {
        exp: f64,
    }
    let payload = token.expose().split('.').nth(1)?;
    let payload =
        base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims: Claims = serde_json::from_slice(&payload).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(claims.exp).ok()?)
}

#[cfg(test)]
mod tests;
