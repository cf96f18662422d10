//! Comparing an object with a schema. All mistakes are told, each with its path.

use std::fmt;

use k8s_api::dynamic::Json;
use k8s_api::path::{FieldPath, Step};

use super::schema::{Additional, Schema, Schemas};
use crate::discovery::like;

/// What is wrong at one place of an object. It never holds a value of the object.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mistake {
    /// Where it is; the field itself if that is unknown or missing.
    pub path: FieldPath,
    /// What is wrong there.
    pub message: String,
}

/// ``spec.template.spec.containers[0].imagee: unknown field, did you mean `image`?``
impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl std::error::Error for Mistake {}

/// How far references are followed at one place: schemas may refer to themselves.
const HOPS: usize = 16;

/// Compares `value` with the schema of a kind. `compiled` is whether the server has a Go type for it.
pub(super) fn check(schemas: &Schemas, name: &str, schema: &Schema, value: &Json) -> Vec<Mistake> {
    let mut check = Check { schemas, path: Vec::new(), mistakes: Vec::new() };
    // A custom resource's fields are written out, a Go type's refer to one another.
    let custom =
        schema.properties.get("spec").is_some_and(|spec| spec.reference.is_none() && spec.all_of.is_empty());
    let compiled = name.starts_with("io.k8s.") || !custom;
    check.value(schema, value, Mode { compiled, named: true, element: false, fields: true });
    check.mistakes
}

#[derive(Clone, Copy)]
struct Mode {
    /// The server reads it into a Go type: an empty text is none, and null is nothing.
    compiled: bool,
    /// The schema has a name of its own: without fields it stands for anything.
    named: bool,
    /// It is an element of a list, where null is not nothing.
    element: bool,
    /// Unknown fields are mistakes. They are not in a part of a schema that only says more of a value.
    fields: bool,
}

struct Check<'a> {
    schemas: &'a Schemas,
    path: Vec<Step>,
    mistakes: Vec<Mistake>,
}

impl<'a> Check<'a> {
    fn wrong(&mut self, message: impl Into<String>) {
        self.mistakes.push(Mistake { path: self.path.iter().cloned().collect(), message: message.into() });
    }

    fn inside(&mut self, step: Step, check: impl FnOnce(&mut Self)) {
        self.path.push(step);
        check(self);
        self.path.pop();
    }

    /// What a schema refers to; `None` if that is not there.
    fn resolve(&self, mut schema: &'a Schema, mut mode: Mode) -> Option<(&'a Schema, Mode)> {
        for _ in 0..HOPS {
            // A reference with something beside it (a default) stands in an `allOf` of one.
            let reference = schema.reference.as_deref().or(match schema.all_of.as_slice() {
                [only] if schema.type_.is_empty() => only.reference.as_deref(),
                _ => None,
            });
            let Some(reference) = reference else { break };
            schema = self.schemas.refer(reference)?;
            mode = Mode { compiled: true, named: true, ..mode };
        }
        Some((schema, mode))
    }

    fn is_time(&self, schema: Option<&'a Schema>) -> bool {
        let mode = Mode { compiled: true, named: false, element: false, fields: true };
        let found = schema.and_then(|schema| self.resolve(schema, mode));
        found.is_some_and(|(schema, _)| schema.format == "date-time")
    }

    fn value(&mut self, schema: &'a Schema, value: &Json, mode: Mode) {
        let Some((schema, mode)) = self.resolve(schema, mode) else { return };
        if value.is_null() && (schema.nullable || mode.compiled && !mode.element) {
            return;
        }
        if let Some(wanted) = wrong_type(schema, value) {
            return self.wrong(format!("must be {wanted}, not {}", value.what()));
        }
        match value {
            Json::Map(fields) => self.map(schema, fields, mode),
            Json::List(list) => self.list(schema, list, mode),
            Json::Text(text) => self.text(schema, text, mode),
            Json::Number(_) => self.number(schema, value),
            _ => {}
        }
        self.one_of_values(schema, value, mode);
        self.more(schema, value, mode);
    }

    fn map(&mut self, schema: &'a Schema, fields: &[(k8s_api::text::Str, Json)], mode: Mode) {
        // What is null is as if it were not there, but for a time: that is how Go writes a zero one.
        let there = |name: &str| {
            let value = fields.iter().find(|(known, _)| known == name).map(|(_, value)| value);
            value.is_some_and(|value| {
                !value.is_null() || mode.compiled && self.is_time(schema.properties.get(name))
            })
        };
        let missing: Vec<&String> = schema.required.iter().filter(|name| !there(name)).collect();
        for name in missing {
            self.inside(Step::Field(name.clone()), |check| check.wrong("is required and missing"));
        }
        limits(self, schema.min_properties, schema.max_properties, fields.len(), "fields");
        let open =
            schema.keeps_unknown || matches!(schema.additional_properties, Some(Additional::Any(true)));
        // A schema with a name that says nothing of its fields: raw JSON.
        let anything = schema.properties.is_empty() && (mode.named || schema.type_.is_empty());
        for (name, value) in fields {
            let known = schema.properties.get(name.as_str());
            let step = Step::Field(name.as_str().to_owned());
            let own = Mode { named: false, element: false, ..mode };
            match (known, &schema.additional_properties) {
                (Some(_), _) if value.is_null() => {}
                (Some(known), _) => self.inside(step, |check| check.value(known, value, own)),
                (None, Some(Additional::Of(each))) => {
                    self.inside(step, |check| check.value(each, value, own))
                }
                (None, _) if open || anything || !mode.fields => {}
                (None, _)
                    if schema.embedded && matches!(name.as_str(), "apiVersion" | "kind" | "metadata") => {}
                (None, _) => {
                    let near = schema.properties.keys().filter_map(|one| Some((like(name, one)?, one))).min();
                    let hint = near.map_or(String::new(), |(_, near)| format!(", did you mean `{near}`?"));
                    self.inside(step, |check| check.wrong(format!("unknown field{hint}")));
                }
            }
        }
    }

    fn list(&mut self, schema: &'a Schema, list: &[Json], mode: Mode) {
        limits(self, schema.min_items, schema.max_items, list.len(), "elements");
        let Some(items) = &schema.items else { return };
        for (at, element) in list.iter().enumerate() {
            let own = Mode { named: false, element: true, ..mode };
            self.inside(Step::Index(at), |check| check.value(items, element, own));
        }
    }

    fn text(&mut self, schema: &Schema, text: &str, mode: Mode) {
        limits(self, schema.min_length, schema.max_length, text.chars().count(), "characters");
        if !schema.pattern.is_empty() {
            // What the small engine can't read (classes of Unicode) is left to the server.
            if regex_lite::Regex::new(&schema.pattern).is_ok_and(|pattern| !pattern.is_match(text)) {
                self.wrong(format!("does not match the pattern `{}`", schema.pattern));
            }
        }
        if schema.format == "byte" && mode.compiled {
            use base64::Engine as _;
            if base64::engine::general_purpose::STANDARD.decode(text.as_bytes()).is_err() {
                self.wrong("must be base64");
            }
        }
    }

    fn number(&mut self, schema: &Schema, value: &Json) {
        let Some(number) = value.as_f64() else { return };
        if schema.format == "int32" && !(f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&number) {
            return self.wrong("does not fit into 32 bits");
        }
        match (schema.minimum, schema.exclusive_minimum) {
            (Some(least), true) if number <= least => self.wrong(format!("must be more than {least}")),
            (Some(least), false) if number < least => self.wrong(format!("must be at least {least}")),
            _ => {}
        }
        match (schema.maximum, schema.exclusive_maximum) {
            (Some(most), true) if number >= most => self.wrong(format!("must be less than {most}")),
            (Some(most), false) if number > most => self.wrong(format!("must be at most {most}")),
            _ => {}
        }
    }

    fn one_of_values(&mut self, schema: &Schema, value: &Json, mode: Mode) {
        if schema.values.is_empty() || mode.compiled && value.as_str() == Some("") {
            return;
        }
        let equal = |wanted: &serde_json::Value| match (wanted, value) {
            (serde_json::Value::String(wanted), Json::Text(text)) => text == wanted.as_str(),
            (serde_json::Value::Number(wanted), number @ Json::Number(_)) => {
                wanted.as_f64() == number.as_f64()
            }
            (serde_json::Value::Bool(wanted), Json::Bool(value)) => wanted == value,
            (serde_json::Value::Null, Json::Null) => true,
            // Objects and lists as values are left to the server.
            (_, Json::Map(_) | Json::List(_)) => true,
            _ => false,
        };
        if schema.values.iter().any(equal) {
            return;
        }
        let known: Vec<String> = schema.values.iter().map(ToString::to_string).collect();
        self.wrong(format!("must be one of {}", known.join(", ")));
    }

    /// What else is said of the value.
    fn more(&mut self, schema: &'a Schema, value: &Json, mode: Mode) {
        let mode = Mode { fields: false, named: true, ..mode };
        for all in &schema.all_of {
            self.value(all, value, mode);
        }
        let matches =
            |schemas: &'a [Schema]| schemas.iter().filter(|one| self.holds(one, value, mode)).count();
        let (any, one) = (matches(&schema.any_of), matches(&schema.one_of));
        if !schema.any_of.is_empty() && any == 0 {
            self.wrong("is none of what the schema allows (anyOf)");
        }
        if !schema.one_of.is_empty() && one != 1 {
            let what = if one == 0 { "none" } else { "more than one" };
            self.wrong(format!("is {what} of what the schema allows one of (oneOf)"));
        }
        if let Some(not) = &schema.not
            && self.holds(not, value, mode)
        {
            self.wrong("is what the schema forbids (not)");
        }
    }

    fn holds(&self, schema: &'a Schema, value: &Json, mode: Mode) -> bool {
        let mut check = Check { schemas: self.schemas, path: Vec::new(), mistakes: Vec::new() };
        check.value(schema, value, mode);
        check.mistakes.is_empty()
    }
}

/// What a value ought to be, if it is something else.
fn wrong_type(schema: &Schema, value: &Json) -> Option<&'static str> {
    let whole = |number: &str| {
        number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok() || {
            number.parse::<f64>().is_ok_and(|number| number.fract() == 0.0 && number.abs() < 1e18)
        }
    };
    if schema.int_or_string || schema.format == "int-or-string" {
        return match value {
            Json::Text(_) => None,
            Json::Number(number) if whole(number) => None,
            _ => Some("a whole number or a text"),
        };
    }
    match (schema.type_.as_str(), value) {
        ("object", Json::Map(_)) | ("array", Json::List(_)) | ("string", Json::Text(_)) => None,
        ("boolean", Json::Bool(_)) | ("number", Json::Number(_)) => None,
        ("integer", Json::Number(number)) if whole(number) => None,
        ("object", _) => Some("an object"),
        ("array", _) => Some("a list"),
        ("string", _) => Some("a text"),
        ("boolean", _) => Some("a boolean"),
        ("number", _) => Some("a number"),
        ("integer", _) => Some("a whole number"),
        _ => None,
    }
}

fn limits(check: &mut Check<'_>, least: Option<usize>, most: Option<usize>, found: usize, what: &str) {
    if let Some(least) = least.filter(|least| found < *least) {
        check.wrong(format!("has {found} {what}, and must have at least {least}"));
    }
    if let Some(most) = most.filter(|most| found > *most) {
        check.wrong(format!("has {found} {what}, and may have at most {most}"));
    }
}
