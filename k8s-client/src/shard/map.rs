//! A fixed number of shards, split among the replicas of a program.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use k8s_api::Resource;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::leases::Leases;
use super::machine::{Input, Machine, Phase, Settings};
use super::ranges::{By, Shards};
use super::selector::ShardSelector;
use crate::client::Client;
use crate::error::{Error, Result};
use crate::outside::Outside;

/// Sixteen leases are renewed with about three writes a second, however many replicas there are, and eight replicas have two
/// each. With five or more a replica may have a third more than another; who has more replicas takes more shards.
const SHARDS: u32 = 16;

/// What leader election in Kubernetes has.
const LEASE: Duration = Duration::from_secs(15);

/// Sets up a [`ShardMap`].
#[derive(Clone, Debug)]
pub struct ShardMapBuilder {
    client: Client,
    namespace: String,
    name: String,
    shards: u32,
    by: By,
    identity: Option<String>,
    lease: Duration,
}

impl ShardMapBuilder {
    /// The namespace of the leases, instead of the client's.
    pub fn namespace(mut self, namespace: &str) -> Self {
        namespace.clone_into(&mut self.namespace);
        self
    }

    /// How many shards there are, instead of 16: some for each replica, so that they can be split evenly. All replicas have to say the same
    /// number; who says another one is refused for as long as the Lease with the map's name is there.
    pub fn shards(mut self, count: u32) -> Self {
        self.shards = count;
        self
    }

    /// What objects are placed by, instead of their `uid`. All replicas have to say the same.
    pub fn by(mut self, by: By) -> Self {
        self.by = by;
        self
    }

    /// What this replica is called, instead of what its host is called, which in a cluster is its pod. A random end is added to it, since a
    /// program that was started again is another replica.
    pub fn identity(mut self, identity: &str) -> Self {
        self.identity = Some(identity.to_owned());
        self
    }

    /// After how long without a sign of life another replica takes over, instead of after 15 s; at least 1 s. An owner that can't
    /// renew stops after two thirds of it. All replicas should say the same.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Takes part, on the runtime that this is called on, until [`ShardMap::leave`], or until nobody uses the map any more.
    pub fn start(self) -> Result<ShardMap> {
        let wrong = |what: String| Err(Error::config(format!("shard map {:?}: {what}", self.name)));
        if !is_label(&self.name) {
            return wrong(
                "its name must be up to 63 characters a-z, 0-9 and -, with neither end a -".to_owned(),
            );
        }
        if !(1..=1024).contains(&self.shards) {
            return wrong(format!("{} shards: there must be 1 to 1024", self.shards));
        }
        if !(Duration::from_secs(1)..=Duration::from_secs(3600)).contains(&self.lease) {
            return wrong(format!("a lease of {:?}: it must be 1 s to 1 h", self.lease));
        }
        let outside = self.client.outside().clone();
        let given = self.identity.or_else(|| std::env::var("HOSTNAME").ok());
        let settings = Settings {
            me: identity(given.as_deref(), outside.random()),
            shards: self.shards,
            agreement: format!("{} shards by {}", self.shards, self.by),
            lease: self.lease,
        };
        let leases = Arc::new(Leases {
            client: self.client,
            namespace: self.namespace,
            map: self.name.clone(),
            lease: self.lease,
            seen: Mutex::default(),
        });
        let shared = Arc::new(Shared {
            parts: Shards::split(self.shards).collect(),
            by: self.by,
            name: self.name,
            identity: settings.me.clone(),
            state: watch::Sender::new(State::default()),
            outside: outside.clone(),
        });
        let (leave, leaving) = watch::channel(false);
        let machine = Machine::new(settings, outside.random(), outside.now());
        let task = tokio::spawn(run(machine, leases, End(shared.clone()), leaving));
        Ok(ShardMap { shared, task: Arc::new(Task { leave, task: Mutex::new(Some(task)) }) })
    }
}

/// A name of its own for each start of each replica.
fn identity(given: Option<&str>, random: u64) -> String {
    let fit = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let given: String = given.unwrap_or_default().chars().take(100).map(fit).collect();
    let given = Some(given.trim_matches('-')).filter(|given| !given.is_empty()).unwrap_or("replica");
    format!("{given}-{:08x}", random & 0xffff_ffff)
}

fn is_label(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&name.len()) && name.bytes().all(fits) && !name.starts_with('-') && !name.ends_with('-')
}

/// A replica's part in splitting all objects.
///
/// There is a fixed number of shards and a `Lease` for each, named `<map>-<number>`, and one for each replica, named
/// `<map>-member-<replica>`. Each replica takes its fair share, gives some away when others come, and takes over when others die; nobody
/// has more than one more than another, and nothing moves without need.
///
/// # What it guarantees
///
/// - A shard has one owner at most, at every moment, as leader election guarantees it: by the version of the lease, and by the time that each replica
///   measures itself; what the clocks show makes no difference. It assumes that no replica's time runs half as fast again as another one's, and that
///   nobody deletes the leases of living replicas.
/// - An owner that can't renew its lease stops at two thirds of the lease, as seen from its last good write; [`owned`](Self::owned) says so
///   even if the program stood still meanwhile. Until another one begins, there is a third of the lease (5 s) for what was begun before, and so there is when a
///   shard is given away. What takes longer asks again before it writes.
/// - When a replica dies, the others have its shards after the lease and two looks, each of a sixth of it: 20 s. When one [leaves](Self::leave), after
///   one look.
///
/// Each replica lists the leases every sixth of the lease (2.5 s) and writes each of its own every third (5 s), on the lane of leases. It
/// needs `get`, `list`, `create`, `update` and `delete` of `leases` in the namespace.
///
/// A clone is the same replica. Dropping all of them ends it without a word, as if the program had died.
///
/// ```no_run
/// # async fn f(client: k8s_client::Client) -> k8s_client::Result<()> {
/// use k8s_api::core::v1::ConfigMap;
/// use k8s_client::Informer;
/// use k8s_client::shard::ShardMap;
///
/// let map = ShardMap::builder(&client, "config-syncer").start()?;
/// let mut informer = Informer::new(client.all::<ConfigMap>());
/// informer.sharded(&map);
/// let cache = informer.start();
/// # map.leave().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ShardMap {
    shared: Arc<Shared>,
    task: Arc<Task>,
}

/// What the map and all who look at it share. It does not keep the replica going.
struct Shared {
    parts: Vec<Shards>,
    by: By,
    name: String,
    identity: String,
    state: watch::Sender<State>,
    outside: Arc<dyn Outside>,
}

#[derive(Debug, Default)]
struct State {
    /// Until when, by number.
    owned: BTreeMap<u32, Instant>,
    members: u32,
    joined: bool,
    /// Nothing changes any more, and why.
    ended: Option<String>,
    failure: Option<String>,
}

struct Task {
    leave: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(task) = self.task.get_mut().unwrap_or_else(PoisonError::into_inner) {
            task.abort();
        }
    }
}

/// How a replica does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShardMapStatus {
    /// The numbers of the shards that it owns.
    pub owned: BTreeSet<u32>,
    /// How many replicas there are, as far as it knows, with itself.
    pub members: u32,
    /// Why it takes part no more.
    pub ended: Option<String>,
    /// What the server said last, if its last answer was a bad one.
    pub failure: Option<String>,
}

impl ShardMap {
    /// Sets up a replica of the map of this name; all replicas of a program name the same.
    pub fn builder(client: &Client, name: &str) -> ShardMapBuilder {
        ShardMapBuilder {
            namespace: client.namespace().to_owned(),
            client: client.clone(),
            name: name.to_owned(),
            shards: SHARDS,
            by: By::default(),
            identity: None,
            lease: LEASE,
        }
    }

    /// What the leases call this replica.
    pub fn identity(&self) -> &str {
        &self.shared.identity
    }

    /// What is owned at this moment.
    pub fn owned(&self) -> ShardSelector {
        self.shared.selector(&self.shared.owned())
    }

    /// Whether an object belongs to what is owned at this moment. To be asked just before something is done.
    pub fn owns<K: Resource>(&self, object: &K) -> bool {
        self.owned().matches(object.metadata())
    }

    /// What is owned, from now on.
    pub fn watch(&self) -> Owned {
        let receiver = self.shared.state.subscribe();
        Owned { told: self.shared.owned(), shared: self.shared.clone(), receiver }
    }

    /// How it does.
    pub fn status(&self) -> ShardMapStatus {
        let state = self.shared.state.borrow();
        ShardMapStatus {
            owned: self.shared.at_this_moment(&state),
            members: state.members,
            ended: state.ended.clone(),
            failure: state.failure.clone(),
        }
    }

    /// Waits until it takes part and has seen who else does. It is an error if it never will: because the others agree on another number of
    /// shards, or because it has left.
    pub async fn joined(&self) -> Result<()> {
        let mut receiver = self.shared.state.subscribe();
        let state = receiver.wait_for(|state| state.joined || state.ended.is_some()).await;
        match state.as_ref().map(|state| (state.joined, &state.ended)) {
            Ok((_, Some(why))) => Err(Error::stopped(format!("shard map {:?}: {why}", self.shared.name))),
            Ok((true, None)) => Ok(()),
            _ => Err(Error::stopped(format!("shard map {:?} has ended", self.shared.name))),
        }
    }

    /// Gives everything back, so that others can take it at once, and waits until that is done or can't be done. Owns nothing from the
    /// first moment on: whoever still works on something ends that before.
    pub async fn leave(&self) {
        self.task.leave.send_replace(true);
        let task = self.task.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        match task {
            Some(task) => _ = task.await,
            // Another one waits for it already.
            None => _ = self.shared.state.subscribe().wait_for(|state| state.ended.is_some()).await,
        }
    }
}

impl fmt::Debug for ShardMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("ShardMap");
        debug.field("name", &self.shared.name).field("identity", &self.shared.identity);
        debug.field("status", &self.status()).finish()
    }
}

impl Shared {
    fn at_this_moment(&self, state: &State) -> BTreeSet<u32> {
        let now = self.outside.now();
        state.owned.iter().filter(|(_, until)| now < **until).map(|(shard, _)| *shard).collect()
    }

    fn owned(&self) -> BTreeSet<u32> {
        self.at_this_moment(&self.state.borrow())
    }

    fn selector(&self, numbers: &BTreeSet<u32>) -> ShardSelector {
        let parts = numbers.iter().filter_map(|number| self.parts.get(usize::try_from(*number).ok()?));
        ShardSelector::new(parts.cloned().collect(), self.by)
    }
}

/// What a replica owns, and how that changes. It does not keep the replica going.
#[derive(Clone)]
pub struct Owned {
    shared: Arc<Shared>,
    receiver: watch::Receiver<State>,
    told: BTreeSet<u32>,
}

impl Owned {
    /// What is owned at this moment.
    pub fn now(&mut self) -> ShardSelector {
        self.told = self.shared.owned();
        self.shared.selector(&self.told)
    }

    /// Waits until something else is owned than was told last, and tells that; nothing once the replica has ended and that was told.
    pub async fn changed(&mut self) -> Option<ShardSelector> {
        loop {
            let (owned, ended) = {
                let state = self.receiver.borrow_and_update();
                (self.shared.at_this_moment(&state), state.ended.is_some())
            };
            if owned != self.told {
                self.told = owned;
                return Some(self.shared.selector(&self.told));
            }
            if ended || self.receiver.changed().await.is_err() {
                return None;
            }
        }
    }

    /// Waits until the replica has seen who else takes part, or has ended.
    pub(super) async fn joined(&mut self) {
        let _ = self.receiver.wait_for(|state| state.joined || state.ended.is_some()).await;
        self.receiver.mark_changed();
    }
}

impl fmt::Debug for Owned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Owned").field(&self.shared.owned()).finish()
    }
}

/// Held by the task: whatever ends it, nothing is owned any more.
struct End(Arc<Shared>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.state.send_modify(|state| {
            state.owned.clear();
            _ = state.ended.get_or_insert_with(|| "it was dropped".to_owned());
        });
    }
}

impl End {
    fn publish(&self, machine: &Machine, failure: Option<Option<String>>) {
        // What is gained is told when all of it is there; what is lost, at once.
        let (taking, joined) = (machine.is_taking(), machine.has_looked());
        self.0.state.send_modify(|state| {
            let before = std::mem::take(&mut state.owned);
            state.owned = machine.owned().filter(|(shard, _)| !taking || before.contains_key(shard)).collect();
            state.members = machine.members();
            state.joined |= joined && !taking;
            if let Some(failure) = failure {
                state.failure = failure;
            }
            state.ended = match machine.phase() {
                Phase::Joining | Phase::Joined | Phase::Leaving => None,
                Phase::Left => Some("it has left".to_owned()),
                Phase::Refused { agreed } => Some(format!(
                    "it is split into {agreed} here, and this replica was told otherwise; to split it in another way, stop all replicas and delete the Lease {}, or use another name",
                    self.0.name
                )),
            };
        });
    }
}

async fn run(mut machine: Machine, leases: Arc<Leases>, end: End, mut leaving: watch::Receiver<bool>) {
    let outside = leases.client.outside().clone();
    let mut calls = FuturesUnordered::new();
    let mut failure = None;
    loop {
        while let Some(action) = machine.poll() {
            calls.push(leases.clone().carry_out(action));
        }
        end.publish(&machine, failure.take());
        if matches!(machine.phase(), Phase::Left | Phase::Refused { .. }) && calls.is_empty() {
            return;
        }
        let tick = async {
            match machine.deadline() {
                Some(deadline) => outside.wait(deadline).await,
                None => std::future::pending().await,
            }
        };
        let input = tokio::select! {
            Some((input, error)) = calls.next() => {
                failure = Some(error);
                input
            }
            () = tick => Input::Tick,
            Ok(()) = leaving.changed() => Input::Leave,
        };
        machine.input(outside.now(), input);
    }
}

/// A map without a server.
#[cfg(test)]
pub(crate) struct Script(Arc<Shared>);

#[cfg(test)]
impl Script {
    pub(crate) fn start(count: u32, outside: Arc<dyn Outside>) -> (Script, ShardMap) {
        let shared = Arc::new(Shared {
            parts: Shards::split(count).collect(),
            by: By::Uid,
            name: "scripted".to_owned(),
            identity: "me".to_owned(),
            state: watch::Sender::new(State::default()),
            outside,
        });
        let task = Arc::new(Task { leave: watch::Sender::new(false), task: Mutex::default() });
        (Script(shared.clone()), ShardMap { shared, task })
    }

    /// It owns these, for an hour.
    pub(crate) fn own(&self, numbers: &[u32]) {
        let until = self.0.outside.now() + Duration::from_secs(3600);
        self.0.state.send_modify(|state| {
            state.owned = numbers.iter().map(|number| (*number, until)).collect();
            state.joined = true;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{identity, is_label};

    #[test]
    fn names_are_those_of_leases() {
        assert_eq!(identity(Some("Web_0.example"), 0xffff_0000_0001), "web-0-example-00000001");
        assert_eq!(identity(Some("--"), 0x1_0000_00ab), "replica-000000ab");
        assert!(
            is_label("a-1")
                && !is_label("")
                && !is_label("A")
                && !is_label("-a")
                && !is_label(&"a".repeat(64))
        );
    }
}
