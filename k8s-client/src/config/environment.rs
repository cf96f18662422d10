//! The proxy that the environment names, by the rules of Go's programs: kubectl and a pod's client follow them, too.

use std::ffi::OsString;
use std::net::IpAddr;

use ipnet::IpNet;

use super::{Proxy, Server};
use crate::error::{Error, Result};

/// `HTTPS_PROXY` or `HTTP_PROXY`, in small letters too, unless `NO_PROXY` names the server or it is this machine.
pub(super) fn proxy(server: &Server, variable: impl Fn(&str) -> Option<OsString>) -> Result<Option<Proxy>> {
    let set = |name: &'static str| {
        let value = variable(name).filter(|value| !value.is_empty())?;
        let value = value.into_string().map_err(|_| Error::config(format!("{name} is not a text")));
        Some(value.map(|value| (name, value)))
    };
    let first = |[upper, lower]: [&'static str; 2]| set(upper).or_else(|| set(lower)).transpose();
    let names = if server.is_tls() { ["HTTPS_PROXY", "https_proxy"] } else { ["HTTP_PROXY", "http_proxy"] };
    let Some((name, url)) = first(names)? else { return Ok(None) };
    let except = first(["NO_PROXY", "no_proxy"])?.map(|(_, list)| list).unwrap_or_default();
    if is_here(server.host()) || excepts(&except, server.host(), server.port()) {
        return Ok(None);
    }
    if !server.is_tls() && set("REQUEST_METHOD").is_some() {
        // A web server has made it out of a header named `Proxy` that a visitor may have sent.
        let why = "can't be trusted in a CGI program (REQUEST_METHOD is set); with_proxy or without_proxy says what is meant";
        return Err(Error::config(format!("{name} {why}")));
    }
    let proxy = match url.contains("://") {
        true => Proxy::of(name, &url),
        false => Proxy::of(name, &format!("http://{url}")),
    };
    proxy.map(Some)
}

fn is_here(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.to_canonical().is_loopback())
}

/// Whether an entry names it: `*`, an address, a network, or a name, which stands for those below it too and only for those if
/// it begins with a dot. Addresses and names may have a port.
fn excepts(list: &str, host: &str, port: u16) -> bool {
    let host = host.to_ascii_lowercase();
    let address: Option<IpAddr> = host.parse().ok();
    list.split(',').map(|entry| entry.trim().to_ascii_lowercase()).any(|entry| {
        if entry == "*" {
            return true;
        }
        if let Ok(network) = entry.parse::<IpNet>() {
            return address.is_some_and(|address| network.contains(&address));
        }
        let (name, its_port) = split(&entry);
        if its_port.is_some_and(|it| it.parse() != Ok(port)) {
            return false;
        }
        if let Ok(it) = name.parse::<IpAddr>() {
            return address == Some(it);
        }
        match name.strip_prefix("*.").or_else(|| name.strip_prefix('.')) {
            Some(above) => below(&host, above),
            None => !name.is_empty() && (host == name || below(&host, name)),
        }
    })
}

/// A name or an address, and its port.
fn split(entry: &str) -> (&str, Option<&str>) {
    match entry.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') => (name, Some(port)),
        Some((name, port)) if name.starts_with('[') && name.ends_with(']') => {
            (name.trim_matches(['[', ']']), Some(port))
        }
        _ => (entry.trim_matches(['[', ']']), None),
    }
}

fn below(host: &str, name: &str) -> bool {
    host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::proxy;
    use crate::config::{Config, Server, Tls};

    /// What is shown of the proxy, with these variables.
    fn of(url: &str, set: &[(&str, &str)]) -> Result<Option<String>, String> {
        let server = Server::new(url, Tls::default()).unwrap();
        let variable = |name: &str| set.iter().find(|(it, _)| *it == name).map(|(_, value)| value.into());
        let found = proxy(&server, variable).map_err(|error| error.to_string())?;
        Ok(found.map(|proxy| proxy.to_string()))
    }

    #[test]
    fn each_scheme_has_its_variable() {
        let both = [("HTTPS_PROXY", "http://s:1"), ("HTTP_PROXY", "http://p:2")];
        let shown = |url, set: &[(&str, &str)]| of(url, set).unwrap().unwrap_or_default();
        assert_eq!(shown("https://api", &both), "http://s:1");
        assert_eq!(shown("http://api", &both), "http://p:2");
        assert_eq!(shown("https://api", &[("HTTP_PROXY", "http://p:2")]), "");
        assert_eq!(shown("https://api", &[("https_proxy", "http://s:1")]), "http://s:1");
        assert_eq!(shown("https://api", &[("HTTPS_PROXY", ""), ("https_proxy", "http://s:1")]), "http://s:1");
        assert_eq!(
            shown("https://api", &[("HTTPS_PROXY", "http://s:1"), ("https_proxy", "http://t:1")]),
            "http://s:1"
        );
        assert_eq!(shown("https://api", &[("HTTPS_PROXY", "socks5://s:1")]), "socks5://s:1");
        // As people write it.
        assert_eq!(shown("https://api", &[("HTTPS_PROXY", "s:1")]), "http://s:1");
        assert_eq!(shown("https://api", &[("ALL_PROXY", "http://s:1")]), "", "Go doesn't know it");
    }

    #[test]
    fn this_machine_needs_none() {
        for url in
            ["https://localhost:6443", "https://127.0.0.1:6443", "https://127.9.9.9", "https://[::1]:6443"]
        {
            assert_eq!(of(url, &[("HTTPS_PROXY", "http://s:1")]), Ok(None), "{url}");
        }
    }

    #[test]
    fn exceptions() {
        let direct = |url: &str, except: &str| {
            of(url, &[("HTTPS_PROXY", "http://s:1"), ("no_proxy", except)]).unwrap().is_none()
        };
        for (url, except) in [
            ("https://api.example.com", "*"),
            ("https://api.example.com", "a, example.com ,b"),
            ("https://example.com", "example.com"),
            ("https://API.Example.com", "EXAMPLE.COM"),
            ("https://api.example.com", ".example.com"),
            ("https://api.example.com", "*.example.com"),
            ("https://api.example.com:6443", "example.com:6443"),
            ("https://api.example.com", "example.com:443"),
            ("https://10.1.2.3", "10.0.0.0/8"),
            ("https://10.1.2.3", "10.1.2.3"),
            ("https://10.1.2.3:6443", "10.1.2.3:6443"),
            ("https://[fd00::1]:6443", "fd00::/8"),
            ("https://[fd00::1]:6443", "fd00:0::1"),
            ("https://[fd00::1]:6443", "[fd00::1]:6443"),
            ("https://[fd00::1]:6443", "[fd00::1]"),
        ] {
            assert!(direct(url, except), "{url} {except}");
        }
        for (url, except) in [
            ("https://api.example.com", ""),
            ("https://notexample.com", "example.com"),
            ("https://example.com", ".example.com"),
            ("https://example.com", "*.example.com"),
            ("https://api.example.com:6443", "example.com:443"),
            ("https://10.1.2.3", "11.0.0.0/8"),
            ("https://10.1.2.3", "10.1.2.3:6443"),
            ("https://api.example.com", ", ,:"),
            ("https://[fd00::1]", "[fd00::2]:443"),
        ] {
            assert!(!direct(url, except), "{url} {except}");
        }
    }

    #[test]
    fn what_a_program_says_comes_first() {
        let proxy = |config: Config| {
            let mut server = config.with_server("https://other").unwrap().server;
            server.find_proxy(|name| (name == "HTTPS_PROXY").then(|| "http://s:1".into())).unwrap();
            server.proxy.map(|proxy| proxy.to_string())
        };
        let config = Config::plain("https://api").unwrap();
        assert_eq!(proxy(config.clone()).as_deref(), Some("http://s:1"));
        let said = config.with_proxy("http://p:2").unwrap();
        assert_eq!(proxy(said.clone()).as_deref(), Some("http://p:2"));
        assert_eq!(proxy(said.without_proxy()), None);
    }

    #[test]
    fn what_is_no_proxy_is_refused_with_its_variable() {
        for (url, expected) in [
            ("ftp://u:hunter2@a", "HTTPS_PROXY has the scheme `ftp`; http, https and socks5 are supported"),
            ("u:hunter2@ a", "HTTPS_PROXY can't be read as a URL"),
        ] {
            assert_eq!(of("https://api", &[("HTTPS_PROXY", url)]), Err(expected.to_owned()));
            // Nobody goes there.
            assert_eq!(of("https://api", &[("HTTPS_PROXY", url), ("NO_PROXY", "api")]), Ok(None));
        }
        let cgi = [("HTTP_PROXY", "http://p:2"), ("REQUEST_METHOD", "GET")];
        assert!(of("http://api", &cgi).unwrap_err().contains("HTTP_PROXY can't be trusted in a CGI program"));
    }
}
