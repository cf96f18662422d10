//! A change that is made to every object that was read, before anybody else sees it.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::error::DecodeError;
use crate::kind::Resource;
use crate::meta::v1::ObjectMeta;
use crate::text::Str;

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
    let before = identity(object.metadata_mut()).map(|part| part.clone());
    // A bookmark comes as an object that has nothing but a version.
    if before[0].is_empty() {
        return Ok(());
    }
    let panicked = catch_unwind(AssertUnwindSafe(|| change(object))).is_err();
    let mut changed = None;
    for (at, (now, before)) in identity(object.metadata_mut()).into_iter().zip(before).enumerate() {
        if *now != before {
            changed = changed.or(NAMES.get(at));
            // Whoever tells that it can't be read tells its name.
            *now = before;
        }
    }
    match (panicked, changed) {
        (true, _) => Err(DecodeError::new("the transform panicked on this object", 0)),
        (false, Some(name)) => {
            let error = DecodeError::new("the transform changed what tells this object from others", 0);
            Err(error.in_field(name).in_field("metadata"))
        }
        (false, None) => Ok(()),
    }
}

const NAMES: [&str; 4] = ["name", "namespace", "uid", "resourceVersion"];

fn identity(metadata: &mut ObjectMeta) -> [&mut Str; 4] {
    let ObjectMeta { name, namespace, uid, resource_version, .. } = metadata;
    [name, namespace, uid, resource_version]
}
