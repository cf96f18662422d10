//! Makes an account of changes that needs no store to be understood: of complete states, only what is different from what was told.

use std::cmp::Ordering;
use std::collections::{HashMap, VecDeque};

use k8s_api::text::Str;

use super::event::{Cause, Change, Event, Gone};
use super::object::{AnyObject, Held, Key};
use super::version::compare;

/// What was told of every object that is there: its identity and version, and not the object.
#[derive(Debug)]
pub(crate) struct Account {
    known: HashMap<(Str, Str), Known>,
    /// Counts complete states, those that came to nothing among them.
    round: u64,
    /// Why a complete state is on its way.
    state: Option<Cause>,
    /// Whether one was told, or need not be.
    synced: bool,
    /// Whether one was told.
    complete: bool,
    bookmarks: bool,
}

#[derive(Debug)]
struct Known {
    uid: Str,
    version: Str,
    /// The last complete state that had it.
    round: u64,
}

impl Account {
    /// An account that begins with a complete state, or somewhere later.
    pub(crate) fn new(begins_later: bool, bookmarks: bool) -> Account {
        Account {
            known: HashMap::new(),
            round: 0,
            state: None,
            synced: begins_later,
            complete: false,
            bookmarks,
        }
    }

    /// Tells what a change means.
    pub(crate) fn take(&mut self, change: Change<Held>, tell: &mut VecDeque<Event<dyn AnyObject>>) {
        match change {
            Change::Begin { cause } => {
                self.round += 1;
                self.state = Some(cause);
            }
            Change::Applied(object) => self.applied(object, tell),
            Change::Deleted(gone) => {
                let was_told = self.known.remove(&key_of(&gone)).is_some();
                // What was never told need not be taken back, unless it was there before all that is known.
                if was_told || !self.complete && self.state.is_none() {
                    tell.push_back(Event::Deleted(gone));
                }
            }
            Change::End { .. } => self.end(tell),
            Change::Bookmark { resource_version } => {
                if self.bookmarks {
                    tell.push_back(Event::Bookmark { resource_version });
                }
            }
            Change::Quarantined(bad) => {
                // It is there, whatever it is now.
                let key = bad.key.as_ref().map(|key| (Str::from(&*key.namespace), Str::from(&*key.name)));
                if let Some(known) = key.and_then(|key| self.known.get_mut(&key)) {
                    known.round = self.round;
                }
                tell.push_back(Event::Quarantined(bad));
            }
        }
    }

    fn applied(&mut self, object: Held, tell: &mut VecDeque<Event<dyn AnyObject>>) {
        let metadata = (*object).metadata();
        let (uid, version) = (metadata.uid.clone(), metadata.resource_version.clone());
        let key = (metadata.namespace.clone(), metadata.name.clone());
        if let Some(known) = self.known.get_mut(&key) {
            known.round = self.round;
            if known.uid != uid {
                let (namespace, name) = (key.0.as_str().to_owned(), key.1.as_str().to_owned());
                tell.push_back(Event::Deleted(Gone::Key(Key { namespace, name })));
            } else if self.state.is_some()
                && !version.is_empty()
                && compare(&known.version, &version).is_some_and(Ordering::is_ge)
            {
                return;
            }
            (known.uid, known.version) = (uid, version);
        } else {
            self.known.insert(key, Known { uid, version, round: self.round });
        }
        tell.push_back(Event::Applied(object));
    }

    /// What a complete state does not have is gone.
    fn end(&mut self, tell: &mut VecDeque<Event<dyn AnyObject>>) {
        let Some(cause) = self.state.take() else { return };
        self.complete = true;
        let round = self.round;
        let mut gone: Vec<_> =
            self.known.extract_if(|_, known| known.round != round).map(|(key, _)| key).collect();
        gone.sort_unstable();
        tell.extend(gone.into_iter().map(|(namespace, name)| {
            let (namespace, name) = (namespace.as_str().to_owned(), name.as_str().to_owned());
            Event::Deleted(Gone::Key(Key { namespace, name }))
        }));
        let first = !std::mem::replace(&mut self.synced, true);
        tell.push_back(if first { Event::Synced } else { Event::Resynced { cause } });
    }
}

fn key_of(gone: &Gone<Held>) -> (Str, Str) {
    match gone {
        Gone::Object(object) => {
            let metadata = (**object).metadata();
            (metadata.namespace.clone(), metadata.name.clone())
        }
        Gone::Key(key) => (Str::from(&*key.namespace), Str::from(&*key.name)),
    }
}
