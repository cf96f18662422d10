//! Reads the body inside the attempt, for calls that have no use for a part of it.
//!
//! Below the retry, so that a connection that breaks in the middle of an object is a failed attempt like any other. The body
//! of a refusal is read for every call: it holds the reason.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt as _;
use k8s_api::transport::{ByteStream, Call, Fault, ReplyBody, Sending, Sent, Transport, TransportError};

/// What is read of a refusal. The reason is a few lines; a proxy's page may be long.
const REFUSAL: usize = 1 << 20;

struct Whole(Arc<dyn Transport>);

/// Completes what has to be complete.
pub(crate) fn layer(inner: Arc<dyn Transport>) -> Arc<dyn Transport> {
    Arc::new(Whole(inner))
}

impl Transport for Whole {
    fn send(&self, call: Call) -> Sending {
        let whole = call.meta.whole;
        let sending = self.0.send(call);
        Box::pin(async move {
            let mut reply = sending.await?;
            let refused = reply.head.status.is_client_error() || reply.head.status.is_server_error();
            reply.body = match reply.body {
                // A reason that can't be read must not hide the status.
                ReplyBody::Stream(stream) if refused => ReplyBody::Whole(beginning(stream).await),
                ReplyBody::Stream(stream) if whole => {
                    let read = collect(stream).await.map_err(|error| {
                        // The head has come: the server has done what it was asked for.
                        error.with_sent(Sent::Unknown).context(format_args!("after {}", reply.head.status))
                    });
                    ReplyBody::Whole(read?)
                }
                ReplyBody::Upgraded(_) if whole => {
                    let message = "the server turned the connection into a stream, which was not asked for";
                    return Err(TransportError::new(Sent::Unknown, Fault::Setup, message));
                }
                body => body,
            };
            Ok(reply)
        })
    }
}

async fn collect(mut stream: ByteStream) -> Result<Bytes, TransportError> {
    let Some(first) = stream.try_next().await? else { return Ok(Bytes::new()) };
    let Some(second) = stream.try_next().await? else { return Ok(first) };
    let mut all = BytesMut::from(&*first);
    all.extend_from_slice(&second);
    while let Some(piece) = stream.try_next().await? {
        all.extend_from_slice(&piece);
    }
    Ok(all.freeze())
}

/// As much as came and may be kept.
async fn beginning(mut stream: ByteStream) -> Bytes {
    let mut all = BytesMut::new();
    while let Ok(Some(piece)) = stream.try_next().await {
        let room = REFUSAL.saturating_sub(all.len());
        all.extend_from_slice(&piece[..piece.len().min(room)]);
        if all.len() >= REFUSAL {
            break;
        }
    }
    all.freeze()
}
