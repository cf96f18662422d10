//! What a person reads of a refusal: one line, in which the server's own words are kept and what they leave open is said.

use std::fmt::Write as _;

use http::StatusCode;
use k8s_api::operation::Verb;

use super::{Missing, Request, Status};
use crate::authz::Denied;
use crate::config::Origin;

const GENERIC: &str = "the server rejected our request due to an error in our request";

/// Causes after these are only counted.
const CAUSES: usize = 20;

/// What the server answered, taken apart.
pub(super) struct Refusal<'a> {
    pub(super) request: &'a Request,
    pub(super) code: StatusCode,
    pub(super) status: Option<&'a Status>,
    /// The beginning of an answer that is no `Status`.
    pub(super) page: &'a str,
    pub(super) missing: Option<Missing>,
    pub(super) denied: Option<&'a Denied>,
    pub(super) wait: Option<std::time::Duration>,
    pub(super) origin: &'a Origin,
}

impl Refusal<'_> {
    pub(super) fn line(&self) -> String {
        let mut line = self.code.to_string();
        let said = self.said();
        // `401 Unauthorized: Unauthorized`
        if !said.is_empty() && self.code.canonical_reason() != Some(&said) {
            let _ = write!(line, ": {said}");
        }
        if let Some(advice) = self.advice() {
            let _ = write!(line, "; {advice}");
        }
        if let Some(wait) = self.wait {
            let _ = write!(line, "; the server asks to wait {wait:?}");
        }
        line
    }

    fn said(&self) -> String {
        let Some(status) = self.status else { return one_line(self.page) };
        let conflicts = conflicts(status);
        if !conflicts.is_empty() {
            return format!("other managers own fields that were to be applied: {}", conflicts.join("; "));
        }
        let mut said = one_line(&status.message);
        // What the sentence leaves out, as it does behind a long list.
        let missing = |text: &str| !text.is_empty() && !said.contains(text);
        let mut more = Vec::new();
        for cause in &status.causes {
            let message = one_line(&cause.message);
            match (missing(&cause.field), missing(&message)) {
                (false, false) => {}
                _ if cause.field.is_empty() => more.push(message),
                _ => more.push(format!("{}: {message}", cause.field)),
            }
        }
        if more.len() > CAUSES {
            let rest = more.len() - CAUSES;
            more.truncate(CAUSES);
            more.push(format!("and {rest} more"));
        }
        if !more.is_empty() {
            let _ = write!(said, "{}{}", if said.is_empty() { "" } else { "; " }, more.join("; "));
        }
        said
    }

    fn advice(&self) -> Option<String> {
        let Request { op, path, .. } = self.request;
        if let Some(Denied { permission, .. }) = self.denied {
            return Some(format!("a rule that allows it, {}", permission.rule()));
        }
        if self.missing == Some(Missing::Resource) {
            let path = path.split('?').next().unwrap_or_default();
            if op.version.is_empty() {
                return Some(format!("the server has no such path as {path}"));
            }
            let group = if op.group.is_empty() { "" } else { "/" };
            let part = if op.subresource.is_empty() { "" } else { "/" };
            return Some(format!(
                "the server has no {}{part}{} in {}{group}{}: this API or its CustomResourceDefinition is not installed, or not in this version",
                op.resource, op.subresource, op.group, op.version
            ));
        }
        match self.code {
            StatusCode::UNAUTHORIZED => {
                Some(self.origin.credential.to_string()).filter(|text| !text.is_empty())
            }
            StatusCode::CONFLICT
                if self.status.is_some_and(|status| super::managers(status).next().is_some()) =>
            {
                Some("leave them out, or take them over with `force`".to_owned())
            }
            StatusCode::BAD_REQUEST if self.page.contains("HTTP request to an HTTPS server") => {
                Some(self.elsewhere("the address has to begin with https://"))
            }
            // All that the server says of a JSON patch that it can't apply.
            StatusCode::UNPROCESSABLE_ENTITY
                if op.verb == Verb::Patch && self.status.is_some_and(|status| status.message == GENERIC) =>
            {
                Some("a `test` or a path of the patch does not fit the object".to_owned())
            }
            // What is reached through the server answers as it likes.
            _ if &*op.subresource == "proxy" => None,
            code if code.is_redirection() => {
                Some(self.elsewhere("a redirect is not followed, since it leads to another server"))
            }
            StatusCode::NOT_FOUND if self.status.is_none() => {
                Some(self.elsewhere("no API server answers like this"))
            }
            _ => None,
        }
    }

    fn elsewhere(&self, what: &str) -> String {
        match &*self.origin.cluster {
            "" => what.to_owned(),
            cluster => format!("{what}; its address is from {cluster}"),
        }
    }
}

/// `kubectl has .data.a, .data.b`: the managers that own fields which were to be applied.
fn conflicts(status: &Status) -> Vec<String> {
    let mut managers: Vec<(&str, Vec<&str>)> = Vec::new();
    for (manager, field) in super::managers(status) {
        match managers.iter_mut().find(|(known, _)| *known == manager) {
            Some((_, fields)) => fields.push(field),
            None => managers.push((manager, vec![field])),
        }
    }
    // The server names them in any order.
    managers.sort();
    managers.iter().map(|(manager, fields)| format!("{manager} has {}", fields.join(", "))).collect()
}

/// Without line breaks, and without what could change how a terminal shows it.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}
