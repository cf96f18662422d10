//! Writes source.

mod models;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Result;

use crate::HEADER;
use crate::ir::Model;
use crate::lower::path;

/// The whole tree.
pub(crate) fn emit(models: &[Model], root: &str) -> Result<BTreeMap<String, String>> {
    let mut modules: BTreeMap<&str, BTreeMap<&str, Vec<&Model>>> = BTreeMap::new();
    for model in models {
        let path = path(model);
        modules.entry(&path.group).or_default().entry(&path.version).or_default().push(model);
    }
    let mut files = BTreeMap::new();
    let mut tree = format!("{HEADER}\n\n");
    if root != "crate" {
        // Somebody else's crate, which may be a program that uses few of them.
        tree.push_str("#![allow(dead_code, unreachable_pub)]\n\n");
    }
    for (group, versions) in &modules {
        writeln!(tree, "pub mod {group};")?;
        let mut index = format!("{HEADER}\n\n//! The group `{group}`.\n\n");
        for (version, models) in versions {
            writeln!(index, "pub mod {version};")?;
            let head = format!(
                "{HEADER}\n\n//! Version `{version}` of the group `{group}`.\n\nmod models;\n\npub use models::*;\n"
            );
            files.insert(format!("{group}/{version}/mod.rs"), head);
            files.insert(format!("{group}/{version}/models.rs"), models::emit(models, root)?);
        }
        files.insert(format!("{group}/mod.rs"), index);
    }
    files.insert("mod.rs".to_owned(), tree);
    Ok(files)
}

/// A constructor of every struct.
pub(crate) fn list(models: &[Model], api: &str) -> String {
    let mut out = format!(
        "{HEADER}\n\nuse {api}::view::Message;\n\npub(crate) type Make = fn() -> Box<dyn Message>;\n\npub(crate) const EVERY: &[Make] = &[\n"
    );
    for model in models {
        if let Model::Struct(model) = model {
            let crate::ir::Path { group, version, name } = &model.path;
            out.push_str(&format!("    || Box::new({api}::{group}::{version}::{name}::default()),\n"));
        }
    }
    out.push_str("];\n");
    out
}
