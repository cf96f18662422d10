//! Objects split among replicas.

mod filter;
mod follow;
mod leases;
mod machine;
mod map;
mod plan;
mod ranges;
mod selector;

pub(crate) use follow::{Consumer, Shardings, Wanted, follow};
pub use follow::{FilteredBy, Sharding};
#[cfg(test)]
pub(crate) use map::Script;
pub use map::{Owned, ShardMap, ShardMapBuilder, ShardMapStatus};
pub use ranges::{By, Shards};
pub use selector::{ShardSelector, ShardSelectorError};
