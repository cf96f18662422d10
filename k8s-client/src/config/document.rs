//! A kubeconfig as a tree: it keeps what this crate does not know, and names the field that is wrong.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap as _, Serializer};

use crate::error::{Error, Result};
use crate::secret::Secret;

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
    /// Reads YAML, of which JSON is a part. What is empty is a map without fields.
    pub(super) fn read(text: &str) -> Result<Node> {
        if text.trim().is_empty() {
            return Ok(Node::Map(Vec::new()));
        }
        match serde_saphyr::from_str(text).map_err(|error| Error::config(mistake(&error)))? {
            Node::Null => Ok(Node::Map(Vec::new())),
            node => Ok(node),
        }
    }

    pub(super) fn write(&self) -> Result<Secret> {
        let lossy = || Error::config("holds something that can't be written as YAML without a loss");
        // Blocks (`|`, `>`) can't hold every text.
        let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
        let text = serde_saphyr::to_string_with_options(self, options).map_err(|_| lossy())?;
        let text = Secret::new(text);
        // Whoever replaces a file with keys had better be sure.
        if Node::read(text.expose()).ok().as_ref() != Some(self) {
            return Err(lossy());
        }
        Ok(text)
    }

    pub(super) fn text(text: &str) -> Node {
        Node::Text(Secret::new(text))
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Node::Text(text) => Some(text.expose()),
            _ => None,
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        let Node::Map(fields) = self else { return None };
        fields.iter().find(|(field, _)| field == name).map(|(_, value)| value)
    }

    /// Puts a value at the end of a way through maps, which are made where there are none.
    pub(super) fn set(&mut self, way: &[String], value: Node) {
        let Some((field, rest)) = way.split_first() else {
            *self = value;
            return;
        };
        if !matches!(self, Node::Map(_)) {
            *self = Node::Map(Vec::new());
        }
        let Node::Map(fields) = self else { return };
        if let Some((_, inner)) = fields.iter_mut().find(|(name, _)| name == field) {
            return inner.set(rest, value);
        }
        let mut inner = Node::Null;
        inner.set(rest, value);
        fields.push((field.clone(), inner));
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Node> {
        let Node::Map(fields) = self else { return None };
        fields.iter_mut().find(|(field, _)| field == name).map(|(_, value)| value)
    }

    /// For messages: what stands there, never the value.
    fn kind(&self) -> &'static str {
        match self {
            Node::Null => "empty",
            Node::Flag(_) => "true or false",
            Node::Whole(_) | Node::Large(_) | Node::Fraction(_) => "a number",
            Node::Text(_) => "a text",
            Node::List(_) => "a list",
            Node::Map(_) => "a map",
        }
    }
}

/// Only where it is: the parser's message repeats what stands there, which may be a key.
fn mistake(error: &serde_saphyr::Error) -> String {
    let place = error.location().map(|at| format!(" (line {}, column {})", at.line(), at.column()));
    format!("is not YAML{}", place.unwrap_or_default())
}

/// The fields of a map, each read as what it has to be.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(&'a [(String, Node)]);

impl<'a> Fields<'a> {
    /// Null is a map without fields, as in Go.
    pub(super) fn of(node: Option<&'a Node>) -> Result<Fields<'a>> {
        match node {
            None | Some(Node::Null) => Ok(Fields(&[])),
            Some(Node::Map(fields)) => Ok(Fields(fields)),
            Some(other) => Err(Error::config(format!("must be a map, but is {}", other.kind()))),
        }
    }

    /// What is null is not there.
    pub(super) fn get(&self, name: &str) -> Option<&'a Node> {
        let found = self.0.iter().find(|(field, _)| field == name).map(|(_, value)| value);
        found.filter(|value| **value != Node::Null)
    }

    /// All of them, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a str, &'a Node)> + use<'a> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// A text; an empty one is none.
    pub(super) fn secret(&self, name: &str) -> Result<Option<&'a Secret>> {
        match self.get(name) {
            None => Ok(None),
            Some(Node::Text(text)) => Ok(Some(text).filter(|text| !text.expose().is_empty())),
            Some(other) => {
                let quotes = match other {
                    Node::List(_) | Node::Map(_) => "",
                    _ => ": write it in quotes",
                };
                Err(Error::config(format!("{name} must be a text, but is {}{quotes}", other.kind())))
            }
        }
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>> {
        self.secret(name).map(|text| text.map(Secret::expose))
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool> {
        match self.get(name) {
            None => Ok(false),
            Some(Node::Flag(flag)) => Ok(*flag),
            Some(other) => {
                Err(Error::config(format!("{name} must be true or false, but is {}", other.kind())))
            }
        }
    }

    pub(super) fn fields(&self, name: &str) -> Result<Fields<'a>> {
        Fields::of(self.get(name)).map_err(|error| error.after(name))
    }

    pub(super) fn list(&self, name: &str) -> Result<&'a [Node]> {
        match self.get(name) {
            None => Ok(&[]),
            Some(Node::List(list)) => Ok(list),
            Some(other) => Err(Error::config(format!("{name} must be a list, but is {}", other.kind()))),
        }
    }

    pub(super) fn secrets(&self, name: &str) -> Result<Vec<&'a Secret>> {
        let texts = self.list(name)?.iter().map(|item| match item {
            Node::Text(text) => Ok(text),
            other => {
                let what = other.kind();
                Err(Error::config(format!("{name} must be a list of texts, but holds {what}")))
            }
        });
        texts.collect()
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Node, D::Error> {
        struct Tree;
        impl<'de> Visitor<'de> for Tree {
            type Value = Node;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("YAML")
            }
            fn visit_unit<E>(self) -> std::result::Result<Node, E> {
                Ok(Node::Null)
            }
            fn visit_none<E>(self) -> std::result::Result<Node, E> {
                Ok(Node::Null)
            }
            fn visit_some<D: Deserializer<'de>>(self, inner: D) -> std::result::Result<Node, D::Error> {
                Node::deserialize(inner)
            }
            fn visit_bool<E>(self, flag: bool) -> std::result::Result<Node, E> {
                Ok(Node::Flag(flag))
            }
            fn visit_i64<E>(self, number: i64) -> std::result::Result<Node, E> {
                Ok(Node::Whole(number))
            }
            fn visit_u64<E>(self, number: u64) -> std::result::Result<Node, E> {
                Ok(i64::try_from(number).map_or(Node::Large(number), Node::Whole))
            }
            fn visit_f64<E>(self, number: f64) -> std::result::Result<Node, E> {
                Ok(Node::Fraction(number))
            }
            fn visit_str<E>(self, text: &str) -> std::result::Result<Node, E> {
                Ok(Node::text(text))
            }
            fn visit_string<E>(self, text: String) -> std::result::Result<Node, E> {
                Ok(Node::Text(Secret::new(text)))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<Node, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(Node::List(list))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> std::result::Result<Node, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = entries.next_entry()? {
                    fields.push(field);
                }
                Ok(Node::Map(fields))
            }
        }
        deserializer.deserialize_any(Tree)
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Node::Null => serializer.serialize_unit(),
            Node::Flag(flag) => serializer.serialize_bool(*flag),
            Node::Whole(number) => serializer.serialize_i64(*number),
            Node::Large(number) => serializer.serialize_u64(*number),
            Node::Fraction(number) => serializer.serialize_f64(*number),
            Node::Text(text) if is_plain(text.expose()) => serializer.serialize_str(text.expose()),
            Node::Text(text) => serde_saphyr::DoubleQuoted(text.expose()).serialize(serializer),
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

/// What needs no quotes for any reader. Go's takes more for numbers than ours does, such as `1_000`; words such as `on` the
/// serializer quotes by itself.
fn is_plain(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && !text.ends_with(':')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_./@+=:-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Fields, Node};

    #[test]
    fn what_is_written_is_read_as_the_same() {
        let text = "unknown: {a: [1, -2, 18446744073709551615, 1.5, true, null, [], {}]}\nb: 'on'\nc: 'y'\nd: '0123'\n\
                    e: '1e5'\nf: '~'\ng: ''\nh: \"two\\nlines\\n\"\ni: 'a: b # c'\nj: ' x '\nk: '2020-01-01'\nl: '- x'\n\
                    m: \"tab\\t\\u0007 \\u00e9 \\U0001F600\"\nn: '0x1f'\no: '*a'\np: 'null'\nq: '!t'\nr: '1_000'\n";
        let node = Node::read(text).unwrap();
        let written = node.write().unwrap();
        assert_eq!(Node::read(written.expose()).unwrap(), node, "{}", written.expose());
        // Older readers of YAML take these plain for true, and for a number.
        for plain in ["b: on\n", "c: y\n", "r: 1_000\n"] {
            assert!(!written.expose().contains(plain), "{}", written.expose());
        }
        assert_eq!(node.get("n").unwrap().as_text(), Some("0x1f"));
    }

    fn nodes() -> impl Strategy<Value = Node> {
        let leaf = prop_oneof![
            Just(Node::Null),
            any::<bool>().prop_map(Node::Flag),
            any::<i64>().prop_map(Node::Whole),
            (u64::MAX / 2 + 1..).prop_map(Node::Large),
            any::<String>().prop_map(|text| Node::text(&text)),
            "[-:#&*!|>'\"%@`{}\\[\\], ?~=<a1_.\n\t]{0,6}".prop_map(|text| Node::text(&text)),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            let name = "[-:#&*!|>'\"%@`, ?~a1.]{1,4}";
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Node::List),
                proptest::collection::btree_map(name, inner, 0..4)
                    .prop_map(|map| Node::Map(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            rng_seed: proptest::test_runner::RngSeed::Fixed(6),
            failure_persistence: None,
            ..ProptestConfig::with_cases(2000)
        })]

        /// Whatever a file holds, it can be written back.
        #[test]
        fn nothing_is_lost(nodes in proptest::collection::vec(nodes(), 1..4)) {
            let node = Node::Map(vec![("a".to_owned(), Node::List(nodes))]);
            prop_assert!(node.write().is_ok(), "{}", serde_json::to_string(&node).unwrap());
        }
    }

    #[test]
    fn nothing_of_it_is_printed() {
        let node = Node::read("token: hunter2\nlist: [hunter2]").unwrap();
        assert!(!format!("{node:?} {node:#?}").contains("hunter2"));
        let error = Fields::of(node.get("token")).err().unwrap().to_string();
        assert_eq!(error, "must be a map, but is a text");
    }

    #[test]
    fn a_number_that_should_be_a_text_says_what_to_do() {
        let node = Node::read("token: 0123\nname: [a]\nflag: x\nlist: [1]\n").unwrap();
        let fields = Fields::of(Some(&node)).unwrap();
        let error = fields.text("token").unwrap_err().to_string();
        assert_eq!(error, "token must be a text, but is a number: write it in quotes");
        assert_eq!(fields.text("name").unwrap_err().to_string(), "name must be a text, but is a list");
        assert_eq!(fields.flag("flag").unwrap_err().to_string(), "flag must be true or false, but is a text");
        let error = fields.secrets("list").unwrap_err().to_string();
        assert_eq!(error, "list must be a list of texts, but holds a number");
    }
}
