//! How a connection is made: a layer around what reqwest does.
//!
//! Of HTTP/2, hyper makes one connection and lets the calls that come meanwhile wait for it. If it comes to nothing it tells them
//! that they were cancelled; the reason, which is theirs too, is kept here.

use std::cell::Cell;
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::client::legacy::connect::Connection;
use k8s_api::transport::BoxError;
use tower_layer::Layer;
use tower_service::Service;

use super::connections::{Counter, Counters};

tokio::task_local! {
    /// The call that a connection is made for. hyper begins to dial inside of the call that needs it.
    pub(super) static CALL: Dialler;
}

pub(super) struct Dialler {
    /// How many attempts had failed when the call was sent.
    failures: u64,
    waited: Cell<bool>,
    dialled: Cell<bool>,
}

impl Dialler {
    /// For a call that may have waited before.
    pub(super) fn new(dial: &Dial, waited: bool) -> Dialler {
        let failures = dial.failures.load(Ordering::SeqCst);
        let waits = dial.is_awaited();
        if waits && !waited {
            dial.counters.waited.up();
        }
        let waited = waits || waited;
        Dialler { failures, waited: Cell::new(waited), dialled: Cell::new(false) }
    }

    fn dials(&self, dial: &Dial) {
        self.dialled.set(true);
        if !self.waited.replace(true) {
            dial.counters.waited.up();
        }
    }

    /// Whether a connection was begun for it.
    pub(super) fn has_dialled(&self) -> bool {
        self.dialled.get()
    }
}

/// What is common to the attempts of one reqwest client.
pub(super) struct Dial {
    counters: Arc<Counters>,
    /// Nothing else will do.
    http_2: bool,
    limit: Duration,
    /// Attempts that are under way.
    now: Counter,
    failures: AtomicU64,
    last: Mutex<Option<Arc<BoxError>>>,
}

impl Dial {
    pub(super) fn new(counters: Arc<Counters>, http_2: bool, limit: Duration) -> Dial {
        let (now, failures) = (Counter::default(), AtomicU64::new(0));
        Dial { counters, http_2, limit, now, failures, last: Mutex::default() }
    }

    /// Whether a call that comes now waits for what another has begun.
    pub(super) fn is_awaited(&self) -> bool {
        self.http_2 && self.now.get() > 0
    }

    /// Why a call that waited has no connection. Without a reason, whoever dialled has given up.
    pub(super) fn failed(&self, since: &Dialler) -> Option<Arc<BoxError>> {
        if self.failures.load(Ordering::SeqCst) == since.failures {
            return None;
        }
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn fail(&self, error: BoxError) -> BoxError {
        if !self.http_2 {
            return error;
        }
        let error = Arc::new(error);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
        self.failures.fetch_add(1, Ordering::SeqCst);
        Box::new(Shared(error))
    }
}

#[derive(Clone)]
pub(super) struct DialLayer(pub(super) Arc<Dial>);

impl<S> Layer<S> for DialLayer {
    type Service = Dialling<S>;

    fn layer(&self, inner: S) -> Dialling<S> {
        Dialling { inner, dial: self.0.clone() }
    }
}

#[derive(Clone)]
pub(super) struct Dialling<S> {
    inner: S,
    dial: Arc<Dial>,
}

impl<S, To> Service<To> for Dialling<S>
where
    S: Service<To, Error = BoxError>,
    S::Response: Connection + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, to: To) -> Self::Future {
        // It is not there when hyper dials for nobody in particular.
        let _ = CALL.try_with(|call| call.dials(&self.dial));
        let mut attempt = Attempt::new(self.dial.clone());
        let connecting = self.inner.call(to);
        Box::pin(async move {
            let late = |_| Err(io::Error::from(io::ErrorKind::TimedOut).into());
            let dial = attempt.dial.clone();
            let connection = tokio::time::timeout(dial.limit, connecting)
                .await
                .unwrap_or_else(late)
                .map_err(|e| dial.fail(e))?;
            attempt.succeeded();
            if dial.http_2 && !connection.connected().is_negotiated_h2() {
                return Err(dial.fail(NotHttp2.into()));
            }
            Ok(connection)
        })
    }
}

/// Counts an attempt however it ends.
struct Attempt {
    dial: Arc<Dial>,
    made: bool,
}

impl Attempt {
    fn new(dial: Arc<Dial>) -> Attempt {
        dial.now.up();
        dial.counters.dialling.up();
        Attempt { dial, made: false }
    }

    fn succeeded(&mut self) {
        self.made = true;
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let Dial { now, counters, .. } = &*self.dial;
        now.down();
        counters.dialling.down();
        if self.made { counters.made.up() } else { counters.failed.up() }
    }
}

/// A failure that others have, too.
#[derive(Debug)]
pub(super) struct Shared(pub(super) Arc<BoxError>);

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl StdError for Shared {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&**self.0)
    }
}

/// The server has chosen another protocol.
#[derive(Debug)]
pub(super) struct NotHttp2;

impl fmt::Display for NotHttp2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server speaks no HTTP/2")
    }
}

impl StdError for NotHttp2 {}
