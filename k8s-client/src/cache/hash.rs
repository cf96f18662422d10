//! A fast keyed hash. Tenants choose the names that are hashed, so the key is random for every store.

use std::hash::{BuildHasher as _, Hash, Hasher, RandomState};

/// The key of one store's hashes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seed(u64, u64);

impl Seed {
    pub(super) fn random() -> Self {
        // The standard library's keys are random; there is no other source without a dependency.
        let state = RandomState::new();
        Self(state.hash_one(0), state.hash_one(1))
    }

    pub(super) fn hash<Q: Hash + ?Sized>(self, value: &Q) -> u32 {
        let mut hasher = Folding { state: self.0, key: self.1 };
        value.hash(&mut hasher);
        // The upper half depends on everything.
        (hasher.finish() >> 32) as u32
    }

    /// Of an object's name. The two are hashed side by side, each with its length, and only then together.
    #[inline]
    pub(super) fn name(self, namespace: &str, name: &str) -> u32 {
        let (mut first, mut second) =
            (Folding { state: self.0, key: self.1 }, Folding { state: self.1, key: self.0 });
        first.write(namespace.as_bytes());
        second.write(name.as_bytes());
        (fold(first.state ^ self.0, second.state ^ self.1.rotate_left(32)) >> 32) as u32
    }
}

/// Whether two texts are equal. Those of names are short, so it is not worth to call somebody for it.
#[inline]
pub(super) fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    match (a.last_chunk::<16>(), b.last_chunk::<16>()) {
        (Some(end), Some(other)) => {
            let (blocks, others) = (a.as_chunks::<16>().0, b.as_chunks::<16>().0);
            end == other && blocks.iter().zip(others).all(|(block, other)| block == other)
        }
        _ => words(a) == words(b),
    }
}

/// Multiplies 64 by 64 bits and folds the 128 to 64, sixteen bytes at a time.
struct Folding {
    state: u64,
    key: u64,
}

#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

/// All of up to sixteen bytes in two numbers, which may overlap. With the length, different bytes are different numbers.
fn words(bytes: &[u8]) -> (u64, u64) {
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        (u64::from_le_bytes(*first), u64::from_le_bytes(*last))
    } else if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        (u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into())
    } else {
        // Up to three.
        let byte = |at: usize| bytes.get(at).map_or(0, |byte| u64::from(*byte));
        (byte(0) | byte(1) << 8, byte(2))
    }
}

impl Hasher for Folding {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while rest.len() > 16
            && let Some((block, behind)) = rest.split_first_chunk::<16>()
        {
            let both = u128::from_le_bytes(*block);
            self.state = fold(both as u64 ^ self.state, (both >> 64) as u64 ^ self.key);
            rest = behind;
        }
        let (low, high) = words(rest);
        // The state takes the length up, since the words may have any bit.
        self.state = fold(low ^ self.state.wrapping_add(bytes.len() as u64), high ^ self.key);
    }

    #[inline]
    fn write_u8(&mut self, byte: u8) {
        // `str` ends with a byte of its own; its length is mixed in above, so this is cheap.
        self.state = self.state.rotate_left(5) ^ u64::from(byte);
    }

    #[inline]
    fn finish(&self) -> u64 {
        fold(self.state, self.key ^ 0x9e37_79b9_7f4a_7c15)
    }
}

#[cfg(test)]
mod tests {
    use super::{Seed, same};
    use std::collections::HashSet;

    #[test]
    fn names_that_are_alike_spread_over_all_bits() {
        let seed = Seed(3, 5);
        let names: Vec<_> = (0..20_000).map(|n| ("default", format!("api-7d9f8b6c5-{n:05}"))).collect();
        let hashes: Vec<u32> = names.iter().map(|(ns, name)| seed.hash(&(*ns, name.as_str()))).collect();
        let distinct: HashSet<_> = hashes.iter().collect();
        // By the birthday rule some 0.05 pairs are expected to be equal.
        assert!(distinct.len() > 19_990, "{}", distinct.len());
        for shift in [0, 8, 16, 24] {
            let mut counts = [0; 256];
            hashes.iter().for_each(|hash| counts[(hash >> shift) as usize & 255] += 1);
            let (least, most) = (counts.iter().min(), counts.iter().max());
            assert!(least > Some(&30) && most < Some(&140), "{shift}: {least:?} {most:?}");
        }
    }

    #[test]
    fn names_that_objects_have_spread_as_well() {
        let seed = Seed(0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344);
        let names = (0..20_000).map(|n| (format!("team-{}", n % 50), format!("api-7d9f8b6c5-{n:05}")));
        let mut hashes: Vec<u32> = names.map(|(namespace, name)| seed.name(&namespace, &name)).collect();
        for shift in [0, 8, 16, 24] {
            let mut counts = [0; 256];
            hashes.iter().for_each(|hash| counts[(hash >> shift) as usize & 255] += 1);
            let (least, most) = (counts.iter().min(), counts.iter().max());
            assert!(least > Some(&30) && most < Some(&140), "{shift}: {least:?} {most:?}");
        }
        hashes.sort_unstable();
        hashes.dedup();
        assert!(hashes.len() > 19_990, "{}", hashes.len());
        assert_ne!(seed.name("ab", "c"), seed.name("a", "bc"));
        assert_ne!(seed.name("a", "b"), seed.name("b", "a"));
        assert_ne!(seed.name("", "a"), seed.name("a", ""));
        assert_ne!(seed.name("", "a"), seed.name("", "a\0"));
        assert_ne!(Seed(1, 2).name("a", "b"), Seed(1, 3).name("a", "b"));
    }

    #[test]
    fn texts_are_the_same_if_every_byte_is() {
        let text: Vec<u8> = (0..70).collect();
        for len in 0..70 {
            let one = &text[..len];
            let mut other = one.to_vec();
            assert!(same(one, &other));
            assert!(!same(one, &text[..len + 1]) && !same(&text[..len + 1], one));
            for at in 0..len {
                other[at] ^= 1;
                assert!(!same(one, &other), "{len} {at}");
                other[at] ^= 1;
            }
        }
    }

    #[test]
    fn where_one_string_ends_matters() {
        // As random keys are: with a few bits only, hardly anything is folded.
        let seed = Seed(0x9e37_79b9_7f4a_7c15, 0xc2b2_ae3d_27d4_eb4f);
        assert_ne!(seed.hash(&("ab", "c")), seed.hash(&("a", "bc")));
        assert_ne!(seed.hash("a"), seed.hash("a\0"));
        assert_ne!(seed.hash("0123456789abcdef"), seed.hash("0123456789abcdef\0"));
        // As random as they come: small ones spread little.
        let seed = Seed(0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344);
        let texts: Vec<_> =
            (0..40).flat_map(|len| [b"a", b"b", b"\0"].map(|byte| byte.repeat(len))).collect();
        let distinct: HashSet<_> = texts.iter().map(|text| seed.hash(text.as_slice())).collect();
        assert_eq!(distinct.len(), 40 * 3 - 2, "the empty one is there three times");
        assert_ne!(Seed(1, 2).hash("a"), Seed(1, 3).hash("a"));
        assert_eq!(seed.hash("a"), seed.hash(&"a".to_owned()), "as Borrow asks for");
    }
}
