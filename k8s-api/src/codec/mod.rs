//! Every format, written once over the tables.

pub mod apply;
mod decoder;
pub mod error;
pub(crate) mod intern;
pub mod json;
mod listing;
pub mod protobuf;
mod prune;
pub mod serde;
mod shape;
mod transform;
pub(crate) mod wire;

pub use decoder::{AnyDecoder, Decoder};
pub use listing::{BadItem, ListReader, Step};

/// Deeper than this nobody nests on purpose; on every path, skipped values included, a document that does is refused.
pub const MAX_DEPTH: usize = 128;
