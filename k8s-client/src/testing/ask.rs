//! A request as the server sees it, and what it answers, whichever face they come and go through.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use k8s_api::transport::ByteStream;
use serde_json::Value;

use super::failure::Failure;

/// What is asked.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    /// Decoded segment by segment.
    pub(crate) path: Vec<String>,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Ask {
    pub(crate) fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// What stands behind the question mark.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(text: &str) -> Query {
        let decoded = |part: &str| {
            let spaces = part.replace('+', " ");
            percent_encoding::percent_decode_str(&spaces).decode_utf8_lossy().into_owned()
        };
        let pair = |part: &str| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (decoded(name), decoded(value))
        };
        // What Go can't read it leaves out.
        let good = |part: &&str| !part.is_empty() && !part.contains(';') && is_escaped(part);
        Query(text.split('&').filter(good).map(pair).collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The same, where an empty one is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// As Go reads flags in a query: there, and neither `false` nor `0`.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| !matches!(value, "false" | "0"))
    }

    pub(crate) fn number(&self, name: &str) -> Result<Option<i64>, Failure> {
        let number = |text: &str| text.parse().map_err(|error| Failure::no_number(text, &error));
        self.get(name).map(number).transpose()
    }
}

/// Whether every percent sign begins an escape.
pub(crate) fn is_escaped(text: &str) -> bool {
    let hex = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_hexdigit());
    text.split('%').skip(1).all(|rest| {
        let mut bytes = rest.bytes();
        hex(bytes.next()) && hex(bytes.next())
    })
}

/// What is answered.
pub(crate) struct Said {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Spoken,
}

/// The body of an answer.
pub(crate) enum Spoken {
    Whole(Bytes),
    Stream(ByteStream),
}

impl Said {
    pub(crate) fn bytes(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Said {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        Said { status, headers, body: Spoken::Whole(body.into()) }
    }

    pub(crate) fn text(text: impl Into<Cow<'static, str>>) -> Said {
        let body = match text.into() {
            Cow::Borrowed(text) => Bytes::from_static(text.as_bytes()),
            Cow::Owned(text) => Bytes::from(text),
        };
        Said::bytes(StatusCode::OK, "text/plain; charset=utf-8", body)
    }

    pub(crate) fn json(value: &Value) -> Said {
        Said::bytes(StatusCode::OK, "application/json", value.to_string())
    }

    pub(crate) fn stream(content_type: &'static str, stream: ByteStream) -> Said {
        let mut said = Said::bytes(StatusCode::OK, content_type, Bytes::new());
        said.body = Spoken::Stream(stream);
        said
    }

    pub(crate) fn failure(failure: &Failure) -> Said {
        let mut said = if failure.plain {
            Said::bytes(failure.status(), "text/plain; charset=utf-8", failure.message().to_owned())
        } else {
            let mut said = Said::json(&failure.object());
            said.status = failure.status();
            said
        };
        if let Some(seconds) = failure.retry_seconds() {
            said.headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        said
    }
}
