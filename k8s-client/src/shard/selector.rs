//! A part of the objects, as the server is asked for it.

use std::fmt;
use std::str::FromStr;

use k8s_api::meta::v1::ObjectMeta;

use super::ranges::{Bound, By, Shards};

/// The objects of some shards.
///
/// Its text is what list and watch take as `shardSelector`. A server takes it since 1.36, behind the feature gate `ShardedListAndWatch`;
/// without the gate it is silently ignored, so whoever asks for shards looks at the objects, too.
///
/// ```
/// use k8s_client::shard::{By, ShardSelector, Shards};
///
/// let first = ShardSelector::new(Shards::split(2).take(1).collect(), By::Uid);
/// assert_eq!(
///     first.to_string(),
///     "shardRange(object.metadata.uid, '0x0000000000000000', '0x8000000000000000')"
/// );
/// assert_eq!(first.to_string().parse(), Ok(first));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ShardSelector {
    shards: Shards,
    by: By,
}

impl ShardSelector {
    /// The objects of these shards.
    pub fn new(shards: Shards, by: By) -> Self {
        Self { shards, by }
    }

    /// The part of all hashes.
    pub fn shards(&self) -> &Shards {
        &self.shards
    }

    /// What is hashed.
    pub fn by(&self) -> By {
        self.by
    }

    /// Whether an object belongs to them.
    pub fn matches(&self, metadata: &ObjectMeta) -> bool {
        self.shards.has(self.by.hash(metadata))
    }
}

/// What the server is sent. Of no shards at all there is nothing to ask for, and so no text: the server refuses an empty one.
impl fmt::Display for ShardSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (start, end)) in self.shards.ranges().enumerate() {
            if at > 0 {
                f.write_str(" || ")?;
            }
            write!(f, "shardRange({}, '{}', '{}')", self.by.field(), Bound(Some(start)), Bound(end))?;
        }
        Ok(())
    }
}

/// A text that is no selector of shards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardSelectorError {
    at: usize,
    what: String,
}

impl fmt::Display for ShardSelectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shard selector, at character {}: {}", self.at + 1, self.what)
    }
}

impl std::error::Error for ShardSelectorError {}

impl FromStr for ShardSelector {
    type Err = ShardSelectorError;

    fn from_str(text: &str) -> Result<Self, ShardSelectorError> {
        let mut reader = Reader { text, rest: text };
        let mut by = None;
        let mut shards = Shards::none();
        loop {
            reader.expect("shardRange")?;
            reader.expect("(")?;
            let at = reader.at();
            let field = reader.word();
            let this =
                [By::Uid, By::Namespace].into_iter().find(|by| by.field() == field).ok_or_else(|| {
                    let (uid, namespace) = (By::Uid.field(), By::Namespace.field());
                    error(at, format!("{field:?} is neither {uid} nor {namespace}"))
                })?;
            if *by.get_or_insert(this) != this {
                return Err(error(at, "all ranges must be of the same field"));
            }
            reader.expect(",")?;
            let at = reader.at();
            let start = reader.bound()?;
            reader.expect(",")?;
            let end = reader.bound()?;
            reader.expect(")")?;
            let range = start.map(|start| Shards::range(start, end)).unwrap_or_default();
            if range.is_none() {
                return Err(error(at, "the range must begin before it ends"));
            }
            shards = shards.with(&range);
            if reader.rest.trim_start().is_empty() {
                return Ok(Self { shards, by: this });
            }
            reader.expect("||")?;
        }
    }
}

fn error(at: usize, what: impl Into<String>) -> ShardSelectorError {
    ShardSelectorError { at, what: what.into() }
}

struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Reader<'a> {
    /// Where the next thing begins, in characters.
    fn at(&mut self) -> usize {
        self.rest = self.rest.trim_start();
        self.text.chars().count() - self.rest.chars().count()
    }

    fn expect(&mut self, what: &str) -> Result<(), ShardSelectorError> {
        let at = self.at();
        self.rest = self.rest.strip_prefix(what).ok_or_else(|| error(at, format!("expected {what}")))?;
        Ok(())
    }

    fn word(&mut self) -> &'a str {
        self.at();
        let end = self.rest.find(|c: char| !c.is_alphanumeric() && c != '.').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    /// `'0x…'`, by the server's rule.
    fn bound(&mut self) -> Result<Option<u64>, ShardSelectorError> {
        let at = self.at();
        let quote = if self.rest.starts_with('"') { "\"" } else { "'" };
        self.expect(quote)?;
        let word = self.word();
        self.expect(quote)?;
        let digits = word
            .strip_prefix("0x")
            .filter(|digits| digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
        match digits {
            Some("10000000000000000") => Ok(None),
            Some(digits) if digits.len() == 16 => u64::from_str_radix(digits, 16)
                .map(Some)
                .map_err(|_| error(at, format!("{word:?} is no hash"))),
            _ => Err(error(
                at,
                format!(
                    "{word:?} must be 0x with 16 digits of 0-9 and a-f, or 0x10000000000000000 for the end"
                ),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back() {
        for count in 1..9 {
            for part in Shards::split(count) {
                for by in [By::Uid, By::Namespace] {
                    let selector = ShardSelector::new(part.clone(), by);
                    assert_eq!(selector.to_string().parse(), Ok(selector));
                }
            }
        }
        // Ranges that meet are one, whatever their order.
        let text = "shardRange( object.metadata.namespace,\n \"0x8000000000000000\", \"0x10000000000000000\")||shardRange(object.metadata.namespace,'0x0000000000000000','0x8000000000000000')";
        assert_eq!(text.parse(), Ok(ShardSelector::new(Shards::all(), By::Namespace)));
        assert_eq!(ShardSelector::new(Shards::none(), By::Uid).to_string(), "");
    }

    #[test]
    fn a_bad_text_is_refused_with_the_place_and_the_reason() {
        let range = |field: &str, start: &str, end: &str| format!("shardRange({field}, '{start}', '{end}')");
        let (zero, one, uid) = ("0x0000000000000000", "0x0000000000000001", "object.metadata.uid");
        for (text, expected) in [
            (String::new(), "at character 1: expected shardRange"),
            (
                range("metadata.uid", zero, one),
                "at character 12: \"metadata.uid\" is neither object.metadata.uid nor object.metadata.namespace",
            ),
            (range(uid, "0x0", one), "at character 33: \"0x0\" must be 0x with 16 digits"),
            (range(uid, zero, "0x000000000000000A"), "\"0x000000000000000A\" must be"),
            (range(uid, zero, "0x10000000000000001"), "\"0x10000000000000001\" must be"),
            (range(uid, one, one), "at character 33: the range must begin before it ends"),
            (range(uid, "0x10000000000000000", one), "must begin before"),
            (format!("{} && é", range(uid, zero, one)), "at character 77: expected ||"),
            (
                format!("{} || {}", range(uid, zero, one), range("object.metadata.namespace", zero, one)),
                "the same field",
            ),
            (format!("{} ||", range(uid, zero, one)), "expected shardRange"),
            ("shardRange(object.metadata.uid, '0x".to_owned(), "expected '"),
        ] {
            let error = text.parse::<ShardSelector>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
