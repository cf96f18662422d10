//! What a server says that it offers, in the form of aggregated discovery; plain discovery is turned into it.

use k8s_api::dynamic::{ApiResource, ApiSubresource};
use k8s_api::meta::v1::APIResourceList;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Groups {
    pub(super) items: Vec<Group>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Group {
    pub(super) metadata: Named,
    /// The preferred one comes first.
    pub(super) versions: Vec<Version>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Named {
    pub(super) name: String,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Version {
    pub(super) version: String,
    pub(super) freshness: String,
    /// Ours: why plain discovery could not read it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) failure: String,
    pub(super) resources: Vec<Resource>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Resource {
    resource: String,
    response_kind: Option<Kind>,
    scope: String,
    singular_resource: String,
    verbs: Vec<String>,
    short_names: Vec<String>,
    categories: Vec<String>,
    subresources: Vec<Subresource>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
struct Subresource {
    subresource: String,
    response_kind: Option<Kind>,
    verbs: Vec<String>,
}

/// An empty group and version is that of the resource.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Kind {
    group: String,
    version: String,
    kind: String,
}

const STALE: &str = "Stale";

impl Version {
    pub(super) fn failed(version: &str, why: &str) -> Version {
        Version {
            version: version.to_owned(),
            freshness: STALE.to_owned(),
            failure: why.to_owned(),
            ..Version::default()
        }
    }

    pub(super) fn is_stale(&self) -> bool {
        self.freshness == STALE
    }

    /// What plain discovery says of a group and version; a part of a resource is an entry of its own there.
    pub(super) fn plain(version: &str, list: &APIResourceList) -> Version {
        let texts = |list: &[k8s_api::text::Str]| list.iter().map(|text| text.as_str().to_owned()).collect();
        let mut resources: Vec<Resource> = Vec::new();
        for entry in &list.resources {
            let kind = Kind {
                group: entry.group.as_str().to_owned(),
                version: entry.version.as_str().to_owned(),
                kind: entry.kind.as_str().to_owned(),
            };
            let verbs = texts(&entry.verbs);
            match entry.name.as_str().split_once('/') {
                None => resources.push(Resource {
                    resource: entry.name.as_str().to_owned(),
                    response_kind: Some(kind),
                    scope: if entry.namespaced { "Namespaced" } else { "Cluster" }.to_owned(),
                    singular_resource: entry.singular_name.as_str().to_owned(),
                    verbs,
                    short_names: texts(&entry.short_names),
                    categories: texts(&entry.categories),
                    subresources: Vec::new(),
                }),
                Some((of, name)) => {
                    let part = Subresource { subresource: name.to_owned(), response_kind: Some(kind), verbs };
                    if let Some(resource) = resources.iter_mut().find(|resource| resource.resource == of) {
                        resource.subresources.push(part);
                    }
                }
            }
        }
        let version = version.to_owned();
        Version { version, freshness: "Current".to_owned(), failure: String::new(), resources }
    }
}

impl Resource {
    /// `None` for what has no kind: an entry that only holds parts.
    pub(super) fn resource(&self, group: &str, version: &str) -> Option<ApiResource> {
        let kind = self.response_kind.as_ref().filter(|kind| !kind.kind.is_empty())?;
        let make = if self.scope == "Namespaced" { ApiResource::namespaced } else { ApiResource::cluster };
        let mut resource = make(group, version, &kind.kind, &self.resource);
        if !self.singular_resource.is_empty() {
            resource.singular = self.singular_resource.as_str().into();
        }
        let texts = |list: &[String]| list.iter().map(|text| text.as_str().into()).collect();
        resource.short_names = texts(&self.short_names);
        resource.categories = texts(&self.categories);
        resource.verbs = Some(texts(&self.verbs));
        resource.subresources = self.subresources.iter().map(|part| part.part(&resource)).collect();
        Some(resource)
    }
}

impl Subresource {
    fn part(&self, of: &ApiResource) -> ApiSubresource {
        let verbs: Vec<&str> = self.verbs.iter().map(String::as_str).collect();
        let kind = self.response_kind.as_ref();
        let api_version = match kind {
            Some(kind) if kind.version.is_empty() => of.api_version(),
            Some(kind) if kind.group.is_empty() => kind.version.clone(),
            Some(kind) => format!("{}/{}", kind.group, kind.version),
            None => String::new(),
        };
        ApiSubresource::new(&self.subresource, &api_version, kind.map_or("", |kind| &kind.kind), &verbs)
    }
}
