//! What a resource is called and offers, as a value.

use std::borrow::Cow;
use std::fmt;

use crate::kind::{Resource, Scope};
use crate::operation::{Operation, Verb};
use crate::request::RequestError;
use crate::text::Str;

/// What a resource is called, where its objects live and what it offers: from a server's discovery, from a compiled
/// kind, or made by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiResource {
    /// Such as `apps`; empty for the core group.
    pub group: Str,
    /// Such as `v1`.
    pub version: Str,
    /// Such as `Deployment`.
    pub kind: Str,
    /// Such as `deployments`.
    pub plural: Str,
    /// Such as `deployment`.
    pub singular: Str,
    /// Such as `deploy`.
    pub short_names: Vec<Str>,
    /// Such as `all`.
    pub categories: Vec<Str>,
    /// Whether its objects live in a namespace.
    pub namespaced: bool,
    /// What is offered, in the words of a role; `None` if that is not known, so that everything is tried.
    pub verbs: Option<Vec<Str>>,
    /// The parts of its objects that have a path of their own. It counts only where `verbs` is known.
    pub subresources: Vec<ApiSubresource>,
}

/// A part of objects that has a path of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiSubresource {
    /// Such as `scale`.
    pub name: Str,
    /// The `apiVersion` of what is read and written there; empty if the server does not say.
    pub api_version: Str,
    /// The kind of what is read and written there.
    pub kind: Str,
    /// What is offered, in the words of a role.
    pub verbs: Vec<Str>,
}

impl ApiSubresource {
    /// A part that offers this.
    pub fn new(name: &str, api_version: &str, kind: &str, verbs: &[&str]) -> ApiSubresource {
        let verbs = verbs.iter().map(|verb| (*verb).into()).collect();
        ApiSubresource { name: name.into(), api_version: api_version.into(), kind: kind.into(), verbs }
    }
}

impl ApiResource {
    fn new(group: &str, version: &str, kind: &str, plural: &str, namespaced: bool) -> ApiResource {
        ApiResource {
            group: group.into(),
            version: version.into(),
            kind: kind.into(),
            plural: plural.into(),
            singular: kind.to_lowercase().as_str().into(),
            short_names: Vec::new(),
            categories: Vec::new(),
            namespaced,
            verbs: None,
            subresources: Vec::new(),
        }
    }

    /// A resource whose objects live in namespaces.
    pub fn namespaced(group: &str, version: &str, kind: &str, plural: &str) -> ApiResource {
        ApiResource::new(group, version, kind, plural, true)
    }

    /// A resource whose objects live in the cluster itself.
    pub fn cluster(group: &str, version: &str, kind: &str, plural: &str) -> ApiResource {
        ApiResource::new(group, version, kind, plural, false)
    }

    /// The resource of a compiled kind.
    pub fn of<K: Resource>() -> ApiResource {
        let list = |words: &[&str]| words.iter().map(|word| (*word).into()).collect();
        ApiResource {
            singular: K::SINGULAR.into(),
            short_names: list(K::SHORT_NAMES),
            categories: list(K::CATEGORIES),
            ..ApiResource::new(K::GROUP, K::VERSION, K::KIND, K::PLURAL, <K::Scope as Scope>::NAMESPACED)
        }
    }

    /// Such as `apps/v1`; `v1` for the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.as_str().to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// Such as `deployments.apps`, as the server's authorisation and its errors name it.
    pub fn full_name(&self) -> String {
        if self.group.is_empty() {
            self.plural.as_str().to_owned()
        } else {
            format!("{}.{}", self.plural, self.group)
        }
    }

    /// Whether it offers something, as far as is known: `patch`, `deletecollection`.
    pub fn offers(&self, verb: Verb) -> bool {
        self.verbs.as_ref().is_none_or(|verbs| verbs.iter().any(|known| known == verb.as_str()))
    }

    /// One of the parts of its objects.
    pub fn subresource(&self, name: &str) -> Option<&ApiSubresource> {
        self.subresources.iter().find(|part| part.name == name)
    }

    /// An operation whose names are those of this resource.
    pub(crate) fn operation(&self, op: &Operation) -> Operation {
        let own = |text: &Str| Cow::Owned(text.as_str().to_owned());
        Operation {
            verb: op.verb,
            group: own(&self.group),
            version: own(&self.version),
            resource: own(&self.plural),
            subresource: op.subresource.clone(),
            retry: op.retry,
        }
    }

    /// Refuses what the server is known not to offer.
    pub(crate) fn check(&self, op: &Operation) -> Result<(), RequestError> {
        let Some(verbs) = &self.verbs else { return Ok(()) };
        let (offered, what) = match (&*op.subresource, self.subresource(&op.subresource)) {
            ("", _) => (verbs, String::new()),
            (_, Some(part)) => (&part.verbs, format!("/{}", part.name)),
            (part, None) => {
                let known: Vec<&str> = self.subresources.iter().map(|part| part.name.as_str()).collect();
                return Err(RequestError::new(format!(
                    "the server has no `{part}` of {self}; {}",
                    listed(&known, "it has")
                )));
            }
        };
        // Which method a connection begins with is the caller's.
        if op.verb == Verb::Connect || offered.iter().any(|verb| verb == op.verb.as_str()) {
            return Ok(());
        }
        let known: Vec<&str> = offered.iter().map(Str::as_str).collect();
        Err(RequestError::new(format!(
            "the server offers no `{}` of {}{what} ({}); {}",
            op.verb,
            self.full_name(),
            self.version,
            listed(&known, "it offers")
        )))
    }
}

fn listed(words: &[&str], before: &str) -> String {
    if words.is_empty() { format!("{before} nothing") } else { format!("{before} {}", words.join(", ")) }
}

/// Such as `deployments.apps (v1)`.
impl fmt::Display for ApiResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.full_name(), self.version)
    }
}
