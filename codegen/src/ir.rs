//! What the generator knows of a type once the documents are understood.

/// A struct or an enumeration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Model {
    /// A type with fields.
    Struct(Box<Struct>),
    /// A set of texts.
    Enum(Enum),
}

/// Where a type lives: `k8s_api::GROUP::VERSION::NAME`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path {
    /// The module of the group.
    pub group: String,
    /// The module of the version.
    pub version: String,
    /// The type.
    pub name: String,
}

/// A type with fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Struct {
    /// Where it lives.
    pub path: Path,
    /// The name of its schema.
    pub schema: String,
    /// Its documentation.
    pub docs: String,
    /// Its `apiVersion` and `kind`, if it stands alone.
    pub kind: Option<(String, String)>,
    /// How it is addressed, if it is a resource.
    pub resource: Option<Resource>,
    /// JSON holds the one field that is set, not an object.
    pub union: bool,
    /// In Go's order.
    pub fields: Vec<Field>,
}

/// How a kind is addressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Empty for the core group.
    pub group: String,
    /// Such as `v1`.
    pub version: String,
    /// Such as `deployments`.
    pub plural: String,
    /// Such as `deployment`.
    pub singular: String,
    /// Such as `deploy`.
    pub short_names: Vec<String>,
    /// Such as `all`.
    pub categories: Vec<String>,
    /// Whether its objects live in a namespace.
    pub namespaced: bool,
    /// Whether the documents have a list of it.
    pub listed: bool,
}

/// A field of a [`Struct`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in Rust.
    pub rust: String,
    /// Its name in JSON.
    pub name: String,
    /// Its documentation.
    pub docs: String,
    /// Its type.
    pub type_: Type,
    /// Its protobuf number; 0 if it has none.
    pub number: u32,
    /// The numbers of the messages that protobuf nests it in and JSON does not.
    pub within: Vec<u32>,
    /// Left out of JSON when it is absent, or when it is empty for what can't be absent.
    pub omit: bool,
    /// A value in Go although it is optional here: protobuf always writes it.
    pub always: bool,
    /// The schema requires it.
    pub required: bool,
    /// How server-side apply merges it.
    pub merge: Merge,
    /// The key of a strategic merge patch.
    pub patch_merge: Option<String>,
    /// Never shown by `Debug`.
    pub sensitive: bool,
}

/// How server-side apply merges a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merge {
    /// As a schema without marks says.
    Default,
    /// As a whole.
    Atomic,
    /// Element by element, by value.
    Set,
    /// Element by element, by the value of these fields.
    Keys(Vec<String>),
}

/// The type of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// `bool`
    Bool,
    /// `i32`
    I32,
    /// `i64`
    I64,
    /// `f64`
    F64,
    /// A text.
    Str,
    /// Bytes, in base64 in JSON.
    Bytes,
    /// A hand-written type of `k8s_api`, by its path in that crate.
    Known(&'static str),
    /// A generated type.
    Model(Path),
    /// A list.
    List(Box<Type>),
    /// A map from text.
    Map(Box<Type>),
    /// What may be absent.
    Option(Box<Type>),
    /// What may be null, which is not the same as absent.
    Nullable(Box<Type>),
    /// What is kept elsewhere, because it is large or contains itself.
    Boxed(Box<Type>),
}

/// A set of texts, and whatever a newer server adds to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enum {
    /// Where it lives.
    pub path: Path,
    /// Its documentation.
    pub docs: String,
    /// In the order of the document.
    pub values: Vec<EnumValue>,
}

/// One text of an [`Enum`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnumValue {
    /// Its name in Rust.
    pub rust: String,
    /// The text.
    pub text: String,
    /// Its documentation.
    pub docs: String,
}
