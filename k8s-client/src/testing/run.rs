//! What was asked of a server and what it answered, as a file that people read, commit and compare.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A whole run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Run {
    /// For whoever opens the file.
    #[serde(default)]
    about: String,
    /// In the order in which they were asked.
    pub(super) exchanges: Vec<Exchange>,
}

const ABOUT: &str = "What a server answered, recorded by k8s_client::testing::Recorder. What is known to be secret is replaced by `redacted`.";

/// One request and its answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Exchange {
    /// `GET /api/v1/pods?limit=500`.
    pub(super) request: String,
    /// The headers that decide what is answered.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) sent_headers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sent: Option<Content>,
    /// None, if there was no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) headers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) answer: Option<Content>,
    #[serde(default, skip_serializing_if = "End::is_complete")]
    pub(super) end: End,
}

/// How an answer ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum End {
    /// As it should.
    #[default]
    Complete,
    /// The connection broke. Without a status it broke before the answer.
    Broken,
    /// There was no connection.
    Unreachable,
    /// It had not ended when the client went, or the recording did.
    Open,
}

impl End {
    fn is_complete(&self) -> bool {
        *self == End::Complete
    }
}

/// A body.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Content {
    Json(Value),
    /// The events of a watch.
    Events(Vec<Value>),
    Text(String),
    Base64(String),
}

impl Content {
    /// `None` where there is nothing. Of a watch that broke off in an event, without the rest of that.
    pub(super) fn of(content_type: &str, watch: bool, bytes: &[u8]) -> Option<Content> {
        if bytes.is_empty() {
            return None;
        }
        if watch && content_type.contains("json") {
            let lines = serde_json::Deserializer::from_slice(bytes).into_iter::<Value>();
            return Some(Content::Events(lines.map_while(Result::ok).collect()));
        }
        if let Ok(value) = serde_json::from_slice(bytes)
            && !content_type.starts_with("text/")
        {
            return Some(Content::Json(value));
        }
        Some(match std::str::from_utf8(bytes) {
            Ok(text) => Content::Text(text.to_owned()),
            Err(_) => Content::Base64(BASE64.encode(bytes)),
        })
    }

    /// The pieces in which it is sent.
    pub(super) fn pieces(&self) -> Result<Vec<Vec<u8>>, String> {
        Ok(match self {
            Content::Json(value) => vec![value.to_string().into_bytes()],
            Content::Events(events) => events.iter().map(|event| format!("{event}\n").into_bytes()).collect(),
            Content::Text(text) => vec![text.clone().into_bytes()],
            Content::Base64(text) => {
                vec![BASE64.decode(text).map_err(|error| format!("a body is no base64: {error}"))?]
            }
        })
    }
}

impl Run {
    pub(super) fn new(exchanges: Vec<Exchange>) -> Run {
        Run { about: ABOUT.to_owned(), exchanges }
    }

    pub(super) fn parse(text: &str) -> Result<Run, String> {
        let run: Run = serde_json::from_str(text).map_err(|error| error.to_string())?;
        for (position, exchange) in run.exchanges.iter().enumerate() {
            let wrong = |why: String| format!("exchange {}, `{}`: {why}", position + 1, exchange.request);
            if let Some(content) = &exchange.answer {
                content.pieces().map_err(wrong)?;
            }
            let status = exchange.status.map(http::StatusCode::from_u16);
            if let Some(Err(error)) = status {
                return Err(wrong(error.to_string()));
            }
            if exchange.status.is_none() && !matches!(exchange.end, End::Broken | End::Unreachable) {
                return Err(wrong("it has neither a `status` nor an `end` that says why not".to_owned()));
            }
        }
        Ok(run)
    }

    pub(super) fn text(&self) -> Result<String, String> {
        let mut text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        text.push('\n');
        Ok(text)
    }
}
