//! How persistent a client is.

use std::time::Duration;

/// How often and how long a call is tried.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Preset {
    /// How many attempts at most, the first one included.
    pub attempts: u32,
    /// The wait before the second attempt.
    pub first: Duration,
    /// The longest wait that is not the server's wish.
    pub cap: Duration,
    /// What each wait is longer by.
    pub factor: f64,
    /// The share of a wait that is left to chance, in both directions.
    pub jitter: f64,
    /// How long a call may take in all, its body included, unless the call says otherwise.
    pub total: Duration,
}

impl Preset {
    /// For most programs.
    pub const DEFAULT: Preset = Preset {
        attempts: 3,
        first: Duration::from_millis(100),
        cap: Duration::from_secs(30),
        factor: 2.0,
        jitter: 0.1,
        total: Duration::from_secs(60),
    };

    /// For a program that would rather wait than fail.
    pub const AGGRESSIVE: Preset = Preset {
        attempts: 5,
        first: Duration::from_millis(50),
        cap: Duration::from_secs(10),
        factor: 1.5,
        jitter: 0.2,
        total: Duration::from_secs(120),
    };

    /// For a program that would rather know soon.
    pub const CONSERVATIVE: Preset = Preset {
        attempts: 2,
        first: Duration::from_millis(200),
        cap: Duration::from_secs(5),
        factor: 2.0,
        jitter: 0.05,
        total: Duration::from_secs(30),
    };
}

impl Default for Preset {
    fn default() -> Preset {
        Preset::DEFAULT
    }
}
