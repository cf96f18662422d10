//! A number or a text, such as a port by number or by name.

use std::borrow::Cow;
use std::fmt;

use serde_core::de::{Deserialize, Deserializer, Error, Visitor};
use serde_core::ser::{Serialize, Serializer};

use crate::codec::wire::{self, Reader, Wire};
use crate::leaf::{Leaf, LeafError, Scalar};
use crate::text::Str;
use crate::view::{Slot, Value, View};

/// A 32-bit integer or a text: a port and its name, a count and a percentage.
///
/// ```
/// use k8s_api::int_or_string::IntOrString;
///
/// let port = IntOrString::from(8080);
/// assert_eq!(port.as_int(), Some(8080));
/// let surge = IntOrString::from("25%");
/// assert_eq!(surge.resolve_percent(10, true), Ok(3));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IntOrString {
    /// A number.
    Int(i32),
    /// A text; it stays one even if it reads as a number.
    Str(Str),
}

impl IntOrString {
    /// The number, if it is one.
    pub fn as_int(&self) -> Option<i32> {
        match self {
            IntOrString::Int(value) => Some(*value),
            IntOrString::Str(_) => None,
        }
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            IntOrString::Int(_) => None,
            IntOrString::Str(text) => Some(text),
        }
    }

    /// The number itself, or the percentage of `total`, rounded up or down. Go's `GetScaledValueFromIntOrPercent`.
    pub fn resolve_percent(&self, total: i32, round_up: bool) -> Result<i32, LeafError> {
        let text = match self {
            IntOrString::Int(value) => return Ok(*value),
            IntOrString::Str(text) => text,
        };
        let percent =
            text.strip_suffix('%').and_then(|number| number.parse::<i64>().ok()).ok_or_else(|| {
                LeafError::new(format!("expected a number or a percentage such as 25%, not `{text}`"))
            })?;
        let hundredfold = i128::from(percent) * i128::from(total);
        let rest = i128::from(round_up && hundredfold.rem_euclid(100) != 0);
        i32::try_from(hundredfold.div_euclid(100) + rest)
            .map_err(|_| LeafError::new(format!("{text} of {total} is out of the range of 32 bits")))
    }
}

impl Default for IntOrString {
    fn default() -> IntOrString {
        IntOrString::Int(0)
    }
}

impl fmt::Display for IntOrString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IntOrString::Int(value) => value.fmt(f),
            IntOrString::Str(text) => text.fmt(f),
        }
    }
}

impl From<i32> for IntOrString {
    fn from(value: i32) -> IntOrString {
        IntOrString::Int(value)
    }
}

macro_rules! from_text {
    ($($source:ty),*) => {$(
        impl From<$source> for IntOrString {
            fn from(text: $source) -> IntOrString {
                IntOrString::Str(text.into())
            }
        }
    )*};
}

from_text!(&str, String, Str);

fn from_int(value: i64) -> Result<IntOrString, LeafError> {
    i32::try_from(value)
        .map(IntOrString::Int)
        .map_err(|_| LeafError::new(format!("expected a text or a number of 32 bits, not {value}")))
}

impl Leaf for IntOrString {
    fn get(&self) -> Scalar<'_> {
        match self {
            IntOrString::Int(value) => Scalar::Int((*value).into()),
            IntOrString::Str(text) => Scalar::Text(Cow::Borrowed(text)),
        }
    }

    fn set(&mut self, scalar: Scalar<'_>) -> Result<(), LeafError> {
        *self = match scalar {
            Scalar::Int(value) => from_int(value)?,
            Scalar::Text(text) => IntOrString::Str(text.into()),
            Scalar::Number(text) => {
                return Err(LeafError::new(format!("expected an integer of 32 bits or a text, not {text}")));
            }
        };
        Ok(())
    }

    fn write_protobuf(&self, out: &mut Vec<u8>) {
        // All three fields always, as Go does.
        let (kind, value, text) = match self {
            IntOrString::Int(value) => (0, *value, ""),
            IntOrString::Str(text) => (1, 0, text.as_str()),
        };
        wire::integer(1, kind, out);
        wire::integer(2, i64::from(value) as u64, out);
        wire::bytes(3, text.as_bytes(), out);
    }

    fn read_protobuf(&mut self, bytes: &[u8]) -> Result<(), LeafError> {
        let (mut kind, mut value, mut text) = (0, 0, "");
        let mut fields = Reader::new(bytes, 0);
        while let Some(field) = fields.field()? {
            match (field.number, field.value) {
                (1, Wire::Varint(read)) => kind = read,
                (2, Wire::Varint(read)) => value = read,
                (3, Wire::Bytes(_)) => text = field.text()?,
                _ => {}
            }
        }
        *self = match kind {
            0 => from_int(value as i64)?,
            1 => text.into(),
            _ => return Err(LeafError::new(format!("expected 0 for a number or 1 for a text, not {kind}"))),
        };
        Ok(())
    }
}

impl Value for IntOrString {
    fn view(&self) -> View<'_> {
        View::Leaf(self)
    }

    fn slot(&mut self) -> Slot<'_> {
        Slot::Leaf(self)
    }
}

impl Serialize for IntOrString {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            IntOrString::Int(value) => serializer.serialize_i32(*value),
            IntOrString::Str(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for IntOrString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<IntOrString, D::Error> {
        struct IntOrStringVisitor;

        impl Visitor<'_> for IntOrStringVisitor {
            type Value = IntOrString;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a number of 32 bits")
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<IntOrString, E> {
                from_int(value).map_err(E::custom)
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<IntOrString, E> {
                self.visit_i64(i64::try_from(value).unwrap_or(i64::MAX))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<IntOrString, E> {
                Ok(text.into())
            }
        }

        deserializer.deserialize_any(IntOrStringVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<IntOrString, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    /// What Go's `Marshal` and `json.Marshal` give.
    #[test]
    fn is_written_byte_for_byte_as_go_writes_it() {
        for (value, json, protobuf) in [
            (IntOrString::default(), "0", &b"\x08\0\x10\0\x1a\0"[..]),
            (IntOrString::from(-1), "-1", b"\x08\0\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x1a\0"),
            (IntOrString::from(8080), "8080", b"\x08\0\x10\x90\x3f\x1a\0"),
            (IntOrString::from(""), r#""""#, b"\x08\x01\x10\0\x1a\0"),
            (IntOrString::from("http"), r#""http""#, b"\x08\x01\x10\0\x1a\x04http"),
        ] {
            let mut written = Vec::new();
            value.write_protobuf(&mut written);
            assert_eq!(written, protobuf);
            let mut read_back = IntOrString::from("before");
            read_back.read_protobuf(protobuf).unwrap();
            assert_eq!(read_back, value);
            assert_eq!(serde_json::to_string(&value).unwrap(), json);
            assert_eq!(read(json).unwrap(), value);
            let mut set = IntOrString::from("before");
            set.set(value.get()).unwrap();
            assert_eq!(set, value);
        }
    }

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn is_as_small_as_a_text() {
        assert_eq!(size_of::<IntOrString>(), 16);
        assert_eq!(size_of::<Option<IntOrString>>(), 16);
    }

    #[test]
    fn a_text_that_reads_as_a_number_stays_a_text() {
        assert_eq!(read(r#""80""#).unwrap(), IntOrString::from("80"));
        assert_eq!(read(r#""80""#).unwrap().as_int(), None);
        assert_eq!(IntOrString::from(80).as_str(), None);
        assert_eq!(format!("{:>4}|{}", IntOrString::from(80), IntOrString::from("http")), "  80|http");
    }

    #[test]
    fn what_is_neither_is_refused() {
        for json in ["2147483648", "-2147483649", "18446744073709551615", "1.5", "true", "[]", "null"] {
            assert!(read(json).unwrap_err().contains("a text or a number of 32 bits"), "{json}");
        }
        let mut value = IntOrString::from(1);
        assert_eq!(
            value.set(Scalar::Int(1 << 31)).unwrap_err().to_string(),
            "expected a text or a number of 32 bits, not 2147483648"
        );
        for protobuf in [&b"\x08\x02"[..], b"\x08\x01\x1a\x01\xff", b"\x10\xff\xff\xff\xff\xff\x01", b"\x08"]
        {
            assert!(value.read_protobuf(protobuf).is_err(), "{protobuf:?}");
        }
        assert_eq!(value, IntOrString::from(1), "an error leaves it as it was");
    }

    /// What Go's `GetScaledValueFromIntOrPercent` gives, rounded up and rounded down.
    #[test]
    fn a_percentage_is_rounded_as_go_rounds_it() {
        for (percent, total, up, down) in [
            ("25%", 10, 3, 2),
            ("25%", 3, 1, 0),
            ("25%", 0, 0, 0),
            ("25%", -7, -1, -2),
            ("-25%", 10, -2, -3),
            ("-25%", -7, 2, 1),
            ("+25%", 10, 3, 2),
            ("200%", 3, 6, 6),
        ] {
            let value = IntOrString::from(percent);
            assert_eq!(value.resolve_percent(total, true), Ok(up), "{percent} of {total}");
            assert_eq!(value.resolve_percent(total, false), Ok(down), "{percent} of {total}");
        }
        assert_eq!(IntOrString::from(7).resolve_percent(3, true), Ok(7));
        for text in ["%", "25", "25%%", "2.5%", " 25%", "", "99999999999999999999%"] {
            assert_eq!(
                IntOrString::from(text).resolve_percent(3, true).unwrap_err().to_string(),
                format!("expected a number or a percentage such as 25%, not `{text}`")
            );
        }
        assert_eq!(
            IntOrString::from("99999999999%").resolve_percent(10, true).unwrap_err().to_string(),
            "99999999999% of 10 is out of the range of 32 bits"
        );
    }
}
