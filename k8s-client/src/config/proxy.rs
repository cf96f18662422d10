//! `proxy-url`: what stands between here and the server.

use std::fmt;

use http::Uri;

use crate::error::{Error, Result};
use crate::secret::Secret;

/// An `http`, `https` or `socks5` proxy; its URL may hold a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proxy {
    pub(crate) url: Secret,
    /// Where it is said, for messages.
    pub(crate) from: &'static str,
    shown: String,
}

impl Proxy {
    pub(crate) fn new(url: &str) -> Result<Proxy> {
        Proxy::of("proxy-url", url)
    }

    pub(super) fn of(from: &'static str, url: &str) -> Result<Proxy> {
        let bad = |why: &str| Error::config(format!("{from} {why}"));
        // The parser's message repeats nothing of it, but neither does it help.
        let uri: Uri = url.parse().map_err(|_| bad("can't be read as a URL"))?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(bad("must be like http://host:port, https://host:port or socks5://host:port"));
        };
        if !matches!(scheme, "http" | "https" | "socks5" | "socks5h") {
            return Err(bad(&format!("has the scheme `{scheme}`; http, https and socks5 are supported")));
        }
        if authority.host().is_empty() {
            return Err(bad("names no host"));
        }
        let place = authority.as_str().rsplit('@').next().unwrap_or_default();
        let shown = format!("{scheme}://{place}");
        // Names are looked up by the proxy, as Go has it: the proxy may know names that this machine doesn't.
        let url = match url.strip_prefix("socks5://") {
            Some(rest) => format!("socks5h://{rest}"),
            None => url.to_owned(),
        };
        Ok(Proxy { url: Secret::new(url), from, shown })
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::Proxy;

    #[test]
    fn its_password_is_not_shown() {
        let proxy = Proxy::new("socks5://ann:hunter2@proxy.example:1080").unwrap();
        assert_eq!(proxy.to_string(), "socks5://proxy.example:1080");
        assert!(!format!("{proxy:?}").contains("hunter2"));
        assert_eq!(proxy.url.expose(), "socks5h://ann:hunter2@proxy.example:1080");
    }

    #[test]
    fn what_is_no_proxy_is_refused_without_repeating_it() {
        for (url, expected) in [
            ("ftp://u:hunter2@a", "proxy-url has the scheme `ftp`; http, https and socks5 are supported"),
            ("hunter2", "proxy-url must be like http://host:port, https://host:port or socks5://host:port"),
            ("http://u:hunter2@ a", "proxy-url can't be read as a URL"),
        ] {
            assert_eq!(Proxy::new(url).unwrap_err().to_string(), expected);
        }
    }
}
