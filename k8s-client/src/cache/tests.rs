use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use k8s_api::core::v1::Pod;
use k8s_api::dynamic::DynamicObject;
use k8s_api::text::Str;

use super::{Builder, Draft, Index, Memory, OrderedIndex, Reader, Snapshot, Store, Writer};
use crate::select::{Fields, Labels};
use crate::watch::{Held, Object as _};

type Thing = Pod;

/// The simplest store that is right.
#[derive(Clone, Debug, Default)]
struct Naive(Vec<Thing>);

impl Naive {
    fn put(&mut self, thing: Thing) -> Option<Thing> {
        let old = self.delete(thing.namespace(), thing.name());
        self.0.push(thing);
        self.0.sort_by(|a, b| (a.namespace(), a.name()).cmp(&(b.namespace(), b.name())));
        old
    }

    fn delete(&mut self, namespace: &str, name: &str) -> Option<Thing> {
        let at = self.0.iter().position(|thing| thing.namespace() == namespace && thing.name() == name)?;
        Some(self.0.remove(at))
    }
}

struct Indexed {
    writer: Writer,
    store: Reader<Thing>,
    by_node: Index<Thing, String>,
    by_label: Index<Thing, u8>,
    by_path: Index<Thing, Str>,
    by_parts: OrderedIndex<Thing, 2>,
    by_parts_of_many: OrderedIndex<Thing, 2>,
    other: Arc<Memory<Thing>>,
}

fn indexed() -> Indexed {
    let mut builder = Builder::new();
    let by_node = builder.index(node);
    let by_label = builder.index(labels);
    let by_path = builder.index_path("spec.nodeName").unwrap();
    let by_parts =
        builder.index_by(|thing: &Thing| [thing.metadata.namespace.clone(), thing.spec.node_name.clone()]);
    let by_parts_of_many = builder.index_by(label_and_node);
    let other = Arc::new(Memory::new([("node", "spec.nodeName")]).unwrap());
    builder.fill(other.clone());
    let (writer, store) = builder.build();
    Indexed { writer, store, by_node, by_label, by_path, by_parts, by_parts_of_many, other }
}

fn text(parts: &str) -> String {
    parts.to_owned()
}

fn node(thing: &Thing) -> Option<String> {
    Some(thing.spec.node_name.to_string()).filter(|node| !node.is_empty())
}

fn labels(thing: &Thing) -> Vec<u8> {
    thing.metadata.labels.keys().map(|label| label.parse().unwrap()).collect()
}

/// Parts that run into each other if they are joined.
fn label_and_node(thing: &Thing) -> Vec<[String; 2]> {
    labels(thing)
        .into_iter()
        .map(|label| ["n".repeat(label.into()), thing.spec.node_name.to_string()])
        .collect()
}

/// Some names are as long as those that are kept beside the object can be, or longer.
fn numbered(number: u32) -> String {
    let more = if number.is_multiple_of(3) { 50 + number as usize / 2 } else { 0 };
    format!("t-{number}{}", "x".repeat(more))
}

const NODES: [&str; 3] = ["n1", "n2", "n3"];

impl Indexed {
    fn check(&self, snapshot: &Snapshot<Thing>, naive: &Naive) {
        let is = |found: Vec<&Thing>, expected: Vec<&Thing>| assert_eq!(found, expected);
        assert_eq!(snapshot.len(), naive.0.len());
        is(snapshot.iter().collect(), naive.0.iter().collect());
        for namespace in ["", "a", "b", "c"] {
            let here = || naive.0.iter().filter(|thing| thing.namespace() == namespace);
            is(snapshot.namespace(namespace).collect(), here().collect());
            for prefix in ["t", "t-1", "t-11", "u"] {
                let expected = here().filter(|thing| thing.name().starts_with(prefix)).collect();
                is(snapshot.prefix(namespace, prefix).collect(), expected);
            }
            for number in 0..40 {
                let name = numbered(number);
                let expected = here().find(|thing| thing.name() == name);
                assert_eq!(snapshot.get(namespace, &name), expected);
                assert_eq!(snapshot.get_shared(namespace, &name).as_deref(), expected);
            }
        }
        for node in NODES {
            let expected = naive.0.iter().filter(|thing| thing.spec.node_name == node).collect();
            is(snapshot.by(&self.by_node, node).collect(), expected);
        }
        for node in NODES {
            let expected = naive.0.iter().filter(|thing| thing.spec.node_name == node).collect();
            is(snapshot.by(&self.by_path, node).collect(), expected);
            for namespace in ["", "a", "b", "c"] {
                let expected = naive
                    .0
                    .iter()
                    .filter(|thing| (thing.namespace(), &*thing.spec.node_name) == (namespace, node));
                is(snapshot.under(&self.by_parts, [namespace, node]).collect(), expected.collect());
            }
        }
        let mut by_parts: Vec<_> = naive.0.iter().collect();
        by_parts.sort_by_key(|thing| (thing.namespace(), thing.spec.node_name.as_str()));
        is(snapshot.under(&self.by_parts, []).collect(), by_parts.clone());
        by_parts.retain(|thing| thing.namespace() == "a");
        is(snapshot.under(&self.by_parts, ["a"]).collect(), by_parts.clone());
        by_parts.retain(|thing| thing.spec.node_name.starts_with("n"));
        is(snapshot.starting(&self.by_parts, ["a"], "n").collect(), by_parts);
        for first in ["", "n", "nn", "nnn", "nnnn"] {
            let mut expected: Vec<_> = naive
                .0
                .iter()
                .flat_map(|thing| label_and_node(thing).into_iter().map(move |key| (key, thing)))
                .collect();
            expected.retain(|(key, _)| key[0] == first);
            expected.sort_by(|(a, _), (b, _)| a.cmp(b));
            is(
                snapshot.under(&self.by_parts_of_many, [first]).collect(),
                expected.into_iter().map(|(_, thing)| thing).collect(),
            );
        }
        for label in 0..4 {
            let expected = naive.0.iter().filter(|thing| labels(thing).contains(&label)).collect();
            is(snapshot.by(&self.by_label, &label).collect(), expected);
        }
    }
}

fn thing() -> impl Strategy<Value = Thing> {
    let namespace = prop::sample::select(vec!["", "a", "b"]);
    let node = proptest::option::of(prop::sample::select(NODES.to_vec()));
    (namespace, 0..40_u32, any::<u8>(), node, proptest::collection::vec(0..4_u8, 0..3)).prop_map(
        |(namespace, number, version, node, labels)| {
            // Two of one version are one.
            let version = format!("{version} {node:?} {labels:?}");
            let mut thing = named(&numbered(number), &version, node.unwrap_or_default());
            thing.metadata.namespace = namespace.into();
            thing.metadata.labels =
                labels.into_iter().map(|label| (label.to_string().into(), "".into())).collect();
            thing
        },
    )
}

#[derive(Clone, Debug)]
enum Step {
    Put(Box<Thing>),
    Delete(String, String),
}

fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => thing().prop_map(|thing| Step::Put(Box::new(thing))),
        2 => thing().prop_map(|thing| Step::Delete(text(thing.namespace()), text(thing.name()))),
    ];
    proptest::collection::vec(step, 0..most)
}

fn put(draft: &mut Draft, thing: Thing) -> Option<Thing> {
    kept(draft.put(Arc::new(thing)))
}

fn kept(held: Option<Held>) -> Option<Thing> {
    held.map(|held| held.as_kind::<Thing>().unwrap().clone())
}

fn apply(draft: &mut Draft, naive: &mut Naive, steps: Vec<Step>) {
    for step in steps {
        match step {
            Step::Put(thing) => assert_eq!(put(draft, (*thing).clone()), naive.put(*thing)),
            Step::Delete(namespace, name) => {
                assert_eq!(kept(draft.delete(&namespace, &name)), naive.delete(&namespace, &name));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn is_as_the_naive_store(batches in proptest::collection::vec((prop::bool::weighted(0.1), steps(40)), 0..12)) {
        let mut indexed = indexed();
        let mut naive = Naive::default();
        let mut held = Vec::new();
        for (replace, steps) in batches {
            held.push((indexed.store.snapshot(), naive.clone()));
            if replace {
                let mut draft = indexed.writer.draft();
                naive = Naive::default();
                apply(&mut draft, &mut naive, steps);
                indexed.check(&held.last().unwrap().0, &held.last().unwrap().1);
                indexed.writer.replace(draft);
            } else {
                let Indexed { writer, .. } = &mut indexed;
                writer.batch(|draft| apply(draft, &mut naive, steps));
            }
            indexed.check(&indexed.store.snapshot(), &naive);
            prop_assert!(indexed.other.snapshot().iter().eq(naive.0.iter()), "a store that is filled");
        }
        for (snapshot, naive) in held {
            indexed.check(&snapshot, &naive);
        }
    }
}

fn named(name: &str, version: &str, node: &str) -> Thing {
    let mut thing = Pod::default();
    thing.metadata.namespace = "a".into();
    thing.metadata.name = name.into();
    thing.metadata.uid = "uid".into();
    thing.metadata.resource_version = version.into();
    thing.spec.node_name = node.into();
    thing
}

#[test]
fn a_batch_is_seen_whole_or_not_at_all() {
    let mut indexed = indexed();
    let store = indexed.store.clone();
    indexed.writer.batch(|draft| {
        put(draft, named("x", "1", "n1"));
        draft.set_resource_version("7".into());
        assert!(store.get("a", "x").is_none() && store.snapshot().is_empty());
        assert_eq!(draft.len(), 1);
    });
    assert!(store.get("a", "x").is_some());
    assert_eq!(store.snapshot().resource_version(), Some(&"7".into()));
    let writer = &mut indexed.writer;
    let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        writer.batch(|draft| {
            draft.delete("a", "x");
            panic!("a handler's");
        })
    }));
    assert!(broken.is_err() && store.get("a", "x").is_some());
}

#[test]
fn a_new_state_keeps_what_is_the_same() {
    let mut indexed = indexed();
    indexed.writer.batch(|draft| ["x", "y", "z"].map(|name| put(draft, named(name, "1", "n1"))));
    let before = indexed.store.snapshot();
    let mut draft = indexed.writer.draft();
    put(&mut draft, named("x", "1", "n1"));
    put(&mut draft, named("y", "2", "n2"));
    assert_eq!(indexed.store.snapshot().len(), 3, "not yet");
    indexed.writer.replace(draft);
    let after = indexed.store.snapshot();
    let same = |name| std::ptr::eq(before.get("a", name).unwrap(), after.get("a", name).unwrap());
    assert!(same("x") && !same("y"));
    assert_eq!((after.len(), after.by(&indexed.by_node, "n1").count()), (2, 1));
}

#[test]
fn an_index_of_another_store_finds_the_same() {
    let (mut one, other) = (indexed(), indexed());
    one.writer.batch(|draft| ["x", "y"].map(|name| put(draft, named(name, "1", "n1"))));
    let snapshot = one.store.snapshot();
    let own: Vec<_> = snapshot.by(&one.by_node, "n1").collect();
    let foreign: Vec<_> = snapshot.by(&other.by_node, "n1").collect();
    assert_eq!((own.len(), own), (2, foreign));
}

#[test]
fn an_ordered_index_of_another_store_finds_the_same() {
    let (mut one, other) = (indexed(), indexed());
    let mut thing = named("x", "1", "n1");
    thing.metadata.labels = ["2", "1", "0"].map(|label| (label.into(), "".into())).into_iter().collect();
    one.writer.batch(|draft| [thing, named("y", "1", "n1")].map(|thing| put(draft, thing)));
    let snapshot = one.store.snapshot();
    let names = |index, first| snapshot.under(index, [first]).map(|thing| thing.name()).collect::<Vec<_>>();
    assert_eq!(names(&one.by_parts, "a"), ["x", "y"]);
    assert_eq!(names(&other.by_parts, "a"), ["x", "y"]);
    let all = |index| snapshot.under(index, []).count();
    assert_eq!((all(&one.by_parts_of_many), all(&other.by_parts_of_many)), (3, 3));
}

#[test]
fn a_path_that_no_object_has_is_no_index() {
    for (path, expected) in [
        ("metadata..x", "no path to index by: JSONPath `{.metadata..x}`: `..` leads to whatever"),
        ("spec.nodename", "PodSpec has no field `nodename`"),
        ("spec.containers", "leads to a list"),
        ("spec[", "JSONPath `{.spec[}`"),
    ] {
        let error = Builder::<Thing>::new().index_path(path).unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains('\n'), "{error}");
    }
    let mut builder = Builder::<DynamicObject>::new();
    assert!(builder.index_path("spec..x").is_err() && builder.index_path("metadata.nam").is_err());
    let by_mode = builder.index_path("spec.mode").unwrap();
    let (mut writer, store) = builder.build();
    let object = DynamicObject::parse(br#"{"metadata":{"name":"a"},"spec":{"mode":"x"}}"#).unwrap();
    writer.batch(|draft| draft.put(Arc::new(object)));
    assert_eq!(store.snapshot().by(&by_mode, "x").count(), 1);
}

#[test]
fn a_selector_finds_what_it_means() {
    let mut indexed = indexed();
    indexed.writer.batch(|draft| ["x", "y"].map(|name| put(draft, named(name, "1", name))));
    let (snapshot, fields) = (indexed.store.snapshot(), Fields::parse("spec.nodeName=y").unwrap());
    let found: Vec<_> = snapshot.select(&fields).map(|thing| thing.name()).collect();
    assert_eq!(found, ["y"]);
    assert_eq!(snapshot.select(&(Labels::parse("!app").unwrap(), fields)).count(), 1);
    assert_eq!(snapshot.select(&Labels::parse("app").unwrap()).count(), 0);
}

/// Counts what it is told.
#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Told {
    fn tell(&self, what: String) {
        self.0.lock().unwrap().push(what);
    }
}

impl Store<Thing> for Told {
    fn get(&self, _: &str, _: &str) -> Option<Arc<Thing>> {
        None
    }
    fn list(&self) -> Vec<Arc<Thing>> {
        Vec::new()
    }
    fn by_index(&self, _: &str, _: &str) -> Option<Vec<Arc<Thing>>> {
        None
    }
    fn add(&self, thing: Arc<Thing>) {
        assert_ne!(thing.name(), "panics");
        self.tell(format!("+{}", thing.name()));
    }
    fn update(&self, old: &Thing, new: Arc<Thing>) {
        self.tell(format!("{}>{}", old.resource_version(), new.resource_version()));
    }
    fn delete(&self, thing: &Thing) {
        self.tell(format!("-{}", thing.name()));
    }
    fn clear(&self) {
        self.tell("0".into());
    }
}

#[test]
fn a_store_of_ones_own_is_told_everything_once() {
    let told = Arc::new(Told::default());
    let mut builder = Builder::new();
    builder.fill(told.clone());
    let (mut writer, store) = builder.build();
    writer.batch(|draft| {
        put(draft, named("x", "1", "n1"));
        put(draft, named("x", "2", "n1"));
        draft.delete("a", "x");
        draft.delete("a", "x");
    });
    let mut draft = writer.draft();
    put(&mut draft, named("z", "1", "n1"));
    put(&mut draft, named("y", "1", "n1"));
    writer.replace(draft);
    assert_eq!(*told.0.lock().unwrap(), ["+x", "1>2", "-x", "0", "+y", "+z"]);
    writer.batch(|draft| put(draft, named("panics", "1", "n1")));
    writer.batch(|draft| put(draft, named("w", "1", "n1")));
    assert_eq!((store.snapshot().len(), told.0.lock().unwrap().len()), (4, 6), "it is told no more");
}

#[test]
fn many_objects_and_unique_keys() {
    let mut builder = Builder::new();
    let by_version = builder.index(|thing: &Thing| [thing.resource_version().to_owned()]);
    let (mut writer, store) = builder.build();
    for batch in 0..10 {
        writer.batch(|draft| {
            for number in (batch..20_000).step_by(10) {
                put(draft, named(&format!("t-{number}"), &number.to_string(), "n1"));
            }
        });
    }
    let snapshot = store.snapshot();
    for number in 0..20_000 {
        let object = snapshot.get("a", &format!("t-{number}")).unwrap();
        let found: Vec<_> = snapshot.by(&by_version, &number.to_string()).collect();
        assert_eq!(found, [object]);
    }
    writer.batch(|draft| (0..20_000).for_each(|number| drop(draft.delete("a", &format!("t-{number}")))));
    assert!(store.snapshot().is_empty() && store.snapshot().iter().next().is_none());
    assert_eq!(store.snapshot().by(&by_version, "7").count(), 0);
    let names: BTreeSet<_> = snapshot.iter().map(|thing| text(thing.name())).collect();
    assert_eq!(names.len(), 20_000, "a held snapshot stays");
}
