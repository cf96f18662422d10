//! Every kind of this build at run time: what discovery says of it, and how to make one.
//!
//! For what takes any object and can't name its type: an API server, a tool that reads files of all kinds. It brings all
//! types along, so it is behind a feature of its own.

use std::fmt;

use crate::view::Message;

/// A kind that an API server offers.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Kind {
    /// Such as `apps`; empty for the core group.
    pub group: &'static str,
    /// Such as `v1`.
    pub version: &'static str,
    /// Such as `Deployment`.
    pub kind: &'static str,
    /// Such as `deployments`.
    pub plural: &'static str,
    /// Such as `deployment`.
    pub singular: &'static str,
    /// Such as `deploy`.
    pub short_names: &'static [&'static str],
    /// Such as `all`.
    pub categories: &'static [&'static str],
    /// Whether its objects live in a namespace.
    pub namespaced: bool,
    /// Such as `get`.
    pub verbs: &'static [&'static str],
    /// What there is below an object.
    pub parts: &'static [Part],
    /// An empty object.
    pub make: fn() -> Box<dyn Message>,
}

/// A subresource.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Part {
    /// Such as `scale`.
    pub name: &'static str,
    /// The group of what is sent there.
    pub group: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Its kind.
    pub kind: &'static str,
    /// Such as `get`.
    pub verbs: &'static [&'static str],
}

impl Kind {
    /// Such as `apps/v1`; `v1` for the core group.
    pub fn api_version(&self) -> String {
        match self.group {
            "" => self.version.to_owned(),
            group => format!("{group}/{}", self.version),
        }
    }

    /// A subresource by its name.
    pub fn part(&self, name: &str) -> Option<&'static Part> {
        self.parts.iter().find(|part| part.name == name)
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.kind, self.api_version())
    }
}

/// Every kind that discovery offers and this build has the type of, in the order of discovery: the preferred version of a
/// group first.
///
/// ```
/// let deployment = k8s_api::kinds::all().iter().find(|kind| kind.kind == "Deployment").unwrap();
/// assert_eq!((deployment.group, deployment.short_names), ("apps", &["deploy"][..]));
/// assert!(deployment.part("scale").is_some());
/// ```
pub fn all() -> &'static [Kind] {
    crate::generated::kinds::ALL
}
