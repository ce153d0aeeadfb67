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
const PATIENCE: Duration = Duration::from_secs(1);

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

#[cfg(test)]
mod tests {
    use futures::future::join_all;
    use tokio::time::Instant;

    use super::*;

    #[tokio::test]
    async fn so_many_are_carried_out_so_many_wait_and_the_next_is_refused_at_once() {
        let load = Load::new();
        let turns: Vec<_> = join_all((0..AT_ONCE).map(|_| load.turn())).await;
        assert!(turns.iter().all(Result::is_ok) && load.check().is_ok());
        let queued = join_all((0..QUEUE).map(|_| load.turn()));
        let next = async {
            assert!(load.check().is_err());
            let began = Instant::now();
            assert!(load.turn().await.is_err());
            assert!(began.elapsed() < PATIENCE / 2);
            drop(turns);
        };
        let (queued, ()) = tokio::join!(queued, next);
        assert_eq!(queued.iter().filter(|turn| turn.is_ok()).count(), AT_ONCE);
    }

    #[tokio::test]
    async fn nobody_waits_for_longer_than_the_queue_allows() {
        let load = Load::new();
        let _turns: Vec<_> = join_all((0..AT_ONCE).map(|_| load.turn())).await;
        let began = Instant::now();
        assert!(matches!(load.turn().await, Err(Error::Overloaded)));
        assert!(began.elapsed() >= PATIENCE);
        assert!(load.check().is_ok());
    }
}
