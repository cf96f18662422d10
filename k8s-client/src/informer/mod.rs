//! Stores that follow the server, and all who want to hear of it.
//!
//! An [`Informer`] says what is followed and how; started it is a [`Cache`], one watch for any number of readers,
//! [subscriptions](Subscription) and [handlers](Handler). What was read is [read without locks](crate::cache), and what is told is told once to
//! each, in the server's order for each object.
//!
//! # What a subscriber may rely on
//!
//! - It begins with all that is there at one moment, and is told every change after that moment.
//! - It has a queue of its own. One that is slow, blocks or panics delays nobody else.
//! - One that is behind misses states in between, and nothing else: [`Subscription::capacity`].
//! - It sees a cache that is at least as new as what it is told.

mod audience;
mod builder;
mod bulk;
mod core;
mod debounce;
mod event;
mod factory;
mod feed;
mod handle;
mod handler;
mod health;
mod hub;
mod inbox;
mod kept;
mod lister;
mod net;
mod queue;
mod single;
mod subscription;
mod token;

pub use audience::Behind;
pub use builder::Informer;
pub use bulk::{Batch, Phase};
pub use debounce::Debounce;
pub use event::Event;
pub use factory::{Factory, SharedInformer};
pub use handle::Cache;
pub use handler::Handler;
pub use lister::{Lister, NamespaceLister};
pub use subscription::Subscription;
pub use token::Token;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
