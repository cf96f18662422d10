//! What keeps the watches of a cache going.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::hub::Hub;

/// Held by all who need the watches: handles, subscriptions, handlers. With the last of them the watches end.
pub(super) struct Core {
    pub(super) hub: Arc<Hub>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    /// Who listens to it has something to finish once there is nothing more to come.
    finishing: watch::Sender<()>,
}

pub(super) const STOPPED: &str = "it was stopped";

impl Core {
    pub(super) fn new(hub: Arc<Hub>) -> Core {
        Core { hub, tasks: Mutex::default(), finishing: watch::Sender::new(()) }
    }

    pub(super) fn run(&self, watches: impl IntoIterator<Item = JoinHandle<()>>) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).extend(watches);
    }

    /// Held for as long as [`stop`](Self::stop) has to wait.
    pub(super) fn busy(&self) -> watch::Receiver<()> {
        self.finishing.subscribe()
    }

    pub(super) async fn stop(&self) {
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        self.hub.end(STOPPED);
        tasks.iter().for_each(JoinHandle::abort);
        for task in tasks {
            // What it ended with: being stopped, or a panic, which was told.
            let _ = task.await;
        }
        self.finishing.closed().await;
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.hub.end(STOPPED);
        let tasks = self.tasks.get_mut().unwrap_or_else(PoisonError::into_inner);
        tasks.iter().for_each(JoinHandle::abort);
    }
}
