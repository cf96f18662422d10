//! The names that generated models use.

pub(crate) use crate::bytes::ByteString;
pub(crate) use crate::int_or_string::IntOrString;
pub(crate) use crate::map::Map;
pub(crate) use crate::quantity::Quantity;
pub(crate) use crate::raw::RawJson;
pub(crate) use crate::resource::{Cluster, Namespaced, Resource};
pub(crate) use crate::text::Str;
pub(crate) use crate::time::{MicroTime, Time};
pub(crate) use crate::unknown::Unknown;
