//! Why bytes are not a value, and where.

use std::fmt;

/// Why bytes could not be decoded: what was wrong, in which field, at which byte. It may
/// repeat a number, a time, a quantity or a kind; never any other text, and never bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError(Box<Inner>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    message: String,
    /// Innermost first: the way out is where they are learned.
    path: Vec<Segment>,
    offset: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Field(String),
    Index(usize),
}

impl DecodeError {
    pub(crate) fn new(message: impl Into<String>, offset: usize) -> DecodeError {
        DecodeError(Box::new(Inner { message: message.into(), path: Vec::new(), offset }))
    }

    pub(crate) fn in_field(mut self, name: &str) -> DecodeError {
        self.0.path.push(Segment::Field(name.to_owned()));
        self
    }

    pub(crate) fn in_element(mut self, index: usize) -> DecodeError {
        self.0.path.push(Segment::Index(index));
        self
    }

    pub(crate) fn message(&self) -> &str {
        &self.0.message
    }

    /// The field, such as `spec.containers[0].image`; empty for the whole.
    pub fn path(&self) -> String {
        let mut path = String::new();
        for segment in self.0.path.iter().rev() {
            match segment {
                Segment::Index(index) => path.push_str(&format!("[{index}]")),
                Segment::Field(name) => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(name);
                }
            }
        }
        path
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
