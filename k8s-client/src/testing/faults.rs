//! What goes wrong on purpose.

use std::time::Duration;

use http::Method;

use super::ask::Ask;

/// Something that goes wrong, with which requests, how often.
///
/// ```
/// use std::time::Duration;
/// use k8s_client::testing::Fault;
///
/// let twice_busy = Fault::status(429).retry_after(1).times(2);
/// let one_lost = Fault::lost_answer().method("POST").path("/pods").times(1);
/// let slow = Fault::latency(Duration::from_millis(50));
/// ```
#[derive(Clone, Debug)]
pub struct Fault {
    pub(crate) effect: Effect,
    method: Option<Method>,
    path: Option<String>,
    watches: Option<bool>,
    skip: usize,
    left: Option<usize>,
}

#[derive(Clone, Debug)]
pub(crate) enum Effect {
    Status { code: u16, retry_after: Option<u32> },
    Latency(Duration),
    Unreachable,
    LostAnswer,
    Silence,
    CutAfter(usize),
    StallAfter(usize),
    Gone,
    Duplicated,
    Delayed(Duration),
}

impl Fault {
    fn new(effect: Effect) -> Fault {
        Fault { effect, method: None, path: None, watches: None, skip: 0, left: None }
    }

    /// Answered with this status, and nothing done.
    pub fn status(code: u16) -> Fault {
        Fault::new(Effect::Status { code, retry_after: None })
    }

    /// Answered after this time, otherwise as always.
    pub fn latency(time: Duration) -> Fault {
        Fault::new(Effect::Latency(time))
    }

    /// Nobody is there: nothing was sent.
    pub fn unreachable() -> Fault {
        Fault::new(Effect::Unreachable)
    }

    /// Done, and the connection lost before the answer.
    pub fn lost_answer() -> Fault {
        Fault::new(Effect::LostAnswer)
    }

    /// Taken, and never answered: a connection whose other end is gone without a word.
    pub fn silence() -> Fault {
        Fault::new(Effect::Silence)
    }

    /// A watch breaks off after so many events.
    pub fn cut_after(events: usize) -> Fault {
        Fault::new(Effect::CutAfter(events)).watches()
    }

    /// A watch says nothing more after so many events, and does not end: half-open.
    pub fn stall_after(events: usize) -> Fault {
        Fault::new(Effect::StallAfter(events)).watches()
    }

    /// A watch is told that its version is too old.
    pub fn gone() -> Fault {
        Fault::new(Effect::Gone).watches()
    }

    /// A watch gets every event twice.
    pub fn duplicated_events() -> Fault {
        Fault::new(Effect::Duplicated).watches()
    }

    /// A watch gets every event so much later.
    pub fn delayed_events(time: Duration) -> Fault {
        Fault::new(Effect::Delayed(time)).watches()
    }

    /// With the header `Retry-After`, for a status.
    pub fn retry_after(mut self, seconds: u32) -> Fault {
        if let Effect::Status { retry_after, .. } = &mut self.effect {
            *retry_after = Some(seconds);
        }
        self
    }

    /// Only requests of this method; a text that is none fits no request.
    pub fn method(mut self, method: &str) -> Fault {
        self.method = Some(Method::from_bytes(method.as_bytes()).unwrap_or(Method::TRACE));
        self
    }

    /// Only requests whose path has this in it.
    pub fn path(mut self, part: &str) -> Fault {
        self.path = Some(part.to_owned());
        self
    }

    /// Only watches.
    pub fn watches(mut self) -> Fault {
        self.watches = Some(true);
        self
    }

    /// Everything but watches.
    pub fn but_watches(mut self) -> Fault {
        self.watches = Some(false);
        self
    }

    /// So many times and no more; without it always.
    pub fn times(mut self, times: usize) -> Fault {
        self.left = Some(times);
        self
    }

    /// Not for the first so many that fit.
    pub fn after(mut self, requests: usize) -> Fault {
        self.skip = requests;
        self
    }

    /// Whether it is for this request, which counts.
    pub(crate) fn takes(&mut self, ask: &Ask, path: &str) -> bool {
        let watch = ask.query.flag("watch");
        let fits = self.method.as_ref().is_none_or(|method| *method == ask.method)
            && self.path.as_ref().is_none_or(|part| path.contains(part.as_str()))
            && self.watches.is_none_or(|wanted| wanted == watch)
            && self.left != Some(0);
        if !fits {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        self.left = self.left.map(|left| left - 1);
        true
    }
}
