//! As much of protobuf as replaying takes: messages whose fields are looked at one by one.

use std::ops::Range;

/// What stands before an object in Kubernetes' protobuf.
pub(crate) const MAGIC: &[u8] = b"k8s\0";

/// A field of a message: its number, all of it, and its content. `None` ends the message.
fn next(message: &[u8], at: usize) -> Option<(u64, Range<usize>, Range<usize>)> {
    let mut rest = message.get(at..).filter(|rest| !rest.is_empty())?;
    let tag = varint(&mut rest);
    let start = |rest: &[u8]| message.len() - rest.len();
    let content = match tag & 7 {
        0 => {
            let start = start(rest);
            varint(&mut rest);
            start..message.len() - rest.len()
        }
        1 => start(rest)..start(rest) + 8,
        2 => {
            let length = varint(&mut rest) as usize;
            start(rest)..start(rest) + length
        }
        5 => start(rest)..start(rest) + 4,
        other => panic!("a field of the wire type {other}"),
    };
    Some((tag >> 3, at..content.end, content))
}

/// All fields: the number of each, all of it, and its content.
pub(crate) fn fields(message: &[u8]) -> impl Iterator<Item = (u64, &[u8], &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (number, whole, content) = next(message, at)?;
        at = whole.end;
        Some((number, &message[whole], &message[content]))
    })
}

/// The first field of this number.
pub(crate) fn field(message: &[u8], number: u64) -> &[u8] {
    let mut found = fields(message).filter(|(known, ..)| *known == number);
    found.next().unwrap_or_else(|| panic!("a message without field {number}")).2
}

/// The message with the text at a path of fields replaced.
pub(crate) fn replaced(message: &[u8], path: &[u64], text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + text.len());
    for (number, whole, content) in fields(message) {
        match path {
            [last] if number == *last => put(&mut out, number, text),
            [first, rest @ ..] if number == *first => put(&mut out, number, &replaced(content, rest, text)),
            _ => out.extend_from_slice(whole),
        }
    }
    out
}

/// Adds a text or a message.
pub(crate) fn put(out: &mut Vec<u8>, number: u64, content: &[u8]) {
    put_varint(out, number << 3 | 2);
    put_varint(out, content.len() as u64);
    out.extend_from_slice(content);
}

/// Adds a number.
pub(crate) fn put_number(out: &mut Vec<u8>, number: u64, value: u64) {
    put_varint(out, number << 3);
    put_varint(out, value);
}

/// `runtime.Unknown` around an object's own bytes.
pub(crate) fn unknown(kind: &str, raw: &[u8]) -> Vec<u8> {
    let mut meta = Vec::new();
    put(&mut meta, 1, b"v1");
    put(&mut meta, 2, kind.as_bytes());
    let mut out = Vec::with_capacity(raw.len() + 32);
    out.extend_from_slice(MAGIC);
    put(&mut out, 1, &meta);
    put(&mut out, 2, raw);
    // Its encoding and its media type, which Go writes though they are empty.
    put(&mut out, 3, b"");
    put(&mut out, 4, b"");
    out
}

fn varint(message: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let (byte, rest) = message.split_first().expect("a field");
        *message = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            break;
        }
    }
    value
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Adds the beginning of a field whose content of this length follows.
pub(crate) fn put_length(out: &mut Vec<u8>, number: u64, length: usize) {
    put_varint(out, number << 3 | 2);
    put_varint(out, length as u64);
}
