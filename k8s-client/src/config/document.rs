//! A kubeconfig as a tree: it keeps what this crate does not know, and names the field that is wrong.

use crate::error::{Error, Result};
use crate::secret::Secret;
pub(super) use crate::yaml::Node;
use crate::yaml::{self, Mistake};

/// No kubeconfig is as deep as this.
const DEPTH: usize = 64;

impl Node {
    /// Reads YAML, of which JSON is a part. What is empty is a map without fields.
    pub(super) fn read(text: &str) -> Result<Node> {
        match yaml::read(text, DEPTH).map_err(|error| Error::config(mistake(&error)))? {
            Node::Null => Ok(Node::Map(Vec::new())),
            node => Ok(node),
        }
    }

    pub(super) fn write(&self) -> Result<Secret> {
        let text = yaml::write(self);
        // Whoever replaces a file with keys had better be sure.
        if Node::read(text.expose()).ok().as_ref() != Some(self) {
            return Err(Error::config("holds something that can't be written as YAML without a loss"));
        }
        Ok(text)
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

fn mistake(error: &Mistake) -> String {
    format!("is not YAML (line {}, column {})", error.line, error.column)
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
            any::<String>().prop_map(Node::text),
            "[-:#&*!|>'\"%@`{}\\[\\], ?~=<a1_.\n\t]{0,6}".prop_map(Node::text),
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
