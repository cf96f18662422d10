//! Objects split among replicas: the way past what one machine can watch.
//!
//! Every object has a place among all 64-bit hashes ([`By`]), which it keeps for life. [`Shards`] is a part of them, and a [`ShardSelector`] asks the server
//! for the objects that lie there. An [`Informer`](crate::Informer) of [some shards](crate::Informer::shards) has these objects
//! and no others, whether the server heeds the selector or not.
//!
//! Replicas that know their number, as those of a `StatefulSet` do, need nothing else. Others agree with a [`ShardMap`] on who has what, and
//! their informers [follow it](crate::Informer::sharded).
//!
//! # For who acts on objects
//!
//! - [`Event::Deleted`](crate::informer::Event::Deleted) is an object that was deleted while it was ours. One whose shard goes to another replica is told as
//!   [`Event::Released`](crate::informer::Event::Released): it is still there. One that is deleted while its shard changes hands may be told to
//!   nobody, as when a controller is down: what has to be cleaned up is held by a finalizer, or found by looking at everything.
//! - One that was gained is told as applied.
//! - Just before it acts, a controller asks [`ShardMap::owns`], which knows the time; a cache hears of what was lost some milliseconds later.

mod filter;
mod follow;
mod leases;
mod machine;
mod map;
mod plan;
mod ranges;
mod selector;

#[cfg(test)]
pub(crate) use map::Script;

pub(crate) use follow::{Consumer, Shardings, Wanted, follow};
pub use follow::{FilteredBy, Sharding};
pub use map::{Owned, ShardMap, ShardMapBuilder, ShardMapStatus};
pub use ranges::{By, Shards};
pub use selector::{ShardSelector, ShardSelectorError};
