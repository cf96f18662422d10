//! Objects that are there before a test begins.

use std::sync::Arc;

use serde_json::{Value, json};

use super::core::Core;
use super::store::Key;

/// Makes an object, with its status and the namespace that it is in.
pub(crate) fn put(core: &Arc<Core>, object: Value) -> Result<(), String> {
    let text = |name: &str| object[name].as_str().unwrap_or_default();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let known = core.kinds.named(api_version, kind).copied().ok_or_else(|| {
        format!(
            "the server has no kind `{kind}` in `{api_version}`: is the feature of its group switched on?"
        )
    })?;
    let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let namespace = match object["metadata"]["namespace"].as_str() {
        _ if !known.namespaced => "",
        None | Some("") => "default",
        Some(namespace) => namespace,
    };
    if let Some(namespaces) = core.kinds.at("", "v1", "namespaces").copied()
        && !namespace.is_empty()
    {
        let there =
            core.state().store.get(namespaces.stored, &Key(String::new(), namespace.to_owned())).is_some();
        if !there {
            core.make(&namespaces, "", json!({"metadata": {"name": namespace}}))
                .map_err(|failure| failure.message().to_owned())?;
        }
    }
    let status = object["status"].clone();
    let refused = |failure: super::failure::Failure| format!("{kind} {name}: {}", failure.message());
    core.make(&known, namespace, object.clone()).map_err(refused)?;
    if status.is_object() && known.part("status").is_some() {
        let mut state = core.state();
        let key = Key(namespace.to_owned(), name.clone());
        if let Some(stored) = state.store.get(known.stored, &key).cloned() {
            let mut value = stored.value();
            value["status"] = status;
            state.store.put(known.stored, value);
            core.announce(&state);
        }
    }
    Ok(())
}
