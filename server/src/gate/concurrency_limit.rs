//! How many requests are carried out at once: so many, then a short queue, then a refusal that costs nothing.
//!
//! Whoever waits for longer than the queue allows would wait in vain: its client has given up, or asks again.
//!
//! Keys that nobody knows yet are looked up beside that, in lanes of their own with little room: anybody can make a
//! well-formed key, and a flood of them must not use up the turns of good ones.

use std::time::Duration;

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use crate::error::Error;

/// More than the database has connections for, so that it never runs idle.
const MAX_REQUESTS: usize = 64;

/// At a few milliseconds a request, most of the queue is served before its patience ends.
const MAX_QUEUED_REQUESTS: usize = 256;

/// How long a request may stay in the queue.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(1);

/// How many keys are looked up at once that were not good a moment ago, and how many wait for it.
const MAX_LOOK_UPS: usize = 32;
const MAX_QUEUED_LOOK_UPS: usize = 256;

/// The same for addresses that have failed too often. A good key may come from there too, and gets its turn.
const MAX_SUSPECT_LOOK_UPS: usize = 4;
const MAX_QUEUED_SUSPECT_LOOK_UPS: usize = 64;

/// The requests that are carried out, and those that wait for it.
pub(crate) struct ConcurrencyLimit {
    work: Lane,
    look_ups: Lane,
    suspects: Lane,
}

struct Lane {
    at_once: Semaphore,
    queue: Semaphore,
}

impl ConcurrencyLimit {
    pub(crate) fn new() -> Self {
        Self {
            work: Lane::new(MAX_REQUESTS, MAX_QUEUED_REQUESTS),
            look_ups: Lane::new(MAX_LOOK_UPS, MAX_QUEUED_LOOK_UPS),
            suspects: Lane::new(MAX_SUSPECT_LOOK_UPS, MAX_QUEUED_SUSPECT_LOOK_UPS),
        }
    }

    /// Refuses early what would be refused anyway: there is no place in the queue.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.work.at_once.available_permits() > 0 || self.work.queue.available_permits() > 0 {
            Ok(())
        } else {
            Err(Error::Overloaded)
        }
    }

    /// Waits for its turn, which lasts as long as what this returns.
    pub(crate) async fn acquire(&self) -> Result<SemaphorePermit<'_>, Error> {
        self.work.enter().await
    }

    /// Waits until a key that is not known yet may be looked up; `suspect` when it comes from an address that has
    /// failed too often.
    pub(crate) async fn acquire_look_up(
        &self,
        suspect: bool,
    ) -> Result<SemaphorePermit<'_>, Error> {
        let lane = if suspect {
            &self.suspects
        } else {
            &self.look_ups
        };
        lane.enter().await
    }
}

impl Lane {
    fn new(at_once: usize, queue: usize) -> Self {
        Self {
            at_once: Semaphore::new(at_once),
            queue: Semaphore::new(queue),
        }
    }

    async fn enter(&self) -> Result<SemaphorePermit<'_>, Error> {
        if let Ok(turn) = self.at_once.try_acquire() {
            return Ok(turn);
        }
        let _place = self.queue.try_acquire().map_err(|_| Error::Overloaded)?;
        match timeout(QUEUE_TIMEOUT, self.at_once.acquire()).await {
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
        let limit = ConcurrencyLimit::new();
        let turns: Vec<_> = join_all((0..MAX_REQUESTS).map(|_| limit.acquire())).await;
        assert!(turns.iter().all(Result::is_ok) && limit.check().is_ok());
        let queued = join_all((0..MAX_QUEUED_REQUESTS).map(|_| limit.acquire()));
        let next = async {
            assert!(limit.check().is_err());
            let began = Instant::now();
            assert!(limit.acquire().await.is_err());
            assert!(began.elapsed() < QUEUE_TIMEOUT / 2);
            drop(turns);
        };
        let (queued, ()) = tokio::join!(queued, next);
        assert_eq!(
            queued.iter().filter(|turn| turn.is_ok()).count(),
            MAX_REQUESTS
        );
    }

    #[tokio::test]
    async fn nobody_waits_for_longer_than_the_queue_allows() {
        let limit = ConcurrencyLimit::new();
        let _turns: Vec<_> = join_all((0..MAX_REQUESTS).map(|_| limit.acquire())).await;
        let began = Instant::now();
        assert!(matches!(limit.acquire().await, Err(Error::Overloaded)));
        assert!(began.elapsed() >= QUEUE_TIMEOUT);
        assert!(limit.check().is_ok());
    }

    #[tokio::test]
    async fn look_ups_take_nobodys_turn() {
        let limit = ConcurrencyLimit::new();
        let _look_ups = join_all((0..MAX_LOOK_UPS).map(|_| limit.acquire_look_up(false))).await;
        let _suspects =
            join_all((0..MAX_SUSPECT_LOOK_UPS).map(|_| limit.acquire_look_up(true))).await;
        let turns = join_all((0..MAX_REQUESTS).map(|_| limit.acquire())).await;
        assert!(turns.iter().all(Result::is_ok));
        for suspect in [false, true] {
            let refused = limit.acquire_look_up(suspect).await;
            assert!(matches!(refused, Err(Error::Overloaded)));
        }
    }
}
