//! The first pod of a list, as the server sends one that is asked for alone.

use serde::Deserialize;
use serde_json::value::RawValue;

/// The item's own bytes, with the type that an item of a list does not have.
pub(crate) fn json(list: &[u8]) -> Vec<u8> {
    #[derive(Deserialize)]
    struct List<'a> {
        #[serde(borrow)]
        items: Vec<&'a RawValue>,
    }
    let list: List<'_> = serde_json::from_slice(list).expect("a list in JSON");
    let item = list.items.first().expect("a pod").get();
    let rest = item.strip_prefix('{').expect("an object");
    format!(r#"{{"kind":"Pod","apiVersion":"v1",{rest}"#).into_bytes()
}

/// What stands before an object in Kubernetes' protobuf.
const MAGIC: &[u8] = b"k8s\0";

/// `runtime.Unknown` around the item's own bytes.
pub(crate) fn protobuf(list: &[u8]) -> Vec<u8> {
    let unknown = list.strip_prefix(MAGIC).expect("a list in protobuf");
    let item = field(field(unknown, 2), 2);
    let mut kind = Vec::new();
    put(&mut kind, 1, b"v1");
    put(&mut kind, 2, b"Pod");
    let mut out = MAGIC.to_vec();
    put(&mut out, 1, &kind);
    put(&mut out, 2, item);
    // Its encoding and its media type, which Go writes though they are empty.
    put(&mut out, 3, b"");
    put(&mut out, 4, b"");
    out
}

/// The first field of this number, in messages whose fields are all texts or messages.
fn field(mut message: &[u8], number: u64) -> &[u8] {
    loop {
        let tag = varint(&mut message);
        assert_eq!(tag & 7, 2, "a list's fields have lengths");
        let length = varint(&mut message) as usize;
        let (content, rest) = message.split_at(length);
        if tag >> 3 == number {
            return content;
        }
        message = rest;
    }
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

fn put(out: &mut Vec<u8>, number: u8, content: &[u8]) {
    out.push(number << 3 | 2);
    let mut length = content.len();
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(content);
}
