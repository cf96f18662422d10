//! The kinds of an API server as a list, for what has to know them at run time.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};

use crate::HEADER;
use crate::features::Features;
use crate::load::Resource;
use crate::operations::Operations;

/// In the order of the server's discovery.
pub(crate) fn emit(resources: &[Resource], operations: &Operations, features: &Features) -> Result<String> {
    let mut out = format!(
        "{HEADER}\n\n#[allow(unused_imports)]\nuse crate::kinds::{{Kind, Part}};\n\n\
         /// What discovery offers, as far as this build has the types.\npub(crate) static ALL: &[Kind] = &[\n"
    );
    let mut resources: Vec<&Resource> = resources.iter().collect();
    resources.sort_by_key(|resource| resource.position);
    for resource in resources {
        let Resource { group, version, kind, plural, singular, namespaced, .. } = resource;
        let of_version = operations.apis.iter().find(|api| api.group == *group && api.version == *version);
        let offer = of_version.and_then(|api| api.resources.get(plural));
        let path = &offer.with_context(|| format!("no document has {plural} of {group}/{version}"))?.kind;
        out.push_str(&features.of_version(&path.group, &path.version));
        writeln!(
            out,
            "Kind {{ group: {group:?}, version: {version:?}, kind: {kind:?}, plural: {plural:?}, singular: {singular:?}, \
             short_names: &{:?}, categories: &{:?}, namespaced: {namespaced}, verbs: &{:?},\n    \
             make: || Box::new(crate::{}::{}::{}::default()),",
            resource.short_names, resource.categories, resource.verbs, path.group, path.version, path.name
        )?;
        out.push_str("    parts: &[");
        for part in &resource.parts {
            let [of, at, kind] = &part.kind;
            let (of, at) = if at.is_empty() { (group, version) } else { (of, at) };
            write!(
                out,
                "\n        Part {{ name: {:?}, group: {of:?}, version: {at:?}, kind: {kind:?}, verbs: &{:?} }},",
                part.name, part.verbs
            )?;
        }
        out.push_str("] },\n");
    }
    out.push_str("];\n");
    Ok(out)
}
