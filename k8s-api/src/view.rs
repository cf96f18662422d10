//! Typed references to one field, to read ([`View`]) and to write ([`Slot`]): what a codec sees of any type.

use crate::bytes::ByteString;
use crate::leaf::Leaf;
use crate::raw::RawJson;
use crate::table::Table;
use crate::text::Str;
use crate::unknown::Unknown;

/// A struct with a table.
pub trait Message: Send + Sync {
    /// The table of its type.
    fn table(&self) -> &'static Table;
    /// The field at a position of the table, to read.
    fn field(&self, position: usize) -> View<'_>;
    /// The field at a position of the table, to write; `None` past the end.
    fn field_mut(&mut self, position: usize) -> Option<Slot<'_>>;
    /// What was read and the table does not know.
    fn unknown(&self) -> &Unknown;
    /// What was read and the table does not know.
    fn unknown_mut(&mut self) -> &mut Unknown;
}

/// A type that can be a field.
pub trait Value {
    /// A reference to read.
    fn view(&self) -> View<'_>;
    /// A reference to write.
    fn slot(&mut self) -> Slot<'_>;
    /// What `null` makes of an `Option` of it: nothing, unless null is a value of the type.
    fn null() -> Option<Self>
    where
        Self: Sized,
    {
        None
    }
}

/// One field, to read.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum View<'a> {
    /// An empty `Option`.
    Absent,
    /// An explicit `null`.
    Null,
    /// A boolean.
    Bool(bool),
    /// A 32-bit integer.
    I32(i32),
    /// A 64-bit integer.
    I64(i64),
    /// A floating-point number.
    F64(f64),
    /// A text or an enumeration.
    Str(&'a str),
    /// Bytes, which JSON writes in base64.
    Bytes(&'a ByteString),
    /// A type with a representation of its own.
    Leaf(&'a dyn Leaf),
    /// Any JSON.
    Raw(&'a RawJson),
    /// A struct.
    Message(&'a dyn Message),
    /// A list.
    List(&'a dyn ListView),
    /// A map.
    Map(&'a dyn MapView),
}

impl View<'_> {
    /// Whether it has its zero value as Go's `encoding/json` sees it under `omitempty`: structs never have, lists and
    /// maps when they are empty.
    pub fn is_empty(&self) -> bool {
        match self {
            View::Absent => true,
            View::Null | View::Leaf(_) | View::Raw(_) | View::Message(_) => false,
            View::Bool(value) => !value,
            View::I32(value) => *value == 0,
            View::I64(value) => *value == 0,
            View::F64(value) => *value == 0.0,
            View::Str(value) => value.is_empty(),
            View::Bytes(value) => value.is_empty(),
            View::List(list) => list.is_empty(),
            View::Map(map) => map.is_empty(),
        }
    }
}

impl<'a> View<'a> {
    /// Of a union what JSON holds of it; of everything else itself.
    pub(crate) fn chosen(self) -> View<'a> {
        match self {
            View::Message(message) if message.table().union => crate::codec::json::chosen(message),
            view => view,
        }
    }

    /// Whether both hold the same value. Structs, lists and maps are never compared here.
    pub(crate) fn same(self, other: View<'_>) -> bool {
        match (self, other) {
            (View::Absent, View::Absent) | (View::Null, View::Null) => true,
            (View::Bool(a), View::Bool(b)) => a == b,
            (View::I32(a), View::I32(b)) => a == b,
            (View::I64(a), View::I64(b)) => a == b,
            (View::F64(a), View::F64(b)) => a == b,
            (View::Str(a), View::Str(b)) => a == b,
            (View::Bytes(a), View::Bytes(b)) => a == b,
            (View::Raw(a), View::Raw(b)) => a == b,
            (View::Leaf(a), View::Leaf(b)) => a.same(b.get()),
            _ => false,
        }
    }
}

/// One field, to write.
#[non_exhaustive]
pub enum Slot<'a> {
    /// A boolean.
    Bool(&'a mut bool),
    /// A 32-bit integer.
    I32(&'a mut i32),
    /// A 64-bit integer.
    I64(&'a mut i64),
    /// A floating-point number.
    F64(&'a mut f64),
    /// A text.
    Str(&'a mut Str),
    /// An enumeration that keeps values it does not know.
    Enum(&'a mut dyn EnumSlot),
    /// Bytes, which JSON writes in base64.
    Bytes(&'a mut ByteString),
    /// A type with a representation of its own.
    Leaf(&'a mut dyn Leaf),
    /// Any JSON.
    Raw(&'a mut RawJson),
    /// A struct.
    Message(&'a mut dyn Message),
    /// An `Option` or a nullable value.
    Option(&'a mut dyn OptionSlot),
    /// A list.
    List(&'a mut dyn ListSlot),
    /// A map.
    Map(&'a mut dyn MapSlot),
}

impl Slot<'_> {
    /// The same field for a shorter time, to come back to.
    pub fn reborrow(&mut self) -> Slot<'_> {
        match self {
            Slot::Bool(value) => Slot::Bool(value),
            Slot::I32(value) => Slot::I32(value),
            Slot::I64(value) => Slot::I64(value),
            Slot::F64(value) => Slot::F64(value),
            Slot::Str(value) => Slot::Str(value),
            Slot::Enum(value) => Slot::Enum(*value),
            Slot::Bytes(value) => Slot::Bytes(value),
            Slot::Leaf(value) => Slot::Leaf(*value),
            Slot::Raw(value) => Slot::Raw(value),
            Slot::Message(value) => Slot::Message(*value),
            Slot::Option(value) => Slot::Option(*value),
            Slot::List(value) => Slot::List(*value),
            Slot::Map(value) => Slot::Map(*value),
        }
    }
}

/// A list, to read.
pub trait ListView {
    /// How many elements.
    fn len(&self) -> usize;
    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// One of them; [`View::Absent`] past the end.
    fn get(&self, index: usize) -> View<'_>;
}

/// A map, to read; sorted by key.
pub trait MapView {
    /// How many entries.
    fn len(&self) -> usize;
    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// One of them.
    fn get(&self, index: usize) -> Option<(&str, View<'_>)>;
}

/// A list, to write.
pub trait ListSlot {
    /// To read it.
    fn view(&self) -> &dyn ListView;
    /// One of its elements.
    fn get_mut(&mut self, index: usize) -> Option<Slot<'_>>;
    /// Appends a default element.
    fn push(&mut self) -> Slot<'_>;
    /// Removes every element.
    fn clear(&mut self);
    /// Makes room for so many more, and no more than those.
    fn reserve(&mut self, more: usize);
    /// Gives back what was allocated in advance.
    fn shrink(&mut self);
}

/// A map, to write.
pub trait MapSlot {
    /// The value of a key, a default one if there was none.
    fn entry(&mut self, key: Str) -> Slot<'_>;
    /// The same, and a default one if there was one too: of a key that comes twice, the last one counts.
    fn fresh(&mut self, key: Str) -> Slot<'_>;
    /// Removes every entry.
    fn clear(&mut self);
    /// Makes room for so many more, and no more than those.
    fn reserve(&mut self, more: usize);
    /// Gives back what was allocated in advance.
    fn shrink(&mut self);
}

/// An optional value, to write.
pub trait OptionSlot {
    /// Makes it absent; null if it can't be.
    fn clear(&mut self);
    /// Makes it absent, or null where null is a value.
    fn set_null(&mut self);
    /// The value inside, a default one if there was none.
    fn fill(&mut self) -> Slot<'_>;
}

/// An open enumeration, to write.
pub trait EnumSlot {
    /// Sets it by its text.
    fn set(&mut self, text: &str);
}

macro_rules! scalar {
    ($($type:ty => $variant:ident),*) => {$(
        impl Value for $type {
            fn view(&self) -> View<'_> {
                View::$variant(*self)
            }
            fn slot(&mut self) -> Slot<'_> {
                Slot::$variant(self)
            }
        }
    )*};
}

scalar!(bool => Bool, i32 => I32, i64 => I64, f64 => F64);

impl Value for Str {
    fn view(&self) -> View<'_> {
        View::Str(self)
    }

    fn slot(&mut self) -> Slot<'_> {
        Slot::Str(self)
    }
}

impl<T: Value> Value for Box<T> {
    fn view(&self) -> View<'_> {
        (**self).view()
    }

    fn slot(&mut self) -> Slot<'_> {
        (**self).slot()
    }

    fn null() -> Option<Self> {
        T::null().map(Box::new)
    }
}

impl<T: Value + Default> Value for Option<T> {
    fn view(&self) -> View<'_> {
        self.as_ref().map_or(View::Absent, Value::view)
    }

    fn slot(&mut self) -> Slot<'_> {
        Slot::Option(self)
    }
}

impl<T: Value + Default> OptionSlot for Option<T> {
    fn clear(&mut self) {
        *self = None;
    }

    fn set_null(&mut self) {
        *self = T::null();
    }

    fn fill(&mut self) -> Slot<'_> {
        self.get_or_insert_default().slot()
    }
}

impl<T: Value + Default> Value for Vec<T> {
    fn view(&self) -> View<'_> {
        View::List(self)
    }

    fn slot(&mut self) -> Slot<'_> {
        Slot::List(self)
    }
}

impl<T: Value> ListView for Vec<T> {
    fn len(&self) -> usize {
        Vec::len(self)
    }

    fn get(&self, index: usize) -> View<'_> {
        self.as_slice().get(index).map_or(View::Absent, Value::view)
    }
}

impl<T: Value + Default> ListSlot for Vec<T> {
    fn view(&self) -> &dyn ListView {
        self
    }

    fn get_mut(&mut self, index: usize) -> Option<Slot<'_>> {
        self.as_mut_slice().get_mut(index).map(Value::slot)
    }

    fn push(&mut self) -> Slot<'_> {
        self.push_mut_default().slot()
    }

    fn clear(&mut self) {
        Vec::clear(self);
    }

    fn reserve(&mut self, more: usize) {
        self.reserve_exact(more);
    }

    fn shrink(&mut self) {
        self.shrink_to_fit();
    }
}

trait PushDefault<T> {
    fn push_mut_default(&mut self) -> &mut T;
}

impl<T: Default> PushDefault<T> for Vec<T> {
    fn push_mut_default(&mut self) -> &mut T {
        let last = self.len();
        self.push(T::default());
        &mut self[last]
    }
}
