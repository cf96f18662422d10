//! What is followed, and where: the only part of a watch that knows the kind.

use std::sync::Arc;

use k8s_api::codec::error::DecodeError;
use k8s_api::codec::{AnyDecoder, Decoder};
use k8s_api::meta::v1::ListMeta;
use k8s_api::request::{self, Request as _, RequestError, verb};
use k8s_api::transport::Call;

use super::object::Held;
use super::query::{ListQuery, WatchQuery};
use crate::client::Client;

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
    /// Reads one object.
    pub(super) fn object(&mut self, json: &[u8]) -> Result<Held, DecodeError> {
        let mut object = self.kind.empty();
        // Nobody else holds it yet, so it is filled where it stays.
        if let Some(object) = Arc::get_mut(&mut object) {
            self.decoder.json_into(object, json)?;
        }
        Ok(object)
    }
}

/// What differs from kind to kind.
pub(super) trait Kind: Send + Sync {
    /// The call for a page.
    fn list(&self, query: &ListQuery) -> Result<Call, RequestError>;
    /// The call for a watch.
    fn watch(&self, query: &WatchQuery) -> Result<Call, RequestError>;
    /// What a list of them is called.
    fn list_kind(&self) -> &'static str;
    /// Reads a page.
    fn page(&self, decoder: &mut AnyDecoder, json: &[u8]) -> Result<(ListMeta, Vec<Held>), DecodeError>;
    /// An object with nothing in it.
    fn empty(&self) -> Held;
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

    fn list_kind(&self) -> &'static str {
        K::LIST_KIND
    }

    fn page(&self, decoder: &mut AnyDecoder, json: &[u8]) -> Result<(ListMeta, Vec<Held>), DecodeError> {
        let list = decoder.json_list::<K>(json)?;
        Ok((list.metadata, list.items.into_iter().map(|object| Arc::new(object) as Held).collect()))
    }

    fn empty(&self) -> Held {
        Arc::new(K::default())
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
