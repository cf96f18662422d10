//! What goes into the machine from the server, and what comes out of it for the consumer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use k8s_api::Resource;

use super::object::{AnyObject, Key, Object, into_kind};
use super::version::ResourceVersion;

/// One decoded event of a watch, as the machine takes it in.
#[derive(Clone, Debug, PartialEq)]
pub enum Incoming<O> {
    /// `ADDED`.
    Added(O),
    /// `MODIFIED`.
    Modified(O),
    /// `DELETED`, with the object's last state.
    Deleted(O),
    /// `BOOKMARK`.
    Bookmark {
        /// Everything up to here has been sent.
        resource_version: ResourceVersion,
        /// Whether it has the annotation `k8s.io/initial-events-end`.
        initial_events_end: bool,
    },
    /// `ERROR`, with the Status in it.
    Error(Failure),
    /// An event that could not be decoded.
    Unreadable(Box<Unreadable>),
}

/// The type of an event that could not be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnreadableType {
    /// It stands in a list, or in an `ADDED` or `MODIFIED` event.
    Present,
    /// It stands in a `DELETED` event.
    Deleted,
    /// Not even the type is known.
    Unknown,
}

/// What is known of an object that could not be decoded.
#[derive(Clone, Debug, PartialEq)]
pub struct Unreadable {
    /// What the server said of it.
    pub event: UnreadableType,
    /// Its name, if that much could be read.
    pub key: Option<Key>,
    /// Its version, if that much could be read.
    pub resource_version: Option<ResourceVersion>,
    /// The beginning of its bytes.
    pub beginning: Bytes,
    /// Why it could not be decoded.
    pub error: String,
}

/// Why a list or watch failed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Failure {
    /// The HTTP status, or the code of the Status in an `ERROR` event; none when there was no answer.
    pub code: Option<u16>,
    /// In the server's words, or the transport's.
    pub message: String,
    /// How long the server asks to be left alone.
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// The version or the `continue` token is older than the server's history.
    pub fn is_gone(&self) -> bool {
        self.code == Some(410)
    }

    /// The server does not accept the query.
    pub fn is_invalid(&self) -> bool {
        matches!(self.code, Some(400 | 422))
    }

    /// Not allowed, or not there (yet): a role or a CustomResourceDefinition may still come.
    pub fn is_refused(&self) -> bool {
        matches!(self.code, Some(401 | 403 | 404 | 405))
    }

    pub(super) fn local(message: &str) -> Self {
        Self { message: message.to_owned(), ..Self::default() }
    }
}

/// Why everything is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The first list.
    Start,
    /// The server no longer has the history since the last event (410): states in between are lost.
    Expired,
    /// The server does not accept the version to go on from (400, 422).
    Rejected,
    /// An event could not be read, and it may have been a deletion of nobody knows what.
    Unreadable,
    /// Other [shards](crate::shard) are followed from now on.
    Shards,
}

/// What a consumer is told. [The module](super) says what it may rely on.
#[derive(Clone, Debug, PartialEq)]
pub enum Change<O> {
    /// A complete state begins: what follows, up to [`Change::End`], replaces everything. Another `Begin` before that voids
    /// what came since this one.
    Begin {
        /// Why.
        cause: Cause,
    },
    /// The complete state has been told: now replace.
    End {
        /// What the state is the state of.
        resource_version: ResourceVersion,
    },
    /// The object is there, in this state.
    Applied(O),
    /// The object is gone.
    Deleted(Gone<O>),
    /// Everything up to this version has been told.
    Bookmark {
        /// The version.
        resource_version: ResourceVersion,
    },
    /// An object could not be read; the rest is not concerned.
    Quarantined(Box<Unreadable>),
}

/// What a [stream of events](crate::api::Events) tells, which says what it may be relied upon for.
#[derive(Debug, PartialEq)]
#[non_exhaustive]
pub enum Event<K: ?Sized> {
    /// The object is there, in this state.
    Applied(Arc<K>),
    /// The object is gone.
    Deleted(Gone<Arc<K>>),
    /// The first complete state has been told.
    Synced,
    /// Another complete state has been told, since the watch could not go on: states in between may be missing, the latest are not.
    Resynced {
        /// Why.
        cause: Cause,
    },
    /// Everything up to this version has been told.
    Bookmark {
        /// The version.
        resource_version: ResourceVersion,
    },
    /// An object could not be read; the rest is not concerned.
    Quarantined(Box<Unreadable>),
}

impl Event<dyn AnyObject> {
    /// The same of a kind; none if it is of another.
    pub(crate) fn of<K: Resource>(self) -> Option<Event<K>> {
        Some(match self {
            Event::Applied(object) => Event::Applied(into_kind(object)?),
            Event::Deleted(Gone::Object(object)) => Event::Deleted(Gone::Object(into_kind(object)?)),
            Event::Deleted(Gone::Key(key)) => Event::Deleted(Gone::Key(key)),
            Event::Synced => Event::Synced,
            Event::Resynced { cause } => Event::Resynced { cause },
            Event::Bookmark { resource_version } => Event::Bookmark { resource_version },
            Event::Quarantined(bad) => Event::Quarantined(bad),
        })
    }
}

/// A deleted object.
#[derive(Clone, Debug, PartialEq)]
pub enum Gone<O> {
    /// Its last state.
    Object(O),
    /// Its name, when its last state could not be read.
    Key(Key),
}

impl<O: Object> Gone<O> {
    /// Its namespace; empty for an object of the whole cluster.
    pub fn namespace(&self) -> &str {
        match self {
            Self::Object(object) => object.namespace(),
            Self::Key(key) => &key.namespace,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Object(object) => object.name(),
            Self::Key(key) => &key.name,
        }
    }
}
