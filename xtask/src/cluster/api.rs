//! As much of an API client as the harness needs for itself: JSON in, JSON out.

use std::io::{BufRead as _, Read as _};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// Talks to one server.
#[derive(Clone)]
pub struct Api {
    agent: Agent,
    server: String,
    authorization: Option<String>,
}

/// Without the token.
impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api").field("server", &self.server).finish_non_exhaustive()
    }
}

impl Api {
    /// Over TLS, with the cluster's authority and a bearer token.
    pub(super) fn tls(server: &str, ca_pem: &str, token: &str) -> Result<Api> {
        let ca = Certificate::from_pem(ca_pem.as_bytes())
            .context("reading the cluster's own certificate authority")?;
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::new_with_certs(&[ca]))
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        Ok(Api {
            agent: agent(Some(tls)),
            server: server.to_owned(),
            authorization: Some(format!("Bearer {token}")),
        })
    }

    /// Plain HTTP, as etcd is reached.
    pub(super) fn plain(server: &str) -> Api {
        Api { agent: agent(None), server: server.to_owned(), authorization: None }
    }

    /// The text at `path`, or the error that the server answered.
    pub fn text(&self, path: &str) -> Result<String> {
        answer(self.request(path).call(), "GET", path)
    }

    /// The lines of a stream such as a watch or a followed log, as they come, until the server ends it.
    pub fn lines(&self, path: &str) -> Result<impl Iterator<Item = std::io::Result<String>> + use<>> {
        Ok(std::io::BufReader::new(self.stream(path, "*/*")?).lines())
    }

    /// The bytes of a stream in some representation, as they come, until the server ends it.
    pub fn stream(&self, path: &str, accept: &str) -> Result<impl std::io::Read + use<>> {
        let mut request =
            self.agent.get(format!("{}{path}", self.server)).config().timeout_global(None).build();
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let response = request.header("accept", accept).call().with_context(|| format!("GET {path}"))?;
        if !response.status().is_success() {
            answer(Ok(response), "GET", path)?;
            bail!("GET {path} did not answer a stream");
        }
        Ok(response.into_body().into_reader())
    }

    /// The object at `path`.
    pub fn get(&self, path: &str) -> Result<Value> {
        serde_json::from_str(&self.text(path)?).with_context(|| format!("GET {path} did not answer JSON"))
    }

    /// The object at `path` in another representation than plain JSON.
    pub fn get_as(&self, path: &str, accept: &str) -> Result<Value> {
        let text = answer(self.request(path).header("accept", accept).call(), "GET", path)?;
        serde_json::from_str(&text).with_context(|| format!("GET {path} did not answer JSON"))
    }

    /// The bytes at `path` in another representation than JSON.
    pub fn bytes_as(&self, path: &str, accept: &str) -> Result<Vec<u8>> {
        let response =
            self.request(path).header("accept", accept).call().with_context(|| format!("GET {path}"))?;
        if !response.status().is_success() {
            answer(Ok(response), "GET", path)?;
            bail!("GET {path} did not answer");
        }
        let mut bytes = Vec::new();
        response
            .into_body()
            .into_reader()
            .read_to_end(&mut bytes)
            .with_context(|| format!("reading the answer of GET {path}"))?;
        Ok(bytes)
    }

    fn send(
        &self,
        verb: &str,
        path: &str,
        request: ureq::RequestBuilder<ureq::typestate::WithBody>,
        content_type: &str,
        body: &[u8],
    ) -> Result<Value> {
        let mut request = request.header("content-type", content_type);
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let text = answer(request.send(body), verb, path)?;
        serde_json::from_str(&text).with_context(|| format!("{verb} {path} did not answer JSON"))
    }

    fn request(&self, path: &str) -> ureq::RequestBuilder<ureq::typestate::WithoutBody> {
        let request = self.agent.get(format!("{}{path}", self.server));
        match &self.authorization {
            Some(authorization) => request.header("authorization", authorization),
            None => request,
        }
    }

    /// Posts an object.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let request = self.agent.post(format!("{}{path}", self.server));
        self.send("POST", path, request, "application/json", &serde_json::to_vec(body)?)
    }

    /// Deletes an object.
    pub fn delete(&self, path: &str) -> Result<Value> {
        let mut request = self.agent.delete(format!("{}{path}", self.server));
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let text = answer(request.call(), "DELETE", path)?;
        serde_json::from_str(&text).with_context(|| format!("DELETE {path} did not answer JSON"))
    }

    /// Patches an object with a body of the given content type.
    pub fn patch(&self, path: &str, content_type: &str, body: &[u8]) -> Result<Value> {
        let request = self.agent.patch(format!("{}{path}", self.server));
        self.send("PATCH", path, request, content_type, body)
    }

    /// Replaces an object with a body of the given content type.
    pub fn put(&self, path: &str, content_type: &str, body: &[u8]) -> Result<Value> {
        let request = self.agent.put(format!("{}{path}", self.server));
        self.send("PUT", path, request, content_type, body)
    }
}

fn agent(tls: Option<TlsConfig>) -> Agent {
    // A paused server must not hold the harness for ever; conditions are asked for again.
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .timeout_global(Some(Duration::from_secs(60)));
    match tls {
        Some(tls) => config.tls_config(tls),
        None => config,
    }
    .build()
    .new_agent()
}

fn answer(
    response: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    verb: &str,
    path: &str,
) -> Result<String> {
    let mut response = response.with_context(|| format!("{verb} {path}"))?;
    let body = response.body_mut().with_config().limit(u64::MAX).read_to_string();
    let body = body.with_context(|| format!("reading the answer of {verb} {path}"))?;
    if !response.status().is_success() {
        bail!("{verb} {path} answered {}: {}", response.status(), body.trim());
    }
    Ok(body)
}
