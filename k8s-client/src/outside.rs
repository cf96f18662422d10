//! What policies take from outside, time and chance, so that tests need neither.

use std::hash::{BuildHasher as _, Hasher as _};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// Something to wait for.
pub(crate) type Waiting = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Time and chance.
pub(crate) trait Outside: Send + Sync + 'static {
    /// What deadlines are measured by.
    fn now(&self) -> Instant;
    /// What servers write into headers.
    fn date(&self) -> SystemTime;
    /// Ready at `until`, or at once if that has passed.
    fn wait(&self, until: Instant) -> Waiting;
    /// Any number, for ids: not for secrets.
    fn random(&self) -> u64;
    /// A number from 0 up to 1, to spread clients that would all come back at the same time.
    fn chance(&self) -> f64 {
        (self.random() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// The real ones.
pub(crate) fn real() -> Arc<dyn Outside> {
    Arc::new(Real)
}

struct Real;

impl Outside for Real {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn date(&self) -> SystemTime {
        SystemTime::now()
    }

    fn wait(&self, until: Instant) -> Waiting {
        // Made when it is polled, which is inside a runtime.
        Box::pin(async move { tokio::time::sleep_until(until.into()).await })
    }

    fn random(&self) -> u64 {
        // The standard library's hasher is seeded by the system: enough to spread clients, and no further crate.
        std::hash::RandomState::new().build_hasher().finish()
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! Time that passes only when everything waits for it.

    use std::collections::BTreeMap;
    use std::pin::pin;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Mutex};
    use std::task::{Context, Poll, Wake, Waker};
    use std::time::{Duration, Instant, SystemTime};

    use super::{Outside, Waiting};

    pub(crate) struct Virtual {
        start: Instant,
        state: Mutex<State>,
    }

    struct State {
        passed: Duration,
        /// Who waits until when; the number keeps two that wait for the same time apart.
        sleepers: BTreeMap<(Duration, u64), Waker>,
        next: u64,
        /// What chance gives, in turn; then a half for ever.
        chances: Vec<f64>,
    }

    impl Virtual {
        pub(crate) fn new() -> Arc<Virtual> {
            let state =
                State { passed: Duration::ZERO, sleepers: BTreeMap::new(), next: 0, chances: Vec::new() };
            Arc::new(Virtual { start: Instant::now(), state: Mutex::new(state) })
        }

        pub(crate) fn chances(self: &Arc<Self>, chances: &[f64]) {
            self.state.lock().unwrap().chances = chances.iter().rev().copied().collect();
        }

        /// How much time has passed.
        pub(crate) fn passed(&self) -> Duration {
            self.state.lock().unwrap().passed
        }

        pub(crate) fn after(&self, duration: Duration) -> Instant {
            self.start + duration
        }

        /// Runs `future`; when it waits, the clock goes on to whatever comes first.
        pub(crate) fn run<T>(&self, future: impl Future<Output = T>) -> T {
            struct Woken(AtomicBool);
            impl Wake for Woken {
                fn wake(self: Arc<Self>) {
                    self.0.store(true, Ordering::SeqCst);
                }
            }
            let woken = Arc::new(Woken(AtomicBool::new(true)));
            let waker = Waker::from(woken.clone());
            let mut future = pin!(future);
            loop {
                if woken.0.swap(false, Ordering::SeqCst) {
                    if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                        return value;
                    }
                    continue;
                }
                let mut state = self.state.lock().unwrap();
                let next = state.sleepers.pop_first();
                state.passed = next.as_ref().map_or(state.passed, |((at, _), _)| state.passed.max(*at));
                // A panic with the lock held would be one in each `drop` that follows.
                drop(state);
                next.expect("everything waits for nothing").1.wake();
            }
        }
    }

    /// A handle, since a future must not borrow the clock.
    pub(crate) struct Handle(pub(crate) Arc<Virtual>);

    impl Outside for Handle {
        fn now(&self) -> Instant {
            self.0.start + self.0.passed()
        }

        fn date(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000) + self.0.passed()
        }

        fn wait(&self, until: Instant) -> Waiting {
            let clock = self.0.clone();
            let until = until.saturating_duration_since(clock.start);
            let id = {
                let mut state = clock.state.lock().unwrap();
                state.next += 1;
                state.next
            };
            let gone = Gone(clock.clone(), (until, id));
            Box::pin(std::future::poll_fn(move |cx| {
                let _ = &gone;
                let mut state = clock.state.lock().unwrap();
                if state.passed >= until {
                    return Poll::Ready(());
                }
                state.sleepers.insert((until, id), cx.waker().clone());
                Poll::Pending
            }))
        }

        fn random(&self) -> u64 {
            let mut state = self.0.state.lock().unwrap();
            state.next += 1;
            state.next
        }

        fn chance(&self) -> f64 {
            self.0.state.lock().unwrap().chances.pop().unwrap_or(0.5)
        }
    }

    /// Nobody waits any more once the future is dropped.
    struct Gone(Arc<Virtual>, (Duration, u64));

    impl Drop for Gone {
        fn drop(&mut self) {
            self.0.state.lock().unwrap().sleepers.remove(&self.1);
        }
    }
}
