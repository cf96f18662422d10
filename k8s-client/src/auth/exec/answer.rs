//! What a plugin prints: an `ExecCredential`.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use k8s_api::time::Time;
use serde::Deserialize;

use crate::auth::Proof;
use crate::config::{Identity, Pem};
use crate::secret::Secret;

pub(super) struct Answered {
    pub(super) proof: Proof,
    pub(super) ends_at: Option<SystemTime>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    api_version: Option<String>,
    kind: Option<String>,
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    token: Option<Secret>,
    client_certificate_data: Option<Secret>,
    client_key_data: Option<Secret>,
    expiration_timestamp: Option<String>,
}

/// Nothing of the answer is repeated in an error.
pub(super) fn read(stdout: &[u8], version: &str) -> Result<Answered, String> {
    let wire: Wire = serde_json::from_slice(stdout).map_err(|error| {
        format!("printed no ExecCredential in JSON (line {}, column {})", error.line(), error.column())
    })?;
    if wire.kind.as_deref() != Some("ExecCredential") {
        return Err("printed JSON that is no ExecCredential".to_owned());
    }
    match wire.api_version.as_deref() {
        Some(answered) if answered == version => {}
        _ => return Err(format!("printed another apiVersion than the {version} that it is asked for")),
    }
    let status = wire.status.ok_or("printed an ExecCredential without a status")?;
    let some = |secret: Option<Secret>| secret.filter(|secret| !secret.expose().is_empty());
    let token = some(status.token);
    let identity = match (some(status.client_certificate_data), some(status.client_key_data)) {
        (None, None) => None,
        (Some(text), Some(key)) => {
            let pem = |text| Pem { text, file: None };
            let identity = Identity::new(pem(text), pem(key));
            crate::transport::check_identity(&identity)
                .map_err(|error| format!("printed a certificate that can't be used: {error}"))?;
            Some(Arc::new(identity))
        }
        _ => return Err("printed only one of clientCertificateData and clientKeyData".to_owned()),
    };
    if token.is_none() && identity.is_none() {
        return Err("printed neither a token nor a certificate".to_owned());
    }
    let header = token.and_then(|token| Proof::bearer(&token).header);
    let ends_at = status.expiration_timestamp.filter(|text| !text.is_empty()).map(|text| {
        let time: Time = text.parse().map_err(|_| "printed an expirationTimestamp that is no time")?;
        let seconds = u64::try_from(time.unix_seconds()).unwrap_or_default();
        let at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
        at.ok_or_else(|| "printed an expirationTimestamp that is out of range".to_owned())
    });
    Ok(Answered { proof: Proof { header, identity }, ends_at: ends_at.transpose()? })
}
