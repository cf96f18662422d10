//! The connections of now, and how they give way to new ones when an authority or a certificate changes.
//!
//! A pool belongs to one authority and one certificate. When either changes, new calls go to a new pool; the old one
//! goes with the last answer that comes from it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use k8s_api::transport::{Fault, Sent, TransportError};

use super::connections::AllCounters;
use super::lanes::Lanes;
use super::recipe::Recipe;
use super::{name, tls};
use crate::config::{Identity, Pem, Server, Settings};
use crate::error::Result;
use crate::outside::Outside;

/// How long an authority is used before its file is read again.
const FRESH: Duration = Duration::from_secs(10);

pub(super) struct Pools {
    server: Server,
    settings: Settings,
    pub(super) outside: Arc<dyn Outside>,
    pub(super) counters: AllCounters,
    now: ArcSwap<Pool>,
    /// When the authority's file was read last. Held while it is read, or a pool is made.
    looked: Mutex<Instant>,
}

/// The lanes for one authority and one certificate.
pub(super) struct Pool {
    pub(super) lanes: Lanes,
    authority: Option<Pem>,
    identity: Option<Arc<Identity>>,
}

impl Pools {
    pub(super) fn new(server: &Server, settings: &Settings, outside: Arc<dyn Outside>) -> Result<Pools> {
        if server.tls.insecure && server.is_tls() {
            tracing::warn!(
                server = %server,
                "insecure-skip-tls-verify: whoever answers is believed to be this server, and is sent the credentials"
            );
        }
        let (authority, identity) = (server.tls.authority.clone(), server.tls.identity.clone());
        let counters = AllCounters::default();
        let first = pool(server, settings, &counters, authority, identity)?;
        let looked = Mutex::new(outside.now());
        let (server, settings) = (server.clone(), settings.clone());
        Ok(Pools { server, settings, outside, counters, now: ArcSwap::from_pointee(first), looked })
    }

    /// Whether the authority may change, so that it is worth to look again when a server is not trusted.
    pub(super) fn rotates(&self) -> bool {
        self.server.is_tls() && self.server.tls.authority.as_ref().is_some_and(|pem| pem.file.is_some())
    }

    /// The pool for a call that shows `identity`, or what the configuration has.
    pub(super) async fn of(
        self: &Arc<Self>,
        identity: Option<&Arc<Identity>>,
    ) -> std::result::Result<Arc<Pool>, TransportError> {
        if self.rotates() {
            self.look(FRESH).await;
        }
        let pool = self.now.load();
        match identity {
            Some(identity) if self.server.is_tls() && pool.older(identity) => self.swap(identity),
            _ => Ok(arc_swap::Guard::into_inner(pool)),
        }
    }

    /// Another pool than `used`, whose authority did not know the server: if the file holds another one now.
    pub(super) async fn newer(self: &Arc<Self>, used: &Arc<Pool>) -> Option<Arc<Pool>> {
        if self.now.load().authority == used.authority {
            self.look(Duration::ZERO).await;
        }
        let pool = self.now.load_full();
        (pool.authority != used.authority).then_some(pool)
    }

    /// Reads the authority again if it is as old as this. One does it, others go on with what there is, unless they must
    /// know.
    async fn look(self: &Arc<Self>, age: Duration) {
        if !age.is_zero() {
            // While somebody looks, what there is will do.
            let Ok(looked) = self.looked.try_lock() else { return };
            if self.outside.now().saturating_duration_since(*looked) < age {
                return;
            }
        }
        let pools = self.clone();
        let look = tokio::task::spawn_blocking(move || {
            let mut looked = pools.looked.lock().unwrap_or_else(PoisonError::into_inner);
            let now = pools.outside.now();
            // Another one may have looked while this one waited.
            if !age.is_zero() && now.saturating_duration_since(*looked) < age {
                return;
            }
            *looked = now;
            if let Err(error) = pools.reload() {
                tracing::warn!(%error, "the certificate authority that was read last is used on");
            }
        });
        // It only fails when the runtime ends.
        let _ = look.await;
    }

    fn reload(&self) -> Result<()> {
        let pool = self.now.load_full();
        let Some(old) = &pool.authority else { return Ok(()) };
        let new = old.again().map_err(|error| {
            let place = old.file.clone().unwrap_or_default();
            crate::error::Error::config(format!("{}", place.display())).caused(error)
        })?;
        if new != *old {
            self.now.store(Arc::new(self.pool(Some(new), pool.identity.clone())?));
        }
        Ok(())
    }

    fn swap(&self, identity: &Arc<Identity>) -> std::result::Result<Arc<Pool>, TransportError> {
        // Many calls come with it at the same time.
        let _one = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let pool = self.now.load_full();
        if !pool.older(identity) {
            return Ok(pool);
        }
        let new = self.pool(pool.authority.clone(), Some(identity.clone()));
        let new = new.map_err(|error| TransportError::new(Sent::No, Fault::Credential, error.to_string()))?;
        let new = Arc::new(new);
        self.now.store(new.clone());
        Ok(new)
    }

    fn pool(&self, authority: Option<Pem>, identity: Option<Arc<Identity>>) -> Result<Pool> {
        pool(&self.server, &self.settings, &self.counters, authority, identity)
    }
}

impl Pool {
    /// Whether it was made for an identity before this one. A call that was made with an earlier one than the pool's is as
    /// well off with the later one.
    fn older(&self, identity: &Identity) -> bool {
        self.identity.as_ref().is_none_or(|mine| mine.number < identity.number)
    }
}

fn pool(
    server: &Server,
    settings: &Settings,
    counters: &AllCounters,
    authority: Option<Pem>,
    identity: Option<Arc<Identity>>,
) -> Result<Pool> {
    let tls = match server.is_tls() {
        true => Some(tls::config(server, authority.as_ref(), identity.as_deref())?),
        false => None,
    };
    let (proxy, settings) = (server.proxy.clone(), settings.clone());
    let recipe = Recipe { tls, elsewhere: name::elsewhere(server), proxy, settings };
    Ok(Pool { lanes: Lanes::new(recipe, counters)?, authority, identity })
}
