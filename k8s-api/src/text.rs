//! The string of the models.

mod known;

use std::borrow::{Borrow, Cow};
use std::cmp::Ordering;
use std::convert::Infallible;
use std::ffi::OsStr;
use std::fmt;
use std::ops::Deref;
use std::path::Path;
use std::str::FromStr;

use lean_string::LeanStr;
use serde_core::de::{Deserialize, Deserializer, Error, Visitor};
use serde_core::ser::{Serialize, Serializer};

/// An immutable string that is cheap to clone: up to 16 bytes are held inline, longer ones are shared.
///
/// It reads as `str`, compares with `&str` and `String`, and is found in a [`Map`](crate::map::Map) by a `&str`.
///
/// ```
/// use k8s_api::text::Str;
///
/// let name = Str::from("web-0");
/// assert_eq!(name, "web-0");
/// assert!(name.starts_with("web"));
/// let long = Str::from(format!("{name}.web.default.svc.cluster.local"));
/// assert_eq!(long.clone().len(), 35); // shared, not copied
/// ```
// LeanStr, as measured against ecow and smol_str: only it keeps `Option` and an enumeration with an `Other(Str)` at 16
// bytes, it is inline up to 16 bytes, and a shared text has 8 bytes beside it and no spare capacity.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Str(LeanStr);

impl Str {
    /// The empty string.
    pub const fn new() -> Str {
        Str(LeanStr::new())
    }

    /// A string of the program itself, which is never copied.
    pub const fn from_static(text: &'static str) -> Str {
        Str(LeanStr::from_static_str(text))
    }

    /// Longer texts are shared.
    pub(crate) const INLINE: usize = 16;

    /// A text that was read: what is in every cluster is not copied.
    #[inline]
    pub(crate) fn read(text: &str) -> Str {
        if text.len() <= Str::INLINE {
            text.into()
        } else {
            known::known(text).unwrap_or_else(|| text.into())
        }
    }

    /// The text.
    #[inline]
    pub const fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl Deref for Str {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}

impl Borrow<str> for Str {
    #[inline]
    fn borrow(&self) -> &str {
        self
    }
}

macro_rules! as_ref {
    ($($target:ty),*) => {$(
        impl AsRef<$target> for Str {
            #[inline]
            fn as_ref(&self) -> &$target {
                self.as_str().as_ref()
            }
        }
    )*};
}

as_ref!(str, [u8], OsStr, Path);

macro_rules! from {
    ($($source:ty),*) => {$(
        impl From<$source> for Str {
            fn from(text: $source) -> Str {
                Str(LeanStr::from(text))
            }
        }
    )*};
}

from!(&str, String, &String, Box<str>, Cow<'_, str>, char);

impl From<&Str> for Str {
    fn from(text: &Str) -> Str {
        text.clone()
    }
}

impl From<Str> for String {
    fn from(text: Str) -> String {
        text.0.into()
    }
}

impl From<Str> for Cow<'_, str> {
    fn from(text: Str) -> Self {
        text.0.into()
    }
}

impl<'a> From<&'a Str> for Cow<'a, str> {
    fn from(text: &'a Str) -> Self {
        Cow::Borrowed(text)
    }
}

impl FromStr for Str {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Str, Infallible> {
        Ok(Str::from(text))
    }
}

impl FromIterator<char> for Str {
    fn from_iter<I: IntoIterator<Item = char>>(chars: I) -> Str {
        Str(chars.into_iter().collect())
    }
}

macro_rules! compare {
    ($($other:ty),*) => {$(
        impl PartialEq<$other> for Str {
            #[inline]
            fn eq(&self, other: &$other) -> bool {
                let other: &str = other;
                self.as_str() == other
            }
        }

        impl PartialEq<Str> for $other {
            #[inline]
            fn eq(&self, other: &Str) -> bool {
                other == self
            }
        }

        impl PartialOrd<$other> for Str {
            #[inline]
            fn partial_cmp(&self, other: &$other) -> Option<Ordering> {
                let other: &str = other;
                Some(self.as_str().cmp(other))
            }
        }

        impl PartialOrd<Str> for $other {
            #[inline]
            fn partial_cmp(&self, other: &Str) -> Option<Ordering> {
                other.partial_cmp(self).map(Ordering::reverse)
            }
        }
    )*};
}

compare!(str, &str, String);

impl Serialize for Str {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Str {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Str, D::Error> {
        struct StrVisitor;

        impl Visitor<'_> for StrVisitor {
            type Value = Str;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Str, E> {
                Ok(Str::from(text))
            }
        }

        deserializer.deserialize_str(StrVisitor)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::hash_map::DefaultHasher;
    use std::hash::{Hash as _, Hasher as _};

    use super::*;

    const LONG: &str = "a text that is too long to be held inline";

    /// The sizes that the choice of the crate behind `Str` rests on.
    #[test]
    #[cfg(target_pointer_width = "64")]
    fn sixteen_bytes_also_in_an_option_and_in_an_open_enumeration() {
        #[allow(dead_code)]
        enum Phase {
            Pending,
            Running,
            Other(Str),
        }
        assert_eq!(size_of::<Str>(), 16);
        assert_eq!(size_of::<Option<Str>>(), 16);
        assert_eq!(size_of::<Phase>(), 16);
        assert_eq!(size_of::<Option<Phase>>(), 16);
    }

    #[test]
    fn is_shared_between_threads() {
        fn shared<T: Send + Sync + 'static>() {}
        shared::<Str>();
    }

    #[test]
    fn a_long_text_is_shared_by_its_clones() {
        let text = Str::from(LONG);
        assert_eq!(text.clone().as_ptr(), text.as_ptr());
        const STATIC: Str = Str::from_static(LONG);
        assert_eq!(STATIC.as_ptr(), LONG.as_ptr());
    }

    #[test]
    fn comes_from_and_goes_to_the_standard_types() {
        for text in ["", "x", "exactly 16 bytes", LONG, "größer"] {
            assert_eq!(Str::from(text).as_str(), text);
            assert_eq!(Str::from(String::from(text)), text);
            assert_eq!(Str::from(&String::from(text)), text);
            assert_eq!(Str::from(Box::<str>::from(text)), text);
            assert_eq!(Str::from(Cow::Borrowed(text)), text);
            assert_eq!(text.chars().collect::<Str>(), text);
            assert_eq!(text.parse::<Str>(), Ok(Str::from(text)));
            assert_eq!(String::from(Str::from(text)), text);
            assert_eq!(Cow::from(Str::from(text)), text);
            assert_eq!(Cow::from(&Str::from(text)), text);
            assert_eq!(AsRef::<[u8]>::as_ref(&Str::from(text)), text.as_bytes());
            assert_eq!(AsRef::<Path>::as_ref(&Str::from(text)), Path::new(text));
        }
        assert_eq!(Str::from('ß'), "ß");
        assert_eq!(Str::default(), Str::new());
        assert_eq!(Str::new(), "");
    }

    #[test]
    fn prints_as_a_str() {
        let text = Str::from("a\"b");
        assert_eq!(format!("{text:?} {text} {text:>5}"), format!("{0:?} {0} {0:>5}", "a\"b"));
    }

    #[test]
    fn compares_and_hashes_as_a_str() {
        let hash = |feed: &dyn Fn(&mut DefaultHasher)| {
            let mut hasher = DefaultHasher::new();
            feed(&mut hasher);
            hasher.finish()
        };
        let texts = ["", "a", "a\0", "ab", "exactly 16 bytes", "exactly 16 bytes!", LONG, "é"];
        for a in texts {
            for b in texts {
                let (x, y) = (Str::from(a), Str::from(b));
                let (string_a, string_b) = (a.to_owned(), b.to_owned());
                assert_eq!(x == y, a == b);
                assert_eq!(x == *b, a == b);
                assert_eq!(*a == y, a == b);
                assert_eq!(x == b, a == b);
                assert_eq!(a == y, a == b);
                assert_eq!(x == string_b, a == b);
                assert_eq!(string_a == y, a == b);
                assert_eq!(x.cmp(&y), a.cmp(b));
                assert_eq!(x.partial_cmp(b), a.partial_cmp(b));
                assert_eq!(a.partial_cmp(&y), a.partial_cmp(b));
                assert_eq!(x < b, a < b);
                assert_eq!(string_a < y, a < b);
            }
            assert_eq!(hash(&|hasher| Str::from(a).hash(hasher)), hash(&|hasher| a.hash(hasher)));
        }
    }

    #[test]
    fn goes_through_serde() {
        let json = r#"["short", "with \"escapes\" and not borrowed"]"#;
        let expected = vec![Str::from("short"), Str::from("with \"escapes\" and not borrowed")];
        assert_eq!(serde_json::from_str::<Vec<Str>>(json).unwrap(), expected);
        assert_eq!(serde_json::from_reader::<_, Vec<Str>>(json.as_bytes()).unwrap(), expected);
        let value = serde_json::to_value(&expected).unwrap();
        assert_eq!(serde_json::from_value::<Vec<Str>>(value).unwrap(), expected);
        assert_eq!(
            serde_json::from_str::<Str>("7").unwrap_err().to_string(),
            "invalid type: integer `7`, expected a string at line 1 column 1"
        );
    }
}
