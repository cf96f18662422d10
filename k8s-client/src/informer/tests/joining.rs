//! Joining while a watch goes on, on threads that know nothing of each other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use k8s_api::core::v1::ConfigMap;

use super::Server;
use crate::cache::Builder;
use crate::informer::core::Core;
use crate::informer::feed::{Feed, Told};
use crate::informer::hub::Hub;
use crate::informer::queue::Item;
use crate::informer::token::Identity;
use crate::watch::{Cause, Change, Health, Held, Object as _};

const NAMES: u64 = 10;

fn object(version: u64) -> Held {
    let mut object = ConfigMap::default();
    object.metadata.name = (version % NAMES).to_string().into();
    object.metadata.uid = "u".into();
    object.metadata.resource_version = version.to_string().as_str().into();
    Arc::new(object)
}

#[test]
fn nothing_is_missed_and_nothing_comes_twice() {
    let (_, client) = Server::start();
    let (writer, _) = Builder::<ConfigMap>::new().build();
    let resource = Identity::of(&client.all::<ConfigMap>());
    let hub = Hub::new(resource, client.outside().clone(), writer, vec![None]);
    let core = Arc::new(Core::new(hub.clone()));
    let complete = vec![Change::Begin { cause: Cause::Start }, Change::End { resource_version: "1".into() }];
    hub.tell(0, complete, &Health::default());

    let done = AtomicBool::new(false);
    let mut feeds = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for version in 10..4000 {
                hub.tell(0, vec![Change::Applied(object(version))], &Health::default());
                std::thread::yield_now();
            }
            done.store(true, Ordering::SeqCst);
        });
        while !done.load(Ordering::SeqCst) {
            if feeds.len() < 300 {
                feeds.push(Feed::new(core.clone(), usize::MAX));
            }
            std::thread::yield_now();
        }
    });
    for mut feed in feeds {
        let mut versions: BTreeMap<String, u64> = BTreeMap::new();
        while let Poll::Ready(Some(told)) = feed.poll(&mut Context::from_waker(Waker::noop())) {
            let Told::Item(Item::Applied(object)) = told else { continue };
            let version = object.resource_version().parse().unwrap();
            let before = versions.insert(object.name().to_owned(), version);
            assert!(before.is_none_or(|before| before + NAMES == version), "{before:?}, then {version}");
        }
        let last: Vec<u64> = versions.into_values().collect();
        assert_eq!(last, (4000 - NAMES..4000).collect::<Vec<_>>());
    }
}
