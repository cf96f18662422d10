//! The types of Kubernetes.
//!
//! A type is a plain struct with a [table](table); every format is written once, over the tables.

pub mod bytes;
pub mod codec;
pub mod debug;
pub mod int_or_string;
pub mod leaf;
pub mod map;
pub mod quantity;
pub mod raw;
pub mod table;
pub mod text;
pub mod time;
pub mod unknown;
