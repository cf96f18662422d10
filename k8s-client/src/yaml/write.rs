//! From a tree to text that other readers take for the same.

use std::fmt::Write as _;

use super::{Node, plain};
use crate::secret::Secret;

/// In blocks, with two spaces.
pub(crate) fn write(node: &Node) -> Secret {
    let mut out = String::new();
    match node {
        Node::List(list) if !list.is_empty() => items(list, 0, &mut out),
        Node::Map(map) if !map.is_empty() => fields(map, 0, &mut out),
        scalar => {
            inline(scalar, &mut out);
            out.push('\n');
        }
    }
    Secret::new(out)
}

fn fields(fields: &[(String, Node)], indent: usize, out: &mut String) {
    for (at, (name, value)) in fields.iter().enumerate() {
        if at > 0 {
            spaces(indent, out);
        }
        text(name, out);
        out.push(':');
        match value {
            Node::List(list) if !list.is_empty() => {
                out.push('\n');
                spaces(indent, out);
                items(list, indent, out);
            }
            Node::Map(map) if !map.is_empty() => {
                out.push('\n');
                spaces(indent + 2, out);
                self::fields(map, indent + 2, out);
            }
            value => {
                out.push(' ');
                inline(value, out);
                out.push('\n');
            }
        }
    }
}

/// The indentation of the first one has been written.
fn items(list: &[Node], indent: usize, out: &mut String) {
    for (at, value) in list.iter().enumerate() {
        if at > 0 {
            spaces(indent, out);
        }
        out.push_str("- ");
        match value {
            Node::List(list) if !list.is_empty() => items(list, indent + 2, out),
            Node::Map(map) if !map.is_empty() => fields(map, indent + 2, out),
            value => {
                inline(value, out);
                out.push('\n');
            }
        }
    }
}

fn spaces(count: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', count));
}

/// What fits behind a key.
fn inline(node: &Node, out: &mut String) {
    // Writing to a text does not fail.
    let _ = match node {
        Node::Null => write!(out, "null"),
        Node::Flag(flag) => write!(out, "{flag}"),
        Node::Whole(number) => write!(out, "{number}"),
        Node::Large(number) => write!(out, "{number}"),
        // With a point or an exponent, so that it stays what it is.
        Node::Fraction(number) => write!(out, "{number:?}"),
        Node::Text(secret) => {
            text(secret.expose(), out);
            Ok(())
        }
        Node::List(_) => write!(out, "[]"),
        Node::Map(_) => write!(out, "{{}}"),
    };
}

fn text(text: &str, out: &mut String) {
    if is_plain(text) {
        return out.push_str(text);
    }
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            ' '..='~' => out.push(char),
            // What readers may take for a line's end, for nothing, or for a mistake.
            '\0'..='\u{a0}' | '\u{2000}'..='\u{206f}' | '\u{e000}'..='\u{ffff}' | '\u{10000}'.. => {
                let _ = write!(out, "\\U{:08X}", u32::from(char));
            }
            _ => out.push(char),
        }
    }
    out.push('"');
}

/// What needs no quotes for any reader: it begins like a word, and is no word that stands for something.
fn is_plain(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && !text.ends_with(':')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_./@+=:-".contains(&byte))
        && matches!(plain::resolve(text), Some(Node::Text(_)))
}
