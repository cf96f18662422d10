//! Objects split among replicas.

mod filter;
mod machine;
mod plan;
mod ranges;
mod selector;

pub use ranges::{By, Shards};
pub use selector::{ShardSelector, ShardSelectorError};
