//! What a test's own thread logs: its events, and its spans when they close.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Metadata, Subscriber};

pub(crate) struct Log {
    state: Arc<Mutex<State>>,
    _guard: DefaultGuard,
}

impl Log {
    pub(crate) fn take(&self) -> String {
        std::mem::take(&mut self.state.lock().unwrap().text)
    }
}

impl Log {
    /// Says in which span this thread is.
    pub(crate) fn inside(&self) -> impl Fn() -> String + Send + Sync + 'static {
        let state = self.state.clone();
        move || {
            let state = state.lock().unwrap();
            let span = state.entered.last().and_then(|id| state.spans.get(id));
            span.map_or("nothing", |span| span.metadata.name()).to_owned()
        }
    }
}

/// Until the result is dropped.
pub(crate) fn capture() -> Log {
    let state = Arc::<Mutex<State>>::default();
    Log { state: state.clone(), _guard: tracing::subscriber::set_default(Capture(state)) }
}

struct Capture(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    text: String,
    spans: HashMap<u64, Span>,
    last: u64,
    entered: Vec<u64>,
}

struct Span {
    metadata: &'static Metadata<'static>,
    line: Line,
    handles: u32,
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}

impl Subscriber for Capture {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, new: &Attributes<'_>) -> Id {
        let mut state = self.0.lock().unwrap();
        let metadata = new.metadata();
        let around = state.entered.last().and_then(|id| state.spans.get(id)).map(|span| span.metadata.name());
        let mut line = Line(format!("{} {}", metadata.level(), metadata.name()));
        if let Some(around) = around {
            let _ = write!(line.0, " in {around}:");
        }
        new.record(&mut line);
        state.last += 1;
        let last = state.last;
        state.spans.insert(last, Span { metadata, line, handles: 1 });
        Id::from_u64(last)
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        if let Some(span) = self.0.lock().unwrap().spans.get_mut(&id.into_u64()) {
            values.record(&mut span.line);
        }
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        let mut state = self.0.lock().unwrap();
        state.text.push_str(&line.0);
        state.text.push('\n');
    }

    fn enter(&self, id: &Id) {
        self.0.lock().unwrap().entered.push(id.into_u64());
    }

    fn exit(&self, _: &Id) {
        self.0.lock().unwrap().entered.pop();
    }

    fn clone_span(&self, id: &Id) -> Id {
        if let Some(span) = self.0.lock().unwrap().spans.get_mut(&id.into_u64()) {
            span.handles += 1;
        }
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        let mut state = self.0.lock().unwrap();
        let Some(span) = state.spans.get_mut(&id.into_u64()) else { return false };
        span.handles -= 1;
        if span.handles > 0 {
            return false;
        }
        if let Some(span) = state.spans.remove(&id.into_u64()) {
            state.text.push_str(&span.line.0);
            state.text.push('\n');
        }
        true
    }
}
