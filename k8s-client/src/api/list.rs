//! Lists.

use std::future::IntoFuture;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use k8s_api::Resource;
use k8s_api::list::List;

use super::{Api, Operations, decode};
use crate::error::Result;

/// A list that is being built; awaiting it sends it.
#[derive(Debug)]
#[must_use = "a list is sent when it is awaited"]
pub struct ListRequest<K, P> {
    api: Api<K, P>,
    query: Vec<(&'static str, String)>,
}

impl<K: Resource, P> ListRequest<K, P> {
    pub(super) fn new(api: Api<K, P>) -> Self {
        ListRequest { api, query: Vec::new() }
    }

    /// Only objects with these labels, such as `app=api,tier in (a,b)`.
    pub fn labels(self, selector: &str) -> Self {
        self.with("labelSelector", selector)
    }

    /// Only objects with these fields, such as `status.phase=Running`; each kind knows only some.
    pub fn fields(self, selector: &str) -> Self {
        self.with("fieldSelector", selector)
    }

    /// At most so many. Where there are more, `metadata.continue` of the answer goes into [`ListRequest::after`].
    pub fn limit(self, limit: u32) -> Self {
        self.with("limit", limit)
    }

    /// The page after the one that ended with this token.
    pub fn after(self, token: &str) -> Self {
        self.with("continue", token)
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.query.retain(|(known, _)| *known != name);
        self.query.push((name, value.to_string()));
        self
    }

    async fn send(self) -> Result<List<K>> {
        decode(&self.bytes().await?)
    }

    /// As it came, for a decoder that has seen others.
    pub(crate) async fn bytes(self) -> Result<Bytes> {
        let call = self.api.call(Operations::<K>::LIST, http::Method::GET, None, &self.query, None)?;
        self.api.client().bytes(call).await
    }
}

impl<K: Resource, P: 'static> IntoFuture for ListRequest<K, P> {
    type Output = Result<List<K>>;
    type IntoFuture = BoxFuture<'static, Result<List<K>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}
