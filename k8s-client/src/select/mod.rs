//! Selectors, evaluated here as the server evaluates them.
//!
//! [`Labels`] are the label selectors of the API, [`Fields`] the field selectors: the server knows a few fields of each kind, here any
//! path of the type will do. Both are read from text, and refuse what the server refuses, with the place and what should stand there.
//!
//! ```
//! use k8s_api::core::v1::Pod;
//! use k8s_client::select::{Fields, Labels, Selector};
//!
//! let mut pod = Pod::default();
//! pod.metadata.labels.insert("app".into(), "api".into());
//! pod.spec.node_name = "node-0".into();
//!
//! assert!(Labels::parse("app in (api,web),!legacy")?.matches(&pod));
//! assert!(Fields::<Pod>::parse("spec.nodeName=node-0,status.phase!=Failed")?.matches(&pod));
//!
//! let error = Labels::parse("app in api").unwrap_err();
//! assert_eq!(error.to_string(), "label selector `app in api`: expected `(` at byte 7, found `api`");
//! # Ok::<(), k8s_client::Error>(())
//! ```

mod fields;
mod labels;
mod names;
mod read;

pub use fields::Fields;
pub use labels::Labels;

/// Says which objects of a kind are meant. Two in a tuple mean what both mean.
pub trait Selector<K> {
    /// Whether the object is meant.
    fn matches(&self, object: &K) -> bool;
}

impl<K, A: Selector<K>, B: Selector<K>> Selector<K> for (A, B) {
    fn matches(&self, object: &K) -> bool {
        self.0.matches(object) && self.1.matches(object)
    }
}

impl<K, S: Selector<K> + ?Sized> Selector<K> for &S {
    fn matches(&self, object: &K) -> bool {
        (**self).matches(object)
    }
}

#[cfg(test)]
mod tests;
