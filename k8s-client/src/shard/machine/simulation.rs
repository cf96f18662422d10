//! Replicas, and a server between them and their leases, in a time that does not pass: with calls that are late or lost, replicas that stand still,
//! are cut off, die, come and go, and clocks that do not run alike.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

const LEASE: Duration = Duration::from_secs(15);
const SHARDS: u32 = 16;

/// Real time, in milliseconds since the beginning.
type Millis = u64;

fn millis(of: Duration) -> Millis {
    of.as_millis() as Millis
}

#[derive(Debug)]
enum Event {
    /// A call comes to the server.
    Arrives(usize, Action),
    /// An answer comes to a replica, or the news that there will be none.
    Answered(usize, CallId, Answer),
    Wake(usize),
    Starts(usize),
    Leaves(usize),
    Dies(usize),

    Check,
}

#[derive(Clone, Debug)]
enum Answer {
    List(Vec<Record>),
    Version(String),
    Conflict,
    Nothing,
}

struct Replica {
    machine: Machine,
    /// Its clock runs so many percent as fast as real time, from its own zero.
    percent: u64,
    zero: Instant,
    answered: BTreeSet<CallId>,
    alive: bool,
    woken: Option<Millis>,
}

impl Replica {
    fn now(&self, at: Millis) -> Instant {
        self.zero + Duration::from_micros(at * self.percent * 10)
    }

    /// What it acts on at this moment, on its own clock, even if its machine stands still.
    fn owned(&self, at: Millis) -> BTreeSet<u32> {
        if !self.alive {
            return BTreeSet::new();
        }
        self.machine.owned().filter(|(_, until)| self.now(at) < *until).map(|(shard, _)| shard).collect()
    }
}

/// Something goes wrong for a while.
#[derive(Clone, Debug)]
struct Fault {
    from: Millis,
    length: Millis,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    /// A replica's calls and answers are lost.
    Cut(usize),
    /// A replica does nothing; what came meanwhile it hears at the end.
    Still(usize),
    /// Some calls or answers of everybody are lost, or come very late.
    Shaky(u64),
}

#[derive(Clone, Debug)]
struct Life {
    starts: Millis,
    /// When it goes, and whether in an orderly way.
    ends: Option<(Millis, bool)>,
    percent: u64,
}

struct World {
    at: Millis,
    events: BTreeMap<(Millis, u64), Event>,
    sequence: u64,
    leases: BTreeMap<Part, (Option<String>, u64)>,
    version: u64,
    replicas: Vec<Option<Replica>>,
    lives: Vec<Life>,
    faults: Vec<Fault>,
    random: Random,
    /// How often a shard got another owner.
    moves: u64,
    owners: BTreeMap<u32, usize>,
    unowned_since: BTreeMap<u32, Millis>,
    writes: u64,
    /// So long a caller waits for an answer.
    limit: Millis,
}

impl World {
    fn new(lives: Vec<Life>, faults: Vec<Fault>, seed: u64) -> World {
        let mut world = World {
            at: 0,
            events: BTreeMap::new(),
            sequence: 0,
            leases: BTreeMap::new(),
            version: 0,
            replicas: lives.iter().map(|_| None).collect(),
            faults,
            random: Random(seed),
            moves: 0,
            owners: BTreeMap::new(),
            unowned_since: BTreeMap::new(),
            writes: 0,
            limit: millis(LEASE) / 3,
            lives,
        };
        for (who, life) in world.lives.clone().into_iter().enumerate() {
            world.later(life.starts, Event::Starts(who));
            if let Some((ends, orderly)) = life.ends {
                world.later(
                    ends.max(life.starts + 1),
                    if orderly { Event::Leaves(who) } else { Event::Dies(who) },
                );
            }
        }
        world
    }

    fn later(&mut self, at: Millis, event: Event) {
        self.sequence += 1;
        self.events.insert((at.max(self.at), self.sequence), event);
    }

    fn chance(&mut self, below: u64) -> u64 {
        self.random.below(Duration::from_secs(below)).as_secs()
    }

    fn faults(&self, at: Millis) -> impl Iterator<Item = &Fault> {
        self.faults.iter().filter(move |fault| (fault.from..fault.from + fault.length).contains(&at))
    }

    /// When a message gets there, if it does.
    fn delivery(&mut self, who: usize) -> Option<Millis> {
        let cut = self.faults(self.at).any(|fault| matches!(fault.what, What::Cut(it) if it == who));
        let shaky = self.faults(self.at).find_map(|fault| match fault.what {
            What::Shaky(percent) => Some(percent),
            _ => None,
        });
        if cut {
            return None;
        }
        let usual = self.at + 1 + self.chance(40);
        match shaky {
            Some(percent) if self.chance(100) < percent => {
                let late = self.chance(40_000);
                (late > 10_000).then(|| usual + (late - 10_000))
            }
            _ => Some(usual),
        }
    }

    /// When a replica that stands still hears of something.
    fn heard(&self, who: usize) -> Millis {
        let still = self.faults(self.at).filter(|fault| matches!(fault.what, What::Still(it) if it == who));
        still.map(|fault| fault.from + fault.length).max().unwrap_or(self.at)
    }

    /// Carries out what a replica wants.
    fn drive(&mut self, who: usize) {
        while let Some(action) = self.replicas[who].as_mut().and_then(|replica| replica.machine.poll()) {
            let (Action::List(call)
            | Action::Create(call, ..)
            | Action::Replace(call, ..)
            | Action::Delete(call, ..)) = action;
            // The caller's own limit, on its clock.
            let limit = self.at + self.limit * 100 / self.lives[who].percent;
            self.later(limit, Event::Answered(who, call, Answer::Nothing));
            if let Some(at) = self.delivery(who) {
                self.later(at, Event::Arrives(who, action));
            }
        }
        let Some(replica) = &mut self.replicas[who] else { return };
        let Some(deadline) = replica.machine.deadline() else { return };
        let at = (deadline - replica.zero).as_micros() as u64 / (replica.percent * 10) + 1;
        if replica.woken != Some(at) {
            replica.woken = Some(at);
            self.later(at, Event::Wake(who));
        }
    }

    fn input(&mut self, who: usize, input: Input) {
        let at = self.at;
        if let Some(replica) = self.replicas[who].as_mut().filter(|replica| replica.alive) {
            let now = replica.now(at);
            replica.machine.input(now, input);
            self.drive(who);
        }
    }

    fn serve(&mut self, action: Action) -> (CallId, Answer) {
        match action {
            Action::List(call) => {
                let record = |(part, (holder, version)): (&Part, &(Option<String>, u64))| Record {
                    part: part.clone(),
                    holder: holder.clone(),
                    version: version.to_string(),
                    duration: LEASE,
                };
                (call, Answer::List(self.leases.iter().map(record).collect()))
            }
            Action::Create(call, part, holder) => {
                if self.leases.contains_key(&part) {
                    (call, Answer::Conflict)
                } else {
                    (call, self.write(part, holder))
                }
            }
            Action::Replace(call, part, version, holder) => match self.leases.get(&part) {
                Some((_, there)) if there.to_string() == version => (call, self.write(part, holder)),
                _ => (call, Answer::Conflict),
            },
            Action::Delete(call, part, version) => match self.leases.get(&part) {
                Some((_, there)) if there.to_string() == version => {
                    self.leases.remove(&part);
                    (call, Answer::Version(version))
                }
                _ => (call, Answer::Conflict),
            },
        }
    }

    fn write(&mut self, part: Part, holder: Option<String>) -> Answer {
        self.version += 1;
        self.writes += 1;
        self.leases.insert(part, (holder, self.version));
        Answer::Version(self.version.to_string())
    }

    fn step(&mut self, (at, _): (Millis, u64), event: Event) {
        self.at = at;
        let who = match event {
            Event::Arrives(..) | Event::Check => None,
            Event::Answered(who, ..)
            | Event::Wake(who)
            | Event::Starts(who)
            | Event::Leaves(who)
            | Event::Dies(who) => Some(who),
        };
        if let Some(who) = who
            && !matches!(event, Event::Dies(_))
            && self.heard(who) > at
        {
            let heard = self.heard(who);
            return self.later(heard, event);
        }
        match event {
            Event::Check => {}
            Event::Starts(who) => {
                let percent = self.lives[who].percent;
                let zero = Instant::now();
                let settings = Settings {
                    me: format!("replica-{who}"),
                    shards: SHARDS,
                    agreement: "16 by uid".to_owned(),
                    lease: LEASE,
                };
                let seed = self.chance(1000);
                let now = zero + Duration::from_micros(at * percent * 10);
                let machine = Machine::new(settings, seed, now);
                self.replicas[who] = Some(Replica {
                    machine,
                    percent,
                    zero,
                    answered: BTreeSet::new(),
                    alive: true,
                    woken: None,
                });
                self.drive(who);
            }
            Event::Wake(who) => self.input(who, Input::Tick),
            Event::Leaves(who) => self.input(who, Input::Leave),
            Event::Dies(who) => {
                if let Some(replica) = &mut self.replicas[who] {
                    replica.alive = false;
                }
            }
            Event::Arrives(who, action) => {
                let (call, answer) = self.serve(action);
                if let Some(at) = self.delivery(who) {
                    self.later(at, Event::Answered(who, call, answer));
                }
            }
            Event::Answered(who, call, answer) => {
                // The caller takes the first word only.
                let first = self.replicas[who].as_mut().is_some_and(|replica| replica.answered.insert(call));
                if first {
                    self.input(
                        who,
                        match answer {
                            Answer::List(records) => Input::Listed(call, records),
                            Answer::Version(version) => Input::Written(call, version),
                            Answer::Conflict => Input::Conflict(call),
                            Answer::Nothing => Input::Failed(call),
                        },
                    );
                }
            }
        }
    }

    /// Who owns what; two owners of one shard are the end of it.
    fn check(&mut self) -> Result<(), TestCaseError> {
        let mut owners: BTreeMap<u32, usize> = BTreeMap::new();
        for (who, replica) in self.replicas.iter().enumerate() {
            for shard in replica.iter().flat_map(|replica| replica.owned(self.at)) {
                let other = owners.insert(shard, who);
                prop_assert!(
                    other.is_none(),
                    "{} and {who} own {shard} at {} ms",
                    other.unwrap_or_default(),
                    self.at
                );
            }
        }
        for shard in 0..SHARDS {
            match owners.get(&shard) {
                Some(owner) => {
                    self.unowned_since.remove(&shard);
                    if self.owners.insert(shard, *owner) != Some(*owner) {
                        self.moves += 1;
                    }
                }
                None => _ = self.unowned_since.entry(shard).or_insert(self.at),
            }
        }
        Ok(())
    }

    fn run_until(&mut self, end: Millis) -> Result<(), TestCaseError> {
        // Ownership ends between events, too; it begins at events alone.
        for at in (self.at..end).step_by(500) {
            self.later(at, Event::Check);
        }
        while let Some((&key, _)) = self.events.first_key_value()
            && key.0 <= end
        {
            let Some(event) = self.events.remove(&key) else { break };
            self.step(key, event);
            self.check()?;
        }
        self.at = end;
        Ok(())
    }

    fn counts(&self) -> Vec<usize> {
        let there = self.replicas.iter().flatten().filter(|replica| {
            replica.alive && matches!(replica.machine.phase(), Phase::Joining | Phase::Joined)
        });
        there.map(|replica| replica.owned(self.at).len()).collect()
    }
}

const CHAOS: Millis = 120_000;

fn life() -> impl Strategy<Value = Life> {
    let ends = proptest::option::of((0..CHAOS, any::<bool>()));
    (0..CHAOS / 2, ends, 85..120_u64).prop_map(|(starts, ends, percent)| Life { starts, ends, percent })
}

fn fault(replicas: usize) -> impl Strategy<Value = Fault> {
    let what = prop_oneof![
        (0..replicas).prop_map(What::Cut),
        (0..replicas).prop_map(What::Still),
        (1..60_u64).prop_map(What::Shaky),
    ];
    (0..CHAOS, 100..40_000_u64, what).prop_map(|(from, length, what)| Fault { from, length, what })
}

fn steady(percent: u64) -> Life {
    Life { starts: 0, ends: None, percent }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn a_shard_has_one_owner_whatever_happens_and_all_have_one_after_it(
        lives in proptest::collection::vec(life(), 1..6),
        faults in proptest::collection::vec(fault(5), 0..8),
        limit in 5_000..10_000_u64,
        seed: u64,
    ) {
        let mut lives = lives;
        // Somebody has to be left.
        lives.push(steady(100));
        let calm = faults.iter().map(|fault| fault.from + fault.length).max().unwrap_or(0).max(CHAOS);
        let mut world = World::new(lives, faults, seed);
        world.limit = limit;
        world.run_until(calm)?;
        // What was late may come late; a lease runs out; what is too much is given away and taken.
        world.run_until(calm + 4 * millis(LEASE))?;
        prop_assert!(world.unowned_since.is_empty(), "without an owner: {:?}, {:?}", world.unowned_since, world.counts());
        let counts = world.counts();
        let (most, least) = (counts.iter().max().unwrap_or(&0), counts.iter().min().unwrap_or(&0));
        prop_assert!(most - least <= 1, "{counts:?}");
        // And then nothing moves any more.
        let moves = world.moves;
        world.run_until(calm + 10 * millis(LEASE))?;
        prop_assert_eq!(world.moves, moves);
        prop_assert!(world.unowned_since.is_empty());
        // What the dead have left is tidied up.
        let members = world.leases.keys().filter(|part| matches!(part, Part::Member(_))).count();
        prop_assert_eq!(members, counts.len());
    }
}

#[test]
fn three_that_start_together_split_evenly_and_a_dead_one_is_followed_soon() {
    for seed in 0..20 {
        let mut lives = vec![steady(100), steady(110), steady(90)];
        lives[2].ends = Some((60_000, false));
        let mut world = World::new(lives, Vec::new(), seed);
        world.run_until(15_000).unwrap();
        let mut counts = world.counts();
        counts.sort_unstable();
        assert_eq!(counts, [5, 5, 6], "seed {seed}");
        // They see each other before they take anything, so nothing changed hands.
        assert_eq!(world.moves, u64::from(SHARDS), "seed {seed}");
        world.run_until(60_000 + 25_000).unwrap();
        assert_eq!(world.counts(), [8, 8], "seed {seed}");
        assert!(world.moves <= u64::from(SHARDS) + 6);
    }
}

#[test]
fn an_owner_with_a_slow_clock_that_is_cut_off_has_stopped_when_one_with_a_fast_clock_begins() {
    for seed in 0..60 {
        let cut = Fault { from: 60_000 + seed * 100, length: 60_000, what: What::Cut(0) };
        let mut world = World::new(vec![steady(85), steady(119)], vec![cut], seed);
        world.run_until(100_000).unwrap();
        assert_eq!(world.counts(), [0, 16], "seed {seed}");
        world.run_until(180_000).unwrap();
        assert_eq!(world.counts(), [8, 8], "seed {seed}");
    }
}

#[test]
fn who_leaves_in_an_orderly_way_is_followed_at_once() {
    for seed in 0..20 {
        let mut lives = vec![steady(100), steady(100)];
        lives[1].ends = Some((60_000, true));
        let mut world = World::new(lives, Vec::new(), seed);
        world.run_until(60_000).unwrap();
        world.run_until(60_000 + millis(LEASE) / 3).unwrap();
        assert_eq!(world.counts(), [16], "seed {seed}");
        assert_eq!(world.replicas[1].as_ref().map(|it| it.machine.phase().clone()), Some(Phase::Left));
        assert!(!world.leases.contains_key(&Part::Member("replica-1".to_owned())));
    }
}

#[test]
fn what_is_written_does_not_grow_with_the_replicas() {
    let writes = |replicas: usize| {
        let mut world = World::new(vec![steady(100); replicas], Vec::new(), 1);
        world.run_until(60_000).unwrap();
        let before = world.writes;
        world.run_until(660_000).unwrap();
        (world.writes - before) as f64 / 600.0
    };
    // Sixteen shards and a member each, about every five seconds.
    assert!((3.0..5.0).contains(&writes(1)), "{}", writes(1));
    assert!((3.5..6.0).contains(&writes(4)), "{}", writes(4));
}

fn settings(agreement: &str) -> Settings {
    Settings { me: "me".to_owned(), shards: 1, agreement: agreement.to_owned(), lease: LEASE }
}

fn record(part: Part, holder: &str, version: u32) -> Record {
    Record { part, holder: Some(holder.to_owned()), version: version.to_string(), duration: LEASE }
}

#[test]
fn who_wants_another_number_of_shards_is_told() {
    let now = Instant::now();
    let mut machine = Machine::new(settings("32 by uid"), 0, now);
    let Some(Action::List(call)) = machine.poll() else { panic!() };
    machine.input(now, Input::Listed(call, vec![record(Part::Map, "16 by uid", 1)]));
    assert_eq!(machine.phase(), &Phase::Refused { agreed: "16 by uid".to_owned() });
    assert_eq!((machine.poll(), machine.deadline()), (None, None));
}

/// A replica that owns the only shard and has just been told so, and its leases.
fn owner(now: &mut Instant) -> (Machine, Vec<Record>) {
    let mut machine = Machine::new(settings("1"), 0, *now);
    let mut records = vec![record(Part::Map, "1", 1)];
    while machine.owned().count() == 0 {
        let Some(action) = machine.poll() else {
            *now += Duration::from_secs(1);
            machine.input(*now, Input::Tick);
            continue;
        };
        match action {
            Action::List(call) => machine.input(*now, Input::Listed(call, records.clone())),
            Action::Create(call, part, _) => {
                records.push(record(part, "me", 2));
                machine.input(*now, Input::Written(call, "2".to_owned()));
            }
            other => panic!("{other:?}"),
        }
    }
    (machine, records)
}

/// What it does after so many seconds.
fn later(machine: &mut Machine, now: &mut Instant, seconds: u64) -> Vec<Action> {
    *now += Duration::from_secs(seconds);
    machine.input(*now, Input::Tick);
    std::iter::from_fn(|| machine.poll()).collect()
}

fn refuse(machine: &mut Machine, now: Instant, actions: &[Action]) {
    for action in actions {
        if let Action::Replace(call, ..) = action {
            machine.input(now, Input::Conflict(*call));
        }
    }
}

#[test]
fn who_finds_its_lease_in_the_hands_of_another_lets_go_at_once() {
    let mut now = Instant::now();
    let (mut machine, mut records) = owner(&mut now);
    records[2] = record(Part::Shard(0), "somebody", 9);
    let actions = later(&mut machine, &mut now, 6);
    let [Action::List(list), Action::Replace(..), Action::Replace(..)] = actions[..] else {
        panic!("{actions:?}")
    };
    // A conflict may be the answer to a write of our own whose answer was lost.
    refuse(&mut machine, now, &actions);
    assert_eq!(machine.owned().count(), 1);
    // What is said of a lease that was written since the list was sent is old.
    machine.input(now, Input::Listed(list, records.clone()));
    assert_eq!(machine.owned().count(), 1);
    let actions = later(&mut machine, &mut now, 1);
    let Action::List(list) = actions[0] else { panic!("{actions:?}") };
    assert_eq!(actions.len(), 1, "renewals wait for their turn: {actions:?}");
    machine.input(now, Input::Listed(list, records));
    assert_eq!(machine.owned().count(), 0);
}

#[test]
fn a_release_that_fails_is_not_tried_again_at_once() {
    let mut now = Instant::now();
    let (mut machine, _) = owner(&mut now);
    let part = Part::Shard(0);
    if let Some(ours) = machine.leases.get_mut(&part).and_then(|lease| lease.ours.as_mut()) {
        ours.release_at = Some(now);
    }
    assert_eq!(machine.owned().count(), 0);
    let releases = |actions: &[Action]| {
        actions.iter().filter(|action| matches!(action, Action::Replace(_, Part::Shard(0), _, None))).count()
    };
    let actions = later(&mut machine, &mut now, 0);
    assert_eq!(releases(&actions), 1);
    refuse(&mut machine, now, &actions);
    assert_eq!(releases(&later(&mut machine, &mut now, 1)), 0);
    assert_eq!(releases(&later(&mut machine, &mut now, 2)), 1);
}
