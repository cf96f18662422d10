//! Deep merge over the tables: what was set in one value is laid over another.
//!
//! Set is what server-side apply would send: a value that may be absent and is there, or one that is not its zero. Structs
//! and maps are merged entry by entry; lists by the keys or values that the schema names for them, and as a whole
//! otherwise; what is atomic is replaced.

use crate::leaf::Scalar;
use crate::table::{Field, Merge};
use crate::view::{ListSlot, ListView, Message, Slot, View};

/// Lays what was set in `from` over `into`.
///
/// ```
/// use k8s_api::core::v1::{Container, PodSpec};
///
/// let container = |image: &str| Container { name: "app".into(), image: image.into(), tty: true, ..Default::default() };
/// let mut base = PodSpec { containers: vec![container("app:1")], ..Default::default() };
/// let newer = Container { name: "app".into(), image: "app:2".into(), ..Default::default() };
/// k8s_api::merge::merge(&mut base, &PodSpec { containers: vec![newer], ..Default::default() });
/// assert_eq!(base.containers, [container("app:2")]);
/// ```
pub fn merge<M: Message>(into: &mut M, from: &M) {
    message(into, from);
}

fn message(into: &mut dyn Message, from: &dyn Message) {
    let table = from.table();
    for (position, field) in table.fields().enumerate() {
        let view = from.field(position);
        let set = match view {
            View::Absent => false,
            View::Message(_) => true,
            ref view => field.is_optional() || !view.is_empty(),
        };
        if let (true, Some(slot)) = (set, into.field_mut(position)) {
            value(&field, slot, view);
        }
    }
    for (name, raw) in from.unknown().json() {
        into.unknown_mut().push_json(name.clone(), raw.clone());
    }
    // Of a field that comes twice in protobuf the last one counts, or adds to the first.
    into.unknown_mut().push_protobuf(from.unknown().protobuf());
}

fn value(field: &Field, slot: Slot<'_>, view: View<'_>) {
    match (field.merge, slot, view) {
        (merge, Slot::Option(option), view) if !matches!(view, View::Null) => {
            let field = Field { merge, ..crate::table::field(field.name, field.number) };
            value(&field, option.fill(), view);
        }
        (Merge::Default, Slot::Message(into), View::Message(from)) => message(into, from),
        (Merge::Default, Slot::Map(into), View::Map(from)) => {
            for (key, view) in (0..from.len()).filter_map(|index| from.get(index)) {
                match (into.entry(key.into()), view) {
                    (Slot::Message(into), View::Message(from)) => message(into, from),
                    (slot, view) => assign(slot, view),
                }
            }
        }
        (merge @ (Merge::Keys(_) | Merge::Set), Slot::List(into), View::List(from)) => {
            for element in (0..from.len()).map(|index| from.get(index)) {
                let known =
                    (0..into.view().len()).find(|&at| merge.same_element(into.view().get(at), element));
                let slot = match known {
                    Some(at) => into.get_mut(at),
                    None => Some(into.push()),
                };
                match (slot, element) {
                    (Some(Slot::Message(into)), View::Message(element)) => message(into, element),
                    (Some(slot), element) => assign(slot, element),
                    (None, _) => {}
                }
            }
        }
        (_, slot, view) => assign(slot, view),
    }
}

/// Makes the slot hold what the view shows, and nothing else.
fn assign(slot: Slot<'_>, view: View<'_>) {
    match (slot, view) {
        (Slot::Option(option), View::Absent) => option.clear(),
        (Slot::Option(option), View::Null) => option.set_null(),
        (Slot::Option(option), view) => {
            option.clear();
            assign(option.fill(), view);
        }
        (Slot::Bool(slot), View::Bool(value)) => *slot = value,
        (Slot::I32(slot), View::I32(value)) => *slot = value,
        (Slot::I64(slot), View::I64(value)) => *slot = value,
        (Slot::F64(slot), View::F64(value)) => *slot = value,
        (Slot::Str(slot), View::Str(value)) => *slot = value.into(),
        (Slot::Enum(slot), View::Str(value)) => slot.set(value),
        (Slot::Bytes(slot), View::Bytes(value)) => *slot = value.clone(),
        (Slot::Raw(slot), View::Raw(value)) => *slot = value.clone(),
        (Slot::Leaf(slot), View::Leaf(value)) => copy_leaf(slot, value.get()),
        (Slot::Message(into), View::Message(from)) => {
            for position in 0..from.table().len() {
                if let Some(slot) = into.field_mut(position) {
                    assign(slot, from.field(position));
                }
            }
            *into.unknown_mut() = from.unknown().clone();
        }
        (Slot::List(into), View::List(from)) => assign_list(into, from),
        (Slot::Map(into), View::Map(from)) => {
            into.clear();
            for (key, view) in (0..from.len()).filter_map(|index| from.get(index)) {
                assign(into.entry(key.into()), view);
            }
        }
        // Both come from the same type.
        _ => {}
    }
}

fn assign_list(into: &mut dyn ListSlot, from: &dyn ListView) {
    into.clear();
    for index in 0..from.len() {
        assign(into.push(), from.get(index));
    }
}

fn copy_leaf(slot: &mut dyn crate::leaf::Leaf, scalar: Scalar<'_>) {
    // What one value of a type says, another of it takes.
    let _ = slot.set(scalar);
}

#[cfg(test)]
mod tests {
    use super::merge;
    use crate::codec::json;
    use crate::core::v1::Pod;

    fn merged(into: &str, from: &str) -> String {
        let mut pod: Pod = json::decode(into.as_bytes()).unwrap();
        merge(&mut pod, &json::decode(from.as_bytes()).unwrap());
        let text = String::from_utf8(json::encode(&pod.metadata).unwrap()).unwrap();
        let spec = String::from_utf8(json::encode(&pod.spec).unwrap()).unwrap();
        format!("{text} {spec}")
    }

    #[test]
    fn structs_maps_and_keyed_lists_are_merged_and_others_replaced() {
        let into = r#"{"metadata":{"name":"a","labels":{"a":"1","b":"2"},"finalizers":["x"]},"spec":{"containers":[
            {"name":"c","image":"1","args":["a","b"],"resources":{"limits":{"cpu":"1"}}},{"name":"d","resources":{}}]}}"#;
        let from = r#"{"metadata":{"labels":{"b":"3"},"finalizers":["x","y"]},"spec":{"activeDeadlineSeconds":0,"containers":[
            {"name":"c","args":["z"],"resources":{}},{"name":"e","resources":{}}]}}"#;
        let metadata = r#"{"name":"a","labels":{"a":"1","b":"3"},"finalizers":["x","y"]}"#;
        let spec = r#"{"containers":[{"name":"c","image":"1","args":["z"],"resources":{"limits":{"cpu":"1"}}},{"name":"d","resources":{}},{"name":"e","resources":{}}],"activeDeadlineSeconds":0}"#;
        assert_eq!(merged(into, from), format!("{metadata} {spec}"));
    }

    #[test]
    fn merging_into_nothing_is_a_copy_with_what_is_not_known() {
        let text = r#"{"metadata":{"name":"a","newer":1},"spec":{"nodeSelector":{"k":"v"},"newer":{"x":[]},"containers":[],"volumes":[{"name":"v","emptyDir":{},"newer":2}]}}"#;
        let mut pod = Pod::default();
        let from: Pod = json::decode(text.as_bytes()).unwrap();
        merge(&mut pod, &from);
        assert_eq!(pod, from);
    }
}
