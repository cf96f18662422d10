//! Which shards a replica owns, as a pure state machine: it is told what happened and when, and says what to do next.
//!
//! # Why two replicas never own a shard at one time
//!
//! - A lease is written under the version that was seen, so of two writers the server refuses one.
//! - An owner counts from the moment at which it *sent* its last good write, and stops at [`keep`](Settings::keep) after that, on its own
//!   clock, whatever it hears or does not hear. Others count a whole [`lease`](Settings::lease) from the moment at which they *saw* that
//!   write, which is later. So an owner has stopped when others may take over, as long as no clock runs half as fast again as another one.
//!   What the clocks show, and what time a lease says, plays no part.
//! - An answer that was lost changes nothing for the owner: its time is not extended. A write that arrives late was sent under an old
//!   version, or nobody else has written since.
//! - What is given away leaves the owned set first, and is released the time between `keep` and `lease` later.
//!
//! There is no I/O, no clock and no chance in here but those that are put in. The caller carries out what [`Machine::poll`] says, at once,
//! and tells each call's outcome; it calls with [`Input::Tick`] once [`Machine::deadline`] has come.

mod words;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use super::plan::{Holder, Plan, plan, score};
use crate::watch::Random;

pub(super) use words::{Action, CallId, Input, Part, Phase, Record, Settings};

/// The state machine of one replica.
#[derive(Debug)]
pub(super) struct Machine {
    settings: Settings,
    random: Random,
    phase: Phase,
    leases: BTreeMap<Part, Lease>,
    pending: BTreeMap<CallId, Pending>,
    poll_at: Instant,
    actions: VecDeque<Action>,
    calls: u64,
    members: u32,
}

/// A lease, as it was seen last.
#[derive(Debug)]
struct Lease {
    holder: Option<String>,
    /// None if it is not there.
    version: Option<String>,
    duration: Duration,
    /// When this version was first seen: not before it was written.
    seen: Instant,
    /// Set while it is ours.
    ours: Option<Ours>,
    /// Whether a write is on its way.
    busy: bool,
    /// Whether the version is known to be an old one, so that nothing can be written before a list.
    outdated: bool,
}

/// A lease of ours.
#[derive(Clone, Copy, Debug)]
struct Ours {
    /// When the last good write was sent.
    sent: Instant,
    /// When it is released, for one that is given away.
    release_at: Option<Instant>,
}

#[derive(Debug)]
enum Pending {
    /// With the leases that were written since it was sent, of which it may say something old.
    List(BTreeSet<Part>),
    Hold(Part, Instant),
    Release(Part),
    Delete(Part),
    Agree,
}

impl Machine {
    /// A replica that joins at once. `seed` spreads replicas over time.
    pub(super) fn new(settings: Settings, seed: u64, now: Instant) -> Self {
        let mut machine = Self {
            settings,
            random: Random(seed),
            phase: Phase::Joining,
            leases: BTreeMap::new(),
            pending: BTreeMap::new(),
            poll_at: now,
            actions: VecDeque::new(),
            calls: 0,
            members: 0,
        };
        machine.tick(now);
        machine
    }

    /// What to do next; none until the next input.
    pub(super) fn poll(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When [`Input::Tick`] is due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        if !matches!(self.phase, Phase::Joining | Phase::Joined) {
            return None;
        }
        let ends = self.leases.values().filter_map(|lease| {
            let ours = lease.ours?;
            Some(ours.release_at.filter(|_| !lease.busy).unwrap_or(self.until(ours)).min(self.until(ours)))
        });
        ends.chain([self.poll_at]).min()
    }

    /// The shards that are ours, and until when, unless they are renewed.
    pub(super) fn owned(&self) -> impl Iterator<Item = (u32, Instant)> {
        self.leases.iter().filter_map(|(part, lease)| match (part, lease.ours) {
            (Part::Shard(shard), Some(ours)) if ours.release_at.is_none() => Some((*shard, self.until(ours))),
            _ => None,
        })
    }

    /// Whether more shards are about to be ours.
    pub(super) fn is_taking(&self) -> bool {
        self.pending.values().any(|pending| {
            let Pending::Hold(part @ Part::Shard(_), _) = pending else { return false };
            self.leases.get(part).is_some_and(|lease| lease.ours.is_none())
        })
    }

    /// How many take part, as far as is known.
    pub(super) fn members(&self) -> u32 {
        self.members
    }

    /// Whether it takes part and has seen who else does.
    pub(super) fn has_looked(&self) -> bool {
        self.members > 0
    }

    pub(super) fn phase(&self) -> &Phase {
        &self.phase
    }

    /// Takes in what has happened.
    pub(super) fn input(&mut self, now: Instant, input: Input) {
        match input {
            Input::Tick => {}
            Input::Leave => self.leave(now),
            Input::Listed(call, records) => {
                if let Some(Pending::List(written)) = self.pending.remove(&call) {
                    self.listed(now, records, &written);
                }
            }
            Input::Written(call, version) => self.written(now, call, version),
            Input::Conflict(call) => {
                if let Some(pending) = self.pending.remove(&call) {
                    self.not_written(now, &pending);
                    if let Some(lease) = pending.part().and_then(|part| self.leases.get_mut(part)) {
                        lease.outdated = true;
                    }
                    self.poll_at = self.poll_at.min(now + self.random.below(self.settings.poll() / 4));
                }
            }
            Input::Failed(call) => {
                if let Some(pending) = self.pending.remove(&call) {
                    self.not_written(now, &pending);
                }
            }
        }
        self.tick(now);
    }

    fn until(&self, ours: Ours) -> Instant {
        ours.sent + self.settings.keep()
    }

    fn me(&self) -> Part {
        Part::Member(self.settings.me.clone())
    }

    /// Does what the time asks for.
    fn tick(&mut self, now: Instant) {
        let keep = self.settings.keep();
        for lease in self.leases.values_mut() {
            lease.ours = lease.ours.filter(|ours| now < ours.sent + keep);
        }
        match self.phase {
            Phase::Joining | Phase::Joined => {}
            Phase::Leaving if self.pending.is_empty() => return self.phase = Phase::Left,
            Phase::Leaving | Phase::Left | Phase::Refused { .. } => return,
        }
        let due: Vec<Part> = self
            .leases
            .iter()
            .filter(|(_, lease)| {
                lease.ours.and_then(|ours| ours.release_at).is_some_and(|at| at <= now) && !lease.busy
            })
            .map(|(part, _)| part.clone())
            .collect();
        for part in due {
            self.release(part);
        }
        if now < self.poll_at {
            return;
        }
        let poll = self.settings.poll();
        self.poll_at = now + poll * 3 / 4 + self.random.below(poll / 2);
        if !self.pending.values().any(|pending| matches!(pending, Pending::List(_))) {
            let busy =
                self.leases.iter().filter(|(_, lease)| lease.busy).map(|(part, _)| part.clone()).collect();
            let call = self.call(Pending::List(busy));
            self.actions.push_back(Action::List(call));
        }
        // What is due before the next look would be half a look late.
        let renew = self.settings.renew().saturating_sub(poll / 2);
        let old: Vec<Part> = self
            .leases
            .iter()
            .filter(|(_, lease)| {
                !(lease.busy || lease.outdated)
                    && lease.ours.is_some_and(|ours| ours.release_at.is_none() && ours.sent + renew <= now)
            })
            .map(|(part, _)| part.clone())
            .collect();
        for part in old {
            self.hold(now, part);
        }
    }

    fn call(&mut self, pending: Pending) -> CallId {
        self.calls += 1;
        let call = CallId(self.calls);
        self.pending.insert(call, pending);
        call
    }

    /// Marks a lease as being written.
    fn begin(&mut self, part: &Part) {
        for pending in self.pending.values_mut() {
            if let Pending::List(written) = pending {
                written.insert(part.clone());
            }
        }
        if let Some(lease) = self.leases.get_mut(part) {
            lease.busy = true;
        }
    }

    fn version(&self, part: &Part) -> Option<String> {
        self.leases.get(part)?.version.clone()
    }

    /// Takes a lease, or renews it.
    fn hold(&mut self, now: Instant, part: Part) {
        self.begin(&part);
        let version = self.version(&part);
        let me = Some(self.settings.me.clone());
        let call = self.call(Pending::Hold(part.clone(), now));
        self.actions.push_back(match version {
            Some(version) => Action::Replace(call, part, version, me),
            None => Action::Create(call, part, me),
        });
    }

    fn release(&mut self, part: Part) {
        let Some(version) = self.version(&part) else { return };
        self.begin(&part);
        let call = self.call(Pending::Release(part.clone()));
        self.actions.push_back(Action::Replace(call, part, version, None));
    }

    fn delete(&mut self, part: Part) {
        let Some(version) = self.version(&part) else { return };
        self.begin(&part);
        let call = self.call(Pending::Delete(part.clone()));
        self.actions.push_back(Action::Delete(call, part, version));
    }

    fn written(&mut self, now: Instant, call: CallId, version: String) {
        let Some(pending) = self.pending.remove(&call) else { return };
        self.done(&pending);
        let (part, holder, sent) = match pending {
            Pending::Hold(part, sent) => (part, Some(self.settings.me.clone()), Some(sent)),
            Pending::Release(part) => (part, None, None),
            Pending::Delete(part) => {
                self.leases.remove(&part);
                return;
            }
            // The next list says what everybody agrees on.
            Pending::Agree => return self.poll_at = now,
            Pending::List(_) => return,
        };
        let duration = self.settings.lease;
        let Some(lease) = self.leases.get_mut(&part) else { return };
        (lease.holder, lease.version, lease.duration, lease.seen) = (holder, Some(version), duration, now);
        let release_at = lease.ours.and_then(|ours| ours.release_at);
        lease.ours = sent.map(|sent| Ours { sent, release_at });
        if sent.is_none() {
            return;
        }
        match &self.phase {
            Phase::Joining if part == self.me() => {
                self.phase = Phase::Joined;
                self.poll_at = self.poll_at.max(now + self.settings.poll() / 2);
            }
            Phase::Joining | Phase::Joined => {}
            // It was on its way when the others were given back.
            Phase::Leaving | Phase::Left | Phase::Refused { .. } => self.give_back(part),
        }
    }

    fn not_written(&mut self, now: Instant, pending: &Pending) {
        self.done(pending);
        if let Pending::Release(part) = pending
            && let Some(Lease { ours: Some(ours), .. }) = self.leases.get_mut(part)
        {
            // By then a list has said in which version it is.
            ours.release_at = Some(now + self.settings.poll());
        }
    }

    fn done(&mut self, pending: &Pending) {
        if let Some(lease) = pending.part().and_then(|part| self.leases.get_mut(part)) {
            lease.busy = false;
        }
    }

    /// Takes in what a list says of leases that were not written since it was sent.
    fn listed(&mut self, now: Instant, records: Vec<Record>, written: &BTreeSet<Part>) {
        if !matches!(self.phase, Phase::Joining | Phase::Joined) {
            return;
        }
        let mut agreed = None;
        let mut there = BTreeSet::new();
        for Record { part, holder, version, duration } in records {
            if part == Part::Map {
                agreed = holder;
                continue;
            }
            there.insert(part.clone());
            if written.contains(&part) {
                continue;
            }
            let lease = self.leases.entry(part).or_insert_with(|| Lease::absent(now));
            lease.outdated = false;
            if lease.version.as_ref() == Some(&version) {
                continue;
            }
            if holder.as_ref() != Some(&self.settings.me) {
                lease.ours = None;
            }
            // Who has told others a longer time may count on it.
            let duration = duration.max(self.settings.lease);
            (lease.holder, lease.version, lease.duration, lease.seen) =
                (holder, Some(version), duration, now);
        }
        self.leases.retain(|part, _| there.contains(part) || written.contains(part));
        match agreed {
            Some(agreed) if agreed == self.settings.agreement => self.act(now),
            Some(agreed) => {
                self.give_all_back();
                self.phase = Phase::Refused { agreed };
            }
            None => {
                if !self.pending.values().any(|pending| matches!(pending, Pending::Agree)) {
                    let call = self.call(Pending::Agree);
                    let agreement = Some(self.settings.agreement.clone());
                    self.actions.push_back(Action::Create(call, Part::Map, agreement));
                }
            }
        }
    }

    /// Does what the leases as they are now ask for.
    fn act(&mut self, now: Instant) {
        let me = self.me();
        let mine = self.leases.entry(me.clone()).or_insert_with(|| Lease::absent(now));
        if mine.ours.is_none() {
            // Without it the others don't count on us.
            if !mine.busy {
                self.hold(now, me);
            }
            return;
        }
        let mut members: BTreeSet<&str> = BTreeSet::new();
        let mut dead = Vec::new();
        for (part, lease) in &self.leases {
            if let Part::Member(member) = part {
                if *part == me || !lease.is_over(now) {
                    members.insert(member);
                } else if lease.seen + lease.duration * 4 <= now && !lease.busy {
                    dead.push(part.clone());
                }
            }
        }
        self.members = u32::try_from(members.len()).unwrap_or(u32::MAX);
        let holders: Vec<Holder<'_>> = (0..self.settings.shards)
            .map(|shard| match self.leases.get(&Part::Shard(shard)) {
                None => Holder::Free,
                Some(lease) if lease.busy || lease.ours.is_some() => Holder::Member(&self.settings.me),
                Some(lease) => match lease.holder.as_deref() {
                    // It was written, and the answer lost; or it was not renewed in time.
                    Some(holder) if holder == self.settings.me => Holder::Member(&self.settings.me),
                    Some(holder) if !lease.is_over(now) => match members.get(holder) {
                        Some(member) => Holder::Member(member),
                        None => Holder::Stranger,
                    },
                    _ => Holder::Free,
                },
            })
            .collect();
        let Plan { give, take } = plan(&self.settings.me, &members, &holders);
        // One tidies up, so that not all do.
        let tidies = members.iter().max_by_key(|member| score(member, u32::MAX)) == Some(&&*self.settings.me);
        let margin = self.settings.lease - self.settings.keep();
        for shard in 0..self.settings.shards {
            let part = Part::Shard(shard);
            let (given, lease) = (give.contains(&shard), self.leases.get_mut(&part));
            match lease {
                Some(lease) if lease.busy => {}
                Some(Lease { ours: Some(ours), .. }) if given => {
                    // Whoever works on it has as much time left as when a lease runs out.
                    _ = ours.release_at.get_or_insert(now + margin);
                }
                Some(Lease { ours: None, holder: Some(holder), .. }) if *holder == self.settings.me => {
                    if given {
                        self.release(part)
                    } else {
                        self.hold(now, part)
                    }
                }
                _ if take.contains(&shard) => {
                    self.leases.entry(part.clone()).or_insert_with(|| Lease::absent(now));
                    self.hold(now, part);
                }
                _ => {}
            }
        }
        for part in dead.into_iter().filter(|_| tidies) {
            self.delete(part);
        }
    }

    fn leave(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Joining | Phase::Joined) {
            self.give_all_back();
            self.phase = Phase::Leaving;
            self.tick(now);
        }
    }

    fn give_all_back(&mut self) {
        self.pending.retain(|_, pending| !matches!(pending, Pending::List(_) | Pending::Agree));
        let ours: Vec<Part> = self
            .leases
            .iter()
            .filter(|(_, lease)| lease.is_of(&self.settings.me))
            .map(|(part, _)| part.clone())
            .collect();
        for part in ours {
            self.give_back(part);
        }
    }

    /// Gives a lease back, unless it is on its way: then when it is there.
    fn give_back(&mut self, part: Part) {
        let Some(lease) = self.leases.get_mut(&part) else { return };
        lease.ours = None;
        match part {
            _ if lease.busy => {}
            Part::Member(_) => self.delete(part),
            part => self.release(part),
        }
    }
}

impl Pending {
    /// The lease that is written.
    fn part(&self) -> Option<&Part> {
        match self {
            Pending::Hold(part, _) | Pending::Release(part) | Pending::Delete(part) => Some(part),
            Pending::List(_) | Pending::Agree => None,
        }
    }
}

impl Lease {
    fn absent(now: Instant) -> Lease {
        Lease {
            holder: None,
            version: None,
            duration: Duration::ZERO,
            seen: now,
            ours: None,
            busy: false,
            outdated: false,
        }
    }

    fn is_over(&self, now: Instant) -> bool {
        self.holder.is_none() || self.seen + self.duration <= now
    }

    fn is_of(&self, me: &str) -> bool {
        self.ours.is_some() || self.holder.as_deref() == Some(me)
    }
}

#[cfg(test)]
mod simulation;
