//! A change that is made to every object that was read, before anybody else sees it.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::error::DecodeError;
use crate::kind::Resource;

/// Whatever the kind.
#[derive(Clone)]
pub(super) struct Transform(Arc<Change>);

type Change = dyn Fn(&mut dyn Any) -> Result<(), DecodeError> + Send + Sync;

impl fmt::Debug for Transform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transform")
    }
}

impl Transform {
    pub(super) fn new<K: Resource>(change: impl Fn(&mut K) + Send + Sync + 'static) -> Transform {
        Transform(Arc::new(move |object| match object.downcast_mut::<K>() {
            Some(object) => apply(object, &change),
            None => Ok(()),
        }))
    }

    pub(super) fn apply(&self, object: &mut dyn Any) -> Result<(), DecodeError> {
        (self.0)(object)
    }
}

fn apply<K: Resource>(object: &mut K, change: &impl Fn(&mut K)) -> Result<(), DecodeError> {
    let identity = |object: &K| {
        let metadata = object.metadata();
        [&metadata.name, &metadata.namespace, &metadata.uid, &metadata.resource_version].map(Clone::clone)
    };
    let before = identity(object);
    // A bookmark comes as an object that has nothing but a version.
    if before[0].is_empty() {
        return Ok(());
    }
    if catch_unwind(AssertUnwindSafe(|| change(object))).is_err() {
        return Err(DecodeError::new("the transform panicked on this object", 0));
    }
    let names = ["name", "namespace", "uid", "resourceVersion"];
    let after = identity(object);
    match names.iter().zip(before.iter().zip(&after)).find(|(_, (before, after))| before != after) {
        Some((name, _)) => {
            let error = DecodeError::new("the transform changed what tells this object from others", 0);
            Err(error.in_field(name).in_field("metadata"))
        }
        None => Ok(()),
    }
}
