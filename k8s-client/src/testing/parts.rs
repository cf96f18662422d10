//! What there is below an object, and what is asked and not kept: scale, bindings, evictions, tokens, reviews, logs.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{StatusCode, header};
use k8s_api::codec::{json as codec, protobuf};
use k8s_api::view::Message;
use serde_json::{Value, json};

use super::ask::Said;
use super::body::{self, media};
use super::core::Call;
use super::failure::{Cause, Failure};
use super::kinds::Known;
use super::selector::Labels;
use super::store::Object;
use super::{changes, deletes, patch};

/// A token that was given to somebody.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    username: String,
    uid: String,
    audiences: Vec<String>,
}

/// Those that are the object itself, of which a part may be written.
pub(crate) fn is_plain(part: &str) -> bool {
    matches!(part, "approval" | "ephemeralcontainers" | "finalize" | "resize")
}

/// What a write of a part changes, and of the whole what it does not.
pub(crate) fn only(kind: &Known, part: &str, before: &Value, new: Value) -> Value {
    let mut object = before.clone();
    match part {
        "" => {
            object = new;
            if kind.part("status").is_some() || kind.kind == "Namespace" {
                copy(before, &mut object, "status");
            }
            if kind.kind == "CertificateSigningRequest" {
                copy(before, &mut object, "spec");
            }
            if kind.kind == "Namespace" && kind.group.is_empty() {
                copy(before, &mut object, "spec");
            }
        }
        "status" => {
            copy(&new, &mut object, "status");
            let phase = match kind.kind {
                "PersistentVolume" | "PersistentVolumeClaim" => "Pending",
                "Namespace" => "Active",
                _ => "",
            };
            if !phase.is_empty() && object["status"]["phase"].is_null() {
                object["status"]["phase"] = phase.into();
            }
            for field in ["qosClass", "lastPhaseTransitionTime"] {
                let kept = matches!(kind.kind, "Pod" | "PersistentVolume");
                if kept && object["status"][field].is_null() {
                    copy(&before["status"], &mut object["status"], field);
                }
            }
            // Some kinds reset all but the status, most leave what people write.
            let resets = matches!(
                (kind.group, kind.kind),
                ("networking.k8s.io", "ServiceCIDR")
                    | ("storage.k8s.io", _)
                    | ("admissionregistration.k8s.io" | "apiregistration.k8s.io", _)
                    | ("resource.k8s.io", _)
                    | ("flowcontrol.apiserver.k8s.io" | "storagemigration.k8s.io", _)
            );
            let own = match kind.kind {
                "Deployment" => "labels",
                "Pod" => "ownerReferences",
                _ => "",
            };
            let keeps = |field: &&&str| !resets && **field != own;
            for field in ["labels", "annotations", "finalizers", "ownerReferences"].iter().filter(keeps) {
                copy(&new["metadata"], &mut object["metadata"], field);
            }
        }
        "approval" => {
            let conditions = &new["status"]["conditions"];
            if !object["status"].is_object() {
                object["status"] = json!({});
            }
            object["status"]["conditions"] = conditions.clone();
        }
        "finalize" => {
            if !object["spec"].is_object() {
                object["spec"] = json!({});
            }
            copy(&new["spec"], &mut object["spec"], "finalizers");
        }
        "ephemeralcontainers" => copy(&new["spec"], &mut object["spec"], "ephemeralContainers"),
        "resize" => {
            for group in ["containers", "initContainers"] {
                let wanted = new["spec"][group].as_array().cloned().unwrap_or_default();
                for container in object
                    .get_mut("spec")
                    .and_then(|it| it.get_mut(group))
                    .and_then(Value::as_array_mut)
                    .into_iter()
                    .flatten()
                {
                    if let Some(it) = wanted.iter().find(|it| it["name"] == container["name"]) {
                        copy(it, container, "resources");
                        copy(it, container, "resizePolicy");
                    }
                }
            }
        }
        _ => {}
    }
    object
}

fn copy(from: &Value, to: &mut Value, field: &str) {
    let Some(fields) = to.as_object_mut() else { return };
    match from.get(field) {
        Some(value) => _ = fields.insert(field.to_owned(), value.clone()),
        None => _ = fields.remove(field),
    }
}

fn success(code: StatusCode) -> Said {
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": code.as_u16()});
    let mut said = Said::json(&status);
    said.status = code;
    said
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Reads an object of a type that is only sent to a subresource.
fn read<M: Message + Default + 'static>(call: &Call<'_>, kind: &str) -> Result<Value, Failure> {
    let wrong = |why: String| {
        Failure::bad_request(format!("{kind} in version \"v1\" cannot be handled as a {kind}: {why}"))
    };
    let content_type = media(call.ask.header(header::CONTENT_TYPE));
    let mut message = M::default();
    if content_type == "application/vnd.kubernetes.protobuf" {
        protobuf::decode_into(&mut message, &call.ask.body).map_err(|error| wrong(error.to_string()))?;
    } else {
        let sent = body::parse_as(content_type, &call.ask.body).map_err(wrong)?;
        if !text(&sent["kind"]).is_empty() && sent["kind"] != kind {
            return Err(wrong(format!("it is a {}", text(&sent["kind"]))));
        }
        codec::decode_into(&mut message, sent.to_string().as_bytes())
            .map_err(|error| wrong(super::mistype::words(|| Box::new(M::default()), &error, &sent)))?;
    }
    let bytes = codec::encode(&message).map_err(|error| wrong(error.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))
}

/// A subresource that is not the object.
pub(crate) fn answer(call: &mut Call<'_>, verb: &str) -> Result<Said, Failure> {
    match call.part.as_str() {
        "scale" => scale(call, verb),
        "binding" => {
            let value = read_binding(call)?;
            bind(call, &value)
        }
        "eviction" => evict(call),
        "token" => token(call),
        "log" => super::logs::read(call),
        "proxy" if call.kind.kind == "Service" => {
            let name = call.name.split(':').find(|it| !matches!(*it, "http" | "https")).unwrap_or_default();
            Err(Failure::other(503, &format!("no endpoints available for service {name:?}")))
        }
        part => Err(Failure::gap(format!("kubelets, and so no {part} of {}", call.kind.plural))),
    }
}

/// Kinds that are questions: answered and not kept.
pub(crate) fn review(call: &mut Call<'_>) -> Option<Result<Said, Failure>> {
    let kind = call.kind;
    let group = kind.group;
    if kind.kind == "Binding" && group.is_empty() {
        return Some(read_binding(call).and_then(|value| {
            call.name = text(&value["metadata"]["name"]).to_owned();
            if let Some(pods) = call.core.kinds.at("", "v1", "pods").copied() {
                call.kind = pods;
                call.stored = pods;
            }
            bind(call, &value)
        }));
    }
    let answer = match (group, kind.kind) {
        ("authentication.k8s.io", "SelfSubjectReview") => {
            json!({"userInfo": {"username": "kubernetes-admin", "groups": ["system:masters", "system:authenticated"]}})
        }
        ("authentication.k8s.io", "TokenReview") => Value::Null,
        ("authorization.k8s.io", "SelfSubjectRulesReview") => json!({
            "incomplete": false,
            "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
            "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
        }),
        ("authorization.k8s.io", _) => {
            json!({"allowed": true, "reason": "the embedded API server lets everybody do everything"})
        }
        _ => return None,
    };
    Some(reviewed(call, answer))
}

fn reviewed(call: &Call<'_>, answer: Value) -> Result<Said, Failure> {
    let kind = call.kind;
    let sent = body::read(call.ask.header(header::CONTENT_TYPE), &call.ask.body, &kind)?;
    let mut object = body::typed(&kind, &sent.value)
        .map_err(|why| {
            Failure::bad_request(format!(
                "{} in version {:?} cannot be handled as a {}: {why}",
                kind.kind, kind.version, kind.kind
            ))
        })?
        .value;
    if kind.kind.ends_with("AccessReview") {
        let spec = &object["spec"];
        if spec["resourceAttributes"].is_null() == spec["nonResourceAttributes"].is_null() {
            let cause = Cause::invalid(
                "spec.resourceAttributes",
                &spec["nonResourceAttributes"],
                "exactly one of nonResourceAttributes or resourceAttributes must be specified",
            );
            return Err(Failure::invalid(&kind, "", &[cause]));
        }
    }
    object["status"] = if kind.kind == "TokenReview" { token_review(call, &object["spec"]) } else { answer };
    let mut said = call.shape.written(call.core, kind.make, object)?;
    said.status = StatusCode::CREATED;
    Ok(said)
}

fn token_review(call: &Call<'_>, spec: &Value) -> Value {
    const OWN: &str = "https://kubernetes.default.svc.cluster.local";
    let state = call.core.state();
    let Some(issued) = state.tokens.get(text(&spec["token"])) else {
        return json!({"user": {}, "error": "invalid bearer token"});
    };
    let asked: Vec<&str> = spec["audiences"].as_array().into_iter().flatten().map(text).collect();
    let asked = if asked.is_empty() { vec![OWN] } else { asked };
    let known: Vec<&str> =
        asked.into_iter().filter(|it| issued.audiences.iter().any(|own| own == it)).collect();
    if known.is_empty() {
        return json!({"user": {}, "error": "token audiences are not what was asked for"});
    }
    let namespace = issued.username.split(':').nth(2).unwrap_or_default();
    let groups = [
        "system:serviceaccounts".to_owned(),
        format!("system:serviceaccounts:{namespace}"),
        "system:authenticated".to_owned(),
    ];
    json!({
        "authenticated": true,
        "user": {"username": issued.username, "uid": issued.uid, "groups": groups},
        "audiences": known,
    })
}

fn scale_of(object: &Value, resource: &Known) -> Value {
    let metadata = &object["metadata"];
    let mut kept = json!({});
    for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if !metadata[field].is_null() {
            kept[field] = metadata[field].clone();
        }
    }
    let selector = &object["spec"]["selector"];
    let selector = if resource.kind == "ReplicationController" {
        json!({"matchLabels": selector})
    } else {
        selector.clone()
    };
    let mut status = json!({"replicas": object["status"]["replicas"].as_i64().unwrap_or_default()});
    let shown = shown_selector(&selector);
    if !shown.is_empty() {
        status["selector"] = shown.into();
    }
    let mut spec = json!({});
    if let Some(replicas) = object["spec"]["replicas"].as_i64().filter(|it| *it != 0) {
        spec["replicas"] = replicas.into();
    }
    json!({"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": kept, "spec": spec, "status": status})
}

/// A selector as one text.
fn shown_selector(selector: &Value) -> String {
    let mut terms: Vec<String> = selector["matchLabels"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", text(value)))
        .collect();
    for it in selector["matchExpressions"].as_array().into_iter().flatten() {
        let values: Vec<&str> = it["values"].as_array().into_iter().flatten().map(text).collect();
        let key = text(&it["key"]);
        terms.push(match text(&it["operator"]) {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "Exists" => key.to_owned(),
            _ => format!("!{key}"),
        });
    }
    terms.join(",")
}

fn scale(call: &mut Call<'_>, verb: &str) -> Result<Said, Failure> {
    let core = call.core;
    let make: fn() -> Box<dyn Message> = || Box::new(k8s_api::autoscaling::v1::Scale::default());
    let mut state = core.state();
    let object = call.find(&state)?;
    let before = object.value();
    let now = scale_of(&before, &call.kind);
    let sent = match verb {
        "get" => return call.shape.written(core, make, now),
        "update" => read::<k8s_api::autoscaling::v1::Scale>(call, "Scale")?,
        _ => {
            let document =
                body::parse(&call.ask.body).map_err(|_| Failure::bad_request("invalid JSON patch"))?.value;
            let mut patched = now.clone();
            match media(call.ask.header(header::CONTENT_TYPE)) {
                "application/json-patch+json" => patch::json::apply(&mut patched, &document)?,
                "application/merge-patch+json" | "application/strategic-merge-patch+json" => {
                    patch::merge::merge(&mut patched, &document);
                }
                "application/apply-patch+yaml" => return Err(Failure::gap("server-side apply")),
                _ => {
                    return Err(Failure::media_type(
                        "application/json-patch+json, application/merge-patch+json",
                    ));
                }
            }
            patched
        }
    };
    let mut message = make();
    codec::decode_into(&mut *message, sent.to_string().as_bytes()).map_err(|error| {
        let cause =
            Cause::invalid("patch", &sent.to_string().into(), super::mistype::words(make, &error, &sent));
        Failure::invalid_named("", "", "", &[cause])
    })?;
    let mut unknown = Vec::new();
    super::kinds::unknown_fields(&*message, "", &mut unknown);
    if let Some(mistakes) = super::writes::strict(call, &unknown, &[]) {
        let cause =
            Cause::invalid("patch", &sent.to_string().into(), format!("strict decoding error: {mistakes}"));
        return Err(Failure::invalid_named("", "", "", &[cause]));
    }
    let name = text(&sent["metadata"]["name"]);
    if name.is_empty() {
        return Err(super::writes::nameless(&call.name));
    }
    if name != call.name {
        return Err(Failure::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            call.name
        )));
    }
    let version = text(&sent["metadata"]["resourceVersion"]);
    if !version.is_empty() && version != text(&before["metadata"]["resourceVersion"]) {
        return Err(Failure::modified(&call.kind, &call.name));
    }
    let replicas = sent["spec"]["replicas"].as_i64().unwrap_or_default();
    if replicas < 0 {
        let cause = Cause::invalid("spec.replicas", &replicas.into(), "must be greater than or equal to 0");
        return Err(Failure::invalid_named("Scale", "autoscaling", &call.name, &[cause]));
    }
    let mut changed = call.out(before)?;
    changed["spec"]["replicas"] = replicas.into();
    call.part.clear();
    let shape = std::mem::replace(&mut call.shape, super::shape::Shape::json());
    changes::change(call, &mut state, &object, changed.clone(), false)?;
    let after = if call.dry { changed } else { call.find(&state)?.value() };
    shape.written(core, make, scale_of(&after, &call.kind))
}

fn bind(call: &mut Call<'_>, binding: &Value) -> Result<Said, Failure> {
    let core = call.core;
    let mut state = core.state();
    let object = call.find(&state)?;
    let mut pod = object.value();
    let node = text(&binding["target"]["name"]).to_owned();
    if node.is_empty() {
        let cause = Cause::required("target.name", "");
        return Err(Failure::invalid_named("Binding", "", &call.name, &[cause]));
    }
    let has = text(&pod["spec"]["nodeName"]);
    if !has.is_empty() {
        let why = format!("pod {} is already assigned to node {has:?}", call.name);
        return Err(Failure::conflict_named("pods/binding", &call.name, &why));
    }
    pod["spec"]["nodeName"] = node.into();
    let condition = json!({
        "type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": core.clock.stamp(),
    });
    let mut conditions = pod["status"]["conditions"].as_array().cloned().unwrap_or_default();
    conditions.retain(|it| it["type"] != "PodScheduled");
    conditions.push(condition);
    pod["status"]["conditions"] = conditions.into();
    if !call.dry {
        state.store.put(call.kind.stored, pod);
        core.announce(&state);
    }
    Ok(success(StatusCode::CREATED))
}

fn evict(call: &mut Call<'_>) -> Result<Said, Failure> {
    let eviction = read::<k8s_api::policy::v1::Eviction>(call, "Eviction")?;
    let core = call.core;
    let name = text(&eviction["metadata"]["name"]);
    if !name.is_empty() && name != call.name {
        return Err(Failure::bad_request("name in URL does not match name in Eviction object"));
    }
    let mut state = core.state();
    let object = call.find(&state)?;
    let pod = object.value();
    let waits = !matches!(text(&pod["status"]["phase"]), "Succeeded" | "Failed" | "Pending") && !object.going;
    if waits {
        budget(call, &state.store.table(budgets(call)).values().cloned().collect::<Vec<_>>(), &object)?;
    }
    let options = deletes::Options::from_value(call, &eviction["deleteOptions"])?;
    deletes::checked(call, &mut state, &object, &options)?;
    if !call.dry {
        super::cleanup::settle(core, &mut state);
        core.announce(&state);
    }
    Ok(success(StatusCode::CREATED))
}

fn budgets(call: &Call<'_>) -> usize {
    call.core.kinds.resource("policy", "poddisruptionbudgets").map_or(usize::MAX, |known| known.stored)
}

fn budget(call: &Call<'_>, budgets: &[Arc<Object>], pod: &Object) -> Result<(), Failure> {
    for budget in budgets.iter().filter(|it| it.key.0 == call.namespace) {
        let value = budget.value();
        if !value["spec"]["selector"].is_object()
            || !Labels::of_object(&value["spec"]["selector"]).matches(&pod.labels)
        {
            continue;
        }
        let number = |name: &str| value["status"][name].as_i64().unwrap_or_default();
        if number("disruptionsAllowed") > 0 {
            continue;
        }
        let message = format!(
            "The disruption budget {} needs {} healthy pods and has {} currently",
            budget.key.1,
            number("desiredHealthy"),
            number("currentHealthy")
        );
        return Err(Failure::too_many("Cannot evict pod as it would violate the pod's disruption budget.")
            .with_cause("DisruptionBudget", &message, "")
            .retry_after(0));
    }
    Ok(())
}

fn token(call: &mut Call<'_>) -> Result<Said, Failure> {
    let mut request = read::<k8s_api::authentication::v1::TokenRequest>(call, "TokenRequest")?;
    let core = call.core;
    let mut state = core.state();
    let account = call.find(&state)?;
    let seconds = request["spec"]["expirationSeconds"].as_u64().unwrap_or(3600);
    if seconds < 600 {
        let cause = Cause::invalid(
            "spec.expirationSeconds",
            &seconds.into(),
            "may not specify a duration less than 10 minutes",
        );
        return Err(Failure::invalid_named("TokenRequest", "authentication.k8s.io", "", &[cause]));
    }
    let mut audiences: Vec<String> =
        request["spec"]["audiences"].as_array().into_iter().flatten().map(|it| text(it).to_owned()).collect();
    if audiences.is_empty() {
        audiences.push("https://kubernetes.default.svc.cluster.local".to_owned());
    }
    let username = format!("system:serviceaccount:{}:{}", call.namespace, call.name);
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signature: Vec<u8> = (0..8).flat_map(|_| state.chance.next().to_be_bytes()).collect();
    let token = format!(
        "{}.{}.{}",
        part(json!({"alg": "none", "kid": "embedded"})),
        part(json!({"sub": username, "aud": audiences})),
        URL_SAFE_NO_PAD.encode(signature)
    );
    state
        .tokens
        .insert(token.clone(), Issued { username, uid: account.uid.clone(), audiences: audiences.clone() });
    drop(state);
    request["metadata"]["name"] = call.name.as_str().into();
    request["metadata"]["namespace"] = call.namespace.as_str().into();
    request["metadata"]["creationTimestamp"] = core.clock.stamp().into();
    request["spec"]["audiences"] = audiences.into();
    request["spec"]["expirationSeconds"] = seconds.into();
    let expires = core.clock.stamp_after(std::time::Duration::from_secs(seconds));
    request["status"] = json!({"token": token, "expirationTimestamp": expires});
    let make = || -> Box<dyn Message> { Box::new(k8s_api::authentication::v1::TokenRequest::default()) };
    let mut said = call.shape.written(core, make, request)?;
    said.status = StatusCode::CREATED;
    Ok(said)
}

fn read_binding(call: &Call<'_>) -> Result<Value, Failure> {
    let kind = call.core.kinds.at("", "v1", "bindings").copied().unwrap_or(call.kind);
    Ok(body::read(call.ask.header(header::CONTENT_TYPE), &call.ask.body, &kind)?.value)
}
