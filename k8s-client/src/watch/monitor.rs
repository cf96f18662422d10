//! How a watch is doing, for whoever asks.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::machine::Health;
use crate::outside::Outside;

/// Says how a watch is doing. Clones are cheap and say the same; one may outlive the watch, and then says how it was.
#[derive(Clone)]
pub struct Monitor {
    health: watch::Receiver<Health>,
    outside: Arc<dyn Outside>,
}

impl Monitor {
    pub(crate) fn new(health: watch::Receiver<Health>, outside: Arc<dyn Outside>) -> Monitor {
        Monitor { health, outside }
    }

    /// How it is doing.
    pub fn health(&self) -> Health {
        self.health.borrow().clone()
    }

    /// Whether everything is known that the server had so long ago: [`Health::fresh_within`] now, for a readiness gate.
    pub fn fresh_within(&self, within: Duration) -> bool {
        self.health.borrow().fresh_within(within, self.outside.now())
    }

    /// Waits for a state of health; false if the watch ends before it comes.
    ///
    /// ```no_run
    /// # async fn f(client: k8s_client::Client) {
    /// let pods = client.all::<k8s_api::core::v1::Pod>().watch().events();
    /// let monitor = pods.monitor();
    /// tokio::spawn(async move {
    ///     if monitor.until(|health| health.failure.is_some()).await {
    ///         eprintln!("{:?}", monitor.health().failure);
    ///     }
    /// });
    /// # }
    /// ```
    pub async fn until(&self, mut condition: impl FnMut(&Health) -> bool) -> bool {
        self.health.clone().wait_for(|health| condition(health)).await.is_ok()
    }
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Monitor").field(&*self.health.borrow()).finish()
    }
}
