use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};
use k8s_api::core::v1::ConfigMap;
use proptest::prelude::*;
use tokio::sync::oneshot;

use super::shelf::{Key, Known, Shelf};
use super::{Hold, Inner, Rates};
use crate::error::{Error, Result};
use crate::outside::Outside as _;
use crate::outside::testing::{Handle, Virtual};
use crate::watch::{Held, Object as _};

fn key(name: &str) -> Key {
    ("n".into(), name.into())
}

fn object(name: &str, uid: &str, version: &str) -> Held {
    let mut config = ConfigMap::default();
    config.metadata.namespace = "n".into();
    config.metadata.name = name.into();
    config.metadata.uid = uid.into();
    config.metadata.resource_version = version.into();
    Arc::new(config)
}

fn at(uid: &str, version: &str) -> Known {
    Known::At { uid: uid.into(), version: version.into() }
}

type Answer = Result<Option<Held>>;

/// A server that answers when the test says so, and what is known of its keys.
#[derive(Default)]
struct Server {
    keys: Mutex<BTreeMap<Key, Known>>,
    asked: Mutex<Vec<oneshot::Sender<Answer>>>,
}

struct Setup {
    server: Arc<Server>,
    clock: Arc<Virtual>,
    inner: Arc<Inner>,
}

fn setup(objects: usize) -> Setup {
    let (server, clock) = (Arc::new(Server::default()), Virtual::new());
    let (keys, asked) = (server.clone(), server.clone());
    let inner = Inner::new(
        move |key| keys.keys.lock().unwrap().get(key).cloned().unwrap_or(Known::Gone),
        move |_| {
            let (answer, answered) = oneshot::channel();
            asked.asked.lock().unwrap().push(answer);
            async { answered.await.unwrap() }.boxed()
        },
        Hold { objects, ttl: Duration::from_secs(60) },
        Arc::new(Handle(clock.clone())),
    );
    Setup { server, clock, inner }
}

impl Setup {
    fn knows(&self, name: &str, known: Known) {
        self.server.keys.lock().unwrap().insert(key(name), known);
    }

    /// A caller who has asked, and waits.
    fn ask(&self, name: &str) -> BoxFuture<'static, Answer> {
        let (inner, key) = (self.inner.clone(), key(name));
        let mut waiting = async move { inner.get(key).await }.boxed();
        match waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => std::future::ready(answer).boxed(),
            Poll::Pending => waiting,
        }
    }

    fn asked(&self) -> usize {
        self.server.asked.lock().unwrap().len()
    }

    fn answer(&self, answer: Answer) {
        assert!(self.server.asked.lock().unwrap().remove(0).send(answer).is_ok());
    }

    fn get(&self, name: &str) -> Option<String> {
        let answer = self.ask(name).now_or_never().expect("it waits for the server").unwrap();
        answer.map(|object| object.resource_version().to_owned())
    }

    fn rates(&self) -> Rates {
        self.inner.lock().shelf.rates
    }
}

fn version(answer: Option<Answer>) -> String {
    answer.expect("it still waits").unwrap().unwrap().resource_version().to_owned()
}

#[test]
fn many_who_ask_at_once_are_one_request() {
    let setup = setup(10);
    setup.knows("a", at("u", "5"));
    let callers: Vec<_> = (0..50).map(|_| setup.ask("a")).collect();
    assert_eq!(setup.asked(), 1);
    setup.answer(Ok(Some(object("a", "u", "5"))));
    let answers = join_all(callers).now_or_never().unwrap();
    assert!(answers.into_iter().all(|answer| version(Some(answer)) == "5"));
    assert_eq!(setup.get("a").as_deref(), Some("5"));
    assert_eq!((setup.rates().fetched, setup.rates().joined, setup.rates().hits), (1, 49, 1));
    assert!((setup.rates().hit_rate() - 50.0 / 51.0).abs() < 1e-9);
}

#[test]
fn what_the_keys_do_not_know_is_not_asked_for() {
    let setup = setup(10);
    assert_eq!(setup.get("a"), None);
    assert_eq!((setup.asked(), setup.rates().absent), (0, 1));
    setup.knows("a", Known::Unknown);
    let caller = setup.ask("a");
    setup.answer(Ok(None));
    assert!(caller.now_or_never().unwrap().unwrap().is_none(), "the server has the last word");
    assert_eq!(setup.rates().held, 0);
}

#[test]
fn a_changed_object_is_read_again_and_a_deleted_one_dropped() {
    let setup = setup(10);
    setup.knows("a", at("u", "5"));
    let caller = setup.ask("a");
    setup.answer(Ok(Some(object("a", "u", "7"))));
    assert_eq!(version(caller.now_or_never()), "7");
    assert_eq!(setup.get("a").as_deref(), Some("7"), "later than what is known will do");
    setup.knows("a", at("u", "10"));
    let caller = setup.ask("a");
    assert_eq!((setup.asked(), setup.rates().outdated), (1, 1));
    setup.answer(Ok(Some(object("a", "u", "10"))));
    assert_eq!(version(caller.now_or_never()), "10");
    setup.knows("a", at("v", "9"));
    drop(setup.ask("a"));
    assert_eq!((setup.asked(), setup.rates().outdated), (1, 2), "another one of that name");
    setup.knows("a", Known::Gone);
    assert_eq!((setup.get("a"), setup.rates().held), (None, 0));
}

#[test]
fn who_knows_of_a_later_version_does_not_take_an_earlier_answer() {
    let setup = setup(10);
    setup.knows("a", at("u", "5"));
    let early = setup.ask("a");
    setup.knows("a", at("u", "6"));
    let late = setup.ask("a");
    assert_eq!(setup.asked(), 1);
    setup.answer(Ok(Some(object("a", "u", "5"))));
    let mut late = late;
    assert!(late.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert_eq!((version(early.now_or_never()).as_str(), setup.asked()), ("5", 1));
    setup.answer(Ok(Some(object("a", "u", "6"))));
    assert_eq!(version(late.now_or_never()), "6");
}

#[test]
fn a_failure_is_told_to_all_and_kept_by_nobody() {
    let setup = setup(10);
    setup.knows("a", at("u", "5"));
    let callers: Vec<_> = (0..3).map(|_| setup.ask("a")).collect();
    setup.answer(Err(Error::timeout("the server is slow")));
    for answer in join_all(callers).now_or_never().unwrap() {
        let error = answer.unwrap_err();
        assert_eq!(
            (error.to_string().as_str(), error.kind()),
            ("the server is slow", crate::ErrorKind::Timeout)
        );
    }
    let caller = setup.ask("a");
    setup.answer(Ok(Some(object("a", "u", "5"))));
    assert_eq!(version(caller.now_or_never()), "5");
    assert_eq!((setup.rates().failed, setup.rates().fetched), (1, 2));
}

#[test]
fn one_who_goes_away_takes_nobodys_answer() {
    let setup = setup(10);
    setup.knows("a", at("u", "5"));
    let (first, second) = (setup.ask("a"), setup.ask("a"));
    drop(first);
    setup.answer(Ok(Some(object("a", "u", "5"))));
    assert_eq!(version(second.now_or_never()), "5");
    setup.knows("b", at("u", "5"));
    drop(setup.ask("b"));
    let caller = setup.ask("b");
    assert_eq!(setup.asked(), 2, "nobody went on with the read that was given up");
    setup.server.asked.lock().unwrap().remove(0);
    setup.answer(Ok(Some(object("b", "u", "5"))));
    assert_eq!(version(caller.now_or_never()), "5");
}

#[test]
fn no_more_are_held_than_was_said_and_none_for_longer() {
    let setup = setup(2);
    for name in ["a", "b", "c"] {
        setup.knows(name, at("u", "5"));
        let caller = setup.ask(name);
        setup.answer(Ok(Some(object(name, "u", "5"))));
        assert_eq!(version(caller.now_or_never()), "5");
        assert_eq!(setup.get("a").is_some(), true, "asked for each time, so it stays");
    }
    assert_eq!((setup.rates().held, setup.rates().evicted), (2, 1));
    drop(setup.ask("b"));
    assert_eq!(setup.asked(), 1);
    setup.clock.run(Handle(setup.clock.clone()).wait(setup.clock.after(Duration::from_secs(60))));
    drop(setup.ask("a"));
    assert_eq!((setup.asked(), setup.rates().expired), (2, 1));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Against a list of what was asked for, the last one first.
    #[test]
    fn a_shelf_is_as_a_list(
        capacity in 0..5_usize,
        steps in prop::collection::vec((0..4_u8, 0..8_u32, 1..4_u32), 0..200),
    ) {
        let clock = Virtual::new();
        let start = clock.after(Duration::ZERO);
        let ttl = Duration::from_secs(5);
        let mut shelf = Shelf::new(Hold { objects: capacity, ttl });
        let mut now = start;
        let mut versions = [1_u32; 8];
        // Name, version, until when.
        let mut model: Vec<(u32, u32, std::time::Instant)> = Vec::new();
        for (step, name, by) in steps {
            let key = key(&name.to_string());
            let current = versions[name as usize];
            let is_right = |(name, version, until): &(u32, u32, std::time::Instant)| {
                *version >= versions[*name as usize] && now < *until
            };
            match step {
                0 => now += Duration::from_secs(by.into()),
                1 => versions[name as usize] += by,
                2 => {
                    let got = shelf.get(now, &key, &at("u", &current.to_string()));
                    let found = model.iter().position(|(other, ..)| *other == name).map(|at| model.remove(at));
                    let found = found.filter(is_right);
                    prop_assert_eq!(got.map(|got| got.resource_version().to_owned()), found.map(|found| found.1.to_string()));
                    model.splice(0..0, found);
                }
                _ if capacity > 0 => {
                    let known = |key: &Key| at("u", &versions[key.1.parse::<usize>().unwrap()].to_string());
                    shelf.put(now, &key, object(&key.1, "u", &current.to_string()), known);
                    // Few are held here, so all of them are looked at.
                    model.retain(|kept| kept.0 != name && is_right(kept));
                    model.insert(0, (name, current, now + ttl));
                    model.truncate(capacity);
                }
                _ => shelf.put(now, &key, object(&key.1, "u", "1"), |_| Known::Unknown),
            }
            prop_assert!(shelf.rates.held <= capacity);
            prop_assert_eq!(shelf.rates.held, model.len());
        }
    }
}
