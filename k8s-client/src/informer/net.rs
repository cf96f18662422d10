//! What is different since it was last asked, by key.

use std::collections::HashMap;

use crate::watch::{Key, Object};

/// The difference between two states of a store, however many changes lie between them. It costs an entry for each key.
#[derive(Debug, Default)]
pub(crate) struct Net {
    fates: HashMap<Key, Fate>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Created,
    Modified,
    Deleted,
    /// Deleted, and another one has its name.
    Replaced,
}

impl Net {
    pub(crate) fn is_empty(&self) -> bool {
        self.fates.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.fates.len()
    }

    /// The object is there in a new state; `created` if it was not there just before.
    pub(crate) fn applied(&mut self, object: &impl Object, created: bool) {
        let fate = match self.fates.get(&key(object)) {
            None if created => Fate::Created,
            None => Fate::Modified,
            Some(Fate::Deleted) => Fate::Replaced,
            Some(fate) => *fate,
        };
        self.fates.insert(key(object), fate);
    }

    pub(crate) fn deleted(&mut self, object: &impl Object) {
        let key = key(object);
        // What was only there meanwhile makes no difference.
        if self.fates.get(&key) == Some(&Fate::Created) {
            self.fates.remove(&key);
        } else {
            self.fates.insert(key, Fate::Deleted);
        }
    }

    /// Created, modified and deleted keys, each in order, and begins anew.
    pub(crate) fn take(&mut self) -> [Vec<Key>; 3] {
        let [mut created, mut modified, mut deleted] = [const { Vec::new() }; 3];
        for (key, fate) in self.fates.drain() {
            match fate {
                Fate::Created => created.push(key),
                Fate::Modified => modified.push(key),
                Fate::Deleted => deleted.push(key),
                Fate::Replaced => {
                    created.push(key.clone());
                    deleted.push(key);
                }
            }
        }
        let mut all = [created, modified, deleted];
        all.iter_mut().for_each(|keys| keys.sort_unstable());
        all
    }
}

fn key(object: &impl Object) -> Key {
    Key { namespace: object.namespace().to_owned(), name: object.name().to_owned() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use k8s_api::core::v1::ConfigMap;
    use proptest::prelude::*;

    use super::{Key, Net};

    fn object(name: &str, uid: u64) -> ConfigMap {
        let mut object = ConfigMap::default();
        object.metadata.name = name.into();
        object.metadata.uid = uid.to_string().into();
        object
    }

    /// Name to identity and version.
    type State = BTreeMap<&'static str, (u64, u64)>;

    fn difference(old: &State, new: &State) -> [Vec<Key>; 3] {
        let keys = |names: Vec<&&str>| {
            let key = |name: &&str| Key { namespace: String::new(), name: (*name).to_owned() };
            names.into_iter().map(key).collect::<Vec<_>>()
        };
        let same = |a: &State, name: &str, uid: u64| a.get(name).is_some_and(|it| it.0 == uid);
        let created = new.iter().filter(|(name, it)| !same(old, name, it.0)).map(|(name, _)| name);
        let deleted = old.iter().filter(|(name, it)| !same(new, name, it.0)).map(|(name, _)| name);
        let modified = new.iter().filter(|(name, it)| same(old, name, it.0) && old[*name] != **it);
        [created.collect(), modified.map(|(name, _)| name).collect(), deleted.collect()].map(keys)
    }

    proptest! {
        #[test]
        fn it_is_the_difference_of_two_states(steps in proptest::collection::vec((0..3_usize, 0..4_u8), 0..60)) {
            let (mut old, mut new) = (State::new(), State::new());
            let mut net = Net::default();
            for (version, (name, what)) in steps.into_iter().enumerate() {
                let (version, name) = (version as u64, ["a", "b", "c"][name]);
                match (what, new.get(name).copied()) {
                    (0, _) => {
                        prop_assert_eq!(net.is_empty(), difference(&old, &new) == [const { Vec::new() }; 3]);
                        prop_assert_eq!(net.take(), difference(&old, &new));
                        old = new.clone();
                    }
                    (1, Some((uid, _))) => {
                        new.remove(name);
                        net.deleted(&object(name, uid));
                    }
                    (1, None) => {}
                    (_, before) => {
                        let uid = before.map_or(version, |(uid, _)| uid);
                        new.insert(name, (uid, version));
                        net.applied(&object(name, uid), before.is_none());
                    }
                }
            }
            prop_assert_eq!(net.take(), difference(&old, &new));
        }
    }
}
