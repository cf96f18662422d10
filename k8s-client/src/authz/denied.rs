//! What a 403 of the server's authorisation says, which it says in a sentence only.

use k8s_api::operation::Operation;

use super::Permission;
use crate::error::Status;

/// A permission that is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Denied {
    /// Who asked, as the server knows them; empty where it doesn't say.
    pub user: String,
    /// What they may not do. It need not be what was asked for: an apply takes `create` too, and to ask as somebody else
    /// takes `impersonate`.
    pub permission: Permission,
}

impl Denied {
    /// `User "ann" cannot get resource "pods/log" in API group "" in the namespace "web"`, or ending in `at the cluster scope`;
    /// `User "ann" cannot get path "/metrics"`. `None` for any other sentence: the refusal is an admission's, or an
    /// authoriser's with words of its own.
    pub(crate) fn read(status: &Status) -> Option<Denied> {
        // An object's name may hold no quotation mark, so the first of these is the server's.
        let (_, text) = status.message.split_once("User \"")?;
        let (user, text) = quoted(text)?;
        let (verb, text) = text.strip_prefix(" cannot ")?.split_once(' ')?;
        let (what, text) = text.split_once(" \"")?;
        let (value, text) = quoted(text)?;
        let mut permission = match what {
            "path" => Permission::new(verb, "").at_path(value),
            "resource" => {
                let (resource, subresource) = value.split_once('/').unwrap_or((&value, ""));
                let (group, text) = quoted(text.strip_prefix(" in API group \"")?)?;
                let namespace = text.strip_prefix(" in the namespace \"").and_then(quoted);
                Permission {
                    verb: verb.to_owned(),
                    group,
                    resource: resource.to_owned(),
                    subresource: subresource.to_owned(),
                    namespace: namespace.map(|(namespace, _)| namespace).unwrap_or_default(),
                    ..Permission::default()
                }
            }
            _ => return None,
        };
        if !permission.resource.is_empty() {
            permission.name = status.name.clone();
        }
        Some(Denied { user, permission })
    }
}

impl Denied {
    /// Since Kubernetes 1.35 a stream that begins with a GET is refused without a word when `create` is missing.
    pub(crate) fn stream(status: &Status, op: &Operation, path: &str) -> Option<Denied> {
        let silent = status.message.trim_end().ends_with("is forbidden:");
        if !silent || !matches!(&*op.subresource, "exec" | "attach" | "portforward") {
            return None;
        }
        let path = path.split('?').next().unwrap_or_default();
        let permission = Permission { verb: "create".to_owned(), ..Permission::at(op, path) };
        Some(Denied { user: String::new(), permission })
    }
}

impl Permission {
    fn at_path(mut self, path: String) -> Permission {
        self.path = path;
        self
    }
}

/// The rest of what Go writes with `%q`, and what comes after it. The server makes `<`, `>` and `&` harmless for HTML too.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                let value = value.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
                return Some((value, text.get(at + 1..)?));
            }
            '\\' => value.push(chars.next()?.1),
            c => value.push(c),
        }
    }
    None
}
