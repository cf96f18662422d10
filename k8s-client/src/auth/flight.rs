//! One run of a piece of work for everybody who needs it at the same time.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::Shared;

type Run<T> = Shared<Pin<Box<dyn Future<Output = Result<T, Ended>> + Send>>>;

/// Why there is no result.
#[derive(Clone)]
enum Ended {
    /// In words for all who waited.
    Failed(Arc<str>),
    /// The runtime that it ran in has ended; another one can try.
    Gone,
}

pub(super) struct Flight<T: Clone>(Mutex<Option<(u64, Run<T>)>>);

impl<T: Clone + Send + Sync + 'static> Flight<T> {
    pub(super) const fn new() -> Flight<T> {
        Flight(Mutex::new(None))
    }

    /// The result of the run that is on its way, or of a new one.
    ///
    /// The run goes on when a caller no longer waits: others may, and half of a login is of no use.
    pub(super) async fn join<F>(&self, start: impl Fn() -> F) -> Result<T, Arc<str>>
    where
        F: Future<Output = Result<T, String>> + Send + 'static,
    {
        loop {
            let (number, run) = self.board(&start);
            let result = run.await;
            let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if current.as_ref().is_some_and(|(current, _)| *current == number) {
                *current = None;
            }
            match result {
                Ok(value) => return Ok(value),
                Err(Ended::Failed(why)) => return Err(why),
                Err(Ended::Gone) => {}
            }
        }
    }

    fn board<F>(&self, start: impl Fn() -> F) -> (u64, Run<T>)
    where
        F: Future<Output = Result<T, String>> + Send + 'static,
    {
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(current) = &*current {
            return current.clone();
        }
        static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let task = tokio::spawn(start());
        let run: Pin<Box<dyn Future<Output = Result<T, Ended>> + Send>> = Box::pin(async move {
            match task.await {
                Ok(Ok(value)) => Ok(value),
                Ok(Err(why)) => Err(Ended::Failed(why.into())),
                Err(error) if error.is_cancelled() => Err(Ended::Gone),
                Err(_) => Err(Ended::Failed("it ended in a panic".into())),
            }
        });
        let new = (number, run.shared());
        *current = Some(new.clone());
        new
    }
}
