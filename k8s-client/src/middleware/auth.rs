//! Says who is asking. A 401 makes the credential new once, and the call is sent once more.

use std::sync::Arc;

use http::StatusCode;
use http::header::{AUTHORIZATION, HeaderValue};
use k8s_api::transport::{Call, Fault, Reply, Sending, Sent, Transport, TransportError};

use crate::auth::Credential;
use crate::secret::Secret;

struct Auth {
    inner: Arc<dyn Transport>,
    credential: Arc<dyn Credential>,
}

/// Adds `credential` to every call.
pub(crate) fn layer(inner: Arc<dyn Transport>, credential: Arc<dyn Credential>) -> Arc<dyn Transport> {
    Arc::new(Auth { inner, credential })
}

impl Transport for Auth {
    fn send(&self, call: Call) -> Sending {
        let (inner, credential) = (self.inner.clone(), self.credential.clone());
        Box::pin(async move { send(&*inner, &*credential, call).await })
    }
}

async fn send(
    inner: &dyn Transport,
    credential: &dyn Credential,
    mut call: Call,
) -> Result<Reply, TransportError> {
    let token = credential.token().await?;
    let again = call.replay();
    call.head.headers.insert(AUTHORIZATION, bearer(&token)?);
    let reply = inner.send(call).await?;
    // Whoever gets a 401 was not let in: nothing was processed, so a write may be sent again too.
    let (StatusCode::UNAUTHORIZED, Some(mut again)) = (reply.head.status, again) else { return Ok(reply) };
    match credential.renew(&token).await {
        Ok(Some(token)) => {
            drop(reply);
            again.head.headers.insert(AUTHORIZATION, bearer(&token)?);
            inner.send(again).await
        }
        Ok(None) => Ok(reply),
        Err(error) => {
            tracing::warn!(%error, "the server refused the credential, and there is no new one");
            Ok(reply)
        }
    }
}

fn bearer(token: &Secret) -> Result<HeaderValue, TransportError> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose())).map_err(|_| {
        let message = "the token has characters that no header can carry, such as a line break in the middle";
        TransportError::new(Sent::No, Fault::Setup, message)
    })?;
    // Keeps it out of Debug, and out of HTTP/2's table of repeated headers.
    value.set_sensitive(true);
    Ok(value)
}
