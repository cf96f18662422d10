use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;

use k8s_api::core::v1::Pod;

use super::{Builder, Draft, Index, Reader, Snapshot, Writer};
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
}

fn indexed() -> Indexed {
    let mut builder = Builder::new();
    let by_node = builder.index(node);
    let by_label = builder.index(labels);
    let (writer, store) = builder.build();
    Indexed { writer, store, by_node, by_label }
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
                let name = format!("t-{number}");
                let expected = here().find(|thing| thing.name() == name);
                assert_eq!(snapshot.get(namespace, &name), expected);
                assert_eq!(snapshot.get_shared(namespace, &name).as_deref(), expected);
            }
        }
        for node in NODES {
            let expected = naive.0.iter().filter(|thing| thing.spec.node_name == node).collect();
            is(snapshot.by(&self.by_node, node).collect(), expected);
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
            let mut thing = named(&format!("t-{number}"), &version, node.unwrap_or_default());
            thing.metadata.namespace = namespace.into();
            thing.metadata.labels =
                labels.into_iter().map(|label| (label.to_string().into(), "".into())).collect();
            thing
        },
    )
}

#[derive(Clone, Debug)]
enum Step {
    Put(Thing),
    Delete(String, String),
}

fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => thing().prop_map(Step::Put),
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
            Step::Put(thing) => assert_eq!(put(draft, thing.clone()), naive.put(thing)),
            Step::Delete(namespace, name) => {
                assert_eq!(kept(draft.delete(&namespace, &name)), naive.delete(&namespace, &name));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

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
