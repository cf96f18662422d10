//! Makes an account of changes that needs no store to be understood: of complete states, only what is different from what was told.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap, VecDeque};

use k8s_api::text::Str;

use super::event::{Cause, Change, Event, Gone};
use super::object::{AnyObject, Held, Key};
use super::version::compare;

/// What was told of every object that is there: its identity and version, and not the object.
///
/// While a complete state is on its way, what it has of an object may be older than what was told, since an attempt before it may have seen more. That is
/// kept back: mostly something newer comes before the end. If not, it is what the server has, as after its data were restored, and is told then.
#[derive(Debug)]
pub(crate) struct Account {
    known: HashMap<(Str, Str), Known>,
    /// The last that a complete state on its way has of an object, where that is older than what was told.
    kept_back: BTreeMap<(Str, Str), Held>,
    /// What went while a complete state was on its way, and at which version.
    gone: HashMap<(Str, Str), Str>,
    /// How far everything was told, the last time that no complete state was on its way.
    position: Str,
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
            kept_back: BTreeMap::new(),
            gone: HashMap::new(),
            position: Str::default(),
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
                self.kept_back.clear();
            }
            Change::Applied(object) => self.applied(object, tell),
            Change::Deleted(gone) => self.deleted(gone, tell),
            Change::End { resource_version } => {
                self.position = resource_version.as_str().into();
                self.end(tell);
            }
            Change::Bookmark { resource_version } => {
                self.position = resource_version.as_str().into();
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
        self.kept_back.remove(&key);
        let known = self.known.get_mut(&key);
        // What is not known and no later than what is, is gone.
        let told = known.as_ref().map(|known| &known.version).or_else(|| self.gone.get(&key));
        let told = told.or(Some(&self.position).filter(|_| self.complete));
        match told
            .filter(|_| self.state.is_some() && !version.is_empty())
            .and_then(|told| compare(&version, told))
        {
            Some(Ordering::Less) => {
                self.kept_back.insert(key.clone(), object);
            }
            Some(Ordering::Equal) if known.as_ref().is_some_and(|known| known.uid == uid) => {}
            _ => {
                self.gone.remove(&key);
                if self.state.is_none() {
                    self.position.clone_from(&version);
                }
                return self.tell_applied(key, Known { uid, version, round: self.round }, object, tell);
            }
        }
        if let Some(known) = self.known.get_mut(&key) {
            known.round = self.round;
        }
    }

    fn tell_applied(
        &mut self,
        key: (Str, Str),
        new: Known,
        object: Held,
        tell: &mut VecDeque<Event<dyn AnyObject>>,
    ) {
        let uid = new.uid.clone();
        if self.known.insert(key.clone(), new).is_some_and(|known| known.uid != uid) {
            tell.push_back(Event::Deleted(gone_key(&key)));
        }
        tell.push_back(Event::Applied(object));
    }

    fn deleted(&mut self, gone: Gone<Held>, tell: &mut VecDeque<Event<dyn AnyObject>>) {
        let key = key_of(&gone);
        if self.state.is_some() {
            self.kept_back.remove(&key);
            let version = match &gone {
                Gone::Object(object) => (**object).metadata().resource_version.clone(),
                Gone::Key(_) => Str::default(),
            };
            if let Some(known) = self.known.get_mut(&key)
                && compare(&version, &known.version).is_none_or(Ordering::is_lt)
            {
                // It may have come back since, as was told; if it does not come now, it is gone in the end.
                known.round = self.round.wrapping_sub(1);
                return;
            }
            self.gone.insert(key.clone(), version);
        } else if let Gone::Object(object) = &gone {
            self.position = (**object).metadata().resource_version.clone();
        }
        let was_told = self.known.remove(&key).is_some();
        // What was never told need not be taken back, unless it was there before all that is known.
        if was_told || !self.complete && self.state.is_none() {
            tell.push_back(Event::Deleted(gone));
        }
    }

    /// What a complete state does not have is gone.
    fn end(&mut self, tell: &mut VecDeque<Event<dyn AnyObject>>) {
        let Some(cause) = self.state.take() else { return };
        self.complete = true;
        self.gone.clear();
        let round = self.round;
        let mut gone: Vec<_> =
            self.known.extract_if(|_, known| known.round != round).map(|(key, _)| key).collect();
        gone.sort_unstable();
        tell.extend(gone.iter().map(|key| Event::Deleted(gone_key(key))));
        for (key, object) in std::mem::take(&mut self.kept_back) {
            let metadata = (*object).metadata();
            let (uid, version) = (metadata.uid.clone(), metadata.resource_version.clone());
            self.tell_applied(key, Known { uid, version, round }, object, tell);
        }
        let first = !std::mem::replace(&mut self.synced, true);
        tell.push_back(if first { Event::Synced } else { Event::Resynced { cause } });
    }
}

fn gone_key((namespace, name): &(Str, Str)) -> Gone<Held> {
    Gone::Key(Key { namespace: namespace.as_str().to_owned(), name: name.as_str().to_owned() })
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
