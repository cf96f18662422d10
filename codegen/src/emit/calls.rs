//! The calls of every generated function, for the test that compares what they build with the documents.

use std::fmt::Write as _;

use anyhow::Result;

use super::api;
use crate::HEADER;
use crate::operations::Operations;

pub(crate) fn emit(operations: &Operations) -> Result<String> {
    let mut out = format!(
        "{HEADER}\n\nuse super::{{NAME, NAMESPACE, PATH, Seen, json, merge, strategic, the}};\n\n\
         /// Calls everything that was generated.\npub(super) fn every(seen: &mut Seen) {{\n"
    );
    for function in &operations.server {
        writeln!(out, "    seen.add(k8s_api::request::server::{function}());")?;
    }
    for group in operations.groups.values().filter(|group| *group != "core") {
        writeln!(out, "    seen.add(k8s_api::{group}::group());")?;
    }
    for api in &operations.apis {
        writeln!(out, "    {}_{}(seen);", api.module.0, api.module.1)?;
    }
    writeln!(out, "}}")?;
    for api in &operations.apis {
        let (group, version) = &api.module;
        writeln!(
            out,
            "\nfn {group}_{version}(seen: &mut Seen) {{\n    use k8s_api::{group}::{version}::*;\n"
        )?;
        if api.index {
            writeln!(out, "    seen.add(resources());")?;
        }
        for (plural, offer) in &api.resources {
            for (call, places) in &offer.calls {
                let namespace = if offer.namespaced && !call.everywhere { "NAMESPACE" } else { "" };
                for function in api::functions(offer, call, places)? {
                    for (values, chain) in &function.samples {
                        let comma = if namespace.is_empty() || values.is_empty() { "" } else { ", " };
                        writeln!(
                            out,
                            "    seen.add({plural}::{}({namespace}{comma}{values}){chain});",
                            function.name
                        )?;
                    }
                }
            }
        }
        writeln!(out, "}}")?;
    }
    Ok(out)
}
