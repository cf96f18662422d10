//! Who should have which shard. Everybody computes it from the same leases, and so comes to the same end without talking.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::ranges::hash;

/// A shard as its lease shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder<'a> {
    /// Anybody may take it.
    Free,
    /// A replica that takes part has it.
    Member(&'a str),
    /// Somebody else has it until the lease expires.
    Stranger,
}

/// What one replica does about it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// What to give away: it has too many.
    pub(super) give: Vec<u32>,
    /// What to take: it has too few, and this one suits it best.
    pub(super) take: Vec<u32>,
}

/// What `me` does, when these take part and the shards are held like this.
///
/// Nobody is to have more than one shard more than another. Where that leaves open who has one more, it is who has many already, so
/// that nothing moves that need not.
pub(super) fn plan(me: &str, members: &BTreeSet<&str>, shards: &[Holder<'_>]) -> Plan {
    let mut held: BTreeMap<&str, Vec<u32>> = members.iter().map(|member| (*member, Vec::new())).collect();
    let mut free = Vec::new();
    for (shard, holder) in (0_u32..).zip(shards) {
        match holder {
            Holder::Free => free.push(shard),
            Holder::Member(member) => {
                if let Some(held) = held.get_mut(member) {
                    held.push(shard);
                }
            }
            Holder::Stranger => {}
        }
    }
    if held.is_empty() {
        return Plan::default();
    }
    let (least, more) = (shards.len() / held.len(), shards.len() % held.len());
    let mut ranked: Vec<_> = held.into_iter().collect();
    ranked.sort_by_key(|(member, held)| (Reverse(held.len()), score(member, u32::MAX)));
    let mut plan = Plan::default();
    // Who wants how many.
    let mut wants = BTreeMap::new();
    for (rank, (member, mut held)) in ranked.into_iter().enumerate() {
        let target = least + usize::from(rank < more);
        if member == me && held.len() > target {
            // What suits another best goes first.
            held.sort_by_key(|shard| score(me, *shard));
            plan.give = held.get(..held.len() - target).unwrap_or_default().to_vec();
        }
        wants.insert(member, target.saturating_sub(held.len()));
    }
    for shard in free {
        let suited =
            wants.iter().filter(|(_, wanted)| **wanted > 0).max_by_key(|(member, _)| score(member, shard));
        let Some(member) = suited.map(|(member, _)| *member) else { break };
        if let Some(wanted) = wants.get_mut(member) {
            *wanted -= 1;
        }
        if member == me {
            plan.take.push(shard);
        }
    }
    plan
}

/// How well a shard suits a replica: as good as chance, and the same for everybody (rendezvous hashing).
pub(super) fn score(member: &str, shard: u32) -> u64 {
    // FNV leaves texts that differ at the end alone close together.
    let mixed = hash(member) ^ (u64::from(shard) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NAMES: [&str; 7] = ["a", "b", "c", "d", "e", "f", "g"];

    proptest! {
        /// From any state, when everybody does what the plan says, everything is owned and balanced after one step of giving
        /// and one of taking, nothing is wanted by two, and nothing moves that need not.
        #[test]
        fn everybody_together_comes_to_an_even_split(
            count in 1..7_usize,
            holders in proptest::collection::vec(proptest::option::of(0..9_usize), 1..40),
        ) {
            let members: BTreeSet<&str> = NAMES[..count].iter().copied().collect();
            // Who holds a shard without taking part has left by the end.
            let mut shards: Vec<Holder<'_>> = holders.iter().map(|holder| match holder {
                Some(holder) if *holder < count => Holder::Member(NAMES[*holder]),
                Some(_) => Holder::Stranger,
                None => Holder::Free,
            }).collect();
            let most = shards.len().div_ceil(count);
            let of = |shards: &[Holder<'_>], member| shards.iter().filter(|holder| **holder == Holder::Member(member)).count();
            let surplus: usize = members.iter().map(|member| of(&shards, member).saturating_sub(most)).sum();
            let mut moved = 0;
            for expired in [false, true] {
                if expired {
                    shards.iter_mut().filter(|holder| **holder == Holder::Stranger).for_each(|holder| *holder = Holder::Free);
                }
                let plans: Vec<_> = members.iter().map(|member| (*member, plan(member, &members, &shards))).collect();
                for (member, plan) in plans {
                    for shard in plan.give {
                        prop_assert_eq!(shards[shard as usize], Holder::Member(member));
                        shards[shard as usize] = Holder::Free;
                        moved += 1;
                    }
                    for shard in plan.take {
                        prop_assert_eq!(shards[shard as usize], Holder::Free, "wanted by two");
                        shards[shard as usize] = Holder::Member(member);
                    }
                }
                if !expired {
                    // Beyond what was too much, one each for those that would have had too few.
                    prop_assert!(moved <= surplus + shards.len() / count * count);
                }
            }
            // What was given away in the last step.
            for member in &members {
                for shard in plan(member, &members, &shards.clone()).take {
                    shards[shard as usize] = Holder::Member(member);
                }
            }
            let counts: Vec<_> = members.iter().map(|member| of(&shards, member)).collect();
            prop_assert_eq!(counts.iter().sum::<usize>(), shards.len(), "{:?}", shards);
            prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1, "{:?}", counts);
            for member in &members {
                prop_assert_eq!(plan(member, &members, &shards), Plan::default());
            }
        }
    }

    #[test]
    fn one_more_replica_moves_no_more_than_its_share() {
        let shards: Vec<Holder<'_>> = (0..16).map(|shard| Holder::Member(NAMES[shard % 4])).collect();
        let members: BTreeSet<&str> = NAMES[..5].iter().copied().collect();
        let given: usize = members.iter().map(|member| plan(member, &members, &shards).give.len()).sum();
        assert_eq!(given, 3);
    }
}
