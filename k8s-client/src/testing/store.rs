//! Where objects are: each as the bytes of its JSON, under one counter of revisions, with the changes of late for watches and
//! for reads of the past.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use super::failure::Failure;

/// Namespace and name, in the order of a list: that of `namespace/name`, as etcd has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Key(pub(crate) String, pub(crate) String);

impl Ord for Key {
    fn cmp(&self, other: &Key) -> Ordering {
        let namespaces = self.0.bytes().chain([b'/']).cmp(other.0.bytes().chain([b'/']));
        namespaces.then_with(|| self.1.cmp(&other.1))
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Key) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// An object in one of its states. It is never changed.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) key: Key,
    pub(crate) uid: String,
    pub(crate) version: u64,
    pub(crate) labels: BTreeMap<String, String>,
    /// The uids of its owners.
    pub(crate) owners: Vec<String>,
    pub(crate) going: bool,
    /// As the kind has it that it is stored as, without `kind` and `apiVersion`: lists leave them out.
    pub(crate) json: Bytes,
}

impl Object {
    fn new(value: &Value, version: u64) -> Object {
        let metadata = &value["metadata"];
        let text = |name: &str| metadata[name].as_str().unwrap_or_default().to_owned();
        let labels = metadata["labels"].as_object().into_iter().flatten();
        let owners = metadata["ownerReferences"].as_array().into_iter().flatten();
        Object {
            key: Key(text("namespace"), text("name")),
            uid: text("uid"),
            version,
            labels: labels
                .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
                .collect(),
            owners: owners.filter_map(|owner| Some(owner["uid"].as_str()?.to_owned())).collect(),
            going: metadata["deletionTimestamp"].is_string(),
            json: Bytes::from(value.to_string()),
        }
    }

    pub(crate) fn value(&self) -> Value {
        // It was written by us.
        serde_json::from_slice(&self.json).unwrap_or_default()
    }
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Added,
    Modified,
    Deleted,
}

impl Event {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Event::Added => "ADDED",
            Event::Modified => "MODIFIED",
            Event::Deleted => "DELETED",
        }
    }
}

/// One step of the history.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) revision: u64,
    /// Of the kind that it is stored as.
    pub(crate) kind: usize,
    pub(crate) event: Event,
    /// As it is now; of what was deleted, as it was last, in the version of its end.
    pub(crate) object: Arc<Object>,
    pub(crate) before: Option<Arc<Object>>,
}

/// All objects of one kind.
pub(crate) type Table = BTreeMap<Key, Arc<Object>>;

/// What somebody who cleans up has to look at.
#[derive(Clone, Debug)]
pub(crate) enum Touched {
    /// Somebody's owner may be gone.
    Removed(String),
    /// It has owners, who may never have been there.
    Owned(usize, Key),
}

/// All objects, and what happened to them.
#[derive(Debug)]
pub(crate) struct Store {
    revision: u64,
    tables: HashMap<usize, Table>,
    history: VecDeque<Change>,
    /// Changes up to this revision are forgotten.
    forgotten: u64,
    kept: usize,
    /// What is deleted and still there, since something holds it.
    going: BTreeSet<(usize, Key)>,
    /// What was removed or put under an owner since it was asked the last time.
    touched: Vec<Touched>,
    places: HashMap<String, (usize, Key)>,
    owned: HashMap<String, Vec<(usize, Key)>>,
}

/// For tables that nothing was ever put into.
static EMPTY: Table = Table::new();

impl Store {
    pub(crate) fn new(kept: usize) -> Store {
        Store {
            revision: 1,
            tables: HashMap::new(),
            history: VecDeque::new(),
            forgotten: 1,
            kept,
            going: BTreeSet::new(),
            touched: Vec::new(),
            places: HashMap::new(),
            owned: HashMap::new(),
        }
    }

    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// The oldest revision that a watch can go on from.
    pub(crate) fn oldest(&self) -> u64 {
        self.forgotten
    }

    pub(crate) fn table(&self, kind: usize) -> &Table {
        self.tables.get(&kind).unwrap_or(&EMPTY)
    }

    pub(crate) fn kinds(&self) -> Vec<usize> {
        let mut kinds: Vec<usize> = self.tables.keys().copied().collect();
        kinds.sort_unstable();
        kinds
    }

    pub(crate) fn get(&self, kind: usize, key: &Key) -> Option<&Arc<Object>> {
        self.table(kind).get(key)
    }

    pub(crate) fn by_uid(&self, uid: &str) -> Option<(usize, &Arc<Object>)> {
        let (kind, key) = self.places.get(uid)?;
        Some((*kind, self.get(*kind, key)?))
    }

    /// What refers to an object of this uid as its owner.
    pub(crate) fn owned_by(&self, uid: &str) -> Vec<(usize, Key)> {
        self.owned.get(uid).cloned().unwrap_or_default()
    }

    /// What is deleted and still there.
    pub(crate) fn going(&self) -> Vec<(usize, Key)> {
        self.going.iter().cloned().collect()
    }

    pub(crate) fn take_touched(&mut self) -> Vec<Touched> {
        std::mem::take(&mut self.touched)
    }

    /// The objects of a kind as they were.
    pub(crate) fn table_at(&self, kind: usize, revision: u64) -> Result<Table, Failure> {
        if revision < self.forgotten {
            return Err(Failure::expired("The resourceVersion for the provided list is too old."));
        }
        let mut table = self.table(kind).clone();
        for change in self.history.iter().rev().take_while(|change| change.revision > revision) {
            if change.kind != kind {
                continue;
            }
            match &change.before {
                Some(before) => _ = table.insert(before.key.clone(), before.clone()),
                None => _ = table.remove(&change.object.key),
            }
        }
        Ok(table)
    }

    /// What happened to a kind after a revision, or to all kinds.
    pub(crate) fn changes_after(&self, kind: usize, revision: u64) -> Result<Vec<Change>, Failure> {
        if revision < self.forgotten {
            return Err(Failure::too_old(revision, self.forgotten));
        }
        let first = self.history.partition_point(|change| change.revision <= revision);
        Ok(self.history.range(first..).filter(|change| change.kind == kind).cloned().collect())
    }

    /// Puts an object where its name says, in a new version, which is written into it.
    pub(crate) fn put(&mut self, kind: usize, mut value: Value) -> Arc<Object> {
        self.revision += 1;
        value["metadata"]["resourceVersion"] = self.revision.to_string().into();
        if let Some(fields) = value.as_object_mut() {
            fields.remove("kind");
            fields.remove("apiVersion");
        }
        let object = Arc::new(Object::new(&value, self.revision));
        let place = (kind, object.key.clone());
        if object.going {
            self.going.insert(place.clone());
        }
        if !object.owners.is_empty() {
            self.touched.push(Touched::Owned(kind, object.key.clone()));
        }
        let before = self.tables.entry(kind).or_default().insert(object.key.clone(), object.clone());
        if let Some(before) = &before {
            self.forget_owners(kind, before);
        }
        self.places.insert(object.uid.clone(), place);
        for owner in &object.owners {
            self.owned.entry(owner.clone()).or_default().push((kind, object.key.clone()));
        }
        let event = if before.is_some() { Event::Modified } else { Event::Added };
        self.remember(Change { revision: self.revision, kind, event, object: object.clone(), before });
        object
    }

    /// Takes an object out. Watches hear of its last state, in the version of its end.
    pub(crate) fn remove(&mut self, kind: usize, key: &Key) -> Option<Arc<Object>> {
        let before = self.tables.get_mut(&kind)?.remove(key)?;
        self.forget_owners(kind, &before);
        self.places.remove(&before.uid);
        self.going.remove(&(kind, key.clone()));
        self.touched.push(Touched::Removed(before.uid.clone()));
        self.revision += 1;
        let mut value = before.value();
        value["metadata"]["resourceVersion"] = self.revision.to_string().into();
        let object = Arc::new(Object::new(&value, self.revision));
        let (revision, event) = (self.revision, Event::Deleted);
        self.remember(Change { revision, kind, event, object: object.clone(), before: Some(before) });
        Some(object)
    }

    fn forget_owners(&mut self, kind: usize, object: &Object) {
        for owner in &object.owners {
            if let Some(owned) = self.owned.get_mut(owner) {
                owned.retain(|(known, key)| (*known, key) != (kind, &object.key));
                if owned.is_empty() {
                    self.owned.remove(owner);
                }
            }
        }
    }

    fn remember(&mut self, change: Change) {
        self.history.push_back(change);
        while self.history.len() > self.kept {
            if let Some(oldest) = self.history.pop_front() {
                self.forgotten = oldest.revision;
            }
        }
    }

    /// Forgets everything that has happened.
    pub(crate) fn forget(&mut self) {
        // A version that somebody has by now is to be too old.
        self.revision += 1;
        self.history.clear();
        self.forgotten = self.revision;
    }
}
