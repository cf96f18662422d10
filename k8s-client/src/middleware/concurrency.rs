//! At most so many calls at a time.
//!
//! A call has its slot until its answer is read or dropped. A watch or an upgrade has it until the head of its answer
//! has come: they may go on for ever, and a few of them would leave no slot for anything else. Renewals of leases need none.
//! Slots are given in the order in which they are asked for, and one that is no longer wanted goes to the next.

use std::sync::Arc;

use futures_util::StreamExt as _;
use k8s_api::transport::{Call, Lane, ReplyBody, Sending, Transport};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::line::{Line, held};

struct Slots {
    inner: Arc<dyn Transport>,
    most: u32,
    slots: Arc<Semaphore>,
    line: Arc<Line>,
}

/// Lets `most` calls go at a time; `line` is where the others wait.
pub(crate) fn layer(inner: Arc<dyn Transport>, most: u32, line: Arc<Line>) -> Arc<dyn Transport> {
    let slots = usize::try_from(most).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
    Arc::new(Slots { inner, most, slots: Arc::new(Semaphore::new(slots)), line })
}

impl Transport for Slots {
    fn send(&self, call: Call) -> Sending {
        let lane = call.meta.lane;
        if lane == Lane::Lease {
            return self.inner.send(call);
        }
        let inner = self.inner.clone();
        if let Ok(slot) = self.slots.clone().try_acquire_owned() {
            return hold(inner.send(call), slot, lane);
        }
        let (slots, line, most) = (self.slots.clone(), self.line.clone(), self.most);
        Box::pin(async move {
            let why = || format!("this client has {most} calls at a time, and all of them are on their way");
            let slot = line.wait(&call.meta, slots.acquire_owned(), why).await?;
            // It is never closed.
            let slot = slot.map_err(|error| held(error.to_string()))?;
            hold(inner.send(call), slot, lane).await
        })
    }
}

fn hold(sending: Sending, slot: OwnedSemaphorePermit, lane: Lane) -> Sending {
    Box::pin(async move {
        let mut reply = sending.await?;
        reply.body = match reply.body {
            ReplyBody::Stream(stream) if !matches!(lane, Lane::Watch | Lane::Upgrade) => {
                ReplyBody::Stream(Box::pin(stream.inspect(move |_| {
                    // The stream owns the slot.
                    let _ = &slot;
                })))
            }
            body => body,
        };
        Ok(reply)
    })
}

#[cfg(test)]
mod tests;
