//! Two objects side by side, field by field, without what a test does not care about.

use std::borrow::Cow;
use std::fmt;

use k8s_api::codec::json;
use k8s_api::diff::{Change, diff};
use k8s_api::leaf::Scalar;
use k8s_api::path::{FieldPath, Step};
use k8s_api::time::Time;
use k8s_api::view::{Message, View};
use k8s_api::{Resource, Scope as _};

use super::server::Server;
use super::store::Key;
use crate::error::{Error, Result};

/// What a server writes into every object by itself.
const OF_THE_SERVER: [&str; 8] = [
    "metadata.uid",
    "metadata.resourceVersion",
    "metadata.generation",
    "metadata.creationTimestamp",
    "metadata.deletionTimestamp",
    "metadata.deletionGracePeriodSeconds",
    "metadata.managedFields",
    "metadata.selfLink",
];

/// Two objects to be compared. Nothing is, until [`check`](Comparison::check).
///
/// ```
/// use k8s_api::core::v1::ConfigMap;
/// use k8s_client::testing::compare;
///
/// let mut expected = ConfigMap::default();
/// expected.data.insert("mode".into(), "fast".into());
/// let mut found = expected.clone();
/// found.metadata.uid = "4711".into();
/// assert!(compare(&expected, &found).ignoring("metadata.uid").check().is_ok());
///
/// found.data.insert("mode".into(), "slow".into());
/// let error = compare(&expected, &found).ignoring_server_fields().check().unwrap_err();
/// assert_eq!(error.to_string(), "1 field differs, expected -> found:\n  data.mode: \"fast\" -> \"slow\"\n");
/// ```
#[must_use = "nothing is compared until `check`"]
pub struct Comparison<'a, M: Clone> {
    expected: &'a M,
    found: Cow<'a, M>,
    ignored: Vec<FieldPath>,
    /// Paths that are none, or that lead nowhere.
    wrong: Vec<String>,
    times: bool,
    unset: bool,
}

/// Compares two objects.
pub fn compare<'a, M: Message + Default + Clone>(expected: &'a M, found: &'a M) -> Comparison<'a, M> {
    Comparison::new(expected, Cow::Borrowed(found))
}

impl<'a, M: Message + Default + Clone> Comparison<'a, M> {
    fn new(expected: &'a M, found: Cow<'a, M>) -> Comparison<'a, M> {
        Comparison { expected, found, ignored: Vec::new(), wrong: Vec::new(), times: false, unset: false }
    }

    /// Without this field and what is in it, such as `metadata.uid` or `status.conditions[*].message`.
    ///
    /// A path that objects of this type can't have is a difference, so that a typing error is seen.
    pub fn ignoring(mut self, path: &str) -> Comparison<'a, M> {
        let parsed = path.parse::<FieldPath>().and_then(|path| path.check::<M>().map(|()| path));
        match parsed {
            Ok(path) => self.ignored.push(path),
            Err(error) => self.wrong.push(format!("to be ignored: {error}")),
        }
        self
    }

    /// Without what a server writes by itself: uid, versions, times of creation and deletion, owners of fields.
    pub fn ignoring_server_fields(self) -> Comparison<'a, M> {
        OF_THE_SERVER.iter().fold(self, |this, path| this.ignoring(path))
    }

    /// Without points in time that are on both sides and differ, wherever they are.
    pub fn ignoring_times(mut self) -> Comparison<'a, M> {
        self.times = true;
        self
    }

    /// Without what is not set in the expected object: defaults, a status, what others wrote. A zero is not set where JSON leaves
    /// it out.
    pub fn only_what_is_set(mut self) -> Comparison<'a, M> {
        self.unset = true;
        self
    }

    /// Says what differs; what is secret is never shown.
    pub fn check(&self) -> std::result::Result<(), Differences> {
        let mut lines = self.wrong.clone();
        let all = diff(self.expected, &*self.found);
        lines.extend(all.changes().iter().filter(|change| !self.ignores(change)).map(Change::to_string));
        if lines.is_empty() { Ok(()) } else { Err(Differences(lines)) }
    }

    fn ignores(&self, change: &Change<'_>) -> bool {
        let named = |ignored: &FieldPath| covers(ignored.steps(), change.path().steps());
        self.ignored.iter().any(named)
            || self.times && is_time(change.before()) && is_time(change.after())
            || self.unset && matches!(change.before(), View::Absent)
    }
}

impl<M: Clone> fmt::Debug for Comparison<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Comparison").field("ignored", &self.ignored).finish_non_exhaustive()
    }
}

/// Whether a path leads to what another one names, or into it.
pub(super) fn covers(outer: &[Step], inner: &[Step]) -> bool {
    outer.len() <= inner.len()
        && outer.iter().zip(inner).all(|(outer, inner)| match (outer, inner) {
            (Step::Every, Step::Index(_) | Step::Keys(_)) => true,
            // One key of several may be enough to name an element.
            (Step::Keys(few), Step::Keys(all)) => few.iter().all(|key| all.contains(key)),
            (outer, inner) => outer == inner,
        })
}

fn is_time(view: View<'_>) -> bool {
    match view {
        View::Leaf(leaf) => matches!(leaf.get(), Scalar::Text(text) if text.parse::<Time>().is_ok()),
        _ => false,
    }
}

/// What differs, one line for each field. `Debug` is the same, so that `unwrap` in a test shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Differences(Vec<String>);

impl Differences {
    /// Such as `spec.replicas: 1 -> 2`.
    pub fn lines(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.0.len() == 1 { "field differs" } else { "fields differ" };
        writeln!(f, "{} {what}, expected -> found:", self.0.len())?;
        self.0.iter().try_for_each(|line| writeln!(f, "  {line}"))
    }
}

impl fmt::Debug for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Differences {}

impl Server {
    /// Compares an object with what the server has under its name; without a namespace it is looked for in `default`.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use k8s_api::core::v1::ConfigMap;
    /// use k8s_client::testing::Server;
    ///
    /// let server = Server::new();
    /// server.load("{apiVersion: v1, kind: ConfigMap, metadata: {name: web}, data: {mode: fast}}")?;
    /// let mut expected = ConfigMap::default();
    /// expected.metadata.name = "web".into();
    /// expected.data.insert("mode".into(), "fast".into());
    /// server.holds(&expected)?.only_what_is_set().check()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn holds<'a, K: Resource>(&self, expected: &'a K) -> Result<Comparison<'a, K>> {
        let metadata = expected.metadata();
        let (namespace, name) = match (K::Scope::NAMESPACED, metadata.namespace.as_str()) {
            (true, "") => ("default", metadata.name.as_str()),
            (true, namespace) => (namespace, metadata.name.as_str()),
            (false, _) => ("", metadata.name.as_str()),
        };
        let wrong = |why: &str| Error::request(format!("{} {name}: {why}", K::KIND));
        let core = &self.front.core;
        let kind = core.kinds.at(K::GROUP, K::VERSION, K::PLURAL).copied();
        let kind = kind.ok_or_else(|| wrong("the server has no such kind"))?;
        let stored = core.kinds.stored(kind.stored).copied().unwrap_or(kind);
        let key = Key(namespace.to_owned(), name.to_owned());
        let object = core.state().store.get(kind.stored, &key).map(|object| object.value());
        let object = object.ok_or_else(|| match namespace {
            "" => wrong("the server has none of this name"),
            namespace => wrong(&format!("the server has none of this name in namespace {namespace}")),
        })?;
        let object = core.kinds.convert(object, &stored, &kind);
        let object = object.map_err(|failure| wrong(failure.message()))?.to_string();
        let found: K = json::decode(object.as_bytes()).map_err(|error| wrong("unreadable").caused(error))?;
        Ok(Comparison::new(expected, Cow::Owned(found)))
    }
}
