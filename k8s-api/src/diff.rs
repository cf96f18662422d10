//! What differs between two values of one type, field by field.

use std::fmt;

use crate::debug::{LAST_APPLIED, Shown};
use crate::path::{FieldPath, Step};
use crate::table::{Merge, Table};
use crate::view::{ListView, MapView, Message, View};

/// Compares two values. Elements of lists with keys are found by their keys, not by their position.
///
/// ```
/// use k8s_api::core::v1::{Container, PodSpec};
///
/// let container = |name: &str, image: &str| Container { name: name.into(), image: image.into(), ..Default::default() };
/// let before = PodSpec { containers: vec![container("a", "a:1"), container("b", "b:1")], ..Default::default() };
/// let after = PodSpec { containers: vec![container("b", "b:2")], host_network: true, ..Default::default() };
/// let shown = "\
/// containers[name=b].image: \"b:1\" -> \"b:2\"
/// containers[name=a]: Container { name: \"a\", image: \"a:1\", resources: ResourceRequirements } -> absent
/// hostNetwork: absent -> true
/// ";
/// assert_eq!(k8s_api::diff::diff(&before, &after).to_string(), shown);
/// ```
pub fn diff<'a, M: Message>(before: &'a M, after: &'a M) -> Diff<'a> {
    let mut out = Diff(Vec::new());
    out.message(&FieldPath::default(), false, before, after);
    out
}

/// The differences, none of them if the values are equal. Written with one on each line; what is secret never is.
pub struct Diff<'a>(Vec<Change<'a>>);

/// One difference.
pub struct Change<'a> {
    path: FieldPath,
    before: View<'a>,
    after: View<'a>,
    what: What,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Value,
    /// Of a secret, or of what this version does not know and might be one.
    Hidden,
    Order,
}

impl<'a> Change<'a> {
    /// Where it is.
    pub fn path(&self) -> &FieldPath {
        &self.path
    }

    /// What was there, secret or not.
    pub fn before(&self) -> View<'a> {
        self.before
    }

    /// What is there now, secret or not.
    pub fn after(&self) -> View<'a> {
        self.after
    }

    /// Whether the elements of a list have only changed places.
    pub fn is_order(&self) -> bool {
        self.what == What::Order
    }

    /// Whether the values are never written.
    pub fn is_hidden(&self) -> bool {
        self.what == What::Hidden
    }
}

impl<'a> Diff<'a> {
    /// Whether the values are equal.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The differences, in the order of the fields.
    pub fn changes(&self) -> &[Change<'a>] {
        &self.0
    }

    fn push(&mut self, path: FieldPath, hidden: bool, before: View<'a>, after: View<'a>) {
        self.0.push(Change { path, before, after, what: if hidden { What::Hidden } else { What::Value } });
    }

    fn message(&mut self, path: &FieldPath, hidden: bool, before: &'a dyn Message, after: &'a dyn Message) {
        let table: &Table = before.table();
        for (position, field) in table.fields().enumerate() {
            let (was, is) = (before.field(position), after.field(position));
            let hidden = hidden || field.sensitive;
            // JSON, and so who reads this, has no field for what is left out.
            let shown = |view| if field.omits(&view) { View::Absent } else { view };
            let inner = || path.then(Step::Field(field.name.to_owned()));
            match (was, is) {
                (View::Message(_), View::Message(_))
                | (View::List(_), View::List(_))
                | (View::Map(_), View::Map(_)) => {
                    self.value(&inner(), field.merge, hidden, was, is);
                }
                (was, is) if was.same(is) => {}
                _ => self.push(inner(), hidden, shown(was), shown(is)),
            }
        }
        let (was, is) = (before.unknown(), after.unknown());
        let find = |unknown: &'a crate::unknown::Unknown, name: &str| {
            unknown.json().iter().find(|(key, _)| key == name).map_or(View::Absent, |(_, raw)| View::Raw(raw))
        };
        let added = is.json().iter().filter(|(name, _)| matches!(find(was, name), View::Absent));
        for (name, _) in was.json().iter().chain(added) {
            let (was, is) = (find(was, name), find(is, name));
            if !was.same(is) {
                self.push(path.then(Step::Field(name.to_string())), true, was, is);
            }
        }
        if was != is && was.json() == is.json() {
            self.push(path.clone(), true, View::Message(before), View::Message(after));
        }
    }

    fn value(&mut self, path: &FieldPath, merge: Merge, hidden: bool, before: View<'a>, after: View<'a>) {
        match (before, after) {
            (View::Message(was), View::Message(is)) if was.table().union => {
                let told = self.0.len();
                self.value(path, merge, hidden, before.chosen(), after.chosen());
                let mut fields = Diff(Vec::new());
                fields.message(path, hidden, was, is);
                // JSON can't tell them apart.
                if told == self.0.len() && !fields.is_empty() {
                    self.push(path.clone(), hidden, before, after);
                }
            }
            (View::Message(before), View::Message(after)) => self.message(path, hidden, before, after),
            (View::Map(before), View::Map(after)) => self.map(path, hidden, before, after),
            (View::List(before), View::List(after)) => match merge {
                Merge::Keys(keys) => self.elements(path, merge, keys, hidden, before, after),
                Merge::Set => self.elements(path, merge, &[], hidden, before, after),
                Merge::Default | Merge::Atomic => {
                    for index in 0..before.len().max(after.len()) {
                        let path = path.then(Step::Index(index));
                        self.value(&path, Merge::Default, hidden, before.get(index), after.get(index));
                    }
                }
            },
            (before, after) if before.same(after) => {}
            (before, after) => self.push(path.clone(), hidden, before, after),
        }
    }

    fn map(&mut self, path: &FieldPath, hidden: bool, before: &'a dyn MapView, after: &'a dyn MapView) {
        // Both are sorted by key.
        let (mut was, mut is) = (0, 0);
        loop {
            let (old, new) = (before.get(was), after.get(is));
            let key = match (&old, &new) {
                (Some((old, _)), Some((new, _))) => (*old).min(*new),
                (Some((key, _)), None) | (None, Some((key, _))) => *key,
                (None, None) => break,
            };
            let at = |entry: Option<(&'a str, View<'a>)>, next: &mut usize| match entry {
                Some((found, view)) if found == key => {
                    *next += 1;
                    view
                }
                _ => View::Absent,
            };
            let (old, new) = (at(old, &mut was), at(new, &mut is));
            let path = path.then(Step::Field(key.to_owned()));
            self.value(&path, Merge::Default, hidden || key == LAST_APPLIED, old, new);
        }
    }

    /// The elements of a list that are told apart by what they are.
    fn elements(
        &mut self,
        path: &FieldPath,
        merge: Merge,
        keys: &[&str],
        hidden: bool,
        before: &'a dyn ListView,
        after: &'a dyn ListView,
    ) {
        let mut left: Vec<Option<View<'a>>> = (0..before.len()).map(|at| Some(before.get(at))).collect();
        let (mut furthest, mut moved) = (0, false);
        for (index, element) in (0..after.len()).map(|at| (at, after.get(at))) {
            let same = |old: &Option<View<'a>>| old.is_some_and(|old| merge.same_element(old, element));
            let path = path.then(Step::to_element(keys, index, element));
            let found = left.iter().position(same);
            let old = found.and_then(|at| left.get_mut(at)).and_then(Option::take);
            moved |= found.is_some_and(|at| at < furthest);
            furthest = found.unwrap_or_default().max(furthest);
            self.value(&path, Merge::Default, hidden, old.unwrap_or(View::Absent), element);
        }
        for (index, old) in left.into_iter().enumerate() {
            if let Some(old) = old {
                self.push(path.then(Step::to_element(keys, index, old)), hidden, old, View::Absent);
            }
        }
        if moved {
            let (before, after) = (View::List(before), View::List(after));
            self.0.push(Change { path: path.clone(), before, after, what: What::Order });
        }
    }
}

impl fmt::Display for Change<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str("the object")?;
        }
        write!(f, "{}: ", self.path)?;
        let shown = |view| match view {
            View::Absent => "absent".to_owned(),
            _ if self.is_hidden() => crate::debug::HIDDEN.to_owned(),
            view => format!("{:?}", Shown(view)),
        };
        match self.what {
            What::Order => f.write_str("the same elements in another order"),
            _ => write!(f, "{} -> {}", shown(self.before), shown(self.after)),
        }
    }
}

impl fmt::Display for Diff<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|change| writeln!(f, "{change}"))
    }
}

impl fmt::Debug for Change<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Diff<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::diff;
    use crate::codec::{json, protobuf};
    use crate::core::v1::{ConfigMap, Pod, Secret};
    use crate::view::Message;

    fn differences<M: Message + Default>(before: &str, after: &str) -> Vec<String> {
        let read = |text: &str| json::decode::<M>(text.as_bytes()).unwrap();
        diff(&read(before), &read(after)).to_string().lines().map(str::to_owned).collect()
    }

    #[test]
    fn every_kind_of_field_is_told() {
        let before = r#"{"metadata":{"labels":{"a":"1","b.c/d":"2"},"finalizers":["x","y"],"generation":1},"spec":{
            "hostNetwork":true,"containers":[{"name":"a","args":["1","2"],"resources":{"limits":{"cpu":"1000m","memory":"1Gi"}},
            "ports":[{"containerPort":80,"protocol":"TCP"}]},{"name":"b"}]},"status":{"phase":"Pending"}}"#;
        let after = r#"{"metadata":{"labels":{"b.c/d":"3"},"finalizers":["y","z"],"generation":2},"spec":{
            "nodeName":"n","activeDeadlineSeconds":0,"securityContext":{"runAsUser":1},
            "containers":[{"name":"b"},{"name":"a","args":["1"],"resources":{"limits":{"cpu":"1","memory":"2Gi"}},
            "ports":[{"containerPort":80,"protocol":"UDP"}]}]},"status":{"phase":"Running"}}"#;
        let expected = [
            "metadata.generation: 1 -> 2",
            "metadata.labels.a: \"1\" -> absent",
            "metadata.labels['b.c/d']: \"2\" -> \"3\"",
            "metadata.finalizers[=z]: absent -> \"z\"",
            "metadata.finalizers[=x]: \"x\" -> absent",
            "spec.containers[name=a].args[1]: \"2\" -> absent",
            "spec.containers[name=a].ports[containerPort=80,protocol=UDP]: absent -> ContainerPort { containerPort: 80, protocol: \"UDP\" }",
            "spec.containers[name=a].ports[containerPort=80,protocol=TCP]: ContainerPort { containerPort: 80, protocol: \"TCP\" } -> absent",
            "spec.containers[name=a].resources.limits.memory: 1Gi -> 2Gi",
            "spec.containers: the same elements in another order",
            "spec.activeDeadlineSeconds: absent -> 0",
            "spec.nodeName: absent -> \"n\"",
            "spec.hostNetwork: true -> absent",
            "spec.securityContext: absent -> PodSecurityContext { runAsUser: 1 }",
            "status.phase: \"Pending\" -> \"Running\"",
        ];
        assert_eq!(differences::<Pod>(before, after), expected);
        assert!(differences::<Pod>(before, before).is_empty());
    }

    #[test]
    fn a_secret_is_never_shown() {
        let shown = differences::<Secret>(
            r#"{"data":{"a":"aHVudGVyMg==","c":"YQ=="},"newer":"hunter2","metadata":{"annotations":{
                "kubectl.kubernetes.io/last-applied-configuration":"hunter2"}}}"#,
            r#"{"data":{"a":"aHVudGVyMw==","b":"aHVudGVyMg==","c":"YQ=="},"newer":"hunter3","metadata":{"annotations":{
                "kubectl.kubernetes.io/last-applied-configuration":"hunter3"}}}"#,
        );
        let expected = [
            "metadata.annotations['kubectl.kubernetes.io/last-applied-configuration']: <hidden> -> <hidden>",
            "data.a: <hidden> -> <hidden>",
            "data.b: absent -> <hidden>",
            "newer: <hidden> -> <hidden>",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn what_is_not_known_differs_too() {
        let text = r#"{"x":1,"metadata":{"y":1,"z":[]}}"#;
        let shown = differences::<ConfigMap>(text, r#"{"metadata":{"y":2,"w":{}}}"#);
        let expected = [
            "metadata.y: <hidden> -> <hidden>",
            "metadata.z: <hidden> -> absent",
            "metadata.w: absent -> <hidden>",
            "x: <hidden> -> absent",
        ];
        assert_eq!(shown, expected);
        let mut newer = ConfigMap::default();
        protobuf::decode_message(&mut newer, b"\xfa\x06\x05newer").unwrap();
        assert_eq!(diff(&ConfigMap::default(), &newer).to_string(), "the object: <hidden> -> <hidden>\n");
    }
}
