//! A module of functions for each resource, and what its kind offers.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Context as _, Result};

use crate::HEADER;
use crate::features::Features;
use crate::ir::Path;
use crate::operations::{ANSWERED_WITH_STATUS, Api, Call, OPEN, Offer, Place, Verb};

/// A subresource, its marker in `k8s_api::request::subresource`, and what its functions are called after.
const SUBRESOURCES: [(&str, &str, &str); 9] = [
    ("approval", "Approval", "approval"),
    ("binding", "Binding", "binding"),
    ("ephemeralcontainers", "EphemeralContainers", "ephemeral_containers"),
    ("eviction", "Eviction", "eviction"),
    ("finalize", "Finalize", "finalize"),
    ("resize", "Resize", "resize"),
    ("scale", "Scale", "scale"),
    ("status", "Status", "status"),
    ("token", "Token", "token"),
];

/// What a subresource that is not read is called by its one verb.
const ACTIONS: [(&str, &str); 4] =
    [("binding", "bind"), ("eviction", "evict"), ("finalize", "finalize"), ("token", "create_token")];

pub(crate) fn emit(api: &Api, root: &str, features: Option<&Features>) -> Result<String> {
    let mut out = format!("{HEADER}\n");
    if api.index {
        writeln!(
            out,
            "\nuse {root}::meta::v1::APIResourceList;\n\n/// What there is here, as the server tells it: `GET {}`\n\
             #[inline]\npub fn resources() -> {root}::request::server::Fetch<APIResourceList> {{\n    \
             {root}::request::server::resources({:?}, {:?})\n}}",
            index(api),
            api.group,
            api.version
        )?;
    }
    for (plural, offer) in &api.resources {
        resource(plural, offer, root, features, &mut out)?;
    }
    Ok(out)
}

fn index(api: &Api) -> String {
    match api.group.as_str() {
        "" => format!("/api/{}/", api.version),
        group => format!("/apis/{group}/{}/", api.version),
    }
}

fn resource(
    plural: &str,
    offer: &Offer,
    root: &str,
    features: Option<&Features>,
    out: &mut String,
) -> Result<()> {
    let kind = &offer.kind;
    let name = &kind.name;
    writeln!(out, "\npub mod {plural} {{\n    //! What can be asked of [`{name}`].\n")?;
    writeln!(out, "    use {root}::request::*;\n    use super::super::{name};")?;
    offers(plural, offer, root, features, out)?;
    for (call, places) in &offer.calls {
        for function in functions(offer, call, places)? {
            let doc = function.doc.replace('\n', "\n    /// ");
            writeln!(out, "\n    /// {doc}")?;
            if let Some(feature) = foreign(&call.object, kind, features) {
                writeln!(out, "    #[cfg(feature = {feature:?})]")?;
            }
            let lifetimes = function.lifetimes;
            let object = |text: &str| text.replace("$OBJECT", &type_(&call.object, kind, root));
            writeln!(
                out,
                "    #[inline]\n    pub fn {}{lifetimes}({}) -> {} {{\n        {}\n    }}",
                function.name,
                object(&function.arguments),
                function.returns,
                function.body
            )?;
        }
    }
    writeln!(out, "}}")?;
    Ok(())
}

/// The feature of a type's group, where the group of the kind does not bring it.
fn foreign<'a>(object: &'a Path, kind: &Path, features: Option<&Features>) -> Option<&'a str> {
    let brought = features?.brings(&kind.group, &object.group);
    (!brought).then_some(object.group.as_str())
}

fn type_(object: &Path, kind: &Path, root: &str) -> String {
    if object == kind {
        object.name.clone()
    } else if (&object.group, &object.version) == (&kind.group, &kind.version) {
        format!("super::super::{}", object.name)
    } else {
        format!("{root}::{}::{}::{}", object.group, object.version, object.name)
    }
}

/// One line for the objects, and one for each subresource.
fn offers(
    plural: &str,
    offer: &Offer,
    root: &str,
    features: Option<&Features>,
    out: &mut String,
) -> Result<()> {
    let kind = &offer.kind;
    writeln!(out)?;
    let subresources: BTreeSet<&str> = offer.calls.keys().map(|call| call.subresource.as_str()).collect();
    for subresource in subresources {
        let calls = || offer.calls.keys().filter(|call| call.subresource == subresource);
        let object = calls().next().map(|call| &call.object).context("a subresource without a call")?;
        if let Some(feature) = foreign(object, kind, features) {
            writeln!(out, "    #[cfg(feature = {feature:?})]")?;
        }
        let marker = match subresource {
            "" => String::new(),
            _ => match OPEN.iter().find(|(open, _)| *open == subresource) {
                Some((_, request)) => {
                    writeln!(out, "    {root}::offers! {{ {}, {request} }}", kind.name)?;
                    continue;
                }
                None => format!(", {}({})", marker(subresource)?.0, type_(object, kind, root)),
            },
        };
        let verbs: BTreeSet<(Verb, &str)> =
            calls().map(|call| (call.verb, verb(call.verb, plural, subresource))).collect();
        let verbs: Vec<&str> = verbs.into_iter().map(|(_, verb)| verb).collect();
        writeln!(out, "    {root}::offers! {{ {}{marker}: {} }}", kind.name, verbs.join(", "))?;
    }
    Ok(())
}

fn marker(subresource: &str) -> Result<(&'static str, &'static str)> {
    SUBRESOURCES
        .iter()
        .find(|(known, ..)| *known == subresource)
        .map(|(_, marker, name)| (*marker, *name))
        .with_context(|| format!("the subresource `{subresource}` has no marker; name it in emit/api.rs"))
}

fn verb(verb: Verb, plural: &str, subresource: &str) -> &'static str {
    match verb {
        Verb::Get => "get",
        Verb::List => "list",
        Verb::Watch => "watch",
        // A refusal with 429 is an answer to an eviction.
        Verb::Create if subresource == "eviction" => "ask: Status",
        Verb::Create if ANSWERED_WITH_STATUS.contains(&(plural, subresource)) => "create: Status",
        Verb::Create => "create",
        Verb::Replace => "replace",
        Verb::Patch => "patch",
        Verb::Delete => "delete",
        Verb::DeleteCollection => "delete_collection",
        Verb::Connect => "connect",
    }
}

/// One function: its parts as they are written, and how a test calls it.
pub(super) struct Function {
    pub(super) name: String,
    doc: String,
    lifetimes: &'static str,
    arguments: String,
    returns: String,
    body: String,
    /// The values of its arguments after those of the place, and what is chained, for each request that it stands for.
    pub(super) samples: Vec<(String, String)>,
}

/// Makes a function by its name, its type, the arguments after the place, how they are passed on, and samples.
type Plain<'a> = dyn Fn(String, &str, &[&str], &str, &[(&str, &str)]) -> Function + 'a;

/// The functions for a call: two for a patch, which may be an apply.
pub(super) fn functions(offer: &Offer, call: &Call, places: &[Place]) -> Result<Vec<Function>> {
    let kind = &offer.kind.name;
    let mut doc: Vec<String> = Vec::new();
    for place in places {
        let path = if call.verb == Verb::Watch {
            format!("{}?watch=true", place.path.replacen("/watch/", "/", 1))
        } else {
            place.path.clone()
        };
        // One line for a path, whatever the methods.
        match doc.iter_mut().find(|line| line.ends_with(&format!(" {path}`"))) {
            Some(line) => *line = line.replacen('`', &format!("`{}|", place.method), 1),
            None => doc.push(format!("`{} {path}`", place.method)),
        }
    }
    let doc = doc.join(", ");
    let doc = match (call.verb, call.subresource.as_str()) {
        (Verb::List, _) if call.everywhere => format!("In all namespaces: {doc}"),
        (Verb::Watch, _) if call.everywhere => format!("In all namespaces: {doc}"),
        _ => doc,
    };
    let place = match (call.everywhere, offer.namespaced) {
        (true, _) => "Everywhere",
        (_, true) => "Place::namespace(namespace)",
        _ => "Place::cluster()",
    };
    let namespace = if offer.namespaced && !call.everywhere { "namespace: &str" } else { "" };
    let arguments = |rest: &[&str]| {
        let all: Vec<&str> =
            [namespace].iter().chain(rest).copied().filter(|part| !part.is_empty()).collect();
        all.join(", ")
    };
    let (part, suffix) = match call.subresource.as_str() {
        "" => (String::new(), String::new()),
        open if OPEN.iter().any(|(known, _)| *known == open) => Default::default(),
        subresource => {
            let (marker, name) = marker(subresource)?;
            (format!(", subresource::{marker}"), format!("_{name}"))
        }
    };
    let itself = part.is_empty();
    let action =
        ACTIONS.iter().find(|(known, _)| *known == call.subresource).map(|(_, name)| (*name).to_owned());
    let name = |verb: &str| action.clone().unwrap_or_else(|| format!("{verb}{suffix}"));
    let all = if call.everywhere { "_all" } else { "" };
    // A request whose body is borrowed, from a function with the name of the object where the object does not have it.
    let borrowed = |verb: &str, type_: &str, named: bool, more: &[&str], passed: &str, sample: &str| {
        let (constructor, by_name) = if itself { ("new", named) } else { ("on", true) };
        let by_name = by_name && !itself;
        let mut rest = if by_name { vec!["name: &str"] } else { Vec::new() };
        rest.push("object: &'a $OBJECT");
        rest.extend(more);
        let mut samples = if by_name { "NAME, ".to_owned() } else { String::new() };
        samples.push_str(if itself { "&the()" } else { "&Default::default()" });
        samples.push_str(sample);
        Function {
            name: name(verb),
            doc: doc.clone(),
            lifetimes: "<'a>",
            arguments: arguments(&rest),
            returns: format!("{type_}<'a, {kind}{part}>"),
            body: format!(
                "{type_}::{constructor}({place}{}, object{passed})",
                if by_name { ", name" } else { "" }
            ),
            samples: vec![(samples, String::new())],
        }
    };
    let plain = |name: String, type_: &str, rest: &[&str], passed: &str, samples: &[(&str, &str)]| Function {
        name,
        doc: doc.clone(),
        lifetimes: "",
        arguments: arguments(rest),
        returns: format!("{type_}<{kind}{part}>"),
        body: format!("{type_}::new({place}{passed})"),
        samples: samples.iter().map(|(values, chain)| ((*values).to_owned(), (*chain).to_owned())).collect(),
    };
    let named = ["name: &str"];
    Ok(match call.verb {
        Verb::Get => vec![plain(name("get"), "Get", &named, ", name", &[("NAME", "")])],
        Verb::List => vec![plain(format!("list{all}"), "List", &[], "", &[("", "")])],
        Verb::Watch => {
            let one = [("", ""), ("", ".only(NAME)")];
            let samples = if call.everywhere { &one[..1] } else { &one[..] };
            vec![plain(format!("watch{all}"), "Watch", &[], "", samples)]
        }
        Verb::Create => vec![borrowed("create", "Create", false, &[], "", "")],
        Verb::Replace => vec![borrowed("replace", "Replace", true, &[], "", "")],
        Verb::Patch => vec![
            plain(
                name("patch"),
                "Patch",
                &["name: &str", "document: &PatchDocument"],
                ", name, document",
                &[("NAME, &json()", ""), ("NAME, &merge()", ""), ("NAME, &strategic()", "")],
            ),
            borrowed("apply", "Apply", true, &["manager: &str"], ", manager", ", \"manager\""),
        ],
        Verb::Delete => {
            vec![plain("delete".into(), "Delete", &named, ", name", &[("NAME", ".grace_period(1)")])]
        }
        Verb::DeleteCollection => {
            vec![plain("delete_collection".into(), "DeleteCollection", &[], "", &[("", ".grace_period(1)")])]
        }
        Verb::Connect => vec![connection(call, places, &plain)],
    })
}

fn connection(call: &Call, places: &[Place], plain: &Plain<'_>) -> Function {
    let both = [("", ""), ("", ".post()")];
    match call.subresource.as_str() {
        "log" => {
            plain("log".into(), "Log", &["name: &str"], ", name", &[("NAME", ""), ("NAME", ".follow()")])
        }
        "exec" => {
            let mut function = plain(
                "exec".into(),
                "Exec",
                &["name: &str", "command: impl IntoIterator<Item = &'c str>"],
                ", name, command",
                &both.map(|(_, chain)| ("NAME, [\"true\"]", chain)),
            );
            function.lifetimes = "<'c>";
            function
        }
        "attach" => plain(
            "attach".into(),
            "Attach",
            &["name: &str"],
            ", name",
            &both.map(|(_, chain)| ("NAME", chain)),
        ),
        "portforward" => plain(
            "port_forward".into(),
            "PortForward",
            &["name: &str", "ports: impl IntoIterator<Item = u16>"],
            ", name, ports",
            &both.map(|(_, chain)| ("NAME, [80]", chain)),
        ),
        _ => {
            let mut function =
                plain("proxy".into(), "Proxy", &["name: &str", "method: Method"], ", name, method", &[]);
            for place in places {
                let chain = if place.path.ends_with("{path}") { ".path(PATH)" } else { "" };
                function
                    .samples
                    .push((format!("NAME, k8s_api::request::Method::{}", place.method), chain.to_owned()));
            }
            function
        }
    }
}
