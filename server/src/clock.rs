//! The only place that reads the machine's clocks, so that limits and expiry are tested without a sleep.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use governor::nanos::Nanos;
use jiff::Timestamp;
use parking_lot::Mutex;

/// What time it is, and how much of it has passed.
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
    /// The machine's clocks.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the place they are allowed in"
    )]
    pub fn system() -> Self {
        Self(Source::System {
            started: Instant::now(),
        })
    }

    /// A clock that stands still until it is moved.
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
        reason = "this is the place they are allowed in"
    )]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System { .. } => Timestamp::now(),
            Source::Manual(manual) => manual.lock().now,
        }
    }

    /// The time since this clock was made; it never goes back, whatever happens to the time of day.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        match &self.0 {
            Source::System { started } => started.elapsed(),
            Source::Manual(manual) => manual.lock().elapsed,
        }
    }

    /// Sets the time of day of a manual clock, as people and NTP do with a machine's: no time passes by that.
    pub fn set(&self, now: Timestamp) {
        if let Source::Manual(manual) = &self.0 {
            manual.lock().now = now;
        }
    }

    /// Moves a manual clock on; the machine's goes its own way.
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
