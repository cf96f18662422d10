//! Types with a representation of their own in every format: times, quantities, int-or-string.

use std::fmt;

use crate::codec::error::DecodeError;

/// A leaf: JSON holds it as one text or one integer, protobuf as a small message.
pub trait Leaf: Send + Sync {
    /// What JSON holds.
    fn get(&self) -> Scalar<'_>;
    /// Sets it from what JSON held; an error says what was expected.
    fn set(&mut self, scalar: Scalar<'_>) -> Result<(), LeafError>;
    /// Whether a value of the same type that holds this is equal.
    fn same(&self, other: Scalar<'_>) -> bool {
        self.get() == other
    }
    /// Brings it into its canonical form, if a value has several: as a server stores it.
    fn make_canonical(&mut self) {}
    /// Appends the message that protobuf holds, without tag and length.
    fn write_protobuf(&self, out: &mut Vec<u8>);
    /// Sets it from that message.
    fn read_protobuf(&mut self, bytes: &[u8]) -> Result<(), LeafError>;
}

/// A text or an integer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// A text.
    Text(std::borrow::Cow<'a, str>),
    /// An integer.
    Int(i64),
    /// A number with a fraction, an exponent or beyond 64 bits, as it was written.
    Number(std::borrow::Cow<'a, str>),
}

/// Why a value can't be one of a [`Leaf`] type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeafError(String);

impl LeafError {
    /// With what was expected and what was found, as in ``expected a time such as 2026-01-31T12:00:00Z, not `soon` ``.
    pub fn new(message: impl Into<String>) -> LeafError {
        LeafError(message.into())
    }
}

impl fmt::Display for LeafError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LeafError {}

/// What is wrong with the message that protobuf holds; where it is the codec knows.
impl From<DecodeError> for LeafError {
    fn from(error: DecodeError) -> LeafError {
        LeafError(error.message().to_owned())
    }
}
