//! Says who is asking. A 401 makes the credential new once, and the call is sent once more.

use std::sync::Arc;

use http::StatusCode;
use http::header::{AUTHORIZATION, HeaderValue};
use k8s_api::operation::Retry;
use k8s_api::transport::{Call, Fault, Reply, Sending, Sent, Transport, TransportError};

use super::observe::Listener;
use crate::auth::{Credential, Proof};

struct Auth {
    inner: Arc<dyn Transport>,
    credential: Arc<dyn Credential>,
    listener: Listener,
}

/// Adds `credential` to every call.
pub(crate) fn layer(
    inner: Arc<dyn Transport>,
    credential: Arc<dyn Credential>,
    listener: Listener,
) -> Arc<dyn Transport> {
    Arc::new(Auth { inner, credential, listener })
}

impl Transport for Auth {
    fn send(&self, call: Call) -> Sending {
        let (inner, credential, listener) =
            (self.inner.clone(), self.credential.clone(), self.listener.clone());
        Box::pin(async move { send(&*inner, &*credential, &listener, call).await })
    }
}

async fn send(
    inner: &dyn Transport,
    credential: &dyn Credential,
    listener: &Listener,
    mut call: Call,
) -> Result<Reply, TransportError> {
    let proof = credential.proof().await?;
    let again = call.replay();
    show(&proof, &mut call)?;
    let result = inner.send(call).await;
    let Some(mut again) = again.filter(|again| refused(&result, &proof, again)) else { return result };
    let renewed = credential.renew(&proof).await;
    listener.tell(|observer| observer.credential_refused(matches!(renewed, Ok(Some(_)))));
    match renewed {
        Ok(Some(proof)) => {
            drop(result);
            show(&proof, &mut again)?;
            inner.send(again).await
        }
        Ok(None) => result,
        Err(error) => {
            tracing::warn!(%error, "the server refused the credential, and there is no new one");
            result
        }
    }
}

/// Whether the call was turned away for who asks, and may be sent again.
fn refused(result: &Result<Reply, TransportError>, proof: &Proof, call: &Call) -> bool {
    match result {
        // Whoever gets a 401 was not let in: nothing was processed, so a write may be sent again too.
        Ok(reply) => reply.head.status == StatusCode::UNAUTHORIZED,
        // A certificate may be refused before there is HTTP. When that is heard of, the call may be on its way already.
        Err(error) => {
            let certificate = proof.identity.is_some() && error.fault() == Fault::Credential;
            certificate && (error.sent() == Sent::No || call.meta.op.retry == Retry::Read)
        }
    }
}

fn show(proof: &Proof, call: &mut Call) -> Result<(), TransportError> {
    if let Some(header) = &proof.header {
        let mut value = HeaderValue::try_from(header.expose()).map_err(|_| {
            let message =
                "the token has characters that no header can carry, such as a line break in the middle";
            TransportError::new(Sent::No, Fault::Credential, message)
        })?;
        // Keeps it out of Debug, and out of HTTP/2's table of repeated headers.
        value.set_sensitive(true);
        call.head.headers.insert(AUTHORIZATION, value);
    }
    if let Some(identity) = &proof.identity {
        // The transport makes the connection with it.
        call.head.extensions.insert(identity.clone());
    }
    Ok(())
}
