//! Reading one object, and lists: of the present, of a version, in pages.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::ask::Said;
use super::core::{Call, State};
use super::failure::{Cause, Failure};
use super::selector::{Fields, Labels};
use super::store::{Key, Object, Table};

/// `GET` of one object.
pub(crate) fn get(call: &Call<'_>) -> Result<Said, Failure> {
    let state = call.core.state();
    let version = call.ask.query.text("resourceVersion");
    if !version.is_empty() {
        // Events are not kept ready for reading there, and so come another way.
        let wanted = if call.kind.kind == "Event" { list_version(version)? } else { number(version)? };
        reachable(&state, wanted)?;
    }
    let object = call.find(&state)?;
    drop(state);
    call.shape.object(call, &object)
}

/// A version that a client has sent.
pub(crate) fn number(version: &str) -> Result<u64, Failure> {
    if version.is_empty() {
        return Ok(0);
    }
    version.parse().map_err(|_| {
        let detail = format!("strconv.ParseUint: parsing {version:?}: invalid syntax");
        Failure::plain_internal(format!("resourceVersion: Invalid value: {version:?}: {detail}"))
    })
}

/// The same of a list, which looks at it earlier.
fn list_version(version: &str) -> Result<u64, Failure> {
    number(version)
        .map_err(|failure| Failure::bad_request(format!("invalid resource version: {}", failure.message())))
}

/// The real server waits for a while until it has seen such a version.
fn reachable(state: &State, version: u64) -> Result<(), Failure> {
    let current = state.store.revision();
    if version > current { Err(Failure::not_yet(version, current)) } else { Ok(()) }
}

/// What is looked for.
pub(crate) struct Selection {
    pub(crate) namespace: String,
    pub(crate) labels: Labels,
    pub(crate) fields: Fields,
}

impl Selection {
    pub(crate) fn of(call: &Call<'_>) -> Result<Selection, Failure> {
        let query = &call.ask.query;
        let mut fields = query.text("fieldSelector").to_owned();
        if !call.name.is_empty() {
            // The old way to watch one object.
            fields = format!("metadata.name={}", call.name);
        }
        Ok(Selection {
            namespace: call.namespace.clone(),
            labels: Labels::parse(query.text("labelSelector"))?,
            fields: Fields::parse(&fields, &call.kind)?,
        })
    }

    pub(crate) fn matches(&self, object: &Object) -> bool {
        (self.namespace.is_empty() || object.key.0 == self.namespace)
            && self.labels.matches(&object.labels)
            && self.fields.matches(object)
    }

    fn is_everything(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// Those of a table, from a place on.
    pub(crate) fn of_table<'t>(
        &'t self,
        table: &'t Table,
        from: Option<&Key>,
    ) -> impl Iterator<Item = &'t Arc<Object>> {
        let start = match from {
            Some(from) => from.clone(),
            None => Key(self.namespace.clone(), String::new()),
        };
        let inside = |key: &Key| self.namespace.is_empty() || key.0 == self.namespace;
        table
            .range(start..)
            .take_while(move |(key, _)| inside(key))
            .map(|(_, object)| object)
            .filter(|object| self.matches(object))
    }
}

fn options(what: Cause) -> Failure {
    Failure::invalid_named("ListOptions", "meta.k8s.io", "", &[what])
}

/// What the real server says of options of a list that don't go together.
pub(crate) fn check_options(call: &Call<'_>, watch: bool) -> Result<(), Failure> {
    let query = &call.ask.query;
    let (version, match_) = (query.text("resourceVersion"), query.text("resourceVersionMatch"));
    for name in ["limit", "timeoutSeconds"] {
        query.number(name)?;
    }
    let initial = query.get("sendInitialEvents").filter(|value| !value.is_empty());
    let forbidden = |field: &str, detail: &str| Err(options(Cause::forbidden(field, detail)));
    if initial.is_some() {
        if !watch {
            return forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list");
        }
        if match_ != "NotOlderThan" {
            return forbidden(
                "resourceVersionMatch",
                "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
            );
        }
        return Ok(());
    }
    if match_.is_empty() {
        return Ok(());
    }
    if watch {
        return forbidden(
            "resourceVersionMatch",
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
        );
    }
    if version.is_empty() {
        return forbidden(
            "resourceVersionMatch",
            "resourceVersionMatch is forbidden unless resourceVersion is provided",
        );
    }
    if !query.text("continue").is_empty() {
        return forbidden(
            "resourceVersionMatch",
            "resourceVersionMatch is forbidden when continue is provided",
        );
    }
    match match_ {
        "NotOlderThan" => Ok(()),
        "Exact" if version == "0" => forbidden(
            "resourceVersionMatch",
            "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
        ),
        "Exact" => Ok(()),
        other => {
            let supported = ["Exact", "NotOlderThan", ""];
            Err(options(Cause::unsupported_of("resourceVersionMatch", &other.into(), &supported)))
        }
    }
}

/// `GET` of many.
pub(crate) fn list(call: &Call<'_>) -> Result<Said, Failure> {
    let selection = Selection::of(call)?;
    check_options(call, false)?;
    let query = &call.ask.query;
    let state = call.core.state();
    let store = &state.store;
    let (version, token) = (query.text("resourceVersion"), query.text("continue"));
    // Any version will do: the whole list is ready.
    let limit =
        if version == "0" && token.is_empty() { 0 } else { query.number("limit")?.unwrap_or_default() };
    let limit = usize::try_from(limit).unwrap_or_default();
    let wanted = list_version(version)?;
    let mut from = None;
    let revision = if !token.is_empty() {
        if !matches!(version, "" | "0") {
            return Err(Failure::bad_request(
                "specifying resource version is not allowed when using continue",
            ));
        }
        let (revision, start) = read_token(token)?;
        from = Some(start.clone());
        match revision {
            Some(revision) if revision < store.oldest() => {
                return Err(Failure::page_gone(write_token(None, &start)));
            }
            Some(revision) => revision,
            None => store.revision(),
        }
    } else if query.text("resourceVersionMatch") == "Exact"
        || limit > 0 && wanted > 0 && query.text("resourceVersionMatch").is_empty()
    {
        reachable(&state, wanted)?;
        wanted
    } else {
        reachable(&state, wanted)?;
        store.revision()
    };
    let past;
    let table = if revision == store.revision() {
        store.table(call.kind.stored)
    } else {
        past = store.table_at(call.kind.stored, revision)?;
        &past
    };
    let mut found: Vec<Arc<Object>> = Vec::new();
    let mut rest = 0;
    let mut next = None;
    for object in selection.of_table(table, from.as_ref()) {
        if limit > 0 && found.len() == limit {
            rest += 1;
            next.get_or_insert_with(|| object.key.clone());
            if !selection.is_everything() {
                break;
            }
            continue;
        }
        found.push(object.clone());
    }
    drop(state);
    let mut metadata = json!({"resourceVersion": revision.to_string()});
    if next.is_some() {
        // Where the next page begins: after the last of this one, as objects may come between.
        let last = found.last().map(|object| object.key.clone()).unwrap_or_default();
        metadata["continue"] = write_token(Some(revision), &Key(last.0, format!("{}\0", last.1))).into();
        if selection.is_everything() {
            metadata["remainingItemCount"] = rest.into();
        }
    }
    call.shape.list(call, metadata, &found)
}

/// Opaque to clients: a version and where to go on, as the real server writes it.
fn write_token(revision: Option<u64>, start: &Key) -> String {
    let version = revision.map_or(json!(-1), Value::from);
    let start = if start.0.is_empty() { start.1.clone() } else { format!("{}/{}", start.0, start.1) };
    let token = json!({"v": "meta.k8s.io/v1", "rv": version, "start": start});
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(token.to_string())
}

fn read_token(token: &str) -> Result<(Option<u64>, Key), Failure> {
    let wrong_of = |what: &str| {
        Failure::bad_request(format!("invalid continue token: continue key is not valid: {what}"))
    };
    let wrong = || wrong_of("it has no start");
    let trimmed = token.trim_end_matches('=');
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(trimmed)
        .or_else(|_| STANDARD.decode(token))
        .map_err(|error| wrong_of(&error.to_string()))?;
    let value: Value = serde_json::from_slice(&bytes).map_err(|_| {
        let first = bytes.first().copied().unwrap_or_default();
        let shown =
            if first.is_ascii_graphic() { char::from(first).to_string() } else { format!("\\u{first:04x}") };
        wrong_of(&format!("invalid character '{shown}' looking for beginning of value"))
    })?;
    let start = value["start"].as_str().ok_or_else(wrong)?;
    let (namespace, name) = start.split_once('/').unwrap_or(("", start));
    let revision = value["rv"].as_i64().ok_or_else(wrong)?;
    Ok((u64::try_from(revision).ok(), Key(namespace.to_owned(), name.to_owned())))
}
