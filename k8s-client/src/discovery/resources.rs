//! What a server offers, and how what people type finds a resource.

use std::fmt::Write as _;
use std::sync::Arc;

use k8s_api::dynamic::ApiResource;

use super::wire;
use crate::error::{Error, Result};

/// What a server offered at one moment.
#[derive(Clone, Debug, Default)]
pub struct Resources {
    /// In the order in which one wins over another: the core group, then groups as the server orders them, in each the
    /// preferred version first.
    all: Vec<Arc<ApiResource>>,
    unread: Vec<Unread>,
}

/// A group and version whose server could not be read, so that its resources are missing or old.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unread {
    /// Such as `metrics.k8s.io`.
    pub group: String,
    /// Such as `v1beta1`.
    pub version: String,
    /// Why, if the server says it.
    pub reason: String,
}

impl Resources {
    pub(super) fn new<'a>(groups: impl Iterator<Item = &'a wire::Group>) -> Resources {
        let mut resources = Resources::default();
        for group in groups {
            let name = &group.metadata.name;
            for version in &group.versions {
                if version.is_stale() {
                    resources.unread.push(Unread {
                        group: name.clone(),
                        version: version.version.clone(),
                        reason: version.failure.clone(),
                    });
                }
                let found = version.resources.iter().filter_map(|one| one.resource(name, &version.version));
                resources.all.extend(found.map(Arc::new));
            }
        }
        resources.all.sort_by_key(|resource| !resource.group.is_empty());
        resources
    }

    /// All of them. Of what several groups and versions have, the one that is meant by its name alone comes first.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<ApiResource>> {
        self.all.iter()
    }

    /// What could not be read, or is old because its server did not answer.
    pub fn unread(&self) -> &[Unread] {
        &self.unread
    }

    /// By kind; without a version the preferred one.
    pub fn by_kind(&self, group: &str, version: Option<&str>, kind: &str) -> Option<&Arc<ApiResource>> {
        self.all.iter().find(|resource| {
            resource.kind == kind
                && resource.group == group
                && version.is_none_or(|version| resource.version == version)
        })
    }

    /// By the name in paths; without a version the preferred one.
    pub fn by_plural(&self, group: &str, version: Option<&str>, plural: &str) -> Option<&Arc<ApiResource>> {
        self.all.iter().find(|resource| {
            resource.plural == plural
                && resource.group == group
                && version.is_none_or(|version| resource.version == version)
        })
    }

    /// By what a person types, as kubectl understands it: `po`, `pods`, `Pod`, `deployments.apps`, `deployments.v1.apps`.
    pub fn find(&self, text: &str) -> Option<&Arc<ApiResource>> {
        let (name, rest) = text.split_once('.').unwrap_or((text, ""));
        let with_version = rest.split_once('.').map(|(version, group)| (Some(version), Some(group)));
        let with_group = (None, Some(rest).filter(|rest| !rest.is_empty()));
        with_version
            .into_iter()
            .chain([with_group])
            .find_map(|(version, group)| self.named(name, version, group))
    }

    fn named(&self, name: &str, version: Option<&str>, group: Option<&str>) -> Option<&Arc<ApiResource>> {
        let lower = name.to_lowercase();
        let full = |one: &ApiResource| one.plural == lower || one.singular == lower;
        let short = |one: &ApiResource| one.short_names.iter().any(|short| short == name);
        let kind = |one: &ApiResource| one.kind == name;
        let exact = |one: &ApiResource| group.is_none_or(|group| one.group == group);
        let begins = |one: &ApiResource| group.is_some_and(|group| one.group.starts_with(group));
        let find = |is: &dyn Fn(&ApiResource) -> bool, of: &dyn Fn(&ApiResource) -> bool| {
            self.all
                .iter()
                .find(|one| is(one) && of(one) && version.is_none_or(|version| one.version == version))
        };
        find(&full, &exact)
            .or_else(|| find(&short, &exact))
            .or_else(|| find(&full, &begins))
            .or_else(|| find(&short, &begins))
            .or_else(|| find(&kind, &exact))
    }

    /// The resources of a category such as `all`, each in its preferred version.
    pub fn category(&self, name: &str) -> Vec<Arc<ApiResource>> {
        let mut found: Vec<Arc<ApiResource>> = Vec::new();
        for one in self.all.iter().filter(|one| one.categories.iter().any(|known| known == name)) {
            if !found.iter().any(|known| known.plural == one.plural && known.group == one.group) {
                found.push(one.clone());
            }
        }
        found
    }

    /// By what a person types where several are allowed: `pods,svc`, `all`.
    pub fn find_many(&self, text: &str) -> Result<Vec<Arc<ApiResource>>> {
        let mut found: Vec<Arc<ApiResource>> = Vec::new();
        for word in text.split(',').map(str::trim) {
            let category = self.category(word);
            let some = match (category.is_empty(), self.find(word)) {
                (false, _) => category,
                (true, Some(one)) => vec![one.clone()],
                (true, None) => return Err(self.unknown(word)),
            };
            for one in some {
                if !found.contains(&one) {
                    found.push(one);
                }
            }
        }
        Ok(found)
    }

    /// Says what is like `text`, and what could not be read.
    pub(super) fn unknown(&self, text: &str) -> Error {
        let mut message = format!("the server has no resource or kind `{text}`");
        let near = self.near(text);
        if !near.is_empty() {
            let _ = write!(message, "; did you mean {}?", near.join(" or "));
        }
        if !self.unread.is_empty() {
            let unread: Vec<String> = self
                .unread
                .iter()
                .map(|one| match one.reason.as_str() {
                    "" => format!("{}/{}", one.group, one.version),
                    reason => format!("{}/{} ({reason})", one.group, one.version),
                })
                .collect();
            let _ = write!(message, "; it may be in a group that could not be read: {}", unread.join(", "));
        }
        Error::unsupported(message)
    }

    fn near(&self, text: &str) -> Vec<String> {
        let typed = text.to_lowercase();
        let (name, group) = typed.split_once('.').unwrap_or((&typed, ""));
        let mut near: Vec<(usize, String)> = Vec::new();
        for one in &self.all {
            let kind = one.kind.to_lowercase();
            let names = [one.plural.as_str(), one.singular.as_str(), kind.as_str()];
            let Some(distance) = names.into_iter().filter_map(|known| like(name, known)).min() else {
                continue;
            };
            let whole = if group.is_empty() { one.plural.as_str().to_owned() } else { one.full_name() };
            // Of equal names the one with the right group comes first.
            near.push((
                distance * 2 + usize::from(!group.is_empty() && one.group != group),
                format!("`{whole}`"),
            ));
        }
        near.sort();
        near.dedup_by(|a, b| a.1 == b.1);
        near.into_iter().map(|(_, name)| name).take(3).collect()
    }
}

/// How far a word is from another one, if a person may have meant that.
pub(crate) fn like(typed: &str, known: &str) -> Option<usize> {
    let distance = strsim::damerau_levenshtein(typed, known);
    let allowed = typed.chars().count().max(known.chars().count()) / 3;
    (distance <= allowed.max(1) && distance < known.chars().count()).then_some(distance)
}
