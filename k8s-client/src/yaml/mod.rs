//! YAML as files of Kubernetes have it: a tree of values, read from a parser's events and written in blocks.

mod plain;
mod read;
mod write;

use serde::ser::{Serialize, SerializeMap as _, Serializer};

use crate::secret::Secret;

pub(crate) use read::{Mistake, Reason, read};
pub(crate) use write::write;

/// A value. Every text may be a secret, so none is ever printed, and all are overwritten when they go.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    Null,
    Flag(bool),
    Whole(i64),
    /// Above what `Whole` holds.
    Large(u64),
    Fraction(f64),
    Text(Secret),
    List(Vec<Node>),
    /// In the order of the file.
    Map(Vec<(String, Node)>),
}

impl Node {
    pub(crate) fn text(text: impl Into<String>) -> Node {
        Node::Text(Secret::new(text))
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Node::Null => serializer.serialize_unit(),
            Node::Flag(flag) => serializer.serialize_bool(*flag),
            Node::Whole(number) => serializer.serialize_i64(*number),
            Node::Large(number) => serializer.serialize_u64(*number),
            Node::Fraction(number) => serializer.serialize_f64(*number),
            Node::Text(text) => serializer.serialize_str(text.expose()),
            Node::List(list) => serializer.collect_seq(list),
            Node::Map(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests;
