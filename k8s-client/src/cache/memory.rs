//! The store of this crate, for those who write to it themselves.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use k8s_api::Resource;
use k8s_api::text::Str;

use super::index::Index;
use super::own::Store;
use super::snapshot::Snapshot;
use super::store::{Builder, Reader, Writer};
use crate::error::Result;
use crate::watch::Held;

/// A [`Store`] in memory. Readers take no lock, and a [snapshot](Self::snapshot) stays as it is.
///
/// ```
/// use std::sync::Arc;
///
/// use k8s_api::core::v1::Pod;
/// use k8s_client::cache::{Memory, Store as _};
///
/// let pods = Memory::<Pod>::new([("node", "spec.nodeName")])?;
/// let mut pod = Pod::default();
/// pod.metadata.name = "web-0".into();
/// pod.spec.node_name = "node-0".into();
/// pods.add(Arc::new(pod));
/// assert_eq!(pods.by_index("node", "node-0").unwrap().len(), 1);
/// assert!(pods.by_index("zone", "a").is_none());
/// # Ok::<(), k8s_client::Error>(())
/// ```
pub struct Memory<K> {
    writer: Mutex<Writer>,
    reader: Reader<K>,
    indexes: Vec<(String, Index<K, Str>)>,
}

impl<K: Resource> Memory<K> {
    /// An empty store with indexes: the name of each, and the [path](Builder::index_path) to its keys.
    pub fn new<'a>(indexes: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self> {
        let mut builder = Builder::new();
        let index = |(name, path): (&str, &str)| Ok((name.to_owned(), builder.index_path(path)?));
        let indexes = indexes.into_iter().map(index).collect::<Result<_>>()?;
        let (writer, reader) = builder.build();
        Ok(Memory { writer: Mutex::new(writer), reader, indexes })
    }

    /// All objects at this moment.
    pub fn snapshot(&self) -> Snapshot<K> {
        self.reader.snapshot()
    }

    fn write(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Resource> Store<K> for Memory<K> {
    fn get(&self, namespace: &str, name: &str) -> Option<Arc<K>> {
        self.reader.get(namespace, name)
    }

    fn list(&self) -> Vec<Arc<K>> {
        self.snapshot().iter().shared().collect()
    }

    fn by_index(&self, index: &str, key: &str) -> Option<Vec<Arc<K>>> {
        let (_, index) = self.indexes.iter().find(|(name, _)| name == index)?;
        Some(self.snapshot().by(index, key).shared().collect())
    }

    fn add(&self, object: Arc<K>) {
        self.write().batch(|draft| draft.put(object));
    }

    fn update(&self, _: &K, object: Arc<K>) {
        self.add(object);
    }

    fn delete(&self, object: &K) {
        let metadata = object.metadata();
        self.write().batch(|draft| draft.delete(&metadata.namespace, &metadata.name));
    }

    fn clear(&self) {
        self.replace(Vec::new());
    }

    fn replace(&self, objects: Vec<Arc<K>>) {
        let mut writer = self.write();
        let mut draft = writer.draft();
        objects.into_iter().for_each(|object| drop(draft.put(object as Held)));
        writer.replace(draft);
    }
}

impl<K> fmt::Debug for Memory<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("reader", &self.reader).finish_non_exhaustive()
    }
}
