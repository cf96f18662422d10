//! `tls-server-name`: the name in the certificate is not the name that is dialled.
//!
//! reqwest verifies and announces (SNI) the host of the URL, so the URL gets the TLS name, and that name resolves
//! to where the server is. The `Host` header says the TLS name too.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::config::Server;
use crate::error::{Error, Result};

/// Resolves every name to one server.
#[derive(Clone, Debug)]
pub(super) struct Elsewhere {
    host: Arc<str>,
    port: u16,
}

/// What is written before a path, and how the host in it is found.
pub(super) fn base(server: &Server) -> Result<(String, Option<Elsewhere>)> {
    let Some(name) =
        server.tls.server_name.as_deref().filter(|name| server.is_tls() && *name != server.host())
    else {
        return Ok((server.to_string(), None));
    };
    if name.parse::<IpAddr>().is_ok() {
        // It would be dialled: nothing is looked up for an address.
        return Err(Error::config(format!(
            "tls-server-name `{name}` is an address, which is supported only where it is the server's own"
        )));
    }
    let base = format!("https://{name}:{}{}", server.port(), server.path());
    Ok((base, Some(Elsewhere { host: server.host().into(), port: server.port() })))
}

impl Resolve for Elsewhere {
    fn resolve(&self, _: Name) -> Resolving {
        let Elsewhere { host, port } = self.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((&*host, port)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
