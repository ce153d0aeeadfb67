//! Time and chance, which tests bring along themselves.

use std::{fmt::Debug, future::Future, pin::Pin, time::Duration};

use jiff::Timestamp;

pub(crate) trait Environment: Debug + Send + Sync {
    fn now(&self) -> Timestamp;

    /// A number from 0 to 1.
    fn random(&self) -> f64;

    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// The clock of this machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Real;

impl Environment for Real {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn random(&self) -> f64 {
        fastrand::f64()
    }

    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(time))
    }
}
