//! Clock and randomness, which tests replace.

use std::{fmt::Debug, future::Future, pin::Pin, sync::LazyLock, time::Duration};

use jiff::Timestamp;
use tokio::time::Instant;

pub(crate) trait Environment: Debug + Send + Sync {
    fn now(&self) -> Timestamp;

    /// A monotonic clock.
    fn elapsed(&self) -> Duration;

    /// A number from 0 to 1.
    fn random(&self) -> f64;

    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// The clock of this machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Real;

static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Environment for Real {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn elapsed(&self) -> Duration {
        STARTED.elapsed()
    }

    fn random(&self) -> f64 {
        fastrand::f64()
    }

    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(time))
    }
}
