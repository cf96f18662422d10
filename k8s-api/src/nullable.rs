//! A value for which null says something else than being absent.

use crate::view::{OptionSlot, Slot, Value, View};

/// What a schema calls `nullable`: in an `Option` it keeps a field that is null apart from one that is not there.
///
/// ```
/// use k8s_api::nullable::Nullable;
///
/// let absent: Option<Nullable<i64>> = None;
/// let null = Some(Nullable(None));
/// let five = Some(Nullable(Some(5)));
/// assert!(absent != null && null != five);
/// assert_eq!(five.and_then(|five| five.0), Some(5));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Nullable<T>(
    /// The value; `None` is `null`.
    pub Option<T>,
);

impl<T: Value + Default> Value for Nullable<T> {
    fn view(&self) -> View<'_> {
        self.0.as_ref().map_or(View::Null, Value::view)
    }

    fn slot(&mut self) -> Slot<'_> {
        Slot::Option(self)
    }

    fn null() -> Option<Self> {
        Some(Nullable(None))
    }
}

impl<T: Value + Default> OptionSlot for Nullable<T> {
    fn clear(&mut self) {
        self.0 = None;
    }

    fn set_null(&mut self) {
        self.0 = None;
    }

    fn fill(&mut self) -> Slot<'_> {
        self.0.get_or_insert_default().slot()
    }
}
