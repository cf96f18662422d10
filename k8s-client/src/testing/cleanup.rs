//! What the garbage collector and the namespace controller of a cluster do, at once and in order: what is deleted goes when
//! nothing holds it any more, and what it owns goes with it.

use std::sync::Arc;

use serde_json::Value;

use super::core::{Core, State};
use super::kinds::Known;
use super::store::{Key, Object, Touched};

/// Whether an object that is deleted can go.
pub(crate) fn is_done(object: &Value) -> bool {
    let metadata = &object["metadata"];
    let empty = |list: &Value| list.as_array().is_none_or(Vec::is_empty);
    metadata["deletionTimestamp"].is_string()
        && empty(&metadata["finalizers"])
        && empty(&object["spec"]["finalizers"])
        && metadata["deletionGracePeriodSeconds"].as_i64().unwrap_or_default() == 0
}

/// Goes on until nothing is left to do.
pub(crate) fn settle(core: &Core, state: &mut State) {
    if !core.cleans {
        state.store.take_touched();
        return;
    }
    loop {
        let mut did = false;
        for touched in state.store.take_touched() {
            did |= match touched {
                Touched::Removed(uid) => {
                    let owned = state.store.owned_by(&uid);
                    owned.iter().fold(false, |did, (kind, key)| orphaned(core, state, *kind, key) || did)
                }
                Touched::Owned(kind, key) => orphaned(core, state, kind, &key),
            };
        }
        for (kind, key) in state.store.going() {
            let Some(object) = state.store.get(kind, &key).cloned() else { continue };
            let Some(known) = core.kinds.stored(kind).copied() else { continue };
            did |= let_go(core, state, &known, &object);
        }
        if !did {
            return;
        }
    }
}

/// Deletes what all owners of are gone.
fn orphaned(core: &Core, state: &mut State, kind: usize, key: &Key) -> bool {
    let Some(object) = state.store.get(kind, key).cloned() else { return false };
    if object.owners.is_empty() || object.going {
        return false;
    }
    let value = object.value();
    let owners = value["metadata"]["ownerReferences"].as_array().into_iter().flatten();
    let mut any_known = false;
    let alive = owners
        .filter(|owner| {
            // What kinds this server does not have, it can't say of that they are gone.
            let text = |name: &str| owner[name].as_str().unwrap_or_default();
            let known = core.kinds.of_kind(text("apiVersion"), text("kind")).is_some();
            any_known |= known;
            let there = state.store.by_uid(text("uid"));
            !known || there.is_some_and(|(_, owner)| owner.key.0.is_empty() || owner.key.0 == key.0)
        })
        .count();
    if alive > 0 || !any_known {
        return false;
    }
    remove(core, state, kind, &object)
}

/// Deletes in the background.
fn remove(core: &Core, state: &mut State, kind: usize, object: &Arc<Object>) -> bool {
    let mut value = object.value();
    if object.going {
        return false;
    }
    value["metadata"]["deletionTimestamp"] = core.clock.stamp().into();
    value["metadata"]["deletionGracePeriodSeconds"] = 0.into();
    if core.kinds.stored(kind).is_some_and(|known| known.kind == "Pod") && runs(&value) {
        let grace = value["spec"]["terminationGracePeriodSeconds"].as_u64().unwrap_or(30);
        let after = std::time::Duration::from_secs(grace);
        value["metadata"]["deletionTimestamp"] = core.clock.stamp_after(after).into();
        value["metadata"]["deletionGracePeriodSeconds"] = grace.into();
    }
    if is_done(&value) {
        state.store.remove(kind, &object.key);
    } else {
        state.store.put(kind, value);
    }
    true
}

fn runs(pod: &Value) -> bool {
    pod["spec"]["nodeName"].as_str().is_some_and(|node| !node.is_empty())
        && !matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))
}

/// Takes away what holds an object that is deleted, as far as that is the server's own.
fn let_go(core: &Core, state: &mut State, kind: &Known, object: &Arc<Object>) -> bool {
    let mut value = object.value();
    let position = kind.stored;
    let has = |value: &Value, finalizer: &str| {
        value["metadata"]["finalizers"].as_array().is_some_and(|all| all.iter().any(|it| it == finalizer))
    };
    let mut did = false;
    if has(&value, "foregroundDeletion") {
        let mut waits = false;
        for (of, key) in state.store.owned_by(&object.uid) {
            let Some(owned) = state.store.get(of, &key).cloned() else { continue };
            did |= remove(core, state, of, &owned);
            let Some(still) = state.store.get(of, &key) else { continue };
            let tree = still.value();
            let owners = tree["metadata"]["ownerReferences"].as_array().into_iter().flatten();
            let blocks = |it: &Value| it["uid"] == object.uid && it["blockOwnerDeletion"] == true;
            waits |= owners.into_iter().any(blocks);
        }
        if !waits {
            did |= without(&mut value, "foregroundDeletion");
        }
    }
    if has(&value, "orphan") {
        for (of, key) in state.store.owned_by(&object.uid) {
            let Some(owned) = state.store.get(of, &key) else { continue };
            let mut tree = owned.value();
            if let Some(owners) = tree
                .get_mut("metadata")
                .and_then(|it| it.get_mut("ownerReferences"))
                .and_then(Value::as_array_mut)
            {
                owners.retain(|owner| owner["uid"] != object.uid);
                if owners.is_empty()
                    && let Some(fields) = tree.get_mut("metadata").and_then(Value::as_object_mut)
                {
                    fields.remove("ownerReferences");
                }
            }
            state.store.put(of, tree);
            did = true;
        }
        did |= without(&mut value, "orphan");
    }
    match kind.kind {
        "PersistentVolume" if value["status"]["phase"] != "Bound" => {
            did |= without(&mut value, "kubernetes.io/pv-protection");
        }
        "PersistentVolumeClaim" if !is_used(core, state, &object.key) => {
            did |= without(&mut value, "kubernetes.io/pvc-protection");
        }
        "Namespace" if kind.group.is_empty() => did |= empty(core, state, &mut value),
        "VolumeAttributesClass" => did |= without(&mut value, "kubernetes.io/vac-protection"),
        _ => {}
    }
    if is_done(&value) {
        if did {
            state.store.put(position, value);
        }
        state.store.remove(position, &object.key);
        return true;
    }
    if did && value != object.value() {
        state.store.put(position, value);
    }
    did
}

fn without(value: &mut Value, finalizer: &str) -> bool {
    let Some(all) =
        value.get_mut("metadata").and_then(|it| it.get_mut("finalizers")).and_then(Value::as_array_mut)
    else {
        return false;
    };
    let before = all.len();
    all.retain(|it| it != finalizer);
    let did = all.len() < before;
    if all.is_empty()
        && let Some(fields) = value.get_mut("metadata").and_then(Value::as_object_mut)
    {
        fields.remove("finalizers");
    }
    did
}

/// Whether a pod has the claim as a volume.
fn is_used(core: &Core, state: &State, claim: &Key) -> bool {
    let Some(pods) = core.kinds.at("", "v1", "pods") else { return false };
    let of_namespace = Key(claim.0.clone(), String::new());
    state.store.table(pods.stored).range(of_namespace..).take_while(|(key, _)| key.0 == claim.0).any(
        |(_, pod)| {
            let pod = pod.value();
            let volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
            volumes.into_iter().any(|volume| volume["persistentVolumeClaim"]["claimName"] == claim.1)
        },
    )
}

/// Deletes what is in a namespace, and gives the namespace free once there is nothing left.
fn empty(core: &Core, state: &mut State, namespace: &mut Value) -> bool {
    let name = namespace["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let (mut did, mut left) = (false, false);
    for kind in state.store.kinds() {
        let start = Key(name.clone(), String::new());
        let inside: Vec<Arc<Object>> = state
            .store
            .table(kind)
            .range(start..)
            .take_while(|(key, _)| key.0 == name)
            .map(|(_, object)| object.clone())
            .collect();
        for object in inside {
            // Nobody is there to end what runs: the namespace does not wait for it.
            did |= end(core, state, kind, &object);
            left |= state.store.get(kind, &object.key).is_some();
        }
    }
    if !left
        && let Some(finalizers) =
            namespace.get_mut("spec").and_then(|it| it.get_mut("finalizers")).and_then(Value::as_array_mut)
    {
        let before = finalizers.len();
        finalizers.retain(|it| it != "kubernetes");
        did |= finalizers.len() < before;
    }
    did
}

/// Deletes without a time of grace.
fn end(core: &Core, state: &mut State, kind: usize, object: &Arc<Object>) -> bool {
    if object.going {
        return false;
    }
    let mut value = object.value();
    value["metadata"]["deletionTimestamp"] = core.clock.stamp().into();
    value["metadata"]["deletionGracePeriodSeconds"] = 0.into();
    if is_done(&value) {
        state.store.remove(kind, &object.key);
    } else {
        state.store.put(kind, value);
    }
    true
}
