//! Every operation in the pinned documents is built by a generated function, with the same method, path, query, body
//! and answer; and no function builds anything else.

use std::collections::{BTreeMap, BTreeSet};

use k8s_api::operation::{Retry, Verb};
use k8s_tests::calls::{self, Built, NAME};
use serde_json::Value;

/// Parameters of the documents that no request sends: the action, the end of the path, and why.
const UNSENT: [(&str, &str, &str); 4] = [
    // The server refuses it for everything but a watch.
    ("deletecollection", "", "sendInitialEvents"),
    // The documents give them to every list; this one can't be watched.
    ("list", "/componentstatuses", "allowWatchBookmarks"),
    ("list", "/componentstatuses", "sendInitialEvents"),
    ("list", "/componentstatuses", "watch"),
];

/// The documents say that these answer with what was sent; the server answers with a `Status`.
const ANSWERED_WITH_STATUS: [&str; 3] = ["/bindings", "/{name}/binding", "/{name}/eviction"];

/// What the requests do not write.
const CBOR: &str = "application/apply-patch+cbor";

/// `io.k8s.api.core.v1.Pod` is `core.v1.Pod`.
fn model(schema: &str) -> String {
    match schema {
        "io.k8s.apimachinery.pkg.version.Info" => "meta.v1.VersionInfo".to_owned(),
        _ => {
            schema.rsplitn(4, '.').take(3).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join(".")
        }
    }
}

/// The documents, as far as this test needs them.
struct Documents {
    /// File, path, method, operation.
    operations: Vec<(String, String, String, Value)>,
    schemas: BTreeMap<String, Value>,
    /// The schema of a group, version and kind.
    kinds: BTreeMap<(String, String, String), String>,
}

fn documents() -> Documents {
    let specs = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../specs"));
    let pin = std::fs::read_to_string(specs.join("pin.toml")).unwrap();
    let files = pin.lines().filter_map(|line| line.strip_prefix("[files.\"")?.strip_suffix("\"]"));
    let mut documents =
        Documents { operations: Vec::new(), schemas: BTreeMap::new(), kinds: BTreeMap::new() };
    for file in files.filter(|file| file.contains("openapi")) {
        let text = std::fs::read_to_string(specs.join(file)).unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in
                item.as_object().unwrap().iter().filter(|(name, _)| *name != "parameters")
            {
                let mut operation = operation.clone();
                let shared = item["parameters"].as_array().cloned().unwrap_or_default();
                let own = operation["parameters"].as_array().cloned().unwrap_or_default();
                operation["parameters"] = Value::Array([shared, own].concat());
                documents.operations.push((file.to_owned(), path.clone(), method.clone(), operation));
            }
        }
        for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
            documents.schemas.insert(name.clone(), schema.clone());
            if let Some([gvk]) = schema["x-kubernetes-group-version-kind"].as_array().map(Vec::as_slice) {
                documents.kinds.insert(triple(gvk), name.clone());
            }
        }
    }
    documents
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn triple(gvk: &Value) -> (String, String, String) {
    (text(&gvk["group"]), text(&gvk["version"]), text(&gvk["kind"]))
}

/// The one schema of a body or an answer, or nothing where it is no type.
fn schema(holder: &Value) -> Option<String> {
    let contents = holder["content"].as_object()?;
    let names: BTreeSet<_> = contents.values().map(|content| content["schema"]["$ref"].as_str()).collect();
    assert_eq!(names.len(), 1, "{holder}");
    Some(names.first()?.as_ref()?.trim_start_matches("#/components/schemas/").to_owned())
}

#[test]
fn every_operation_of_the_documents_is_built_and_nothing_else() {
    let documents = documents();
    let seen = calls::every();
    let mut used = vec![false; seen.len()];

    let mut wrong = Vec::new();
    let mut deprecated = 0;
    for (file, path, method, operation) in &documents.operations {
        deprecated += usize::from(path.contains("/watch/"));
        if let Err(what) = check(&documents, &seen, &mut used, path, method, operation) {
            wrong.push(format!("{file}: {} {path}: {what}", method.to_uppercase()));
        }
    }
    let total = documents.operations.len();
    println!(
        "{} of {total} operations, {deprecated} of them deprecated ones that are `watch=true` now",
        total - wrong.len()
    );
    let unused = seen.iter().zip(used).filter(|(_, used)| !used);
    wrong.extend(
        unused.map(|(built, _)| format!("no document has {} {}?{}", built.method, built.path, built.query)),
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(total >= 1207 && deprecated >= 231, "documents are missing: {total}, {deprecated}");
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, wanted: T, built: T) -> Result<(), String> {
    if wanted == built { Ok(()) } else { Err(format!("{what}: documented {wanted:?}, built {built:?}")) }
}

fn check(
    documents: &Documents,
    seen: &[Built],
    used: &mut [bool],
    path: &str,
    method: &str,
    operation: &Value,
) -> Result<(), String> {
    let action = text(&operation["x-kubernetes-action"]);
    // A deprecated path is a list with `watch=true`, and that of one object narrowed to its name.
    let (watch, narrowed) = (path.contains("/watch/"), action == "watch");
    let plain = path.replacen("/watch/", "/", 1);
    let plain = if narrowed { plain.trim_end_matches("/{name}") } else { &plain };
    let narrowing = |built: &Built| built.query.contains("fieldSelector=");
    let at = |built: &&Built| built.path == plain && built.method == method;
    let options: BTreeSet<&str> =
        seen.iter().filter(at).flat_map(|built| built.options.iter().copied()).collect();
    let mut built: Vec<&Built> = Vec::new();
    for (one, used) in seen.iter().zip(used) {
        if at(&one) && (one.op.verb == Verb::Watch) == watch && narrowing(one) == narrowed {
            built.push(one);
            *used = true;
        }
    }
    if built.is_empty() {
        return Err("no function builds it".to_owned());
    }

    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let wanted: BTreeSet<&str> = parameters
        .filter(|parameter| parameter["in"] == "query")
        .filter_map(|parameter| parameter["name"].as_str())
        .filter(|name| {
            !UNSENT.iter().any(|(of, end, unsent)| *of == action && path.ends_with(end) && unsent == name)
        })
        .collect();
    let (body, answer) = (schema(&operation["requestBody"]), schema(&operation["responses"]["200"]));
    let answer = answer.or_else(|| schema(&operation["responses"]["201"]));
    // Preconditions fit only into the body.
    let in_body = |name: &&&str| {
        **name == "preconditions" && body.as_deref().is_some_and(|b| b.ends_with("DeleteOptions"))
    };
    same("parameters", wanted, options.iter().filter(|name| !in_body(name)).copied().collect())?;

    let types: BTreeSet<String> = operation["requestBody"]["content"]
        .as_object()
        .into_iter()
        .flat_map(|contents| contents.keys())
        .filter(|type_| *type_ != CBOR)
        .map(|type_| if type_ == "*/*" { "application/json".to_owned() } else { type_.clone() })
        .collect();
    same("content types", types, built.iter().filter_map(|built| built.content_type.clone()).collect())?;

    let gvk = &operation["x-kubernetes-group-version-kind"];
    for built in &built {
        if watch {
            let named = format!("fieldSelector=metadata.name%3D{NAME}");
            same("watch=true", true, built.query.contains("watch=true"))?;
            same("the name", narrowed, built.query.contains(&named))?;
        }
        check_body(documents, body.as_deref(), built)?;
        check_operation(&action, plain, built)?;
        let kind = || model(documents.kinds.get(&triple(gvk)).map(String::as_str).unwrap_or_default());
        let wanted = match (action.as_str(), &answer) {
            ("watch" | "watchlist", _) => format!("Events<{}>", kind()),
            ("list", _) => format!("List<{}>", kind()),
            ("delete", _) => format!("Deleted<{}>", kind()),
            ("deletecollection", _) => format!("Deleted<List<{}>>", kind()),
            ("post", _) if ANSWERED_WITH_STATUS.iter().any(|end| path.ends_with(end)) => {
                "meta.v1.Status".to_owned()
            }
            (_, Some(schema)) => model(schema),
            // What is open in the documents.
            ("", None) => "RawJson".to_owned(),
            ("get", None) if built.query.contains("follow=true") => "Following".to_owned(),
            (_, None) if path.contains("/proxy") || path.ends_with("/log") => "Bytes".to_owned(),
            (_, None) => "Upgraded".to_owned(),
        };
        same("answer", wanted, built.answer.clone())?;
        // A list of what it says it is.
        if action == "list" {
            same("list", answer.as_deref().map(model), Some(kind() + "List"))?;
        }
    }
    Ok(())
}

/// What is sent is of the type that the documents name.
fn check_body(documents: &Documents, schema: Option<&str>, built: &Built) -> Result<(), String> {
    let (Some(name), Some(body)) = (schema, &built.body) else {
        return same("body", schema.is_some(), built.body.is_some());
    };
    if built.op.verb == Verb::Patch && built.content_type.as_deref() != Some("application/apply-patch+yaml") {
        return Ok(());
    }
    let schema = &documents.schemas[name];
    if name.ends_with(".DeleteOptions") {
        let unknown =
            body.as_object().unwrap().keys().find(|key| schema["properties"].get(key.as_str()).is_none());
        return same("DeleteOptions", None, unknown);
    }
    // An apply holds the type that comes back; the documents call every patch a Patch.
    let gvk = match built.op.verb {
        Verb::Patch => {
            let name = documents.kinds.values().find(|name| model(name) == built.answer);
            &documents.schemas[name.unwrap()]["x-kubernetes-group-version-kind"][0]
        }
        _ => &schema["x-kubernetes-group-version-kind"][0],
    };
    let (group, version, kind) = triple(gvk);
    let api_version = if group.is_empty() { version } else { format!("{group}/{version}") };
    same("body", (api_version, kind), (text(&body["apiVersion"]), text(&body["kind"])))
}

/// What the layers and roles go by.
fn check_operation(action: &str, path: &str, built: &Built) -> Result<(), String> {
    let op = &*built.op;
    let verb = match (action, built.method.as_str()) {
        ("post", _) => Verb::Create,
        ("put", _) => Verb::Update,
        ("patch", _) => Verb::Patch,
        ("delete", _) => Verb::Delete,
        ("deletecollection", _) => Verb::DeleteCollection,
        ("list", _) => Verb::List,
        ("watch" | "watchlist", _) => Verb::Watch,
        ("connect", method) if path.contains("/proxy") => match method {
            "post" => Verb::Create,
            "put" => Verb::Update,
            "patch" => Verb::Patch,
            "delete" => Verb::Delete,
            _ => Verb::Get,
        },
        ("connect", _) => Verb::Connect,
        _ => Verb::Get,
    };
    same("verb", verb, op.verb)?;
    let retry = match (verb, &*op.subresource) {
        (Verb::Get, "log") if built.query.contains("follow") => Retry::Never,
        (Verb::Get | Verb::List, _) => Retry::Read,
        (Verb::Watch | Verb::Connect, _) | (_, "proxy") => Retry::Never,
        (_, "eviction") => Retry::Answered,
        _ => Retry::Write,
    };
    same("retry", retry, op.retry)?;
    if action.is_empty() {
        return Ok(());
    }
    let parts: Vec<&str> = path.trim_start_matches("/apis/").trim_start_matches("/api/").split('/').collect();
    let parts = if path.starts_with("/api/") { [&[""], &parts[..]].concat() } else { parts };
    same("group and version", &parts[..2], &[&*op.group, &*op.version])?;
    let rest = match &parts[2..] {
        ["namespaces", "{namespace}", rest @ ..] => rest,
        rest => rest,
    };
    same("resource", rest[0], &*op.resource)?;
    same("subresource", rest.get(2).copied().unwrap_or_default(), &*op.subresource)
}

/// Otherwise a function that nobody calls here could build anything.
#[test]
fn every_generated_function_is_called() {
    let calls = include_str!("generated/calls.rs");
    let root = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../k8s-api/src/generated"));
    let folders = |dir: &std::path::Path| -> Vec<std::path::PathBuf> {
        let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.is_dir()).collect()
    };
    let name = |path: &std::path::Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let (mut count, mut missing) = (0, Vec::new());
    for dir in folders(root).iter().flat_map(|group| folders(group)) {
        let Ok(source) = std::fs::read_to_string(dir.join("api.rs")) else { continue };
        let version = format!("{}_{}", name(dir.parent().unwrap()), name(&dir));
        let (_, called) = calls.split_once(&format!("\nfn {version}(")).expect(&version);
        let called = called.split("\n}\n").next().unwrap();
        let mut module = String::new();
        for line in source.lines() {
            if let Some(start) = line.strip_prefix("pub mod ") {
                module = start.replace(" {", "::");
            } else if let Some(start) = line.trim_start().strip_prefix("pub fn ") {
                let function = start.split(['(', '<']).next().unwrap();
                let call = format!("seen.add({module}{function}(");
                count += 1;
                missing.extend((!called.contains(&call)).then(|| format!("{version}: {call}..)")));
            }
        }
    }
    println!("{count} generated functions");
    assert!(missing.is_empty() && count > 1000, "{count}, not called: {missing:#?}");
}
