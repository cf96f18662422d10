//! Where a field is inside of an object: `spec.template.spec.containers[name=main].image`.
//!
//! One notation for all that names fields: what an apply owns, what a [diff](crate::diff) tells, where an error is.
//! Fields and keys of maps are parted by dots, or quoted in brackets if they hold dots or brackets themselves:
//! `metadata.labels['app.kubernetes.io/name']`. An element of a list is named by its position (`args[0]`), by the keys
//! that the schema names for it (`ports[containerPort=80,protocol=TCP]`), as a scalar by its value
//! (`metadata.finalizers[=example.com/wait]`), or with all others (`containers[*]`).

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use crate::leaf::Scalar;
use crate::view::{Message, Slot, View};

/// The way to a field from the object that holds it.
///
/// ```
/// use k8s_api::core::v1::{Container, Pod};
/// use k8s_api::path::FieldPath;
/// use k8s_api::view::View;
///
/// let mut pod = Pod::default();
/// pod.spec.containers = vec![Container { name: "main".into(), image: "app:1".into(), ..Default::default() }];
/// let path: FieldPath = "spec.containers[name=main].image".parse()?;
/// path.check::<Pod>()?;
/// assert!(matches!(path.get(&pod), Some(View::Str("app:1"))));
/// # Ok::<(), k8s_api::path::PathError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FieldPath(Vec<Step>);

/// One step of a [`FieldPath`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// To a field of a struct, or to the value of a key of a map.
    Field(String),
    /// To the element of a list at a position.
    Index(usize),
    /// To every element of a list.
    Every,
    /// To the elements of a list whose fields have these values. Without a field's name: the elements that are this value.
    Keys(Vec<(String, String)>),
}

/// Why a text is no path, or a path leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathError(String);

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PathError {}

impl FieldPath {
    /// From the object to the field.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Whether it stays at the object itself.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn then(&self, step: Step) -> FieldPath {
        let mut steps = self.0.clone();
        steps.push(step);
        FieldPath(steps)
    }

    /// Whether values of this type have such a field.
    pub fn check<M: Message + Default>(&self) -> Result<(), PathError> {
        self.check_on(&mut M::default())
    }

    /// The same, on a new message of the type.
    pub(crate) fn check_on(&self, blank: &mut dyn Message) -> Result<(), PathError> {
        check(&self.0, Slot::Message(blank)).map_err(|reason| self.wrong(&reason))
    }

    pub(crate) fn wrong(&self, reason: &str) -> PathError {
        PathError(format!("`{self}`: {reason}"))
    }

    /// The field. Of several that the path names, the first; `None` if there is none.
    pub fn get<'a>(&self, message: &'a dyn Message) -> Option<View<'a>> {
        self.0.iter().try_fold(View::Message(message), |view, step| match (view.chosen(), step) {
            (View::Message(message), Step::Field(name)) => match message.table().position(name) {
                Some(position) => Some(message.field(position)),
                None => message
                    .unknown()
                    .json()
                    .iter()
                    .find(|(key, _)| key == name)
                    .map(|(_, raw)| View::Raw(raw)),
            },
            (View::Map(map), Step::Field(name)) => {
                (0..map.len()).filter_map(|at| map.get(at)).find(|(key, _)| key == name).map(|(_, view)| view)
            }
            (View::List(list), step) => {
                (0..list.len()).find(|&at| step.names(at, list.get(at))).map(|at| list.get(at))
            }
            _ => None,
        })
    }
}

/// Follows a path through the types, on a value that is thrown away.
fn check(steps: &[Step], slot: Slot<'_>) -> Result<(), String> {
    let Some((step, rest)) = steps.split_first() else { return Ok(()) };
    match step {
        Step::Field(name) => check(rest, slot.inside(name)?),
        Step::Index(_) | Step::Every => check(rest, slot.element()?),
        Step::Keys(keys) => {
            let mut element = slot.element()?;
            for (name, _) in keys.iter().filter(|(name, _)| !name.is_empty()) {
                element.reborrow().inside(name)?;
            }
            check(rest, element)
        }
    }
}

impl<'a> Slot<'a> {
    /// A field of a struct or the value of a map's key; an error says what there is instead.
    pub(crate) fn inside(self, name: &str) -> Result<Slot<'a>, String> {
        match self {
            Slot::Option(option) => option.fill().inside(name),
            Slot::Message(message) if message.table().union => {
                let one = choice(message, |slot| matches!(slot, Slot::Option(_)));
                one.ok_or("a list, not an object, may stand here")?.inside(name)
            }
            Slot::Message(message) => {
                let table = message.table();
                let known = || table.names.join(", ");
                table
                    .position(name)
                    .and_then(|position| message.field_mut(position))
                    .ok_or_else(|| format!("{} has no field `{name}`; it has {}", table.name, known()))
            }
            Slot::Map(map) => Ok(map.entry(name.into())),
            Slot::List(_) => {
                Err(format!("`{name}` is looked for in a list, whose elements are named as `[0]` or `[*]`"))
            }
            _ => Err(format!("`{name}` is looked for where there is nothing inside")),
        }
    }

    /// An element of a list.
    pub(crate) fn element(self) -> Result<Slot<'a>, String> {
        match self {
            Slot::Option(option) => option.fill().element(),
            Slot::List(list) => Ok(list.push()),
            Slot::Message(message) if message.table().union => {
                choice(message, |slot| matches!(slot, Slot::List(_)))
                    .ok_or("no list may stand here")?
                    .element()
            }
            _ => Err("an element is looked for in what is no list".to_owned()),
        }
    }
}

/// What a union may be: the field of that kind.
fn choice(union: &mut dyn Message, wanted: impl Fn(&Slot<'_>) -> bool) -> Option<Slot<'_>> {
    let position = (0..union.table().len())
        .find(|&position| union.field_mut(position).is_some_and(|slot| wanted(&slot)))?;
    union.field_mut(position)
}

impl Step {
    /// The step to an element that has these keys, all of them, since others may have some of them too; by its position
    /// if it has none.
    pub(crate) fn to_element(keys: &[&str], index: usize, element: View<'_>) -> Step {
        let View::Message(message) = element else {
            return Step::Keys(vec![(String::new(), scalar(element).unwrap_or_default().into_owned())]);
        };
        let table = message.table();
        let fields = || keys.iter().filter_map(|key| Some((*key, message.field(table.position(key)?))));
        if fields().all(|(_, view)| matches!(view, View::Absent)) {
            return Step::Index(index);
        }
        let key = |(key, view)| (String::from(key), scalar(view).unwrap_or_default().into_owned());
        Step::Keys(fields().map(key).collect())
    }

    /// Whether it leads to this element of a list.
    pub(crate) fn names(&self, index: usize, element: View<'_>) -> bool {
        match self {
            Step::Field(_) => false,
            Step::Index(wanted) => *wanted == index,
            Step::Every => true,
            Step::Keys(keys) => keys.iter().all(|(name, value)| {
                let view = match element {
                    View::Message(message) => match message.table().position(name) {
                        Some(position) => message.field(position),
                        None => return false,
                    },
                    element if name.is_empty() => element,
                    _ => return false,
                };
                scalar(view).unwrap_or_default() == *value
            }),
        }
    }
}

/// What a path shows of a key.
fn scalar(view: View<'_>) -> Option<Cow<'_, str>> {
    Some(match view {
        View::Bool(value) => value.to_string().into(),
        View::I32(value) => value.to_string().into(),
        View::I64(value) => value.to_string().into(),
        View::F64(value) => value.to_string().into(),
        View::Str(value) => value.into(),
        View::Leaf(leaf) => match leaf.get() {
            Scalar::Text(text) | Scalar::Number(text) => text,
            Scalar::Int(value) => value.to_string().into(),
        },
        _ => return None,
    })
}

impl FromIterator<Step> for FieldPath {
    fn from_iter<I: IntoIterator<Item = Step>>(steps: I) -> FieldPath {
        FieldPath(steps.into_iter().collect())
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Field(name) if needs_quotes(name, ".[]=") => write!(f, "[{}]", Quoted(name))?,
                Step::Field(name) if position == 0 => f.write_str(name)?,
                Step::Field(name) => write!(f, ".{name}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Every => f.write_str("[*]")?,
                Step::Keys(keys) => {
                    f.write_str("[")?;
                    for (position, (name, value)) in keys.iter().enumerate() {
                        let comma = if position == 0 { "" } else { "," };
                        if needs_quotes(value, ",]") {
                            write!(f, "{comma}{name}={}", Quoted(value))?;
                        } else {
                            write!(f, "{comma}{name}={value}")?;
                        }
                    }
                    f.write_str("]")?;
                }
            }
        }
        Ok(())
    }
}

fn needs_quotes(text: &str, special: &str) -> bool {
    text.is_empty()
        || text.contains(|c: char| {
            special.contains(c) || matches!(c, '\'' | '\\') || c.is_whitespace() || c.is_control()
        })
}

struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.0.replace('\\', "\\\\").replace('\'', "\\'"))
    }
}

impl FromStr for FieldPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<FieldPath, PathError> {
        let mut reader = Reader { text, rest: text };
        let mut steps = Vec::new();
        while !reader.rest.is_empty() {
            if reader.take('[') {
                steps.push(reader.brackets()?);
            } else {
                if !steps.is_empty() && !reader.take('.') {
                    return Err(reader.error("a `.` or a `[`"));
                }
                steps.push(Step::Field(reader.plain(".[", "the name of a field")?.to_owned()));
            }
        }
        if steps.is_empty() {
            return Err(reader.error("the name of a field"));
        }
        Ok(FieldPath(steps))
    }
}

struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn error(&self, expected: &str) -> PathError {
        let at = self.text.len() - self.rest.len();
        PathError(format!(
            "`{}` is no path: expected {expected} at byte {at}; a path is written as spec.containers[name=main].image, \
             spec.containers[0], spec.containers[*] or metadata.labels['a.b']",
            self.text
        ))
    }

    fn take(&mut self, wanted: char) -> bool {
        let rest = self.rest.strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// What comes before one of these.
    fn plain(&mut self, ends: &str, expected: &str) -> Result<&'a str, PathError> {
        let (taken, rest) =
            self.rest.split_at(self.rest.find(|c| ends.contains(c)).unwrap_or(self.rest.len()));
        if taken.is_empty() {
            return Err(self.error(expected));
        }
        self.rest = rest;
        Ok(taken)
    }

    fn brackets(&mut self) -> Result<Step, PathError> {
        let step = if self.rest.starts_with('\'') {
            Step::Field(self.quoted()?)
        } else if self.take('*') {
            Step::Every
        } else if !self.has_key() {
            let at = Reader { ..*self };
            let index = self.plain("]", "a position, `*`, a key as `name=main` or a text in quotes")?;
            Step::Index(
                index
                    .parse()
                    .map_err(|_| at.error("a position, `*`, a key as `name=main` or a text in quotes"))?,
            )
        } else {
            let mut keys = Vec::new();
            loop {
                let name =
                    if self.rest.starts_with('=') { "" } else { self.plain("=,]", "the name of a key")? };
                if !self.take('=') {
                    return Err(self.error("`=` and the value of the key"));
                }
                let value = if self.rest.starts_with('\'') {
                    self.quoted()?
                } else {
                    self.plain(",]", "a value")?.to_owned()
                };
                keys.push((name.to_owned(), value));
                if !self.take(',') {
                    break Step::Keys(keys);
                }
            }
        };
        if self.take(']') { Ok(step) } else { Err(self.error("`]`")) }
    }

    /// Whether a key and its value come before the bracket ends.
    fn has_key(&self) -> bool {
        self.rest.find(['=', ']']).is_some_and(|at| self.rest[at..].starts_with('='))
    }

    fn quoted(&mut self) -> Result<String, PathError> {
        self.take('\'');
        let mut out = String::new();
        let mut chars = self.rest.chars();
        loop {
            match chars.next() {
                Some('\'') => break,
                Some('\\') => out.extend(chars.next()),
                Some(other) => out.push(other),
                None => {
                    self.rest = "";
                    return Err(self.error("`'`"));
                }
            }
        }
        self.rest = chars.as_str();
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;
    use crate::core::v1::Pod;
    use proptest::prelude::*;

    fn pod() -> Pod {
        let text = br#"{"metadata":{"labels":{"a.b/c":"1"},"finalizers":["x","y"],"newer":7},
            "spec":{"containers":[{"name":"a","ports":[{"containerPort":80,"protocol":"UDP"},{"containerPort":80}]},{"name":"b","image":"i"}]}}"#;
        json::decode(text).unwrap()
    }

    #[test]
    fn a_path_finds_its_field() {
        let pod = pod();
        for (path, expected) in [
            ("metadata.labels['a.b/c']", "\"1\""),
            ("metadata.finalizers[=y]", "\"y\""),
            ("metadata.newer", "7"),
            ("spec.containers[name=b].image", "\"i\""),
            ("spec.containers[1].image", "\"i\""),
            ("spec.containers[*].name", "\"a\""),
            ("spec.containers[0].ports[containerPort=80,protocol=UDP].containerPort", "80"),
        ] {
            let path: FieldPath = path.parse().unwrap();
            let mut out = Vec::new();
            json::value(path.get(&pod).unwrap(), &mut out).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), expected, "{path}");
            if path.to_string() != "metadata.newer" {
                path.check::<Pod>().unwrap();
            }
        }
        for path in [
            "spec.containers[name=c]",
            "spec.containers[2]",
            "metadata.labels.a",
            "spec.containers.name",
            "x",
        ] {
            assert!(path.parse::<FieldPath>().unwrap().get(&pod).is_none(), "{path}");
        }
    }

    #[test]
    fn what_no_type_has_is_refused_with_what_there_is() {
        for (path, expected) in [
            ("spec.hostnetwork", "PodSpec has no field `hostnetwork`; it has volumes, "),
            ("spec.hostNetwork.x", "`x` is looked for where there is nothing inside"),
            ("spec.containers.name", "in a list, whose elements are named as `[0]` or `[*]`"),
            ("spec.containers[title=x]", "Container has no field `title`"),
            ("spec.hostNetwork[0]", "in what is no list"),
        ] {
            let error = path.parse::<FieldPath>().unwrap().check::<Pod>().unwrap_err().to_string();
            assert!(error.contains(expected) && error.starts_with(&format!("`{path}`: ")), "{error}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused_with_its_place() {
        for (path, at) in [
            ("", 0),
            (".a", 0),
            ("a..b", 2),
            ("a.", 2),
            ("a[", 2),
            ("a[]", 2),
            ("a[x]", 2),
            ("a[0", 3),
            ("a['b'", 5),
            ("a['b", 4),
            ("a[b=]", 4),
            ("a[-1]", 2),
            ("a[0]b", 4),
            ("a[b=c,d]", 7),
            ("a[b=c", 5),
            ("a['x\\']", 7),
        ] {
            let error = path.parse::<FieldPath>().unwrap_err().to_string();
            assert!(error.contains(&format!("at byte {at};")), "{error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            steps in prop::collection::vec(prop_oneof![
                ".{0,6}".prop_map(Step::Field),
                "[-a.\\[\\]='\\\\ 0,]{0,6}".prop_map(Step::Field),
                any::<usize>().prop_map(Step::Index),
                Just(Step::Every),
                prop::collection::vec(("[a-z]{0,2}", "[-a.\\[\\]='\\\\ 0,é]{0,6}"), 1..3).prop_map(Step::Keys),
            ], 1..6),
        ) {
            let path: FieldPath = steps.into_iter().collect();
            prop_assert_eq!(path.to_string().parse::<FieldPath>(), Ok(path));
        }

        #[test]
        fn any_text_is_a_path_or_an_error(text in "[a.\\[\\]='*0, \\\\é]{0,12}") {
            let _ = text.parse::<FieldPath>();
        }
    }
}
