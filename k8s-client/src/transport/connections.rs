//! What can be told of a client's connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use k8s_api::transport::Lane;

/// What became of one client's connections so far, lane by lane: [`Client::connections`](crate::Client::connections).
///
/// How many are open and how many of them idle is not there: the HTTP library says when a connection is made and not
/// when it ends. [`LaneConnections::calls`] is what runs over them.
///
/// ```no_run
/// use k8s_api::transport::Lane;
///
/// # fn main() -> k8s_client::Result<()> {
/// let client = k8s_client::Client::infer()?;
/// let watches = client.connections().of(Lane::Watch);
/// println!("{} watches on what is left of {} connections", watches.calls, watches.made);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connections(PerLane<LaneConnections>);

/// The same of one lane, since the client was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LaneConnections {
    /// Connections that were made, up to the end of the TLS handshake. A server that turns out to have no HTTP/2 is
    /// dialled once more, and so counts one more.
    pub made: u64,
    /// Attempts that came to nothing: refused, not trusted, out of time, or given up by whoever wanted a connection.
    pub failed: u64,
    /// Attempts that are under way now.
    pub dialling: u64,
    /// Calls that found no connection to go on, and waited until they or another call had made one or failed to.
    pub waited: u64,
    /// Answers that have come, of any status.
    pub answers: u64,
    /// Those of them that needed no connection made for them: the others came first on a new one.
    pub reused: u64,
    /// Calls that are under way now, from being sent until their answer is read to the end or dropped: of HTTP/1.1 as many as
    /// connections in use, of HTTP/2 streams on a few.
    pub calls: u64,
}

impl Connections {
    /// Of one lane.
    pub fn of(&self, lane: Lane) -> LaneConnections {
        *self.0.of(lane)
    }

    /// Of all lanes together.
    pub fn total(&self) -> LaneConnections {
        let PerLane { read, write, watch, lease, upgrade } = &self.0;
        let mut sum = LaneConnections::default();
        for lane in [read, write, watch, lease, upgrade] {
            sum.made += lane.made;
            sum.failed += lane.failed;
            sum.dialling += lane.dialling;
            sum.waited += lane.waited;
            sum.answers += lane.answers;
            sum.reused += lane.reused;
            sum.calls += lane.calls;
        }
        sum
    }
}

/// One of something for each lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PerLane<T> {
    read: T,
    write: T,
    watch: T,
    lease: T,
    upgrade: T,
}

impl<T> PerLane<T> {
    pub(super) fn of(&self, lane: Lane) -> &T {
        match lane {
            Lane::Write => &self.write,
            Lane::Watch => &self.watch,
            Lane::Lease => &self.lease,
            Lane::Upgrade => &self.upgrade,
            _ => &self.read,
        }
    }

    pub(super) fn map<U>(&self, each: impl Fn(&T) -> U) -> PerLane<U> {
        let PerLane { read, write, watch, lease, upgrade } = self;
        PerLane {
            read: each(read),
            write: each(write),
            watch: each(watch),
            lease: each(lease),
            upgrade: each(upgrade),
        }
    }
}

/// One lane's counters. Each is right by itself; two that are read one after the other may be of different moments.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) made: Counter,
    pub(super) failed: Counter,
    pub(super) dialling: Counter,
    pub(super) waited: Counter,
    pub(super) answers: Counter,
    pub(super) reused: Counter,
    pub(super) calls: Counter,
}

#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn up(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn down(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The counters of all lanes. They outlive the connections that they count.
#[derive(Clone, Debug, Default)]
pub(crate) struct AllCounters(pub(super) PerLane<Arc<Counters>>);

impl AllCounters {
    pub(crate) fn read(&self) -> Connections {
        Connections(self.0.map(|lane| LaneConnections {
            made: lane.made.get(),
            failed: lane.failed.get(),
            dialling: lane.dialling.get(),
            waited: lane.waited.get(),
            answers: lane.answers.get(),
            reused: lane.reused.get(),
            calls: lane.calls.get(),
        }))
    }
}
