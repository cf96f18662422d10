//! Every format, written once over the tables.

pub mod apply;
pub mod error;
pub mod json;
pub mod protobuf;
pub mod serde;
pub(crate) mod wire;

/// Deeper than this nobody nests on purpose; on every path, skipped values included, a document that does is refused.
pub const MAX_DEPTH: usize = 128;
