//! Creating, replacing and patching.

use http::{StatusCode, header};
use serde_json::{Value, json};

use super::ask::Said;
use super::body::{self, Sent, Validation, media};
use super::changes::change;
use super::core::{Call, State};
use super::failure::{Cause, Failure};
use super::kinds::Known;
use super::store::Key;
use super::{cleanup, defaults, patch, validate};

/// `POST` of an object.
pub(crate) fn create(call: &mut Call<'_>) -> Result<Said, Failure> {
    let sent = body::read(call.ask.header(header::CONTENT_TYPE), &call.ask.body, &call.kind)?;
    let object = read(call, sent)?;
    let core = call.core;
    let mut state = core.state();
    let object = born(call, &mut state, object)?;
    let said = if call.dry {
        let mut said = call.shape.value(call, object)?;
        said.status = StatusCode::CREATED;
        said
    } else {
        let stored = state.store.put(call.kind.stored, object);
        let said = call.shape.object(call, &stored);
        cleanup::settle(core, &mut state);
        core.announce(&state);
        let mut said = said?;
        said.status = StatusCode::CREATED;
        said
    };
    Ok(said)
}

/// Holds what was sent against its type and the place that it was sent to.
fn read(call: &mut Call<'_>, sent: Sent) -> Result<Value, Failure> {
    let kind = call.kind;
    let Sent { mut value, twice } = sent;
    if value.is_null() {
        // An object that nothing is said of.
        value = json!({});
    }
    let said = |name: &str| value[name].as_str().unwrap_or_default();
    let (api_version, named) = (said("apiVersion"), said("kind"));
    if !named.is_empty() && named != kind.kind || !api_version.is_empty() && api_version != kind.api_version()
    {
        return Err(wrong_kind(call, api_version, named));
    }
    let typed = body::typed(&kind, &value).map_err(|error| unreadable(&kind, &error))?;
    let strict = strict(call, &typed.unknown, &twice);
    if let Some(mistakes) = strict {
        return Err(unreadable(&kind, &format!("strict decoding error: {mistakes}")));
    }
    Ok(typed.value)
}

fn unreadable(kind: &Known, why: &str) -> Failure {
    Failure::bad_request(format!(
        "{} in version {:?} cannot be handled as a {}: {why}",
        kind.kind, kind.version, kind.kind
    ))
}

fn wrong_kind(call: &Call<'_>, api_version: &str, named: &str) -> Failure {
    let kind = &call.kind;
    let version = api_version.rsplit('/').next().unwrap_or_default();
    let known = call.core.kinds.named(api_version, named);
    if known.is_none() && !named.is_empty() && !api_version.is_empty() {
        return Failure::bad_request(format!(
            "{named} in version {version:?} cannot be handled as a {}: no kind {named:?} is registered for version \
             {api_version:?} in scheme \"pkg/runtime/scheme.go:110\"",
            kind.kind
        ));
    }
    if api_version != kind.api_version() && (named == kind.kind || named.is_empty()) {
        return Failure::bad_request(format!(
            "the API version in the data ({api_version}) does not match the expected API version ({})",
            kind.api_version()
        ));
    }
    Failure::bad_request(format!(
        "{named} in version {version:?} cannot be handled as a {}: converting ({version}.{named}) to (core.{}): unknown conversion",
        kind.kind, kind.kind
    ))
}

/// Fields that are not known or came twice: warned of, or all of them in one text for a refusal.
pub(crate) fn strict(call: &mut Call<'_>, unknown: &[String], twice: &[String]) -> Option<String> {
    let duplicates = twice.iter().map(|path| format!("duplicate field {path:?}"));
    let unknown = unknown.iter().map(|path| format!("unknown field {path:?}"));
    let mistakes: Vec<String> = duplicates.chain(unknown).collect();
    match call.validation {
        _ if mistakes.is_empty() => None,
        Validation::Ignore => None,
        Validation::Warn => {
            call.warnings.extend(mistakes);
            None
        }
        Validation::Strict => Some(mistakes.join(", ")),
    }
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A new object as it will be stored.
fn born(call: &mut Call<'_>, state: &mut State, mut object: Value) -> Result<Value, Failure> {
    let kind = call.kind;
    let clock = call.core.clock;
    if !object["metadata"].is_object() {
        object["metadata"] = json!({});
    }
    place(call, &mut object)?;
    let metadata = &mut object["metadata"];
    if text(&metadata["name"]).is_empty() && !text(&metadata["generateName"]).is_empty() {
        let base: String = text(&metadata["generateName"]).chars().take(58).collect();
        metadata["name"] = format!("{base}{}", state.chance.suffix()).into();
    }
    if kind.kind == "LimitRange" && text(&metadata["name"]).is_empty() {
        // The only kind that is given a name if it says none.
        metadata["name"] = state.chance.uid().into();
    }
    alive(call, state, text(&metadata["name"]))?;
    metadata["uid"] = state.chance.uid().into();
    metadata["creationTimestamp"] = clock.stamp().into();
    for field in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "managedFields"] {
        if let Some(fields) = metadata.as_object_mut() {
            fields.remove(field);
        }
    }
    if has_generation(&kind) {
        metadata["generation"] = 1.into();
    }
    defaults::without_empty(metadata, &["labels", "annotations", "finalizers", "ownerReferences"]);
    if kind.part("status").is_some()
        && !keeps_status(&kind)
        && let Some(fields) = object.as_object_mut()
    {
        fields.remove("status");
    }
    defaults::defaults(&kind, &mut object);
    let requests = object["spec"]["tokenRequests"].as_array();
    if kind.kind == "CSIDriver"
        && requests.is_some_and(|list| !list.is_empty())
        && object["spec"]["serviceAccountTokenInSecrets"].is_null()
    {
        call.warnings.push(
            "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible \
             logging of tokens in volume attributes"
                .to_owned(),
        );
    }
    let mut object = call.core.kinds.convert(object, &kind, &call.stored)?;
    defaults::defaults(&call.stored, &mut object);
    defaults::at_birth(&call.stored, &mut object, &mut state.addresses);
    let object = canonical(call, object)?;
    validate::create(&call.kind, &call.stored, &object)?;
    let name = text(&object["metadata"]["name"]).to_owned();
    let key = Key(call.namespace.clone(), name.clone());
    // A replacement that makes an object may name a version; it is not looked at.
    if !call.dry && call.name.is_empty() && !text(&object["metadata"]["resourceVersion"]).is_empty() {
        return Err(Failure::plain_internal("resourceVersion should not be set on objects to be created"));
    }
    match state.store.get(kind.stored, &key) {
        None => {}
        Some(old) if old.going => return Err(Failure::exists_going(&kind, &name)),
        Some(_) => return Err(Failure::exists(&kind, &name)),
    }
    Ok(object)
}

/// Once more through its type: what was added is as if it had been sent.
pub(crate) fn canonical(call: &Call<'_>, object: Value) -> Result<Value, Failure> {
    let mut object = body::typed(&call.stored, &object).map_err(Failure::internal)?.value;
    if call.stored.kind == "StatefulSet" {
        // The type says it of itself, and so it is not kept; the real server writes it.
        let claims = object.get_mut("spec").and_then(|it| it.get_mut("volumeClaimTemplates"));
        for claim in claims.and_then(Value::as_array_mut).into_iter().flatten() {
            claim["apiVersion"] = "v1".into();
            claim["kind"] = "PersistentVolumeClaim".into();
        }
    }
    Ok(object)
}

/// Namespace of the object and of the path are the same.
fn place(call: &Call<'_>, object: &mut Value) -> Result<(), Failure> {
    let said = text(&object["metadata"]["namespace"]).to_owned();
    if !call.kind.namespaced {
        if let Some(fields) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            fields.remove("namespace");
        }
        return Ok(());
    }
    if !said.is_empty() && said != call.namespace {
        return Err(Failure::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    object["metadata"]["namespace"] = call.namespace.as_str().into();
    Ok(())
}

/// The namespace is there and not on its way out.
fn alive(call: &Call<'_>, state: &State, name: &str) -> Result<(), Failure> {
    if !call.kind.namespaced {
        return Ok(());
    }
    let Some(namespaces) = call.core.kinds.at("", "v1", "namespaces") else { return Ok(()) };
    let namespace = state.store.get(namespaces.stored, &Key(String::new(), call.namespace.clone()));
    match namespace {
        None => Err(Failure::not_found(namespaces, &call.namespace)),
        Some(namespace) if namespace.going => {
            let why = format!(
                "unable to create new content in namespace {} because it is being terminated",
                call.namespace
            );
            let message = format!("namespace {} is being terminated", call.namespace);
            Err(Failure::forbidden(&call.kind, name, &why).with_cause(
                "NamespaceTerminating",
                &message,
                "metadata.namespace",
            ))
        }
        Some(_) => Ok(()),
    }
}

/// Kinds that count how often what is wanted has changed.
pub(crate) fn has_generation(kind: &Known) -> bool {
    match kind.group {
        "" => matches!(kind.kind, "Pod" | "PodTemplate" | "ReplicationController"),
        "autoscaling" => true,
        "apps" => kind.kind != "ControllerRevision",
        "batch" => true,
        "networking.k8s.io" => matches!(kind.kind, "Ingress" | "NetworkPolicy" | "IngressClass"),
        "policy" => kind.kind == "PodDisruptionBudget",
        "admissionregistration.k8s.io" => true,
        "flowcontrol.apiserver.k8s.io" => true,
        "apiextensions.k8s.io" => true,
        "scheduling.k8s.io" => kind.kind == "PriorityClass",
        "discovery.k8s.io" => kind.kind == "EndpointSlice",
        "resource.k8s.io" => {
            kind.kind == "ResourceSlice" || kind.kind == "DeviceClass" || kind.kind == "DeviceTaintRule"
        }
        _ => false,
    }
}

/// Whoever registers a node says how it is; a status that nobody but the maker writes.
fn keeps_status(kind: &Known) -> bool {
    matches!((kind.group, kind.kind), ("", "Node") | ("internal.apiserver.k8s.io", _))
}

/// Kinds that a `PUT` makes if they are not there.
fn is_made_by_replace(kind: &Known) -> bool {
    matches!(
        (kind.group, kind.kind),
        ("", "Endpoints" | "Event" | "LimitRange" | "Service")
            | ("events.k8s.io", "Event")
            | ("coordination.k8s.io", "Lease" | "LeaseCandidate")
            | ("rbac.authorization.k8s.io", _)
            | ("node.k8s.io", "RuntimeClass")
    )
}

/// Kinds that are replaced only by who says which version is replaced.
pub(crate) fn needs_version(kind: &Known) -> bool {
    matches!(
        (kind.group, kind.kind),
        (
            "coordination.k8s.io"
                | "apiextensions.k8s.io"
                | "apiregistration.k8s.io"
                | "storagemigration.k8s.io",
            _
        ) | ("admissionregistration.k8s.io", _)
            | ("policy", "PodDisruptionBudget")
            | ("resource.k8s.io", "DeviceTaintRule")
            | ("node.k8s.io", "RuntimeClass")
            | ("storage.k8s.io", "CSIDriver" | "CSINode" | "CSIStorageCapacity" | "VolumeAttachment")
    )
}

/// `PUT` of an object or of a part of it.
pub(crate) fn replace(call: &mut Call<'_>) -> Result<Said, Failure> {
    let sent = body::read(call.ask.header(header::CONTENT_TYPE), &call.ask.body, &call.kind)?;
    let object = read(call, sent)?;
    named(call, &object)?;
    let core = call.core;
    let mut state = core.state();
    if call.part.is_empty() && is_made_by_replace(&call.kind) && call.find(&state).is_err() {
        let object = born(call, &mut state, object)?;
        let mut said = if call.dry {
            call.shape.value(call, object)?
        } else {
            let stored = state.store.put(call.kind.stored, object);
            core.announce(&state);
            call.shape.object(call, &stored)?
        };
        said.status = StatusCode::CREATED;
        return Ok(said);
    }
    let old = call.find(&state)?;
    change(call, &mut state, &old, object, true)
}

/// What stands in the object is what stands in the path.
fn named(call: &Call<'_>, object: &Value) -> Result<(), Failure> {
    let name = text(&object["metadata"]["name"]);
    if name.is_empty() {
        return Err(nameless(&call.name));
    }
    if name != call.name {
        return Err(Failure::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            call.name
        )));
    }
    let namespace = text(&object["metadata"]["namespace"]);
    if call.kind.namespaced && !namespace.is_empty() && namespace != call.namespace {
        return Err(Failure::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    Ok(())
}

/// What is sent to a place with a name has that name.
pub(crate) fn nameless(name: &str) -> Failure {
    Failure::bad_request(format!(
        "the name of the object ({name} based on URL) was undeterminable: name must be provided"
    ))
}

/// `PATCH` of an object or of a part of it.
pub(crate) fn patch(call: &mut Call<'_>) -> Result<Said, Failure> {
    let core = call.core;
    let content_type = media(call.ask.header(header::CONTENT_TYPE)).to_owned();
    let strategic = content_type == "application/strategic-merge-patch+json";
    match content_type.as_str() {
        "application/json-patch+json" | "application/merge-patch+json" => {}
        "application/strategic-merge-patch+json" => {}
        "application/apply-patch+yaml" | "application/apply-patch+cbor" => {
            return Err(Failure::gap("server-side apply"));
        }
        _ => return Err(Failure::patch_type()),
    }
    let mut state = core.state();
    let old = call.find(&state)?;
    let before = call.out(old.value())?;
    let mut object = before.clone();
    let unreadable = |_: serde_json::Error| Failure::bad_request("invalid JSON patch");
    let Sent { value: mut document, twice } = body::parse(&call.ask.body).map_err(unreadable)?;
    if strategic && document.is_null() {
        document = json!({});
    }
    match content_type.as_str() {
        "application/json-patch+json" => patch::json::apply(&mut object, &document)?,
        _ if document.is_null() => return Err(Failure::bad_request("Invalid JSON Patch")),
        _ if !document.is_object() => {
            let what = match document {
                Value::Array(_) => "array",
                Value::String(_) => "string",
                Value::Number(_) => "number",
                _ => "bool",
            };
            let whose = if strategic { "" } else { "error decoding patch: " };
            return Err(Failure::bad_request(format!(
                "{whose}json: cannot unmarshal {what} into Go value of type map[string]interface {{}}"
            )));
        }
        _ if strategic => {
            let mut message = (call.kind.make)();
            patch::strategic::merge(&mut object, &document, &mut *message)?;
        }
        _ => patch::merge::merge(&mut object, &document),
    }
    // Of a strategic patch the real server shows the patch, and says less of what is wrong with it.
    let invalid = |object: &Value, why: &str| {
        let shown = if strategic { patch::strategic::shown(&document) } else { object.to_string() };
        let why = if strategic { patch::strategic::mistyped(why) } else { why.to_owned() };
        let cause = Cause::invalid("patch", &shown.into(), why);
        Failure::invalid_named("", "", "", &[cause])
    };
    for field in ["apiVersion", "kind"] {
        if text(&object[field]).is_empty() && object.is_object() {
            object[field] = before[field].clone();
        }
    }
    if object["apiVersion"] != before["apiVersion"] || object["kind"] != before["kind"] {
        let (version, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
        if call.core.kinds.named(version, kind).is_some() {
            return Err(wrong_kind(call, version, kind));
        }
        let why = format!(
            "no kind {kind:?} is registered for version {version:?} in scheme \"pkg/runtime/scheme.go:110\""
        );
        return Err(invalid(&object, &why));
    }
    let typed = match body::typed(&call.kind, &object) {
        Ok(typed) => typed,
        Err(why) => return Err(invalid(&object, &why)),
    };
    if let Some(mistakes) = strict(call, &typed.unknown, &twice) {
        return Err(invalid(&object, &format!("strict decoding error: {mistakes}")));
    }
    named(call, &typed.value)?;
    change(call, &mut state, &old, typed.value, false)
}
