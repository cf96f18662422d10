//! What every format is written over: a type is a plain struct and a table with one line a field.
//!
//! A codec walks the table and looks at each field through a [view](crate::view), so it is written and compiled once for all
//! types. The [`table!`](crate::table!) macro destructures the struct exhaustively: a field without a line does not compile.

use crate::view::View;

/// What is known of a type before there is a value.
#[derive(Debug)]
#[non_exhaustive]
pub struct Table {
    /// The name of the schema, such as `io.k8s.api.core.v1.Pod`.
    pub name: &'static str,
    /// Its `apiVersion` and `kind`, if values of it stand alone.
    pub kind: Option<Kind>,
    /// JSON holds the one field that is set, not an object: the kind of value says which.
    pub union: bool,
    /// The kind is only known at run time: `apiVersion` and `kind` are fields, and what the table does not know belongs to
    /// the object.
    pub at_run_time: bool,
    /// The names of the fields, in the order in which Go writes them.
    pub names: &'static [&'static str],
    lines: &'static [Line],
    rare: &'static [Rare],
    /// Where a name is, by its hash: a position and one more; 0 where there is none.
    index: &'static [u16],
}

/// A [`Field`] without its name, in little room: programs hold thousands of them, and every pointer costs three.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Line {
    number: u32,
    omit: Omit,
    required: bool,
    sensitive: bool,
    /// Where in [`Table::rare`] the rest is, and one more; 0 if there is nothing to say.
    rare: u8,
}

/// What few fields have.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Rare {
    within: &'static [u32],
    always: bool,
    merge: Merge,
    patch_merge: Option<&'static str>,
}

const USUAL: Rare = Rare { within: &[], always: false, merge: Merge::Default, patch_merge: None };

impl Table {
    #[doc(hidden)]
    pub const fn new(
        name: &'static str,
        kind: Option<Kind>,
        union: bool,
        names: &'static [&'static str],
        lines: &'static [Line],
        rare: &'static [Rare],
        index: &'static [u16],
    ) -> Table {
        Table { name, kind, union, at_run_time: false, names, lines, rare, index }
    }

    pub(crate) const fn at_run_time(mut self) -> Table {
        self.at_run_time = true;
        self
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The field at a position.
    #[inline]
    pub fn field(&self, position: usize) -> Option<Field> {
        let (name, line) = (self.names.get(position)?, self.lines.get(position)?);
        let Rare { within, always, merge, patch_merge } =
            *usize::from(line.rare).checked_sub(1).and_then(|rare| self.rare.get(rare)).unwrap_or(&USUAL);
        let Line { number, omit, required, sensitive, .. } = *line;
        Some(Field { name, number, within, always, omit, required, merge, patch_merge, sensitive })
    }

    /// The fields in the order in which Go writes them.
    #[inline]
    pub fn fields(&self) -> impl DoubleEndedIterator<Item = Field> + ExactSizeIterator + Clone {
        (0..self.len()).map(|position| self.field(position).unwrap_or(NONE))
    }

    /// The position of a field by its name in JSON.
    pub fn position(&self, name: &str) -> Option<usize> {
        let mut slot = hash(name.as_bytes());
        loop {
            // An index has more slots than there are fields, so that there is always an end.
            let position = usize::from(*self.index.get(slot & (self.index.len() - 1))?).checked_sub(1)?;
            if self.names.get(position).is_some_and(|known| *known == name) {
                return Some(position);
            }
            slot += 1;
        }
    }
}

/// Few instructions, also for the compiler, which runs it for every field there is.
const fn hash(name: &[u8]) -> usize {
    let (Some(first), Some(last)) = (name.first(), name.last()) else { return 0 };
    let (first, middle, last) = (*first as usize, name[name.len() / 2] as usize, *last as usize);
    name.len() + first * 5 + middle * 19 + last * 67
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
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Field {
    /// Its name in JSON.
    pub name: &'static str,
    /// Its number in protobuf; 0 if it has none.
    pub number: u32,
    /// The numbers of the messages that protobuf nests it in and JSON does not.
    pub within: &'static [u32],
    /// Protobuf writes it even when it is absent, since it is a value in Go.
    pub always: bool,
    /// When JSON leaves it out.
    pub omit: Omit,
    /// The schema requires it.
    pub required: bool,
    /// How server-side apply merges it.
    pub merge: Merge,
    /// How a strategic merge patch merges a list: the key of its elements, or `""` for a list of scalars.
    pub patch_merge: Option<&'static str>,
    /// Never shown by `Debug`.
    pub sensitive: bool,
}

/// When JSON leaves a field out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Omit {
    /// Never: it is written even when it is empty.
    Never,
    /// Never, although it may be absent: null is written.
    Null,
    /// When it is absent: an explicit zero is written.
    Absent,
    /// When it has its zero value, as Go's `omitempty` does for what is no pointer.
    Empty,
}

impl Field {
    /// Whether it may be absent, so that a value in it was put there on purpose, an empty one too.
    pub fn is_optional(&self) -> bool {
        matches!(self.omit, Omit::Null | Omit::Absent)
    }

    /// Whether it is of a custom resource: those alone have no protobuf.
    pub(crate) fn of_custom_resource(&self) -> bool {
        self.number == 0
    }

    /// Whether JSON leaves this value of the field out.
    pub fn omits(&self, view: &View<'_>) -> bool {
        match self.omit {
            Omit::Never | Omit::Null => false,
            Omit::Absent => matches!(view, View::Absent),
            Omit::Empty => view.is_empty(),
        }
    }
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

impl Merge {
    /// Whether two elements of such a list stand for the same thing.
    pub(crate) fn same_element(self, a: View<'_>, b: View<'_>) -> bool {
        match (self, a, b) {
            (Merge::Set, a, b) => a.same(b),
            (Merge::Keys(keys), View::Message(a), View::Message(b)) => keys.iter().all(|key| {
                let table = a.table();
                table.position(key).is_some_and(|position| a.field(position).same(b.field(position)))
            }),
            _ => false,
        }
    }
}

const NONE: Field = field("", 0);

/// Begins a line of a table: a field that is always written.
#[doc(hidden)]
pub const fn field(name: &'static str, number: u32) -> Field {
    Field {
        name,
        number,
        within: &[],
        always: false,
        omit: Omit::Never,
        required: false,
        merge: Merge::Default,
        patch_merge: None,
        sensitive: false,
    }
}

/// The names of the lines of a table.
#[doc(hidden)]
pub const fn names<const N: usize>(fields: &[Field; N]) -> [&'static str; N] {
    let mut names = [""; N];
    let mut position = 0;
    while position < N {
        names[position] = fields[position].name;
        position += 1;
    }
    names
}

/// The lines of a table without their names.
#[doc(hidden)]
pub const fn lines<const N: usize>(fields: &[Field; N]) -> [Line; N] {
    let mut lines = [Line { number: 0, omit: Omit::Never, required: false, sensitive: false, rare: 0 }; N];
    let (mut position, mut rare) = (0, 0);
    while position < N {
        let field = &fields[position];
        let Field { number, omit, required, sensitive, .. } = *field;
        lines[position] = Line { number, omit, required, sensitive, rare: 0 };
        if field.is_rare() {
            rare += 1;
            lines[position].rare = rare;
        }
        position += 1;
    }
    lines
}

/// How many lines of a table have to say more than others.
#[doc(hidden)]
pub const fn rare_ones<const N: usize>(fields: &[Field; N]) -> usize {
    let (mut position, mut rare) = (0, 0);
    while position < N {
        rare += fields[position].is_rare() as usize;
        position += 1;
    }
    rare
}

/// What those say.
#[doc(hidden)]
pub const fn rare<const N: usize, const RARE: usize>(fields: &[Field; N]) -> [Rare; RARE] {
    let mut all = [USUAL; RARE];
    let (mut position, mut rare) = (0, 0);
    while position < N {
        let field = &fields[position];
        if field.is_rare() {
            let Field { within, always, merge, patch_merge, .. } = *field;
            all[rare] = Rare { within, always, merge, patch_merge };
            rare += 1;
        }
        position += 1;
    }
    all
}

/// How many slots [`index`] needs for so many fields.
#[doc(hidden)]
pub const fn slots(fields: usize) -> usize {
    (fields * 2 + 1).next_power_of_two()
}

/// The names of the lines of a table by their hash.
#[doc(hidden)]
pub const fn index<const N: usize, const SLOTS: usize>(fields: &[Field; N]) -> [u16; SLOTS] {
    let mut index = [0; SLOTS];
    let mut position = 0;
    while position < N {
        let mut slot = hash(fields[position].name.as_bytes());
        while index[slot & (SLOTS - 1)] != 0 {
            slot += 1;
        }
        position += 1;
        index[slot & (SLOTS - 1)] = position as u16;
    }
    index
}

#[doc(hidden)]
impl Field {
    const fn is_rare(&self) -> bool {
        let merge = !matches!(self.merge, Merge::Default);
        self.always || merge || !self.within.is_empty() || self.patch_merge.is_some()
    }

    pub const fn within(mut self, numbers: &'static [u32]) -> Field {
        self.within = numbers;
        self
    }

    pub const fn always(mut self) -> Field {
        self.always = true;
        self
    }

    pub const fn omit(mut self) -> Field {
        self.omit = Omit::Empty;
        self
    }

    pub const fn nullable(mut self) -> Field {
        self.omit = Omit::Null;
        self
    }

    pub const fn optional(mut self) -> Field {
        self.omit = Omit::Absent;
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
    (union $type:ident, $($rest:tt)*) => {
        $crate::table! { @ true, $type, $($rest)* }
    };
    (@ $union:literal, $type:ident, $name:literal, $kind:expr; $($position:literal $field:ident : $line:expr),* $(,)?) => {
        impl $crate::view::Message for $type {
            #[inline]
            fn table(&self) -> &'static $crate::table::Table {
                #[allow(unused_imports)]
                use $crate::table::{Kind, Merge, field};
                use $crate::table::{Field, Line, Rare, Table, index, lines, names, rare, rare_ones, slots};
                const POSITIONS: &[usize] = &[$($position),*];
                const COUNT: usize = POSITIONS.len();
                const FIELDS: [Field; COUNT] = [$($line),*];
                const NAMES: [&str; COUNT] = names(&FIELDS);
                const LINES: [Line; COUNT] = lines(&FIELDS);
                const RARE: [Rare; rare_ones(&FIELDS)] = rare(&FIELDS);
                const INDEX: [u16; slots(COUNT)] = index(&FIELDS);
                static TABLE: Table = Table::new($name, $kind, $union, &NAMES, &LINES, &RARE, &INDEX);
                &TABLE
            }

            #[allow(unused_variables)]
            #[inline]
            fn field(&self, position: usize) -> $crate::view::View<'_> {
                let Self { $($field,)* __unknown } = self;
                match position {
                    $($position => $crate::view::Value::view($field),)*
                    _ => $crate::view::View::Absent,
                }
            }

            #[allow(unused_variables)]
            #[inline]
            fn field_mut(&mut self, position: usize) -> Option<$crate::view::Slot<'_>> {
                let Self { $($field,)* __unknown } = self;
                match position {
                    $($position => Some($crate::view::Value::slot($field)),)*
                    _ => None,
                }
            }

            #[inline]

            fn unknown(&self) -> &$crate::unknown::Unknown {
                &self.__unknown
            }

            #[inline]

            fn unknown_mut(&mut self) -> &mut $crate::unknown::Unknown {
                &mut self.__unknown
            }
        }

        impl $crate::view::Value for $type {
            #[inline]
            fn view(&self) -> $crate::view::View<'_> {
                $crate::view::View::Message(self)
            }

            #[inline]

            fn slot(&mut self) -> $crate::view::Slot<'_> {
                $crate::view::Slot::Message(self)
            }
        }

        impl ::core::fmt::Debug for $type {
            #[inline]
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                $crate::debug::fmt(self, f)
            }
        }

        impl $crate::__serde::Serialize for $type {
            fn serialize<S: $crate::__serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::codec::serde::serialize(self, serializer)
            }
        }

        impl<'de> $crate::__serde::Deserialize<'de> for $type {
            fn deserialize<D: $crate::__serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let mut value = Self::default();
                $crate::codec::serde::deserialize(&mut value, deserializer)?;
                Ok(value)
            }
        }
    };
    ($type:ident, $($rest:tt)*) => {
        $crate::table! { @ false, $type, $($rest)* }
    };
}
