//! What an informer keeps of objects.

use k8s_api::path::PathError;
use k8s_api::request::verb;

use super::builder::Informer;
use crate::error::{Error, Result};

impl<K: verb::List + verb::Watch> Informer<K> {
    /// Passes over fields while decoding, as [`Decoder::prune`](k8s_api::codec::Decoder::prune).
    pub fn prune<P: AsRef<str>>(&mut self, paths: impl IntoIterator<Item = P>) -> Result<&mut Self> {
        let wrong = |error: PathError| Error::request("nothing to prune").caused(error);
        self.decoder = self.decoder.clone().prune(paths).map_err(wrong)?;
        Ok(self)
    }

    /// Passes over who set which field: half the bytes of many objects.
    pub fn without_managed_fields(&mut self) -> &mut Self {
        self.decoder = self.decoder.clone().without_managed_fields();
        self
    }

    /// Passes over the annotation in which `kubectl apply` keeps the object a second time.
    pub fn without_last_applied(&mut self) -> &mut Self {
        self.decoder = self.decoder.clone().without_last_applied();
        self
    }

    /// Changes every object before anybody sees it, as [`Decoder::transform`](k8s_api::codec::Decoder::transform): one whose name, namespace,
    /// uid or version it changes is quarantined.
    pub fn transform(&mut self, change: impl Fn(&mut K) + Send + Sync + 'static) -> &mut Self {
        self.decoder = self.decoder.clone().transform(change);
        self
    }
}
