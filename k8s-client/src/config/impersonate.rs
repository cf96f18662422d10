//! Asking as somebody else, which the server allows to those who may.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue};

use super::document::Fields;
use crate::error::{Error, Result};

/// As whom to ask, instead of who the credential stands for.
///
/// ```
/// use k8s_client::config::Impersonation;
///
/// let mut ann = Impersonation::user("ann");
/// ann.groups.push("developers".to_owned());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Impersonation {
    /// The name.
    pub user: String,
    /// What tells two users of one name apart.
    pub uid: Option<String>,
    /// The groups, instead of those of the user.
    pub groups: Vec<String>,
    /// What else an authenticator knows of the user.
    pub extra: BTreeMap<String, Vec<String>>,
}

impl Impersonation {
    /// A user, with nothing but the name.
    pub fn user(name: impl Into<String>) -> Impersonation {
        Impersonation { user: name.into(), ..Impersonation::default() }
    }

    pub(super) fn read(user: Fields<'_>) -> Result<Option<Impersonation>> {
        let name = user.text("as")?.unwrap_or_default().to_owned();
        let mut extra = BTreeMap::new();
        let given = user.fields("as-user-extra")?;
        for (key, _) in given.iter() {
            let values = given.secrets(key).map_err(|error| error.within("as-user-extra"))?;
            extra.insert(key.to_owned(), values.into_iter().map(|value| value.expose().to_owned()).collect());
        }
        let groups = user.secrets("as-groups")?.into_iter().map(|group| group.expose().to_owned()).collect();
        let uid = user.text("as-uid")?.map(str::to_owned);
        let it = Impersonation { user: name, uid, groups, extra };
        if it == Impersonation::default() {
            return Ok(None);
        }
        it.headers()?;
        Ok(Some(it))
    }

    /// The headers that say it.
    pub(crate) fn headers(&self) -> Result<Vec<(HeaderName, HeaderValue)>> {
        if self.user.is_empty() {
            return Err(Error::config("as-uid, as-groups and as-user-extra need `as`, the user to be"));
        }
        let value = |field: &str, text: &str| {
            let value = HeaderValue::from_bytes(text.as_bytes());
            value.map_err(|_| Error::config(format!("{field} has characters that no header can carry")))
        };
        let name = HeaderName::from_static;
        let mut headers = vec![(name("impersonate-user"), value("as", &self.user)?)];
        if let Some(uid) = &self.uid {
            headers.push((name("impersonate-uid"), value("as-uid", uid)?));
        }
        for group in &self.groups {
            headers.push((name("impersonate-group"), value("as-groups", group)?));
        }
        for (key, values) in &self.extra {
            let header = HeaderName::try_from(format!("impersonate-extra-{}", escaped(key)));
            let header = header.map_err(|_| Error::config("as-user-extra has a key that is too long"))?;
            for text in values {
                headers.push((header.clone(), value("as-user-extra", text)?));
            }
        }
        Ok(headers)
    }
}

/// A key as a part of a header's name: what can't stand there is written as `%` and two digits, which the server undoes.
fn escaped(key: &str) -> String {
    let mut escaped = String::new();
    for byte in key.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => escaped.push(byte.into()),
            b'!' | b'#' | b'$' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|'
            | b'~' => escaped.push(byte.into()),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::Impersonation;
    use crate::config::document::{Fields, Node};
    use crate::error::Result;

    fn of(text: &str) -> Result<Option<Impersonation>> {
        Impersonation::read(Fields::of(Some(&Node::read(text)?))?)
    }

    #[test]
    fn it_becomes_headers() {
        let text = "as: ann\nas-uid: '7'\nas-groups: [a, 'b c']\nas-user-extra: {example.com/scopes: [x, v], 'ü%': [z]}";
        let headers = of(text).unwrap().unwrap().headers().unwrap();
        let shown: Vec<String> =
            headers.iter().map(|(name, value)| format!("{name}={}", value.to_str().unwrap())).collect();
        assert_eq!(
            shown,
            [
                "impersonate-user=ann",
                "impersonate-uid=7",
                "impersonate-group=a",
                "impersonate-group=b c",
                "impersonate-extra-example.com%2fscopes=x",
                "impersonate-extra-example.com%2fscopes=v",
                "impersonate-extra-%c3%bc%25=z",
            ]
        );
        assert_eq!(of("token: x").unwrap(), None);
    }

    #[test]
    fn nobody_is_asked_as_by_accident() {
        for (text, expected) in [
            ("as-groups: [a]", "as-uid, as-groups and as-user-extra need `as`, the user to be"),
            ("as: \"a\\nb\"", "as has characters that no header can carry"),
            ("as: [a]", "as must be a text, but is a list"),
            ("as: a\nas-groups: a", "as-groups must be a list, but is a text"),
            ("as: a\nas-user-extra: {k: v}", "as-user-extra: k must be a list, but is a text"),
        ] {
            assert_eq!(of(text).unwrap_err().to_string(), expected);
        }
    }
}
