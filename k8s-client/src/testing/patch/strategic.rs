//! Strategic merge patch: lists are merged by the keys that the type's table names for them.

use k8s_api::table::Field;
use k8s_api::view::{Message, Slot};
use serde_json::{Map, Value};

use crate::testing::failure::Failure;

const DIRECTIVE: &str = "$patch";
const RETAIN: &str = "$retainKeys";
const ORDER: &str = "$setElementOrder/";
const DELETE: &str = "$deleteFromPrimitiveList/";

/// Merges `patch` into `target`, an object of the type of `message`, which is only asked about its fields.
pub(crate) fn merge(target: &mut Value, patch: &Value, message: &mut dyn Message) -> Result<(), Failure> {
    object(target, patch, &mut Type::Message(message))
}

/// What is known of a place.
enum Type<'a> {
    Message(&'a mut dyn Message),
    /// The values of a map.
    Map(Slot<'a>),
    Unknown,
}

impl Type<'_> {
    /// Looks at a field.
    fn field<T>(&mut self, name: &str, look: impl FnOnce(&mut Type<'_>, Option<Field>) -> T) -> T {
        match self {
            Type::Message(message) => {
                let Some(position) = message.table().position(name) else {
                    return look(&mut Type::Unknown, None);
                };
                let field = message.table().field(position);
                match message.field_mut(position) {
                    Some(slot) => look(&mut type_of(slot), field),
                    None => look(&mut Type::Unknown, field),
                }
            }
            Type::Map(slot) => look(&mut type_of(slot.reborrow()), None),
            Type::Unknown => look(&mut Type::Unknown, None),
        }
    }
}

/// Of a list the type of its elements.
fn type_of(slot: Slot<'_>) -> Type<'_> {
    match slot {
        Slot::Message(message) => Type::Message(message),
        Slot::Option(option) => type_of(option.fill()),
        Slot::List(list) => type_of(list.push()),
        Slot::Map(map) => Type::Map(map.entry("".into())),
        _ => Type::Unknown,
    }
}

/// What does not fit its type, as the real server's own conversion says it of a strategic patch.
pub(crate) fn mistyped(why: &str) -> String {
    let words = why.strip_prefix("json: cannot unmarshal ").and_then(|rest| rest.split_once(" into "));
    let (Some((found, _)), Some((_, type_))) = (words, why.rsplit_once(" of type ")) else {
        return if why.starts_with("illegal base64") {
            format!("error decoding from json: {why}")
        } else {
            why.to_owned()
        };
    };
    let found = match found {
        "array" => "[]interface {}",
        "object" => "map[string]interface {}",
        found if found.starts_with("number") => "int64",
        found => found,
    };
    if type_.starts_with("map[") && found == "string" {
        format!("cannot restore map from {found}")
    } else if type_ == "string" {
        format!("cannot convert {found} to string")
    } else {
        format!("unrecognized type: {type_}")
    }
}

/// As Go prints a map.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(list) => format!("[{}]", list.iter().map(shown).collect::<Vec<_>>().join(" ")),
        Value::Object(fields) => {
            let all: Vec<String> =
                fields.iter().map(|(name, value)| format!("{name}:{}", shown(value))).collect();
            format!("map[{}]", all.join(" "))
        }
        value => value.to_string(),
    }
}

fn wrong(message: impl Into<String>) -> Failure {
    Failure::bad_request(message)
}

fn object(target: &mut Value, patch: &Value, type_: &mut Type<'_>) -> Result<(), Failure> {
    let Some(changes) = patch.as_object() else {
        *target = patch.clone();
        return Ok(());
    };
    match changes.get(DIRECTIVE).map(|it| it.as_str().unwrap_or_default()) {
        None | Some("merge") => {}
        Some("replace") => {
            let rest = changes.iter().filter(|(name, _)| *name != DIRECTIVE);
            *target = Value::Object(rest.map(|(name, value)| (name.clone(), value.clone())).collect());
            return Ok(());
        }
        Some("delete") => {
            *target = Value::Object(Map::new());
            return Ok(());
        }
        Some(other) => {
            let message = format!("unknown patch type: {other} in map: {}", shown(patch));
            return Err(Failure::plain_internal(message));
        }
    }
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(fields) = target.as_object_mut() else { return Ok(()) };
    if let Some(kept) = changes.get(RETAIN).and_then(Value::as_array) {
        fields.retain(|name, _| kept.iter().any(|it| it == name));
    }
    for (name, change) in changes {
        if name == DIRECTIVE || name == RETAIN || name.starts_with(ORDER) {
            continue;
        }
        if let Some(list) = name.strip_prefix(DELETE) {
            if let (Some(Value::Array(kept)), Some(gone)) = (fields.get_mut(list), change.as_array()) {
                kept.retain(|value| !gone.contains(value));
            }
            continue;
        }
        if change.is_null() {
            fields.remove(name);
            continue;
        }
        let order = changes.get(&format!("{ORDER}{name}")).and_then(Value::as_array);
        if let (Some(order), Some(changes)) = (order, change.as_array()) {
            type_.field(name, |_, field| ordered(changes, order, field))?;
        }
        if !fields.contains_key(name) && is_new(change) {
            fields.insert(name.clone(), undirected(change));
            continue;
        }
        let place = fields.entry(name.clone()).or_insert(Value::Null);
        type_.field(name, |type_, field| value(place, change, type_, field, order))?;
    }
    // Elements that are only put in order.
    for (name, order) in changes.iter().filter_map(|(name, order)| Some((name.strip_prefix(ORDER)?, order))) {
        if changes.contains_key(name) {
            continue;
        }
        if let (Some(Value::Array(list)), Some(order)) = (fields.get_mut(name), order.as_array()) {
            type_.field(name, |_, field| {
                let server = list.clone();
                sort(list, order, field.and_then(|field| field.patch_merge).unwrap_or_default(), &server);
            });
        }
    }
    Ok(())
}

/// Where nothing was before, a patch is taken as it is, without being looked at.
fn is_new(change: &Value) -> bool {
    change.is_object() || change.is_array()
}

/// What is left of a patch where there is nothing to be patched.
fn undirected(change: &Value) -> Value {
    match change {
        Value::Object(fields) if fields.contains_key(DIRECTIVE) => Value::Object(Map::new()),
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, value)| !name.starts_with('$') && !value.is_null())
            .map(|(name, value)| (name.clone(), undirected(value)))
            .collect(),
        Value::Array(list) => list.iter().filter(|it| it.get(DIRECTIVE).is_none()).map(undirected).collect(),
        other => other.clone(),
    }
}

/// The order of a patch's list is the one that is said besides.
fn ordered(changes: &[Value], order: &[Value], field: Option<Field>) -> Result<(), Failure> {
    let key = field.and_then(|field| field.patch_merge).unwrap_or_default();
    let of = |value: &Value| if key.is_empty() { value.clone() } else { value[key].clone() };
    let kept = changes.iter().filter(|it| it.get(DIRECTIVE).is_none());
    let places: Vec<_> = kept.map(|it| order.iter().position(|place| of(place) == of(it))).collect();
    if places.is_sorted() && !places.contains(&None) {
        return Ok(());
    }
    let shown = |list: &[Value]| list.iter().map(shown).collect::<Vec<_>>().join(" ");
    Err(Failure::plain_internal(format!(
        "The order in patch list:\n[{}]\n doesn't match $setElementOrder list:\n[{}]\n",
        shown(changes),
        shown(order)
    )))
}

fn value(
    target: &mut Value,
    change: &Value,
    type_: &mut Type<'_>,
    field: Option<Field>,
    order: Option<&Vec<Value>>,
) -> Result<(), Failure> {
    match (change, field.and_then(|field| field.patch_merge)) {
        (Value::Array(changes), Some(key)) => list(target, changes, key, type_, order),
        (Value::Object(_), _) => object(target, change, type_),
        _ => {
            *target = change.clone();
            Ok(())
        }
    }
}

fn list(
    target: &mut Value,
    changes: &[Value],
    key: &str,
    type_: &mut Type<'_>,
    order: Option<&Vec<Value>>,
) -> Result<(), Failure> {
    let replaces =
        |it: &Value| it[DIRECTIVE] == "replace" && it.as_object().is_some_and(|fields| fields.len() == 1);
    if !key.is_empty() && changes.iter().any(replaces) {
        *target = changes.iter().filter(|it| !replaces(it)).cloned().collect();
        return Ok(());
    }
    if !target.is_array() {
        *target = Value::Array(Vec::new());
    }
    let Some(list) = target.as_array_mut() else { return Ok(()) };
    let server = list.clone();
    for change in changes {
        if key.is_empty() {
            if !list.contains(change) {
                list.push(change.clone());
            }
            continue;
        }
        let Some(wanted) = change.get(key) else {
            return Err(wrong(format!("map: {change} does not contain declared merge key: {key}")));
        };
        if change[DIRECTIVE] == "delete" {
            list.retain(|it| it.get(key) != Some(wanted));
            continue;
        }
        match list.iter_mut().find(|it| it.get(key) == Some(wanted)) {
            Some(element) => object(element, change, type_)?,
            None => {
                let mut element = Value::Object(Map::new());
                object(&mut element, change, type_)?;
                list.push(element);
            }
        }
    }
    // Without another order, it is the one of the patch.
    sort(list, order.map_or(changes, Vec::as_slice), key, &server);
    Ok(())
}

/// Puts those that are named in their order. One that only the server has comes before them as far as it did so before; what is new comes
/// first.
fn sort(list: &mut Vec<Value>, order: &[Value], key: &str, server: &[Value]) {
    let of = |value: &Value| if key.is_empty() { value.clone() } else { value[key].clone() };
    let place = |list: &[Value], value: &Value| list.iter().position(|it| of(it) == of(value));
    let (mut named, others): (Vec<_>, Vec<_>) =
        std::mem::take(list).into_iter().partition(|value| place(order, value).is_some());
    named.sort_by_key(|value| place(order, value));
    let mut others = others.into_iter().peekable();
    for value in named {
        let before = place(server, &value);
        while let Some(other) = others.next_if(|other| before.is_some() && place(server, other) < before) {
            list.push(other);
        }
        list.push(value);
    }
    list.extend(others);
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_api::core::v1::Pod;
    use serde_json::json;

    fn merged(mut target: Value, patch: Value) -> Value {
        merge(&mut target, &patch, &mut Pod::default()).unwrap();
        target
    }

    #[test]
    fn lists_are_merged_by_their_keys() {
        let pod = json!({"spec": {"containers": [{"name": "a", "image": "1", "ports": [{"containerPort": 1}]}, {"name": "b"}]}});
        let patch = json!({"spec": {"containers": [
            {"name": "b", "image": "2"}, {"name": "c"}, {"name": "a", "ports": [{"containerPort": 2}]},
        ]}});
        let wanted = json!({"spec": {"containers": [
            {"name": "b", "image": "2"}, {"name": "c"},
            {"name": "a", "image": "1", "ports": [{"containerPort": 2}, {"containerPort": 1}]},
        ]}});
        assert_eq!(merged(pod, patch), wanted);
    }

    #[test]
    fn directives_delete_replace_retain_and_order() {
        let pod = json!({"metadata": {"finalizers": ["a", "b"]}, "spec": {"containers": [{"name": "a"}, {"name": "b"}], "volumes": [{"name": "v", "emptyDir": {}}]}});
        let patch = json!({
            "metadata": {"$deleteFromPrimitiveList/finalizers": ["a"], "finalizers": ["c"]},
            "spec": {
                "$setElementOrder/containers": [{"name": "c"}, {"name": "b"}],
                "containers": [{"$patch": "delete", "name": "a"}, {"name": "c"}],
                "volumes": [{"name": "v", "$retainKeys": ["name", "secret"], "secret": {}}],
            },
        });
        let wanted = json!({
            "metadata": {"finalizers": ["c", "b"]},
            "spec": {"containers": [{"name": "c"}, {"name": "b"}], "volumes": [{"name": "v", "secret": {}}]},
        });
        assert_eq!(merged(pod.clone(), patch), wanted);
        let replaced = merged(
            pod,
            json!({"spec": {"containers": [{"$patch": "replace"}, {"name": "x"}], "$patch": "merge"}}),
        );
        assert_eq!(replaced["spec"]["containers"], json!([{"name": "x"}]));
    }

    #[test]
    fn what_has_no_key_is_refused() {
        let mut pod = json!({"spec": {"containers": [{"name": "c"}]}});
        let patch = json!({"spec": {"containers": [{"image": "x"}]}});
        assert!(merge(&mut pod, &patch, &mut Pod::default()).is_err());
    }
}
