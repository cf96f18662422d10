//! What the server refuses, as a `Status` in the words of the real one.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::kinds::Known;

/// An answer that is no success.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) code: u16,
    reason: &'static str,
    message: String,
    details: Value,
    /// `metadata.continue`: how a list goes on whose state is gone.
    continue_: Option<String>,
    /// In place of a `Status`, as the real server answers what it has no handler for.
    pub(crate) plain: bool,
}

/// What is wrong with one field.
#[derive(Clone, Debug)]
pub(crate) struct Cause {
    reason: &'static str,
    field: String,
    message: String,
}

impl Cause {
    pub(crate) fn required(field: impl Into<String>, detail: &str) -> Cause {
        Cause::new("FieldValueRequired", field, "Required value", detail)
    }

    pub(crate) fn invalid(field: impl Into<String>, value: &Value, detail: impl AsRef<str>) -> Cause {
        let message = format!("Invalid value: {}", shown(value));
        Cause::new("FieldValueInvalid", field, &message, detail.as_ref())
    }

    pub(crate) fn duplicate(field: impl Into<String>, value: &Value) -> Cause {
        Cause::new("FieldValueDuplicate", field, &format!("Duplicate value: {}", shown(value)), "")
    }

    /// The same with the words in the order that the real server has them in.
    pub(crate) fn unsupported_of(field: impl Into<String>, value: &Value, supported: &[&str]) -> Cause {
        let names: Vec<String> = supported.iter().map(|name| format!("{name:?}")).collect();
        let message = format!("Unsupported value: {}", shown(value));
        Cause::new(
            "FieldValueNotSupported",
            field,
            &message,
            &format!("supported values: {}", names.join(", ")),
        )
    }

    pub(crate) fn unsupported(field: impl Into<String>, value: &Value, supported: &[&str]) -> Cause {
        let mut names: Vec<String> = supported.iter().map(|name| format!("{name:?}")).collect();
        names.sort();
        let detail = format!("supported values: {}", names.join(", "));
        let message = format!("Unsupported value: {}", shown(value));
        Cause::new("FieldValueNotSupported", field, &message, &detail)
    }

    pub(crate) fn forbidden(field: impl Into<String>, detail: &str) -> Cause {
        Cause::new("FieldValueForbidden", field, "Forbidden", detail)
    }

    pub(crate) fn not_found(field: impl Into<String>, value: &Value) -> Cause {
        Cause::new("FieldValueNotFound", field, &format!("Not found: {}", shown(value)), "")
    }

    pub(crate) fn too_long(field: impl Into<String>, most: usize) -> Cause {
        Cause::new("FieldValueTooLong", field, "Too long", &format!("may not be more than {most} bytes"))
    }

    fn new(reason: &'static str, field: impl Into<String>, what: &str, detail: &str) -> Cause {
        let message = if detail.is_empty() { what.to_owned() } else { format!("{what}: {detail}") };
        Cause { reason, field: field.into(), message }
    }

    fn line(&self) -> String {
        format!("{}: {}", self.field, self.message)
    }
}

/// As Go's validation shows a value: texts and structs in quotes or as JSON, numbers bare.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        value => value.to_string(),
    }
}

impl Failure {
    fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Failure {
        Failure { code, reason, message: message.into(), details: json!({}), continue_: None, plain: false }
    }

    fn of(mut self, kind: &Known, name: &str) -> Failure {
        self.details = details(name, kind.group, kind.plural);
        self
    }

    pub(crate) fn not_found(kind: &Known, name: &str) -> Failure {
        Failure::new(404, "NotFound", format!("{} {name:?} not found", kind.full_name())).of(kind, name)
    }

    pub(crate) fn exists(kind: &Known, name: &str) -> Failure {
        let message = format!("{} {name:?} already exists", kind.full_name());
        Failure::new(409, "AlreadyExists", message).of(kind, name)
    }

    pub(crate) fn conflict(kind: &Known, name: &str, why: &str) -> Failure {
        let message = format!("Operation cannot be fulfilled on {} {name:?}: {why}", kind.full_name());
        Failure::new(409, "Conflict", message).of(kind, name)
    }

    /// A conflict at something that is below a resource.
    pub(crate) fn conflict_named(resource: &str, name: &str, why: &str) -> Failure {
        let message = format!("Operation cannot be fulfilled on {resource} {name:?}: {why}");
        let mut failure = Failure::new(409, "Conflict", message);
        failure.details = details(name, "", resource);
        failure
    }

    /// Somebody else was faster.
    pub(crate) fn modified(kind: &Known, name: &str) -> Failure {
        let why =
            "the object has been modified; please apply your changes to the latest version and try again";
        Failure::conflict(kind, name, why)
    }

    /// A condition of a delete that does not hold. The real server names the kind there, not the resource.
    pub(crate) fn precondition(kind: &Known, name: &str, why: &str) -> Failure {
        let group = kind.own_group();
        let title = if group.is_empty() { kind.kind.to_owned() } else { format!("{}.{group}", kind.kind) };
        let message = format!("Operation cannot be fulfilled on {title} {name:?}: {why}");
        let mut failure = Failure::new(409, "Conflict", message);
        failure.details = details(name, group, kind.kind);
        failure
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Failure {
        Failure::new(400, "BadRequest", message).without_details()
    }

    /// A query in which Go finds no number.
    pub(crate) fn no_number(text: &str, error: &std::num::ParseIntError) -> Failure {
        use std::num::IntErrorKind::{NegOverflow, PosOverflow};
        let why = match error.kind() {
            PosOverflow | NegOverflow => "value out of range",
            _ => "invalid syntax",
        };
        Failure::bad_request(format!("strconv.ParseInt: parsing {text:?}: {why}"))
    }

    /// A name in a path that no object can have.
    pub(crate) fn bad_name(name: &str, why: &str) -> Failure {
        Failure::bad_request(format!("Name parameter invalid: {name:?}: {why}"))
    }

    /// The fields of an object that are wrong.
    pub(crate) fn invalid(kind: &Known, name: &str, causes: &[Cause]) -> Failure {
        Failure::invalid_named(kind.kind, kind.own_group(), name, causes)
    }

    pub(crate) fn invalid_named(kind: &str, group: &str, name: &str, causes: &[Cause]) -> Failure {
        let title = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
        let mut lines: Vec<String> = Vec::new();
        for cause in causes {
            let line = cause.line();
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        let what = match lines.as_slice() {
            [one] => one.clone(),
            several => format!("[{}]", several.join(", ")),
        };
        let mut failure = Failure::new(422, "Invalid", format!("{title} {name:?} is invalid: {what}"));
        let causes: Vec<Value> = causes
            .iter()
            .map(|cause| json!({"reason": cause.reason, "message": cause.message, "field": cause.field}))
            .collect();
        failure.details = details(name, group, kind);
        if let Some(details) = failure.details.as_object_mut() {
            details.insert("causes".into(), causes.into());
        }
        failure
    }

    /// A patch that can't be made, whatever the object.
    pub(crate) fn unfit(message: impl Into<String>) -> Failure {
        Failure::new(422, "Invalid", message).without_details()
    }

    pub(crate) fn forbidden(kind: &Known, name: &str, why: &str) -> Failure {
        let name_ = if name.is_empty() { String::new() } else { format!(" {name:?}") };
        Failure::new(403, "Forbidden", format!("{}{name_} is forbidden: {why}", kind.full_name()))
            .of(kind, name)
    }

    pub(crate) fn with_cause(mut self, reason: &str, message: &str, field: &str) -> Failure {
        let mut cause = json!({"reason": reason, "message": message});
        if !field.is_empty() {
            cause["field"] = field.into();
        }
        if let Some(details) = self.details.as_object_mut() {
            details.insert("causes".into(), json!([cause]));
        } else {
            self.details = json!({"causes": [cause]});
        }
        self
    }

    pub(crate) fn retry_after(mut self, seconds: u32) -> Failure {
        if !self.details.is_object() {
            self.details = json!({});
        }
        if seconds > 0 {
            self.details["retryAfterSeconds"] = seconds.into();
        }
        self
    }

    pub(crate) fn retry_seconds(&self) -> Option<u64> {
        self.details["retryAfterSeconds"].as_u64()
    }

    pub(crate) fn method_not_allowed() -> Failure {
        Failure::new(
            405,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
        )
    }

    pub(crate) fn no_such_resource() -> Failure {
        Failure::new(404, "NotFound", "the server could not find the requested resource")
    }

    /// As the real server answers a path that nothing is at: a text.
    pub(crate) fn no_such_path() -> Failure {
        Failure { plain: true, ..Failure::new(404, "NotFound", "404 page not found\n") }
    }

    /// A path that Go can't read, which its HTTP server says before anything else does.
    pub(crate) fn bad_path() -> Failure {
        Failure { plain: true, ..Failure::new(400, "BadRequest", "400 Bad Request") }
    }

    pub(crate) fn media_type(supported: &str) -> Failure {
        Failure::new(
            415,
            "UnsupportedMediaType",
            format!(
                "the body of the request was in an unknown format - accepted media types include: {supported}"
            ),
        )
        .without_details()
    }

    pub(crate) fn not_acceptable() -> Failure {
        Failure::new(
            406,
            "NotAcceptable",
            "only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf",
        )
        .without_details()
    }

    /// A media type that the real server's router does not know; what it knows and can't do is [`Failure::not_acceptable`].
    pub(crate) fn no_representation() -> Failure {
        Failure::new(
            406,
            "NotAcceptable",
            "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, application/vnd.kubernetes.protobuf",
        )
    }

    pub(crate) fn too_large(limit: usize) -> Failure {
        let message = format!("Request entity too large: limit is {limit}");
        Failure::new(413, "RequestEntityTooLarge", message).without_details()
    }

    /// A patch of an unknown kind.
    pub(crate) fn patch_type() -> Failure {
        Failure::new(415, "UnsupportedMediaType", "415: Unsupported Media Type").without_details()
    }

    /// The same name, while the old object is on its way out.
    pub(crate) fn exists_going(kind: &Known, name: &str) -> Failure {
        let mut failure = Failure::exists(kind, name);
        failure.message = format!("object is being deleted: {}", failure.message);
        failure
    }

    pub(crate) fn too_large_patch(message: impl Into<String>) -> Failure {
        Failure::new(413, "RequestEntityTooLarge", message)
    }

    /// A version that has not come yet.
    pub(crate) fn not_yet(wanted: u64, current: u64) -> Failure {
        let message = format!("Too large resource version: {wanted}, current: {current}");
        Failure::new(504, "Timeout", message)
            .with_cause("ResourceVersionTooLarge", "Too large resource version", "")
            .retry_after(1)
    }

    pub(crate) fn expired(message: impl Into<String>) -> Failure {
        Failure::new(410, "Expired", message).without_details()
    }

    /// A watch from a version that is forgotten.
    pub(crate) fn too_old(wanted: u64, oldest: u64) -> Failure {
        Failure::expired(format!("too old resource version: {wanted} ({oldest})"))
    }

    /// A page of a state that is forgotten, and the token that goes on with the latest one.
    pub(crate) fn page_gone(token: String) -> Failure {
        let message = "The provided continue parameter is too old to display a consistent list result. You can start a new \
             list without the continue parameter, or use the continue token in this response to retrieve the remainder of the \
             results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, \
             or deleted between the time the first chunk was returned and now may show up in the list.";
        Failure { continue_: Some(token), ..Failure::expired(message) }
    }

    pub(crate) fn internal(message: impl Into<String>) -> Failure {
        let message = message.into();
        let mut failure = Failure::new(500, "InternalError", format!("Internal error occurred: {message}"));
        failure.details = json!({"causes": [{"message": message}]});
        failure
    }

    /// An error of Go's that is no answer of its own.
    pub(crate) fn plain_internal(message: impl Into<String>) -> Failure {
        let mut failure = Failure::new(500, "", message);
        failure.details = Value::Null;
        failure
    }

    pub(crate) fn too_many(message: &str) -> Failure {
        Failure::new(429, "TooManyRequests", message)
    }

    /// What the real server does and this one does not.
    pub(crate) fn gap(what: impl AsRef<str>) -> Failure {
        let message = format!("the embedded API server has no {} yet", what.as_ref());
        Failure::new(501, "NotImplemented", message)
    }

    /// Any other answer, such as an injected one.
    pub(crate) fn other(code: u16, message: &str) -> Failure {
        let reason = match code {
            401 => "Unauthorized",
            408 => "Timeout",
            429 => "TooManyRequests",
            500 => "InternalError",
            503 => "ServiceUnavailable",
            504 => "Timeout",
            _ => "",
        };
        Failure::new(code, reason, message)
    }

    fn without_details(mut self) -> Failure {
        self.details = Value::Null;
        self
    }

    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The `Status` object.
    pub(crate) fn object(&self) -> Value {
        let mut status = Map::new();
        status.insert("kind".into(), "Status".into());
        status.insert("apiVersion".into(), "v1".into());
        let metadata = self.continue_.as_ref().map_or(json!({}), |token| json!({"continue": token}));
        status.insert("metadata".into(), metadata);
        status.insert("status".into(), "Failure".into());
        status.insert("message".into(), self.message.as_str().into());
        if !self.reason.is_empty() {
            status.insert("reason".into(), self.reason.into());
        }
        if !self.details.is_null() {
            status.insert("details".into(), self.details.clone());
        }
        status.insert("code".into(), self.code.into());
        Value::Object(status)
    }
}

/// Empty texts are left out.
pub(crate) fn details(name: &str, group: &str, kind: &str) -> Value {
    let mut details = Map::new();
    for (key, value) in [("name", name), ("group", group), ("kind", kind)] {
        if !value.is_empty() {
            details.insert(key.into(), value.into());
        }
    }
    Value::Object(details)
}
