//! What the store costs, beside other structures that could hold the objects: `cargo bench -p k8s-client --bench store`.
//!
//! Every line is measured in the same run on the same objects. Look at ratios.

mod cpu;

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::{Arc, RwLock, RwLockReadGuard};

use k8s_api::core::v1::Pod;
use k8s_api::text::Str;
use k8s_client::cache::{Builder, Index, Reader, Snapshot, Writer};

const NAMESPACES: usize = 20;

fn pod(number: usize, version: usize) -> Arc<Pod> {
    let mut pod = Pod::default();
    pod.metadata.namespace = format!("team-{}", number % NAMESPACES).into();
    pod.metadata.name = format!("api-7d9f8b6c5-{number:06}").into();
    pod.metadata.uid = format!("uid-{number}").into();
    pod.metadata.resource_version = version.to_string().into();
    pod.status.pod_ip = format!("10.{}.{}.{}", number >> 16, number >> 8 & 255, number & 255).into();
    Arc::new(pod)
}

/// A structure with one index, by address.
trait Candidate {
    const NAME: &'static str;
    /// Whether to leave out changes one by one at 100,000 objects, since each costs as much as all objects.
    const COPIES_ALL: bool = false;
    type Held<'a>
    where
        Self: 'a;
    fn new() -> Self;
    fn hold(&self) -> Self::Held<'_>;
    fn get<'a>(held: &'a Self::Held<'_>, namespace: &str, name: &str) -> Option<&'a Pod>;
    fn owned(&self, namespace: &str, name: &str) -> Option<Arc<Pod>>;
    fn by_ip<'a>(held: &'a Self::Held<'_>, ip: &str) -> Option<&'a Pod>;
    fn each(held: &Self::Held<'_>, f: impl FnMut(&Pod));
    /// Everything there is at first.
    fn fill(&mut self, pods: &[Arc<Pod>]) {
        self.put(pods);
    }
    fn put(&mut self, pods: &[Arc<Pod>]);
    fn delete(&mut self, pods: &[Arc<Pod>]);
}

struct Ours {
    writer: Writer,
    store: Reader<Pod>,
    by_ip: Index<Pod, Str>,
}

impl Candidate for Ours {
    const NAME: &'static str = "this store";
    type Held<'a> = (Snapshot<Pod>, &'a Index<Pod, Str>);
    fn new() -> Self {
        let mut builder = Builder::new();
        let by_ip = builder.index(|pod: &Pod| [pod.status.pod_ip.clone()]);
        let (writer, store) = builder.build();
        Self { writer, store, by_ip }
    }
    fn hold(&self) -> Self::Held<'_> {
        (self.store.snapshot(), &self.by_ip)
    }
    fn get<'a>(held: &'a Self::Held<'_>, namespace: &str, name: &str) -> Option<&'a Pod> {
        held.0.get(namespace, name)
    }
    fn owned(&self, namespace: &str, name: &str) -> Option<Arc<Pod>> {
        self.store.get(namespace, name)
    }
    fn by_ip<'a>(held: &'a Self::Held<'_>, ip: &str) -> Option<&'a Pod> {
        held.0.by(held.1, ip).next()
    }
    fn each(held: &Self::Held<'_>, f: impl FnMut(&Pod)) {
        held.0.iter().for_each(f);
    }
    fn fill(&mut self, pods: &[Arc<Pod>]) {
        let mut draft = self.writer.draft();
        pods.iter().for_each(|pod| drop(draft.put(pod.clone())));
        self.writer.replace(draft);
    }
    fn put(&mut self, pods: &[Arc<Pod>]) {
        self.writer.batch(|draft| pods.iter().for_each(|pod| drop(draft.put(pod.clone()))));
    }
    fn delete(&mut self, pods: &[Arc<Pod>]) {
        self.writer.batch(|draft| {
            pods.iter().for_each(|pod| drop(draft.delete(&pod.metadata.namespace, &pod.metadata.name)))
        });
    }
}

/// Maps of maps, so that a lookup needs no key of its own.
#[derive(Default)]
struct Maps {
    objects: HashMap<Str, HashMap<Str, Arc<Pod>>>,
    by_ip: HashMap<Str, Arc<Pod>>,
}

struct Locked(RwLock<Maps>);

impl Candidate for Locked {
    const NAME: &'static str = "RwLock<HashMap of HashMap>";
    type Held<'a> = RwLockReadGuard<'a, Maps>;
    fn new() -> Self {
        Self(RwLock::default())
    }
    fn hold(&self) -> Self::Held<'_> {
        self.0.read().unwrap()
    }
    fn get<'a>(held: &'a Self::Held<'_>, namespace: &str, name: &str) -> Option<&'a Pod> {
        held.objects.get(namespace)?.get(name).map(|pod| &**pod)
    }
    fn owned(&self, namespace: &str, name: &str) -> Option<Arc<Pod>> {
        self.0.read().unwrap().objects.get(namespace)?.get(name).cloned()
    }
    fn by_ip<'a>(held: &'a Self::Held<'_>, ip: &str) -> Option<&'a Pod> {
        held.by_ip.get(ip).map(|pod| &**pod)
    }
    fn each(held: &Self::Held<'_>, f: impl FnMut(&Pod)) {
        held.objects.values().flat_map(HashMap::values).map(|pod| &**pod).for_each(f);
    }
    fn put(&mut self, pods: &[Arc<Pod>]) {
        let mut maps = self.0.write().unwrap();
        for pod in pods {
            let objects = maps.objects.entry(pod.metadata.namespace.clone()).or_default();
            if let Some(old) = objects.insert(pod.metadata.name.clone(), pod.clone()) {
                maps.by_ip.remove(&old.status.pod_ip);
            }
            maps.by_ip.insert(pod.status.pod_ip.clone(), pod.clone());
        }
    }
    fn delete(&mut self, pods: &[Arc<Pod>]) {
        let mut maps = self.0.write().unwrap();
        for pod in pods {
            maps.objects.get_mut(&pod.metadata.namespace).map(|objects| objects.remove(&pod.metadata.name));
            maps.by_ip.remove(&pod.status.pod_ip);
        }
    }
}

/// A sorted list that is copied for every publication.
struct Sorted(RwLock<[Arc<Vec<Arc<Pod>>>; 2]>);

fn by_name(pod: &Pod) -> (&str, &str) {
    (&pod.metadata.namespace, &pod.metadata.name)
}

impl Candidate for Sorted {
    const NAME: &'static str = "Arc<sorted Vec>, copied";
    const COPIES_ALL: bool = true;
    type Held<'a> = [Arc<Vec<Arc<Pod>>>; 2];
    fn new() -> Self {
        Self(RwLock::default())
    }
    fn hold(&self) -> Self::Held<'_> {
        self.0.read().unwrap().clone()
    }
    fn get<'a>(held: &'a Self::Held<'_>, namespace: &str, name: &str) -> Option<&'a Pod> {
        let at = held[0].binary_search_by(|pod| by_name(pod).cmp(&(namespace, name)));
        at.ok().map(|at| &*held[0][at])
    }
    fn owned(&self, namespace: &str, name: &str) -> Option<Arc<Pod>> {
        let held = self.hold();
        let at = held[0].binary_search_by(|pod| by_name(pod).cmp(&(namespace, name)));
        at.ok().map(|at| held[0][at].clone())
    }
    fn by_ip<'a>(held: &'a Self::Held<'_>, ip: &str) -> Option<&'a Pod> {
        let at = held[1].binary_search_by(|pod| pod.status.pod_ip.as_str().cmp(ip));
        at.ok().map(|at| &*held[1][at])
    }
    fn each(held: &Self::Held<'_>, f: impl FnMut(&Pod)) {
        held[0].iter().map(|pod| &**pod).for_each(f);
    }
    fn put(&mut self, pods: &[Arc<Pod>]) {
        self.delete(pods);
        let mut next = self.0.read().unwrap().clone();
        let [names, ips] = next.each_mut().map(Arc::make_mut);
        names.extend_from_slice(pods);
        names.sort_by(|a, b| by_name(a).cmp(&by_name(b)));
        ips.extend_from_slice(pods);
        ips.sort_by(|a, b| a.status.pod_ip.cmp(&b.status.pod_ip));
        *self.0.write().unwrap() = next;
    }
    fn delete(&mut self, pods: &[Arc<Pod>]) {
        let mut next = self.0.read().unwrap().clone();
        let gone: std::collections::HashSet<_> = pods.iter().map(|pod| by_name(pod)).collect();
        next.iter_mut().for_each(|list| Arc::make_mut(list).retain(|pod| !gone.contains(&by_name(pod))));
        *self.0.write().unwrap() = next;
    }
}

/// Nanoseconds for each of `count` things that `f` does, the median of five rounds.
fn nanoseconds(count: usize, mut f: impl FnMut()) -> f64 {
    let mut rounds: Vec<_> = (0..5)
        .map(|_| {
            let start = cpu::nanoseconds();
            f();
            (cpu::nanoseconds() - start) / count as f64
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[2]
}

/// A fixed shuffle: the same for every candidate.
fn shuffled<T>(mut items: Vec<T>) -> Vec<T> {
    let mut state = 7_u64;
    for last in (1..items.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        items.swap(last, (state >> 33) as usize % (last + 1));
    }
    items
}

const CHUNK: usize = 64;

/// As a caller has them, not shared with the objects.
fn key(pod: &Arc<Pod>) -> (String, String, String) {
    (pod.metadata.namespace.to_string(), pod.metadata.name.to_string(), pod.status.pod_ip.to_string())
}

fn measure<C: Candidate>(count: usize, pods: &[Arc<Pod>]) {
    let mut candidate = C::new();
    let fill = cpu::nanoseconds();
    candidate.fill(pods);
    let fill = (cpu::nanoseconds() - fill) / count as f64;
    let keys = shuffled(pods.to_vec());
    let keys: Vec<_> = keys.iter().map(key).collect();
    let held = candidate.hold();
    let get = nanoseconds(count, || {
        keys.iter().for_each(|(namespace, name, _)| {
            _ = black_box(C::get(&held, namespace, name).unwrap().metadata.uid.len())
        });
    });
    let by_ip = nanoseconds(count, || {
        keys.iter().for_each(|(.., ip)| _ = black_box(C::by_ip(&held, ip).unwrap().metadata.uid.len()))
    });
    let each = nanoseconds(count, || C::each(&held, |pod| _ = black_box(pod.metadata.name.len())));
    drop(held);
    let get_now = nanoseconds(count, || {
        for (namespace, name, _) in &keys {
            black_box(candidate.owned(namespace, name).unwrap());
        }
    });
    // Objects of a new version, that nobody else holds; somebody always holds the state before.
    let few = if C::COPIES_ALL { 10 } else { 2_000 };
    let mut version = 0;
    let mut changed = |few: usize| -> Vec<Arc<Pod>> {
        version += 1;
        let numbers = shuffled((0..count).collect());
        numbers.into_iter().take(few).map(|number| pod(number, version)).collect()
    };
    let batches = if C::COPIES_ALL { CHUNK } else { 2_000 };
    let rounds: Vec<_> = (0..5).map(|_| (changed(few), changed(batches))).collect();
    let mut round = rounds.iter().cycle();
    let put = nanoseconds(few, || round.next().unwrap().0.chunks(1).for_each(|pods| candidate.put(pods)));
    let put_batch =
        nanoseconds(batches, || round.next().unwrap().1.chunks(CHUNK).for_each(|pods| candidate.put(pods)));
    let mut times = [Vec::new(), Vec::new(), Vec::new(), Vec::new()];
    for (one, many) in &rounds {
        let mut time = |at: usize, delete: bool, pods: &[Arc<Pod>], chunk: usize| {
            let start = cpu::nanoseconds();
            for pods in pods.chunks(chunk) {
                if delete { candidate.delete(pods) } else { candidate.put(pods) }
            }
            times[at].push((cpu::nanoseconds() - start) / pods.len() as f64);
        };
        time(0, true, one, 1);
        time(1, false, one, 1);
        time(2, true, many, CHUNK);
        time(3, false, many, CHUNK);
    }
    let [delete, add, delete_batch, add_batch] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[2]
    });
    println!(
        "{:<30} {get:>6.0} {get_now:>6.0} {by_ip:>6.0} {each:>6.1} {fill:>7.0} {put:>8.0} {put_batch:>8.0} \
         {add:>8.0} {add_batch:>8.0} {delete:>8.0} {delete_batch:>8.0}",
        C::NAME
    );
}

/// Only lookups, for a profiler: its figures with few rounds are to be taken from those with many.
fn lookups(rounds: usize) {
    let pods: Vec<_> = (0..10_000).map(|number| pod(number, 0)).collect();
    let mut candidate = Ours::new();
    candidate.fill(&pods);
    let keys: Vec<_> = shuffled(pods).iter().map(key).collect();
    let held = candidate.hold();
    for _ in 0..rounds {
        for (namespace, name, ip) in &keys {
            black_box(Ours::get(&held, namespace, name));
            black_box(Ours::by_ip(&held, ip));
        }
    }
}

fn main() {
    // `-- lookups 10` under a profiler.
    let mut arguments = std::env::args().skip_while(|argument| argument != "lookups").skip(1);
    if let Some(rounds) = arguments.next() {
        return lookups(rounds.parse().unwrap());
    }
    println!("nanoseconds of CPU for each object or event; one index; batches of {CHUNK}\n");
    for count in [10_000, 100_000] {
        let pods: Vec<_> = (0..count).map(|number| pod(number, 0)).collect();
        println!(
            "{:<30} {:>6} {:>6} {:>6} {:>6} {:>7} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}",
            format!("{count} objects"),
            "get",
            "owned",
            "index",
            "visit",
            "fill",
            "change",
            "batched",
            "add",
            "batched",
            "delete",
            "batched"
        );
        measure::<Ours>(count, &pods);
        measure::<Locked>(count, &pods);
        measure::<Sorted>(count, &pods);
        println!();
    }
}
