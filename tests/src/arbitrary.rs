//! Any value of any type, from a number: what the tables know is all that is needed.

use k8s_api::leaf::{Leaf, Scalar};
use k8s_api::view::{Message, Slot};

/// Numbers that follow from a seed (SplitMix64).
#[derive(Debug)]
pub struct Chance(u64);

impl Chance {
    /// The same seed gives the same numbers.
    pub fn new(seed: u64) -> Chance {
        Chance(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

/// Texts of every length class, with what formats escape, and what looks like something else.
const TEXTS: [&str; 12] = [
    "",
    "a",
    "name",
    "TCP",
    "Running",
    "true",
    "null",
    "1e3",
    "<&>\"\\\u{2028}\n\u{1}",
    "ü€😀",
    "exactly16bytes!!",
    "more than sixteen bytes",
];
const INTEGERS: [i64; 7] = [0, 1, -1, 80, i32::MAX as i64, i64::MAX, i64::MIN];
const RAW: [&str; 6] = ["{}", r#"{"a":[1,null,{"b":"c"}]}"#, "[]", r#""text""#, "1.5", "true"];

/// Puts something into every field, or nothing; the deeper, the less.
pub fn fill(message: &mut dyn Message, chance: &mut Chance, depth: usize) {
    let fields = message.table().len();
    if message.table().union {
        // One of them is set, and the flag beside a schema says that it is allowed.
        let position = chance.below(fields);
        let Some(slot) = message.field_mut(position) else { return };
        set(slot, chance, depth + 1);
        return;
    }
    for position in 0..fields {
        if let Some(slot) = message.field_mut(position)
            && chance.below(4 + 2 * depth * depth) < 3
        {
            set(slot, chance, depth + 1);
        }
    }
}

fn set(slot: Slot<'_>, chance: &mut Chance, depth: usize) {
    match slot {
        Slot::Bool(value) => *value = chance.below(2) == 0,
        Slot::I32(value) => *value = chance.of(&[0, 1, -1, 80, i32::MAX, i32::MIN]),
        Slot::I64(value) => *value = chance.of(&INTEGERS),
        Slot::F64(value) => *value = chance.of(&[0.0, 1.0, -0.25, 1e3, 12345.75]),
        Slot::Str(value) => *value = chance.of(&TEXTS).into(),
        Slot::Enum(value) => value.set(chance.of(&TEXTS)),
        Slot::Bytes(value) => *value = chance.of(&[&b""[..], b"a", b"\0\xff\x80", b"four"]).into(),
        Slot::Leaf(leaf) => set_leaf(leaf, chance),
        Slot::Raw(value) => {
            if let Ok(raw) = k8s_api::raw::RawJson::parse(chance.of(&RAW).as_bytes()) {
                *value = raw;
            }
        }
        Slot::Message(message) => fill(message, chance, depth),
        // A schema in a schema has no end of its own.
        Slot::Option(option) if depth < 12 => set(option.fill(), chance, depth),
        Slot::List(list) => {
            for _ in 0..chance.below(3) {
                set(list.push(), chance, depth + 1);
            }
        }
        Slot::Map(map) => {
            for _ in 0..chance.below(3) {
                set(map.entry(chance.of(&TEXTS).into()), chance, depth + 1);
            }
        }
        _ => {}
    }
}

/// Texts that each type takes one of; a leaf says which.
fn set_leaf(leaf: &mut dyn Leaf, chance: &mut Chance) {
    let groups: [&[&str]; 3] = [
        &["2026-01-31T12:00:00Z", "0001-01-02T00:00:00Z", "9999-12-31T23:59:59Z"],
        &["100m", "1536Mi", "5", "0", "1e3", "-250u"],
        &["http", "80%", ""],
    ];
    for group in groups {
        if leaf.set(Scalar::Text(chance.of(group).into())).is_ok() {
            break;
        }
    }
    // What takes any text takes a number too.
    if leaf.get() == Scalar::Text("http".into()) && leaf.set(Scalar::Int(8080)).is_err() {
        unreachable!("a type that takes any text and no number");
    }
}
