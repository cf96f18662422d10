//! What is followed, and where: the only part of a watch that knows the kind.

use std::sync::Arc;

use bytes::Bytes;
use k8s_api::Resource;
use k8s_api::codec::{AnyDecoder, Decoder, ListReader};
use k8s_api::request::{self, Request as _, RequestError, verb};
use k8s_api::transport::Call;

use super::object::{AnyObject, Held};
use super::query::{Freshness, ListQuery, WatchQuery};
use crate::client::Client;
use crate::outside::Outside;

/// Objects of one kind in one place, as everything else sees them: without the kind.
pub(crate) struct Source {
    pub(super) client: Client,
    pub(super) kind: Box<dyn Kind>,
    pub(super) decoder: AnyDecoder,
}

impl Source {
    /// What a list and a watch ask for, read by `decoder`. Both requests have to mean the same objects.
    pub(crate) fn new<K: verb::List + verb::Watch>(
        client: Client,
        list: request::List<K>,
        watch: request::Watch<K>,
        decoder: Decoder<K>,
    ) -> Source {
        Source { client, kind: Box::new(Of { list, watch }), decoder: decoder.erase() }
    }
}

impl Source {
    /// Reads objects with another decoder, of the same kind.
    pub(crate) fn decoder<K: Resource>(&mut self, decoder: Decoder<K>) {
        self.decoder = decoder.erase();
    }

    /// A list of one object, as the server sends it.
    pub(crate) async fn first(&self) -> crate::error::Result<Bytes> {
        let query = ListQuery { limit: Some(1), continue_token: None, freshness: Freshness::Latest };
        self.client.bytes(self.kind.list(&query)?).await
    }

    /// Time and chance.
    pub(crate) fn outside(&self) -> &Arc<dyn Outside> {
        self.client.outside()
    }
}

/// What differs from kind to kind.
pub(super) trait Kind: Send + Sync {
    /// The call for a page.
    fn list(&self, query: &ListQuery) -> Result<Call, RequestError>;
    /// The call for a watch.
    fn watch(&self, query: &WatchQuery) -> Result<Call, RequestError>;
    /// What reads a page.
    fn reader(&self) -> ListReader;
    /// An object, filled.
    fn make(&self, fill: &mut dyn FnMut(&mut dyn AnyObject)) -> Held;
}

struct Of<K> {
    list: request::List<K>,
    watch: request::Watch<K>,
}

impl<K: verb::List + verb::Watch> Kind for Of<K> {
    fn list(&self, query: &ListQuery) -> Result<Call, RequestError> {
        query.narrow(self.list.clone()).call()
    }

    fn watch(&self, query: &WatchQuery) -> Result<Call, RequestError> {
        query.narrow(self.watch.clone()).call()
    }

    fn reader(&self) -> ListReader {
        ListReader::new::<K>()
    }

    fn make(&self, fill: &mut dyn FnMut(&mut dyn AnyObject)) -> Held {
        let mut object = K::default();
        fill(&mut object);
        Arc::new(object)
    }
}

#[cfg(test)]
pub(super) mod testing {
    use k8s_api::codec::Decoder;
    use k8s_api::request::{Everywhere, List, Watch, verb};

    use super::Source;
    use crate::client::Client;
    use crate::scripted::{Scripted, ok};

    /// Everything of a kind, of a server that knows nothing.
    pub(in crate::watch) fn source<K: verb::List + verb::Watch>() -> Source {
        let client = Client::with_transport(Scripted::new(|_| ok("{}")), "default").build().unwrap();
        Source::new(client, List::<K>::new(Everywhere), Watch::new(Everywhere), Decoder::new())
    }
}
