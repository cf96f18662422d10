//! Where a configuration is looked for when none is given.

use std::ffi::OsString;
use std::path::Path;

use super::kubeconfig::Kubeconfig;
use super::{Config, incluster, merge};
use crate::error::{Error, Result};

/// The first that there is. What is there but broken is an error, and no reason to look for another server.
pub(super) fn infer(variable: impl Fn(&str) -> Option<OsString> + Copy, folder: &Path) -> Result<Config> {
    let set = |name| variable(name).filter(|value| !value.is_empty());
    let mut tried = Vec::new();
    let explicit = set("KUBECONFIG").is_some();
    if explicit {
        match kubeconfig(variable)? {
            Ok(config) => return Ok(config),
            Err(why) => tried.push(format!("KUBECONFIG ({why})")),
        }
    } else {
        tried.push("KUBECONFIG (not set)".to_owned());
    }
    match set("KUBERNETES_MASTER") {
        Some(url) => {
            let url = url.to_string_lossy().into_owned();
            return Config::plain(&url).map_err(|error| error.within("KUBERNETES_MASTER"));
        }
        None => tried.push("KUBERNETES_MASTER (not set)".to_owned()),
    }
    if !explicit {
        match merge::paths(variable) {
            Err(why) => tried.push(format!("the home folder ({why})")),
            Ok(_) => match kubeconfig(variable)? {
                Ok(config) => return Ok(config),
                Err(why) => tried.push(why),
            },
        }
    }
    if set("KUBERNETES_SERVICE_HOST").is_some() {
        return incluster::from(variable, folder);
    }
    tried.push("in-cluster (KUBERNETES_SERVICE_HOST is not set)".to_owned());
    Err(Error::config(format!("no configuration was found; tried {}", tried.join(", "))))
}

/// The inner error says why there is none.
fn kubeconfig(variable: impl Fn(&str) -> Option<OsString>) -> Result<std::result::Result<Config, String>> {
    let kubeconfig = Kubeconfig::merge(merge::paths(variable)?)?;
    if kubeconfig.sources().is_empty() {
        return Ok(Err(format!("{}: no such file", kubeconfig.place())));
    }
    if kubeconfig.is_empty() {
        return Ok(Err(format!("{}: empty", kubeconfig.place())));
    }
    kubeconfig.config(None).map(Ok)
}

#[cfg(test)]
mod tests;
