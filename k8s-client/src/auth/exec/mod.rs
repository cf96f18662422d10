//! Credentials of a program: `exec` in a kubeconfig.
//!
//! All clients of a process that name the same program with the same arguments share its answer, and one run of it.

mod answer;
mod redact;
mod run;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use k8s_api::transport::TransportError;

use super::flight::Flight;
use super::{Answer, Credential, Proof, failed};
use crate::config::{Config, ExecSpec};
use crate::error::{Error, Result};
use crate::outside::Outside;

/// A credential is made new so long before it ends, or after three quarters of its life if that is later.
const LEEWAY: Duration = Duration::from_secs(60);

/// One client's view of a plugin.
pub(super) struct Exec {
    plugin: Arc<Plugin>,
    limit: Duration,
    /// File, context and user, for messages.
    place: Arc<str>,
    outside: Arc<dyn Outside>,
}

/// What all clients with the same plugin share.
struct Plugin {
    spec: Arc<ExecSpec>,
    held: Mutex<Option<Arc<Held>>>,
    flight: Flight<Arc<Held>>,
}

/// What the plugin answered.
struct Held {
    proof: Proof,
    renew_at: Option<SystemTime>,
    ends_at: Option<SystemTime>,
}

/// The plugins of this process, as long as a client uses them.
static PLUGINS: Mutex<Vec<Weak<Plugin>>> = Mutex::new(Vec::new());

fn plugin(spec: &Arc<ExecSpec>) -> Arc<Plugin> {
    let mut plugins = PLUGINS.lock().unwrap_or_else(PoisonError::into_inner);
    plugins.retain(|plugin| plugin.strong_count() > 0);
    let same = plugins.iter().filter_map(Weak::upgrade).find(|plugin| plugin.spec == *spec);
    same.unwrap_or_else(|| {
        let plugin = Arc::new(Plugin { spec: spec.clone(), held: Mutex::new(None), flight: Flight::new() });
        plugins.push(Arc::downgrade(&plugin));
        plugin
    })
}

impl Exec {
    pub(super) fn new(spec: &Arc<ExecSpec>, config: &Config, outside: Arc<dyn Outside>) -> Result<Exec> {
        if let Some(allowed) = &config.settings.plugins {
            check(&spec.command, allowed).map_err(|error| error.within(&config.user_place))?;
        }
        let (limit, place) = (config.settings.timeouts.plugin, config.user_place.as_str().into());
        Ok(Exec { plugin: plugin(spec), limit, place, outside })
    }

    async fn proof(
        plugin: Arc<Plugin>,
        limit: Duration,
        outside: Arc<dyn Outside>,
        rejected: Option<Proof>,
    ) -> std::result::Result<Proof, TransportError> {
        let held = plugin.held();
        let now = outside.date();
        let usable = held.filter(|held| rejected.as_ref().is_none_or(|rejected| held.proof != *rejected));
        if let Some(held) = &usable
            && held.renew_at.is_none_or(|at| now < at)
        {
            return Ok(held.proof.clone());
        }
        let start = || {
            let (plugin, outside) = (plugin.clone(), outside.clone());
            async move {
                let answer = run::run(&plugin.spec, limit, &*outside).await?;
                let held = Arc::new(Held::new(answer, outside.date()));
                *plugin.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(held.clone());
                Ok(held)
            }
        };
        match (plugin.flight.join(start).await, usable) {
            (Ok(held), _) => Ok(held.proof.clone()),
            // It was to be made new in good time: there is some of it left.
            (Err(error), Some(old)) if old.ends_at.is_some_and(|end| outside.date() < end) => {
                tracing::warn!(%error, "the last answer of the exec plugin is used on");
                Ok(old.proof.clone())
            }
            (Err(error), _) => Err(failed(error.to_string())),
        }
    }

    fn answer(&self, rejected: Option<Proof>) -> Answer<Proof> {
        let (plugin, limit, outside) = (self.plugin.clone(), self.limit, self.outside.clone());
        let place = self.place.clone();
        Box::pin(async move {
            Exec::proof(plugin, limit, outside, rejected).await.map_err(|error| error.context(place))
        })
    }
}

impl Plugin {
    fn held(&self) -> Option<Arc<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Held {
    fn new(answer: answer::Answered, now: SystemTime) -> Held {
        let renew_at = answer.ends_at.map(|end| {
            let life = end.duration_since(now).unwrap_or_default();
            end.checked_sub(LEEWAY.min(life / 4)).unwrap_or(end)
        });
        Held { proof: answer.proof, renew_at, ends_at: answer.ends_at }
    }
}

impl Credential for Exec {
    fn proof(&self) -> Answer<Proof> {
        self.answer(None)
    }

    fn renew(&self, rejected: &Proof) -> Answer<Option<Proof>> {
        let rejected = rejected.clone();
        let answer = self.answer(Some(rejected.clone()));
        Box::pin(async move { Ok(Some(answer.await?).filter(|proof| *proof != rejected)) })
    }
}

/// A plugin and an entry of the list are the same if they are the same file, as with kubectl.
fn check(command: &Path, allowed: &[String]) -> Result<()> {
    let found = run::find(command);
    let same = |entry: &String| match (&found, run::find(Path::new(entry))) {
        (Some(found), Some(entry)) => *found == entry,
        // Of what is not installed the names have to do; it can't run anyway.
        (None, _) => Path::new(entry) == command,
        _ => false,
    };
    if allowed.iter().any(same) {
        return Ok(());
    }
    let list = if allowed.is_empty() { "none".to_owned() } else { allowed.join(", ") };
    let shown: PathBuf = found.unwrap_or_else(|| command.to_owned());
    Err(Error::config(format!(
        "the exec plugin {} is not among those that are allowed: {list}",
        shown.display()
    )))
}

#[cfg(test)]
mod tests;
