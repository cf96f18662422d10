//! Reading a cache, and nothing else.

use std::sync::Arc;

use k8s_api::Resource;

use crate::cache::Reader;
use crate::select::Selector;

/// Reads the objects of a [`Cache`](crate::Cache), for code that needs to know no more of it. It does not keep the watch going.
///
/// ```no_run
/// # fn f(cache: k8s_client::Cache<k8s_api::core::v1::Pod>) -> k8s_client::Result<()> {
/// use k8s_client::select::Labels;
///
/// let pods = cache.lister().namespaced("web");
/// let front = pods.list(&Labels::parse("tier in (web,api)")?);
/// let first = pods.get("web-0");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Lister<K>(Reader<K>);

impl<K: Resource> Lister<K> {
    pub(super) fn new(reader: Reader<K>) -> Self {
        Lister(reader)
    }

    /// One object; `namespace` is empty for what lives in none.
    pub fn get(&self, namespace: &str, name: &str) -> Option<Arc<K>> {
        self.0.get(namespace, name)
    }

    /// What a selector means, by namespace and name, all of the same moment.
    pub fn list(&self, selector: &impl Selector<K>) -> Vec<Arc<K>> {
        self.0.snapshot().iter().shared().filter(|object| selector.matches(object)).collect()
    }

    /// Reads one namespace.
    pub fn namespaced(&self, namespace: &str) -> NamespaceLister<K> {
        NamespaceLister { reader: self.0.clone(), namespace: namespace.to_owned() }
    }
}

/// Reads the objects of one namespace.
#[derive(Clone, Debug)]
pub struct NamespaceLister<K> {
    reader: Reader<K>,
    namespace: String,
}

impl<K: Resource> NamespaceLister<K> {
    /// One object.
    pub fn get(&self, name: &str) -> Option<Arc<K>> {
        self.reader.get(&self.namespace, name)
    }

    /// What a selector means, by name, all of the same moment.
    pub fn list(&self, selector: &impl Selector<K>) -> Vec<Arc<K>> {
        let objects = self.reader.snapshot();
        objects.namespace(&self.namespace).shared().filter(|object| selector.matches(object)).collect()
    }
}
