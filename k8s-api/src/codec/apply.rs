//! What server-side apply is sent: only what was set.
//!
//! A value that may be absent was set when it is there. A value that can't be absent was set when it is not its zero,
//! or when it is named. Required fields of a list element that is sent are sent with it, keys among them; a key that is
//! not required has a default, and is sent when it was set. Required fields of custom resources are always sent: the
//! server validates what is applied as a whole.
//! Inside of what is owned as a whole, everything is written as for a replace. Fields that the table does not know,
//! and `metadata.managedFields`, which the server refuses, are never sent.

use crate::codec::error::EncodeError;
use crate::codec::json::{key, string, value};
use crate::path::{FieldPath, PathError, Step};
use crate::table::{Field, Merge, Table};
use crate::view::{Message, View};

/// Writes what was set in `message`, and the fields at `own` even if they are zero.
///
/// They are [paths](crate::path): `spec.replicas`, `spec.containers[name=main].tty`, `spec.containers[*].stdin`.
pub fn encode<M: Message + Default>(message: &M, own: &[&str]) -> Result<Vec<u8>, EncodeError> {
    encode_dyn(message, &mut M::default(), own)
}

/// The same, with a new message of the same type.
pub(crate) fn encode_dyn(
    message: &dyn Message,
    blank: &mut dyn Message,
    own: &[&str],
) -> Result<Vec<u8>, EncodeError> {
    let mut paths = Vec::new();
    for path in own {
        let path: FieldPath = path.parse().map_err(|error: PathError| EncodeError::new(error.to_string()))?;
        path.check_on(blank).map_err(|error| EncodeError::new(error.to_string()))?;
        paths.push(path);
    }
    if message.table().at_run_time {
        return whole(message);
    }
    let active: Vec<&[Step]> = paths.iter().map(FieldPath::steps).collect();
    let mut out = vec![b'{'];
    let mut first = true;
    if let Some(kind) = message.table().kind {
        for (name, value) in [("kind", kind.kind), ("apiVersion", kind.api_version)] {
            key(name, &mut first, &mut out);
            string(value, &mut out);
        }
    }
    fields(message, false, &active, &mut first, &mut out)?;
    Ok(out)
}

/// Without a type, everything that is there was set, a mistake too: the server is to see it.
fn whole(message: &dyn Message) -> Result<Vec<u8>, EncodeError> {
    let (table, mut out, mut first) = (message.table(), vec![b'{'], true);
    for (position, field) in table.fields().enumerate() {
        let view = message.field(position);
        if is_managed_fields(table, &field) || field.omits(&view) {
            continue;
        }
        key(field.name, &mut first, &mut out);
        match view {
            View::Message(metadata) if metadata.table().name.ends_with(".ObjectMeta") => {
                out.extend(whole(metadata)?)
            }
            view => value(view, &mut out)?,
        }
    }
    for (name, raw) in message.unknown().json() {
        key(name, &mut first, &mut out);
        out.extend_from_slice(raw.text().as_bytes());
    }
    out.push(b'}');
    Ok(out)
}

/// The paths that go on inside of where a step leads.
fn inside<'a>(own: &[&'a [Step]], leads: impl Fn(&Step) -> bool) -> Vec<&'a [Step]> {
    own.iter()
        .filter_map(|path| path.split_first())
        .filter(|(first, _)| leads(first))
        .map(|(_, rest)| rest)
        .collect()
}

fn is_field(name: &str) -> impl Fn(&Step) -> bool {
    move |step| matches!(step, Step::Field(field) if field == name)
}

/// The fields of an object that is begun, and its end. `element` is whether it is one of a list with keys.
fn fields(
    message: &dyn Message,
    element: bool,
    own: &[&[Step]],
    first: &mut bool,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let table = message.table();
    for (position, field) in table.fields().enumerate() {
        let view = message.field(position);
        let own = inside(own, is_field(field.name));
        let named = own.iter().any(|path| path.is_empty());
        let forced = named || (field.required && (element || field.of_custom_resource()));
        if matches!(view, View::Absent) && !forced || is_managed_fields(table, &field) {
            continue;
        }
        let structure = matches!(view, View::Message(message) if !message.table().union);
        let set = forced || field.is_optional() || structure || !view.is_empty();
        if !set {
            continue;
        }
        let (before, was_first) = (out.len(), *first);
        key(field.name, first, out);
        let begins = out.len();
        granular(&field, view, &own, out)?;
        // A struct that can't be absent says nothing when nothing in it was set.
        if structure && !forced && !field.is_optional() && out.get(begins..) == Some(b"{}") {
            out.truncate(before);
            *first = was_first;
        }
    }
    out.push(b'}');
    Ok(())
}

fn is_managed_fields(table: &Table, field: &Field) -> bool {
    field.name == "managedFields" && table.name.ends_with(".ObjectMeta")
}

/// A value by the rules of its field; what is owned as a whole is written as for a replace.
fn granular(field: &Field, view: View<'_>, own: &[&[Step]], out: &mut Vec<u8>) -> Result<(), EncodeError> {
    match (field.merge, view) {
        (Merge::Default, View::Message(message)) if !message.table().union => {
            object(message, false, own, out)?
        }
        (Merge::Default, View::Map(map)) => {
            out.push(b'{');
            let mut first = true;
            for (name, view) in (0..map.len()).filter_map(|index| map.get(index)) {
                key(name, &mut first, out);
                match view {
                    View::Message(message) if !message.table().union => {
                        object(message, false, &inside(own, is_field(name)), out)?;
                    }
                    view => value(view, out)?,
                }
            }
            out.push(b'}');
        }
        (Merge::Keys(_), View::List(list)) => {
            out.push(b'[');
            for index in 0..list.len() {
                if index > 0 {
                    out.push(b',');
                }
                match list.get(index) {
                    view @ View::Message(message) => {
                        object(message, true, &inside(own, |step| step.names(index, view)), out)?
                    }
                    view => value(view, out)?,
                }
            }
            out.push(b']');
        }
        (_, view) => value(view, out)?,
    }
    Ok(())
}

fn object(
    message: &dyn Message,
    element: bool,
    own: &[&[Step]],
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    out.push(b'{');
    fields(message, element, own, &mut true, out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apps::v1::Deployment;
    use crate::core::v1::{Container, ContainerPort, Pod, Volume};

    fn applied<M: Message + Default>(message: &M, own: &[&str]) -> String {
        String::from_utf8(encode(message, own).unwrap()).unwrap()
    }

    #[test]
    fn an_empty_apply_is_only_its_name() {
        let mut deployment = Deployment::default();
        deployment.metadata.name = "web".into();
        deployment.metadata.namespace = "shop".into();
        let expected =
            r#"{"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"web","namespace":"shop"}}"#;
        assert_eq!(applied(&deployment, &[]), expected);
    }

    #[test]
    fn only_what_was_set_is_sent_with_the_keys_of_list_elements() {
        let mut pod = Pod::default();
        pod.metadata.name = "p".into();
        let port = ContainerPort { container_port: 80, ..Default::default() };
        pod.spec.containers =
            vec![Container { name: "main".into(), ports: vec![port], ..Default::default() }];
        pod.spec.volumes =
            vec![Volume { name: "tmp".into(), empty_dir: Some(Default::default()), ..Default::default() }];
        let spec = r#"{"volumes":[{"name":"tmp","emptyDir":{}}],"containers":[{"name":"main","ports":[{"containerPort":80}]}]}"#;
        assert_eq!(
            applied(&pod, &[]),
            format!(r#"{{"kind":"Pod","apiVersion":"v1","metadata":{{"name":"p"}},"spec":{spec}}}"#)
        );
    }

    #[test]
    fn a_zero_is_sent_when_it_is_named_or_could_be_absent() {
        let mut pod = Pod::default();
        pod.spec.containers = vec![Container { name: "main".into(), ..Default::default() }];
        pod.spec.active_deadline_seconds = Some(0);
        let text = applied(&pod, &["spec.hostNetwork", "spec.containers[name=main].tty"]);
        let spec =
            r#"{"containers":[{"name":"main","tty":false}],"activeDeadlineSeconds":0,"hostNetwork":false}"#;
        assert_eq!(text, format!(r#"{{"kind":"Pod","apiVersion":"v1","spec":{spec}}}"#));
        assert_eq!(applied(&pod, &["spec.hostNetwork", "spec.containers[0].tty"]), text);
        assert_eq!(applied(&pod, &["spec.hostNetwork", "spec.containers[*].tty"]), text);
        let other = applied(&pod, &["spec.containers[name=other].tty", "spec.containers[1].tty"]);
        assert_eq!(other, applied(&pod, &[]));
    }

    #[test]
    fn a_path_that_no_type_has_is_refused_with_what_there_is() {
        let error = encode(&Pod::default(), &["spec.hostnetwork"]).unwrap_err().to_string();
        assert!(error.contains("has no field `hostnetwork`") && error.contains("hostNetwork"), "{error}");
        assert!(
            encode(&Pod::default(), &["spec.hostNetwork.x"])
                .unwrap_err()
                .to_string()
                .contains("nothing inside")
        );
        assert!(encode(&Pod::default(), &["spec..x"]).unwrap_err().to_string().contains("is no path"));
    }

    #[test]
    fn what_the_table_does_not_know_is_never_sent() {
        let json =
            br#"{"metadata":{"name":"p","managedFields":[{"manager":"m"}],"newer":1},"spec":{"newer":true}}"#;
        let pod: Pod = crate::codec::json::decode(json).unwrap();
        assert_eq!(applied(&pod, &[]), r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"p"}}"#);
    }
}
