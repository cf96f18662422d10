//! What containers have written.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, FusedStream};
use k8s_api::request::subresource::Log;
use k8s_api::request::{self, Request as _, RequestError, verb};
use k8s_api::transport::{Call, Lane};

use super::Api;
use super::lines::{Line, Splitter};
use super::pending::Pending;
use crate::client::Client;
use crate::error::Result;

impl<K: verb::Connect<Log>> Api<K> {
    /// What the containers of a pod have written. Awaited, it is all there is, as bytes; [`lines`](Pending::lines) reads it line by
    /// line, and after [`follow`](Pending::follow) goes on with what is written from now on.
    ///
    /// ```no_run
    /// # async fn f(client: k8s_client::Client) -> k8s_client::Result<()> {
    /// use futures_util::TryStreamExt as _;
    ///
    /// let pods = client.namespaced::<k8s_api::core::v1::Pod>("web");
    /// let end = pods.logs("api-0").container("app").tail(100).await?;
    /// let mut lines = pods.logs("api-0").timestamps().since_seconds(60).follow().lines();
    /// while let Some(line) = lines.try_next().await? {
    ///     println!("{:?} {}", line.time, line.text());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn logs(&self, name: &str) -> Pending<request::Log<K>> {
        self.client().request(request::Log::new(self.place(), name))
    }
}

impl<K: verb::Connect<Log>> Pending<request::Log<K>> {
    /// Line by line, as it is read: the log may be larger than memory.
    pub fn lines(self) -> Lines {
        let call = self.client.timed(self.request.call(), self.within).map(|mut call| {
            // It may take longer than a call that ends by itself, and must not be silent for long.
            call.meta.lane = Lane::Watch;
            call.meta.whole = false;
            call.meta.limits.idle = Some(self.client.timeouts().answer);
            call
        });
        Lines::new(self.client, call, self.request.has_timestamps())
    }
}

impl<K: verb::Connect<Log>> Pending<request::FollowLog<K>> {
    /// Line by line, until the container ends.
    ///
    /// A connection that breaks is an error, and nothing is asked for again by itself: [`since`](Self::since) with the time of the
    /// last line goes on, and repeats what was written in the same second.
    pub fn lines(self) -> Lines {
        let call = self.client.timed(self.request.call(), self.within);
        Lines::new(self.client, call, self.request.has_timestamps())
    }
}

/// The lines of a log; an error is the last of them.
#[must_use = "nothing is read until it is polled"]
pub struct Lines {
    state: State,
    splitter: Splitter,
}

enum State {
    Asking(BoxFuture<'static, Result<BoxStream<'static, Result<Bytes>>>>),
    Reading(BoxStream<'static, Result<Bytes>>),
    Over,
}

impl Lines {
    fn new(client: Client, call: std::result::Result<Call, RequestError>, stamped: bool) -> Lines {
        let asking = async move { client.open(call?).await };
        Lines { state: State::Asking(Box::pin(asking)), splitter: Splitter::new(stamped) }
    }
}

impl Stream for Lines {
    type Item = Result<Line>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            let failed = match &mut this.state {
                State::Asking(asking) => match ready!(asking.as_mut().poll(cx)) {
                    Ok(pieces) => {
                        this.state = State::Reading(pieces);
                        continue;
                    }
                    Err(error) => error,
                },
                State::Reading(pieces) => {
                    if let Some(line) = this.splitter.next() {
                        return Poll::Ready(Some(Ok(line)));
                    }
                    match ready!(pieces.as_mut().poll_next(cx)) {
                        Some(Ok(piece)) => {
                            this.splitter.push(piece);
                            continue;
                        }
                        Some(Err(error)) => error,
                        None => {
                            this.state = State::Over;
                            return Poll::Ready(this.splitter.finish().map(Ok));
                        }
                    }
                }
                State::Over => return Poll::Ready(None),
            };
            this.state = State::Over;
            return Poll::Ready(Some(Err(failed)));
        }
    }
}

impl FusedStream for Lines {
    fn is_terminated(&self) -> bool {
        matches!(self.state, State::Over)
    }
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lines").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
