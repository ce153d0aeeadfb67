//! How many requests are carried out at once: so many, then a short queue, then a refusal that costs nothing.
//!
//! Whoever waits for longer than the queue allows would wait in vain: its client has given up, or asks again.

use std::time::Duration;

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use crate::reply::Error;

/// More than the database has connections for, so that it never runs idle.
const AT_ONCE: usize = 64;

/// At a few milliseconds a request, most of the queue is served before its patience ends.
const QUEUE: usize = 256;

/// How long a request may stay in the queue.
const PATIENCE: Duration = Duration::from_secs(2);

/// The requests that are carried out, and those that wait for it.
pub(crate) struct Load {
    at_once: Semaphore,
    queue: Semaphore,
}

impl Load {
    pub(crate) fn new() -> Self {
        Self {
            at_once: Semaphore::new(AT_ONCE),
            queue: Semaphore::new(QUEUE),
        }
    }

    /// Refuses early what would be refused anyway: there is no place in the queue.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.at_once.available_permits() > 0 || self.queue.available_permits() > 0 {
            Ok(())
        } else {
            Err(Error::Overloaded)
        }
    }

    /// Waits for its turn, which lasts as long as what this returns.
    pub(crate) async fn turn(&self) -> Result<SemaphorePermit<'_>, Error> {
        if let Ok(turn) = self.at_once.try_acquire() {
            return Ok(turn);
        }
        let _place = self.queue.try_acquire().map_err(|_| Error::Overloaded)?;
        match timeout(PATIENCE, self.at_once.acquire()).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(Error::Overloaded),
        }
    }
}
