//! What is set by a program rather than by a kubeconfig: how long things may take, how many there may be.

use std::time::Duration;

/// How long things may take. The total of a call is the [`Preset`](crate::Preset)'s.
///
/// ```
/// use std::time::Duration;
/// use k8s_client::config::Timeouts;
///
/// let mut timeouts = Timeouts::default();
/// timeouts.connect = Duration::from_secs(3);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// From dialling to the end of the TLS handshake.
    pub connect: Duration,
    /// From sending a call that may be asked again to the head of its answer.
    pub answer: Duration,
    /// Silence in a watch.
    pub silence: Duration,
    /// One run of an exec plugin that asks nobody; one that asks a person has five times as long.
    pub plugin: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            connect: Duration::from_secs(10),
            // Half of the default total: a server that accepts and says nothing leaves time for a second attempt.
            answer: Duration::from_secs(30),
            // Bookmarks come every minute.
            silence: Duration::from_secs(90),
            plugin: Duration::from_secs(60),
        }
    }
}

/// How many calls a client may send.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Rate {
    /// Calls a second, in the long run.
    pub qps: f64,
    /// How many may go at once.
    pub burst: u32,
}

impl Rate {
    /// `None` unless `qps` is a positive number and `burst` at least one.
    pub fn new(qps: f64, burst: u32) -> Option<Rate> {
        (qps > 0.0 && qps.is_finite() && burst > 0).then_some(Rate { qps, burst })
    }
}

/// All of it.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) timeouts: Timeouts,
    pub(crate) rate: Option<Rate>,
    pub(crate) user_agent: Option<http::HeaderValue>,
    /// The exec plugins that may run; all of them for `None`.
    pub(crate) plugins: Option<Vec<String>>,
    /// A dead connection of HTTP/2 is noticed after both of them, which has to stay below 45 s.
    pub(crate) ping: Duration,
    pub(crate) pong: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            timeouts: Timeouts::default(),
            rate: None,
            user_agent: None,
            plugins: None,
            ping: Duration::from_secs(25),
            pong: Duration::from_secs(15),
        }
    }
}
