//! What was asked, for tests to look at.

use http::Method;
use serde_json::Value;

use super::ask::Ask;

/// A request that the server has had.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Recorded {
    /// Such as `POST`.
    pub method: Method,
    /// Such as `/api/v1/namespaces/default/pods`, without the query.
    pub path: String,
    /// What stands behind the question mark, as it was sent.
    pub query: String,
    /// The status that was answered; `None` if the answer was lost.
    pub status: Option<u16>,
    body: Option<Value>,
}

impl Recorded {
    pub(crate) fn new(ask: &Ask, path: String, query: String, status: Option<u16>) -> Recorded {
        let body = serde_json::from_slice(&ask.body).ok();
        Recorded { method: ask.method.clone(), path, query, status, body }
    }

    /// `GET /api/v1/pods?watch=true`, to compare with.
    pub fn line(&self) -> String {
        let query = if self.query.is_empty() { String::new() } else { format!("?{}", self.query) };
        format!("{} {}{query}", self.method, self.path)
    }

    /// What was sent, if it was JSON. It may hold secrets: it is the test's own.
    pub fn body(&self) -> Option<&Value> {
        self.body.as_ref()
    }

    /// Whether it changes something.
    pub fn is_write(&self) -> bool {
        !matches!(self.method, Method::GET | Method::HEAD | Method::OPTIONS)
    }
}
