//! What the server says of itself: groups, versions and resources in both forms, its version, its health, its documents.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};

use http::{HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};

use super::ask::{Ask, Said};
use super::core::Core;
use super::failure::Failure;
use super::kinds::Known;

/// The release that the types are of.
const VERSION: &str = "v1.37.1";

/// Answers what is no resource; `None` where it is one, or nothing.
pub(crate) fn answer(core: &Core, ask: &Ask, path: &[&str]) -> Result<Option<Said>, Failure> {
    let known = match path {
        [] => Some(Said::json(&json!({"paths": paths(core)}))),
        ["version"] => Some(Said::json(&version())),
        ["healthz" | "livez" | "readyz", ..] => Some(health(ask, path)),
        ["api"] => Some(match aggregated(ask) {
            Some(type_) => tagged(ask, type_, &groups(core, |group| group.is_empty())),
            None => Said::json(&json!({
                "kind": "APIVersions", "versions": ["v1"],
                "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1"}],
            })),
        }),
        ["apis"] => Some(match aggregated(ask) {
            Some(type_) => tagged(ask, type_, &groups(core, |group| !group.is_empty())),
            None => {
                let names = group_names(core);
                let all: Vec<Value> = names.iter().map(|name| group(core, name)).collect();
                Said::json(&json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": all}))
            }
        }),
        ["api", "v1"] if core.kinds.has_group("") => Some(Said::json(&resources(core, "", "v1"))),
        ["apis", name] if !name.is_empty() && core.kinds.has_group(name) => {
            let mut group = group(core, name);
            group["kind"] = "APIGroup".into();
            group["apiVersion"] = "v1".into();
            Some(Said::json(&group))
        }
        ["apis", name, version] if core.kinds.has_version(name, version) => {
            Some(Said::json(&resources(core, name, version)))
        }
        ["openapi", "v3", rest @ ..] => Some(openapi(core, rest)?),
        ["openapi", "v2"] => return Err(Failure::gap("OpenAPI v2, which v3 has replaced")),
        [".well-known", "openid-configuration"] => Some(Said::json(&json!({
            "issuer": "https://kubernetes.default.svc.cluster.local",
            "jwks_uri": "https://kubernetes.default.svc.cluster.local/openid/v1/jwks",
            "response_types_supported": ["id_token"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["none"],
        }))),
        ["openid", "v1", "jwks"] => Some(Said::json(&json!({"keys": []}))),
        ["metrics", ..] => return Err(Failure::gap("metrics of its own")),
        _ => None,
    };
    match known {
        Some(_) if !matches!(ask.method, Method::GET | Method::HEAD) => Err(Failure::method_not_allowed()),
        known => Ok(known),
    }
}

fn version() -> Value {
    json!({
        "major": "1", "minor": "37", "gitVersion": format!("{VERSION}+embedded"), "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "", "compiler": "", "platform": "embedded",
    })
}

fn paths(core: &Core) -> Vec<String> {
    let mut paths = vec!["/api".to_owned(), "/api/v1".to_owned(), "/apis".to_owned(), "/version".to_owned()];
    for known in core.kinds.all().iter().filter(|known| !known.group.is_empty()) {
        paths.push(format!("/apis/{}", known.group));
        paths.push(format!("/apis/{}/{}", known.group, known.version));
    }
    paths.extend(["/healthz", "/livez", "/openapi/v3", "/readyz"].map(str::to_owned));
    paths.sort();
    paths.dedup();
    paths
}

fn health(ask: &Ask, path: &[&str]) -> Said {
    let name = path.first().copied().unwrap_or_default();
    if !ask.query.flag("verbose") || path.len() > 1 {
        return Said::text("ok");
    }
    let excluded: Vec<&str> = ask.query.all("exclude").collect();
    let mut lines = String::new();
    for check in ["ping", "log", "etcd"] {
        let state = if excluded.contains(&check) { "excluded: ok" } else { "ok" };
        lines.push_str(&format!("[+]{check} {state}\n"));
    }
    lines.push_str(&format!("{name} check passed\n"));
    Said::text(lines)
}

/// The content type of the aggregated form, if that is what is asked for.
fn aggregated(ask: &Ask) -> Option<&'static str> {
    let accept = ask.header(header::ACCEPT)?;
    let wants =
        |part: &str| part.contains("as=APIGroupDiscoveryList") && part.trim().starts_with("application/json");
    for part in accept.split(',') {
        if wants(part) && part.contains("v=v2") && !part.contains("v2beta1") {
            return Some("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
        }
        if part.trim() == "application/json" {
            return None;
        }
    }
    None
}

/// With a tag, and nothing but the tag where it is known.
fn tagged(ask: &Ask, content_type: &'static str, value: &Value) -> Said {
    let body = value.to_string();
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    let tag = format!("\"{:016X}\"", hasher.finish());
    let known = ask.header(header::IF_NONE_MATCH) == Some(&tag);
    let mut said = Said::bytes(StatusCode::OK, content_type, if known { String::new() } else { body });
    if known {
        said.status = StatusCode::NOT_MODIFIED;
    }
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        said.headers.insert(header::ETAG, tag);
    }
    said.headers.insert(header::VARY, HeaderValue::from_static("Accept"));
    said
}

/// In the order of discovery.
fn group_names(core: &Core) -> Vec<&'static str> {
    let mut names = Vec::new();
    for known in core.kinds.all().iter().filter(|known| !known.group.is_empty()) {
        if !names.contains(&known.group) {
            names.push(known.group);
        }
    }
    names
}

fn versions(core: &Core, group: &str) -> Vec<&'static str> {
    let mut versions = Vec::new();
    for known in core.kinds.all().iter().filter(|known| known.group == group) {
        if !versions.contains(&known.version) {
            versions.push(known.version);
        }
    }
    versions
}

fn group(core: &Core, name: &str) -> Value {
    let versions: Vec<Value> = versions(core, name)
        .iter()
        .map(|version| json!({"groupVersion": format!("{name}/{version}"), "version": version}))
        .collect();
    json!({"name": name, "versions": versions, "preferredVersion": versions.first()})
}

/// Discovery in one document.
fn groups(core: &Core, wanted: impl Fn(&str) -> bool) -> Value {
    let mut names = group_names(core);
    names.insert(0, "");
    let items: Vec<Value> = names
        .into_iter()
        .filter(|name| wanted(name))
        .map(|name| {
            let versions: Vec<Value> = versions(core, name)
                .iter()
                .map(|version| {
                    let all = core.kinds.all().iter();
                    let all = all.filter(|known| known.group == name && known.version == *version);
                    json!({"version": version, "freshness": "Current", "resources": all.map(offered).collect::<Vec<_>>()})
                })
                .collect();
            let metadata = if name.is_empty() { json!({"creationTimestamp": null}) } else { json!({"name": name, "creationTimestamp": null}) };
            json!({"metadata": metadata, "versions": versions})
        })
        .collect();
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items})
}

fn offered(known: &Known) -> Value {
    let mut resource = json!({
        "resource": known.plural, "scope": if known.namespaced { "Namespaced" } else { "Cluster" },
        "responseKind": {"group": "", "version": "", "kind": known.kind}, "singularResource": known.singular, "verbs": known.verbs,
    });
    if !known.short_names.is_empty() {
        resource["shortNames"] = json!(known.short_names);
    }
    if !known.categories.is_empty() {
        resource["categories"] = json!(known.categories);
    }
    if !known.parts.is_empty() {
        let parts = known.parts.iter().map(|part| {
            let (group, version) = if part.group == known.group && part.version == known.version {
                ("", "")
            } else {
                (part.group, part.version)
            };
            json!({
                "subresource": part.name, "verbs": part.verbs,
                "responseKind": {"group": group, "version": version, "kind": part.kind},
            })
        });
        resource["subresources"] = parts.collect();
    }
    resource
}

/// Discovery of one version.
fn resources(core: &Core, group: &str, version: &str) -> Value {
    let mut all = Vec::new();
    for known in core.kinds.all().iter().filter(|known| known.group == group && known.version == version) {
        let mut resource = json!({
            "name": known.plural, "singularName": known.singular, "namespaced": known.namespaced, "kind": known.kind, "verbs": known.verbs,
        });
        if !known.short_names.is_empty() {
            resource["shortNames"] = json!(known.short_names);
        }
        if !known.categories.is_empty() {
            resource["categories"] = json!(known.categories);
        }
        all.push(resource);
        for part in known.parts {
            let mut resource = json!({
                "name": format!("{}/{}", known.plural, part.name), "singularName": "", "namespaced": known.namespaced,
                "kind": part.kind, "verbs": part.verbs,
            });
            if (part.group, part.version) != (known.group, known.version) {
                resource["group"] = part.group.into();
                resource["version"] = part.version.into();
            }
            all.push(resource);
        }
    }
    let name = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name, "resources": all})
}

/// The documents of the release, from the folder that the server was given.
fn openapi(core: &Core, rest: &[&str]) -> Result<Said, Failure> {
    let folder = core.openapi.as_ref().ok_or_else(|| {
        Failure::gap(
            "OpenAPI documents without a folder of them: say which one with `ServerBuilder::openapi`",
        )
    })?;
    let name = |path: &str| format!("{}.json", path.replace('/', "__"));
    if rest.is_empty() {
        let mut paths = serde_json::Map::new();
        let mut add = |path: String| {
            if folder.join(name(&path)).is_file() {
                let url = format!("/openapi/v3/{path}?hash=0");
                paths.insert(path, json!({"serverRelativeURL": url}));
            }
        };
        add("api/v1".to_owned());
        for group in group_names(core) {
            for version in versions(core, group) {
                add(format!("apis/{group}/{version}"));
            }
        }
        return Ok(Said::json(&json!({"paths": paths})));
    }
    let path = rest.join("/");
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '/' | '-');
    if !path.chars().all(plain) || path.contains("..") {
        return Err(Failure::no_such_path());
    }
    let text = std::fs::read(folder.join(name(&path))).map_err(|_| Failure::no_such_path())?;
    Ok(Said::bytes(StatusCode::OK, "application/json", text))
}
