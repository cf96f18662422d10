//! Which part of all hashes.

use std::fmt;

use k8s_api::meta::v1::ObjectMeta;

/// What an object is placed by. Neither ever changes while the object lives, so an object is in the same place all its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum By {
    /// `metadata.uid`: the objects are spread evenly, whatever they are called. An object that is made again may be
    /// somewhere else.
    #[default]
    Uid,
    /// `metadata.namespace`: what lives in one namespace stays together. A large namespace makes a large shard, and everything that lives in
    /// none is in the same one. Names that differ at their ends alone, such as `team-1` to `team-9`, are mostly in the same one too: the
    /// hash, which is the server's, hardly spreads them.
    Namespace,
}

impl By {
    /// Where an object is among all hashes: FNV-1a with 64 bits, as the server has it.
    pub fn hash(self, metadata: &ObjectMeta) -> u64 {
        hash(match self {
            By::Uid => &metadata.uid,
            By::Namespace => &metadata.namespace,
        })
    }

    /// As the server names it.
    pub(super) fn field(self) -> &'static str {
        match self {
            By::Uid => "object.metadata.uid",
            By::Namespace => "object.metadata.namespace",
        }
    }
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            By::Uid => "uid",
            By::Namespace => "namespace",
        })
    }
}

/// FNV-1a with 64 bits.
pub(super) fn hash(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A part of all 64-bit hashes: none of them, all, or any ranges in between.
///
/// ```
/// use k8s_client::shard::Shards;
///
/// // The second and the third of four.
/// let middle: Shards = Shards::split(4).skip(1).take(2).collect();
/// assert_eq!(middle.to_string(), "0x4000000000000000..0xc000000000000000");
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Shards {
    /// First and last of each range, in order, with something missing between them.
    ranges: Vec<(u64, u64)>,
}

impl Shards {
    /// No hash at all.
    pub fn none() -> Self {
        Self::default()
    }

    /// Every hash.
    pub fn all() -> Self {
        Self { ranges: vec![(0, u64::MAX)] }
    }

    /// The hashes from `start` to before `end`; without an end, to the last one.
    pub fn range(start: u64, end: Option<u64>) -> Self {
        let last = end.map_or(Some(u64::MAX), |end| end.checked_sub(1));
        Self { ranges: last.filter(|last| start <= *last).map(|last| (start, last)).into_iter().collect() }
    }

    /// All hashes in so many equal parts, in order: every hash is in exactly one of them.
    pub fn split(count: u32) -> impl ExactSizeIterator<Item = Shards> + Clone {
        // Up to 2^64 itself, which is what stands behind the last hash.
        let start = move |part: u32| u64::try_from((u128::from(part) << 64) / u128::from(count)).ok();
        (0..count).map(move |part| Shards::range(start(part).unwrap_or(u64::MAX), start(part + 1)))
    }

    /// Whether there is nothing in it.
    pub fn is_none(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Whether everything is in it.
    pub fn is_all(&self) -> bool {
        self.ranges == [(0, u64::MAX)]
    }

    /// Whether this hash is in it.
    pub fn has(&self, hash: u64) -> bool {
        let after = self.ranges.partition_point(|(first, _)| *first <= hash);
        after.checked_sub(1).and_then(|at| self.ranges.get(at)).is_some_and(|(_, last)| hash <= *last)
    }

    /// What is in this or in the other one.
    #[must_use]
    pub fn with(&self, other: &Shards) -> Shards {
        let mut all: Vec<_> = self.ranges.iter().chain(&other.ranges).copied().collect();
        all.sort_unstable();
        let mut ranges: Vec<(u64, u64)> = Vec::with_capacity(all.len());
        for (first, last) in all {
            match ranges.last_mut() {
                // They overlap, or the next begins where the last one ends.
                Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
                _ => ranges.push((first, last)),
            }
        }
        Shards { ranges }
    }

    /// What is in this and in the other one.
    #[must_use]
    pub fn within(&self, other: &Shards) -> Shards {
        let common = |&(first, last): &(u64, u64)| {
            let cut = move |&(a, b): &(u64, u64)| (a.max(first), b.min(last));
            other.ranges.iter().map(cut).filter(|(first, last)| first <= last)
        };
        Shards { ranges: self.ranges.iter().flat_map(common).collect() }
    }

    /// The ranges, in order, each with its first hash and the first one that is behind it (none at the very end).
    pub fn ranges(&self) -> impl ExactSizeIterator<Item = (u64, Option<u64>)> {
        self.ranges.iter().map(|(first, last)| (*first, last.checked_add(1)))
    }
}

impl FromIterator<Shards> for Shards {
    fn from_iter<I: IntoIterator<Item = Shards>>(parts: I) -> Self {
        parts.into_iter().fold(Shards::none(), |all, part| all.with(&part))
    }
}

/// A bound as the server writes it: always with 16 digits, but for the end of everything.
pub(super) struct Bound(pub(super) Option<u64>);

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(hash) => write!(f, "{hash:#018x}"),
            None => f.write_str("0x10000000000000000"),
        }
    }
}

impl fmt::Display for Shards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_none() {
            return f.write_str("none");
        }
        for (at, (start, end)) in self.ranges().enumerate() {
            if at > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{}..{}", Bound(Some(start)), Bound(end))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Shards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shards({self})")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hashes_are_the_servers() {
        // The vectors that the algorithm was published with.
        for (text, expected) in
            [("", 0xcbf2_9ce4_8422_2325), ("a", 0xaf63_dc4c_8601_ec8c), ("foobar", 0x8594_4171_f739_67e8)]
        {
            assert_eq!(hash(text), expected, "{text}");
        }
        let metadata = ObjectMeta { uid: "a".into(), namespace: "foobar".into(), ..Default::default() };
        assert_eq!(By::Uid.hash(&metadata), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(By::Namespace.hash(&metadata), 0x8594_4171_f739_67e8);
    }

    fn some() -> impl Strategy<Value = Shards> {
        // Bounds that meet often.
        let bound = prop_oneof![0..20_u64, (u64::MAX - 20)..=u64::MAX, any::<u64>()];
        let range =
            (bound.clone(), proptest::option::of(bound)).prop_map(|(start, end)| Shards::range(start, end));
        proptest::collection::vec(range, 0..6).prop_map(Shards::from_iter)
    }

    fn hashes() -> impl Strategy<Value = Vec<u64>> {
        let one = prop_oneof![0..22_u64, (u64::MAX - 22)..=u64::MAX, any::<u64>()];
        proptest::collection::vec(one, 40)
    }

    proptest! {
        #[test]
        fn a_split_has_every_hash_once(count in prop_oneof![1..70_u32, 1..5000_u32], hash: u64) {
            let guess = ((u128::from(hash) * u128::from(count)) >> 64) as usize;
            // The parts around the guess: all of them would be too many.
            let around = Shards::split(count).skip(guess.saturating_sub(2)).take(5);
            prop_assert_eq!(around.filter(|part| part.has(hash)).count(), 1);
            if count < 70 {
                let parts: Vec<_> = Shards::split(count).collect();
                prop_assert_eq!(parts.iter().filter(|part| part.has(hash)).count(), 1);
                prop_assert!(parts.into_iter().collect::<Shards>().is_all());
            }
        }

        #[test]
        fn sets_are_sets(a in some(), b in some(), hashes in hashes()) {
            let (either, both) = (a.with(&b), a.within(&b));
            for hash in hashes {
                prop_assert_eq!(either.has(hash), a.has(hash) || b.has(hash));
                prop_assert_eq!(both.has(hash), a.has(hash) && b.has(hash));
            }
            // One text for one set, however it was put together.
            prop_assert_eq!(&either, &b.with(&a));
            prop_assert_eq!(&a.within(&either), &a);
            prop_assert_eq!(&a.with(&both), &a);
        }
    }

    #[test]
    fn borders() {
        assert!(Shards::split(0).next().is_none());
        assert!(Shards::split(1).all(|all| all.is_all()));
        assert!(Shards::range(5, Some(5)).is_none() && Shards::range(0, Some(0)).is_none());
        assert!(Shards::range(0, None).is_all());
        assert_eq!(Shards::range(u64::MAX, None).to_string(), "0xffffffffffffffff..0x10000000000000000");
        assert_eq!(format!("{:?}", Shards::none()), "Shards(none)");
        let quarters: Vec<_> = Shards::split(4).map(|part| part.to_string()).collect();
        assert_eq!(quarters[0], "0x0000000000000000..0x4000000000000000");
        assert_eq!(quarters[3], "0xc000000000000000..0x10000000000000000");
    }
}
