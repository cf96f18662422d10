//! Whether a failed attempt may be repeated: a pure function, so that every case can be listed.

use http::StatusCode;
use k8s_api::operation::Retry;
use k8s_api::transport::{Fault, Sent, TransportError};

/// How a call or an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// With an answer of the server's, whatever its status says.
    Answer(StatusCode),
    /// Without one.
    Failure(Sent, Fault),
    /// Whoever waited for it no longer does.
    Dropped,
}

impl Outcome {
    pub(crate) fn of<T>(
        result: &Result<T, TransportError>,
        status: impl FnOnce(&T) -> StatusCode,
    ) -> Outcome {
        match result {
            Ok(reply) => Outcome::Answer(status(reply)),
            Err(error) => Outcome::Failure(error.sent(), error.fault()),
        }
    }

    /// Whether the server is to blame or the way to it: what a retry budget is for.
    pub(crate) fn is_success(self) -> bool {
        matches!(self, Outcome::Answer(status) if !passes(status))
    }
}

/// Whether the same call may be sent once more.
pub(crate) fn may_repeat(retry: Retry, outcome: Outcome) -> bool {
    match (retry, outcome) {
        (Retry::Never, _) => false,
        (_, Outcome::Failure(_, fault)) if fault.lasts() => false,
        (Retry::Read, Outcome::Failure(..)) => true,
        (_, Outcome::Failure(sent, _)) => sent != Sent::Unknown,
        (Retry::Read, Outcome::Answer(status)) => passes(status),
        // The only status that says that nothing was done. A 503 may come from a proxy after the server has stored it.
        (Retry::Write, Outcome::Answer(status)) => status == StatusCode::TOO_MANY_REQUESTS,
        (_, Outcome::Answer(_) | Outcome::Dropped) => false,
    }
}

/// Statuses that say nothing about the call itself.
fn passes(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use k8s_api::operation::Retry;
    use k8s_api::transport::{Fault, Sent};

    use super::{Outcome, may_repeat};

    fn statuses(retry: Retry) -> Vec<u16> {
        let may = |code: &u16| {
            may_repeat(retry, Outcome::Answer(StatusCode::from_u16(*code).expect("a status in range")))
        };
        (100..600).filter(may).collect()
    }

    #[test]
    fn statuses_by_class() {
        assert_eq!(statuses(Retry::Read), [408, 429, 500, 502, 503, 504]);
        assert_eq!(statuses(Retry::Write), [429]);
        assert_eq!(statuses(Retry::Answered), [0; 0]);
        assert_eq!(statuses(Retry::Never), [0; 0]);
    }

    #[test]
    fn failures_by_class() {
        let may = |retry, sent| {
            [Fault::Broken, Fault::Timeout].map(|f| may_repeat(retry, Outcome::Failure(sent, f)))
        };
        for sent in [Sent::No, Sent::Refused] {
            assert_eq!(may(Retry::Read, sent), [true; 2]);
            assert_eq!(may(Retry::Write, sent), [true; 2]);
            assert_eq!(may(Retry::Answered, sent), [true; 2]);
            assert_eq!(may(Retry::Never, sent), [false; 2]);
        }
        assert_eq!(may(Retry::Read, Sent::Unknown), [true; 2]);
        for retry in [Retry::Write, Retry::Answered, Retry::Never] {
            assert_eq!(may(retry, Sent::Unknown), [false; 2], "{retry:?}");
        }
    }

    #[test]
    fn what_is_set_up_wrongly_stays_wrong() {
        for retry in [Retry::Read, Retry::Write, Retry::Answered] {
            for fault in [Fault::Setup, Fault::Untrusted, Fault::Credential] {
                assert!(!may_repeat(retry, Outcome::Failure(Sent::No, fault)));
            }
            assert!(!may_repeat(retry, Outcome::Failure(Sent::No, Fault::Held)), "a client's own limit");
        }
    }
}
