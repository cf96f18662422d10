//! From the paths of the documents to what each kind offers.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::ir::{Model, Path};
use crate::load::{Documents, Loaded, Resource};

/// What one version of a group offers.
#[derive(Debug)]
pub(crate) struct Api {
    /// The name of the group in paths; empty for the core group.
    pub(crate) group: String,
    /// Such as `v1`.
    pub(crate) version: String,
    /// The modules of the types.
    pub(crate) module: (String, String),
    /// Whether there is a document that lists the resources.
    pub(crate) index: bool,
    pub(crate) resources: BTreeMap<String, Offer>,
}

/// What the API offers for a kind.
#[derive(Debug)]
pub(crate) struct Offer {
    pub(crate) kind: Path,
    pub(crate) namespaced: bool,
    /// In the order in which they are written.
    pub(crate) calls: BTreeMap<Call, Vec<Place>>,
}

/// One way to ask for something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Call {
    /// Empty for the object itself.
    pub(crate) subresource: String,
    pub(crate) verb: Verb,
    /// All namespaces of a kind that lives in one.
    pub(crate) everywhere: bool,
    /// What is sent and read.
    pub(crate) object: Path,
}

/// Where a call is in the documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) method: String,
    pub(crate) path: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verb {
    Get,
    List,
    Watch,
    Create,
    Replace,
    Patch,
    Delete,
    DeleteCollection,
    Connect,
}

/// A path that is of no resource, and the function of `k8s_api::request::server` for it.
const SERVER: [(&str, &str); 5] = [
    ("/version/", "version"),
    ("/api/", "core_versions"),
    ("/apis/", "groups"),
    ("/.well-known/openid-configuration/", "openid_configuration"),
    ("/openid/v1/jwks/", "openid_keys"),
];

/// The documents say that what was sent comes back; the server answers with a `Status`, since it stores nothing of the kind.
pub(crate) const ANSWERED_WITH_STATUS: [(&str, &str); 3] =
    [("bindings", ""), ("pods", "binding"), ("pods", "eviction")];

/// Subresources whose body and answer the documents leave open (`*/*`, or a plain string): the request type that knows them.
pub(crate) const OPEN: [(&str, &str); 5] = [
    ("attach", "Attach"),
    ("exec", "Exec"),
    ("log", "Log"),
    ("portforward", "PortForward"),
    ("proxy", "Proxy"),
];

/// Everything that the documents offer.
#[derive(Debug, Default)]
pub(crate) struct Operations {
    pub(crate) apis: Vec<Api>,
    /// Groups by their names in paths, with the module of their types.
    pub(crate) groups: BTreeMap<String, String>,
    /// Functions for what is no resource.
    pub(crate) server: Vec<&'static str>,
    /// Entries of the tables that apply.
    used: BTreeSet<(&'static str, &'static str)>,
}

impl Operations {
    /// No entry of a table is there for nothing, in the documents that the tables are for.
    pub(crate) fn check(&self) -> Result<()> {
        let missing = SERVER.iter().filter(|(_, function)| !self.server.contains(function));
        let tables = ANSWERED_WITH_STATUS.iter().chain(&OPEN).filter(|entry| !self.used.contains(*entry));
        if let Some(entry) = missing.chain(tables).next() {
            bail!("{entry:?} in operations.rs no longer applies: remove it");
        }
        Ok(())
    }
}

impl Operations {
    /// Adds what a custom resource offers.
    pub(crate) fn offer(&mut self, group: &str, version: &str, plural: &str, offer: Offer) {
        let of_version = |api: &Api| api.group == group && api.version == version;
        let index = self.apis.iter().position(of_version).unwrap_or_else(|| {
            self.apis.push(Api {
                group: group.to_owned(),
                version: version.to_owned(),
                module: (offer.kind.group.clone(), offer.kind.version.clone()),
                index: true,
                resources: BTreeMap::new(),
            });
            self.apis.len() - 1
        });
        if let Some(api) = self.apis.get_mut(index) {
            api.resources.insert(plural.to_owned(), offer);
        }
    }
}

/// Reads the paths of all documents.
pub(crate) fn read(documents: &Documents, loaded: &Loaded, models: &[Model]) -> Result<Operations> {
    let mut reader = Reader::new(loaded, models);
    for (file, text) in &documents.openapi {
        let document: Value = serde_json::from_str(text).with_context(|| format!("{file} is not JSON"))?;
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                let is_method =
                    !matches!(method.as_str(), "parameters" | "servers" | "summary" | "description");
                if is_method {
                    let at =
                        || format!("{file}#/paths/{}/{method}", path.replace('~', "~0").replace('/', "~1"));
                    reader.operation(method, path, operation).with_context(at)?;
                }
            }
        }
    }
    if reader.found {
        reader.check()?;
    }
    Ok(Operations {
        apis: reader.apis.into_values().collect(),
        used: reader.used,
        groups: reader.groups,
        server: reader.server.into_values().collect(),
    })
}

struct Reader<'a> {
    resources: BTreeMap<(&'a str, &'a str, &'a str), &'a Resource>,
    kinds: BTreeMap<(&'a str, &'a str, &'a str), &'a Path>,
    schemas: BTreeMap<&'a str, &'a Path>,
    apis: BTreeMap<(String, String), Api>,
    groups: BTreeMap<String, String>,
    server: BTreeMap<usize, &'static str>,
    /// Entries of the tables that apply.
    used: BTreeSet<(&'static str, &'static str)>,
    found: bool,
}

impl<'a> Reader<'a> {
    fn new(loaded: &'a Loaded, models: &'a [Model]) -> Self {
        let key = |r: &'a Resource| (r.group.as_str(), r.version.as_str(), r.plural.as_str());
        let structs =
            || models.iter().filter_map(|model| if let Model::Struct(s) = model { Some(s) } else { None });
        Reader {
            resources: loaded.resources.iter().map(|resource| (key(resource), resource)).collect(),
            kinds: structs()
                .filter_map(|s| {
                    s.resource
                        .as_ref()
                        .map(|r| ((r.group.as_str(), r.version.as_str(), r.plural.as_str()), &s.path))
                })
                .collect(),
            schemas: structs().map(|s| (s.schema.as_str(), &s.path)).collect(),
            apis: BTreeMap::new(),
            groups: BTreeMap::new(),
            server: BTreeMap::new(),
            used: BTreeSet::new(),
            found: false,
        }
    }

    fn operation(&mut self, method: &str, path: &str, operation: &Value) -> Result<()> {
        self.found = true;
        if let Some(index) = SERVER.iter().position(|(known, _)| *known == path) {
            self.server.insert(index, SERVER[index].1);
            return Ok(());
        }
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (group, version, rest) = match &parts[..] {
            ["api", version, rest @ ..] => ("", *version, rest),
            // Every group with a version has it.
            ["apis", _] => return Ok(()),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => bail!("a path that is neither a resource nor known otherwise; name it in operations.rs"),
        };
        if rest.is_empty() {
            self.api(group, version, |api| api.index = true);
            return Ok(());
        }
        let (deprecated, rest) = match rest {
            ["watch", rest @ ..] => (true, rest),
            rest => (false, rest),
        };
        let (in_namespace, rest) = match rest {
            ["namespaces", "{namespace}", rest @ ..] => (true, rest),
            rest => (false, rest),
        };
        let (plural, name, subresource) = match rest {
            [plural] => (*plural, false, ""),
            [plural, "{name}"] => (*plural, true, ""),
            [plural, "{name}", subresource] | [plural, "{name}", subresource, "{path}"] => {
                (*plural, true, *subresource)
            }
            _ => bail!("the path has another form than those of resources; name a fix"),
        };
        let resource = *self
            .resources
            .get(&(group, version, plural))
            .with_context(|| format!("discovery has no {plural} in {group}/{version}"))?;
        let kind = *self
            .kinds
            .get(&(group, version, plural))
            .with_context(|| format!("no schema is that of {plural} in {group}/{version}"))?;
        let action = operation["x-kubernetes-action"].as_str().unwrap_or_default();
        let verb = match (action, method) {
            ("get", "get") if subresource == "log" => Verb::Connect,
            ("get", "get") => Verb::Get,
            ("list", "get") => Verb::List,
            // The watch of one object is that of all, narrowed to it.
            ("watch" | "watchlist", "get") if deprecated => Verb::Watch,
            ("post", "post") => Verb::Create,
            ("put", "put") => Verb::Replace,
            ("patch", "patch") => Verb::Patch,
            ("delete", "delete") => Verb::Delete,
            ("deletecollection", "delete") => Verb::DeleteCollection,
            ("connect", _) => Verb::Connect,
            _ => bail!("x-kubernetes-action `{action}` with {method} is not supported; name a fix"),
        };
        if verb == Verb::Connect && !OPEN.iter().any(|(known, _)| *known == subresource) {
            bail!("nothing says what a connection to `{subresource}` is; name it in OPEN");
        }
        let object = match verb {
            Verb::Create | Verb::Replace => self.schema(&operation["requestBody"])?,
            Verb::Get | Verb::Patch => self.schema(&operation["responses"]["200"])?,
            _ => kind.clone(),
        };
        for &entry in ANSWERED_WITH_STATUS.iter().filter(|entry| **entry == (plural, subresource)) {
            if self.schema(&operation["responses"]["201"])? == object {
                self.used.insert(entry);
            }
        }
        for &entry in OPEN.iter().filter(|(known, _)| *known == subresource) {
            if operation["responses"]["200"]["content"]["*/*"].is_object() || subresource == "log" {
                self.used.insert(entry);
            }
        }
        let call = Call {
            subresource: subresource.to_owned(),
            verb,
            everywhere: resource.namespaced && !in_namespace,
            object,
        };
        let place = Place { method: method.to_uppercase(), path: path.to_owned() };
        // What a name narrows is a call of its own only in the deprecated form.
        let narrowed = verb == Verb::Watch && name;
        let (kind, namespaced, plural) = (kind.clone(), resource.namespaced, plural.to_owned());
        self.groups.entry(group.to_owned()).or_insert_with(|| kind.group.clone());
        self.api(group, version, |api| {
            api.module = (kind.group.clone(), kind.version.clone());
            let offer = api.resources.entry(plural).or_insert_with(|| Offer {
                kind,
                namespaced,
                calls: BTreeMap::new(),
            });
            if !narrowed {
                offer.calls.entry(call).or_default().push(place);
            }
        });
        Ok(())
    }

    fn api(&mut self, group: &str, version: &str, change: impl FnOnce(&mut Api)) {
        let api = self.apis.entry((group.to_owned(), version.to_owned())).or_insert_with(|| Api {
            group: group.to_owned(),
            version: version.to_owned(),
            module: Default::default(),
            index: false,
            resources: BTreeMap::new(),
        });
        change(api);
    }

    /// The one schema of a body or an answer.
    fn schema(&self, holder: &Value) -> Result<Path> {
        let contents = holder["content"].as_object().context("nothing is said of the content")?;
        let names: BTreeSet<&str> =
            contents.values().filter_map(|content| content["schema"]["$ref"].as_str()).collect();
        let name = match names.into_iter().collect::<Vec<_>>()[..] {
            [name] => name.trim_start_matches("#/components/schemas/"),
            _ => bail!("the content is not of one schema; name a fix"),
        };
        let path = self.schemas.get(name).with_context(|| format!("{name} is no type"))?;
        Ok((*path).clone())
    }

    /// Discovery says the same.
    fn check(&self) -> Result<()> {
        for (&(group, version, plural), resource) in &self.resources {
            let at = format!("{plural} in {group}/{version}");
            let api = self.apis.get(&(group.to_owned(), version.to_owned()));
            let offer = api.and_then(|api| api.resources.get(plural));
            let offer = offer.with_context(|| format!("discovery has {at}, and no document does"))?;
            let offered: BTreeSet<&str> = offer
                .calls
                .keys()
                .filter(|call| call.subresource.is_empty())
                .map(|call| match call.verb {
                    Verb::Get => "get",
                    Verb::List => "list",
                    Verb::Watch => "watch",
                    Verb::Create => "create",
                    Verb::Replace => "update",
                    Verb::Patch => "patch",
                    Verb::Delete => "delete",
                    Verb::DeleteCollection => "deletecollection",
                    Verb::Connect => "connect",
                })
                .collect();
            let discovered: BTreeSet<&str> = resource.verbs.iter().map(String::as_str).collect();
            if offered != discovered {
                bail!("{at}: the documents offer {offered:?}, discovery {discovered:?}; name a fix");
            }
        }
        Ok(())
    }
}
