//! One store, the watches that fill it, and all who are told.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::watch;

use super::audience::{Audience, Behind, Step};
use super::queue::Item;
use super::token::Identity;
use crate::cache::{Draft, Whole, Writer};
use crate::outside::Outside;
use crate::watch::{Cause, Change, Gone, Health, Held, Object as _, ResourceVersion};

/// What a cache and its watches share. It does not keep the watches going.
pub(super) struct Hub {
    /// What is followed, in the words of an error.
    pub(super) what: String,
    pub(super) resource: Identity,
    pub(super) outside: Arc<dyn Outside>,
    /// How the watches do. What it says is in the store already.
    pub(super) status: watch::Sender<Status>,
    state: Mutex<State>,
}

/// How the watches do.
#[derive(Debug)]
pub(super) struct Status {
    pub(super) parts: Vec<Part>,
    /// There is nothing more to come, and why.
    pub(super) ended: Option<&'static str>,
}

/// How one of the watches does.
#[derive(Debug, Default)]
pub(super) struct Part {
    /// The namespace that it is of, unless it is of all.
    pub(super) namespace: Option<String>,
    pub(super) health: Health,
    /// Every change up to here is in the store.
    pub(super) position: ResourceVersion,
}

struct State {
    writer: Writer,
    audience: Vec<Weak<dyn Audience>>,
    watches: Vec<Watched>,
    /// Whether all were told that everything is there.
    complete: bool,
    ended: bool,
}

#[derive(Default)]
struct Watched {
    namespace: Option<String>,
    /// A complete state on its way.
    building: Option<Building>,
    /// How far it is, once it was complete.
    position: Option<ResourceVersion>,
}

struct Building {
    cause: Cause,
    objects: Objects,
}

enum Objects {
    /// Of the only watch: it will be the store.
    All(Draft),
    /// Of one of several.
    Some(Vec<Change<Held>>),
}

impl Hub {
    pub(super) fn new(
        resource: Identity,
        outside: Arc<dyn Outside>,
        writer: Writer,
        namespaces: Vec<Option<String>>,
    ) -> Arc<Hub> {
        let watched =
            |namespace: &Option<String>| Watched { namespace: namespace.clone(), ..Watched::default() };
        let watches = namespaces.iter().map(watched).collect();
        let state = State { writer, audience: Vec::new(), watches, complete: false, ended: false };
        let parts = namespaces.into_iter().map(|namespace| Part { namespace, ..Part::default() }).collect();
        let status = watch::Sender::new(Status { parts, ended: None });
        Arc::new(Hub { what: resource.name(), resource, outside, status, state: Mutex::new(state) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A watch has something to tell, or is in another state.
    pub(super) fn tell(&self, watch: usize, changes: Vec<Change<Held>>, health: &Health) {
        let position = if changes.is_empty() { None } else { self.lock().lay(watch, changes) };
        self.status.send_modify(|status| {
            if let Some(part) = status.parts.get_mut(watch) {
                part.health.clone_from(health);
                if let Some(position) = position {
                    part.position = position;
                }
            }
        });
    }

    /// What a watch has brought and does not keep leaves the store. A complete state of it on its way is void.
    pub(super) fn release(&self, watch: usize, keep: impl Fn(&Held) -> bool) {
        let mut state = self.lock();
        let Some(watched) = state.watches.get_mut(watch) else { return };
        watched.building = None;
        let namespace = watched.namespace.clone();
        let of_watch = |object: &&Held| namespace.as_deref().is_none_or(|it| it == object.namespace());
        let gone: Vec<Held> =
            state.writer.whole().iter().filter(of_watch).filter(|object| !keep(object)).cloned().collect();
        state.writer.batch(|draft| {
            for object in &gone {
                draft.delete(object.namespace(), object.name());
            }
        });
        let steps: Vec<Step> = gone.into_iter().map(|object| Step::told(Item::Released(object))).collect();
        state.tell(&steps, true);
        drop(state);
        // Whoever waits for a state of the cache is to look at it.
        self.status.send_modify(|_| {});
    }

    /// Tells somebody all that happens from a moment on. `begin` gets the state of that moment, and whether it is a complete one.
    pub(super) fn join<R>(&self, member: Weak<dyn Audience>, begin: impl FnOnce(Whole, bool) -> R) -> R {
        let mut state = self.lock();
        let begun = begin(state.writer.whole(), state.complete);
        if state.ended
            && let Some(member) = member.upgrade()
        {
            member.close();
        }
        state.audience.retain(|member| member.strong_count() > 0);
        state.audience.push(member);
        begun
    }

    /// Does something at a moment at which all that is in the store was told.
    pub(super) fn still<R>(&self, act: impl FnOnce(Whole) -> R) -> R {
        let state = self.lock();
        act(state.writer.whole())
    }

    /// Ends it for all who are told.
    pub(super) fn end(&self, why: &'static str) {
        let mut state = self.lock();
        state.ended = true;
        state.audience.drain(..).filter_map(|member| member.upgrade()).for_each(|member| member.close());
        drop(state);
        self.status.send_modify(|status| _ = status.ended.get_or_insert(why));
    }

    pub(super) fn behind(&self) -> Vec<Behind> {
        self.lock().audience.iter().filter_map(Weak::upgrade).map(|member| member.behind()).collect()
    }
}

impl State {
    /// Lays what a watch tells into the store, tells it to all, and returns how far the watch is now.
    fn lay(&mut self, watch: usize, changes: Vec<Change<Held>>) -> Option<ResourceVersion> {
        let mut position = None;
        let mut live = Vec::new();
        for change in changes {
            let alone = self.watches.len() == 1;
            match (change, &mut self.watches.get_mut(watch)?.building) {
                (Change::Begin { cause }, building) => {
                    let objects =
                        if alone { Objects::All(self.writer.draft()) } else { Objects::Some(Vec::new()) };
                    *building = Some(Building { cause, objects });
                }
                (Change::End { resource_version }, building) => {
                    if let Some(building) = building.take() {
                        // What was told before the complete state is part of it, or void.
                        live.clear();
                        position = Some(resource_version.clone());
                        self.replace(watch, building, resource_version);
                    }
                }
                (change, Some(Building { objects: Objects::All(draft), .. })) => lay(draft, change, None),
                (change, Some(Building { objects: Objects::Some(changes), .. })) => changes.push(change),
                (change, None) => live.push(change),
            }
        }
        if live.is_empty() {
            return position;
        }
        let position = live.iter().rev().find_map(version).map(ResourceVersion::from).or(position);
        if let (Some(watched), Some(position)) = (self.watches.get_mut(watch), &position) {
            watched.position = Some(position.clone());
        }
        let version = self.version();
        let mut steps = Vec::new();
        let listeners = !self.audience.is_empty();
        // One publication for all that came at once.
        self.writer.batch(|draft| {
            for change in live {
                lay(draft, change, listeners.then_some(&mut steps));
            }
            if let Some(version) = version {
                draft.set_resource_version(version);
            }
        });
        self.tell(&steps, false);
        position
    }

    /// A complete state of one watch has come.
    fn replace(&mut self, watch: usize, building: Building, resource_version: ResourceVersion) {
        let Some(watched) = self.watches.get_mut(watch) else { return };
        watched.position = Some(resource_version);
        let Building { cause, objects } = building;
        let before = self.writer.whole();
        let mut draft = match objects {
            Objects::All(draft) => draft,
            Objects::Some(changes) => {
                let mut draft = self.writer.draft();
                let namespace = watched.namespace.as_deref();
                let others =
                    before.iter().filter(|object| namespace.is_some_and(|it| it != object.namespace()));
                others.for_each(|object| _ = draft.put(object.clone()));
                changes.into_iter().for_each(|change| lay(&mut draft, change, None));
                draft
            }
        };
        if let Some(version) = self.version() {
            draft.set_resource_version(version);
        }
        self.writer.replace(draft);
        let first = !self.complete && self.watches.iter().all(|watched| watched.position.is_some());
        if self.audience.is_empty() {
            self.complete |= first;
            return;
        }
        let mut steps = difference(&before, &self.writer.whole());
        if first || self.complete {
            steps.push(Step::told(Item::Complete(if first { Cause::Start } else { cause })));
        }
        self.complete |= first;
        self.tell(&steps, true);
    }

    fn tell(&mut self, steps: &[Step], complete: bool) {
        if !steps.is_empty() {
            self.audience.retain(|member| {
                member.upgrade().is_some_and(|member| {
                    member.tell(steps, complete);
                    true
                })
            });
        }
    }

    /// The version up to which every change of every watch is in the store.
    fn version(&self) -> Option<ResourceVersion> {
        let mut positions = self.watches.iter().map(|watched| watched.position.as_ref());
        let first = positions.next()??;
        let least = positions.try_fold(first, |least, next| {
            let next = next?;
            Some(if next.partial_cmp(least)?.is_lt() { next } else { least })
        });
        least.cloned()
    }
}

/// The version that a change brings the collection to.
fn version(change: &Change<Held>) -> Option<&str> {
    match change {
        Change::Applied(object) | Change::Deleted(Gone::Object(object)) => Some(object.resource_version()),
        Change::Bookmark { resource_version } => Some(resource_version.as_str()),
        _ => None,
    }
}

/// Lays one change into a draft, and notes what that makes different.
fn lay(draft: &mut Draft, change: Change<Held>, steps: Option<&mut Vec<Step>>) {
    match change {
        Change::Applied(object) => {
            let old = draft.put(object.clone());
            if let Some(steps) = steps {
                applied(old.as_ref(), object, steps);
            }
        }
        Change::Deleted(gone) => {
            let old = draft.delete(gone.namespace(), gone.name());
            if let (Some(old), Some(steps)) = (old, steps) {
                let last = match gone {
                    Gone::Object(object) if object.uid() == old.uid() => object,
                    _ => old,
                };
                steps.push(Step::told(Item::Deleted(last)));
            }
        }
        Change::Bookmark { .. } | Change::Quarantined(_) | Change::Begin { .. } | Change::End { .. } => {}
    }
}

/// An object is there, in the place of another state of it, of another object, or of nothing.
fn applied(old: Option<&Held>, object: Held, steps: &mut Vec<Step>) {
    let other = old.filter(|old| old.uid() != object.uid());
    steps.extend(other.map(|old| Step::told(Item::Deleted(old.clone()))));
    steps.push(Step::applied(object, old.is_none() || other.is_some()));
}

/// What makes one state of another: what is gone, and then what is there.
fn difference(old: &Whole, new: &Whole) -> Vec<Step> {
    let is_gone = |object: &&Held| new.get(object.namespace(), object.name()).is_none();
    let mut steps: Vec<Step> =
        old.iter().filter(is_gone).map(|object| Step::told(Item::Deleted(object.clone()))).collect();
    for object in new.iter() {
        let before = old.get(object.namespace(), object.name());
        // A state that did not change is held once, in both.
        if !before.is_some_and(|before| std::ptr::addr_eq(Arc::as_ptr(before), Arc::as_ptr(object))) {
            applied(before, object.clone(), &mut steps);
        }
    }
    steps
}

#[cfg(test)]
mod tests;
