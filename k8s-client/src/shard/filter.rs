//! What a watch tells, without the objects of other shards.
//!
//! The server may send objects of other shards whatever it is asked for, so everything that comes is looked at. Each change can be judged
//! alone, since an object never moves: neither its `uid` nor its namespace ever changes. What is made again under the same name is another object, and
//! the deletion of the old one is told before.

use crate::watch::{Change, Gone, Held, ResourceVersion};

use super::selector::ShardSelector;

/// Drops what is foreign. The versions of foreign changes still count, so that the state of these shards is known to be
/// as new as the last event.
#[derive(Debug)]
pub(crate) struct Filter {
    selector: ShardSelector,
    /// Whether a complete state is on the way: its end has the version of all.
    within_state: bool,
    foreign: u64,
}

impl Filter {
    pub(crate) fn new(selector: ShardSelector) -> Self {
        Self { selector, within_state: false, foreign: 0 }
    }

    /// How many objects were dropped.
    pub(crate) fn foreign(&self) -> u64 {
        self.foreign
    }

    /// What is left of a step. Several foreign changes leave at most one bookmark.
    pub(crate) fn pass(&mut self, changes: Vec<Change<Held>>) -> Vec<Change<Held>> {
        let mut left = Vec::with_capacity(changes.len());
        let mut reached = None;
        for change in changes {
            match &change {
                Change::Begin { .. } => self.within_state = true,
                Change::End { .. } => self.within_state = false,
                Change::Applied(object) | Change::Deleted(Gone::Object(object)) => {
                    if !self.selector.matches(object.metadata()) {
                        self.foreign += 1;
                        if !self.within_state {
                            reached = Some(ResourceVersion::from(object.resource_version()));
                        }
                        continue;
                    }
                }
                Change::Bookmark { .. } => {}
                // Of a name alone the shard is not known. That of a foreign object is not in the store, so it does no harm there.
                Change::Deleted(Gone::Key(_)) | Change::Quarantined(_) => {
                    left.push(change);
                    continue;
                }
            }
            // What follows has a later version.
            reached = None;
            left.push(change);
        }
        left.extend(reached.map(|resource_version| Change::Bookmark { resource_version }));
        left
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use k8s_api::core::v1::ConfigMap;
    use proptest::prelude::*;

    use super::super::ranges::{By, Shards};
    use super::*;
    use crate::watch::{Cause, Key};

    fn object(uid: u64, version: u64) -> Held {
        let mut object = ConfigMap::default();
        object.metadata.name = format!("n{}", uid % 3).into();
        object.metadata.uid = format!("uid-{uid}").into();
        object.metadata.resource_version = version.to_string().into();
        Arc::new(object)
    }

    fn selector() -> ShardSelector {
        ShardSelector::new(Shards::split(2).take(1).collect(), By::Uid)
    }

    /// The objects by uid, and the version: what a consumer makes of it.
    #[derive(Debug, Default, PartialEq)]
    struct Model {
        objects: std::collections::BTreeMap<String, String>,
        version: String,
    }

    impl Model {
        fn apply(&mut self, changes: &[Change<Held>], keep: impl Fn(&Held) -> bool) {
            for change in changes {
                match change {
                    Change::Begin { .. } => self.objects.clear(),
                    Change::Applied(object) => {
                        if keep(object) {
                            let metadata = object.metadata();
                            self.objects
                                .insert(metadata.uid.to_string(), metadata.resource_version.to_string());
                        }
                        self.version = object.resource_version().to_owned();
                    }
                    Change::Deleted(Gone::Object(object)) => {
                        self.objects.remove(object.metadata().uid.as_str());
                        self.version = object.resource_version().to_owned();
                    }
                    Change::Bookmark { resource_version } | Change::End { resource_version } => {
                        self.version = resource_version.as_str().to_owned();
                    }
                    Change::Deleted(Gone::Key(_)) | Change::Quarantined(_) => {}
                }
            }
        }
    }

    proptest! {
        /// Whatever comes in whatever steps: the state is that of the shards alone, and as new as that of all.
        #[test]
        fn it_is_the_state_without_the_foreign_objects(
            steps in proptest::collection::vec(proptest::collection::vec((0..6_u8, 0..8_u64), 0..8), 0..12),
        ) {
            let mut filter = Filter::new(selector());
            let (mut all, mut mine) = (Model::default(), Model::default());
            let (mut version, mut within, mut foreign) = (0, false, 0);
            for step in steps {
                let mut changes = Vec::new();
                for (what, uid) in step {
                    version += 1;
                    changes.push(match what {
                        0 if !within => { within = true; Change::Begin { cause: Cause::Expired } }
                        0 => { within = false; Change::End { resource_version: version.to_string().into() } }
                        1 => Change::Bookmark { resource_version: version.to_string().into() },
                        2 => Change::Deleted(Gone::Object(object(uid, version))),
                        _ => Change::Applied(object(uid, version)),
                    });
                    foreign += u64::from(what > 1 && !selector().matches(object(uid, version).metadata()));
                }
                all.apply(&changes, |object| selector().matches(object.metadata()));
                let bookmarks = |changes: &[Change<Held>]| {
                    changes.iter().filter(|change| matches!(change, Change::Bookmark { .. })).count()
                };
                let before = bookmarks(&changes);
                let left = filter.pass(changes);
                prop_assert!(bookmarks(&left) <= before + 1);
                mine.apply(&left, |_| true);
                prop_assert_eq!(&mine.objects, &all.objects);
                if !within {
                    prop_assert_eq!(&mine.version, &all.version);
                }
            }
            prop_assert_eq!(filter.foreign(), foreign);
        }
    }

    #[test]
    fn what_has_no_shard_is_passed_on() {
        let mut filter = Filter::new(ShardSelector::new(Shards::none(), By::Uid));
        let key = Key { namespace: "a".to_owned(), name: "b".to_owned() };
        let changes = vec![Change::Applied(object(1, 5)), Change::Deleted(Gone::Key(key.clone()))];
        let left = filter.pass(changes);
        let [Change::Deleted(Gone::Key(left)), Change::Bookmark { resource_version }] = &left[..] else {
            panic!("{left:?}")
        };
        assert_eq!((left, resource_version.as_str()), (&key, "5"));
    }
}
