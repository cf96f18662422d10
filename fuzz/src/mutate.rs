//! Changes at random, the same for the same seed.

/// Random numbers that need not be good, only repeatable.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Random {
        // A state of zero would stay there.
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }

    /// A number below `end`; 0 if there is none.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap_or(u64::MAX)).unwrap_or_default()
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }
}

/// Longer inputs find little more and take much longer.
pub const LONGEST: usize = 4096;

/// What breaks readers, whatever they read.
const TOKENS: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b":",
    b",",
    b"null",
    b"true",
    b"false",
    b"{}",
    b"[]",
    b"\"\"",
    b"0",
    b"-0",
    b"-1",
    b"1e3",
    b"1e999",
    b"0.1",
    b"2147483648",
    b"9223372036854775807",
    b"9223372036854775808",
    b"18446744073709551616",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"\\udc00",
    b"\0",
    b"\x7f",
    b"\x80",
    b"\xff",
    b"\xc3\xa9",
    b"\xf0\x9f\x98\x80",
    b"\n",
    b"\r\n",
    b"\t",
    b" ",
    b"'",
    b"#",
    b"&a",
    b"*a",
    b"<<",
    b"- ",
    b"|",
    b">",
    b"~",
    b"..",
    b".",
    b"@",
    b"$",
    b"?(",
    b")",
    b"==",
    b"&&",
    b"1Ki",
    b"12e-3",
    b"Z",
    b"+00:00",
    b"\x08\x01",
    b"\x12\x00",
    b"\xff\xff\xff\xff\x0f",
];

/// One input out of those that are known.
pub fn mutate(random: &mut Random, corpus: &[Vec<u8>], own: &[&str]) -> Vec<u8> {
    let mut input = random.pick(corpus).cloned().unwrap_or_default();
    let times = 1 + random.below(2) * random.below(6);
    for _ in 0..times {
        let at = random.below(input.len() + 1);
        let until = (at + 1 + random.below(8)).min(input.len());
        match random.below(9) {
            0 if at < input.len() => input[at] ^= 1 << random.below(8),
            1 if at < input.len() => input[at] = u8::try_from(random.below(256)).unwrap_or_default(),
            2 => drop(input.drain(at.min(until)..until)),
            3 => insert(&mut input, at, random.pick(TOKENS).copied().unwrap_or_default()),
            4 => insert(&mut input, at, random.pick(own).copied().unwrap_or_default().as_bytes()),
            5 => {
                // Something again, somewhere else.
                let from = random.below(input.len() + 1);
                let piece = input[from..(from + random.below(64)).min(input.len())].to_vec();
                insert(&mut input, at, &piece);
            }
            6 => {
                // The beginning of one and the end of another.
                if let Some(other) = random.pick(corpus) {
                    let from = random.below(other.len() + 1);
                    input.truncate(at);
                    input.extend_from_slice(&other[from..]);
                }
            }
            7 => insert(&mut input, at, &[u8::try_from(random.below(256)).unwrap_or_default()]),
            _ if at < input.len() => {
                // A text, a number or a name for another one.
                let end = input[at..]
                    .iter()
                    .position(|byte| !byte.is_ascii_alphanumeric())
                    .map_or(input.len(), |end| at + end);
                let token = random.pick(own).copied().unwrap_or_default();
                input.splice(at..end, token.bytes());
            }
            _ => {}
        }
    }
    input.truncate(LONGEST);
    input
}

fn insert(input: &mut Vec<u8>, at: usize, piece: &[u8]) {
    input.splice(at..at, piece.iter().copied());
}
