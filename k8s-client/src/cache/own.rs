//! Stores of people's own.

use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use k8s_api::Resource;

use crate::watch::{Held, into_kind};

/// A store of objects of one kind: a database, a structure made for one question, a double in a test. [`Builder::fill`] keeps
/// one equal to what an informer knows; [`Memory`](super::Memory) is the one that comes with this crate.
///
/// Changes come one after the other, in the server's order for each object. **A new complete state is
/// [`replace`](Self::replace):** after the first list, and after each one that had to be read anew, everything is given in one call. A
/// store whose readers must never see half of it swaps it in there, in one step; a store that leaves the method as it is shows its
/// readers how it is emptied and filled.
///
/// What fills a store waits for it, so a method must not block. A store that panics is told no more, and nobody else is concerned.
///
/// ```
/// use std::collections::BTreeMap;
/// use std::sync::{Arc, Mutex};
///
/// use k8s_api::core::v1::Pod;
/// use k8s_client::cache::Store;
///
/// /// Pods by address.
/// #[derive(Default)]
/// struct ByAddress(Mutex<BTreeMap<String, Arc<Pod>>>);
///
/// impl Store<Pod> for ByAddress {
///     fn get(&self, namespace: &str, name: &str) -> Option<Arc<Pod>> {
///         let is = |pod: &&Arc<Pod>| pod.metadata.namespace == namespace && pod.metadata.name == name;
///         self.0.lock().unwrap().values().find(is).cloned()
///     }
///     fn list(&self) -> Vec<Arc<Pod>> {
///         self.0.lock().unwrap().values().cloned().collect()
///     }
///     fn by_index(&self, index: &str, key: &str) -> Option<Vec<Arc<Pod>>> {
///         (index == "address").then(|| self.0.lock().unwrap().get(key).cloned().into_iter().collect())
///     }
///     fn add(&self, pod: Arc<Pod>) {
///         self.0.lock().unwrap().insert(pod.status.pod_ip.to_string(), pod);
///     }
///     fn update(&self, old: &Pod, pod: Arc<Pod>) {
///         self.delete(old);
///         self.add(pod);
///     }
///     fn delete(&self, pod: &Pod) {
///         self.0.lock().unwrap().remove(pod.status.pod_ip.as_str());
///     }
///     fn clear(&self) {
///         self.0.lock().unwrap().clear();
///     }
/// }
/// ```
///
/// [`Builder::fill`]: super::Builder::fill
pub trait Store<K>: Send + Sync + 'static {
    /// The object of this name. The namespace of an object of the whole cluster is empty.
    fn get(&self, namespace: &str, name: &str) -> Option<Arc<K>>;
    /// All objects.
    fn list(&self) -> Vec<Arc<K>>;
    /// The objects with a key in an index of this name; `None` if there is no such index.
    fn by_index(&self, index: &str, key: &str) -> Option<Vec<Arc<K>>>;
    /// An object that was not there.
    fn add(&self, object: Arc<K>);
    /// An object in place of the one that was there, which has the same name.
    fn update(&self, old: &K, object: Arc<K>);
    /// An object that is gone, in the state that it was there in.
    fn delete(&self, object: &K);
    /// Removes everything.
    fn clear(&self);
    /// Puts these in the place of everything.
    fn replace(&self, objects: Vec<Arc<K>>) {
        self.clear();
        objects.into_iter().for_each(|object| self.add(object));
    }
}

/// A change of one object: what was there, and what is there now.
pub(super) type Changed = (Option<Held>, Option<Held>);

/// A store whatever its kind.
pub(super) trait AnyStore: Send + Sync {
    fn change(&self, changed: Changed);
    fn replace(&self, objects: &mut dyn Iterator<Item = &Held>);
}

pub(super) struct Own<K, S> {
    pub(super) store: Arc<S>,
    pub(super) kind: PhantomData<fn(K)>,
}

impl<K: Resource, S: Store<K>> AnyStore for Own<K, S> {
    fn change(&self, (old, new): Changed) {
        let old = old.as_ref().and_then(|old| old.as_kind::<K>());
        match (old, new.and_then(into_kind)) {
            (None, Some(new)) => self.store.add(new),
            (Some(old), Some(new)) => self.store.update(old, new),
            (Some(old), None) => self.store.delete(old),
            (None, None) => {}
        }
    }

    fn replace(&self, objects: &mut dyn Iterator<Item = &Held>) {
        self.store.replace(objects.filter_map(|object| into_kind(object.clone())).collect());
    }
}

/// Tells all stores; those that panic are told no more.
pub(super) fn tell(stores: &mut Vec<Box<dyn AnyStore>>, what: impl Fn(&dyn AnyStore)) {
    stores.retain(|store| {
        let told = catch_unwind(AssertUnwindSafe(|| what(&**store)));
        if told.is_err() {
            tracing::error!(
                "a store of the program's own panicked: it is told no more, and what is in it grows old"
            );
        }
        told.is_ok()
    });
}
