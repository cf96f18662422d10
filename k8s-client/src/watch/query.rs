//! The query parameters of a list or watch that the machine decides on; selectors and the path are the caller's.

use std::time::Duration;

use super::version::ResourceVersion;

/// How old a list may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// The latest state: no `resourceVersion`.
    Latest,
    /// Whatever the server has at hand, which may be old: `resourceVersion=0`.
    Any,
}

impl Freshness {
    fn version(self) -> Option<&'static str> {
        match self {
            Self::Latest => None,
            Self::Any => Some("0"),
        }
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct ListQuery {
    /// At most so many objects; none for all.
    pub limit: Option<u32>,
    /// Where the page before ended. It fixes the version too, so `freshness` does not count then.
    pub continue_token: Option<String>,
    /// How old the list may be.
    pub freshness: Freshness,
}

impl ListQuery {
    /// The parameters, values not encoded.
    pub fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut parameters = Vec::new();
        if let Some(limit) = self.limit {
            parameters.push(("limit", limit.to_string()));
        }
        if let Some(token) = &self.continue_token {
            parameters.push(("continue", token.clone()));
        } else if let Some(version) = self.freshness.version() {
            parameters.push(("resourceVersion", version.to_owned()));
            parameters.push(("resourceVersionMatch", "NotOlderThan".to_owned()));
        }
        parameters
    }
}

/// Where a watch begins.
#[derive(Clone, Debug, PartialEq)]
pub enum WatchFrom {
    /// With everything there is, and a bookmark after that.
    Everything(Freshness),
    /// After this version.
    Version(ResourceVersion),
}

/// A watch.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchQuery {
    /// Where it begins.
    pub from: WatchFrom,
    /// When the server is to end it.
    pub timeout: Duration,
}

impl WatchQuery {
    /// The parameters, values not encoded.
    pub fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut parameters = vec![
            ("watch", "true".to_owned()),
            ("allowWatchBookmarks", "true".to_owned()),
            ("timeoutSeconds", self.timeout.as_secs().to_string()),
        ];
        let version = match &self.from {
            WatchFrom::Everything(freshness) => {
                parameters.push(("sendInitialEvents", "true".to_owned()));
                parameters.push(("resourceVersionMatch", "NotOlderThan".to_owned()));
                freshness.version()
            }
            WatchFrom::Version(version) => Some(version.as_str()),
        };
        parameters.extend(version.map(|version| ("resourceVersion", version.to_owned())));
        parameters
    }
}

#[cfg(test)]
mod tests {
    use super::{Freshness, ListQuery, WatchFrom, WatchQuery};
    use std::time::Duration;

    fn text(parameters: Vec<(&str, String)>) -> String {
        let parts: Vec<_> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        parts.join("&")
    }

    #[test]
    fn lists() {
        let query = |limit, token: Option<&str>, freshness| {
            text(ListQuery { limit, continue_token: token.map(str::to_owned), freshness }.parameters())
        };
        assert_eq!(query(None, None, Freshness::Latest), "");
        assert_eq!(
            query(Some(5), None, Freshness::Any),
            "limit=5&resourceVersion=0&resourceVersionMatch=NotOlderThan"
        );
        assert_eq!(query(Some(5), Some("t"), Freshness::Any), "limit=5&continue=t");
    }

    #[test]
    fn watches() {
        let query = |from| text(WatchQuery { from, timeout: Duration::from_millis(300_500) }.parameters());
        let common = "watch=true&allowWatchBookmarks=true&timeoutSeconds=300";
        assert_eq!(query(WatchFrom::Version("7".into())), format!("{common}&resourceVersion=7"));
        let everything = format!("{common}&sendInitialEvents=true&resourceVersionMatch=NotOlderThan");
        assert_eq!(query(WatchFrom::Everything(Freshness::Latest)), everything);
        assert_eq!(query(WatchFrom::Everything(Freshness::Any)), format!("{everything}&resourceVersion=0"));
    }
}
