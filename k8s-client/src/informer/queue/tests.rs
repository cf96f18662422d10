//! The queue against a subscriber that takes its time.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Item, Queue};
use crate::watch::{Cause, Object};

#[derive(Clone, Debug, PartialEq)]
struct Thing {
    name: &'static str,
    uid: String,
    version: String,
}

impl Object for Thing {
    fn namespace(&self) -> &str {
        "ns"
    }
    fn name(&self) -> &str {
        self.name
    }
    fn uid(&self) -> &str {
        &self.uid
    }
    fn resource_version(&self) -> &str {
        &self.version
    }
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

fn thing(name: usize, uid: u64, version: u64) -> Thing {
    Thing { name: NAMES[name], uid: uid.to_string(), version: version.to_string() }
}

fn drain(queue: &mut Queue<Thing>) -> Vec<Item<Thing>> {
    std::iter::from_fn(|| queue.pop()).collect()
}

#[test]
fn below_its_capacity_every_state_is_told() {
    let mut queue = Queue::new(4);
    let told = [
        Item::Applied(thing(0, 1, 1)),
        Item::Applied(thing(0, 1, 2)),
        Item::Deleted(thing(0, 1, 3)),
        Item::Complete(Cause::Expired),
    ];
    told.iter().cloned().for_each(|item| queue.push(item));
    assert_eq!((queue.len(), drain(&mut queue), queue.coalesced()), (4, told.to_vec(), 0));
}

#[test]
fn above_it_the_latest_state_of_a_key_has_the_place_of_its_first() {
    let mut queue = Queue::new(1);
    queue.push(Item::Applied(thing(0, 1, 1)));
    for item in [
        Item::Applied(thing(1, 2, 2)),
        Item::Applied(thing(2, 3, 3)),
        Item::Complete(Cause::Start),
        Item::Applied(thing(1, 2, 4)),
        Item::Applied(thing(0, 1, 5)),
        Item::Complete(Cause::Expired),
    ] {
        queue.push(item);
    }
    assert_eq!((queue.len(), queue.coalesced()), (5, 2));
    let expected = [
        Item::Applied(thing(0, 1, 1)),
        Item::Applied(thing(1, 2, 4)),
        Item::Applied(thing(2, 3, 3)),
        Item::Applied(thing(0, 1, 5)),
        Item::Complete(Cause::Start),
    ];
    assert_eq!(drain(&mut queue), expected);
}

#[test]
fn what_was_deleted_and_made_again_is_told_as_both() {
    let mut queue = Queue::new(0);
    queue.push(Item::Applied(thing(0, 1, 1)));
    queue.push(Item::Deleted(thing(0, 1, 2)));
    queue.push(Item::Applied(thing(0, 2, 3)));
    queue.push(Item::Applied(thing(0, 2, 4)));
    assert_eq!(queue.len(), 2);
    assert_eq!(drain(&mut queue), [Item::Deleted(thing(0, 1, 2)), Item::Applied(thing(0, 2, 4))]);
    // And what was only there meanwhile is not told at all.
    queue.push(Item::Deleted(thing(0, 2, 5)));
    queue.push(Item::Applied(thing(0, 3, 6)));
    queue.push(Item::Deleted(thing(0, 3, 7)));
    assert_eq!((drain(&mut queue), queue.coalesced()), (vec![Item::Deleted(thing(0, 2, 5))], 4));
}

#[test]
fn what_was_released_is_not_deleted_unless_it_came_back_and_was() {
    let mut queue = Queue::new(0);
    queue.push(Item::Released(thing(0, 1, 1)));
    queue.push(Item::Applied(thing(0, 1, 2)));
    assert_eq!(drain(&mut queue), [Item::Released(thing(0, 1, 1)), Item::Applied(thing(0, 1, 2))]);
    queue.push(Item::Released(thing(0, 1, 2)));
    queue.push(Item::Applied(thing(0, 1, 3)));
    queue.push(Item::Deleted(thing(0, 1, 4)));
    assert_eq!(drain(&mut queue), [Item::Deleted(thing(0, 1, 4))]);
}

#[test]
fn a_complete_state_is_told_whole_to_who_has_kept_up() {
    let mut queue = Queue::new(2);
    queue.extend((0..4).map(|name| Item::Applied(thing(name, 1, 1))));
    // Only then is the limit felt.
    queue.push(Item::Applied(thing(3, 1, 2)));
    queue.push(Item::Applied(thing(3, 1, 3)));
    assert_eq!((queue.len(), queue.coalesced()), (5, 1));
    assert_eq!(drain(&mut queue).len(), 5);
}

/// What a subscriber knows, and all that it was told.
#[derive(Default)]
struct Subscriber {
    known: BTreeMap<&'static str, Thing>,
    told: BTreeMap<&'static str, Vec<Item<Thing>>>,
    count: u64,
}

impl Subscriber {
    fn hear(&mut self, item: Item<Thing>) {
        self.count += 1;
        match &item {
            Item::Applied(thing) => {
                if let Some(before) = self.known.insert(thing.name, thing.clone()) {
                    assert_eq!(before.uid, thing.uid, "{thing:?} is another one, and nobody said so");
                }
            }
            Item::Deleted(thing) | Item::Released(thing) => {
                if let Some(before) = self.known.remove(thing.name) {
                    assert_eq!(before.uid, thing.uid, "{thing:?} was not the one that was known");
                }
            }
            Item::Complete(_) => return,
        }
        let (Item::Applied(Thing { name, .. })
        | Item::Deleted(Thing { name, .. })
        | Item::Released(Thing { name, .. })) = &item
        else {
            return;
        };
        self.told.entry(name).or_default().push(item);
    }
}

fn is_subsequence(part: &[Item<Thing>], whole: &[Item<Thing>]) -> bool {
    let mut whole = whole.iter();
    part.iter().all(|item| whole.any(|other| other == item))
}

#[derive(Clone, Debug)]
enum Step {
    /// Changes an object, or makes it.
    Apply(usize),
    Delete(usize),
    /// It goes, and is the same when it comes back.
    Release(usize),
    Complete,
    Pop(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..NAMES.len()).prop_map(Step::Apply),
        3 => (0..NAMES.len()).prop_map(Step::Delete),
        2 => (0..NAMES.len()).prop_map(Step::Release),
        1 => Just(Step::Complete),
        2 => (1..6_usize).prop_map(Step::Pop),
    ];
    proptest::collection::vec(step, 0..120)
}

proptest! {
    #[test]
    fn only_states_in_between_are_lost(capacity in 0..12_usize, steps in steps()) {
        let mut queue = Queue::new(capacity);
        let (mut there, mut elsewhere) = (BTreeMap::new(), BTreeMap::new());
        let mut happened: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let mut subscriber = Subscriber::default();
        let (mut version, mut pushed) = (0, 0);
        for step in steps {
            version += 1;
            let item = match step {
                Step::Apply(name) => {
                    let before = there.get(NAMES[name]).cloned().or_else(|| elsewhere.remove(NAMES[name]));
                    let uid = before.map_or(version, |it: Thing| it.uid.parse().unwrap());
                    there.insert(NAMES[name], thing(name, uid, version));
                    Item::Applied(there[NAMES[name]].clone())
                }
                Step::Delete(name) => match there.remove(NAMES[name]) {
                    Some(gone) => Item::Deleted(Thing { version: version.to_string(), ..gone }),
                    None => continue,
                },
                Step::Release(name) => match there.remove(NAMES[name]) {
                    Some(gone) => {
                        elsewhere.insert(NAMES[name], gone.clone());
                        Item::Released(gone)
                    }
                    None => continue,
                },
                Step::Complete => Item::Complete(Cause::Expired),
                Step::Pop(count) => {
                    for _ in 0..count {
                        if let Some(item) = queue.pop() {
                            subscriber.hear(item);
                        }
                    }
                    continue;
                }
            };
            if let Item::Applied(Thing { name, .. })
            | Item::Deleted(Thing { name, .. })
            | Item::Released(Thing { name, .. }) = &item
            {
                happened.entry(*name).or_default().push(item.clone());
            }
            pushed += 1;
            queue.push(item);
            prop_assert!(queue.len() <= capacity + 2 * NAMES.len() + 2, "{} wait", queue.len());
            prop_assert_eq!(subscriber.count + queue.len() as u64 + queue.coalesced(), pushed);
        }
        drain(&mut queue).into_iter().for_each(|item| subscriber.hear(item));
        prop_assert!(queue.is_empty());
        prop_assert_eq!(queue.len(), 0_usize);
        prop_assert_eq!(&subscriber.known, &there);
        prop_assert_eq!(subscriber.count + queue.coalesced(), pushed);
        for (name, told) in &subscriber.told {
            prop_assert!(is_subsequence(told, &happened[name]), "{name}: {told:?} of {:?}", happened[name]);
        }
        if pushed as usize <= capacity {
            prop_assert_eq!(subscriber.told, happened);
        }
    }
}
