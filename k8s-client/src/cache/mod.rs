//! Stores of objects, read without locks.
//!
//! A store has one [`Writer`] and any number of [`Reader`]s. What they see is a [`Snapshot`]: immutable, consistent, taken in constant time
//! however many objects there are. A writer makes the next one from the last, which costs only what is different, and publishes it
//! in one step: after a batch of changes, or after a complete new state.
//!
//! All of it works on objects whatever their kind and is compiled once, in this crate; a [`Snapshot`] knows the kind.

mod hash;
mod index;
mod memory;
mod named;
mod order;
mod ordered;
mod own;
mod slots;
mod snapshot;
mod state;
mod store;
mod table;
mod whole;

pub use index::Index;
pub use memory::Memory;
pub use ordered::{IntoParts, OrderedIndex};
pub use own::Store;
pub use snapshot::{Objects, Snapshot};
pub use store::{Builder, Draft, Reader, Writer};
pub(crate) use whole::Whole;

#[cfg(test)]
mod tests;
