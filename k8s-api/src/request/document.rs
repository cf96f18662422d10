//! What a patch says.

use std::fmt;

use serde_core::{Deserialize as _, Deserializer};

use super::RequestError;
use crate::raw::RawJson;

/// A change to a part of an object.
///
/// ```
/// use k8s_api::request::PatchDocument;
/// use serde_json::json;
///
/// PatchDocument::merge(json!({"metadata": {"labels": {"tier": "front", "old": null}}}));
/// PatchDocument::json(json!([{"op": "test", "path": "/spec/replicas", "value": 2}]));
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub enum PatchDocument {
    /// A JSON patch (RFC 6902): a list of operations.
    Json(RawJson),
    /// A merge patch (RFC 7386): null removes, lists are replaced.
    Merge(RawJson),
    /// A strategic merge patch: lists are merged by the keys of their types. Custom resources don't take it.
    Strategic(RawJson),
    /// What was given is no JSON; the request says so when it is built.
    #[doc(hidden)]
    Invalid(Box<str>),
}

/// Shows sizes, never content: it may be for a Secret.
impl fmt::Debug for PatchDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, raw) = match self {
            PatchDocument::Json(raw) => ("Json", raw),
            PatchDocument::Merge(raw) => ("Merge", raw),
            PatchDocument::Strategic(raw) => ("Strategic", raw),
            PatchDocument::Invalid(_) => return f.write_str("Invalid"),
        };
        write!(f, "{name}({} bytes)", raw.as_str().len())
    }
}

impl PatchDocument {
    /// A JSON patch (RFC 6902) of any format that serde reads, such as `serde_json::json!`: a list of operations.
    pub fn json<'de>(operations: impl Deserializer<'de>) -> PatchDocument {
        read(operations, PatchDocument::Json)
    }

    /// A merge patch (RFC 7386): null removes, lists are replaced.
    pub fn merge<'de>(change: impl Deserializer<'de>) -> PatchDocument {
        read(change, PatchDocument::Merge)
    }

    /// A strategic merge patch: lists are merged by the keys of their types. Custom resources don't take it.
    pub fn strategic<'de>(change: impl Deserializer<'de>) -> PatchDocument {
        read(change, PatchDocument::Strategic)
    }

    /// The type of the body, and the body.
    pub(super) fn content(&self) -> Result<(&'static str, &RawJson), RequestError> {
        Ok(match self {
            PatchDocument::Json(raw) => ("application/json-patch+json", raw),
            PatchDocument::Merge(raw) => ("application/merge-patch+json", raw),
            PatchDocument::Strategic(raw) => ("application/strategic-merge-patch+json", raw),
            PatchDocument::Invalid(error) => {
                return Err(RequestError::new(format!("the patch is no JSON: {error}")));
            }
        })
    }
}

fn read<'de, D: Deserializer<'de>>(value: D, of: fn(RawJson) -> PatchDocument) -> PatchDocument {
    RawJson::deserialize(value).map_or_else(|error| PatchDocument::Invalid(error.to_string().into()), of)
}
