//! Resource versions.

use std::cmp::Ordering;
use std::fmt;

/// A version that the server gave out.
///
/// Two versions compare when both are decimal numbers as Kubernetes writes them (no sign, no leading zero) or the same
/// text; otherwise `partial_cmp` is `None`, and nothing in this crate guesses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ResourceVersion(String);

impl ResourceVersion {
    /// The text as the server gave it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes over another text; a watch does so for every event, so it keeps its buffer.
    pub(super) fn set(&mut self, text: &str) {
        self.0.clear();
        self.0.push_str(text);
    }

    /// As `partial_cmp`, with a version still borrowed from its object.
    pub(super) fn compare(&self, other: &str) -> Option<Ordering> {
        compare(&self.0, other)
    }
}

pub(super) fn compare(one: &str, other: &str) -> Option<Ordering> {
    if one == other {
        return Some(Ordering::Equal);
    }
    // Longer than any integer type is fine: digits without a leading zero compare by length, then as text.
    let decimal = |text: &str| {
        !text.is_empty() && !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    (decimal(one) && decimal(other)).then(|| (one.len(), one).cmp(&(other.len(), other)))
}

impl PartialOrd for ResourceVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.compare(&other.0)
    }
}

impl From<&str> for ResourceVersion {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for ResourceVersion {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for ResourceVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::ResourceVersion;
    use std::cmp::Ordering::{Equal, Greater, Less};

    #[test]
    fn only_decimal_versions_compare() {
        let huge = "340282366920938463463374607431768211456";
        for (a, b, expected) in [
            ("9", "10", Some(Less)),
            ("10", "9", Some(Greater)),
            ("12", "12", Some(Equal)),
            (huge, "1", Some(Greater)),
            ("a", "a", Some(Equal)),
            ("a", "1", None),
            ("1", "", None),
            ("07", "7", None),
            ("-1", "1", None),
        ] {
            let (a, b) = (ResourceVersion::from(a), ResourceVersion::from(b));
            assert_eq!(a.partial_cmp(&b), expected, "{a} {b}");
        }
    }
}
