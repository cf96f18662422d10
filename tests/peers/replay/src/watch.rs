//! Watches: the events that were captured, which every watch gets when somebody asks for them.

use std::io::{self, Write as _};
use std::net::TcpStream;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::format::{Format, find};
use crate::http::chunk;

/// Versions of replayed events: later than those of a list, and all of one length, so that they can be overwritten in place.
const FIRST_VERSION: u64 = 1_000_000;
const DIGITS: usize = 7;
/// What stands in the place of a version, and nowhere else.
const PLACEHOLDER: &[u8] = b"@@RV@@@";

/// The events of a captured watch, rendered, a chunk each.
#[derive(Clone)]
pub(crate) struct Events {
    bytes: Vec<u8>,
    versions: Vec<usize>,
    last: (String, String),
}

impl Events {
    pub(crate) fn new(format: Format, watch: &[u8]) -> Self {
        let mut events = Self { bytes: Vec::new(), versions: Vec::new(), last: Default::default() };
        for (kind, object) in format.captured(watch) {
            let frame = format.event(&kind, &format.with_version(&object, PLACEHOLDER));
            let start = events.bytes.len();
            chunk(&frame, &mut events.bytes);
            let version = find(&events.bytes[start..], PLACEHOLDER).expect("a version");
            events.versions.push(start + version);
            events.last = format.name(&object);
        }
        events
    }

    pub(crate) fn len(&self) -> usize {
        self.versions.len()
    }

    /// The same with other versions, from this one on.
    fn renew(&mut self, mut version: u64) -> u64 {
        for at in &self.versions {
            let mut rest = version;
            for digit in self.bytes[*at..*at + DIGITS].iter_mut().rev() {
                *digit = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
            version += 1;
        }
        version
    }
}

/// Holds watches until they may begin.
#[derive(Default)]
pub(crate) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: usize,
    /// Counts what was asked for.
    round: u64,
    repeat: usize,
    first: u64,
    next: u64,
}

impl State {
    fn plan(&self, repeat: usize, events: &Events) -> String {
        let count = repeat * events.len();
        let last = FIRST_VERSION + self.next + count as u64 - 1;
        let (namespace, name) = &events.last;
        format!(
            r#"{{"events":{count},"lastNamespace":"{namespace}","lastName":"{name}","lastResourceVersion":"{last}"}}"#
        )
    }
}

impl Gate {
    /// Lets every watch that waits have the events so many times. The answer says how many events come, and which is the last.
    pub(crate) fn open(
        &self,
        repeat: usize,
        events: &Events,
        answer: impl FnOnce(String) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut state = self.state();
        while state.waiting == 0 {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        // Before the first event, so that a client knows what to wait for.
        answer(state.plan(repeat, events))?;
        state.first = FIRST_VERSION + state.next;
        state.repeat = repeat;
        // The bookmark behind them has a version, too.
        state.next += (repeat * events.len()) as u64 + 1;
        state.round += 1;
        self.changed.notify_all();
        Ok(())
    }

    /// What would come.
    pub(crate) fn plan(&self, repeat: usize, events: &Events) -> String {
        self.state().plan(repeat, events)
    }

    /// Serves a watch until its client goes.
    pub(crate) fn serve(&self, format: Format, mut events: Events, out: &mut TcpStream) -> io::Result<()> {
        loop {
            let Some((repeat, mut version)) = self.wait(out) else { return Ok(()) };
            for _ in 0..repeat {
                version = events.renew(version);
                for part in events.bytes.chunks(256 << 10) {
                    out.write_all(part)?;
                }
            }
            let mut bookmark = Vec::new();
            chunk(&format.bookmark(&version.to_string(), false), &mut bookmark);
            out.write_all(&bookmark)?;
        }
    }

    /// How many rounds from which version on, unless the client has gone.
    fn wait(&self, client: &TcpStream) -> Option<(usize, u64)> {
        let mut state = self.state();
        let seen = state.round;
        state.waiting += 1;
        self.changed.notify_all();
        while state.round == seen {
            let waited = self.changed.wait_timeout(state, Duration::from_millis(100));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            if state.round == seen && has_gone(client) {
                state.waiting -= 1;
                return None;
            }
        }
        state.waiting -= 1;
        Some((state.repeat, state.first))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn has_gone(client: &TcpStream) -> bool {
    let _ = client.set_nonblocking(true);
    let seen = client.peek(&mut [0]);
    let _ = client.set_nonblocking(false);
    match seen {
        Ok(length) => length == 0,
        Err(error) => error.kind() != io::ErrorKind::WouldBlock,
    }
}
