//! What every format is written over: a type is a plain struct and a table with one line a field.
//!
//! [`View`] and [`Slot`] are typed references to one field, to read from and to write to. A codec walks the table and
//! matches on them, so it is written and compiled once for all types. The [`table!`](crate::table!) macro destructures
//! the struct exhaustively: a field without a line does not compile.

use crate::bytes::ByteString;
use crate::leaf::Leaf;
use crate::raw::RawJson;
use crate::text::Str;
use crate::unknown::Unknown;

/// What is known of a type before there is a value.
#[derive(Debug)]
#[non_exhaustive]
pub struct Table {
    /// The name of the schema, such as `io.k8s.api.core.v1.Pod`.
    pub name: &'static str,
    /// Its `apiVersion` and `kind`, if values of it stand alone.
    pub kind: Option<Kind>,
    /// In the order in which Go writes them.
    pub fields: &'static [Field],
}

impl Table {
    #[doc(hidden)]
    pub const fn new(name: &'static str, kind: Option<Kind>, fields: &'static [Field]) -> Table {
        Table { name, kind, fields }
    }

    /// The position of a field by its name in JSON. `hint` is where it is looked for first.
    pub fn position(&self, name: &str, hint: usize) -> Option<usize> {
        let matches = |field: &Field| field.name == name;
        if self.fields.get(hint).is_some_and(matches) {
            return Some(hint);
        }
        self.fields.iter().position(matches)
    }

    /// The position of a field by its protobuf number. `hint` is where it is looked for first.
    pub fn position_of_number(&self, number: u32, hint: usize) -> Option<usize> {
        let matches = |field: &Field| field.number == number && number != 0;
        if self.fields.get(hint).is_some_and(matches) {
            return Some(hint);
        }
        self.fields.iter().position(matches)
    }
}

/// The `apiVersion` and `kind` of an object that stands alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Such as `apps/v1`, or `v1` for the core group.
    pub api_version: &'static str,
    /// Such as `Deployment`.
    pub kind: &'static str,
}

/// One line of a [`Table`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Field {
    /// Its name in JSON.
    pub name: &'static str,
    /// Its number in protobuf; 0 if it has none.
    pub number: u32,
    /// Left out of JSON when it has its zero value, as Go's `omitempty` does.
    pub omit: bool,
    /// The schema requires it.
    pub required: bool,
    /// How server-side apply merges it.
    pub merge: Merge,
    /// How a strategic merge patch merges a list: the key of its elements, or `""` for a list of scalars.
    pub patch_merge: Option<&'static str>,
    /// Never shown by `Debug`.
    pub sensitive: bool,
}

/// Who owns what inside a field under server-side apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Merge {
    /// Scalars and structs as a whole, struct fields and map entries one by one, lists as a whole: what a schema
    /// without marks means.
    Default,
    /// The field is owned as a whole.
    Atomic,
    /// A list whose elements are owned one by one, by their value.
    Set,
    /// A list whose elements are owned one by one, by the value of these fields.
    Keys(&'static [&'static str]),
}

/// Begins a line of a table: a field that is always written.
#[doc(hidden)]
pub const fn field(name: &'static str, number: u32) -> Field {
    Field {
        name,
        number,
        omit: false,
        required: false,
        merge: Merge::Default,
        patch_merge: None,
        sensitive: false,
    }
}

#[doc(hidden)]
impl Field {
    pub const fn omit(mut self) -> Field {
        self.omit = true;
        self
    }

    pub const fn required(mut self) -> Field {
        self.required = true;
        self
    }

    pub const fn merge(mut self, merge: Merge) -> Field {
        self.merge = merge;
        self
    }

    pub const fn patch_merge(mut self, key: &'static str) -> Field {
        self.patch_merge = Some(key);
        self
    }

    pub const fn sensitive(mut self) -> Field {
        self.sensitive = true;
        self
    }
}

/// A struct with a table.
pub trait Message: Send + Sync {
    /// The table of its type.
    fn table(&self) -> &'static Table;
    /// The field at a position of the table, to read.
    fn view(&self, position: usize) -> View<'_>;
    /// The field at a position of the table, to write; `None` past the end.
    fn slot(&mut self, position: usize) -> Option<Slot<'_>>;
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
}

/// One field, to read.
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
    Bytes(&'a [u8]),
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
    /// Whether Go's `encoding/json` would leave it out under `omitempty`, or `omitzero` for types with a zero of
    /// their own: structs never, lists and maps when they are empty.
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
            View::List(list) => list.len() == 0,
            View::Map(map) => map.len() == 0,
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

/// A list, to read.
pub trait ListView {
    /// How many elements.
    fn len(&self) -> usize;
    /// One of them; [`View::Absent`] past the end.
    fn get(&self, index: usize) -> View<'_>;
}

/// A map, to read; sorted by key.
pub trait MapView {
    /// How many entries.
    fn len(&self) -> usize;
    /// One of them.
    fn get(&self, index: usize) -> Option<(&str, View<'_>)>;
}

/// A list, to write.
pub trait ListSlot {
    /// Appends a default element.
    fn push(&mut self) -> Slot<'_>;
    /// Removes every element.
    fn clear(&mut self);
    /// Gives back what was allocated in advance.
    fn shrink(&mut self);
}

/// A map, to write.
pub trait MapSlot {
    /// The value of a key, a default one if there was none.
    fn entry(&mut self, key: Str) -> Slot<'_>;
    /// Removes every entry.
    fn clear(&mut self);
    /// Gives back what was allocated in advance.
    fn shrink(&mut self);
}

/// An optional value, to write.
pub trait OptionSlot {
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
    fn set_null(&mut self) {
        *self = None;
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
    fn push(&mut self) -> Slot<'_> {
        self.push_mut_default().slot()
    }

    fn clear(&mut self) {
        Vec::clear(self);
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

/// The table of a struct: its schema name, its kind if it has one, and a line for each field.
///
/// ```
/// use k8s_api::text::Str;
/// use k8s_api::unknown::Unknown;
///
/// #[derive(Clone, Default, PartialEq)]
/// pub struct Port {
///     pub name: Str,
///     pub number: i32,
///     #[doc(hidden)]
///     pub __unknown: Unknown,
/// }
///
/// k8s_api::table! { Port, "example.Port", None;
///     0 name: field("name", 1).omit(),
///     1 number: field("number", 2).required(),
/// }
/// ```
///
/// A field without a line is refused:
///
/// ```compile_fail
/// # use k8s_api::text::Str;
/// # use k8s_api::unknown::Unknown;
/// #[derive(Clone, Default, PartialEq)]
/// pub struct Port {
///     pub name: Str,
///     pub number: i32,
///     #[doc(hidden)]
///     pub __unknown: Unknown,
/// }
///
/// k8s_api::table! { Port, "example.Port", None;
///     0 name: field("name", 1).omit(),
/// }
/// ```
#[macro_export]
macro_rules! table {
    ($type:ident, $name:literal, $kind:expr; $($position:literal $field:ident : $line:expr),* $(,)?) => {
        impl $crate::table::Message for $type {
            fn table(&self) -> &'static $crate::table::Table {
                #[allow(unused_imports)]
                use $crate::table::{Kind, Merge, field};
                static TABLE: $crate::table::Table = $crate::table::Table::new($name, $kind, &[$($line),*]);
                &TABLE
            }

            #[allow(unused_variables)]
            fn view(&self, position: usize) -> $crate::table::View<'_> {
                let Self { $($field,)* __unknown } = self;
                match position {
                    $($position => $crate::table::Value::view($field),)*
                    _ => $crate::table::View::Absent,
                }
            }

            #[allow(unused_variables)]
            fn slot(&mut self, position: usize) -> Option<$crate::table::Slot<'_>> {
                let Self { $($field,)* __unknown } = self;
                Some(match position {
                    $($position => $crate::table::Value::slot($field),)*
                    _ => return None,
                })
            }

            fn unknown(&self) -> &$crate::unknown::Unknown {
                &self.__unknown
            }

            fn unknown_mut(&mut self) -> &mut $crate::unknown::Unknown {
                &mut self.__unknown
            }
        }

        impl $crate::table::Value for $type {
            fn view(&self) -> $crate::table::View<'_> {
                $crate::table::View::Message(self)
            }

            fn slot(&mut self) -> $crate::table::Slot<'_> {
                $crate::table::Slot::Message(self)
            }
        }

        impl ::core::fmt::Debug for $type {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                $crate::debug::fmt(self, f)
            }
        }
    };
}
