//! Writes source.

mod api;
mod calls;
mod kinds;
mod models;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Result;

use crate::HEADER;
use crate::features::Features;
use crate::ir::Model;
use crate::lower::path;
use crate::operations::{Api, Operations};

pub(crate) use calls::emit as calls;
pub(crate) use kinds::emit as kinds;

/// The whole tree. With `features`, every group is behind its own.
pub(crate) fn emit(
    models: &[Model],
    operations: &Operations,
    features: Option<&Features>,
    root: &str,
) -> Result<BTreeMap<String, String>> {
    let mut modules: BTreeMap<&str, BTreeMap<&str, Vec<&Model>>> = BTreeMap::new();
    for model in models {
        let path = path(model);
        modules.entry(&path.group).or_default().entry(&path.version).or_default().push(model);
    }
    let mut files = BTreeMap::new();
    let mut tree = format!("{HEADER}\n\n");
    if root != "crate" {
        // Somebody else's crate, which may be a program that uses few of them.
        tree.push_str("#![allow(dead_code, unreachable_pub, unused_imports)]\n\n");
    }
    for (group, versions) in &modules {
        let attribute = features.and_then(|features| features.of_group(group)).unwrap_or_default();
        writeln!(tree, "{attribute}pub mod {group};")?;
        let mut index = format!("{HEADER}\n\n//! The group `{group}`.\n\n");
        for (version, models) in versions {
            let declared = features.map(|features| features.module(group, version));
            writeln!(index, "{}", declared.unwrap_or_else(|| format!("pub mod {version};")))?;
            let api = operations.apis.iter().find(|api| api.module.0 == *group && api.module.1 == *version);
            let (with, used) = if api.is_some() { ("mod api;\n", "pub use api::*;\n") } else { ("", "") };
            let head = format!(
                "{HEADER}\n\n//! Version `{version}` of the group `{group}`.\n\n{with}mod models;\n\n{used}pub use models::*;\n"
            );
            files.insert(format!("{group}/{version}/mod.rs"), head);
            files.insert(format!("{group}/{version}/models.rs"), models::emit(models, root)?);
            if let Some(api) = api {
                files.insert(format!("{group}/{version}/api.rs"), api::emit(api, root, features)?);
            }
        }
        let of_group = |api: &&Api| api.module.0 == *group && !api.group.is_empty();
        if let Some(api) = operations.apis.iter().find(of_group) {
            let name = &api.group;
            writeln!(
                index,
                "\n/// The versions of this group, as the server tells them: `GET /apis/{name}/`\n\
                 #[inline]\npub fn group() -> {root}::request::server::Fetch<{root}::meta::v1::APIGroup> {{\n    \
                 {root}::request::server::group({name:?})\n}}"
            )?;
        }
        files.insert(format!("{group}/mod.rs"), index);
    }
    if features.is_some() {
        tree.push_str("#[cfg(feature = \"kinds\")]\npub(crate) mod kinds;\n");
    }
    files.insert("mod.rs".to_owned(), tree);
    Ok(files)
}

/// A constructor of every struct.
pub(crate) fn list(models: &[Model]) -> String {
    let mut out = format!(
        "{HEADER}\n\nuse k8s_api::view::Message;\n\npub(crate) type Make = fn() -> Box<dyn Message>;\n\npub(crate) const EVERY: &[Make] = &[\n"
    );
    for model in models {
        if let Model::Struct(model) = model {
            let crate::ir::Path { group, version, name } = &model.path;
            out.push_str(&format!("    || Box::new(k8s_api::{group}::{version}::{name}::default()),\n"));
        }
    }
    out.push_str("];\n");
    out
}
