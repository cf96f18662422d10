//! Lists that come in pages.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use futures_util::future::BoxFuture;
use k8s_api::list;
use k8s_api::request::{self, Answer as _, Request as _, verb};

use super::pending::Pending;
use crate::client::Client;
use crate::error::{Error, Result};

/// As many as client-go asks for: a page is small beside the memory of either side, and a round trip small beside a page.
const PAGE: u32 = 500;

/// The pages of a list, each asked for when it is wanted.
///
/// The pages are of one state of the server, which it keeps for some minutes. When that is over, the list goes on in the latest state
/// behind the last object that was read: no object comes twice, and what was made, changed or deleted in between may be missing or be
/// there. From then on [`is_snapshot`](Self::is_snapshot) is false. [`snapshot`](Self::snapshot) makes it an error instead
/// ([`is_gone`](Error::is_gone)).
///
/// The server's order, and with it that nothing comes twice, is that of namespaces and names. A server of other people's making
/// that keeps to no order may do otherwise.
#[must_use = "nothing is read until it is polled"]
pub struct Pages<K> {
    client: Client,
    list: request::List<K>,
    next: Next<K>,
    within: Option<Duration>,
    strict: bool,
    snapshot: bool,
    version: Option<String>,
}

enum Next<K> {
    /// This page.
    Page(request::List<K>),
    /// It is on its way; the flag says that its token came with a refusal.
    Coming(Coming<K>, bool),
    Over,
}

type Coming<K> = BoxFuture<'static, Result<list::List<K>>>;

impl<K: verb::List> Pending<request::List<K>> {
    /// All objects, page by page. A page has at most 500, unless [`limit`](Self::limit) says otherwise.
    pub fn pages(self) -> Pages<K> {
        let list = if self.request.is_limited() { self.request } else { self.request.limit(PAGE) };
        let next = Next::Page(list.clone());
        Pages {
            client: self.client,
            list,
            next,
            within: self.within,
            strict: false,
            snapshot: true,
            version: None,
        }
    }

    /// All objects, one by one. They are read in pages of at most 500, unless [`limit`](Self::limit) says otherwise.
    ///
    /// ```no_run
    /// # async fn f(client: k8s_client::Client) -> k8s_client::Result<()> {
    /// use futures_util::TryStreamExt as _;
    ///
    /// let mut pods = client.all::<k8s_api::core::v1::Pod>().list().labels("app=api").items();
    /// while let Some(pod) = pods.try_next().await? {
    ///     println!("{}/{}", pod.metadata.namespace, pod.metadata.name);
    /// }
    /// if !pods.is_snapshot() {
    ///     println!("it took so long that this is no single state");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn items(self) -> Items<K> {
        Items { pages: self.pages(), page: Vec::new().into_iter() }
    }
}

impl<K> Pages<K> {
    /// Rather fails than goes on in another state.
    pub fn snapshot(mut self) -> Self {
        self.strict = true;
        self
    }

    /// Whether all that was read so far is one state of the server.
    pub fn is_snapshot(&self) -> bool {
        self.snapshot
    }

    /// The resource version of the last page; of all of them while [`is_snapshot`](Self::is_snapshot) holds.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }
}

impl<K: verb::List> Stream for Pages<K> {
    type Item = Result<list::List<K>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            let (result, renewed) = match &mut this.next {
                Next::Over => return Poll::Ready(None),
                Next::Page(list) => {
                    this.next = Next::Coming(ask(&this.client, list, this.within), false);
                    continue;
                }
                Next::Coming(page, renewed) => (ready!(page.as_mut().poll(cx)), *renewed),
            };
            this.next = Next::Over;
            match result {
                Ok(page) => {
                    let token = page.metadata.continue_.as_str();
                    if !token.is_empty() {
                        this.next = Next::Page(this.list.next_page(token));
                    }
                    this.version = Some(page.metadata.resource_version.as_str().to_owned());
                    return Poll::Ready(Some(Ok(page)));
                }
                Err(error) => match expired(&error).filter(|_| !this.strict && !renewed) {
                    Some(token) => {
                        tracing::debug!(
                            "a list has outlived its state and goes on in the latest one: {error}"
                        );
                        this.snapshot = false;
                        let next = this.list.next_page(token);
                        this.next = Next::Coming(ask(&this.client, &next, this.within), true);
                    }
                    None => return Poll::Ready(Some(Err(error))),
                },
            }
        }
    }
}

fn ask<K: verb::List>(client: &Client, list: &request::List<K>, within: Option<Duration>) -> Coming<K> {
    let (call, client) = (client.timed(list.call(), within), client.clone());
    Box::pin(async move { client.read(call?, |body| list::List::<K>::read(body)).await })
}

/// The token that comes with the refusal of one that is too old. Without one, or when even that is too old, there is no way to go on
/// that would not tell objects twice.
fn expired(error: &Error) -> Option<&str> {
    let token = error.status()?.continue_token.as_str();
    (error.is_gone() && !token.is_empty()).then_some(token)
}

/// The objects of a list, one by one; the pages that they come in are asked for when they are wanted. [`Pages`] says what holds when
/// that takes longer than the server keeps a state.
///
/// After an error there is nothing more.
#[must_use = "nothing is read until it is polled"]
pub struct Items<K> {
    pages: Pages<K>,
    page: std::vec::IntoIter<K>,
}

// Nothing in it is pinned, whatever the objects are.
impl<K> Unpin for Items<K> {}

impl<K> Items<K> {
    /// Rather fails than goes on in another state.
    pub fn snapshot(mut self) -> Self {
        self.pages.strict = true;
        self
    }

    /// Whether all that was read so far is one state of the server.
    pub fn is_snapshot(&self) -> bool {
        self.pages.snapshot
    }

    /// The resource version of the last page; of all of them while [`is_snapshot`](Self::is_snapshot) holds.
    pub fn version(&self) -> Option<&str> {
        self.pages.version()
    }
}

impl<K: verb::List> Stream for Items<K> {
    type Item = Result<K>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(object) = self.page.next() {
                return Poll::Ready(Some(Ok(object)));
            }
            match ready!(Pin::new(&mut self.pages).poll_next(cx)) {
                Some(Ok(page)) => self.page = page.items.into_iter(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.page.len(), None)
    }
}

macro_rules! debug {
    ($($type:ident)*) => {$(
        impl<K> std::fmt::Debug for $type<K> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let (snapshot, version) = (self.is_snapshot(), self.version());
                f.debug_struct(stringify!($type)).field("snapshot", &snapshot).field("version", &version).finish_non_exhaustive()
            }
        }
    )*};
}

debug! { Pages Items }

#[cfg(test)]
mod tests;
