//! A user's `auth-provider` of the kind `oidc`: an issuer that gives tokens for a refresh token.

use std::path::PathBuf;

use super::document::Fields;
use super::pem::Pem;
use crate::error::{Error, Result};
use crate::secret::Secret;

/// How to get tokens from an issuer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OidcSpec {
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<Secret>,
    pub(crate) authority: Option<Pem>,
    pub(crate) id_token: Option<Secret>,
    pub(crate) refresh_token: Option<Secret>,
    /// Where new tokens are written for other programs and later runs.
    pub(crate) file: Option<PathBuf>,
    pub(crate) user: String,
}

impl OidcSpec {
    pub(super) fn read(
        provider: Fields<'_>,
        file: Option<PathBuf>,
        user: &str,
        resolve: impl Fn(&str) -> PathBuf,
    ) -> Result<OidcSpec> {
        match provider.text("name")? {
            Some("oidc") => {}
            None => return Err(Error::config("name is missing")),
            Some(other) => {
                let instead = match other {
                    "gcp" => "; use `exec` with gke-gcloud-auth-plugin",
                    "azure" => "; use `exec` with kubelogin",
                    _ => "; use `exec` with a plugin",
                };
                return Err(Error::config(format!("`{other}` is not supported, only `oidc` is{instead}")));
            }
        }
        let config = provider.fields("config")?;
        let needed = |field: &str| {
            let text = config.text(field)?;
            let text = text.ok_or_else(|| Error::config(format!("{field} is missing")))?;
            Ok::<_, Error>(text.to_owned())
        };
        let issuer = needed("idp-issuer-url")?;
        check(&issuer, "idp-issuer-url")?;
        Ok(OidcSpec {
            issuer,
            client_id: needed("client-id")?,
            client_secret: config.secret("client-secret")?.cloned(),
            authority: Pem::of(config, "idp-certificate-authority", resolve)?,
            id_token: config.secret("id-token")?.cloned(),
            refresh_token: config.secret("refresh-token")?.cloned(),
            file,
            user: user.to_owned(),
        })
    }
}

/// Refresh tokens are sent there, so nobody may listen on the way.
pub(crate) fn check(url: &str, field: &str) -> Result<()> {
    let bad = |why: &str| Err(Error::config(format!("{field} {why}")));
    let Ok(uri) = url.parse::<http::Uri>() else { return bad("is no URL") };
    let host = uri.host().unwrap_or_default();
    let here = matches!(host, "localhost" | "[::1]") || host.starts_with("127.");
    match uri.scheme_str() {
        Some("https") => Ok(()),
        Some("http") if here => Ok(()),
        _ => bad("must be like https://issuer.example"),
    }
}
