//! Patches of the three kinds that need no managed fields, on trees of JSON.

pub(crate) mod json;
pub(crate) mod merge;
pub(crate) mod strategic;
