//! Inside of a pod: the address from the environment, the rest from the files of the service account.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::Path;

use super::pem::Pem;
use super::{Config, Login, Server, Tls, default_namespace};
use crate::error::{Error, Result};

/// Where the kubelet puts them.
pub(super) const FOLDER: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

pub(super) fn from(variable: impl Fn(&str) -> Option<OsString>, folder: &Path) -> Result<Config> {
    let set = |name: &str| {
        let value = variable(name).filter(|value| !value.is_empty());
        let value = value.ok_or_else(|| Error::config(format!("{name} is not set")))?;
        value.into_string().map_err(|_| Error::config(format!("{name} is not a text")))
    };
    let read = || {
        let (host, port) = (set("KUBERNETES_SERVICE_HOST")?, set("KUBERNETES_SERVICE_PORT")?);
        let url = match host.parse() {
            Ok(IpAddr::V6(_)) => format!("https://[{host}]:{port}"),
            _ => format!("https://{host}:{port}"),
        };
        service_account(&url, folder)
    };
    read().map_err(|error| error.within("in-cluster"))
}

pub(super) fn service_account(url: &str, folder: &Path) -> Result<Config> {
    let token = folder.join("token");
    // It is read for each call later on; that it can be read is found out now.
    std::fs::metadata(&token)
        .map_err(|error| Error::config(format!("token: {}", token.display())).caused(error))?;
    let authority = Pem::open("certificate authority", folder.join("ca.crt"))?;
    let namespace = std::fs::read_to_string(folder.join("namespace")).unwrap_or_default();
    let namespace = match namespace.trim() {
        "" => default_namespace(),
        namespace => namespace.to_owned(),
    };
    let tls = Tls { authority: Some(authority), ..Tls::default() };
    let origin = format!("the service account in {}", folder.display());
    Ok(Config::new(Server::new(url, tls)?, Login::TokenFile(token), namespace, origin))
}
