//! Deleting: at once, after a time of grace, when those who hold it let go, with or without what it owns.

use std::sync::Arc;
use std::time::Duration;

use http::header;
use serde_json::{Value, json};

use super::ask::Said;
use super::body;
use super::cleanup;
use super::core::{Call, State};
use super::failure::{Cause, Failure, details};
use super::kinds::Known;
use super::reads::Selection;
use super::store::Object;

/// How something is to be deleted.
#[derive(Debug, Default)]
pub(crate) struct Options {
    grace: Option<i64>,
    pub(crate) propagation: Option<String>,
    uid: Option<String>,
    version: Option<String>,
}

impl Options {
    pub(crate) fn of(call: &mut Call<'_>) -> Result<Options, Failure> {
        let query = &call.ask.query;
        let mut options = Options {
            grace: query.number("gracePeriodSeconds")?,
            propagation: query.get("propagationPolicy").map(str::to_owned),
            ..Options::default()
        };
        if query.flag("orphanDependents") {
            options.propagation = Some("Orphan".to_owned());
        }
        if !call.ask.body.is_empty() {
            let content_type = call.ask.header(header::CONTENT_TYPE);
            let wrong = || Failure::bad_request("the body of a delete is no DeleteOptions");
            let value = match body::media(content_type) {
                "application/vnd.kubernetes.protobuf" => {
                    return Err(Failure::gap("options of a delete as protobuf"));
                }
                _ => body::parse(&call.ask.body).map_err(|_| wrong())?.value,
            };
            options.read(call, &value)?;
        }
        let known = ["Foreground", "Background", "Orphan"];
        if let Some(propagation) = &options.propagation
            && !known.contains(&propagation.as_str())
        {
            let named = ["Foreground", "Background", "Orphan", "nil"];
            let cause = Cause::unsupported_of("propagationPolicy", &propagation.as_str().into(), &named);
            return Err(Failure::invalid_named("DeleteOptions", "meta.k8s.io", "", &[cause]));
        }
        Ok(options)
    }

    /// Options that stand in another object.
    pub(crate) fn from_value(call: &mut Call<'_>, value: &Value) -> Result<Options, Failure> {
        let mut options = Options::default();
        options.read(call, value)?;
        Ok(options)
    }

    fn read(&mut self, call: &mut Call<'_>, value: &Value) -> Result<(), Failure> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        self.grace = value["gracePeriodSeconds"].as_i64().or(self.grace);
        self.propagation = text(&value["propagationPolicy"]).or(self.propagation.take());
        if value["orphanDependents"] == true {
            self.propagation = Some("Orphan".to_owned());
        }
        self.uid = text(&value["preconditions"]["uid"]);
        self.version = text(&value["preconditions"]["resourceVersion"]);
        if let Some(dry) = value["dryRun"].as_array().filter(|list| !list.is_empty()) {
            if dry.iter().any(|it| it != "All") {
                let cause = Cause::unsupported("dryRun", &value["dryRun"], &["All"]);
                return Err(Failure::invalid_named("DeleteOptions", "meta.k8s.io", "", &[cause]));
            }
            call.dry = true;
        }
        Ok(())
    }

    /// Namespaces have a way of their own to be deleted, with words of their own.
    fn check_own_way(&self, kind: &Known, object: &Object) -> Result<(), Failure> {
        let is = object.version.to_string();
        let conditions = [("UID", &self.uid, &object.uid), ("ResourceVersion", &self.version, &is)];
        for (what, wanted, found) in conditions {
            if let Some(wanted) = wanted
                && wanted != found
            {
                let why = format!(
                    "Precondition failed: {what} in precondition: {wanted}, {what} in object meta: {found}"
                );
                return Err(Failure::conflict(kind, &object.key.1, &why));
            }
        }
        Ok(())
    }

    fn check(&self, kind: &Known, object: &Object) -> Result<(), Failure> {
        if let Some(uid) = &self.uid
            && *uid != object.uid
        {
            let why = format!(
                "the UID in the precondition ({uid}) does not match the UID in record ({}). The object might have been deleted and then recreated",
                object.uid
            );
            return Err(Failure::precondition(kind, &object.key.1, &why));
        }
        if let Some(version) = &self.version
            && *version != object.version.to_string()
        {
            let why = format!(
                "the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in record ({}). The object might have been modified",
                object.version
            );
            return Err(Failure::precondition(kind, &object.key.1, &why));
        }
        Ok(())
    }
}

/// `DELETE` of one object.
pub(crate) fn one(call: &mut Call<'_>) -> Result<Said, Failure> {
    let options = Options::of(call)?;
    let core = call.core;
    let mut state = core.state();
    let object = call.find(&state)?;
    if call.kind.kind == "Namespace"
        && call.kind.group.is_empty()
        && matches!(call.name.as_str(), "default" | "kube-system" | "kube-public")
    {
        return Err(Failure::forbidden(&call.kind, &call.name, "this namespace may not be deleted"));
    }
    if call.kind.kind == "Namespace" {
        options.check_own_way(&call.kind, &object)?;
    }
    options.check(&call.kind, &object)?;
    if (call.kind.group, call.kind.kind) == ("batch", "Job") && options.propagation.is_none() {
        call.warnings.push(
            "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or \
             set propagationPolicy=Orphan to suppress this warning"
                .to_owned(),
        );
    }
    let outcome = delete(call, &mut state, &object, &options)?;
    let said = match outcome {
        Outcome::Gone(last) if returns_object(&call.kind) => call.shape.value(call, last)?,
        Outcome::Gone(_) => {
            let mut details = details(&call.name, call.kind.group, call.kind.plural);
            details["uid"] = object.uid.as_str().into();
            let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details});
            Said::json(&status)
        }
        Outcome::Going(value) => call.shape.value(call, value)?,
    };
    if !call.dry {
        cleanup::settle(core, &mut state);
        core.announce(&state);
    }
    Ok(said)
}

/// Kinds of which the real server sends what was deleted.
fn returns_object(kind: &Known) -> bool {
    match kind.group {
        "" => matches!(
            kind.kind,
            "Pod"
                | "PodTemplate"
                | "PersistentVolume"
                | "PersistentVolumeClaim"
                | "ResourceQuota"
                | "ServiceAccount"
                | "Service"
                | "Namespace"
        ),
        "resource.k8s.io" => kind.kind != "DeviceTaintRule",
        "storage.k8s.io" => kind.kind != "CSIStorageCapacity",
        "apiextensions.k8s.io" => true,
        _ => false,
    }
}

/// What became of it.
pub(crate) enum Outcome {
    /// It was this.
    Gone(Value),
    /// It is this until it goes.
    Going(Value),
}

/// Deletes an object of which the conditions hold.
pub(crate) fn checked(
    call: &Call<'_>,
    state: &mut State,
    object: &Arc<Object>,
    options: &Options,
) -> Result<Outcome, Failure> {
    options.check(&call.kind, object)?;
    delete(call, state, object, options)
}

/// Deletes an object, or marks it as going.
pub(crate) fn delete(
    call: &Call<'_>,
    state: &mut State,
    object: &Arc<Object>,
    options: &Options,
) -> Result<Outcome, Failure> {
    let kind = &call.stored;
    let mut value = object.value();
    let grace = grace(kind, &value, options.grace);
    let policy = options.propagation.as_deref().unwrap_or(default_policy(kind));
    let finalizer = match policy {
        // Of what owns nothing nobody asks; of a namespace once.
        _ if kind.kind == "Event" || kind.kind == "Namespace" && object.going => None,
        "Orphan" => Some("orphan"),
        "Foreground" => Some("foregroundDeletion"),
        _ => None,
    };
    let mut finalizers = value["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
    finalizers.retain(|it| it != "orphan" && it != "foregroundDeletion");
    // Nothing was said: what was decided before holds.
    if options.propagation.is_none() && object.going {
        finalizers = value["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
    } else if let Some(finalizer) = finalizer {
        finalizers.push(finalizer.into());
    }
    let namespace = kind.kind == "Namespace" && kind.group.is_empty();
    let held = !finalizers.is_empty()
        || namespace && value["spec"]["finalizers"].as_array().is_some_and(|it| !it.is_empty());
    if !held && grace == 0 {
        if kind.kind == "Pod" && kind.group.is_empty() && !object.going {
            mark(call, &mut value, 0);
        }
        if !call.dry {
            state.store.remove(call.kind.stored, &object.key);
        }
        return Ok(Outcome::Gone(value));
    }
    let before = value.clone();
    if object.going {
        // Only sooner than it was said before.
        let said = value["metadata"]["deletionGracePeriodSeconds"].as_i64().unwrap_or_default();
        if grace < said {
            mark(call, &mut value, grace);
        }
    } else {
        mark(call, &mut value, grace);
    }
    if finalizers.is_empty() {
        if let Some(fields) = value.get_mut("metadata").and_then(Value::as_object_mut) {
            fields.remove("finalizers");
        }
    } else {
        value["metadata"]["finalizers"] = finalizers.into();
    }
    if namespace {
        value["status"]["phase"] = "Terminating".into();
    }
    if value == before || call.dry {
        return Ok(Outcome::Going(value));
    }
    let stored = state.store.put(call.kind.stored, value);
    Ok(Outcome::Going(stored.value()))
}

fn mark(call: &Call<'_>, value: &mut Value, grace: i64) {
    let after = Duration::from_secs(u64::try_from(grace).unwrap_or_default());
    let generation = value["metadata"]["generation"].as_i64();
    let first = value["metadata"]["deletionTimestamp"].is_null();
    value["metadata"]["deletionTimestamp"] = call.core.clock.stamp_after(after).into();
    if call.stored.kind != "Namespace" {
        value["metadata"]["deletionGracePeriodSeconds"] = grace.into();
    }
    if let Some(generation) = generation.filter(|_| first) {
        value["metadata"]["generation"] = (generation + 1).into();
    }
}

/// Pods that may run somewhere get time to end.
fn grace(kind: &Known, value: &Value, asked: Option<i64>) -> i64 {
    if kind.kind != "Pod" || !kind.group.is_empty() {
        return 0;
    }
    let runs = value["spec"]["nodeName"].as_str().is_some_and(|node| !node.is_empty());
    let over = matches!(value["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
    if !runs || over {
        return 0;
    }
    let usual = value["spec"]["terminationGracePeriodSeconds"].as_i64().unwrap_or(30);
    asked.unwrap_or(usual).max(0)
}

fn default_policy(kind: &Known) -> &'static str {
    match (kind.group, kind.kind) {
        ("batch", "Job") | ("", "ReplicationController") => "Orphan",
        _ => "Background",
    }
}

/// `DELETE` of many.
pub(crate) fn many(call: &mut Call<'_>) -> Result<Said, Failure> {
    let options = Options::of(call)?;
    let selection = Selection::of(call)?;
    let core = call.core;
    let mut state = core.state();
    let revision = state.store.revision();
    let found: Vec<Arc<Object>> =
        selection.of_table(state.store.table(call.kind.stored), None).cloned().collect();
    for object in &found {
        call.name = object.key.1.clone();
        options.check(&call.kind, object)?;
        delete(call, &mut state, object, &options)?;
    }
    let said = call.shape.list(call, json!({"resourceVersion": revision.to_string()}), &found);
    if !call.dry {
        cleanup::settle(core, &mut state);
        core.announce(&state);
    }
    said
}
