//! Watches: a state to begin with, then every change in order, bookmarks, an end in time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use serde_json::json;
use tokio::sync::watch::Receiver;
use tokio::time::Instant;

use super::ask::Said;
use super::core::{Call, Core};
use super::failure::Failure;
use super::kinds::Known;
use super::reads::{Selection, check_options, number};
use super::shape::Shape;
use super::store::{Change, Event, Object};

/// How often bookmarks are sent, as by the real server.
const BOOKMARKS: Duration = Duration::from_secs(60);
/// What the real server gives a watch at least, where nobody says how long; it adds as much again by chance.
const LONGEST: Duration = Duration::from_secs(1800);

/// A watch on its way.
struct Watch {
    core: Arc<Core>,
    kind: Known,
    stored: Known,
    shape: Shape,
    selection: Selection,
    /// All changes up to here were looked at.
    seen: u64,
    ready: VecDeque<Bytes>,
    changed: Receiver<u64>,
    ends: Instant,
    bookmark: Option<Instant>,
    over: bool,
}

pub(crate) fn answer(call: &Call<'_>) -> Result<Said, Failure> {
    let query = &call.ask.query;
    let selection = Selection::of(call)?;
    check_options(call, true)?;
    let version = query.text("resourceVersion");
    let from = number(version).map_err(|_| {
        let detail = format!("strconv.ParseUint: parsing {version:?}: invalid syntax");
        Failure::plain_internal(format!("resourceVersion: Invalid value: {version:?}: {detail}"))
    })?;
    let initial = match query.text("sendInitialEvents") {
        "true" | "1" => Some(true),
        "" => None,
        _ => Some(false),
    };
    let bookmarks = query.flag("allowWatchBookmarks");
    let core = call.core.clone();
    let now = Instant::now();
    let seconds = query.number("timeoutSeconds")?.and_then(|it| u64::try_from(it).ok()).filter(|it| *it > 0);
    let mut watch = Watch {
        kind: call.kind,
        stored: call.stored,
        shape: call.shape.clone(),
        selection,
        seen: from,
        ready: VecDeque::new(),
        changed: core.changed.subscribe(),
        ends: now + seconds.map_or(LONGEST, Duration::from_secs),
        bookmark: bookmarks.then(|| now + BOOKMARKS),
        over: false,
        core,
    };
    let state = watch.core.clone();
    let state = state.state();
    // Without a version, or with 0, a watch begins with what there is.
    if initial == Some(true) || initial.is_none() && from == 0 {
        for object in watch.selection.of_table(state.store.table(watch.kind.stored), None) {
            let line =
                watch.shape.event(&watch.core, &watch.kind, &watch.stored, Event::Added.as_str(), object)?;
            watch.ready.push_back(line);
        }
        watch.seen = state.store.revision();
        if initial == Some(true) && bookmarks {
            let end = json!({"annotations": {"k8s.io/initial-events-end": "true"}, "resourceVersion": watch.seen.to_string()});
            watch.ready.push_back(watch.shape.bookmark(&watch.kind, end)?);
        }
    } else if initial == Some(false) && from == 0 {
        watch.seen = state.store.revision();
    }
    drop(state);
    let content_type = watch.shape.watch_type();
    let lines = stream::unfold(watch, |mut watch| async move {
        let line = watch.next().await?;
        Some((Ok(line), watch))
    });
    Ok(Said::stream(content_type, Box::pin(lines)))
}

impl Watch {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                return Some(line);
            }
            if self.over {
                return None;
            }
            // Marked before it is looked: what comes in between is seen the next time.
            self.changed.mark_unchanged();
            self.look();
            if !self.ready.is_empty() || self.over {
                continue;
            }
            // Without a runtime's clock there is nothing but changes to wait for.
            if tokio::runtime::Handle::try_current().is_err() {
                self.changed.changed().await.ok()?;
                continue;
            }
            let next = self.bookmark.map_or(self.ends, |bookmark| bookmark.min(self.ends));
            tokio::select! {
                changed = self.changed.changed() => changed.ok()?,
                () = tokio::time::sleep_until(next) => self.on_time(),
            }
        }
    }

    fn on_time(&mut self) {
        let now = Instant::now();
        if now >= self.ends {
            self.over = true;
        }
        if let Some(bookmark) = &mut self.bookmark
            && (now >= *bookmark || self.over)
        {
            *bookmark = now + BOOKMARKS;
            let version = json!({"resourceVersion": self.seen.to_string()});
            if let Ok(line) = self.shape.bookmark(&self.kind, version) {
                self.ready.push_back(line);
            }
        }
    }

    /// Makes lines of what has happened.
    fn look(&mut self) {
        let state = self.core.state();
        let changes = match state.store.changes_after(self.kind.stored, self.seen) {
            Ok(changes) => changes,
            Err(gone) => {
                self.over = true;
                self.ready.push_back(self.shape.error(&gone));
                return;
            }
        };
        self.seen = self.seen.max(state.store.revision());
        drop(state);
        for change in changes {
            let Some((event, object)) = self.seen_as(&change) else { continue };
            match self.shape.event(&self.core, &self.kind, &self.stored, event.as_str(), object) {
                Ok(line) => self.ready.push_back(line),
                Err(failure) => {
                    self.over = true;
                    self.ready.push_back(self.shape.error(&failure));
                    return;
                }
            }
        }
    }

    /// What a change is to somebody who sees but a part: what comes to match was added, what no longer does was deleted.
    fn seen_as<'c>(&self, change: &'c Change) -> Option<(Event, &'c Arc<Object>)> {
        let before = change.before.as_ref().is_some_and(|before| self.selection.matches(before));
        let now = change.event != Event::Deleted && self.selection.matches(&change.object);
        let event = match (before, now) {
            (true, true) => Event::Modified,
            (false, true) => Event::Added,
            (true, false) => Event::Deleted,
            (false, false) => return None,
        };
        Some((event, &change.object))
    }
}
