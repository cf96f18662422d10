//! The query parameters of a list or watch that the machine decides on; selectors and the path are the caller's.

use std::time::Duration;

use k8s_api::request::{self, VersionMatch, verb};

use super::version::ResourceVersion;

/// How old a list may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// The latest state: no `resourceVersion`.
    Latest,
    /// Whatever the server has at hand, which may be old: `resourceVersion=0`.
    Any,
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
    /// A list that asks for this.
    pub fn narrow<K: verb::List>(&self, mut list: request::List<K>) -> request::List<K> {
        if let Some(limit) = self.limit {
            list = list.limit(limit);
        }
        match (&self.continue_token, self.freshness) {
            (Some(token), _) => list.after(token),
            (None, Freshness::Any) => list.version("0").version_match(VersionMatch::NotOlderThan),
            (None, Freshness::Latest) => list,
        }
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
    /// A watch that asks for this.
    pub fn narrow<K: verb::Watch>(&self, watch: request::Watch<K>) -> request::Watch<K> {
        let watch = watch.bookmarks().timeout(self.timeout);
        match &self.from {
            WatchFrom::Everything(freshness) => {
                let watch = watch.initial_events().version_match(VersionMatch::NotOlderThan);
                match freshness {
                    Freshness::Any => watch.version("0"),
                    Freshness::Latest => watch,
                }
            }
            WatchFrom::Version(version) => watch.version(version.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Freshness, ListQuery, WatchFrom, WatchQuery};
    use std::time::Duration;

    use k8s_api::core::v1::pods;
    use k8s_api::request::Request;

    fn text(request: impl Request) -> String {
        request.build().unwrap().uri().query().unwrap_or_default().to_owned()
    }

    #[test]
    fn lists() {
        let query = |limit, token: Option<&str>, freshness| {
            let query = ListQuery { limit, continue_token: token.map(str::to_owned), freshness };
            text(query.narrow(pods::list_all()))
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
        let query = |from| {
            let query = WatchQuery { from, timeout: Duration::from_millis(300_500) };
            text(query.narrow(pods::watch_all()))
        };
        let common = "watch=true&allowWatchBookmarks=true&timeoutSeconds=300";
        assert_eq!(query(WatchFrom::Version("7".into())), format!("{common}&resourceVersion=7"));
        let everything = format!("{common}&sendInitialEvents=true&resourceVersionMatch=NotOlderThan");
        assert_eq!(query(WatchFrom::Everything(Freshness::Latest)), everything);
        assert_eq!(query(WatchFrom::Everything(Freshness::Any)), format!("{everything}&resourceVersion=0"));
    }
}
