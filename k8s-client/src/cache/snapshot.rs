//! The state of a store at one moment, for those who know the kind.

use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

use k8s_api::Resource;

use super::index::Index;
use super::ordered::OrderedIndex;
use super::state::{Helds, State};
use crate::select::Selector;
use crate::watch::{Held, ResourceVersion, into_kind};

/// All objects at one moment. It never changes, and shares with other snapshots what is the same in them. To take or to clone one costs
/// the same however many objects there are; while it is held, what is in it stays in memory.
pub struct Snapshot<K> {
    pub(super) state: Arc<State>,
    kind: PhantomData<fn() -> K>,
}

impl<K> Snapshot<K> {
    pub(super) fn new(state: Arc<State>) -> Self {
        Self { state, kind: PhantomData }
    }

    /// The version of the collection, once it is known: every change up to it is in here.
    pub fn resource_version(&self) -> Option<&ResourceVersion> {
        self.state.resource_version.as_ref()
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.state.order.len()
    }

    /// Whether there are no objects.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<K: Resource> Snapshot<K> {
    /// The object of this name. The namespace of an object of the whole cluster is empty.
    #[inline]
    pub fn get(&self, namespace: &str, name: &str) -> Option<&K> {
        self.state.get(namespace, name)?.as_kind()
    }

    /// The object of this name, to keep.
    #[inline]
    pub fn get_shared(&self, namespace: &str, name: &str) -> Option<Arc<K>> {
        into_kind(self.state.get(namespace, name)?.clone())
    }

    /// All objects, by namespace and name.
    #[inline]
    pub fn iter(&self) -> Objects<'_, K> {
        Objects::new(self.state.iter())
    }

    /// The objects of a namespace, by name.
    #[inline]
    pub fn namespace(&self, namespace: &str) -> Objects<'_, K> {
        self.prefix(namespace, "")
    }

    /// The objects of a namespace whose names begin so, by name.
    #[inline]
    pub fn prefix(&self, namespace: &str, prefix: &str) -> Objects<'_, K> {
        Objects::new(self.state.prefix(namespace, prefix))
    }

    /// The objects with a key, by namespace and name.
    ///
    /// With an index of another store the answer is the same, but every object has to be looked at.
    #[inline]
    pub fn by<Key, Q>(&self, index: &Index<K, Key>, key: &Q) -> Objects<'_, K>
    where
        Key: Borrow<Q> + 'static,
        Q: Hash + Eq + ?Sized,
    {
        Objects::new(index.find(&self.state, key))
    }

    /// The objects whose keys begin with these parts, by key, namespace and name; one with several such keys comes as often.
    ///
    /// ```
    /// use k8s_api::core::v1::Pod;
    /// use k8s_client::cache::Builder;
    /// # use std::sync::Arc;
    ///
    /// let mut builder = Builder::<Pod>::new();
    /// let by_node = builder.index_by(|pod| [pod.metadata.namespace.clone(), pod.spec.node_name.clone()]);
    /// let (mut writer, reader) = builder.build();
    /// # let mut pod = Pod::default();
    /// # pod.metadata.namespace = "web".into();
    /// # pod.spec.node_name = "node-0".into();
    /// # writer.batch(|draft| draft.put(Arc::new(pod)));
    /// let pods = reader.snapshot();
    /// assert_eq!(pods.under(&by_node, ["web"]).count(), 1);
    /// assert_eq!(pods.under(&by_node, ["web", "node-0"]).count(), 1);
    /// assert_eq!(pods.starting(&by_node, ["web"], "node-").count(), 1);
    /// ```
    ///
    /// More parts than the keys have don't compile. With an index of another store the answer is the same, but every object has to be looked
    /// at.
    #[inline]
    pub fn under<const N: usize, const M: usize>(
        &self,
        index: &OrderedIndex<K, N>,
        first: [&str; M],
    ) -> Objects<'_, K> {
        const { assert!(M <= N, "the keys of this index have fewer parts") }
        Objects::new(index.find(&self.state, &first, ""))
    }

    /// The objects whose keys begin with these parts and have a next one that begins so; as [`under`](Self::under) otherwise.
    #[inline]
    pub fn starting<const N: usize, const M: usize>(
        &self,
        index: &OrderedIndex<K, N>,
        first: [&str; M],
        next: &str,
    ) -> Objects<'_, K> {
        const { assert!(M < N, "the keys of this index have no further part") }
        Objects::new(index.find(&self.state, &first, next))
    }

    /// The objects that a selector means, by namespace and name. Each is looked at when it is its turn.
    ///
    /// ```
    /// # use k8s_api::core::v1::Pod;
    /// # let (_, reader) = k8s_client::cache::Builder::<Pod>::new().build();
    /// use k8s_client::select::Labels;
    ///
    /// let front = Labels::parse("tier in (web,api)")?;
    /// for pod in reader.snapshot().select(&front) {
    ///     println!("{}", pod.metadata.name);
    /// }
    /// # Ok::<(), k8s_client::Error>(())
    /// ```
    pub fn select<'a>(&'a self, selector: &'a impl Selector<K>) -> impl Iterator<Item = &'a K> {
        self.iter().filter(|object| selector.matches(object))
    }
}

impl<K> Clone for Snapshot<K> {
    fn clone(&self) -> Self {
        Self::new(self.state.clone())
    }
}

impl<K> fmt::Debug for Snapshot<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Snapshot");
        debug
            .field("resource_version", &self.resource_version())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

impl<'a, K: Resource> IntoIterator for &'a Snapshot<K> {
    type Item = &'a K;
    type IntoIter = Objects<'a, K>;

    fn into_iter(self) -> Objects<'a, K> {
        self.iter()
    }
}

/// Objects of a snapshot.
pub struct Objects<'a, K> {
    helds: Helds<'a>,
    kind: PhantomData<&'a K>,
}

impl<'a, K: Resource> Objects<'a, K> {
    pub(super) fn new(helds: Helds<'a>) -> Self {
        Self { helds, kind: PhantomData }
    }

    /// The same objects, to keep.
    #[inline]
    pub fn shared(self) -> impl Iterator<Item = Arc<K>> + 'a {
        self.helds.filter_map(|held| into_kind(Held::clone(held)))
    }
}

impl<'a, K: Resource> Iterator for Objects<'a, K> {
    type Item = &'a K;

    #[inline]
    fn next(&mut self) -> Option<&'a K> {
        self.helds.find_map(|held| held.as_kind())
    }
}

impl<K> fmt::Debug for Objects<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Objects").finish_non_exhaustive()
    }
}
