//! `tls-server-name`: the name in the certificate is not the name that is dialled.
//!
//! reqwest verifies and announces (SNI) the host of the URL, so the URL gets the TLS name, and that name resolves
//! to where the server is. The `Host` header says the TLS name too.
//!
//! A proxy is told the URL's host, and an address is dialled as it is. There the URL stays as it is, and only the
//! certificate is held against the TLS name: SNI says the URL's host.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::config::Server;

/// Resolves every name to one server.
#[derive(Clone, Debug)]
pub(super) struct Elsewhere {
    host: Arc<str>,
    port: u16,
}

/// The TLS name where it is not the host of the URL.
fn other(server: &Server) -> Option<&str> {
    server.tls.server_name.as_deref().filter(|name| server.is_tls() && *name != server.host())
}

/// Whether the URL can have the TLS name for its host.
fn in_url(server: &Server, name: &str) -> bool {
    server.proxy.is_none() && name.parse::<IpAddr>().is_err()
}

/// What is written before a path.
pub(super) fn base(server: &Server) -> String {
    match other(server).filter(|name| in_url(server, name)) {
        Some(name) => format!("https://{name}:{}{}", server.port(), server.path()),
        None => server.to_string(),
    }
}

/// How the host in it is found.
pub(super) fn elsewhere(server: &Server) -> Option<Elsewhere> {
    other(server).filter(|name| in_url(server, name))?;
    Some(Elsewhere { host: server.host().into(), port: server.port() })
}

/// The name that the certificate is held against, where it is not the host in it.
pub(super) fn held_against(server: &Server) -> Option<&str> {
    other(server).filter(|name| !in_url(server, name))
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
