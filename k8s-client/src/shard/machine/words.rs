//! What a shard map's machine is told, and what it says.

use std::time::Duration;

/// What a lease is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::shard) enum Part {
    /// What all replicas have to agree on.
    Map,
    /// Who owns a shard.
    Shard(u32),
    /// Who takes part.
    Member(String),
}

/// A lease, as far as it matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::shard) struct Record {
    pub(in crate::shard) part: Part,
    /// Who has it; of [`Part::Map`], what was agreed on.
    pub(in crate::shard) holder: Option<String>,
    pub(in crate::shard) version: String,
    pub(in crate::shard) duration: Duration,
}

/// How a replica takes part.
#[derive(Clone, Debug)]
pub(in crate::shard) struct Settings {
    /// Nobody else has this name, not even the same replica before it was started again.
    pub(in crate::shard) me: String,
    pub(in crate::shard) shards: u32,
    /// What stands in [`Part::Map`].
    pub(in crate::shard) agreement: String,
    /// After so long without a sign of life another replica may take over.
    pub(in crate::shard) lease: Duration,
}

impl Settings {
    /// How long an owner trusts its last write.
    pub(in crate::shard) fn keep(&self) -> Duration {
        self.lease * 2 / 3
    }

    /// How old a write may become before it is renewed.
    pub(super) fn renew(&self) -> Duration {
        self.lease / 3
    }

    /// How often everything is looked at.
    pub(super) fn poll(&self) -> Duration {
        self.lease / 6
    }
}

/// Names one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::shard) struct CallId(pub(super) u64);

/// What the caller has to do, at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::shard) enum Action {
    /// List all leases of the map.
    List(CallId),
    /// Make this lease, which is not there.
    Create(CallId, Part, Option<String>),
    /// Give this lease, in this version, to this holder.
    Replace(CallId, Part, String, Option<String>),
    /// Delete this lease, in this version.
    Delete(CallId, Part, String),
}

/// What has happened. Every call is answered, within [`Settings::keep`] for one that can't be otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::shard) enum Input {
    /// The deadline has come.
    Tick,
    /// What a list has said.
    Listed(CallId, Vec<Record>),
    /// What was to be written is written, and has this version.
    Written(CallId, String),
    /// Somebody else was faster, or it is not there any more.
    Conflict(CallId),
    /// There was no good answer: nobody knows whether it was done.
    Failed(CallId),
    /// Give everything back and go.
    Leave,
}

/// How far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::shard) enum Phase {
    /// Not counted by the others yet.
    Joining,
    /// The others count it. It takes nothing before the next look, at which it sees whoever joins at the same time.
    Joined,
    /// It gives back what it has.
    Leaving,
    /// Nothing is left to do.
    Left,
    /// The others agree on something else.
    Refused { agreed: String },
}
