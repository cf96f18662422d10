//! What is held, for how long, and how often that helped. It does no I/O, and is told what time it is.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use k8s_api::text::Str;

use super::Hold;
use crate::watch::{Held, Object as _, ResourceVersion};

/// Namespace and name.
pub(super) type Key = (Str, Str);

/// What the keys say of an object.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Known {
    /// The keys are not complete yet.
    Unknown,
    /// There is no such object.
    Gone,
    /// It is there, in this version.
    At { uid: Str, version: ResourceVersion },
}

impl Known {
    /// Whether the object is no older.
    pub(super) fn is_in(&self, object: &Held) -> bool {
        match self {
            Known::Unknown => true,
            Known::Gone => false,
            Known::At { uid, version } => {
                uid == object.uid() && ResourceVersion::from(object.resource_version()) >= *version
            }
        }
    }
}

/// How often what was held helped, and what became of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rates {
    /// Answered with what was held.
    pub hits: u64,
    /// Answered by the keys alone: there is no such object.
    pub absent: u64,
    /// Asked the server.
    pub fetched: u64,
    /// Waited for what another caller had asked for.
    pub joined: u64,
    /// Of those that asked the server, how many failed.
    pub failed: u64,
    /// Dropped for another object, since no more are held at once.
    pub evicted: u64,
    /// Dropped since they were held for long enough.
    pub expired: u64,
    /// Dropped since the object has changed or is gone.
    pub outdated: u64,
    /// Held now.
    pub held: usize,
}

impl Rates {
    /// The part of the questions for which the server was not asked; 0 before the first one.
    pub fn hit_rate(&self) -> f64 {
        let free = self.hits + self.absent + self.joined;
        free as f64 / ((free + self.fetched).max(1)) as f64
    }
}

pub(super) struct Shelf {
    hold: Hold,
    kept: HashMap<Key, Kept>,
    /// The keys by when they were last asked for.
    by_use: BTreeMap<u64, Key>,
    uses: u64,
    /// Up to which use the last look at what is held came.
    looked: u64,
    pub(super) rates: Rates,
}

struct Kept {
    object: Held,
    /// Never, if that is further away than time goes.
    until: Option<Instant>,
    used: u64,
}

/// Why something is dropped.
enum Why {
    Evicted,
    Expired,
    Outdated,
}

/// How many of those that are held are looked at when another one comes.
const LOOKS: usize = 8;

impl Shelf {
    pub(super) fn new(hold: Hold) -> Shelf {
        let (kept, by_use, rates) = (HashMap::new(), BTreeMap::new(), Rates::default());
        Shelf { hold, kept, by_use, uses: 0, looked: 0, rates }
    }

    /// The object, if it is held and may be given.
    pub(super) fn get(&mut self, now: Instant, key: &Key, known: &Known) -> Option<Held> {
        let kept = self.kept.get(key)?;
        if let Some(why) = wrong(kept, now, known) {
            self.drop(key, why);
            return None;
        }
        self.rates.hits += 1;
        self.used(key)
    }

    /// Takes an object in, and looks whether some others still have their place. `known` says what is known of one.
    pub(super) fn put(&mut self, now: Instant, key: &Key, object: Held, known: impl Fn(&Key) -> Known) {
        if self.hold.objects == 0 {
            return;
        }
        self.take(key);
        self.look(now, known);
        while self.kept.len() >= self.hold.objects
            && let Some(oldest) = self.by_use.values().next().cloned()
        {
            self.drop(&oldest, Why::Evicted);
        }
        self.kept.insert(key.clone(), Kept { object, until: now.checked_add(self.hold.ttl), used: 0 });
        self.used(key);
    }

    /// The object has changed, or is gone.
    pub(super) fn changed(&mut self, key: &Key, known: &Known) {
        if self.kept.get(key).is_some_and(|kept| !known.is_in(&kept.object)) {
            self.drop(key, Why::Outdated);
        }
    }

    /// Goes round those that are held, some at a time.
    fn look(&mut self, now: Instant, known: impl Fn(&Key) -> Known) {
        let some: Vec<_> = self.by_use.range(self.looked..).take(LOOKS).map(|(_, key)| key.clone()).collect();
        self.looked = match some.last().and_then(|last| self.kept.get(last)) {
            Some(last) if some.len() == LOOKS => last.used + 1,
            _ => 0,
        };
        for key in some {
            if let Some(why) = self.kept.get(&key).and_then(|kept| wrong(kept, now, &known(&key))) {
                self.drop(&key, why);
            }
        }
    }

    /// Makes it the one that was asked for last.
    fn used(&mut self, key: &Key) -> Option<Held> {
        self.uses += 1;
        self.rates.held = self.kept.len();
        let kept = self.kept.get_mut(key)?;
        self.by_use.remove(&kept.used);
        kept.used = self.uses;
        self.by_use.insert(self.uses, key.clone());
        Some(kept.object.clone())
    }

    fn take(&mut self, key: &Key) -> bool {
        let kept = self.kept.remove(key);
        if let Some(kept) = &kept {
            self.by_use.remove(&kept.used);
        }
        self.rates.held = self.kept.len();
        kept.is_some()
    }

    fn drop(&mut self, key: &Key, why: Why) {
        if self.take(key) {
            *match why {
                Why::Evicted => &mut self.rates.evicted,
                Why::Expired => &mut self.rates.expired,
                Why::Outdated => &mut self.rates.outdated,
            } += 1;
        }
    }
}

fn wrong(kept: &Kept, now: Instant, known: &Known) -> Option<Why> {
    if !known.is_in(&kept.object) {
        Some(Why::Outdated)
    } else if kept.until.is_some_and(|until| now >= until) {
        Some(Why::Expired)
    } else {
        None
    }
}
