//! Limits concurrent requests: a bounded number run, a bounded number wait, and the rest are refused at once.
//!
//! A request does not wait for long: by then its client has given up or sent it again.
//!
//! Unknown keys are looked up under a limit of their own. Anybody can make a well-formed key, and a flood of them must
//! not hold up valid ones.

use std::{num::NonZeroUsize, time::Duration};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use crate::{error::Error, settings::RequestSettings};

/// The limits of requests and of look-ups.
pub(crate) struct ConcurrencyLimit {
    requests: Lane,
    look_ups: Lane,
    suspect_look_ups: Lane,
}

struct Lane {
    turns: Semaphore,
    queue: Semaphore,
    queue_timeout: Duration,
}

impl ConcurrencyLimit {
    pub(crate) fn new(settings: &RequestSettings) -> Self {
        let lane = |turns: NonZeroUsize, queued| Lane {
            turns: Semaphore::new(turns.get()),
            queue: Semaphore::new(queued),
            queue_timeout: settings.queue_timeout,
        };
        Self {
            requests: lane(settings.concurrent, settings.queued),
            look_ups: lane(settings.look_ups, settings.queued_look_ups),
            suspect_look_ups: lane(settings.suspect_look_ups, settings.queued_suspect_look_ups),
        }
    }

    /// Refuses a request if all permits are taken and the queue is full.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let Lane { turns, queue, .. } = &self.requests;
        if turns.available_permits() > 0 || queue.available_permits() > 0 {
            Ok(())
        } else {
            Err(Error::Overloaded)
        }
    }

    /// Waits for a permit.
    pub(crate) async fn acquire(&self) -> Result<SemaphorePermit<'_>, Error> {
        self.requests.acquire().await
    }

    /// Waits for a permit to look up an unknown key. `suspect` says that too many authentications failed from its
    /// address.
    pub(crate) async fn acquire_look_up(
        &self,
        suspect: bool,
    ) -> Result<SemaphorePermit<'_>, Error> {
        let lane = if suspect {
            &self.suspect_look_ups
        } else {
            &self.look_ups
        };
        lane.acquire().await
    }
}

impl Lane {
    async fn acquire(&self) -> Result<SemaphorePermit<'_>, Error> {
        if let Ok(turn) = self.turns.try_acquire() {
            return Ok(turn);
        }
        let _queued = self.queue.try_acquire().map_err(|_| Error::Overloaded)?;
        match timeout(self.queue_timeout, self.turns.acquire()).await {
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

    fn limit() -> (RequestSettings, ConcurrencyLimit) {
        let settings = RequestSettings::default();
        let limit = ConcurrencyLimit::new(&settings);
        (settings, limit)
    }

    async fn acquire(
        limit: &ConcurrencyLimit,
        times: usize,
    ) -> Vec<Result<SemaphorePermit<'_>, Error>> {
        join_all((0..times).map(|_| limit.acquire())).await
    }

    #[tokio::test]
    async fn so_many_are_carried_out_so_many_wait_and_the_next_is_refused_at_once() {
        let (settings, limit) = limit();
        let turns = acquire(&limit, settings.concurrent.get()).await;
        assert!(turns.iter().all(Result::is_ok) && limit.check().is_ok());
        let queued = acquire(&limit, settings.queued);
        let next = async {
            assert!(limit.check().is_err());
            let began = Instant::now();
            assert!(limit.acquire().await.is_err());
            assert!(began.elapsed() < settings.queue_timeout / 2);
            drop(turns);
        };
        let (queued, ()) = tokio::join!(queued, next);
        let served = queued.iter().filter(|turn| turn.is_ok()).count();
        assert_eq!(served, settings.concurrent.get());
    }

    #[tokio::test]
    async fn nobody_waits_for_longer_than_the_queue_allows() {
        let (settings, limit) = limit();
        let _turns = acquire(&limit, settings.concurrent.get()).await;
        let began = Instant::now();
        assert!(matches!(limit.acquire().await, Err(Error::Overloaded)));
        assert!(began.elapsed() >= settings.queue_timeout);
        assert!(limit.check().is_ok());
    }

    #[tokio::test]
    async fn look_ups_take_nobodys_turn() {
        let (settings, limit) = limit();
        let look_ups = (0..settings.look_ups.get()).map(|_| limit.acquire_look_up(false));
        let _look_ups = join_all(look_ups).await;
        let suspects = (0..settings.suspect_look_ups.get()).map(|_| limit.acquire_look_up(true));
        let _suspects = join_all(suspects).await;
        let turns = acquire(&limit, settings.concurrent.get()).await;
        assert!(turns.iter().all(Result::is_ok));
        for suspect in [false, true] {
            let refused = limit.acquire_look_up(suspect).await;
            assert!(matches!(refused, Err(Error::Overloaded)));
        }
    }
}
