//! The only module that reads the system clock, so that tests of limits and expiry need not sleep.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use governor::nanos::Nanos;
use jiff::Timestamp;
use parking_lot::Mutex;

/// A source of the time of day and of elapsed time.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System { started: Instant },
    Manual(Arc<Mutex<Manual>>),
}

#[derive(Debug)]
struct Manual {
    now: Timestamp,
    elapsed: Duration,
}

impl Clock {
    /// The system clock.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the only module that may read the clock"
    )]
    pub fn system() -> Self {
        Self(Source::System {
            started: Instant::now(),
        })
    }

    /// A manual clock, which stands still until it is moved.
    #[must_use]
    pub fn manual(now: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(Mutex::new(Manual {
            now,
            elapsed: Duration::ZERO,
        }))))
    }

    /// The time of day.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the only module that may read the clock"
    )]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System { .. } => Timestamp::now(),
            Source::Manual(manual) => manual.lock().now,
        }
    }

    /// The time since this clock was created. It is monotonic: a change of the time of day does not affect it.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        match &self.0 {
            Source::System { started } => started.elapsed(),
            Source::Manual(manual) => manual.lock().elapsed,
        }
    }

    /// Sets the time of day of a manual clock. The elapsed time does not change.
    pub fn set(&self, now: Timestamp) {
        if let Source::Manual(manual) = &self.0 {
            manual.lock().now = now;
        }
    }

    /// Advances a manual clock. It has no effect on the system clock.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(manual) = &self.0 {
            let mut manual = manual.lock();
            manual.elapsed += by;
            manual.now = manual.now.saturating_add(by).unwrap_or(Timestamp::MAX);
        }
    }
}

impl governor::clock::Clock for Clock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.elapsed().into()
    }
}
