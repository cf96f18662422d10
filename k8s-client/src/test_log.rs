//! What a test's own thread logs.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Metadata, Subscriber};

pub(crate) struct Log {
    text: Arc<Mutex<String>>,
    _guard: DefaultGuard,
}

impl Log {
    pub(crate) fn take(&self) -> String {
        std::mem::take(&mut self.text.lock().unwrap())
    }
}

/// Until the result is dropped.
pub(crate) fn capture() -> Log {
    let text = Arc::new(Mutex::new(String::new()));
    Log { text: text.clone(), _guard: tracing::subscriber::set_default(Capture(text)) }
}

struct Capture(Arc<Mutex<String>>);

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

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        let mut text = self.0.lock().unwrap();
        text.push_str(&line.0);
        text.push('\n');
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
