//! From a parser's events to a tree, within limits.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use base64::Engine as _;
use granit_parser::{ErrorKind, Event, Marker, Parser, ScalarStyle, Tag};

use super::{Node, plain};

/// What the values of a text may take in memory, with what its aliases repeat: some hundred thousand of them.
const MOST: usize = 128 << 20;
/// What a value takes beside its text.
const EACH: usize = 256;

/// Why a text is not read. It holds nothing of the text but the name of a field.
#[derive(Debug, PartialEq)]
pub(crate) struct Mistake {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) reason: Reason,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Reason {
    /// A field of this name was there before.
    Twice(String),
    /// The text ends inside of something.
    Ends,
    /// A second document begins.
    Second,
    /// Anything else.
    Broken,
}

/// Reads one document, no deeper than this. What is empty is null.
pub(crate) fn read(text: &str, depth: usize) -> Result<Node, Mistake> {
    let options = granit_parser::options! { emit_comments: false };
    let mut tree = Tree { depth, open: Vec::new(), root: None, anchors: HashMap::new(), size: 0 };
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, at) = event.map_err(|error| {
            let ends = matches!(
                error.kind(),
                ErrorKind::UnexpectedEof
                    | ErrorKind::UnclosedFlowCollection { .. }
                    | ErrorKind::UnclosedQuotedScalar
                    | ErrorKind::UnexpectedEofFlowSequence
                    | ErrorKind::UnexpectedEofFlowMapping
                    | ErrorKind::UnexpectedEofImplicitFlowMapping
                    | ErrorKind::UnexpectedEofBlockSequence
                    | ErrorKind::UnexpectedEofBlockMapping
            );
            mistake(if ends { Reason::Ends } else { Reason::Broken }, error.marker())
        })?;
        tree.take(event).map_err(|reason| mistake(reason, &at.start))?;
    }
    Ok(tree.root.unwrap_or(Node::Null))
}

fn mistake(reason: Reason, at: &Marker) -> Mistake {
    Mistake { line: at.line().max(1), column: at.col() + 1, reason }
}

/// A value with what it takes.
#[derive(Clone)]
struct Value {
    node: Node,
    size: usize,
    /// How deep it is by itself.
    depth: usize,
}

struct Tree {
    /// How deep values may be.
    depth: usize,
    open: Vec<Open>,
    root: Option<Node>,
    anchors: HashMap<usize, Value>,
    /// What all of it takes, the copies for aliases included.
    size: usize,
}

/// A list or a map that has not ended.
struct Open {
    anchor: usize,
    /// Of what is in it so far.
    size: usize,
    depth: usize,
    holds: Holds,
}

enum Holds {
    List(Vec<Node>),
    Map(Fields),
}

#[derive(Default)]
struct Fields {
    fields: Vec<(String, Node)>,
    names: HashSet<String>,
    next: Option<Name>,
    /// What `<<` brings, in order: own fields come first.
    merged: Vec<(String, Node)>,
}

/// The key whose value comes next.
enum Name {
    Field(String),
    Merge,
}

impl Tree {
    fn take(&mut self, event: Event<'_>) -> Result<(), Reason> {
        match event {
            Event::DocumentStart(..) if self.root.is_some() => Err(Reason::Second),
            Event::Scalar(text, style, anchor, tag) => self.scalar(text, style, anchor, tag.as_deref()),
            Event::SequenceStart(_, anchor, _) => self.enter(anchor, Holds::List(Vec::new())),
            Event::MappingStart(_, anchor, _) => self.enter(anchor, Holds::Map(Fields::default())),
            Event::SequenceEnd | Event::MappingEnd => self.leave(),
            Event::Alias(anchor) => {
                // What is still open holds itself.
                let value = self.anchors.get(&anchor).cloned().ok_or(Reason::Broken)?;
                self.size += value.size;
                match value.node {
                    Node::Text(text) if self.wants_name() => self.name(text.expose().to_owned(), false),
                    _ => self.put(value, 0),
                }
            }
            _ => Ok(()),
        }
    }

    fn wants_name(&self) -> bool {
        matches!(self.open.last(), Some(Open { holds: Holds::Map(Fields { next: None, .. }), .. }))
    }

    fn scalar(
        &mut self,
        text: Cow<'_, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
    ) -> Result<(), Reason> {
        let is_plain = style == ScalarStyle::Plain;
        if self.wants_name() {
            if anchor != 0 {
                let value = Value { node: Node::text(&*text), size: EACH + text.len(), depth: 0 };
                self.anchors.insert(anchor, value);
            }
            let merge = match tag {
                None => is_plain && text == "<<",
                Some(tag) => is(tag, "merge"),
            };
            // As of every other key that is no text, what is written counts; of this one nothing is.
            if is_plain && tag.is_none() && plain::is_null(&text) {
                return Err(Reason::Broken);
            }
            return self.name(text.into_owned(), merge);
        }
        let size = EACH + text.len();
        self.size += size;
        let node = tagged(&text, is_plain, tag).ok_or(Reason::Broken)?;
        self.put(Value { node, size, depth: 0 }, anchor)
    }

    fn name(&mut self, name: String, merge: bool) -> Result<(), Reason> {
        let Some(Open { holds: Holds::Map(map), size, .. }) = self.open.last_mut() else { return Ok(()) };
        *size += name.len();
        self.size += name.len();
        if merge {
            map.next = Some(Name::Merge);
        } else if map.names.insert(name.clone()) {
            map.next = Some(Name::Field(name));
        } else {
            return Err(Reason::Twice(name));
        }
        Ok(())
    }

    fn enter(&mut self, anchor: usize, holds: Holds) -> Result<(), Reason> {
        // The key of a field is a text.
        if self.wants_name() || self.open.len() >= self.depth {
            return Err(Reason::Broken);
        }
        self.size += EACH;
        self.open.push(Open { anchor, size: EACH, depth: 0, holds });
        Ok(())
    }

    fn leave(&mut self) -> Result<(), Reason> {
        let Some(Open { anchor, size, depth, holds }) = self.open.pop() else { return Ok(()) };
        let node = match holds {
            Holds::List(list) => Node::List(list),
            Holds::Map(Fields { mut fields, mut names, merged, .. }) => {
                for (name, value) in merged {
                    if names.insert(name.clone()) {
                        fields.push((name, value));
                    }
                }
                Node::Map(fields)
            }
        };
        self.put(Value { node, size, depth: depth + 1 }, anchor)
    }

    /// Where a whole value belongs.
    fn put(&mut self, value: Value, anchor: usize) -> Result<(), Reason> {
        if anchor != 0 {
            self.anchors.insert(anchor, value.clone());
            self.size += value.size;
        }
        if self.size > MOST || self.open.len() + value.depth > self.depth {
            return Err(Reason::Broken);
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(value.node);
            return Ok(());
        };
        open.size += value.size;
        open.depth = open.depth.max(value.depth);
        match &mut open.holds {
            Holds::List(list) => list.push(value.node),
            Holds::Map(map) => match map.next.take() {
                Some(Name::Field(name)) => map.fields.push((name, value.node)),
                Some(Name::Merge) => map.merged.extend(merged(value.node)?),
                // A list or a map as the key of a field.
                None => return Err(Reason::Broken),
            },
        }
        Ok(())
    }
}

/// The fields of what stands behind `<<`: a map, or several of which the first ones count.
fn merged(node: Node) -> Result<Vec<(String, Node)>, Reason> {
    match node {
        Node::Null => Ok(Vec::new()),
        Node::Map(fields) => Ok(fields),
        Node::List(maps) => {
            let mut all = Vec::new();
            for map in maps {
                let Node::Map(fields) = map else { return Err(Reason::Broken) };
                all.extend(fields);
            }
            Ok(all)
        }
        _ => Err(Reason::Broken),
    }
}

/// `None` where a text is not what its tag says.
fn tagged(text: &str, is_plain: bool, tag: Option<&Tag>) -> Option<Node> {
    let Some(tag) = tag else {
        return if is_plain { plain::resolve(text) } else { Some(Node::text(text)) };
    };
    match tag.core_suffix() {
        Some("str") => Some(Node::text(text)),
        Some("null") => Some(Node::Null),
        Some("bool") => plain::flag(text).map(Node::Flag),
        Some("int") => plain::whole(text),
        Some("float") => plain::fraction(text).filter(|number| number.is_finite()).map(Node::Fraction),
        Some(_) => None,
        None if is(tag, "binary") => {
            let text: String = text.split_ascii_whitespace().collect();
            let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok()?;
            String::from_utf8(bytes).ok().map(Node::text)
        }
        None if tag.to_string() == "!" => Some(Node::text(text)),
        None if is_plain => plain::resolve(text),
        None => Some(Node::text(text)),
    }
}

/// Whether it is one of YAML's own, of this name.
fn is(tag: &Tag, name: &str) -> bool {
    tag.suffix_in_namespace("tag:yaml.org,2002:").is_some_and(|suffix| suffix == name)
}
