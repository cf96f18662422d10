//! The URL that every path is below.

use std::sync::Arc;

use reqwest::Url;

/// Taken apart once: with every call the host would be most of the work of making its URL.
#[derive(Clone)]
pub(super) struct Base {
    /// `None` where it is no URL, which every call then says.
    root: Option<Arc<Url>>,
    /// What the server's own URL has before every path, such as `/k8s/clusters/c-1`.
    prefix: Arc<str>,
}

impl From<String> for Base {
    fn from(text: String) -> Base {
        let root = Url::parse(&text).ok();
        let prefix = root.as_ref().map_or("", |root| root.path().trim_end_matches('/')).into();
        Base { root: root.map(Arc::new), prefix }
    }
}

impl Base {
    /// The URL of a path with its query, or why there is none.
    pub(super) fn url(&self, path: &str) -> Result<Url, String> {
        let with_prefix;
        let full = match &*self.prefix {
            "" => path,
            prefix => {
                with_prefix = format!("{prefix}{path}");
                &with_prefix
            }
        };
        let url = Url::options().base_url(self.root.as_deref()).parse(full);
        let url = url.map_err(|error| format!("`{path}` is no path: {error}"))?;
        // Parsing resolves `..`, with which a name would reach another object than the one that is asked for, and takes
        // what is behind `//` for another server.
        let (plain, query) = match full.split_once('?') {
            Some((plain, query)) => (plain, Some(query)),
            None => (full, None),
        };
        if !path.starts_with('/') || url.path() != plain || url.query() != query {
            return Err(format!("the path `{path}` is not in its plain form"));
        }
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::Base;

    fn url(base: &str, path: &str) -> Result<String, String> {
        Base::from(base.to_owned()).url(path).map(|url| url.to_string())
    }

    #[test]
    fn a_path_is_below_the_servers_own() {
        for (base, path, expected) in [
            ("https://a:6443", "/api/v1/pods?limit=5", "https://a:6443/api/v1/pods?limit=5"),
            ("https://a/k8s/c-1", "/api/v1/pods", "https://a/k8s/c-1/api/v1/pods"),
            ("https://[::1]:6443", "/version", "https://[::1]:6443/version"),
            ("https://a", "/a%2Fb?x=%20&y", "https://a/a%2Fb?x=%20&y"),
            // As kubeconfigs have them: a URL parser writes these in another way.
            ("https://a:443", "/version", "https://a/version"),
            (
                "https://0A1B.gr7.eu-west-1.eks.amazonaws.com",
                "/version",
                "https://0a1b.gr7.eu-west-1.eks.amazonaws.com/version",
            ),
        ] {
            assert_eq!(url(base, path), Ok(expected.to_owned()));
        }
    }

    #[test]
    fn what_leads_elsewhere_is_refused() {
        let refused = |base, path: &str| {
            let error = url(base, path).unwrap_err();
            assert!(error.contains(path), "{error}");
        };
        for path in ["/api/../version", "/api/%2e%2e/version", "/\\b", "/a b", "/a\\b", "*", "https://b/c"] {
            refused("https://a:6443", path);
            refused("https://a/k8s/c-1", path);
        }
        // Behind a path it is one like any other.
        refused("https://a:6443", "//b/version");
        assert!(url("no URL", "/version").is_err());
    }
}
