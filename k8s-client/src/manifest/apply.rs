//! Applying a manifest: everything is decided first, then done step by step.

use std::collections::HashMap;
use std::future::IntoFuture;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, FutureExt as _};
use k8s_api::dynamic::{ApiResource, DynamicObject, Json};
use k8s_api::operation::Verb;
use k8s_api::request::{self, FieldValidation, Place, server};

use super::order::{DEFINITION, DEFINITIONS, rank};
use super::report::{Outcome, Report, What};
use super::{Document, Manifest, together};
use crate::client::Client;
use crate::discovery::Discovery;
use crate::error::{Error, Result};
use crate::openapi::OpenApi;

/// How long a definition may take until the server serves it.
const PATIENCE: Duration = Duration::from_secs(60);

/// The pauses between two looks grow from the first to the last.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// A manifest that is applied when it is awaited; what is special about it is chained.
#[derive(Clone, Debug)]
#[must_use = "a manifest is applied when it is awaited"]
pub struct ApplyManifest<'a> {
    manifest: &'a Manifest,
    discovery: &'a Discovery,
    manager: &'a str,
    namespace: Option<&'a str>,
    force: bool,
    dry_run: bool,
    validation: FieldValidation,
    openapi: Option<&'a OpenApi>,
    patience: Duration,
}

/// One object with everything that has to be known to apply it.
struct Step {
    document: Document,
    resource: Arc<ApiResource>,
    /// The manifest itself defines its kind.
    defined_here: bool,
}

impl<'a> ApplyManifest<'a> {
    pub(super) fn new(manifest: &'a Manifest, discovery: &'a Discovery, manager: &'a str) -> Self {
        ApplyManifest {
            manifest,
            discovery,
            manager,
            namespace: None,
            force: false,
            dry_run: false,
            validation: FieldValidation::Strict,
            openapi: None,
            patience: PATIENCE,
        }
    }

    /// Where objects go that name no namespace, instead of the client's.
    pub fn namespace(mut self, namespace: &'a str) -> Self {
        self.namespace = Some(namespace);
        self
    }

    /// Takes over fields that another manager owns, instead of failing as a conflict.
    pub fn force(mut self) -> Self {
        self.force = true;
        self
    }

    /// Nothing is stored. Every object is tried, also after one that failed, but for those of kinds that the manifest itself
    /// defines.
    pub fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }

    /// What the server does with fields that it does not know; it refuses them unless this says otherwise.
    pub fn field_validation(mut self, how: FieldValidation) -> Self {
        self.validation = how;
        self
    }

    /// Compares every object with the server's schemas before the first is sent, but for those of kinds that the manifest
    /// itself defines.
    pub fn checked(mut self, openapi: &'a OpenApi) -> Self {
        self.openapi = Some(openapi);
        self
    }

    /// How long a definition may take until the server serves it; a minute, unless this says otherwise.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Finds out what can be found out before anything is written.
    async fn plan(&self) -> Result<Vec<Step>> {
        let (mut steps, mut mistakes) = (Vec::new(), Vec::new());
        let defined = self.manifest.documents.iter().flat_map(|document| kinds(&document.object));
        let defined: HashMap<_, Arc<ApiResource>> =
            defined.map(|one| ((one.api_version(), one.kind.to_string()), Arc::new(one))).collect();
        let mut seen: HashMap<_, String> = HashMap::new();
        for document in &self.manifest.documents {
            match self.step(document.clone(), &defined).await {
                Ok(step) => {
                    let (object, metadata) = (&step.document.object, &step.document.object.metadata);
                    let key = (
                        object.group().to_owned(),
                        object.kind.clone(),
                        metadata.namespace.clone(),
                        metadata.name.clone(),
                    );
                    if let Some(before) = seen.insert(key, document.place.to_string()) {
                        mistakes.push(Error::request(format!(
                            "{}: the same object stands in {before}",
                            step.document
                        )));
                    }
                    if let (Some(openapi), false) = (self.openapi, step.defined_here) {
                        mistakes.extend(
                            openapi
                                .check(object)
                                .await?
                                .iter()
                                .map(|mistake| Error::request(format!("{}: {mistake}", step.document))),
                        );
                    }
                    steps.push(step);
                }
                // No answer is no mistake of the manifest.
                Err(error) if error.operation().is_some() => return Err(error),
                Err(error) => mistakes.push(error.within(document)),
            }
        }
        together(mistakes).map_err(|error| error.within("nothing was applied"))?;
        steps.sort_by_key(|step| rank(step.document.object.group(), &step.document.object.kind));
        Ok(steps)
    }

    async fn step(
        &self,
        mut document: Document,
        defined: &HashMap<(String, String), Arc<ApiResource>>,
    ) -> Result<Step> {
        let object = &mut document.object;
        let here = defined.get(&(object.api_version.to_string(), object.kind.to_string()));
        let resource = match here {
            Some(resource) => resource.clone(),
            None => self.discovery.by_kind(object.group(), Some(object.version()), &object.kind).await?,
        };
        if !resource.offers(Verb::Patch) {
            return Err(Error::unsupported(format!(
                "the server offers no `patch` of {resource}, so it can't be applied"
            )));
        }
        let namespace = &mut object.metadata.namespace;
        if resource.namespaced && namespace.is_empty() {
            *namespace = self.namespace.unwrap_or(self.discovery.client().namespace()).into();
        } else if !resource.namespaced && !namespace.is_empty() {
            let message = format!("a {} lives in no namespace, and `{namespace}` is given", resource.kind);
            return Err(Error::request(message));
        }
        Ok(Step { defined_here: here.is_some(), document, resource })
    }

    async fn run(self) -> Result<Report> {
        let client = self.discovery.client();
        let mut outcomes = Vec::new();
        let mut stopped = None;
        // Until when each definition of this manifest has to be served.
        let mut awaited: HashMap<String, Instant> = HashMap::new();
        for step in self.plan().await? {
            let what = if let Some(failed) = &stopped {
                What::Skipped(format!("{failed} failed before"))
            } else if self.dry_run && step.defined_here {
                What::Skipped(
                    "its definition is a part of the manifest, which a dry run does not store".to_owned(),
                )
            } else {
                match self.apply(client, &step, &mut awaited).await {
                    Ok(object) => What::Applied(Box::new(object)),
                    Err(error) => {
                        stopped = Some(super::name(&step.document.object)).filter(|_| !self.dry_run);
                        What::Failed(error)
                    }
                }
            };
            outcomes.push(Outcome { document: step.document, what });
        }
        Ok(Report { outcomes })
    }

    async fn apply(
        &self,
        client: &Client,
        step: &Step,
        awaited: &mut HashMap<String, Instant>,
    ) -> Result<DynamicObject> {
        if step.defined_here {
            let deadline = deadline(client, self.patience);
            let until = *awaited.entry(step.resource.to_string()).or_insert(deadline);
            served(client, &step.resource, until).await?;
        }
        let object = &step.document.object;
        let namespace = Some(object.metadata.namespace.as_str()).filter(|_| step.resource.namespaced);
        let mut pauses = Pauses::new();
        loop {
            let place = Place::of(namespace).resource(step.resource.clone());
            let request = request::Apply::new(place, object, self.manager).field_validation(self.validation);
            let request = if self.force { request.force() } else { request };
            let request = if self.dry_run { request.dry_run() } else { request };
            let error = match client.request(request).await {
                Ok(applied) => return Ok(applied),
                Err(error) => error,
            };
            // One of several servers may not have heard of the definition yet: then even the path is not found.
            let unheard =
                error.is_not_found() && error.status().is_none_or(|status| status.message == UNHEARD);
            match awaited.get(&step.resource.to_string()) {
                Some(until) if unheard && pauses.wait(client, *until).await => {}
                _ => return Err(error),
            }
        }
    }
}

/// What a server says of a path that it does not serve.
const UNHEARD: &str = "the server could not find the requested resource";

impl<'a> IntoFuture for ApplyManifest<'a> {
    type Output = Result<Report>;
    type IntoFuture = BoxFuture<'a, Result<Report>>;

    fn into_future(self) -> Self::IntoFuture {
        self.run().boxed()
    }
}

fn deadline(client: &Client, patience: Duration) -> Instant {
    let now = client.outside().now();
    now.checked_add(patience).unwrap_or(now)
}

/// Pauses that grow.
struct Pauses(Duration);

impl Pauses {
    fn new() -> Pauses {
        Pauses(PAUSES.0)
    }

    /// Waits, unless that would be too long.
    async fn wait(&mut self, client: &Client, until: Instant) -> bool {
        let outside = client.outside();
        let Some(next) = outside.now().checked_add(self.0).filter(|next| *next <= until) else {
            return false;
        };
        self.0 = (self.0 * 2).min(PAUSES.1);
        outside.wait(next).await;
        true
    }
}

/// Waits until the definition of a kind is established and the kind is served.
async fn served(client: &Client, resource: &Arc<ApiResource>, until: Instant) -> Result<()> {
    let definition = ApiResource::cluster(DEFINITIONS, "v1", DEFINITION, "customresourcedefinitions");
    let mut pauses = Pauses::new();
    loop {
        let found = client.dynamic(&definition).cluster().get(&resource.full_name()).await?;
        let conditions = found.get("status.conditions").ok().flatten().unwrap_or_default();
        let why = match state(&conditions) {
            State::Refused(why) => {
                return Err(Error::request(format!("the definition of {resource} is refused: {why}")));
            }
            State::Waiting => "its definition is not established",
            State::Established => {
                match client.request(server::resources(&resource.group, &resource.version)).await {
                    Ok(list) if list.resources.iter().any(|one| one.name == resource.plural) => return Ok(()),
                    Err(error) if !error.is_not_found() => return Err(error),
                    _ => "the server does not serve it",
                }
            }
        };
        if !pauses.wait(client, until).await {
            return Err(Error::timeout(format!("waited for {resource} in vain: {why}")));
        }
    }
}

enum State {
    Waiting,
    Established,
    Refused(String),
}

fn state(conditions: &Json) -> State {
    let condition = |type_: &str, status: &str| {
        let all = conditions.as_list().unwrap_or_default();
        all.iter().find(|one| {
            let is = |name, wanted| one.get(name).and_then(Json::as_str) == Some(wanted);
            is("type", type_) && is("status", status)
        })
    };
    if let Some(refused) = condition("NamesAccepted", "False") {
        return State::Refused(refused.get("message").and_then(Json::as_str).unwrap_or_default().to_owned());
    }
    if condition("Established", "True").is_some() { State::Established } else { State::Waiting }
}

/// The resources that a definition brings, one for each version that is served.
fn kinds(definition: &DynamicObject) -> Vec<ApiResource> {
    if (definition.group(), definition.kind.as_str()) != (DEFINITIONS, DEFINITION) {
        return Vec::new();
    }
    let Some(spec) = definition.raw("spec").map(Json::from) else { return Vec::new() };
    let text =
        |value: &Json, name: &str| value.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let names = spec.get("names").cloned().unwrap_or_default();
    let make =
        if text(&spec, "scope") == "Namespaced" { ApiResource::namespaced } else { ApiResource::cluster };
    let versions = spec.get("versions").and_then(Json::as_list).unwrap_or_default();
    versions
        .iter()
        .filter(|version| version.get("served").and_then(Json::as_bool) == Some(true))
        .map(|version| {
            make(
                &text(&spec, "group"),
                &text(version, "name"),
                &text(&names, "kind"),
                &text(&names, "plural"),
            )
        })
        .collect()
}
