//! The bytes of the models.

use std::fmt;
use std::ops::Deref;
use std::str::Utf8Error;
use std::sync::Arc;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde_core::de::{Deserialize, Deserializer, Error, Visitor};
use serde_core::ser::{Serialize, Serializer};

use crate::leaf::LeafError;
use crate::view::{Slot, Value, View};

/// Bytes that JSON holds in base64, such as the values of a Secret. Cheap to clone: clones share them.
///
/// `Debug` shows only how many, since they often are secret.
///
/// ```
/// use k8s_api::bytes::ByteString;
///
/// let password = ByteString::from("hunter2");
/// assert_eq!(password.to_str(), Ok("hunter2"));
/// assert_eq!(format!("{password:?}"), "ByteString(7 bytes)");
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteString(Arc<[u8]>);

/// As Go's: padding has to be there; bits that no byte needs may have any value.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

impl ByteString {
    /// The bytes as a text, if they are one.
    pub fn to_str(&self) -> Result<&str, Utf8Error> {
        std::str::from_utf8(&self.0)
    }

    /// What JSON holds.
    pub(crate) fn to_base64(&self) -> String {
        BASE64.encode(&self.0)
    }

    /// From what JSON held. Line breaks are skipped, as Go does.
    pub(crate) fn from_base64(text: &str) -> Result<ByteString, LeafError> {
        let decoded = if text.contains(['\r', '\n']) {
            BASE64.decode(text.replace(['\r', '\n'], ""))
        } else {
            BASE64.decode(text)
        };
        // Neither the text nor the byte at fault: it may be a secret.
        decoded
            .map(ByteString::from)
            .map_err(|_| LeafError::new("expected bytes in padded base64 of the standard alphabet"))
    }
}

impl Deref for ByteString {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for ByteString {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for ByteString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ByteString({} bytes)", self.len())
    }
}

macro_rules! from {
    ($($source:ty),*) => {$(
        impl From<$source> for ByteString {
            fn from(bytes: $source) -> ByteString {
                let bytes: &[u8] = bytes.as_ref();
                ByteString(bytes.into())
            }
        }
    )*};
}

from!(Vec<u8>, &[u8], &str, String);

impl<const N: usize> From<&[u8; N]> for ByteString {
    fn from(bytes: &[u8; N]) -> ByteString {
        ByteString::from(bytes.as_slice())
    }
}

impl From<ByteString> for Vec<u8> {
    fn from(bytes: ByteString) -> Vec<u8> {
        bytes.to_vec()
    }
}

impl Serialize for ByteString {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&self.to_base64())
        } else {
            serializer.serialize_bytes(self)
        }
    }
}

impl<'de> Deserialize<'de> for ByteString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ByteString, D::Error> {
        struct BytesVisitor;

        impl Visitor<'_> for BytesVisitor {
            type Value = ByteString;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes in base64")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<ByteString, E> {
                ByteString::from_base64(text).map_err(E::custom)
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<ByteString, E> {
                Ok(bytes.into())
            }
        }

        if deserializer.is_human_readable() {
            deserializer.deserialize_str(BytesVisitor)
        } else {
            deserializer.deserialize_bytes(BytesVisitor)
        }
    }
}

impl Value for ByteString {
    fn view(&self) -> View<'_> {
        View::Bytes(self)
    }

    fn slot(&mut self) -> Slot<'_> {
        Slot::Bytes(self)
    }
}

#[cfg(test)]
mod tests {
    use serde_core::de::value::BytesDeserializer;

    use super::*;

    fn read(json: &str) -> Result<ByteString, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn base64_is_read_as_go_reads_it() {
        for (json, bytes) in [
            (r#""""#, &b""[..]),
            (r#""aGk=""#, b"hi"),
            (r#""+/+/""#, b"\xfb\xff\xbf"),
            // Go's decoder skips line breaks and accepts trailing bits: both are in its documentation.
            (r#""aG\r\nk=\n""#, b"hi"),
            (r#""aGl=""#, b"hi"),
        ] {
            assert_eq!(read(json).unwrap(), ByteString::from(bytes), "{json}");
            assert_eq!(
                serde_json::from_reader::<_, ByteString>(json.as_bytes()).unwrap(),
                ByteString::from(bytes)
            );
        }
        for json in [r#""aGk""#, r#""aGk==""#, r#""-_-_""#, r#""aG k=""#, r#""a""#, "7"] {
            assert!(read(json).is_err(), "{json}");
        }
    }

    #[test]
    fn bytes_of_a_binary_format_are_taken_as_they_are() {
        let bytes = BytesDeserializer::<serde_core::de::value::Error>::new(b"aGk=");
        assert_eq!(ByteString::deserialize(bytes), Ok(ByteString::from("aGk=")));
    }

    #[test]
    fn base64_is_written_with_padding() {
        assert_eq!(serde_json::to_string(&ByteString::from(b"\xfb\xff\xbf\0")).unwrap(), r#""+/+/AA==""#);
    }

    #[test]
    fn an_error_shows_nothing_of_the_bytes() {
        assert_eq!(
            read(r#""hunter2""#).unwrap_err(),
            "expected bytes in padded base64 of the standard alphabet at line 1 column 9"
        );
    }

    #[test]
    fn debug_shows_nothing_of_the_bytes() {
        assert_eq!(format!("{:?}", ByteString::from("hunter2")), "ByteString(7 bytes)");
    }

    #[test]
    fn clones_share() {
        let bytes = ByteString::from(vec![1, 2, 3]);
        assert_eq!(bytes.clone().as_ptr(), bytes.as_ptr());
        assert_eq!(Vec::from(bytes), [1, 2, 3]);
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        assert!(ByteString::from(b"\xff").to_str().is_err());
        assert_eq!(ByteString::from(String::from("ü")).to_str(), Ok("ü"));
    }
}
