//! What a path below `/api` or `/apis` means.

use super::failure::Failure;
use super::kinds::{Kinds, Known};

/// A place in the API.
#[derive(Debug)]
pub(crate) struct Route<'k> {
    pub(crate) kind: &'k Known,
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// The subresource.
    pub(crate) part: String,
    /// The old way to ask for a watch.
    pub(crate) watch: bool,
}

impl<'k> Route<'k> {
    /// Reads the segments after group and version.
    pub(crate) fn parse(
        kinds: &'k Kinds,
        group: &str,
        version: &str,
        rest: &[String],
    ) -> Result<Route<'k>, Failure> {
        let mut rest: Vec<&str> = rest.iter().map(String::as_str).collect();
        let watch = rest.first() == Some(&"watch");
        if watch {
            rest.remove(0);
        }
        let (namespace, rest) = match rest.as_slice() {
            // Parts of a namespace itself.
            ["namespaces", _, "status" | "finalize"] | ["namespaces", _] | ["namespaces"]
                if group.is_empty() =>
            {
                ("", rest.as_slice())
            }
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (*namespace, rest),
            rest => ("", rest),
        };
        let (plural, rest) = rest.split_first().ok_or_else(Failure::no_such_resource)?;
        let kind = kinds.at(group, version, plural).ok_or_else(Failure::no_such_resource)?;
        // All namespaces at once can be listed and watched.
        let everywhere = kind.namespaced && namespace.is_empty();
        if everywhere && !rest.is_empty() || !kind.namespaced && !namespace.is_empty() {
            return Err(Failure::no_such_resource());
        }
        let (name, part, behind) = match rest {
            [] => ("", "", &[][..]),
            [name] => (*name, "", &[][..]),
            [name, part, behind @ ..] => (*name, *part, behind),
        };
        if !part.is_empty() && kind.part(part).is_none() {
            return Err(Failure::no_such_resource());
        }
        if !behind.is_empty() && part != "proxy" {
            return Err(Failure::no_such_resource());
        }
        match name {
            "" if !part.is_empty() => return Err(Failure::bad_request("name must be provided")),
            "" if !rest.is_empty() => return Err(Failure::no_such_resource()),
            "." | ".." => return Err(Failure::bad_name(name, &format!("may not be '{name}'"))),
            name if name.contains('%') => return Err(Failure::bad_name(name, "may not contain '%'")),
            _ => {}
        }
        Ok(Route {
            kind,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            part: part.to_owned(),
            watch,
        })
    }
}
