//! Points in time.
//!
//! Both types hold the years 0 to 9999, which is all that a text of RFC 3339 can. `9999-12-31T23:59:59Z`, as in a
//! certificate that never expires, is one of them, and after the last second of `jiff::Timestamp`.

mod calendar;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::num::NonZero;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use serde_core::de::{Deserialize, Deserializer, Error, Visitor};
use serde_core::ser::{Serialize, Serializer};

use crate::codec::wire::{self, Reader, Wire};
use crate::leaf::{Leaf, LeafError, Scalar};
use crate::view::{Slot, Value, View};

/// Microseconds since the start of the year 0, and one more: an `Option` of it needs no room of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Stamp(NonZero<u64>);

/// In seconds from the Unix epoch.
const FIRST: i64 = -62_167_219_200;
const LAST: i64 = 253_402_300_799;
const YEAR_ONE: i64 = -62_135_596_800;

const MICROS: u64 = 1_000_000;
const NANOS: u32 = 1_000_000_000;

impl Stamp {
    fn new(seconds: i64, nanos: u32) -> Option<Stamp> {
        if !(FIRST..=LAST).contains(&seconds) || nanos >= NANOS {
            return None;
        }
        NonZero::new(seconds.abs_diff(FIRST) * MICROS + u64::from(nanos / 1000) + 1).map(Stamp)
    }

    fn seconds(self) -> i64 {
        ((self.0.get() - 1) / MICROS) as i64 + FIRST
    }

    fn micros(self) -> u32 {
        ((self.0.get() - 1) % MICROS) as u32
    }

    fn to_text(self, with_micros: bool) -> String {
        let calendar::Civil { year, month, day, hour, minute, second } = calendar::civil(self.seconds());
        let mut text = String::with_capacity(27);
        // Faster than `format!`, and every object has a time.
        let mut push = |value: i64, powers: &[i64], end| {
            text.extend(powers.iter().map(|power| char::from(b'0' + (value / power % 10) as u8)));
            text.push(end);
        };
        push(year, &[1000, 100, 10, 1], '-');
        push(month, &[10, 1], '-');
        push(day, &[10, 1], 'T');
        push(hour, &[10, 1], ':');
        push(minute, &[10, 1], ':');
        push(second, &[10, 1], if with_micros { '.' } else { 'Z' });
        if with_micros {
            push(self.micros().into(), &[100_000, 10_000, 1000, 100, 10, 1], 'Z');
        }
        text
    }
}

macro_rules! time {
    ($(#[$documentation:meta])* $name:ident, keeps $kept:literal ns, example $example:literal, micros $micros:literal) => {
        $(#[$documentation])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Stamp);

        impl $name {
            /// The present.
            pub fn now() -> $name {
                SystemTime::now().try_into().unwrap_or_default()
            }

            /// From seconds since 1970 and nanoseconds that count forward from there; `None` outside the years 0 to
            /// 9999 and from a billion nanoseconds on.
            pub fn from_unix(seconds: i64, nanos: u32) -> Option<$name> {
                Stamp::new(seconds, nanos - nanos % $kept).map($name)
            }

            /// Whole seconds since 1970, rounded down.
            pub fn unix_seconds(self) -> i64 {
                self.0.seconds()
            }

            /// Nanoseconds since [`unix_seconds`](Self::unix_seconds).
            pub fn subsec_nanos(self) -> u32 {
                self.0.micros() * 1000
            }

            /// Whether it is Go's zero time, the default.
            pub fn is_zero(self) -> bool {
                self == $name::default()
            }

            /// Later by a duration; `None` after the year 9999.
            pub fn checked_add(self, duration: Duration) -> Option<$name> {
                let nanos = self.subsec_nanos() + duration.subsec_nanos();
                let seconds = i64::try_from(duration.as_secs()).ok()?.checked_add((nanos / NANOS).into())?;
                $name::from_unix(self.unix_seconds().checked_add(seconds)?, nanos % NANOS)
            }

            /// How much later it is; zero if it is earlier.
            pub fn saturating_duration_since(self, earlier: $name) -> Duration {
                let since = |time: $name| Duration::from_micros(time.0.0.get());
                since(self).saturating_sub(since(earlier))
            }
        }

        /// Go's zero time, the start of the year 1. Protobuf holds it as an empty message; Go's JSON holds it as
        /// `null`, which is an empty `Option` here.
        impl Default for $name {
            fn default() -> $name {
                // Evaluated by the compiler, which would refuse a panic.
                const ZERO: Stamp = Stamp(NonZero::new(YEAR_ONE.abs_diff(FIRST) * MICROS + 1).unwrap());
                $name(ZERO)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0.to_text($micros))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = LeafError;

            fn from_str(text: &str) -> Result<$name, LeafError> {
                calendar::parse(text).and_then(|(seconds, nanos)| $name::from_unix(seconds, nanos)).ok_or_else(|| {
                    LeafError::new(format!(concat!("expected a time such as ", $example, ", not `{}`"), text))
                })
            }
        }

        /// Fails outside the years 0 to 9999.
        impl TryFrom<SystemTime> for $name {
            type Error = LeafError;

            fn try_from(time: SystemTime) -> Result<$name, LeafError> {
                let (seconds, nanos) = match time.duration_since(SystemTime::UNIX_EPOCH) {
                    Ok(after) => (i64::try_from(after.as_secs()).ok(), after.subsec_nanos()),
                    Err(error) => {
                        let before = error.duration();
                        let begun = i64::from(before.subsec_nanos() > 0);
                        let seconds = i64::try_from(before.as_secs()).ok().map(|seconds| -seconds - begun);
                        (seconds, (NANOS - before.subsec_nanos()) % NANOS)
                    }
                };
                seconds
                    .and_then(|seconds| $name::from_unix(seconds, nanos))
                    .ok_or_else(|| LeafError::new("expected a time of the years 0 to 9999"))
            }
        }

        /// Fails for times that the system can't represent: not all of them begin at the year 0.
        impl TryFrom<$name> for SystemTime {
            type Error = LeafError;

            fn try_from(time: $name) -> Result<SystemTime, LeafError> {
                let seconds = Duration::from_secs(time.unix_seconds().unsigned_abs());
                let whole = if time.unix_seconds() < 0 {
                    SystemTime::UNIX_EPOCH.checked_sub(seconds)
                } else {
                    SystemTime::UNIX_EPOCH.checked_add(seconds)
                };
                whole
                    .and_then(|whole| whole.checked_add(Duration::from_nanos(time.subsec_nanos().into())))
                    .ok_or_else(|| LeafError::new(format!("{time} is out of the system's range")))
            }
        }

        impl Leaf for $name {
            fn get(&self) -> Scalar<'_> {
                Scalar::Text(Cow::Owned(self.0.to_text($micros)))
            }

            fn set(&mut self, scalar: Scalar<'_>) -> Result<(), LeafError> {
                *self = match scalar {
                    Scalar::Text(text) | Scalar::Number(text) => text.parse()?,
                    Scalar::Int(value) => value.to_string().parse()?,
                };
                Ok(())
            }

            fn write_protobuf(&self, out: &mut Vec<u8>) {
                // Both fields even when they are zero, but nothing at all for the zero time, as Go does.
                if !self.is_zero() {
                    wire::integer(1, self.unix_seconds() as u64, out);
                    wire::integer(2, self.subsec_nanos().into(), out);
                }
            }

            fn read_protobuf(&mut self, bytes: &[u8]) -> Result<(), LeafError> {
                let (mut seconds, mut nanos) = (0, 0);
                let mut fields = Reader::new(bytes, 0);
                while let Some(field) = fields.field()? {
                    match (field.number, field.value) {
                        (1, Wire::Varint(read)) => seconds = read as i64,
                        (2, Wire::Varint(read)) => nanos = read,
                        _ => {}
                    }
                }
                *self = if bytes.is_empty() {
                    $name::default()
                } else {
                    u32::try_from(nanos)
                        .ok()
                        .and_then(|nanos| $name::from_unix(seconds, nanos))
                        .ok_or_else(|| LeafError::new("expected a time of the years 0 to 9999"))?
                };
                Ok(())
            }
        }

        impl Value for $name {
            fn view(&self) -> View<'_> {
                View::Leaf(self)
            }

            fn slot(&mut self) -> Slot<'_> {
                Slot::Leaf(self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0.to_text($micros))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                struct TimeVisitor;

                impl Visitor<'_> for TimeVisitor {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(concat!("a time such as ", $example))
                    }

                    fn visit_str<E: Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                }

                deserializer.deserialize_str(TimeVisitor)
            }
        }
    };
}

time! {
    /// A time in whole seconds, of all objects.
    ///
    /// Any text of RFC 3339 is read, with an offset and a fraction of a second; what is kept and written is UTC without
    /// the fraction, as in Go: the API server would not store it.
    ///
    /// ```
    /// use k8s_api::time::Time;
    ///
    /// let time: Time = "2026-01-31T12:00:00.5+02:00".parse()?;
    /// assert_eq!(time.to_string(), "2026-01-31T10:00:00Z");
    /// # Ok::<_, k8s_api::leaf::LeafError>(())
    /// ```
    Time, keeps 1_000_000_000 ns, example "2026-01-31T12:00:00Z", micros false
}

time! {
    /// A time in microseconds, of leases and events.
    ///
    /// Any text of RFC 3339 is read, with an offset and a fraction of a second; what is kept and written is UTC with six
    /// digits of the fraction, as in Go.
    ///
    /// ```
    /// use k8s_api::time::MicroTime;
    ///
    /// let time: MicroTime = "2026-01-31T12:00:00.5+02:00".parse()?;
    /// assert_eq!(time.to_string(), "2026-01-31T10:00:00.500000Z");
    /// # Ok::<_, k8s_api::leaf::LeafError>(())
    /// ```
    MicroTime, keeps 1_000 ns, example "2026-01-31T12:00:00.000000Z", micros true
}

impl From<Time> for MicroTime {
    fn from(time: Time) -> MicroTime {
        MicroTime(time.0)
    }
}

/// Drops the fraction of a second.
impl From<MicroTime> for Time {
    fn from(time: MicroTime) -> Time {
        Time(Stamp::new(time.unix_seconds(), 0).unwrap_or(time.0))
    }
}
