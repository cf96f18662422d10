//! The names that generated models use.

pub use crate::bytes::ByteString;
pub use crate::int_or_string::IntOrString;
pub use crate::map::Map;
pub use crate::nullable::Nullable;
pub use crate::quantity::Quantity;
pub use crate::raw::RawJson;
pub use crate::text::Str;
pub use crate::time::{MicroTime, Time};
pub use crate::unknown::Unknown;
