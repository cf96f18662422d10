//! The store and those who are told, behind the watch's model of a server: whatever goes wrong, readers see the state that the
//! contract of changes says, and what listeners were told adds up to it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use k8s_api::core::v1::ConfigMap;
use proptest::prelude::*;

use super::{Hub, Step};
use crate::cache::Builder;
use crate::informer::audience::{Audience, Behind};
use crate::informer::queue::Item;
use crate::informer::testing::Server;
use crate::informer::token::Identity;
use crate::watch::machine::simulation::script;
use crate::watch::{Health, Object as _};

type Versions = BTreeMap<String, String>;

/// Adds up what it is told.
#[derive(Default)]
struct Sum(Mutex<Versions>);

impl Audience for Sum {
    fn tell(&self, steps: &[Step], _: bool) {
        let mut sum = self.0.lock().unwrap();
        for Step { item, created } in steps {
            match item {
                Item::Applied(object) => {
                    let old = sum.insert(object.name().to_owned(), object.resource_version().to_owned());
                    assert_eq!(old.is_none(), *created, "{}", object.name());
                }
                Item::Deleted(object) | Item::Released(object) => {
                    assert!(sum.remove(object.name()).is_some(), "{} was not there", object.name());
                }
                _ => {}
            }
        }
    }
    fn close(&self) {}
    fn leave(&self) {}
    fn behind(&self) -> Behind {
        Behind::default()
    }
}

proptest! {
    #[test]
    fn readers_see_complete_states(script in script()) {
        let (_, client) = Server::start();
        let resource = Identity::of(&client.all::<ConfigMap>());
        let (writer, reader) = Builder::<ConfigMap>::new().build();
        let hub = Hub::new(resource, client.outside().clone(), writer, vec![None]);
        let sum = Arc::new(Sum::default());
        hub.join(Arc::downgrade(&sum) as _, |_, _| ());
        script.play(move |changes, store| {
            hub.tell(0, changes, &Health::default());
            let seen = reader.snapshot();
            let seen: Versions = seen.iter().map(|it| (it.metadata.name.to_string(), it.metadata.resource_version.to_string())).collect();
            let expected: Versions = store.values().map(|it| (it.name.clone(), it.version.clone())).collect();
            assert_eq!(&seen, &expected);
            assert_eq!(*sum.0.lock().unwrap(), expected);
        });
    }
}
