//! The kinds that the server has, which of them share their objects, and how an object of one version becomes one of another.

use std::collections::HashMap;
use std::ops::Deref;

use k8s_api::codec::json;
use k8s_api::kinds::{Kind, Part};
use k8s_api::view::{Message, View};
use serde_json::Value;

use super::failure::Failure;

/// A kind that the server offers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    kind: &'static Kind,
    /// Where its objects are: the position of the kind that they are stored as.
    pub(crate) stored: usize,
}

impl Deref for Known {
    type Target = Kind;

    fn deref(&self) -> &Kind {
        self.kind
    }
}

impl Known {
    /// Such as `deployments.apps`.
    pub(crate) fn full_name(&self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// The group that the real server's own code has it in: events are one kind.
    pub(crate) fn own_group(&self) -> &'static str {
        if self.group == "events.k8s.io" { "" } else { self.group }
    }

    pub(crate) fn part(&self, name: &str) -> Option<&'static Part> {
        self.kind.part(name)
    }
}

/// All kinds of this build.
#[derive(Debug)]
pub(crate) struct Kinds {
    all: Vec<Known>,
    by_plural: HashMap<(&'static str, &'static str, &'static str), usize>,
}

impl Kinds {
    pub(crate) fn new() -> Kinds {
        let mut kinds = Kinds { all: Vec::new(), by_plural: HashMap::new() };
        let mut stored: HashMap<(&str, &str), usize> = HashMap::new();
        // Metrics are another server's.
        let own = k8s_api::kinds::all().iter().filter(|kind| kind.group != "metrics.k8s.io");
        for (position, kind) in own.enumerate() {
            // Events of both groups are the same objects.
            let group = if kind.group == "events.k8s.io" { "" } else { kind.group };
            let stored = *stored.entry((group, kind.plural)).or_insert(position);
            kinds.all.push(Known { kind, stored });
            kinds.by_plural.insert((kind.group, kind.version, kind.plural), position);
        }
        kinds
    }

    pub(crate) fn all(&self) -> &[Known] {
        &self.all
    }

    /// By group, version and plural, as in a path.
    pub(crate) fn at(&self, group: &str, version: &str, plural: &str) -> Option<&Known> {
        self.all.get(*self.by_plural.get(&(group, version, plural))?)
    }

    /// The kind that the objects of another version are stored as.
    pub(crate) fn stored(&self, position: usize) -> Option<&Known> {
        self.all.get(position)
    }

    /// By version and kind, as in an object.
    pub(crate) fn named(&self, api_version: &str, kind: &str) -> Option<&Known> {
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        self.all
            .iter()
            .find(|known| known.group == group && known.version == version && known.kind.kind == kind)
    }

    /// By group and kind in whatever version: what an owner reference names.
    pub(crate) fn of_kind(&self, api_version: &str, kind: &str) -> Option<&Known> {
        let (group, _) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        self.all.iter().find(|known| known.group == group && known.kind.kind == kind)
    }

    pub(crate) fn resource(&self, group: &str, plural: &str) -> Option<&Known> {
        self.all.iter().find(|known| known.group == group && known.plural == plural)
    }

    pub(crate) fn has_group(&self, group: &str) -> bool {
        self.all.iter().any(|known| known.group == group)
    }

    pub(crate) fn has_version(&self, group: &str, version: &str) -> bool {
        self.all.iter().any(|known| known.group == group && known.version == version)
    }

    /// The object as another version has it.
    pub(crate) fn convert(&self, object: Value, from: &Known, to: &Known) -> Result<Value, Failure> {
        if from.group == to.group && from.version == to.version {
            return Ok(object);
        }
        let mut object = super::convert::convert(object, from, to);
        object["apiVersion"] = to.api_version().into();
        object["kind"] = to.kind.kind.into();
        let gap =
            || Failure::gap(format!("conversion of {} from {} to {}", to.plural, from.version, to.version));
        let mut message = (to.make)();
        json::decode_into(&mut *message, object.to_string().as_bytes()).map_err(|_| gap())?;
        let mut lost = Vec::new();
        unknown_fields(&*message, "", &mut lost);
        if !lost.is_empty() {
            return Err(gap());
        }
        Ok(object)
    }
}

/// The paths of the fields that the type does not have.
pub(crate) fn unknown_fields(message: &dyn Message, path: &str, found: &mut Vec<String>) {
    let join = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    for (name, _) in message.unknown().json() {
        // The kind of an object that may stand alone is no field of its table.
        if !(message.table().kind.is_some() && matches!(&**name, "kind" | "apiVersion")) {
            found.push(join(name));
        }
    }
    for (position, name) in message.table().names.iter().enumerate() {
        unknown_in(message.field(position), &join(name), found);
    }
}

fn unknown_in(view: View<'_>, path: &str, found: &mut Vec<String>) {
    match view {
        View::Message(message) => unknown_fields(message, path, found),
        View::List(list) => {
            for index in 0..list.len() {
                unknown_in(list.get(index), &format!("{path}[{index}]"), found);
            }
        }
        View::Map(map) => {
            for (key, value) in (0..map.len()).filter_map(|index| map.get(index)) {
                unknown_in(value, &format!("{path}.{key}"), found);
            }
        }
        _ => {}
    }
}
