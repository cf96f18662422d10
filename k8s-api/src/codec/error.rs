//! Why bytes are not a value, and where.

use std::fmt;

use crate::path::{FieldPath, Step};

/// Why bytes could not be decoded: what was wrong, in which field, at which byte. It may
/// repeat a number, a time, a quantity or a kind; never any other text, and never bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError(Box<Inner>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    message: String,
    /// Innermost first: the way out is where they are learned.
    path: Vec<Step>,
    offset: usize,
}

impl DecodeError {
    pub(crate) fn new(message: impl Into<String>, offset: usize) -> DecodeError {
        DecodeError(Box::new(Inner { message: message.into(), path: Vec::new(), offset }))
    }

    pub(crate) fn in_field(mut self, name: &str) -> DecodeError {
        self.0.path.push(Step::Field(name.to_owned()));
        self
    }

    pub(crate) fn in_element(mut self, index: usize) -> DecodeError {
        self.0.path.push(Step::Index(index));
        self
    }

    /// The same, of a text with so many bytes before it.
    pub(crate) fn after(mut self, bytes: usize) -> DecodeError {
        self.0.offset = self.0.offset.saturating_add(bytes);
        self
    }

    pub(crate) fn message(&self) -> &str {
        &self.0.message
    }

    /// The field, such as `spec.containers[0].image`; empty for the whole.
    pub fn path(&self) -> String {
        self.0.path.iter().rev().cloned().collect::<FieldPath>().to_string()
    }

    /// How many bytes came before.
    pub fn offset(&self) -> usize {
        self.0.offset
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path();
        if !path.is_empty() {
            write!(f, "{path}: ")?;
        }
        write!(f, "{} (at byte {})", self.0.message, self.0.offset)
    }
}

impl std::error::Error for DecodeError {}

/// Why a value could not be encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodeError(String);

impl EncodeError {
    pub(crate) fn new(message: impl Into<String>) -> EncodeError {
        EncodeError(message.into())
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for EncodeError {}
