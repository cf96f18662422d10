//! A watch of some shards, which begins again when they change.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use k8s_api::meta::v1::ListMeta;

use super::filter::Filter;
use super::map::Owned;
use super::selector::ShardSelector;
use crate::watch::{
    Cause, Change, Config, Follower, Gone, Health, Held, Object as _, ResourceVersion, Source,
};

/// Which shards are followed.
#[derive(Clone)]
pub(crate) enum Wanted {
    /// Always the same.
    Fixed(ShardSelector),
    /// What a replica owns.
    Owned(Owned),
}

/// Who leaves out what belongs to other shards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FilteredBy {
    /// Nobody knows yet.
    #[default]
    Unknown,
    /// The server, so that nothing else comes over the network.
    Server,
    /// This program: the server does not know of shards, since it is older than 1.36 or its feature gate `ShardedListAndWatch` is off.
    /// Everything comes over the network and is decoded.
    Here,
}

/// How a cache of some shards does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sharding {
    /// The shards that are followed; after a change, until the next one.
    pub followed: ShardSelector,
    /// Whether the cache has all of them: not while those that were gained are on their way.
    pub complete: bool,
    /// Who leaves out the others.
    pub filtered_by: FilteredBy,
    /// How many states of foreign objects came and were dropped.
    pub foreign: u64,
}

/// How each watch of a cache does.
#[derive(Debug, Default)]
pub(crate) struct Shardings(Mutex<Vec<Sharding>>);

impl Shardings {
    pub(crate) fn new(watches: usize) -> Arc<Shardings> {
        Arc::new(Shardings(Mutex::new(vec![Sharding::default(); watches])))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Sharding>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, watch: usize, change: impl FnOnce(&mut Sharding)) {
        if let Some(sharding) = self.lock().get_mut(watch) {
            change(sharding);
        }
    }

    /// Of several, the one that is worst off.
    pub(crate) fn all(&self) -> Sharding {
        let all = self.lock();
        let mut all = all.iter();
        let mut worst = all.next().cloned().unwrap_or_default();
        for sharding in all {
            worst.complete &= sharding.complete && sharding.followed == worst.followed;
            worst.foreign += sharding.foreign;
            worst.filtered_by = match (worst.filtered_by, sharding.filtered_by) {
                (FilteredBy::Here, _) | (_, FilteredBy::Here) => FilteredBy::Here,
                (FilteredBy::Server, FilteredBy::Server) => FilteredBy::Server,
                _ => FilteredBy::Unknown,
            };
        }
        worst
    }
}

/// What a watch of shards needs of the cache that it fills.
pub(crate) trait Consumer: Send {
    /// The same as [`crate::watch::follow`] tells.
    fn tell(&mut self, changes: Vec<Change<Held>>, health: &Health);
    /// What does not belong to these shards leaves the cache, though it was not deleted.
    fn release(&mut self, selector: &ShardSelector);
}

/// Follows the shards that are wanted, for as long as it is polled.
pub(crate) async fn follow(
    wanted: Wanted,
    make: impl Fn(&ShardSelector) -> Source,
    config: Config,
    (shardings, watch): (Arc<Shardings>, usize),
    mut consumer: impl Consumer,
) {
    let (mut owned, mut selector) = match wanted {
        Wanted::Fixed(selector) => (None, selector),
        Wanted::Owned(mut owned) => {
            // What is there before is nothing to go by.
            owned.joined().await;
            let selector = owned.now();
            (Some(owned), selector)
        }
    };
    let mut position = ResourceVersion::default();
    // What the cache has all of: none before the first complete state.
    let mut complete: Option<ShardSelector> = None;
    let mut first = true;
    loop {
        // A part of what was complete is complete, and the watch goes on where it was.
        let has_all =
            complete.as_ref().is_some_and(|had| had.shards().within(selector.shards()) == *selector.shards());
        let after = Some(position.clone()).filter(|at| has_all && !at.as_str().is_empty());
        shardings.change(watch, |sharding| {
            sharding.followed = selector.clone();
            sharding.complete = has_all;
        });
        let next = follow_one(
            Round { selector: &selector, first, after, shardings: &shardings, watch },
            &make,
            &config,
            &mut consumer,
            (&mut position, &mut complete),
        );
        let changed = async {
            match &mut owned {
                Some(owned) => match owned.changed().await {
                    Some(selector) => selector,
                    // The replica has left and owns nothing: what was told last was that.
                    None => std::future::pending().await,
                },
                None => std::future::pending().await,
            }
        };
        let wanted = tokio::select! {
            biased;
            wanted = changed => wanted,
            () = next => return,
        };
        first &= complete.is_none();
        // At once: another replica may begin with what was lost.
        consumer.release(&wanted);
        complete = complete.map(|had| ShardSelector::new(had.shards().within(wanted.shards()), had.by()));
        selector = wanted;
    }
}

/// What is followed until it changes.
struct Round<'a> {
    selector: &'a ShardSelector,
    /// Whether there was no complete state before.
    first: bool,
    after: Option<ResourceVersion>,
    shardings: &'a Shardings,
    watch: usize,
}

async fn follow_one(
    round: Round<'_>,
    make: &impl Fn(&ShardSelector) -> Source,
    config: &Config,
    consumer: &mut impl Consumer,
    (position, complete): (&mut ResourceVersion, &mut Option<ShardSelector>),
) {
    let Round { selector, first, after, shardings, watch } = round;
    if selector.shards().is_none() {
        // There is nothing to ask for, and nothing is all there is.
        let health = Health { synced: true, ..Health::default() };
        let end = Change::End { resource_version: position.clone() };
        let begin = Change::Begin { cause: if first { Cause::Start } else { Cause::Shards } };
        consumer.tell(vec![begin, end], &health);
        *complete = Some(selector.clone());
        shardings.change(watch, |sharding| sharding.complete = true);
        return std::future::pending().await;
    }
    let source = make(selector);
    let seed = source.outside().random();
    let mut filter = Filter::new(selector.clone());
    let mut follower = Follower::new(source, config.clone(), after, seed);
    // A watch does not say whether the server heeds shards; a list does.
    let mut asking = std::pin::pin!(asked(make(selector)));
    let mut answered = false;
    let mut foreign = 0;
    // What is told of objects in a complete state on its way says nothing about how far the cache is.
    let mut within_state = false;
    loop {
        let changes = tokio::select! {
            biased;
            changes = follower.next() => changes,
            by = &mut asking, if !answered => {
                answered = true;
                shardings.change(watch, |sharding| {
                    if let Some(by) = by && foreign == 0 {
                        sharding.filtered_by = by;
                    }
                });
                continue;
            }
        };
        let mut changes = filter.pass(changes);
        for change in &mut changes {
            match change {
                Change::Begin { cause } => {
                    within_state = true;
                    if !first && *cause == Cause::Start {
                        *cause = Cause::Shards;
                    }
                }
                Change::End { resource_version } => {
                    within_state = false;
                    position.clone_from(resource_version);
                    *complete = Some(selector.clone());
                }
                _ if within_state => {}
                Change::Applied(object) | Change::Deleted(Gone::Object(object)) => {
                    *position = object.resource_version().into();
                }
                Change::Bookmark { resource_version } => position.clone_from(resource_version),
                _ => {}
            }
        }
        let mut health = follower.health().clone();
        // There was a complete state of what was wanted then.
        health.synced |= !first;
        consumer.tell(changes, &health);
        let more = filter.foreign() - std::mem::replace(&mut foreign, filter.foreign());
        let is_complete = complete.as_ref() == Some(selector);
        shardings.change(watch, |sharding| {
            sharding.foreign += more;
            sharding.complete |= is_complete;
            if more > 0 {
                sharding.filtered_by = FilteredBy::Here;
            }
        });
    }
}

/// What the server says of a list of one object.
async fn asked(source: Source) -> Option<FilteredBy> {
    /// What every list has.
    #[derive(Clone, Default, PartialEq)]
    struct Any {
        metadata: ListMeta,
        __unknown: k8s_api::unknown::Unknown,
    }
    k8s_api::table! { Any, "list", None;
        0 metadata: field("metadata", 1),
    }
    let bytes = source.first().await.ok()?;
    let any: Any = k8s_api::codec::json::decode(&bytes).ok()?;
    Some(if any.metadata.shard_info.is_some() { FilteredBy::Server } else { FilteredBy::Here })
}
