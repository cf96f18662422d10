//! The types of Kubernetes.
//!
//! A type is a plain struct with a [table](mod@table); every format is written once, over the tables.

pub mod bytes;
pub mod codec;
pub mod debug;
pub mod diff;
pub mod dynamic;
mod enumeration;
#[rustfmt::skip]
mod generated;
pub mod int_or_string;
pub mod jsonpath;
mod kind;
#[cfg(feature = "kinds")]
pub mod kinds;
pub mod leaf;
pub mod list;
pub mod map;
pub mod merge;
#[doc(hidden)]
pub mod model;
pub mod nullable;
pub mod operation;
pub mod path;
pub mod quantity;
pub mod raw;
pub mod request;
pub mod table;
pub mod text;
pub mod time;
pub mod transport;
pub mod unknown;
pub mod view;
mod words;

pub use generated::*;
pub use kind::{AtRunTime, Cluster, Namespaced, Object, Resource, Scope};

#[doc(hidden)]
pub use serde_core as __serde;
