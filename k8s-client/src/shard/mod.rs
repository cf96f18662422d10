//! Objects split among replicas.

mod filter;
mod ranges;
mod selector;

pub use ranges::{By, Shards};
pub use selector::{ShardSelector, ShardSelectorError};
