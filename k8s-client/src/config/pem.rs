//! Certificates and keys: what they are, and the file that they may change in.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;

use super::document::Fields;
use crate::error::{Error, Result};
use crate::secret::Secret;

/// A text in PEM, and where it was read if that may be read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pem {
    pub(crate) text: Secret,
    pub(crate) file: Option<PathBuf>,
}

impl Pem {
    /// One that never changes.
    #[cfg(test)]
    pub(crate) fn fixed(text: impl Into<String>) -> Pem {
        Pem { text: Secret::new(text), file: None }
    }

    pub(super) fn open(field: &str, path: PathBuf) -> Result<Pem> {
        let read = std::fs::read_to_string(&path);
        match read {
            Ok(text) => Ok(Pem { text: Secret::new(text), file: Some(path) }),
            Err(error) => Err(Error::config(format!("{field}: {}", path.display())).caused(error)),
        }
    }

    /// What the file holds now.
    pub(crate) fn again(&self) -> std::io::Result<Pem> {
        let Some(path) = &self.file else { return Ok(self.clone()) };
        let text = Secret::new(std::fs::read_to_string(path)?);
        Ok(Pem { text, file: self.file.clone() })
    }

    /// `field-data` in base64, or the file that `field` names. What stands in the kubeconfig itself wins, as with kubectl.
    pub(super) fn of(
        fields: Fields<'_>,
        field: &str,
        resolve: impl Fn(&str) -> PathBuf,
    ) -> Result<Option<Pem>> {
        let data = format!("{field}-data");
        if let Some(text) = fields.secret(&data)? {
            return decode(&data, text).map(|text| Some(Pem { text, file: None }));
        }
        let Some(path) = fields.text(field)? else { return Ok(None) };
        Pem::open(field, resolve(path)).map(Some)
    }
}

fn decode(field: &str, text: &Secret) -> Result<Secret> {
    // Long lines are often folded.
    let text = Secret::new(text.expose().split_ascii_whitespace().collect::<String>());
    let bytes = base64::engine::general_purpose::STANDARD.decode(text.expose());
    // The decoder's own message would repeat a part of it.
    let text = bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.map(Secret::new).ok_or_else(|| Error::config(format!("{field} is not PEM in base64")))
}

/// A client certificate with its chain, and its key.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) certificate: Pem,
    pub(crate) key: Pem,
    /// A later one has a higher number: calls that were made with an earlier one must not bring it back.
    pub(crate) number: u64,
}

impl Identity {
    pub(crate) fn new(certificate: Pem, key: Pem) -> Identity {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Identity { certificate, key, number: NEXT.fetch_add(1, Ordering::Relaxed) }
    }

    /// Whether there is a file to look into.
    pub(crate) fn rotates(&self) -> bool {
        self.certificate.file.is_some() || self.key.file.is_some()
    }

    pub(super) fn of(user: Fields<'_>, resolve: impl Fn(&str) -> PathBuf) -> Result<Option<Identity>> {
        let certificate = Pem::of(user, "client-certificate", &resolve)?;
        match (certificate, Pem::of(user, "client-key", &resolve)?) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => Ok(Some(Identity::new(certificate, key))),
            (Some(_), None) => Err(Error::config("client-certificate is set, but client-key is not")),
            (None, Some(_)) => Err(Error::config("client-key is set, but client-certificate is not")),
        }
    }
}
