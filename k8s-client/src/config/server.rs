//! A server's URL and what its TLS needs.

use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;

use http::Uri;
use http::uri::Scheme;

use super::environment;
use super::pem::{Identity, Pem};
use super::proxy::Proxy;
use crate::error::{Error, Result};

/// An `http` or `https` URL without user, query and fragment.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    uri: Uri,
    pub(crate) tls: Tls,
    pub(crate) proxy: Option<Proxy>,
    /// No proxy is looked for in the environment.
    pub(crate) direct: bool,
    /// Answers are to come as they are, not compressed.
    pub(crate) plain_answers: bool,
}

/// How the two sides of a TLS connection convince each other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tls {
    /// The certificates that the server's must be signed by; `None` for those of the system.
    pub(crate) authority: Option<Pem>,
    /// The name that the server's certificate has to hold, where it is not the host of the URL.
    pub(crate) server_name: Option<String>,
    /// Whether to believe anyone.
    pub(crate) insecure: bool,
    /// What is shown where a call has no other.
    pub(crate) identity: Option<Arc<Identity>>,
}

impl Server {
    pub(crate) fn new(url: &str, tls: Tls) -> Result<Server> {
        // A URL may hold a password, so none is repeated before it is known to have none.
        let bad = |why: &str| Error::config(format!("the server's URL {why}"));
        let uri: Uri = url.parse().map_err(|error| bad("can't be read").caused(error))?;
        let host = uri.host().filter(|host| !host.is_empty());
        if host.is_none() || !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(bad("must be like https://host:port"));
        }
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(bad("holds a user, which is not supported"));
        }
        if uri.query().is_some() {
            return Err(bad("has a query"));
        }
        Ok(Server { uri, tls, proxy: None, direct: false, plain_answers: false })
    }

    /// Takes what the environment names, if nothing else was said.
    pub(crate) fn find_proxy(&mut self, variable: impl Fn(&str) -> Option<OsString>) -> Result<()> {
        if self.proxy.is_none() && !self.direct {
            self.proxy = environment::proxy(self, variable)?;
        }
        Ok(())
    }

    pub(crate) fn is_tls(&self) -> bool {
        self.uri.scheme() == Some(&Scheme::HTTPS)
    }

    /// The name or address, without the brackets of an IPv6 address.
    pub(crate) fn host(&self) -> &str {
        self.uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
    }

    pub(crate) fn port(&self) -> u16 {
        self.uri.port_u16().unwrap_or(if self.is_tls() { 443 } else { 80 })
    }

    /// The path before every other, without its last `/`.
    pub(crate) fn path(&self) -> &str {
        self.uri.path().trim_end_matches('/')
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.uri.scheme_str().unwrap_or_default();
        let authority = self.uri.authority().map_or("", |authority| authority.as_str());
        write!(f, "{scheme}://{authority}{}", self.path())
    }
}

#[cfg(test)]
mod tests {
    use super::{Server, Tls};

    #[test]
    fn urls_are_taken_apart() {
        for (url, shown, host, port, path) in [
            ("https://10.0.0.1", "https://10.0.0.1", "10.0.0.1", 443, ""),
            ("http://localhost:8001/", "http://localhost:8001", "localhost", 80_01, ""),
            ("https://[::1]:6443/k8s/c-1/", "https://[::1]:6443/k8s/c-1", "::1", 6443, "/k8s/c-1"),
        ] {
            let server = Server::new(url, Tls::default()).unwrap();
            assert_eq!(
                (&*server.to_string(), server.host(), server.port(), server.path()),
                (shown, host, port, path)
            );
        }
    }

    #[test]
    fn what_is_no_server_is_refused_without_repeating_it() {
        for url in [
            "",
            "10.0.0.1:6443",
            "ftp://a",
            "/x",
            "https://u:hunter2@a",
            "https://a/?x=hunter2",
            "https:// a",
        ] {
            let error = Server::new(url, Tls::default()).unwrap_err().to_string();
            assert!(error.starts_with("the server's URL ") && !error.contains("hunter2"), "{url}: {error}");
        }
    }
}
