//! Small requests to other servers than the API server.

use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;

use super::{explain, tls};
use crate::config::Pem;
use crate::error::{Error, Result};
use crate::secret::Secret;

/// From the first byte sent to the last received.
const TOTAL: Duration = Duration::from_secs(20);
/// What is fetched is a few kilobytes.
const MOST: usize = 1 << 20;

pub(crate) struct Fetch(reqwest::Client);

/// A status and a body, or what went wrong in words.
type Fetched = std::result::Result<(u16, Secret), String>;

impl Fetch {
    /// Trusts `authority`, or else those of the system.
    pub(crate) fn new(authority: Option<&Pem>) -> Result<Fetch> {
        let mut tls = tls::plain(authority)?;
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let client = reqwest::Client::builder()
            // It would take what is sent to another server.
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .timeout(TOTAL)
            // Asked a few times a day.
            .pool_max_idle_per_host(0)
            .user_agent(super::recipe::NAME)
            .tls_backend_preconfigured(tls)
            .build();
        client.map(Fetch).map_err(|error| Error::config("setting up HTTP").caused(error))
    }

    pub(crate) async fn get(&self, url: &str) -> Fetched {
        self.send(self.0.get(url)).await
    }

    /// Sends a form, with a name and a secret in a header where there are any.
    pub(crate) async fn post(
        &self,
        url: &str,
        basic: Option<(&str, &Secret)>,
        form: &[(&str, &str)],
    ) -> Fetched {
        let body = encode(form.iter().copied())?;
        let mut request = self.0.post(url).body(body.expose().to_owned());
        request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some((name, secret)) = basic {
            use base64::Engine as _;
            // Encoded like the form, which is what the standard says and what issuers undo.
            let (name, secret) = (encode([("", name)])?, encode([("", secret.expose())])?);
            let part = |text: &Secret| Secret::new(text.expose().trim_start_matches('='));
            let pair = Secret::new(format!("{}:{}", part(&name).expose(), part(&secret).expose()));
            let pair = Secret::new(base64::engine::general_purpose::STANDARD.encode(pair.expose()));
            let value = HeaderValue::try_from(format!("Basic {}", pair.expose()));
            let mut value = value.map_err(|_| "it can't be asked with this client-id".to_owned())?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        self.send(request).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Fetched {
        let failed = |error: reqwest::Error| {
            let error = explain::explain_own(error, "the server");
            format!("it can't be asked: {error}")
        };
        let response = request.header(ACCEPT, "application/json").send().await.map_err(failed)?;
        let status = response.status().as_u16();
        let mut stream = response.bytes_stream();
        let mut body = Vec::new();
        while let Some(piece) = stream.next().await {
            body.extend_from_slice(&piece.map_err(failed)?);
            if body.len() > MOST {
                return Err("it answered more than a megabyte".to_owned());
            }
        }
        let body = String::from_utf8(body).map_err(|_| "it answered something that is no text".to_owned())?;
        Ok((status, Secret::new(body)))
    }
}

/// As a form has it, which is how the query of a URL has it.
fn encode<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> std::result::Result<Secret, String> {
    let mut url = reqwest::Url::parse("http://form").map_err(|error| error.to_string())?;
    url.query_pairs_mut().extend_pairs(pairs);
    Ok(Secret::new(url.query().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn forms_are_encoded() {
        let form = super::encode([("a", "x y&z=%"), ("b", "ü+")]).unwrap();
        assert_eq!(form.expose(), "a=x+y%26z%3D%25&b=%C3%BC%2B");
    }
}
