//! JSON that is kept as its bytes.

use std::sync::Arc;

use crate::codec::error::DecodeError;
use crate::codec::intern::Interner;
use crate::codec::json::Lexer;
use crate::view::{Slot, Value, View};

/// Any JSON value, kept as the bytes it was sent as: `FieldsV1`, `RawExtension`, defaults and examples in schemas.
///
/// 46% of the bytes of a real pod are managed fields, which next to nobody reads: they are never parsed into a tree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct RawJson(Option<Arc<str>>);

impl RawJson {
    /// Keeps a text that is known to be one JSON value.
    pub(crate) fn from_valid(json: &str) -> RawJson {
        if json == "null" { RawJson(None) } else { RawJson(Some(json.into())) }
    }

    /// Keeps what a codec has just written.
    pub(crate) fn from_transcoded(json: &[u8]) -> RawJson {
        RawJson::from_valid(std::str::from_utf8(json).unwrap_or("null"))
    }

    /// Checks a text and keeps it.
    ///
    /// ```
    /// use k8s_api::raw::RawJson;
    ///
    /// assert_eq!(RawJson::parse(b" {\"a\": [1]} ")?.as_str(), r#"{"a": [1]}"#);
    /// assert!(RawJson::parse(b"{").is_err());
    /// # Ok::<(), k8s_api::codec::error::DecodeError>(())
    /// ```
    pub fn parse(json: &[u8]) -> Result<RawJson, DecodeError> {
        RawJson::parse_with(json, None)
    }

    /// Checks a text and keeps it, or shares it if it was kept before.
    pub(crate) fn parse_with(json: &[u8], interner: Option<&mut Interner>) -> Result<RawJson, DecodeError> {
        let mut lexer = Lexer::new(json)?;
        let raw = lexer.raw_with(interner)?;
        lexer.end()?;
        Ok(raw)
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or("null")
    }

    /// Whether it is `null`, as a new one is.
    pub fn is_null(&self) -> bool {
        self.0.is_none()
    }
}

impl Value for RawJson {
    fn view(&self) -> View<'_> {
        View::Raw(self)
    }

    fn slot(&mut self) -> Slot<'_> {
        Slot::Raw(self)
    }
}
