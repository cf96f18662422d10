//! One object, and each of its states.

use std::sync::Arc;

use k8s_api::Resource;
use k8s_api::codec::json;
use k8s_api::request::verb;

use super::builder::Informer;
use super::event::Event;
use super::handler::Handler;
use crate::api::Api;

impl<K: verb::List + verb::Watch> Api<K> {
    /// Calls `handler` for the object of this name as it is, and then at once for each change of its content, in order, for as
    /// long as the returned [`Handler`] is held. None says that there is no such object.
    ///
    /// No change of the content is passed over, however many come while a call is under way. Content is everything but
    /// `resourceVersion` and `managedFields`, and it is the content that is compared: of kinds with and without a generation, a
    /// change of the status is one, and a state that was only written or read again is none. Only states that the server itself has
    /// forgotten (410) before they were read are lost.
    ///
    /// ```no_run
    /// # fn f(client: k8s_client::Client) {
    /// use std::sync::Arc;
    /// use k8s_api::core::v1::ConfigMap;
    ///
    /// let configs = client.namespaced::<ConfigMap>("web");
    /// let handler = configs.on_content("settings", async |config: Option<Arc<ConfigMap>>| match config {
    ///     Some(config) => println!("{} settings", config.data.len()),
    ///     None => println!("no settings"),
    /// });
    /// # }
    /// ```
    pub fn on_content<F, Fut>(&self, name: &str, mut handler: F) -> Handler
    where
        F: FnMut(Option<Arc<K>>) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let mut informer = Informer::new(self.clone());
        informer.only(name);
        let mut told = Told::default();
        // Every state is told one by one.
        informer.start().subscribe().capacity(usize::MAX).on_event(move |event| {
            let state = match event {
                Event::Applied(object) | Event::Redelivered(object) => Some(Some(object)),
                Event::Deleted(_) | Event::Released(_) => Some(None),
                // What was not told by then is not there.
                Event::Synced | Event::Resynced { .. } => (!told.any).then_some(None),
            };
            let state = state.filter(|state| !told.is_known(state.as_deref()));
            let calling = state.map(&mut handler);
            async move {
                if let Some(calling) = calling {
                    calling.await;
                }
            }
        })
    }
}

/// What was told last.
#[derive(Default)]
struct Told {
    any: bool,
    content: Option<Vec<u8>>,
}

impl Told {
    /// Whether this was told last; from now on it was.
    fn is_known<K: Resource>(&mut self, state: Option<&K>) -> bool {
        let content = state.map(content);
        let known = self.any && self.content == content;
        // What can't be written can't be compared either.
        let known = known && content.as_ref().is_none_or(|content| !content.is_empty());
        (self.any, self.content) = (true, content);
        known
    }
}

fn content<K: Resource>(object: &K) -> Vec<u8> {
    let mut object = object.clone();
    object.metadata_mut().resource_version = Default::default();
    object.metadata_mut().managed_fields.clear();
    json::encode(&object).unwrap_or_default()
}
