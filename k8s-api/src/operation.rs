//! What an API server can be asked for, as constants that the generated modules write.

use std::borrow::Cow;
use std::fmt;

use crate::transport::Lane;

/// One operation of the API.
///
/// Those of compiled types are constants; those of kinds that are only known at run time own their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// What is done.
    pub verb: Verb,
    /// The group, empty for the core group and for paths that are no resources.
    pub group: Cow<'static, str>,
    /// The version, empty for paths that are no resources.
    pub version: Cow<'static, str>,
    /// The resource in the plural, as in the path; for other paths the path itself.
    pub resource: Cow<'static, str>,
    /// The subresource, or empty.
    pub subresource: Cow<'static, str>,
    /// When it may be sent again.
    pub retry: Retry,
}

impl From<&'static Operation> for Cow<'static, Operation> {
    fn from(op: &'static Operation) -> Cow<'static, Operation> {
        Cow::Borrowed(op)
    }
}

impl From<Operation> for Cow<'static, Operation> {
    fn from(op: Operation) -> Cow<'static, Operation> {
        Cow::Owned(op)
    }
}

/// `create deployments.apps/scale`, as a role names it; `get,create pods/exec` where it takes two verbs.
impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb.in_roles().join(","), self.resource)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        if !self.subresource.is_empty() {
            write!(f, "/{}", self.subresource)?;
        }
        Ok(())
    }
}

/// What is done, in the words of the API server's authorisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verb {
    /// Reads one object.
    Get,
    /// Reads many.
    List,
    /// Follows changes.
    Watch,
    /// Makes a new one.
    Create,
    /// Replaces one.
    Update,
    /// Changes a part of one, or applies it.
    Patch,
    /// Deletes one.
    Delete,
    /// Deletes many.
    DeleteCollection,
    /// Opens a stream to something: exec, attach, port-forward.
    Connect,
}

impl Verb {
    /// What a role has to allow.
    ///
    /// Opening a stream is a GET or a POST to the server's authorisation. Since Kubernetes 1.35 it takes `create` too when it is a
    /// GET, as a WebSocket is (feature gate `AuthorizePodWebsocketUpgradeCreatePermission`), so that who may only read
    /// can't run commands.
    pub fn in_roles(self) -> &'static [&'static str] {
        match self {
            Verb::Get => &["get"],
            Verb::List => &["list"],
            Verb::Watch => &["watch"],
            Verb::Create => &["create"],
            Verb::Update => &["update"],
            Verb::Patch => &["patch"],
            Verb::Delete => &["delete"],
            Verb::DeleteCollection => &["deletecollection"],
            Verb::Connect => &["get", "create"],
        }
    }

    /// Its name: that in a role, and `connect` as the server's metrics have it, for which see [`Verb::in_roles`].
    pub fn as_str(self) -> &'static str {
        match self {
            Verb::Get => "get",
            Verb::List => "list",
            Verb::Watch => "watch",
            Verb::Create => "create",
            Verb::Update => "update",
            Verb::Patch => "patch",
            Verb::Delete => "delete",
            Verb::DeleteCollection => "deletecollection",
            Verb::Connect => "connect",
        }
    }

    /// The traffic that it belongs to, unless a call says otherwise.
    pub fn lane(self) -> Lane {
        match self {
            Verb::Get | Verb::List => Lane::Read,
            Verb::Watch => Lane::Watch,
            Verb::Connect => Lane::Upgrade,
            _ => Lane::Write,
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// When an operation may be sent again without being asked to.
///
/// Whether a server has processed a write can't be seen from a lost connection or from a 5xx: the object may be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Retry {
    /// After any failure that may pass: it changes nothing.
    Read,
    /// When it is certain that the server has not processed it: never sent, refused, or turned away with 429.
    Write,
    /// Only when no server has seen it, since every answer is one for the caller: 429 to an eviction says that the
    /// disruption budget forbids it, not that the server is busy.
    Answered,
    /// Never. The caller does it.
    Never,
}
