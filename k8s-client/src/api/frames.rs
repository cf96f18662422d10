//! A watch as the server sends it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use k8s_api::request::{self, Request as _, verb};

use super::pending::Pending;
use crate::error::{Error, Result};
use crate::watch::{LARGEST_EVENT, frames};

impl<K: verb::Watch> Pending<request::Watch<K>> {
    /// The events, each as the JSON that the server sent: `{"type": "ADDED", "object": ..}`.
    ///
    /// It is one call: it ends when the server ends it, which is no error, and where it ends, events may be missing until somebody asks
    /// again from the last version. An event of the type `ERROR` is given as it is. An [`Informer`](crate::Informer) does all that.
    ///
    /// ```no_run
    /// # async fn f(client: k8s_client::Client) -> k8s_client::Result<()> {
    /// use futures_util::TryStreamExt as _;
    ///
    /// let mut frames = client.all::<k8s_api::core::v1::Pod>().watch().labels("app=api").frames();
    /// while let Some(frame) = frames.try_next().await? {
    ///     println!("{}", String::from_utf8_lossy(&frame));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn frames(self) -> Frames {
        let (call, client) = (self.client.timed(self.request.call(), self.within), self.client);
        let asking = async move { client.open(call?).await };
        Frames { state: State::Asking(Box::pin(asking)), frames: Some(frames::Frames::json(LARGEST_EVENT)) }
    }
}

/// The events of one watch as bytes; an error is the last of them.
#[must_use = "nothing is read until it is polled"]
pub struct Frames {
    state: State,
    /// Until the end.
    frames: Option<frames::Frames>,
}

enum State {
    Asking(BoxFuture<'static, Result<BoxStream<'static, Result<Bytes>>>>),
    Reading(BoxStream<'static, Result<Bytes>>),
}

impl Stream for Frames {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let broken =
            |error: frames::FrameError| Error::unreadable(format!("the watch can't be read: {error}"));
        loop {
            let Some(frames) = &mut this.frames else { return Poll::Ready(None) };
            let failed = match &mut this.state {
                State::Asking(asking) => match ready!(asking.as_mut().poll(cx)) {
                    Ok(pieces) => {
                        this.state = State::Reading(pieces);
                        continue;
                    }
                    Err(error) => Some(error),
                },
                State::Reading(pieces) => match frames.next() {
                    Some(Ok(frame)) => return Poll::Ready(Some(Ok(frame))),
                    Some(Err(error)) => Some(broken(error)),
                    None => match ready!(pieces.as_mut().poll_next(cx)) {
                        Some(Ok(piece)) => {
                            frames.push(piece);
                            continue;
                        }
                        Some(Err(error)) => Some(error),
                        None => this.frames.take().and_then(|frames| frames.finish().err()).map(broken),
                    },
                },
            };
            this.frames = None;
            return Poll::Ready(failed.map(Err));
        }
    }
}

impl std::fmt::Debug for Frames {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frames").finish_non_exhaustive()
    }
}
